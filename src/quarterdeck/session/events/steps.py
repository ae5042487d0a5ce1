"""Kinds about steps: from claimed to done, effects, sign-offs, corrections."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from quarterdeck.procedure.model import Step
from quarterdeck.session.events.base import Effect, Payload, Proof, Watch

__all__ = [
    "CommandEnded",
    "DeclaredGone",
    "EffectDeclared",
    "EvidenceAdded",
    "LeftAnswered",
    "LeftEnded",
    "LeftRunning",
    "NoteAdded",
    "StepAccepted",
    "StepAdded",
    "StepClaimed",
    "StepCorrected",
    "StepDone",
    "StepEstimated",
    "StepFailed",
    "StepGranted",
    "StepInterrupted",
    "StepLate",
    "StepReported",
    "StepSigned",
    "StepSkipped",
    "StepStarted",
    "StepUnknown",
    "StepVerified",
    "StopAsked",
    "ValueRecorded",
]


class StepClaimed(Payload, frozen=True, kw_only=True):
    """Somebody took the step (R20)."""

    kind = "step.claimed"


class StepGranted(Payload, frozen=True, kw_only=True):
    """The hub said yes to a start (R24)."""

    kind = "step.granted"
    to: str = ""
    waivers: dict[str, str] = field(default_factory=dict)
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
    values: dict[str, str] = field(default_factory=dict)
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
    left_behind: tuple[str, ...] = ()
    """What it left running, as `pid owner command`, and nobody declared."""
    stays: tuple[str, ...] = ()
    """What it left running as the step's `leaves` declares."""
    values: dict[str, str] = field(default_factory=dict)
    unsearched: dict[str, str] = field(default_factory=dict)
    """Recorded values whose pattern was not tried to its end, and why."""
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
    values: dict[str, str] = field(default_factory=dict)
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


class LeftRunning(Payload, frozen=True, kw_only=True):
    """After a halt, what an ended command left behind still runs: its owner is asked."""

    kind = "command.left_running"
    run: str
    processes: tuple[str, ...] = ()
    """`pid owner command`, without what they started."""


class LeftAnswered(Payload, frozen=True, kw_only=True):
    """What is done with what a command left running."""

    kind = "command.left_answered"
    run: str
    choice: Literal["leave", "end"]
    note: str = ""
    for_owner: bool = False
    """Somebody else answered for the step's owner."""


class LeftEnded(Payload, frozen=True, kw_only=True):
    """The station ended what a command had left running."""

    kind = "command.left_ended"
    run: str
    remaining: tuple[str, ...] = ()
    """What could not be ended."""


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
    values: dict[str, str] = field(default_factory=dict)
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
