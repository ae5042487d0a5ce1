"""What the station does by itself: the intents that are due now. Nothing else starts unasked.

Steps with `auto_start`, automatic retries (R14), a rollback's `run mine` (R9), checks that a halt made old (R11),
and a tick where time has brought something. The station asks `decide` for each, like a person would.
"""

from __future__ import annotations

from quarterdeck.session.availability import view
from quarterdeck.session.rollback import next_item
from quarterdeck.session.rules.answer import Wish
from quarterdeck.session.rules.start import StartStep
from quarterdeck.session.rules.time import Tick, overdue
from quarterdeck.session.state import Session

__all__ = ["due"]


def due(session: Session, now: float) -> list[Wish]:
    """Return what is due by itself; each may still be refused."""
    if session.plan is None or session.is_over or session.gaps or session.unknown_kinds:
        return []
    wanted: list[Wish] = [Tick()] if overdue(session, now) else []
    if session.live_halts() or (session.paused and not session.undoing):
        return wanted
    return wanted + _starts(session, now)


def _starts(session: Session, now: float) -> list[Wish]:
    assert session.plan is not None
    rollback = session.rollback
    if session.phase == "rolling_back":
        item = next_item(session)
        if item is None or rollback is None or rollback.paused or session.running():
            return []
        run = session.steps[item.step]
        mine = item.owner in rollback.run_mine or session.plan.steps[item.step].auto_start
        ready = mine and run.state in {"pending", "claimed"}
        asks = item.asks and not session.steps[item.undoes].undo_choice
        return [StartStep(step=item.step)] if ready and not asks else []
    starts: list[Wish] = []
    for identity in session.index.by_itself.within(session.in_force):
        run, step = session.steps[identity], session.plan.steps[identity]
        retry = run.state == "failed" and 0 < run.retry_at <= now
        fresh = step.auto_start and run.state in {"pending", "claimed"}
        if (retry or fresh) and view_allows(session, identity, now):
            starts.append(StartStep(step=identity))
    return starts


def view_allows(session: Session, identity: str, now: float) -> bool:
    """Whether the step could start as far as the step itself goes."""
    shown = view(session, identity, now).state
    return shown in {"available", "failed"}
