"""Effects on the session as a whole: planning, Start, pause, halt, rollback, the end."""

from __future__ import annotations

import msgspec

from quarterdeck.procedure.model import Procedure
from quarterdeck.session import events as happened
from quarterdeck.session.effects.registry import (
    answer,
    deviate,
    on,
    on_step,
    pause,
    seat_steps,
    unpause,
)
from quarterdeck.session.event import Event
from quarterdeck.session.plan import build
from quarterdeck.session.state import (
    FINISHED,
    HaltMark,
    RollbackRun,
    Session,
    StepRun,
    Window,
)


@on(happened.SessionOpened)
def _opened(session: Session, event: Event, data: happened.SessionOpened, at: float) -> None:
    session.id, session.title, session.procedure = event.session, data.title, data.procedure
    session.purpose, session.version = data.purpose, data.version
    session.lead = data.lead or event.actor.login


@on(happened.PlanRevised)
def _plan(session: Session, event: Event, data: happened.PlanRevised, at: float) -> None:
    session.text, session.params, session.planned_window = data.text, dict(data.params), dict(data.window)
    procedure = msgspec.json.decode(data.compiled, type=Procedure)
    session.plan = build(procedure, data.hash, session.added)
    seat_steps(session)


@on(happened.ItemTicked)
def _ticked(session: Session, event: Event, data: happened.ItemTicked, at: float) -> None:
    if data.ticked:
        session.ticks[data.item] = event.actor.login
    else:
        session.ticks.pop(data.item, None)
    if data.proof is not None:
        session.tick_proofs[data.item] = data.proof


@on(happened.SessionStarted)
def _started(session: Session, event: Event, data: happened.SessionStarted, at: float) -> None:
    session.phase, session.started, session.anchor = "running", at, event.t
    session.window = Window(data.start, data.end, data.reserve, data.warn, data.assumed)
    session.automatic_halts = data.automatic_halts
    if data.alone:
        session.facts["roles"] = f"{event.actor.login} held all roles alone"
    for open_gate in data.overrides:
        deviate(session, event, at, what=f"started although {open_gate}", why=data.reason, exception=True)


@on(happened.SessionPaused)
def _paused(session: Session, event: Event, data: happened.SessionPaused, at: float) -> None:
    session.paused_by, session.pause_reason, session.pause_cause = event.actor.login, data.reason, data.cause
    pause(session, at)


@on(happened.SessionResumed)
def _resumed(session: Session, event: Event, data: happened.SessionResumed, at: float) -> None:
    if session.rollback is not None:
        session.rollback.paused = False
    unpause(session, at)
    session.rechecks, session.poll_again = {}, ""
    for guard in data.overrides:
        session.overrides[guard] = 0.0
        deviate(session, event, at, what=f"went on while guard {guard} held", why=data.reason, exception=True)


@on(happened.HaltCalled)
def _halted(session: Session, event: Event, data: happened.HaltCalled, at: float) -> None:
    if data.nonce in session.halts:
        return
    by = event.actor
    mark = HaltMark(data.nonce, by.login, at, data.source, data.reason, data.guard, left=session.state, host=by.host)
    session.halts[data.nonce] = mark
    rollback = session.rollback
    if rollback is not None and session.phase == "rolling_back":
        replica, aseq = rollback.commit
        if event.replica != replica and event.seen.get(replica, 0) < aseq:
            mark.answered = True
            deviate(
                session, event, at, what="a late halt, answered by the rollback", why=data.reason, exception=False
            )
            return
    if session.phase in {"rolling_back", "running", "contingency", "validating"}:
        pause(session, at)
    for proposal in session.proposals.values():
        if proposal.state == "open":
            proposal.state, proposal.closed = "answered", at
    _void_what_waits(session)


def _void_what_waits(session: Session) -> None:
    """R1, R5: open polls and waits end; a manual step's owner is asked one question."""
    assert session.plan is not None or not session.steps
    for poll in session.polls.values():
        if not poll.result:
            poll.result = "void"
            session.steps[poll.step].state = "pending"
    for run in session.steps.values():
        if run.state not in {"running", "verifying"} or session.plan is None:
            continue
        kind = session.plan.steps[run.id].kind
        if kind in {"wait", "note", "poll", "check"}:
            run.state = "pending"
        elif kind == "manual" and run.state == "running":
            run.question_at_halt = True


@on(happened.HaltReasonGiven)
def _reason(session: Session, event: Event, data: happened.HaltReasonGiven, at: float) -> None:
    for nonce in data.nonces:
        if nonce in session.halts:
            session.halts[nonce].reason = data.reason


@on(happened.SessionWentOn)
def _went_on(session: Session, event: Event, data: happened.SessionWentOn, at: float) -> None:
    answer(session, data.answers)
    if session.phase == "planned":
        session.paused = False
        return
    session.pause_reason, session.pause_cause = data.reason, "person"
    session.rechecks = dict.fromkeys(data.recheck)
    session.poll_again = data.poll_again


