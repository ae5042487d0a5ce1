"""What can happen, in the past tense: one payload for each kind of event.

Each class names its `kind` as it stands in the logbook. A new thing that can happen is a class here, its line
in `fold.py`, its rule in a room of `deciding/`, its sentence in `narrative.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct, field

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Event

__all__ = ["KINDS", "Effect", "Payload", "Proof", "UndoItem", "Watch", "payload"]

Effect = Literal["none", "partial", "full", "unknown"]

KINDS: dict[str, type[Payload]] = {}
"""Every kind that this version knows, by its name in the logbook."""


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all payloads."""

    kind: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the kind."""
        super().__init_subclass__(**options)
        if cls.__dict__.get("kind"):
            KINDS[cls.kind] = cls


class Unknown(Payload, frozen=True, kw_only=True):
    """A kind of a newer version: kept, forwarded, shown with a banner."""


class Watch(Struct, frozen=True, omit_defaults=True):
    """What was observed up to an event: the digest of the samples since the last one, and all values then."""

    digest: str = ""
    batches: int = 0
    snapshot: dict[str, float | str | None] = {}
    """Metric name to value; None where it was unknown."""


class Proof(Struct, frozen=True, omit_defaults=True):
    """What one verify item read."""

    title: str
    ok: bool | None
    """None: unreadable, which is not verified."""
    read: str = ""


class UndoItem(Struct, frozen=True, omit_defaults=True):
    """One row of the rollback list."""

    step: str
    """Id of the undo (or rollback verification) step."""
    undoes: str = ""
    """Id of the step that it undoes; empty for verification."""
    owner: str = "lead"
    duration: float = 0.0
    asks: bool = False
    """The effect was partial or unknown: the owner picks run, by hand or not needed first (R6)."""


def payload(event: Event) -> Payload:
    """Decode what happened; a kind of a newer version gives `Unknown`."""
    kind = KINDS.get(event.kind)
    return Unknown() if kind is None else msgspec.json.decode(event.data, type=kind)


# ---------------------------------------------------------------- planning


class SessionOpened(Payload, frozen=True, kw_only=True):
    """A session came to be, in planning."""

    kind = "session.opened"
    title: str
    procedure: str
    purpose: Literal["live", "demo"] = "live"
    lead: str = ""
    version: str = ""
    """Of Quarterdeck."""


class PlanRevised(Payload, frozen=True, kw_only=True):
    """The plan: text, parameters and what the site says; hashed as one document."""

    kind = "plan.revised"
    text: str
    path: str = ""
    params: dict[str, str] = {}
    """As given; secret ones as references."""
    window: dict[str, str] = {}
    hash: str = ""
    """SHA-256 of text, parameters and window."""
    compiled: msgspec.Raw = msgspec.Raw(b"{}")
    """The procedure as JSON, so that a console needs no YAML; `verify` compiles the text again and compares."""


class ItemTicked(Payload, frozen=True, kw_only=True):
    """A checklist item was ticked, or unticked; by a machine where `proof` is there."""

    kind = "checklist.ticked"
    item: str
    ticked: bool = True
    note: str = ""
    proof: Proof | None = None


class SessionStarted(Payload, frozen=True, kw_only=True):
    """The window is live: the forward plan runs. The event's own time anchors the session's clock."""

    kind = "session.started"
    start: float
    """Window, epoch seconds UTC."""
    end: float
    reserve: float
    warn: float
    assumed: bool = False
    """No window was given: now + change + rollback + reserve."""
    overrides: tuple[str, ...] = ()
    """What was open and started all the same (an exception each)."""
    reason: str = ""
    automatic_halts: tuple[str, ...] = ()
    """Guards for which the lead opted in to automatic halt (R13)."""
    alone: bool = False
    """One person holds all roles (R21)."""


# ---------------------------------------------------------------- three verbs


class SessionPaused(Payload, frozen=True, kw_only=True):
    """Nothing new starts; what runs goes on."""

    kind = "session.paused"
    reason: str = ""
    cause: Literal["person", "guard", "poll", "failure", "crash", "wait"] = "person"


class SessionResumed(Payload, frozen=True, kw_only=True):
    """The lead let it go on."""

    kind = "session.resumed"
    overrides: tuple[str, ...] = ()
    """Guards whose condition still held (R13)."""
    reason: str = ""


class HaltCalled(Payload, frozen=True, kw_only=True):
    """Somebody halted: live until answered (R2)."""

    kind = "halt.called"
    nonce: str
    """Name of its file in `halts/`."""
    reason: str = ""
    source: Literal["person", "guard", "failure", "cli"] = "person"
    guard: str = ""


class HaltReasonGiven(Payload, frozen=True, kw_only=True):
    """Why it was halted; needed before the next transition."""

    kind = "halt.reason_given"
    nonces: tuple[str, ...]
    reason: str


class SessionWentOn(Payload, frozen=True, kw_only=True):
    """A halt was answered with go on: lands in paused, with what has aged to be run again (R11)."""

    kind = "session.went_on"
    answers: tuple[str, ...]
    reason: str = ""
    recheck: tuple[str, ...] = ()
    """Done steps whose read-only verifications run again."""
    poll_again: str = ""
    """The last poll, asked once more."""


class RecheckAccepted(Payload, frozen=True, kw_only=True):
    """An aged verification failed and was accepted with a reason (an exception)."""

    kind = "recheck.accepted"
    reason: str


class RollbackCommitted(Payload, frozen=True, kw_only=True):
    """From here the forward plan is locked for good; the list is frozen (R7)."""

    kind = "rollback.committed"
    answers: tuple[str, ...] = ()
    items: tuple[UndoItem, ...] = ()
    stays: tuple[str, ...] = ()
    """Steps with a planned `undo: {none}`."""
    left_out: dict[str, str] = {}
    """Step id to why it is not in the list."""
    letters: str = ""
    """Four letters made from the list's hash, for the telephone (R25)."""
    waiver: str = ""
    """Why it was committed with an unknown effect (an exception)."""


