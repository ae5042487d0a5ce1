"""Kinds about the session as a whole: planning, Start, pause, halt, rollback, the end."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import field

from quarterdeck.session.events.base import Payload, Proof, UndoItem, Verdict

__all__ = [
    "ClosingBegun",
    "ContingencyStarted",
    "HaltCalled",
    "HaltReasonGiven",
    "ItemTicked",
    "PlanRevised",
    "RecheckAccepted",
    "RollbackCommitted",
    "RunMineAsked",
    "SessionAbandoned",
    "SessionClosed",
    "SessionEnded",
    "SessionOpened",
    "SessionPaused",
    "SessionResumed",
    "SessionStarted",
    "SessionWentOn",
    "UndoDecided",
    "UndoFinished",
    "UndoOpened",
]


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
    params: dict[str, str] = field(default_factory=dict)
    """As given; secret ones as references."""
    window: dict[str, str] = field(default_factory=dict)
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
    left_out: dict[str, str] = field(default_factory=dict)
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


class SessionEnded(Payload, frozen=True, kw_only=True):
    """The session is over; the outcome's name says how."""

    kind = "session.ended"
    outcome: str
    verdicts: tuple[Verdict, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    """What else is worth a line (the demo's receipts)."""


class SessionClosed(Payload, frozen=True, kw_only=True):
    """Reviewed; nothing but addenda follow."""

    kind = "session.closed"
    note: str = ""
