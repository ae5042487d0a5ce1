"""The procedure as data: what the YAML says, typed, with every default filled in.

Frozen structs only; nothing here reads a file or knows a session. `procedure.loader` makes them from YAML,
`procedure.lint` judges them, and a plan carries one (as JSON) to every seat. Durations are seconds.

Times that a procedure may write relative to the window (`window.start+20m`) stay text here; conditions stay
text too and are parsed by `procedure.conditions`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

__all__ = [
    "Bands",
    "Baseline",
    "ChecklistItem",
    "Criterion",
    "Downtime",
    "Expect",
    "ExpectOutage",
    "Grace",
    "Guard",
    "GuardAction",
    "Link",
    "OnFail",
    "OnHalt",
    "Param",
    "Procedure",
    "Progress",
    "RecordField",
    "Retry",
    "Risk",
    "Role",
    "Rollback",
    "SignOff",
    "Stage",
    "Step",
    "StepKind",
    "Target",
    "VerifyItem",
    "WindowRule",
]

StepKind = Literal["manual", "command", "check", "wait", "poll", "note"]
GuardAction = Literal["warn", "pause", "propose_halt", "halt"]


class Model(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all parts of a procedure: frozen, keyword only, defaults left out of the JSON."""


class Expect(Model, frozen=True, kw_only=True):
    """What a reading must be: exactly one comparison. `text` is as written, for people (`>= 5 GiB`)."""

    op: Literal["equals", "not_equals", "matches", "lt", "lte", "gt", "gte", "between", "exit_code", "status"]
    value: str
    """As written; for `between` the lower bound."""
    upper: str = ""
    """The upper bound of `between`."""


class VerifyItem(Model, frozen=True, kw_only=True):
    """One thing that is read to see whether a step is right: one of `command`, `check`, `gauge`, `value`."""

    command: tuple[str, ...] = ()
    check: str = ""
    """A target whose status must be ok."""
    gauge: str = ""
    """A metric, such as `here.storage[/].free`."""
    value: str = ""
    """The name of a recorded value."""
    expect: Expect | None = None
    within: float = 0.0
    """Seconds to go on trying; 0 reads once."""
    every: float = 5.0
    title: str = ""


class RecordField(Model, frozen=True, kw_only=True):
    """A value that a person types or that a pattern takes from the output."""

    name: str
    type: Literal["string", "integer", "number", "boolean"] = "string"
    unit: str = ""
    pattern: str = ""
    """A regular expression; its first group is the value. Applied line by line to the output."""
    expect: Expect | None = None
    title: str = ""


class SignOff(Model, frozen=True, kw_only=True):
    """Who signs a step: one `role`, or `min` people of the roles in `of`."""

    role: str = ""
    different_person: bool = False
    min: int = 1
    of: tuple[str, ...] = ()


class Retry(Model, frozen=True, kw_only=True):
    """Automatic retries within a living run, only for steps that do not mutate or are idempotent (R14)."""

    max: int
    every: float = 5.0


class OnFail(Model, frozen=True, kw_only=True):
    """What a failed step does to the session; nothing continues silently."""

    action: Literal["ask", "pause", "halt"] = "ask"
    retry: Retry | None = None


class OnHalt(Model, frozen=True, kw_only=True):
    """What a halt does to the running step (R4)."""

    action: Literal["finish", "terminate", "ask"] = "finish"
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""


class Progress(Model, frozen=True, kw_only=True):
    """A command that gives a percentage or a line while the step runs."""

    command: tuple[str, ...]
    every: float = 5.0


class ExpectOutage(Model, frozen=True, kw_only=True):
    """The target that this step is expected to break, and for how many seconds at most."""

    target: str
    max: float


class Link(Model, frozen=True, kw_only=True):
    """A link or a document for people."""

    title: str
    url: str


class Step(Model, frozen=True, kw_only=True):
    """One step of any list: preconditions, stages, undo, rollback verification, contingency, closing."""

    id: str
    title: str
    kind: StepKind = "manual"
    owner: str = "lead"
    duration: float = 0.0
    instructions: str = ""
    command: tuple[str, ...] = ()
    shell: str = ""
    """A script; parameters reach it as environment variables, of the secret ones those that it names."""
    interpreter: str = ""
    """What runs the script, words between blanks (`bash`, `/usr/bin/env bash`); empty: /bin/sh."""
    errexit: bool = False
    """The script stops at its first failing line. Filled in by the loader since edition 1: true for shells unless
    written otherwise; plans of version 0.1.0 have none of it and go on."""
    leaves: tuple[str, ...] = ()
    """Regular expressions; what the command leaves running and one of them finds in its command line is meant to."""
    cwd: str = ""
    env: dict[str, str] = field(default_factory=dict)
    timeout: float = 0.0
    """Seconds; 0 where the procedure names none."""
    interactive: bool = False
    become: Literal["", "root"] = ""
    progress: Progress | None = None
    verify: tuple[VerifyItem, ...] = ()
    auto_start: bool = False
    record: tuple[RecordField, ...] = ()
    after: tuple[str, ...] = ()
    """Ids that must be finished before; the loader fills in the step before in the list where not written."""
    not_before: str = ""
    start_by: str = ""
    sign_off: SignOff | None = None
    skippable: bool = False
    on_fail: OnFail = OnFail()
    on_halt: OnHalt = OnHalt()
    on_crash: Literal["keep", "kill"] = "keep"
    cleanup: bool = False
    """Its shells run their traps when it is terminated, instead of being killed (R4)."""
    mutates: bool = False
    """Filled in by the loader: true for manual and command unless written otherwise."""
    undo: tuple[Step, ...] = ()
    undo_none: str = ""
    """The reason of `undo: {none: …}`."""
    idempotent: bool = False
    host: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    gone: VerifyItem | None = None
    point_of_no_return: bool = False
    expect_outage: ExpectOutage | None = None
    evidence: Literal["", "text", "file", "output"] = ""
    links: tuple[Link, ...] = ()
    tags: tuple[str, ...] = ()
    # what a poll asks
    question: str = ""
    roles: tuple[str, ...] = ()
    quorum: int = 0
    """How many `go` are enough; 0 means all of `roles`."""
    poll_timeout: float = 0.0
    on_timeout: Literal["pause", "no_go"] = "pause"
    criteria: tuple[str, ...] = ()
    # what a wait waits for
    until: str = ""
    """An ISO time, `window.start+20m`, or a condition."""
    release: str = ""
    """The role that may end the wait by hand."""
    line: int = 0
    """Where the step stands in its file; 0 for a step added in the session."""


