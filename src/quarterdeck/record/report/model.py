"""What a report says, as data: everything that a Markdown or HTML record shows and the JSON record holds.

Frozen structs without behaviour. All times are epoch seconds on the session's clock, spans are seconds, None is
unknown or not there. Texts are as people and programs wrote them: whoever shows them escapes them. Filled by
`build`; read by the formats.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.session.parts import Proof, Verdict

__all__ = [
    "Attempt", "CheckRow", "DeviationRow", "Evidence", "FileRow", "GapRow", "Health", "Line", "Mark", "Material",
    "Output", "Person", "PlanPart", "PollRow", "RiskRow", "RollbackPart", "RollbackRow", "Series", "SignOffRow",
    "Span", "StepRow", "Stop", "TargetHealth", "Tone",
]  # fmt: skip

Tone = Literal["good", "warn", "bad", "live", "calm"]
"""How a word is meant: `good` as planned, `warn` needs an eye, `bad` failed, `live` going on, `calm` neither."""


class Span(Struct, frozen=True):
    """From when to when; None is open."""

    start: float | None = None
    end: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long, where both ends are known."""
        return None if self.start is None or self.end is None else self.end - self.start


class Attempt(Struct, frozen=True):
    """One try at a step."""

    number: int
    by: str
    span: Span
    outcome: str
    """How its command ended (`exited`, `terminated` …); empty where there was none."""
    exit_code: int | None


class StepRow(Struct, frozen=True):
    """A step: what was approved, what was forecast, what was done."""

    id: str
    number: str
    """As people call it: `4`, `P1` (precondition), `R2` (rollback), `C1`, `E1` (closing), `+` for an added one."""
    title: str
    part: str
    """`preconditions, stages, undo, verify, contingency, closing`."""
    stage: str
    owner: str
    kind: str
    planned_seconds: float
    planned: Span
    """At Start, or when the rollback was committed."""
    forecast: Span
    """As it was forecast when the step before it in time started."""
    actual: Span
    attempts: tuple[Attempt, ...]
    by: str
    state: str
    word: str
    """The state for people: `done`, `done by hand`, `not run`, `interrupted, undone` …"""
    tone: Tone
    effect: str
    note: str
    """Why, where it went another way."""
    values: dict[str, str]
    proofs: tuple[Proof, ...]
    added: bool
    undoes: str
    """Title of the step that it takes back."""
    no_return: bool
    """It is the point of no return."""


class DeviationRow(Struct, frozen=True):
    """What went another way than the plan (R16)."""

    weight: Literal["exception", "noted"]
    what: str
    step: str
    who: str
    at: float
    why: str


class Mark(Struct, frozen=True):
    """A moment or a span that pictures draw over all rows."""

    kind: Literal["start", "halt", "pause", "rollback", "proposal", "no_return", "end", "window_end", "crash"]
    at: float
    until: float | None
    text: str


class Stop(Struct, frozen=True):
    """A halt, a pause or a guard's proposal, and what became of it."""

    kind: Literal["halt", "pause", "proposal"]
    at: float
    until: float | None
    who: str
    why: str
    answer: str
    """How it ended, for a person."""


class RollbackRow(Struct, frozen=True):
    """One row of the frozen list, and what became of it."""

    number: int
    title: str
    undoes: str
    """Title of the step that it takes back; empty for verification."""
    owner: str
    effect: str
    """Of the step that it takes back, when the rollback was committed."""
    planned_seconds: float
    actual: Span
    by: str
    word: str
    tone: Tone
    note: str


class RollbackPart(Struct, frozen=True):
    """The rollback: its list, its effects, its exceptions."""

    at: float
    by: str
    letters: str
    waiver: str
    planned_seconds: float
    span: Span
    """From the commit to the end of its last row."""
    rows: tuple[RollbackRow, ...]
    stays: tuple[tuple[str, str], ...]
    """Step and the planned reason why nothing is taken back."""
    left_out: tuple[tuple[str, str], ...]
    """Step and why it is not in the list."""
    exceptions: tuple[DeviationRow, ...]


class PollRow(Struct, frozen=True):
    """One answer to a go/no-go poll, or its end."""

    poll: str
    question: str
    attempt: int
    role: str
    answer: str
    by: str
    at: float
    comment: str
    tone: Tone


class SignOffRow(Struct, frozen=True):
    """A sign-off: printed name, time and meaning."""

    step: str
    role: str
    by: str
    at: float
    meaning: str
    note: str


class Series(Struct, frozen=True):
    """One metric over time."""

    metric: str
    """After the target: `latency`, `value[…]`."""
    unit: str
    points: tuple[tuple[float, float | None], ...]
    """Thinned out so that extremes stay; None ends a line (nothing sound was read)."""
    count: int
    """Readings before thinning."""
    low: float
    p50: float
    p95: float
    high: float
    last: float
    warning: float | None
    """Bands of the procedure, in `unit`."""
    critical: float | None

    @property
    def flat(self) -> bool:
        """Nothing to draw: it never changed."""
        return self.low == self.high


