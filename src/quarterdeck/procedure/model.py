"""The procedure as data: what the YAML says, typed, with every default filled in. The format is declared here.

Frozen structs only; nothing here reads a file or knows a session. `procedure.draft` makes them from YAML,
`procedure.check` judges them, and a plan carries one (as JSON) to every seat. Durations are seconds.

**A new field of the format is one attribute here**: `name: Annotated[type, "a sentence"] = default`. The reader, the
JSON Schema and the reference take it from there (`procedure.format`): a `bool` is true or false, a `Literal` one of
its words, a tuple a list, a struct a mapping of its own attributes; `Id`, `Duration`, `Time`, `Pattern` and `Argv`
say how a text is written. What `FILLED_IN` marks is no field: the program fills it in. New attributes go to the end
of their struct and have a default that means what plans without them did: the order is that of the stored plans.

Times that a procedure may write relative to the window (`window.start+20m`) stay text here; conditions stay text too
and are parsed by `procedure.conditions`. No `annotations` are imported from the future: evaluating texts, when a
document is read and when a plan is decoded, costs a start more milliseconds than having them ready.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import UNSET, Struct, UnsetType, defstruct, field, structs

from quarterdeck.documents.attributes import FILLED_IN, NOT_YET, REQUIRED, Default, Names
from quarterdeck.documents.kinds import DURATION, ID, TIME, Choice, Integer, Text, pattern_problem
from quarterdeck.documents.schema import ListOf

__all__ = [
    "NAME_PATTERN",
    "TARGET_NAME_PATTERN",
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
    "NewStep",
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

NAME_PATTERN = r"[a-z][a-z0-9_]*"
"""Names of parameters and recorded values."""
TARGET_NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]*"

Id = Annotated[str, ID]
Duration = Annotated[float, DURATION]
Time = Annotated[str, TIME]
AnyText = Annotated[str, Text(empty=True)]
Pattern = Annotated[str, Text(called="a regular expression", check=pattern_problem)]
Argv = Annotated[
    tuple[str, ...],
    ListOf(Text(called="an argument", empty=True), at_least=1, called="a list of arguments (`[df, -h]`)"),
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

    command: Annotated[Argv, "argv whose exit code or output is judged"] = ()
    check: Annotated[str, "a target whose status must be ok"] = ""
    gauge: Annotated[str, "a metric such as here.storage[/].free"] = ""
    value: Annotated[str, "the name of a recorded value"] = ""
    expect: Annotated[Expect | None, "what it must be"] = None
    within: Annotated[Duration, Default("read once"), "try until then"] = 0.0
    """Seconds to go on trying; 0 reads once."""
    every: Annotated[Duration, "pause between two tries"] = 5.0
    title: Annotated[str, "what people read"] = ""


class RecordField(Model, frozen=True, kw_only=True):
    """A value that a person types or that a pattern takes from the output."""

    name: Annotated[
        str, Text(pattern=NAME_PATTERN, called="a name (small letters, digits, `_`)"), "the name that references use"
    ]
    type: Annotated[Literal["string", "integer", "number", "boolean"], "what the value must be"] = "string"
    unit: Annotated[str, "the unit that the number is written in"] = ""
    pattern: Annotated[
        Pattern,
        "regular expression over all of the output, line by line, without colours, and for a number also without"
        " separators between its thousands; its first group is the value",
    ] = ""
    expect: Annotated[Expect | None, "what it must be"] = None
    title: Annotated[str, "what people read"] = ""


class SignOff(Model, frozen=True, kw_only=True):
    """Who signs a step: one `role`, or `min` people of the roles in `of`."""

    role: Annotated[Id, "one role that signs"] = ""
    different_person: Annotated[bool, "not who did the step"] = False
    min: Annotated[int, Integer(1, 20), "how many people of `of` sign"] = 1
    of: Annotated[tuple[Id, ...], "roles whose people sign"] = ()


class Retry(Model, frozen=True, kw_only=True):
    """Automatic retries within a living run, only for steps that do not mutate or are idempotent (R14)."""

    max: Annotated[int, Integer(1, 1000), "tries after the first, where it changes nothing or is idempotent"]
    every: Annotated[Duration, "pause between two tries"] = 5.0


class OnFail(Model, frozen=True, kw_only=True):
    """What a failed step does to the session; nothing continues silently."""

    action: Annotated[Literal["ask", "pause", "halt"], "what happens to the session"] = "ask"
    retry: Annotated[Retry | None, "automatic tries before that"] = None


class OnHalt(Model, frozen=True, kw_only=True):
    """What a halt does to the running step (R4)."""

    action: Annotated[Literal["finish", "terminate", "ask"], REQUIRED, "what happens to the running step"] = "finish"
    grace: Annotated[Duration, "until SIGKILL"] = 10.0


class Progress(Model, frozen=True, kw_only=True):
    """A command that gives a percentage or a line while the step runs."""

    command: Annotated[Argv, "argv that prints a percentage or a line"]
    every: Annotated[Duration, "pause between two runs"] = 5.0


class ExpectOutage(Model, frozen=True, kw_only=True):
    """The target that this step is expected to break, and for how many seconds at most."""

    target: Annotated[str, "the target that it is expected to break"]
    max: Annotated[Duration, "how long at most"]


class Link(Model, frozen=True, kw_only=True):
    """A link or a document for people."""

    title: Annotated[str, "what people read"]
    url: Annotated[str, "address, or path of a document"]


class Step(Model, frozen=True, kw_only=True):
    """One step of any list: preconditions, stages, undo, rollback verification, contingency, closing."""

    id: Annotated[Id, "unique over all lists"]
    title: Annotated[str, "what is to be done, imperative"]
    kind: Annotated[StepKind, "who does it: a person, a command, a look, the clock, a vote, or nobody"] = "manual"
    owner: Annotated[Id, Default("the stage's, else `lead`"), "a role"] = "lead"
    duration: Annotated[Duration, Default(""), "planned work time; required but for notes"] = 0.0
    instructions: Annotated[str, "Markdown, shown whole"] = ""
    command: Annotated[Argv, "argv; exit 0 and its verifications mean done"] = ()
    shell: Annotated[str, "a script; values reach it as environment variables, secrets that it names too"] = ""
    interpreter: Annotated[
        str, Default("/bin/sh"), "runs the script: a program or a path, `bash`, `/usr/bin/env bash`"
    ] = ""
    errexit: Annotated[
        bool, Default("true; not for other than shells"), "the script stops at its first failing line"
    ] = False
    """Filled in by the loader since edition 1: true for shells unless written otherwise; plans of version 0.1.0 have
    none of it and go on."""
    leaves: Annotated[tuple[Pattern, ...], "command lines of what the command is meant to leave running"] = ()
    cwd: Annotated[str, "folder to run in"] = ""
    env: Annotated[
        dict[str, AnyText],
        Names(r"[A-Za-z_][A-Za-z0-9_]*", "a name of an environment variable"),
        "environment; secrets as `${name}` of a secret parameter, or as env:NAME or file:PATH",
    ] = field(default_factory=dict)
    timeout: Annotated[Duration, Default("none"), "ends the command; for a poll: unanswered until then"] = 0.0
    """Seconds; 0 where the procedure names none."""
    interactive: Annotated[bool, NOT_YET, "hands the terminal over; not supported yet"] = False
    become: Annotated[Literal["", "root"], "through sudo"] = ""
    progress: Annotated[Progress | None, "a command that gives a percentage or a line"] = None
    verify: Annotated[tuple[VerifyItem, ...], "what is read to see whether it is done"] = ()
    auto_start: Annotated[bool, "starts by itself when it becomes available"] = False
    record: Annotated[tuple[RecordField, ...], "values from a person or from the output"] = ()
    after: Annotated[tuple[Id, ...], Default("the step before"), "ids that must be finished before"] = ()
    """Ids that must be finished before; the loader fills in the step before in the list where not written."""
    not_before: Annotated[Time, "earliest start"] = ""
    start_by: Annotated[Time, "latest start"] = ""
    sign_off: Annotated[SignOff | None, "{role, different_person} or {min, of}"] = None
    skippable: Annotated[bool, "may be skipped, with a reason"] = False
    on_fail: Annotated[OnFail, Default("ask"), "what a failure does to the session"] = OnFail()
    on_halt: Annotated[
        OnHalt, Default("finish; terminate where it does not mutate"), "what a halt does to it while it runs"
    ] = OnHalt()
    on_crash: Annotated[Literal["keep", "kill"], "what happens to the command when its station dies"] = "keep"
    cleanup: Annotated[bool, "its shells run their traps on TERM when it is terminated"] = False
    mutates: Annotated[bool, Default("true for manual and command"), "it changes something"] = False
    """Filled in by the loader: true for manual and command unless written otherwise."""
    undo: Annotated[tuple["Step", ...], "steps that take it back, or {none: reason}"] = ()
    undo_none: Annotated[str, FILLED_IN] = ""
    """The reason of `undo: {none: …}`."""
    idempotent: Annotated[bool, Default("false; true for undo steps"), "may be repeated though it mutates"] = False
    host: Annotated[tuple[str, ...], "where its command must run"] = ()
    targets: Annotated[tuple[str, ...], "hosts and services that it touches"] = ()
    stop: Annotated[Argv, "argv that ends it on the far side"] = ()
    gone: Annotated[VerifyItem | None, "proves that nothing of it runs any more"] = None
    changed: Annotated[
        VerifyItem | None,
        "read when it ended badly: holds where it has changed something, does not where nothing is changed; says by"
        " itself what a person would be asked, unless it cannot be read",
    ] = None
    point_of_no_return: Annotated[bool, "at most one; directly after a poll"] = False
    expect_outage: Annotated[ExpectOutage | None, "what it is expected to break, and how long"] = None
    evidence: Annotated[Literal["", "text", "file", "output"], "what must be kept"] = ""
    links: Annotated[tuple[Link, ...], "dashboards, tickets, documents"] = ()
    tags: Annotated[tuple[str, ...], "words to find it by"] = ()
    # what a poll asks
    question: Annotated[str, "poll: what is asked"] = ""
    roles: Annotated[tuple[Id, ...], "poll: who answers"] = ()
    quorum: Annotated[int, Integer(1, 100), Default("all"), "poll: how many `go` are enough"] = 0
    """How many `go` are enough; 0 means all of `roles`."""
    poll_timeout: Annotated[Duration, FILLED_IN] = 0.0
    on_timeout: Annotated[Literal["pause", "no_go"], "poll: what silence means"] = "pause"
    criteria: Annotated[tuple[str, ...], "poll: what those asked should look at"] = ()
    # what a wait waits for
    until: Annotated[str, "wait: a time, window.start+20m, or a condition"] = ""
    release: Annotated[Id, "wait: the role that may end it by hand"] = ""
    line: Annotated[int, FILLED_IN] = 0
    """Where the step stands in its file; 0 for a step added in the session."""

    @property
    def awaits_proof(self) -> bool:
        """Whether anything is read or judged when it says done."""
        return bool(self.verify) or any(field.expect is not None or field.pattern for field in self.record)

    @property
    def reads(self) -> tuple[VerifyItem, ...]:
        """Everything that is read for it: `verify`, `gone`, `changed`."""
        return (*self.verify, *(item for item in (self.gone, self.changed) if item is not None))


if TYPE_CHECKING:
    NewStep = Step
else:
    NewStep = defstruct(
        "NewStep",
        [
            (part.name, tuple["NewStep", ...] if part.name == "undo" else part.type | UnsetType, UNSET)
            for part in structs.fields(Step)
        ],
        namespace={"__doc__": "A step as stated: what is left out stays so, until `defaults` fills it in."},
        module=__name__,
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
    )


class Stage(Model, frozen=True, kw_only=True):
    """A named part of the forward plan."""

    id: Annotated[Id, "unique over all stages and steps"]
    title: Annotated[str, "what people read"]
    steps: Annotated[tuple[Step, ...], "its steps, in order"]


class Rollback(Model, frozen=True, kw_only=True):
    """Inline form: only `verify`; the undo steps stand at their steps."""

    verify: Annotated[tuple[Step, ...], "steps that prove the rollback"] = ()


class WindowRule(Model, frozen=True, kw_only=True):
    """When the work may be done; what is not said here is said at the start.

    Times are ISO text, spans are seconds, None where not said.
    """

    start: Annotated[Time, "ISO 8601 with an offset"] = ""
    end: Annotated[Time, "ISO 8601 with an offset"] = ""
    reserve: Annotated[Duration | None, Default("10 % of the window"), "kept free at the end"] = None
    warn: Annotated[Duration | None, Default("15m"), "with so much left to decide, the clock turns amber"] = None


class Role(Model, frozen=True, kw_only=True):
    """A role that owns steps; `lead`, `deputy` and `observer` always exist."""

    title: Annotated[str, "what people read"]
    required: Annotated[bool, "without it, somebody must stand in: a `backup`, where it owns a step"] = False
    backup: Annotated[Id, "a role that stands in"] = ""


class Risk(Model, frozen=True, kw_only=True):
    """One row of the risk assessment."""

    risk: Annotated[str, "what may happen"]
    likelihood: Annotated[str, "how likely"] = ""
    impact: Annotated[str, "how bad"] = ""
    mitigation: Annotated[str, "what is done against it"] = ""
    contingency: Annotated[str, "what is done if it happens"] = ""


class ChecklistItem(Model, frozen=True, kw_only=True):
    """A pre-maintenance item; with `check` it ticks itself."""

    id: Annotated[Id, "unique in the checklist"]
    title: Annotated[str, "what people read"]
    owner: Annotated[Id, "the role that ticks it"] = "lead"
    check: Annotated[VerifyItem | None, "ticks the item by itself"] = None


class Bands(Model, frozen=True, kw_only=True):
    """Thresholds of one metric, with units as written; `clear` ends a breach (hysteresis)."""

    warning: Annotated[str, "where a warning begins, with its unit"] = ""
    critical: Annotated[str, "where critical begins"] = ""
    clear: Annotated[str, "where both end"] = ""


class Target(Model, frozen=True, kw_only=True):
    """What to watch. `options` holds the type's own fields (`url`, `host`, `port`, `argv` …), text or lists."""

    type: Annotated[str, "what is watched, and how"]
    options: Annotated[dict[str, str | list[str]], FILLED_IN] = field(default_factory=dict)
    title: Annotated[str, Default("its name"), "what people read"] = ""
    every: Annotated[Duration, "interval"] = 5.0
    timeout: Annotated[Duration, "whole deadline of one reading"] = 2.0
    max_age: Annotated[Duration, Default("3 intervals"), "older is stale"] = 0.0
    """Seconds after which a reading is stale; 0 means three intervals."""
    failure_threshold: Annotated[int, Integer(1, 100), "bad readings in a row that count"] = 2
    success_threshold: Annotated[int, Integer(1, 100), "good readings in a row that end it"] = 1
    retry_interval: Annotated[Duration, Default("`every`"), "interval while a reading is bad"] = 0.0
    bands: Annotated[dict[str, Bands], "metric: warning, critical, clear"] = field(default_factory=dict)
    on_unknown: Annotated[
        Literal["", "pause"], "pauses the forward plan when it, or a guard that reads it, is unknown for `max_age`"
    ] = ""

    @property
    def stale_after(self) -> float:
        """Seconds after which a reading is stale."""
        return self.max_age or 3 * self.every


