"""Effects of polls, guards, criteria, clocks and the station's own life."""

from __future__ import annotations

from quarterdeck.session import events as happened
from quarterdeck.session.effects.registry import (
    by_phone,
    deviate,
    on,
    on_step,
    pause,
)
from quarterdeck.session.event import Event
from quarterdeck.session.state import (
    Answer,
    Poll,
    Proposal,
    Session,
    StepRun,
    Window,
)


@on_step(happened.PollOpened)
def _poll_opened(session: Session, event: Event, data: happened.PollOpened, at: float, run: StepRun) -> None:
    session.polls[run.id] = Poll(run.id, event.attempt, at)


@on_step(happened.PollAnswered)
def _poll_answered(session: Session, event: Event, data: happened.PollAnswered, at: float, run: StepRun) -> None:
    poll = session.polls.get(run.id)
    if poll is not None:
        poll.answers[data.role] = Answer(data.answer, data.comment, event.actor.login, at, data.by_phone)
    by_phone(session, event, at, data.by_phone, f"{data.role} answered")


@on_step(happened.PollClosed)
def _poll_closed(session: Session, event: Event, data: happened.PollClosed, at: float, run: StepRun) -> None:
    poll = session.polls.get(run.id)
    if poll is not None:
        poll.result = data.result
    if data.result != "go" and run.state == "running":
        run.state, run.ended, run.reason = "pending", at, data.reason


@on(happened.GuardWarned)
def _warned(session: Session, event: Event, data: happened.GuardWarned, at: float) -> None:
    session.holding[data.guard] = data.reason


@on(happened.HaltProposed)
def _proposed(session: Session, event: Event, data: happened.HaltProposed, at: float) -> None:
    session.holding[data.guard] = data.reason
    session.proposals[data.guard] = Proposal(data.guard, data.reason, at, data.until, data.value)


@on(happened.ProposalDismissed)
def _dismissed(session: Session, event: Event, data: happened.ProposalDismissed, at: float) -> None:
    proposal = session.proposals.get(data.guard)
    if proposal is not None:
        proposal.state, proposal.closed = "dismissed", at


@on(happened.ProposalLapsed)
def _lapsed(session: Session, event: Event, data: happened.ProposalLapsed, at: float) -> None:
    proposal = session.proposals.get(data.guard)
    if proposal is not None:
        proposal.state, proposal.closed = "lapsed", at


@on(happened.GuardCleared)
def _cleared(session: Session, event: Event, data: happened.GuardCleared, at: float) -> None:
    session.holding.pop(data.guard, None)
    proposal = session.proposals.get(data.guard)
    if proposal is not None and proposal.state != "open":
        proposal.state = "cleared"


@on(happened.GuardOverridden)
def _overridden(session: Session, event: Event, data: happened.GuardOverridden, at: float) -> None:
    session.overrides[data.guard] = data.until
    proposal = session.proposals.get(data.guard)
    if proposal is not None and proposal.state == "open":
        proposal.state, proposal.closed = "dismissed", at
    deviate(session, event, at, what=f"guard {data.guard} overridden", why=data.reason, exception=True)


@on(happened.CriterionAnswered)
def _criterion(session: Session, event: Event, data: happened.CriterionAnswered, at: float) -> None:
    session.criteria[data.criterion] = (data.satisfied, data.note)


@on(happened.WindowExtended)
def _extended(session: Session, event: Event, data: happened.WindowExtended, at: float) -> None:
    window = session.window
    if window is None:
        return
    late = at > window.end
    session.window = Window(window.start, data.end, window.reserve, window.warn, window.assumed)
    session.late.clear()
    what = "window extended late" if late else "window extended"
    deviate(session, event, at, what=what, why=data.reason, exception=late or not data.approver)


@on(happened.LateNoticed)
def _late_noticed(session: Session, event: Event, data: happened.LateNoticed, at: float) -> None:
    session.late.append(data.what)


@on(happened.StationRestarted)
def _restarted(session: Session, event: Event, data: happened.StationRestarted, at: float) -> None:
    if session.is_live_session:
        session.paused_by, session.pause_cause = event.actor.login, "crash"
        session.pause_reason = "the station was restarted"
        pause(session, at)


@on(happened.RecorderChanged)
def _recorder(session: Session, event: Event, data: happened.RecorderChanged, at: float) -> None:
    session.recorders[data.recorder] = data.state
