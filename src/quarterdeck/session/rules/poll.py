"""Go or no-go (R12, R32)."""

from __future__ import annotations

from typing import Literal

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor
from quarterdeck.session.events.halt import SessionPaused
from quarterdeck.session.events.poll import PollAnswered, PollClosed
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.events.step import StepDone
from quarterdeck.session.rules.answer import Answer, Refusal, StepWish, draft
from quarterdeck.session.state import Poll, Session, StepRun

__all__ = ["AnswerPoll", "ended_poll"]


class AnswerPoll(StepWish, frozen=True, kw_only=True):
    """Answer a poll for a role."""

    of_people = True
    role: str
    answer: Literal["go", "no_go", "go_with_comment"]
    comment: str = ""
    by_phone: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """One role's answer; the last go passes the poll, a no-go ends the attempt."""
        poll = session.polls.get(run.id)
        if poll is None or poll.result:
            return Refusal(f"“{step.title}” is not being asked", hint="S asks it")
        if self.role not in step.roles:
            return Refusal(f"{self.role} is not asked: {', '.join(step.roles)}")
        answered = PollAnswered(role=self.role, answer=self.answer, comment=self.comment, by_phone=self.by_phone)
        drafts = [draft(answered, run)]
        if self.answer == "no_go":
            why = f"{self.role}: {self.comment}" if self.comment else f"{self.role} said no-go"
            return drafts + ended_poll(session, poll, "no_go", why)
        goes = {role for role, answer in poll.answers.items() if answer.answer != "no_go"} | {self.role}
        if len(goes) >= (step.quorum or len(step.roles)):
            drafts += [draft(PollClosed(result="go"), run), draft(StepDone(), run)]
        return drafts


def ended_poll(session: Session, poll: Poll, result: str, why: str) -> list[Draft]:
    """A no-go or a timeout ends the attempt: before Start it stays planned, later it pauses (R12)."""
    closed = PollClosed(result=result, reason=why)  # type: ignore[arg-type]  # one of its words
    drafts = [Draft(closed, poll.step, poll.attempt)]
    if session.is_live_session and not session.paused and not session.live_halts():
        drafts.append(draft(SessionPaused(reason=why, cause="poll")))
    return drafts