class RunMineAsked(Payload, frozen=True, kw_only=True):
    """A person's undo steps run one after the other until one fails or asks."""

    kind = "rollback.run_mine"
    roles: tuple[str, ...] = ()
    stop: bool = False


class UndoDecided(Payload, frozen=True, kw_only=True):
    """For a partial or unknown effect the owner picked what happens with its undo (R6)."""

    kind = "undo.decided"
    choice: Literal["run", "by_hand", "not_needed"]
    reason: str = ""


class UndoOpened(Payload, frozen=True, kw_only=True):
    """Undo this step alone, while paused or halted (R14)."""

    kind = "undo.opened"
    items: tuple[UndoItem, ...] = ()


class UndoFinished(Payload, frozen=True, kw_only=True):
    """The step's undo is through: its effect is none and it is available again."""

    kind = "undo.finished"


class ContingencyStarted(Payload, frozen=True, kw_only=True):
    """The contingency steps run."""

    kind = "contingency.started"
    answers: tuple[str, ...] = ()
    reason: str = ""


class ClosingBegun(Payload, frozen=True, kw_only=True):
    """The closing steps run, after success, rollback and contingency alike."""

    kind = "closing.begun"


class SessionAbandoned(Payload, frozen=True, kw_only=True):
    """The way out of every state in which nothing runs; skips closing."""

    kind = "session.abandoned"
    reason: str
    handover: str
    """Who takes care of what from here."""
    answers: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, omit_defaults=True):
    """A criterion's end: PASS, FAIL or INCONCLUSIVE with its evidence."""

    id: str
    title: str
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    evidence: str = ""


class SessionEnded(Payload, frozen=True, kw_only=True):
    """The session is over; the outcome's name says how."""

    kind = "session.ended"
    outcome: str
    verdicts: tuple[Verdict, ...] = ()
    facts: dict[str, str] = {}
    """What else is worth a line (the demo's receipts)."""


class SessionClosed(Payload, frozen=True, kw_only=True):
    """Reviewed; nothing but addenda follow."""

    kind = "session.closed"
    note: str = ""


# ---------------------------------------------------------------- steps


class StepClaimed(Payload, frozen=True, kw_only=True):
    """Somebody took the step (R20)."""

    kind = "step.claimed"


class StepGranted(Payload, frozen=True, kw_only=True):
    """The hub said yes to a start (R24)."""

    kind = "step.granted"
    to: str = ""
    waivers: dict[str, str] = {}
    """What was waived (`start_guard`, `host`, `start_by`, `sign_off`) to the reason."""


class StepStarted(Payload, frozen=True, kw_only=True):
    """It runs from now; for a command durable before the command exists (R14)."""

    kind = "step.started"
    run: str = ""
    argv: tuple[str, ...] = ()
    shell: bool = False
    spool: str = ""
    host: str = ""
    answered: tuple[str, ...] = ()
    """Halts that were answered when it started (R2)."""
    by_phone: str = ""
    watch: Watch | None = None


