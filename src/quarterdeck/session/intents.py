"""What somebody wants to happen, in the imperative: the questions that `decide` answers.

A key press, a command line, a guard or the station itself each makes one. Facts (a command's end, a halt, a note)
come as intents too and are never refused.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Blob
from quarterdeck.session.events import Effect, Proof, Verdict, Watch

__all__ = ["Intent", "Launch"]


class Wish(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="do", tag=True):
    """Base of all intents; the tag is the class's name."""


class Launch(Struct, frozen=True, omit_defaults=True):
    """What the station prepared so that a command can start: filled in by the station, never by a console."""

    run: str = ""
    argv: tuple[str, ...] = ()
    shell: bool = False
    spool: str = ""
    host: str = ""
    hosts: tuple[str, ...] = ()
    """All names of this machine, to hold against the step's `host`."""


# planning


class TickItem(Wish, frozen=True, kw_only=True):
    """Tick a checklist item."""

    item: str
    ticked: bool = True
    note: str = ""
    proof: Proof | None = None


class StartSession(Wish, frozen=True, kw_only=True):
    """Begin the window's forward plan. `override` is the reason for starting although something is open."""

    start: float = 0.0
    """Window, epoch seconds; 0: as planned, else assumed."""
    end: float = 0.0
    override: str = ""
    automatic_halts: tuple[str, ...] = ()


# three verbs


class Pause(Wish, frozen=True, kw_only=True):
    """Nothing new starts."""

    reason: str = ""


class GoOn(Wish, frozen=True, kw_only=True):
    """Go on: after a pause, after a halt (lands in paused), in a rollback. `halts` are those that it answers."""

    halts: tuple[str, ...] = ()
    reason: str = ""
    accept: str = ""
    """Reason for going on although a recheck failed."""
    override: str = ""
    """Reason for going on although a guard's condition still holds."""


class Halt(Wish, frozen=True, kw_only=True):
    """Halt: never refused. The nonce is its file's name in `halts/`."""

    nonce: str
    reason: str = ""
    source: Literal["person", "guard", "failure", "cli"] = "person"
    guard: str = ""


class GiveReason(Wish, frozen=True, kw_only=True):
    """Why it was halted."""

    reason: str


class RollBack(Wish, frozen=True, kw_only=True):
    """Commit the rollback. `typed` is the word that was typed: `ROLLBACK`."""

    halts: tuple[str, ...] = ()
    typed: str = ""
    waiver: str = ""


class RunMine(Wish, frozen=True, kw_only=True):
    """Run my undo steps one after the other until one fails or asks."""

    roles: tuple[str, ...] = ()
    stop: bool = False


class DecideUndo(Wish, frozen=True, kw_only=True):
    """Pick what happens with the undo of a step whose effect is partial or unknown. `step` is the undone one."""

    step: str
    choice: Literal["run", "by_hand", "not_needed"]
    reason: str = ""


class UndoStep(Wish, frozen=True, kw_only=True):
    """Undo this step alone (the latest started one with an effect), then make it available again."""

    step: str
    halts: tuple[str, ...] = ()
    reason: str = ""


class StartContingency(Wish, frozen=True, kw_only=True):
    """Run the contingency steps."""

    halts: tuple[str, ...] = ()
    reason: str = ""


class Abandon(Wish, frozen=True, kw_only=True):
    """Leave it here, with a hand-over note."""

    reason: str
    handover: str
    halts: tuple[str, ...] = ()


class EndSession(Wish, frozen=True, kw_only=True):
    """End a session whose closing is through. Verdicts and facts are the station's."""

    verdicts: tuple[Verdict, ...] = ()
    facts: dict[str, str] = {}


class CloseSession(Wish, frozen=True, kw_only=True):
    """Reviewed: seal it."""

    note: str = ""


# steps


class ClaimStep(Wish, frozen=True, kw_only=True):
    """Take a step."""

    step: str


class StartStep(Wish, frozen=True, kw_only=True):
    """Start a step. `waivers` maps what is waived (`start_guard`, `host`, `start_by`) to the reason."""

    step: str
    waivers: dict[str, str] = {}
    launch: Launch | None = None
    again: bool = False
    """Confirms another run of what is not idempotent."""
    by_phone: str = ""
    watch: Watch | None = None


class FinishStep(Wish, frozen=True, kw_only=True):
    """Say done (key D). `by_hand`: done without its command."""

    step: str
    by_hand: bool = False
    values: dict[str, str] = {}
    note: str = ""
    by_phone: str = ""
    watch: Watch | None = None


class FailStep(Wish, frozen=True, kw_only=True):
    """Say that it failed (key F)."""

    step: str
    reason: str


class SkipStep(Wish, frozen=True, kw_only=True):
    """Leave it out (key K)."""

    step: str
    reason: str


class VerifyStep(Wish, frozen=True, kw_only=True):
    """Read the verifications again (key v); the station does it and sends `VerificationRead`."""

    step: str


class AcceptStep(Wish, frozen=True, kw_only=True):
    """Accept a verification that failed or is unknown."""

    step: str
    reason: str


class DeclareEffect(Wish, frozen=True, kw_only=True):
    """Say what a step changed; for a manual step at a halt: none = not begun, partial = partly, full = done."""

    step: str
    effect: Effect
    note: str = ""


class DeclareGone(Wish, frozen=True, kw_only=True):
    """Say that what could not be stopped or proven gone is gone."""

    step: str
    note: str = ""


class AnswerLeft(Wish, frozen=True, kw_only=True):
    """Leave what a step's command left running, or end it."""

    step: str
    choice: Literal["leave", "end"]
    note: str = ""


