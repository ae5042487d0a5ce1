"""What became of one step: its state, its runs, its poll; the part of a session that its index is made from.

Structs here are filled by `fold` alone. All times are seconds on the session's clock.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from quarterdeck.session.event import Blob
from quarterdeck.session.parts import Effect, Proof

__all__ = ["ENDED_BADLY", "FINISHED", "LIVE", "Answer", "Poll", "Run", "StepRun", "StepState"]

StepState = Literal[
    "pending", "claimed", "granted", "running", "verifying", "done", "done_manually", "skipped", "failed",
    "interrupted", "unknown",
]  # fmt: skip
"""As stored; `blocked` and `available` are what `pending` looks like now (`availability.view`)."""

FINISHED: frozenset[StepState] = frozenset({"done", "done_manually", "skipped"})
"""States that meet an `after` (with the sign-off, where one is asked)."""

LIVE: frozenset[StepState] = frozenset({"granted", "running", "verifying"})
"""States in which something is going on."""


ENDED_BADLY: frozenset[StepState] = frozenset({"failed", "interrupted", "unknown"})
"""States that somebody has to answer for."""


class Run(Struct):
    """One attempt of a step."""

    attempt: int
    id: str = ""
    """Of the runner; empty for what no command does."""
    by: str = ""
    started: float = 0.0
    ended: float | None = None
    argv: tuple[str, ...] = ()
    shell: bool = False
    spool: str = ""
    host: str = ""
    outcome: str = ""
    """How the command ended; empty while it runs and where there is none."""
    exit_code: int | None = None
    blobs: tuple[Blob, ...] = ()
    sealed: bool = False
    """Its output lies in the spool, since nobody knows which secrets it may show."""
    withheld: bool = False
    """It was, and the lead gave it up."""
    lived: bool = True
    """False once its end is known."""
    left: tuple[str, ...] = ()
    """What it left running and nobody declared, as `pid owner command`."""
    stays: tuple[str, ...] = ()
    """What it left running, as declared."""
    left_open: tuple[str, ...] = ()
    """What of it still ran after a halt: its owner is asked."""
    left_answer: Literal["", "leave", "end"] = ""
    left_note: str = ""
    left_ended: bool = False
    """It was ended, but for what `left_open` still holds."""
    ending: str = ""
    """How its command ended, in words."""
    why: str = ""
    """Of its failure or interruption."""
    proofs: tuple[Proof, ...] = ()
    """What its verifications read."""


class StepRun(Struct):
    """What became of a step."""

    id: str
    state: StepState = "pending"
    effect: Effect = "none"
    declared: bool = False
    """The owner said what the effect is (an unknown that was declared unknown stays open)."""
    left: Effect = "none"
    """What attempts before `asked_from` changed, and nobody undid: the effect is never lighter."""
    asked_from: int = 0
    """The first attempt whose effect nobody has said yet, or else the last one."""
    attempt: int = 0
    runs: list[Run] = field(default_factory=list)
    claimed_by: str = ""
    sequence: int = 0
    """Position among all starts of the session; 0: never started."""
    started: float | None = None
    ended: float | None = None
    sign_off: Literal["not_required", "awaiting", "signed"] = "not_required"
    signed_by: dict[str, str] = field(default_factory=dict)
    """Role to login."""
    values: dict[str, str] = field(default_factory=dict)
    unsearched: dict[str, str] = field(default_factory=dict)
    """Recorded values that its last command's output was not searched for, and why."""
    evidence: list[str] = field(default_factory=list)
    proofs: tuple[Proof, ...] = ()
    reported_by_hand: bool = False
    reported_by_phone: str = ""
    estimate: tuple[float, float] | None = None
    """(when, rest in seconds)"""
    reason: str = ""
    """Of the failure, skip, interruption or unknown."""
    retry_at: float = 0.0
    survivors: tuple[str, ...] = ()
    unproven: bool = False
    """Its command's end could not be proven: somebody declares it gone (R6)."""
    gone: Proof | None = None
    """What its `gone` check read before its undo, where its effect is not sure; None: not read yet."""
    stop_asked: bool = False
    late: int = 0
    undone: bool = False
    """Its undo is through."""
    undone_alone: bool = False
    """It was undone alone, and is not begun again."""
    was: Literal["", StepState] = ""
    """Of an undo step: how it ended when its step was undone alone."""
    undo_choice: Literal["", "run", "by_hand", "not_needed"] = ""
    question_at_halt: bool = False
    """A manual step that ran when the halt came: its owner is asked one question (R5)."""
    undo_later: bool = False
    by_phone: str = ""
    performer: str = ""

    @property
    def asked_about(self) -> str:
        """Which attempts are meant where its effect is asked, `attempt 2`; empty where there is but one."""
        if self.asked_from < self.attempt and self.attempt > 1:
            return f"attempts {max(self.asked_from, 1)} to {self.attempt}"
        return f"attempt {self.attempt}" if self.attempt > 1 else ""


class Answer(Struct, frozen=True):
    """One role's answer to a poll."""

    answer: str
    comment: str
    by: str
    at: float
    by_phone: str = ""


class Poll(Struct):
    """One attempt of a poll."""

    step: str
    attempt: int
    opened: float
    answers: dict[str, Answer] = field(default_factory=dict)
    result: str = ""
    """Empty while open; `go`, `no_go`, `timeout`, `void`."""
