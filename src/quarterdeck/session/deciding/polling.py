"""Go or no-go (R12, R32)."""

from __future__ import annotations

from quarterdeck.session import intents as wanted
from quarterdeck.session.deciding.answers import Answer, Refusal, about, draft, rule
from quarterdeck.session.event import Actor, Draft
from quarterdeck.session.events import PollAnswered, PollClosed, SessionPaused, StepDone
from quarterdeck.session.state import Poll, Session

__all__ = ["ended_poll"]


@rule(wanted.AnswerPoll)
def answer_poll(session: Session, intent: wanted.AnswerPoll, by: Actor, now: float) -> Answer:
    """One role's answer; the last go passes the poll, a no-go ends the attempt."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    poll = session.polls.get(run.id)
    if poll is None or poll.result:
        return Refusal(f"“{step.title}” is not being asked", hint="S asks it")
    if intent.role not in step.roles:
        return Refusal(f"{intent.role} is not asked: {', '.join(step.roles)}")
    answered = PollAnswered(role=intent.role, answer=intent.answer, comment=intent.comment, by_phone=intent.by_phone)
    drafts = [draft(answered, run)]
    if intent.answer == "no_go":
        why = f"{intent.role}: {intent.comment}" if intent.comment else f"{intent.role} said no-go"
        return drafts + ended_poll(session, poll, "no_go", why)
    goes = {role for role, answer in poll.answers.items() if answer.answer != "no_go"} | {intent.role}
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