class StepReported(Payload, frozen=True, kw_only=True):
    """Its owner says done; its verifications run now."""

    kind = "step.reported"
    by_hand: bool = False
    by_phone: str = ""
    values: dict[str, str] = {}
    note: str = ""


class CommandEnded(Payload, frozen=True, kw_only=True):
    """A command's end, as its runner wrote it down. A fact, never refused."""

    kind = "command.ended"
    run: str = ""
    outcome: str = "exited"
    """`exited, signalled, terminated, timeout, refused, not_found, not_executable, failed_to_start, lost`."""
    exit_code: int | None = None
    signal: int | None = None
    ended_by: str = ""
    """`halt`, `stop`, `timeout` or empty."""
    seconds: float = 0.0
    cut: int = 0
    """Bytes of output that were not kept."""
    survivors: tuple[str, ...] = ()
    """What could not be signalled: `pid owner command`."""
    gone: Proof | None = None
    """What the `gone` check read after it was ended."""
    values: dict[str, str] = {}
    watch: Watch | None = None


class StepVerified(Payload, frozen=True, kw_only=True):
    """A step's verifications were read."""

    kind = "step.verified"
    proofs: tuple[Proof, ...] = ()
    ok: bool = False
    recheck: bool = False
    """Run again after a halt (R11)."""


class StepAccepted(Payload, frozen=True, kw_only=True):
    """A verification that failed or was unknown was accepted with a reason (an exception)."""

    kind = "step.accepted"
    reason: str


class StepDone(Payload, frozen=True, kw_only=True):
    """Finished, verified."""

    kind = "step.done"
    by_hand: bool = False
    by_phone: str = ""
    values: dict[str, str] = {}
    watch: Watch | None = None


class StepFailed(Payload, frozen=True, kw_only=True):
    """It did not work; its effect is unknown until declared."""

    kind = "step.failed"
    reason: str = ""
    retry_at: float = 0.0
    """Session time of the automatic retry; 0: none."""
    watch: Watch | None = None


class StepInterrupted(Payload, frozen=True, kw_only=True):
    """It was ended by a halt, by `stop it now` or by its timeout."""

    kind = "step.interrupted"
    why: str = ""
    survivors: tuple[str, ...] = ()
    unproven: bool = False
    """Remote state unknown, or something could not be stopped: declared gone by its owner (R6)."""
    watch: Watch | None = None


class StepUnknown(Payload, frozen=True, kw_only=True):
    """After a crash neither a result nor a process was found: a person verifies (R14)."""

    kind = "step.unknown"
    why: str = ""


class StepSkipped(Payload, frozen=True, kw_only=True):
    """Left out, with a reason (an exception); the effect that is there stays."""

    kind = "step.skipped"
    reason: str


class StepSigned(Payload, frozen=True, kw_only=True):
    """Signed off; single use, bound to step, attempt and revision (R17)."""

    kind = "step.signed"
    role: str
    meaning: str = ""
    by_phone: str = ""
    waiver: str = ""
    """Why the performer signed (an exception, R21)."""


class EffectDeclared(Payload, frozen=True, kw_only=True):
    """Its owner said what it changed."""

    kind = "effect.declared"
    effect: Effect
    note: str = ""
    for_owner: bool = False
    """The lead answered for them."""
    not_begun: bool = False
    """A manual step at a halt that had not begun: available again."""
    finished: bool = False
    """A manual step at a halt that was fully done."""


class DeclaredGone(Payload, frozen=True, kw_only=True):
    """What could not be stopped or proven gone is gone, says its owner."""

    kind = "command.declared_gone"
    note: str = ""


class StopAsked(Payload, frozen=True, kw_only=True):
    """Stop the running command now."""

    kind = "command.stop_asked"
    reason: str = ""


class StepEstimated(Payload, frozen=True, kw_only=True):
    """Its owner's estimate of the rest, in seconds."""

    kind = "step.estimated"
    rest: float


class StepAdded(Payload, frozen=True, kw_only=True):
    """A step that was not in the plan (R29, a deviation)."""

    kind = "step.added"
    added: Step
    after: str = ""
    undo_later: bool = False
    """How to undo it is not decided: listed in red."""
    already_done: float = 0.0
    """When it was done already, epoch seconds; 0: not."""
    reason: str = ""


class StepCorrected(Payload, frozen=True, kw_only=True):
    """A wrong done, effect or value is corrected; the old one stays visible (R30)."""

    kind = "step.corrected"
    state: str = ""
    """`done`, `failed` or empty."""
    effect: Effect | None = None
    values: dict[str, str] = {}
    reason: str = ""