class Grace(Model, frozen=True, kw_only=True):
    """After the start of step `after` a guard is quiet for `period` seconds."""

    after: Annotated[Id, "a step"]
    period: Annotated[Duration, "how long from its start"]


class Guard(Model, frozen=True, kw_only=True):
    """A condition that warns, pauses, proposes a halt or halts (R13)."""

    id: Annotated[Id, "unique among the guards"]
    title: Annotated[str, "what people read"]
    when: Annotated[str, "a condition: `p95(api.latency, 1m) > 800ms`"]
    for_: Annotated[Duration, "how long the condition must hold"] = field(default=0.0, name="for")
    action: Annotated[GuardAction, REQUIRED, "what it does"] = "warn"
    timeout: Annotated[Duration, "an unanswered proposal becomes a pause"] = 120.0
    second_chance: Annotated[bool, "one repeat of `for` before it acts"] = False
    grace: Annotated[Grace | None, "quiet for a while after a step's start"] = None
    release: Annotated[str, Default("`when` no longer holds"), "a condition that ends the breach"] = ""
    during: Annotated[
        tuple[Id, ...], Default("the forward plan"), "step ids, stages, or rollback, contingency, closing"
    ] = ()
    """Step ids, stage ids, or `rollback`, `contingency`, `closing`; empty means the forward plan."""