class StopCommand(Wish, frozen=True, kw_only=True):
    """Stop a running command now (key T)."""

    step: str
    reason: str = ""


class Estimate(Wish, frozen=True, kw_only=True):
    """The owner's estimate of the rest (key E), in seconds."""

    step: str
    rest: float


class RecordValue(Wish, frozen=True, kw_only=True):
    """A value of the step's `record` list."""

    step: str
    name: str
    value: str


class AddEvidence(Wish, frozen=True, kw_only=True):
    """Text, or a file that the station stored as a blob. `path` is read by the station."""

    step: str = ""
    text: str = ""
    path: str = ""
    blob: Blob | None = None


class AddNote(Wish, frozen=True, kw_only=True):
    """A note, on a step or on the session."""

    text: str
    step: str = ""


class SignStep(Wish, frozen=True, kw_only=True):
    """Sign a step off."""

    step: str
    role: str
    meaning: str = ""
    by_phone: str = ""
    waiver: str = ""
    """Why the same person signs (R21)."""


class AddStep(Wish, frozen=True, kw_only=True):
    """Add a step that was not in the plan (R29)."""

    step: Step
    after: str = ""
    undo_later: bool = False
    already_done: float = 0.0
    reason: str = ""


class CorrectStep(Wish, frozen=True, kw_only=True):
    """Correct a wrong done, effect or value (R30)."""

    step: str
    state: Literal["", "done", "failed"] = ""
    effect: Effect | None = None
    values: dict[str, str] = {}
    reason: str = ""


class ExtendWindow(Wish, frozen=True, kw_only=True):
    """Let the window end later (R31). `end` is epoch seconds."""

    end: float
    reason: str
    approver: str = ""


# polls, guards, criteria


class AnswerPoll(Wish, frozen=True, kw_only=True):
    """Answer a poll for a role."""

    step: str
    role: str
    answer: Literal["go", "no_go", "go_with_comment"]
    comment: str = ""
    by_phone: str = ""


class DismissProposal(Wish, frozen=True, kw_only=True):
    """Dismiss a guard's proposal (key X)."""

    guard: str
    reason: str


class OverrideGuard(Wish, frozen=True, kw_only=True):
    """Silence a guard for `seconds` (0: until the end)."""

    guard: str
    reason: str
    seconds: float = 0.0


class AnswerCriterion(Wish, frozen=True, kw_only=True):
    """Answer a criterion that a person is asked for."""

    criterion: str
    satisfied: bool
    note: str = ""


# facts of the station


class CommandReturned(Wish, frozen=True, kw_only=True):
    """A command's end, from its runner."""

    step: str
    attempt: int
    run: str
    outcome: str = "exited"
    exit_code: int | None = None
    signal: int | None = None
    ended_by: str = ""
    seconds: float = 0.0
    cut: int = 0
    survivors: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    gone: Proof | None = None
    values: dict[str, str] = {}
    unsearched: dict[str, str] = {}
    blobs: tuple[Blob, ...] = ()
    watch: Watch | None = None


class FindLeft(Wish, frozen=True, kw_only=True):
    """After a halt, what a command left behind still runs."""

    step: str
    run: str
    processes: tuple[str, ...] = ()


class EndLeft(Wish, frozen=True, kw_only=True):
    """What a command left running was ended, but for what remains."""

    step: str
    run: str
    remaining: tuple[str, ...] = ()


class VerificationRead(Wish, frozen=True, kw_only=True):
    """What a step's verifications read."""

    step: str
    attempt: int
    proofs: tuple[Proof, ...] = ()
    recheck: bool = False
    watch: Watch | None = None


class WaitOver(Wish, frozen=True, kw_only=True):
    """A wait's condition has come true, or its time has come."""

    step: str
    why: str = ""


class GuardHolds(Wish, frozen=True, kw_only=True):
    """A guard's condition has held for its `for`."""

    guard: str
    reason: str
    value: float | None = None


class GuardReleased(Wish, frozen=True, kw_only=True):
    """A guard's condition no longer holds."""

    guard: str


class Tick(Wish, frozen=True, kw_only=True):
    """Time passed: what happens by itself (poll and proposal timeouts, lateness, closing)."""


class CrashFound(Wish, frozen=True, kw_only=True):
    """A station found a live session that another one left."""

    gap: float
    found: dict[str, str] = {}


class NoteFact(Wish, frozen=True, kw_only=True):
    """Something that the program says about itself."""

    text: str
    level: Literal["info", "warning", "alarm"] = "info"


class NoteClockStep(Wish, frozen=True, kw_only=True):
    """The wall clock jumped by so many seconds."""

    by: float


class NoteRecorder(Wish, frozen=True, kw_only=True):
    """A recorder changed its state."""

    recorder: str
    state: str
    detail: str = ""


Intent = (
    TickItem | StartSession | Pause | GoOn | Halt | GiveReason | RollBack | RunMine | DecideUndo | UndoStep
    | StartContingency | Abandon | EndSession | CloseSession | ClaimStep | StartStep | FinishStep | FailStep
    | SkipStep | VerifyStep | AcceptStep | DeclareEffect | DeclareGone | AnswerLeft | StopCommand | Estimate
    | RecordValue | AddEvidence | AddNote | SignStep | AddStep | CorrectStep | ExtendWindow | AnswerPoll
    | DismissProposal | OverrideGuard | AnswerCriterion | CommandReturned | FindLeft | EndLeft | VerificationRead
    | WaitOver | GuardHolds | GuardReleased | Tick | CrashFound | NoteFact | NoteClockStep | NoteRecorder
)  # fmt: skip
"""Everything that can be asked of a session."""