@on(happened.RecheckAccepted)
def _recheck_accepted(session: Session, event: Event, data: happened.RecheckAccepted, at: float) -> None:
    failed = [step for step, ok in session.rechecks.items() if ok is not True]
    session.rechecks = {}
    session.poll_again = ""
    what = "went on although not verified again: " + (", ".join(failed) or "the poll")
    deviate(session, event, at, what=what, why=data.reason, exception=True)


@on(happened.RollbackCommitted)
def _committed(session: Session, event: Event, data: happened.RollbackCommitted, at: float) -> None:
    answer(session, session.live_halts())
    unpause(session, at)
    session.phase, session.undoing, session.undo_items = "rolling_back", "", ()
    session.rechecks, session.poll_again = {}, ""
    session.rollback = RollbackRun(
        at, event.actor.login, list(data.items), data.stays, data.left_out, data.letters, (event.replica, event.aseq),
        waiver=data.waiver,
    )  # fmt: skip
    if data.waiver:
        deviate(session, event, at, what="rolled back with an unknown effect", why=data.waiver, exception=True)


@on(happened.RunMineAsked)
def _run_mine(session: Session, event: Event, data: happened.RunMineAsked, at: float) -> None:
    if session.rollback is not None:
        session.rollback.run_mine = () if data.stop else data.roles


@on_step(happened.UndoDecided)
def _undo_decided(session: Session, event: Event, data: happened.UndoDecided, at: float, run: StepRun) -> None:
    run.undo_choice = data.choice
    if data.choice == "run" or session.plan is None:
        return
    run.undone = True
    by_hand = data.choice == "by_hand"
    for undo in session.plan.steps[run.id].undo:
        row = session.steps[undo.id]
        row.state, row.ended, row.reason = "done_manually" if by_hand else "skipped", at, data.reason
    what = f"undo of {run.id} done by hand" if by_hand else f"undo of {run.id} not needed"
    deviate(session, event, at, what=what, why=data.reason, exception=not by_hand)


@on_step(happened.UndoOpened)
def _undo_opened(session: Session, event: Event, data: happened.UndoOpened, at: float, run: StepRun) -> None:
    session.undoing, session.undo_items = run.id, data.items
    run.undo_choice = "run"
    for item in data.items:
        _forget(session.steps[item.step])


def _forget(run: StepRun) -> None:
    """An undo step may be needed again later: its past stays in the events."""
    run.state, run.effect, run.declared, run.undone, run.reason = "pending", "none", False, False, ""
    run.ended, run.proofs, run.retry_at = None, (), 0.0


@on_step(happened.UndoFinished)
def _undo_finished(session: Session, event: Event, data: happened.UndoFinished, at: float, run: StepRun) -> None:
    for item in session.undo_items:
        _forget(session.steps[item.step])
    session.undoing, session.undo_items = "", ()
    run.state, run.effect, run.declared = "pending", "none", True
    run.undone, run.undo_choice, run.reason, run.claimed_by, run.proofs = False, "", "", "", ()


@on(happened.ContingencyStarted)
def _contingency(session: Session, event: Event, data: happened.ContingencyStarted, at: float) -> None:
    answer(session, data.answers)
    unpause(session, at)
    session.phase, session.contingency_started = "contingency", True
    session.rechecks, session.poll_again, session.undoing = {}, "", ""


@on(happened.ClosingBegun)
def _closing(session: Session, event: Event, data: happened.ClosingBegun, at: float) -> None:
    froms = {"running": "forward", "rolling_back": "rollback", "contingency": "contingency"}
    session.closing_from = froms.get(session.phase, session.closing_from)  # type: ignore[assignment]
    session.phase = "validating"


@on(happened.SessionAbandoned)
def _abandoned(session: Session, event: Event, data: happened.SessionAbandoned, at: float) -> None:
    rolled_back = session.rollback is not None and all(
        session.steps[item.step].state in FINISHED for item in session.rollback.items
    )
    answer(session, data.answers)
    unpause(session, at)
    session.phase, session.ended, session.handover = "ended", at, data.handover
    session.outcome = "rolled_back_with_exceptions" if rolled_back else "abandoned"
    deviate(session, event, at, what="abandoned", why=data.reason, exception=True)


@on(happened.SessionEnded)
def _ended(session: Session, event: Event, data: happened.SessionEnded, at: float) -> None:
    session.phase, session.ended, session.outcome = "ended", at, data.outcome
    session.verdicts = data.verdicts
    session.facts.update(data.facts)


@on(happened.SessionClosed)
def _closed(session: Session, event: Event, data: happened.SessionClosed, at: float) -> None:
    session.phase = "closed"