class Downtime(Model, frozen=True, kw_only=True):
    """Seconds of critical that these targets may show outside expected outages."""

    targets: Annotated[tuple[str, ...], "targets whose critical time counts"]
    max: Annotated[Duration, "how much of it passes"]


class Baseline(Model, frozen=True, kw_only=True):
    """A metric held against what it was before Start."""

    metric: Annotated[str, "the metric that is held against what it was before Start"]
    statistic: Annotated[Literal["p50", "p95", "mean"], "what is compared"] = "p95"
    direction: Annotated[Literal["lower_is_better", "higher_is_better"], "which way is better"] = "lower_is_better"
    allowed_increase: Annotated[str, "a share such as 10%; worse by more fails"] = "10%"
    critical_increase: Annotated[str, "a share such as 50%; worse by more is critical"] = "50%"
    min_delta: Annotated[str, "differences below it do not count"] = ""
    min_samples: Annotated[int, Integer(1, 1_000_000), "fewer are inconclusive"] = 30


class Criterion(Model, frozen=True, kw_only=True):
    """A success or failure indicator: exactly one of the five kinds of proof."""

    id: Annotated[Id, "unique among the criteria"]
    title: Annotated[str, "what people read"]
    indicator: Annotated[
        Literal["downtime", "data", "performance", "functionality", "satisfaction"],
        "which of the five indicators it speaks of",
    ]
    downtime: Annotated[Downtime | None, "seconds of critical outside expected outages"] = None
    steps: Annotated[tuple[Id, ...], "PASS when they are done and verified"] = ()
    baseline: Annotated[Baseline | None, "a metric against what it was before Start"] = None
    condition: Annotated[str, "must hold at the end"] = ""
    asked: Annotated[Id, "the role that is asked"] = ""