class TargetHealth(Struct, frozen=True, omit_defaults=True):
    """What was seen of one target."""

    target: str
    title: str
    kind: str
    statuses: tuple[tuple[float, float, str], ...]
    """From, until, status."""
    series: tuple[Series, ...]
    critical: float
    """Seconds of critical from Start to the end, expected outages included."""
    down: float
    """Seconds of critical outside expected outages."""
    watched: float
    """Share of the time with a known status, 0 to 1."""
    expected: tuple[tuple[float, float, str], ...]
    """Expected outages: from, until, step."""
    readings: int
    lull: float | None = None
    """Where there are very many statuses: seconds below which a lull in what is worse is left out of them."""


class Health(Struct, frozen=True):
    """All that was observed."""

    span: Span
    targets: tuple[TargetHealth, ...]
    boundaries: tuple[tuple[float, str, str], ...]
    """Where steps began: when, number, title."""


class FileRow(Struct, frozen=True):
    """A file of the record."""

    name: str
    sha256: str
    length: int
    present: bool
    """False: missing or changed in the session's folder, so that it is not in the record."""


class Output(Struct, frozen=True):
    """A command's run and what it wrote."""

    step: str
    attempt: int
    at: float
    argv: tuple[str, ...]
    shell: bool
    host: str
    ending: str
    left_behind: tuple[str, ...]
    """What it left running and nobody declared, as `pid owner command`."""
    left_became: str
    """What became of that, for a person; empty where nothing was left."""
    stays: tuple[str, ...]
    """What it left running as declared."""
    tone: Tone
    file: FileRow | None
    cut: int
    """Bytes of output that were never kept."""
    excerpt: str
    left_out: str
    """What of the kept output is not shown in `excerpt`, for a person; empty where all is."""


class Evidence(Struct, frozen=True):
    """What somebody kept as evidence."""

    step: str
    at: float
    by: str
    text: str
    files: tuple[FileRow, ...]


class Person(Struct, frozen=True):
    """Who took part."""

    login: str
    roles: tuple[str, ...]
    hosts: tuple[str, ...]
    vias: tuple[str, ...]
    first: float
    last: float
    acts: int


class RiskRow(Struct, frozen=True):
    """A row of the risk assessment."""

    risk: str
    likelihood: str
    impact: str
    mitigation: str
    contingency: str


class CheckRow(Struct, frozen=True):
    """A checklist item as it was answered."""

    title: str
    owner: str
    ticked: bool
    by: str
    at: float | None
    read: str
    note: str


class GapRow(Struct, frozen=True):
    """Where the record or the watching has a hole."""

    at: float | None
    what: str
    text: str
    tone: Tone


class Line(Struct, frozen=True):
    """One event in one sentence."""

    at: float
    by: str
    text: str
    level: str
    id: str


class PlanPart(Struct, frozen=True):
    """What was approved."""

    procedure: str
    revision: int
    hash: str
    path: str
    params: dict[str, str]
    revisions: tuple[tuple[float, str, str], ...]
    """When, by whom, hash."""
    text: str


class Material(Struct, frozen=True):
    """Everything that a report shows, in a report's order."""

    session: str
    title: str
    purpose: str
    change: str
    outcome: str
    """The session's state, as session-rules.md names it."""
    headline: str
    """The same for people, in capitals."""
    tone: Tone
    summary: str
    live: bool
    exported: float
    jsonl_sha256: str
    heads: dict[str, tuple[int, str]]
    reviewed: bool
    offset: int
    """Minutes east of UTC where the session was led."""
    lead: str
    window: Span
    reserve: float
    assumed_window: bool
    span: Span
    """From Start to the end, or to now."""
    worked: float
    """Seconds without pauses and halts."""
    deviations: tuple[DeviationRow, ...]
    """Exceptions first."""
    plan: PlanPart | None
    steps: tuple[StepRow, ...]
    marks: tuple[Mark, ...]
    stops: tuple[Stop, ...]
    rollback: RollbackPart | None
    polls: tuple[PollRow, ...]
    sign_offs: tuple[SignOffRow, ...]
    verdicts: tuple[Verdict, ...]
    facts: dict[str, str]
    health: Health
    outputs: tuple[Output, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[Line, ...]
    people: tuple[Person, ...]
    risks: tuple[RiskRow, ...]
    checklist: tuple[CheckRow, ...]
    follow_ups: tuple[str, ...]
    gaps: tuple[GapRow, ...]
    log: tuple[Line, ...]
