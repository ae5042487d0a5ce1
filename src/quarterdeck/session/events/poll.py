"""Go or no-go: what each event is, does and says (R12)."""

from __future__ import annotations

from typing import Literal

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import AttemptPayload, Level, by_phone
from quarterdeck.session.state import Answer, Poll, Session, StepRun
from quarterdeck.session.told import Told, phone, why_of

__all__ = ["PollAnswered", "PollClosed", "PollOpened"]


class PollOpened(AttemptPayload, frozen=True, kw_only=True):
    """A go/no-go poll is asked."""

    kind = "poll.opened"
    rings = True
    attention = "notice"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        session.polls[run.id] = Poll(run.id, event.attempt, at)

    def sentence(self, told: Told) -> str:
        return f"poll opened: {told.step}{told.again}"

    def adds(self, told: Told) -> str:
        return ""


class PollAnswered(AttemptPayload, frozen=True, kw_only=True):
    """One role's answer."""

    kind = "poll.answered"
    role: str
    answer: Literal["go", "no_go", "go_with_comment"]
    comment: str = ""
    by_phone: str = ""

    @property
    def attention(self) -> Level:
        return "warning" if self.answer == "no_go" else "info"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        poll = session.polls.get(run.id)
        if poll is not None:
            poll.answers[self.role] = Answer(self.answer, self.comment, event.actor.login, at, self.by_phone)
        by_phone(session, event, at, self.by_phone, f"{self.role} answered")

    def sentence(self, told: Told) -> str:
        return f"{self.role} says {self._word} to {told.step}{phone(self.by_phone)}{why_of(self.comment)}"

    def adds(self, told: Told) -> str:
        return f"{self.role} {self._word}{why_of(self.comment)}"

    @property
    def _word(self) -> str:
        return {"go": "GO", "no_go": "NO-GO", "go_with_comment": "GO, with a comment"}[self.answer]


class PollClosed(AttemptPayload, frozen=True, kw_only=True):
    """The poll's attempt is over."""

    kind = "poll.closed"
    result: Literal["go", "no_go", "timeout", "void"]
    reason: str = ""

    @property
    def attention(self) -> Level:
        return "notice" if self.result == "go" else "warning"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        poll = session.polls.get(run.id)
        if poll is not None:
            poll.result = self.result
        if self.result != "go" and run.state == "running":
            run.state, run.ended, run.reason = "pending", at, self.reason

    def sentence(self, told: Told) -> str:
        result = {"go": "GO", "no_go": "NO-GO", "timeout": "not answered in time", "void": "void"}[self.result]
        return f"{told.step}: {result}{why_of(self.reason)}"

    def adds(self, told: Told) -> str:
        return "" if self.result == "go" else self.brief(told)
