"""What a command left running, asked about after a halt: what each event is, does and says."""

from __future__ import annotations

from typing import Literal

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import Level, StepPayload
from quarterdeck.session.leftovers import few
from quarterdeck.session.state import Session, StepRun
from quarterdeck.session.told import Told, why_of

__all__ = ["LeftAnswered", "LeftEnded", "LeftRunning"]


class LeftRunning(StepPayload, frozen=True, kw_only=True):
    """After a halt, what an ended command left behind still runs: its owner is asked."""

    kind = "command.left_running"
    attention = "warning"
    run: str
    processes: tuple[str, ...] = ()
    """`pid owner command`, without what they started."""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        for attempt in run.runs:
            if attempt.id == self.run:
                attempt.left_open = self.processes

    def sentence(self, told: Told) -> str:
        return f"what {told.step} left behind still runs: {few(self.processes)}; is it left, or ended?"


class LeftAnswered(StepPayload, frozen=True, kw_only=True):
    """What is done with what a command left running."""

    kind = "command.left_answered"
    run: str
    choice: Literal["leave", "end"]
    note: str = ""
    for_owner: bool = False
    """Somebody else answered for the step's owner."""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        for attempt in run.runs:
            if attempt.id == self.run:
                attempt.left_answer, attempt.left_note = self.choice, self.note

    def sentence(self, told: Told) -> str:
        owner = " (for its owner)" if self.for_owner else ""
        said = "stays" if self.choice == "leave" else "is ended"
        return f"what {told.step} left running {said}{owner}{why_of(self.note)}"


class LeftEnded(StepPayload, frozen=True, kw_only=True):
    """The station ended what a command had left running."""

    kind = "command.left_ended"
    run: str
    remaining: tuple[str, ...] = ()
    """What could not be ended."""

    @property
    def attention(self) -> Level:
        return "warning" if self.remaining else "info"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        for attempt in run.runs:
            if attempt.id == self.run:
                attempt.left_open, attempt.left_ended = self.remaining, True

    def sentence(self, told: Told) -> str:
        if self.remaining:
            return f"what {told.step} left running could NOT all be ended: {few(self.remaining)}"
        return f"what {told.step} left running has ended"
