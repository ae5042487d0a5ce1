"""What time brings by itself, and what the station says of itself (R12, R13, Times)."""

from __future__ import annotations

from typing import Literal

from quarterdeck.session.event import Actor
from quarterdeck.session.events.guard import ProposalLapsed
from quarterdeck.session.events.halt import SessionPaused
from quarterdeck.session.events.rollback import UndoFinished
from quarterdeck.session.events.session import ClosingBegun
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.events.station import (
    ClockStepped,
    FactNoted,
    LateNoticed,
    RecorderChanged,
    StatusDue,
    StepLate,
)
from quarterdeck.session.forecast import clocks, last_end
from quarterdeck.session.parts import Effect
from quarterdeck.session.rules.answer import Answer, Wish, draft
from quarterdeck.session.rules.poll import ended_poll
from quarterdeck.session.state import Session, StepRun
from quarterdeck.spans import left, measured

__all__ = ["NoteClockStep", "NoteFact", "NoteRecorder", "Tick", "overdue"]


class Tick(Wish, frozen=True, kw_only=True):
    """Time passed: what happens by itself (poll and proposal timeouts, lateness, closing)."""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Time passed."""
        return overdue(session, now)


def overdue(session: Session, now: float) -> list[Draft]:
    """What has come by itself and is not written down yet."""
    if session.plan is None or session.is_over:
        return []
    return (
        _polls(session, now)
        or _proposals(session, now)
        or _through(session)
        or _late(session, now)
        or _update(session, now)
    )


def _polls(session: Session, now: float) -> list[Draft]:
    assert session.plan is not None
    for poll in session.open_polls():
        step = session.plan.steps[poll.step]
        if step.poll_timeout and now - poll.opened > step.poll_timeout:
            result = "no_go" if step.on_timeout == "no_go" else "timeout"
            silent = [role for role in step.roles if role not in poll.answers]
            return ended_poll(session, poll, result, f"no answer from {', '.join(silent)}")
    return []


def _proposals(session: Session, now: float) -> list[Draft]:
    for proposal in session.open_proposals():
        if now > proposal.until:
            lapsed = draft(ProposalLapsed(guard=proposal.guard))
            pauses = session.is_live_session and not session.paused and session.phase != "rolling_back"
            why = f"nobody answered: {proposal.reason}"
            return [lapsed, draft(SessionPaused(reason=why, cause="guard"))] if pauses else [lapsed]
    return []


def _through(session: Session) -> list[Draft]:
    """An undo of one step that is through; a list that is through begins the closing."""
    if session.undoing:
        is_open = session.index.unfinished.count(session.in_force)
        run = session.steps[session.undoing]
        return [] if is_open else [draft(UndoFinished(left=_not_undone(session, run)), run)]
    if session.live_halts() or session.paused or session.running():
        return []
    if session.phase not in {"running", "contingency", "rolling_back"}:
        return []
    waits = session.index.unfinished.count(session.in_force)
    if session.phase != "rolling_back":
        waits += session.index.awaiting.count(session.in_force)
    return [] if waits else [draft(ClosingBegun())]


def _not_undone(session: Session, run: StepRun) -> Effect:
    """What is still there of the step that was undone alone: where its undo was left out, or a part of it."""
    if run.undone:
        return "none"
    some = any(session.steps[item.step].state != "skipped" for item in session.undo_items)
    return "partial" if some and run.effect == "full" else run.effect


def _late(session: Session, now: float) -> list[Draft]:
    """Once each: a step past its duration and past twice of it; decide-by at warn and zero; the forecast."""
    assert session.plan is not None
    for run in session.running():
        step = session.plan.steps[run.id]
        elapsed = now - (run.started if run.started is not None else now)
        if step.duration and run.late < 2 and elapsed > step.duration * (run.late + 1):
            return [draft(StepLate(times=run.late + 1), run)]
    if session.phase != "running" or session.window is None:
        return []
    shown = clocks(session, now)
    if shown is None or shown.past_no_return:
        return []
    if shown.margin < 0 and "decide_by_zero" not in session.late:
        return [
            draft(
                LateNoticed(
                    what="decide_by_zero",
                    detail=f"its reserve of {measured(round(session.window.reserve))} is kept back",
                )
            )
        ]
    if shown.margin <= session.window.warn and not {"decide_by_warn", "decide_by_zero"} & set(session.late):
        return [draft(LateNoticed(what="decide_by_warn", detail=f"{left(shown.margin)} left to decide"))]
    latest = session.window.end - session.window.reserve
    if "forecast" not in session.late and last_end(session, now) > latest:
        return [
            draft(
                LateNoticed(
                    what="forecast",
                    detail=f"after the window's end, less {measured(round(session.window.reserve))} reserve",
                )
            )
        ]
    return []


def _update(session: Session, now: float) -> list[Draft]:
    """The status update that `progress_every` asks for, while the session is live."""
    assert session.plan is not None
    every = session.plan.procedure.progress_every
    if not every or not session.is_live_session or session.started is None:
        return []
    number = int((now - session.started) / every)
    return [draft(StatusDue(number=number))] if number > session.updates_due else []


class NoteFact(Wish, frozen=True, kw_only=True):
    """Something that the program says about itself."""

    text: str
    level: Literal["info", "warning", "alarm"] = "info"

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        return [draft(FactNoted(text=self.text, level=self.level))]


class NoteClockStep(Wish, frozen=True, kw_only=True):
    """The wall clock jumped by so many seconds."""

    by: float

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """The wall clock jumped; the session's clock runs on."""
        return [draft(ClockStepped(by=self.by))]


class NoteRecorder(Wish, frozen=True, kw_only=True):
    """A recorder changed its state."""

    recorder: str
    state: str
    detail: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A recorder was lost, repaired or came back."""
        return [draft(RecorderChanged(recorder=self.recorder, state=self.state, detail=self.detail))]
