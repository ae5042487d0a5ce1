"""What a careful lead would do next, as a pure function: the demo's own person when nobody is at a terminal.

It uses the same intents as the console's keys, and the rules may refuse it like anybody. It accepts the first
proposal to halt, answers a failed step with a halt, and commits the rollback.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from quarterdeck.session import intents as wanted
from quarterdeck.session.availability import in_force, open_gates, view
from quarterdeck.session.intents import Intent
from quarterdeck.session.rollback import due_items, next_item, undecided
from quarterdeck.session.rules.proofs import missing_values
from quarterdeck.session.rules.session import unanswered
from quarterdeck.session.state import FINISHED, Session, StepRun

__all__ = ["WINDOW", "Orders", "next_move"]

WINDOW = 900.0
"""Seconds of the demo's window, so that decide-by visibly moves."""


@dataclass(frozen=True)
class Orders:
    """What the person at the command line asked for."""

    halt_after: str = ""
    """Halt when this step is finished."""
    values: dict[str, str] = field(default_factory=dict)
    """Values that were measured for steps that ask a person."""


def next_move(session: Session, now: float, orders: Orders) -> Intent | None:
    """Return the next intent, or None where there is nothing to do but wait. A halt comes without its nonce."""
    if session.plan is None or session.is_over:
        return None
    if session.live_halts():
        return _answer_halt(session)
    if session.phase == "rolling_back":
        return _roll_back(session)
    why = _why_halt(session, orders)
    if why:
        return wanted.Halt(nonce="", reason=why)
    if session.phase == "planned":
        return _prepare(session, now)
    if session.paused:
        return wanted.GoOn(reason="looked at it", accept="read again by hand", override="watched by hand")
    return _work(session, now, orders)


def _why_halt(session: Session, orders: Orders) -> str:
    if session.phase != "running" or session.past_no_return:
        return ""
    for proposal in session.open_proposals():
        return proposal.reason
    if orders.halt_after and session.steps[orders.halt_after].state in FINISHED:
        return f"asked to halt after {orders.halt_after}"
    for run in session.steps.values():
        if run.state in {"failed", "unknown"} and not run.retry_at:
            return f"{run.id} failed: {run.reason}"
        if run.state == "verifying" and any(proof.ok is not True for proof in run.proofs):
            return f"{run.id} is not verified"
    return ""


def _answer_halt(session: Session) -> Intent | None:
    """R5, R6, R11: what was running, why, what it changed, then the rollback."""
    assert session.plan is not None
    halts = session.live_halts()
    for run in session.running():
        if run.question_at_halt:
            return wanted.DeclareEffect(step=run.id, effect="none", note="had not begun")
        if run.unproven:
            return wanted.DeclareGone(step=run.id, note="its process is gone")
        return None
    if any(not session.halts[nonce].reason for nonce in halts):
        return wanted.GiveReason(reason="halted by the demo")
    if session.phase == "planned":
        return wanted.GoOn(halts=halts, reason="nothing has begun")
    if session.rollback is not None or session.past_no_return:
        return wanted.GoOn(halts=halts, reason="there is no way back but forward")
    unknown = undecided(session)
    if unknown:
        return wanted.DeclareEffect(step=unknown[0].id, effect="partial", note="ended in the middle")
    return wanted.RollBack(halts=halts, typed="ROLLBACK")


def _roll_back(session: Session) -> Intent | None:
    assert session.plan is not None
    rollback = session.rollback
    assert rollback is not None
    if rollback.paused:
        return wanted.GoOn(reason="try it again")
    item = next_item(session)
    if item is None or session.running():
        return None
    run = session.steps[item.step]
    if item.asks and not session.steps[item.undoes].undo_choice:
        return wanted.DecideUndo(step=item.undoes, choice="run")
    if run.state in {"failed", "interrupted", "unknown"}:
        return wanted.StartStep(step=item.step) if run.attempt < 3 else _skip(run)
    if run.state == "verifying":
        return _stuck(run)
    if not rollback.run_mine:
        return wanted.RunMine(roles=tuple(dict.fromkeys(entry.owner for entry in due_items(session))))
    return None


def _skip(run: StepRun) -> Intent:
    return wanted.SkipStep(step=run.id, reason="it failed three times")


def _stuck(run: StepRun) -> Intent | None:
    """A verification that was read and is not ok: outside the forward plan it is accepted, as an exception."""
    if not any(proof.ok is not True for proof in run.proofs):
        return None
    return wanted.AcceptStep(step=run.id, reason="read twice; it stays so")


def _prepare(session: Session, now: float) -> Intent | None:
    assert session.plan is not None
    for item in session.plan.procedure.checklist:
        if item.id not in session.ticks and item.check is None:
            return wanted.TickItem(item=item.id, note="demo")
    if open_gates(session, now):
        return _steps(session, now, Orders()) if session.plan.preconditions else None
    return wanted.StartSession(start=now, end=now + WINDOW)


def _work(session: Session, now: float, orders: Orders) -> Intent | None:
    step = _steps(session, now, orders)
    if step is not None or session.phase != "validating":
        return step
    waiting = unanswered(session)
    if waiting:
        return wanted.AnswerCriterion(criterion=waiting[0], satisfied=True, note="nobody called during the demo")
    through = all(session.steps[i].state in FINISHED for i in in_force(session))
    return wanted.EndSession() if through else None


def _steps(session: Session, now: float, orders: Orders) -> Intent | None:
    """Answer what is asked, finish what a person does, start what is available."""
    assert session.plan is not None
    for identity in in_force(session):
        run, step = session.steps[identity], session.plan.steps[identity]
        poll = session.polls.get(identity)
        if poll is not None and not poll.result:
            silent = [role for role in step.roles if role not in poll.answers]
            return wanted.AnswerPoll(step=identity, role=silent[0], answer="go") if silent else None
        if run.state == "running" and step.kind == "manual":
            needed = missing_values(step, {**run.values, **orders.values})
            return None if needed else wanted.FinishStep(step=identity, values=_for(step.record, orders))
        if run.state == "verifying" and session.phase != "running":
            return _stuck(run)
        if run.state in {"granted", "running", "verifying"}:
            return None
        if run.state in {"failed", "interrupted", "unknown"} and session.phase != "running":
            return wanted.SkipStep(step=identity, reason=f"it failed: {run.reason}")
    steps = session.plan.steps
    ready = (i for i in in_force(session) if not steps[i].auto_start and view(session, i, now).state == "available")
    first = next(ready, "")
    return wanted.StartStep(step=first) if first else None


def _for(fields: tuple[object, ...], orders: Orders) -> dict[str, str]:
    names = {getattr(field, "name", "") for field in fields if not getattr(field, "pattern", "")}
    return {name: value for name, value in orders.values.items() if name in names}