class Param(Model, frozen=True, kw_only=True):
    """A parameter of the procedure."""

    type: Annotated[
        Literal["string", "integer", "number", "boolean", "host", "url", "path", "duration"], "what the value must be"
    ] = "string"
    default: Annotated[AnyText | None, "the value where none is given"] = None
    required: Annotated[bool, "says that it must be given, as every one without a default must"] = False
    choices: Annotated[tuple[str, ...], "the values that it may have"] = ()
    secret: Annotated[bool, "given as env:NAME or file:PATH; never shown or stored"] = False
    ask: Annotated[str, "the question for a person"] = ""
    pattern: Annotated[Pattern, "regular expression that the whole value must match"] = ""


class Procedure(Model, frozen=True, kw_only=True):
    """A whole procedure.

    Its parameters are filled in (secret ones stay `${name}` until a command starts).
    """

    id: Annotated[Id, "names it for ever; its sessions carry it"]
    title: Annotated[str, Text(limit=200), "what people read"]
    revision: Annotated[int, Integer(0, 10**9), "counts up with every change"]
    category: Annotated[
        str,
        Choice("scheduled", "database", "security", "performance", "dependency", "cleanup", "emergency"),
        "what sort of work it is",
    ] = ""
    cadence: Annotated[
        str, Choice("daily", "weekly", "monthly", "quarterly", "as-needed"), "how often it is done"
    ] = ""
    change: Annotated[str, "ticket reference"] = ""
    class_: Annotated[str, Choice("major", "minor", "emergency"), "drives the notice timeline"] = field(
        default="", name="class"
    )
    severity: Annotated[int, Integer(1, 4), Default(""), "for `class: emergency` only"] = 0
    description: Annotated[str, "what it is"] = ""
    impact: Annotated[str, "who feels it, and how"] = ""
    services: Annotated[tuple[str, ...], "what it touches"] = ()
    environments: Annotated[tuple[str, ...], "where it is done, such as production"] = ()
    params: Annotated[
        dict[str, Param],
        Names(NAME_PATTERN, "a parameter's name (small letters, digits, `_`)"),
        "name: what is filled in for `${name}`",
    ] = field(default_factory=dict)
    values: Annotated[dict[str, str], FILLED_IN] = field(default_factory=dict)
    """The parameters' values in force, for the record and scripts; a secret one's is the reference to it."""
    window: Annotated[WindowRule, "when it is done"] = WindowRule()
    roles: Annotated[
        dict[str, Role],
        Names(r"[a-z0-9_-]+", "a role (small letters, digits, `-` and `_`)"),
        "role: who takes part; lead, deputy and observer always exist",
    ] = field(default_factory=dict)
    risks: Annotated[tuple[Risk, ...], "the risk assessment"] = ()
    checklist: Annotated[tuple[ChecklistItem, ...], "pre-maintenance items"] = ()
    preconditions: Annotated[tuple[Step, ...], "checks and polls that must pass before Start"] = ()
    targets: Annotated[
        dict[str, Target],
        Names(TARGET_NAME_PATTERN, "a target's name (letters, digits, `-` and `_`)"),
        "what to watch",
    ] = field(default_factory=dict)
    guards: Annotated[tuple[Guard, ...], "what warns, pauses, or proposes a halt"] = ()
    stages: Annotated[tuple[Stage, ...], REQUIRED, "the forward plan"] = ()
    rollback: Annotated[Rollback, "what proves a rollback; the undo steps stand at their steps"] = Rollback()
    contingency: Annotated[tuple[Step, ...], "for trouble after the point of no return"] = ()
    closing: Annotated[tuple[Step, ...], "after success and after rollback alike"] = ()
    criteria: Annotated[tuple[Criterion, ...], "success and failure indicators"] = ()
    links: Annotated[tuple[Link, ...], "dashboards and tickets"] = ()
    documents: Annotated[tuple[Link, ...], "what must be read before"] = ()
    progress_every: Annotated[Duration, Default("never"), "reminds the lead of the next status update"] = 0.0
    edition: Annotated[int, FILLED_IN] = 0
    """Which defaults were filled in when it was compiled (`editions`)."""