class Stage(Model, frozen=True, kw_only=True):
    """A named part of the forward plan."""

    id: str
    title: str
    steps: tuple[Step, ...]


class Rollback(Model, frozen=True, kw_only=True):
    """Inline form: only `verify`; the undo steps stand at their steps."""

    verify: tuple[Step, ...] = ()


class WindowRule(Model, frozen=True, kw_only=True):
    """What the procedure says of the window; times are ISO text, spans are seconds, None where not said."""

    start: str = ""
    end: str = ""
    reserve: float | None = None
    warn: float | None = None


class Role(Model, frozen=True, kw_only=True):
    """A role that owns steps; `lead`, `deputy` and `observer` always exist."""

    title: str
    required: bool = False
    backup: str = ""


class Risk(Model, frozen=True, kw_only=True):
    """One row of the risk assessment."""

    risk: str
    likelihood: str = ""
    impact: str = ""
    mitigation: str = ""
    contingency: str = ""


class ChecklistItem(Model, frozen=True, kw_only=True):
    """A pre-maintenance item; with `check` it ticks itself."""

    id: str
    title: str
    owner: str = "lead"
    check: VerifyItem | None = None


class Bands(Model, frozen=True, kw_only=True):
    """Thresholds of one metric, with units as written; `clear` ends a breach (hysteresis)."""

    warning: str = ""
    critical: str = ""
    clear: str = ""


class Target(Model, frozen=True, kw_only=True):
    """What to watch. `options` holds the type's own fields (`url`, `host`, `port`, `argv` …), text or lists."""

    type: str
    options: dict[str, str | list[str]] = field(default_factory=dict)
    title: str = ""
    every: float = 5.0
    timeout: float = 2.0
    max_age: float = 0.0
    """Seconds after which a reading is stale; 0 means three intervals."""
    failure_threshold: int = 2
    success_threshold: int = 1
    retry_interval: float = 0.0
    bands: dict[str, Bands] = field(default_factory=dict)
    on_unknown: Literal["", "pause"] = ""


class Grace(Model, frozen=True, kw_only=True):
    """After the start of step `after` a guard is quiet for `period` seconds."""

    after: str
    period: float


class Guard(Model, frozen=True, kw_only=True):
    """A condition that warns, pauses, proposes a halt or halts (R13)."""

    id: str
    title: str
    when: str
    for_: float = field(default=0.0, name="for")
    action: GuardAction = "warn"
    timeout: float = 120.0
    second_chance: bool = False
    grace: Grace | None = None
    release: str = ""
    during: tuple[str, ...] = ()
    """Step ids, stage ids, or `rollback`, `contingency`, `closing`; empty means the forward plan."""


class Downtime(Model, frozen=True, kw_only=True):
    """Seconds of critical that these targets may show outside expected outages."""

    targets: tuple[str, ...]
    max: float


class Baseline(Model, frozen=True, kw_only=True):
    """A metric held against what it was before Start."""

    metric: str
    statistic: Literal["p50", "p95", "mean"] = "p95"
    direction: Literal["lower_is_better", "higher_is_better"] = "lower_is_better"
    allowed_increase: str = "10%"
    critical_increase: str = "50%"
    min_delta: str = ""
    min_samples: int = 30


class Criterion(Model, frozen=True, kw_only=True):
    """A success or failure indicator: exactly one of the five kinds of proof."""

    id: str
    title: str
    indicator: Literal["downtime", "data", "performance", "functionality", "satisfaction"]
    downtime: Downtime | None = None
    steps: tuple[str, ...] = ()
    baseline: Baseline | None = None
    condition: str = ""
    asked: str = ""


class Param(Model, frozen=True, kw_only=True):
    """A parameter of the procedure."""

    type: Literal["string", "integer", "number", "boolean", "host", "url", "path", "duration"] = "string"
    default: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    secret: bool = False
    ask: str = ""
    pattern: str = ""


class Procedure(Model, frozen=True, kw_only=True):
    """A whole procedure with its parameters filled in (secret ones stay `${name}` until a command starts)."""

    id: str
    title: str
    revision: int
    category: str = ""
    cadence: str = ""
    change: str = ""
    class_: str = field(default="", name="class")
    severity: int = 0
    description: str = ""
    impact: str = ""
    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    params: dict[str, Param] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    """The parameters' values in force, for the record and scripts; a secret one's is the reference to it."""
    window: WindowRule = WindowRule()
    roles: dict[str, Role] = field(default_factory=dict)
    risks: tuple[Risk, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    preconditions: tuple[Step, ...] = ()
    targets: dict[str, Target] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    stages: tuple[Stage, ...] = ()
    rollback: Rollback = Rollback()
    contingency: tuple[Step, ...] = ()
    closing: tuple[Step, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    links: tuple[Link, ...] = ()
    documents: tuple[Link, ...] = ()
    progress_every: float = 0.0
    edition: int = 0
    """Which defaults were filled in when it was compiled (`editions`)."""