class StepLate(Payload, frozen=True, kw_only=True):
    """Said once: past its duration, or past twice of it."""

    kind = "step.late"
    times: int = 1


class ValueRecorded(Payload, frozen=True, kw_only=True):
    """A value of the step's `record` list."""

    kind = "value.recorded"
    name: str
    value: str


class EvidenceAdded(Payload, frozen=True, kw_only=True):
    """Text, or a file in `blobs`."""

    kind = "evidence.added"
    text: str = ""
    name: str = ""


class NoteAdded(Payload, frozen=True, kw_only=True):
    """Anybody's note."""

    kind = "note.added"
    text: str


# ---------------------------------------------------------------- polls


class PollOpened(Payload, frozen=True, kw_only=True):
    """A go/no-go poll is asked."""

    kind = "poll.opened"


class PollAnswered(Payload, frozen=True, kw_only=True):
    """One role's answer."""

    kind = "poll.answered"
    role: str
    answer: Literal["go", "no_go", "go_with_comment"]
    comment: str = ""
    by_phone: str = ""


class PollClosed(Payload, frozen=True, kw_only=True):
    """The poll's attempt is over."""

    kind = "poll.closed"
    result: Literal["go", "no_go", "timeout", "void"]
    reason: str = ""


# ---------------------------------------------------------------- guards


class GuardWarned(Payload, frozen=True, kw_only=True):
    """A guard's condition holds; nothing is proposed."""

    kind = "guard.warned"
    guard: str
    reason: str = ""


class HaltProposed(Payload, frozen=True, kw_only=True):
    """A guard proposes a halt; a person presses it (R13)."""

    kind = "guard.proposed"
    guard: str
    reason: str
    """Title and data point: `Order API too slow: p95(orders-api.latency, 1m) is 912 ms, above 800 ms`."""
    until: float
    """Session time at which it becomes a pause."""
    value: float | None = None
    """The data point that a worsening is measured against."""


class ProposalDismissed(Payload, frozen=True, kw_only=True):
    """The lead dismissed it with a reason."""

    kind = "guard.dismissed"
    guard: str
    reason: str


class ProposalLapsed(Payload, frozen=True, kw_only=True):
    """Nobody answered: it became a pause."""

    kind = "guard.lapsed"
    guard: str


class GuardCleared(Payload, frozen=True, kw_only=True):
    """The condition no longer holds."""

    kind = "guard.cleared"
    guard: str


class GuardOverridden(Payload, frozen=True, kw_only=True):
    """The guard is quiet until `until`, with a reason (an exception)."""

    kind = "guard.overridden"
    guard: str
    reason: str
    until: float = 0.0
    """Session time; 0: until the end."""


class CriterionAnswered(Payload, frozen=True, kw_only=True):
    """A criterion that a person was asked for."""

    kind = "criterion.answered"
    criterion: str
    satisfied: bool
    note: str = ""


# ---------------------------------------------------------------- times, station, log


class WindowExtended(Payload, frozen=True, kw_only=True):
    """The window ends later (R31)."""

    kind = "window.extended"
    end: float
    reason: str
    approver: str = ""


class ClockStepped(Payload, frozen=True, kw_only=True):
    """The wall clock jumped against the boot clock; the session's clock did not."""

    kind = "clock.stepped"
    by: float
    """Seconds, positive for forward."""


class LateNoticed(Payload, frozen=True, kw_only=True):
    """Said once: decide-by reached `warn` or zero, or the forecast passed window.end - reserve."""

    kind = "late.noticed"
    what: Literal["decide_by_warn", "decide_by_zero", "forecast"]
    detail: str = ""


class StationRestarted(Payload, frozen=True, kw_only=True):
    """A station left while the session was live: a crash; running reopens as paused."""

    kind = "station.restarted"
    gap: float = 0.0
    """Seconds since the last event."""
    found: dict[str, str] = field(default_factory=dict)
    """Step id to what became of its command: `finished`, `alive`, `lost`."""


class RecorderChanged(Payload, frozen=True, kw_only=True):
    """A recorder was lost, repaired or came back."""

    kind = "recorder.changed"
    recorder: str
    state: str
    detail: str = ""


class ReplicaBurned(Payload, frozen=True, kw_only=True):
    """A restored old copy: this replica's id is not used again, it goes on under a new one."""

    kind = "replica.burned"
    old: str
    why: str = ""


class FactNoted(Payload, frozen=True, kw_only=True):
    """Something that the program says about itself, in words."""

    kind = "fact.noted"
    text: str
    level: Literal["info", "warning", "alarm"] = "info"
