"""What each kind of event does to the session: one short function a kind, called by `fold` alone.

Nothing here decides anything: an event that is in a logbook happened, and its meaning must never fail.
An event about a step that the plan does not know is counted and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from quarterdeck.procedure.model import Procedure
from quarterdeck.session import events as happened
from quarterdeck.session.event import Event
from quarterdeck.session.events import KINDS
from quarterdeck.session.plan import build
from quarterdeck.session.state import (
    FINISHED,
    Answer,
    Deviation,
    HaltMark,
    Poll,
    Proposal,
    RollbackRun,
    Run,
    Session,
    StepRun,
    Window,
)

__all__ = ["take"]

Effect = Callable[[Session, Event, Any, float], None]
_EFFECTS: dict[str, tuple[msgspec.json.Decoder[Any], Effect]] = {}


def take(session: Session, event: Event, at: float) -> None:
    """Let `event` have its effect; `at` is its session time."""
    known = _EFFECTS.get(event.kind)
    if known is not None:
        decoder, effect = known
        effect(session, event, decoder.decode(event.data), at)
    elif event.kind not in KINDS:
        session.unknown_kinds.append(event.kind)


def _on(kind: type[happened.Payload]) -> Callable[[Effect], Effect]:
    """Register the effect of a kind."""

    def register(effect: Effect) -> Effect:
        _EFFECTS[kind.kind] = (msgspec.json.Decoder(kind), effect)
        return effect

    return register


def _on_step(
    kind: type[happened.Payload],
) -> Callable[[Callable[[Session, Event, Any, float, StepRun], None]], Effect]:
    """Register the effect of a kind that is about a step of the plan."""

    def register(effect: Callable[[Session, Event, Any, float, StepRun], None]) -> Effect:
        def guarded(session: Session, event: Event, data: Any, at: float) -> None:
            run = session.steps.get(event.step)
            if run is not None:
                effect(session, event, data, at, run)

        return _on(kind)(guarded)

    return register


def _deviate(session: Session, event: Event, at: float, *, what: str, why: str, exception: bool) -> None:
    weight = "exception" if exception else "noted"
    session.deviations.append(
        Deviation(weight, what, event.actor.login, at, why, event.step)  # type: ignore[arg-type]  # one of the two
    )


def _by_phone(session: Session, event: Event, at: float, words: str, what: str) -> None:
    if words:
        _deviate(session, event, at, what=f"{what} by telephone", why=words, exception=False)


def _mutates(session: Session, step: str) -> bool:
    return session.plan is not None and session.plan.steps[step].mutates


# ---------------------------------------------------------------- planning


@_on(happened.SessionOpened)
def _opened(session: Session, event: Event, data: happened.SessionOpened, at: float) -> None:
    session.id, session.title, session.procedure = event.session, data.title, data.procedure
    session.purpose, session.version = data.purpose, data.version
    session.lead = data.lead or event.actor.login


@_on(happened.PlanRevised)
def _plan(session: Session, event: Event, data: happened.PlanRevised, at: float) -> None:
    session.text, session.params, session.planned_window = data.text, dict(data.params), dict(data.window)
    procedure = msgspec.json.decode(data.compiled, type=Procedure)
    session.plan = build(procedure, data.hash, session.added)
    _seat_steps(session)


def _seat_steps(session: Session) -> None:
    """Give every step of the plan its row."""
    assert session.plan is not None
    for identity in session.plan.steps:
        if identity not in session.steps:
            session.steps[identity] = StepRun(identity)


@_on(happened.ItemTicked)
def _ticked(session: Session, event: Event, data: happened.ItemTicked, at: float) -> None:
    if data.ticked:
        session.ticks[data.item] = event.actor.login
    else:
        session.ticks.pop(data.item, None)
    if data.proof is not None:
        session.tick_proofs[data.item] = data.proof


@_on(happened.SessionStarted)
def _started(session: Session, event: Event, data: happened.SessionStarted, at: float) -> None:
    session.phase, session.started, session.anchor = "running", at, event.t
    session.window = Window(data.start, data.end, data.reserve, data.warn, data.assumed)
    session.automatic_halts = data.automatic_halts
    if data.alone:
        session.facts["roles"] = f"{event.actor.login} held all roles alone"
    for open_gate in data.overrides:
        _deviate(session, event, at, what=f"started although {open_gate}", why=data.reason, exception=True)


# ---------------------------------------------------------------- three verbs


@_on(happened.SessionPaused)
def _paused(session: Session, event: Event, data: happened.SessionPaused, at: float) -> None:
    session.paused_by, session.pause_reason, session.pause_cause = event.actor.login, data.reason, data.cause
    _pause(session, at)


def _pause(session: Session, at: float) -> None:
    if session.phase == "rolling_back" and session.rollback is not None:
        session.rollback.paused, session.rollback.run_mine = True, ()
    if not session.paused and session.phase != "rolling_back":
        session.paused, session.paused_at = True, at


@_on(happened.SessionResumed)
def _resumed(session: Session, event: Event, data: happened.SessionResumed, at: float) -> None:
    if session.rollback is not None:
        session.rollback.paused = False
    _unpause(session, at)
    session.rechecks, session.poll_again = {}, ""
    for guard in data.overrides:
        session.overrides[guard] = 0.0
        _deviate(session, event, at, what=f"went on while guard {guard} held", why=data.reason, exception=True)


def _unpause(session: Session, at: float) -> None:
    if session.paused:
        session.pauses.append((session.paused_at, at))
    session.paused, session.pause_reason, session.pause_cause, session.paused_by = False, "", "", ""


@_on(happened.HaltCalled)
def _halted(session: Session, event: Event, data: happened.HaltCalled, at: float) -> None:
    if data.nonce in session.halts:
        return
    mark = HaltMark(data.nonce, event.actor.login, at, data.source, data.reason, data.guard, left=session.state)
    session.halts[data.nonce] = mark
    rollback = session.rollback
    if rollback is not None and session.phase == "rolling_back":
        replica, aseq = rollback.commit
        if event.replica != replica and event.seen.get(replica, 0) < aseq:
            mark.answered = True
            _deviate(
                session, event, at, what="a late halt, answered by the rollback", why=data.reason, exception=False
            )
            return
    if session.phase in {"rolling_back", "running", "contingency", "validating"}:
        _pause(session, at)
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


@_on(happened.HaltReasonGiven)
def _reason(session: Session, event: Event, data: happened.HaltReasonGiven, at: float) -> None:
    for nonce in data.nonces:
        if nonce in session.halts:
            session.halts[nonce].reason = data.reason


def _answer(session: Session, nonces: tuple[str, ...]) -> None:
    for nonce in nonces:
        if nonce in session.halts:
            session.halts[nonce].answered = True


@_on(happened.SessionWentOn)
def _went_on(session: Session, event: Event, data: happened.SessionWentOn, at: float) -> None:
    _answer(session, data.answers)
    if session.phase == "planned":
        session.paused = False
        return
    session.pause_reason, session.pause_cause = data.reason, "person"
    session.rechecks = dict.fromkeys(data.recheck)
    session.poll_again = data.poll_again


@_on(happened.RecheckAccepted)
def _recheck_accepted(session: Session, event: Event, data: happened.RecheckAccepted, at: float) -> None:
    failed = [step for step, ok in session.rechecks.items() if ok is not True]
    session.rechecks = {}
    session.poll_again = ""
    what = "went on although not verified again: " + (", ".join(failed) or "the poll")
    _deviate(session, event, at, what=what, why=data.reason, exception=True)


# ---------------------------------------------------------------- rollback, contingency, the end


@_on(happened.RollbackCommitted)
def _committed(session: Session, event: Event, data: happened.RollbackCommitted, at: float) -> None:
    _answer(session, session.live_halts())
    _unpause(session, at)
    session.phase, session.undoing, session.undo_items = "rolling_back", "", ()
    session.rechecks, session.poll_again = {}, ""
    session.rollback = RollbackRun(
        at, event.actor.login, list(data.items), data.stays, data.left_out, data.letters, (event.replica, event.aseq),
        waiver=data.waiver,
    )  # fmt: skip
    if data.waiver:
        _deviate(session, event, at, what="rolled back with an unknown effect", why=data.waiver, exception=True)


@_on(happened.RunMineAsked)
def _run_mine(session: Session, event: Event, data: happened.RunMineAsked, at: float) -> None:
    if session.rollback is not None:
        session.rollback.run_mine = () if data.stop else data.roles


@_on_step(happened.UndoDecided)
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
    _deviate(session, event, at, what=what, why=data.reason, exception=not by_hand)


@_on_step(happened.UndoOpened)
def _undo_opened(session: Session, event: Event, data: happened.UndoOpened, at: float, run: StepRun) -> None:
    session.undoing, session.undo_items = run.id, data.items
    run.undo_choice = "run"
    for item in data.items:
        _forget(session.steps[item.step])


def _forget(run: StepRun) -> None:
    """An undo step may be needed again later: its past stays in the events."""
    run.state, run.effect, run.declared, run.undone, run.reason = "pending", "none", False, False, ""
    run.ended, run.proofs, run.retry_at = None, (), 0.0


@_on_step(happened.UndoFinished)
def _undo_finished(session: Session, event: Event, data: happened.UndoFinished, at: float, run: StepRun) -> None:
    for item in session.undo_items:
        _forget(session.steps[item.step])
    session.undoing, session.undo_items = "", ()
    run.state, run.effect, run.declared = "pending", "none", True
    run.undone, run.undo_choice, run.reason, run.claimed_by, run.proofs = False, "", "", "", ()


@_on(happened.ContingencyStarted)
def _contingency(session: Session, event: Event, data: happened.ContingencyStarted, at: float) -> None:
    _answer(session, data.answers)
    _unpause(session, at)
    session.phase, session.contingency_started = "contingency", True
    session.rechecks, session.poll_again, session.undoing = {}, "", ""


@_on(happened.ClosingBegun)
def _closing(session: Session, event: Event, data: happened.ClosingBegun, at: float) -> None:
    froms = {"running": "forward", "rolling_back": "rollback", "contingency": "contingency"}
    session.closing_from = froms.get(session.phase, session.closing_from)  # type: ignore[assignment]
    session.phase = "validating"


@_on(happened.SessionAbandoned)
def _abandoned(session: Session, event: Event, data: happened.SessionAbandoned, at: float) -> None:
    rolled_back = session.rollback is not None and all(
        session.steps[item.step].state in FINISHED for item in session.rollback.items
    )
    _answer(session, data.answers)
    _unpause(session, at)
    session.phase, session.ended, session.handover = "ended", at, data.handover
    session.outcome = "rolled_back_with_exceptions" if rolled_back else "abandoned"
    _deviate(session, event, at, what="abandoned", why=data.reason, exception=True)


@_on(happened.SessionEnded)
def _ended(session: Session, event: Event, data: happened.SessionEnded, at: float) -> None:
    session.phase, session.ended, session.outcome = "ended", at, data.outcome
    session.verdicts = data.verdicts
    session.facts.update(data.facts)


@_on(happened.SessionClosed)
def _closed(session: Session, event: Event, data: happened.SessionClosed, at: float) -> None:
    session.phase = "closed"


# ---------------------------------------------------------------- steps


@_on_step(happened.StepClaimed)
def _claimed(session: Session, event: Event, data: happened.StepClaimed, at: float, run: StepRun) -> None:
    run.claimed_by = run.claimed_by or event.actor.login
    if run.state == "pending":
        run.state = "claimed"


_WAIVED = {
    "start_guard": "started although a rollback would not fit",
    "host": "ran on another host",
    "start_by": "started late",
    "again": "ran again though not idempotent",
}


@_on_step(happened.StepGranted)
def _granted(session: Session, event: Event, data: happened.StepGranted, at: float, run: StepRun) -> None:
    session.starts += 1
    run.state, run.attempt, run.sequence = "granted", event.attempt, session.starts
    run.claimed_by = data.to or run.claimed_by
    run.started = at
    if _mutates(session, run.id):
        run.effect, run.declared = "unknown", False
    for what, why in data.waivers.items():
        sentence = _WAIVED.get(what, f"waived {what}")
        _deviate(session, event, at, what=sentence, why=why, exception=what != "start_by")


@_on_step(happened.StepStarted)
def _step_started(session: Session, event: Event, data: happened.StepStarted, at: float, run: StepRun) -> None:
    if run.state != "granted" or run.attempt != event.attempt:
        session.starts += 1
        run.sequence = session.starts
    run.state, run.attempt, run.started, run.ended = "running", event.attempt, at, None
    run.performer, run.by_phone = event.actor.login, data.by_phone
    run.runs.append(
        Run(event.attempt, data.run, event.actor.login, at, None, data.argv, data.shell, data.spool, data.host)
    )
    run.proofs, run.reason, run.retry_at, run.estimate, run.late = (), "", 0.0, None, 0
    run.survivors, run.unproven, run.stop_asked, run.question_at_halt, run.undone = (), False, False, False, False
    run.reported_by_hand, run.reported_by_phone, run.sign_off = False, "", "not_required"
    if _mutates(session, run.id):
        run.effect, run.declared = "unknown", False
    if set(session.live_halts()) - set(data.answered):
        run.started_under_halt = True
        _deviate(session, event, at, what="started before the halt was known", why="", exception=False)
    _by_phone(session, event, at, data.by_phone, "started")
    _outside_window(session, event, at)


def _outside_window(session: Session, event: Event, at: float) -> None:
    what = "worked after the window's end"
    if session.window is not None and at > session.window.end and not any(d.what == what for d in session.deviations):
        _deviate(session, event, at, what=what, why="", exception=True)


@_on_step(happened.StepReported)
def _reported(session: Session, event: Event, data: happened.StepReported, at: float, run: StepRun) -> None:
    run.state, run.reported_by_hand, run.reported_by_phone = "verifying", data.by_hand, data.by_phone
    run.values.update(data.values)


@_on_step(happened.CommandEnded)
def _command_ended(session: Session, event: Event, data: happened.CommandEnded, at: float, run: StepRun) -> None:
    for attempt in run.runs:
        if attempt.id == data.run and attempt.lived:
            attempt.ended, attempt.outcome, attempt.exit_code = at, data.outcome, data.exit_code
            attempt.blobs, attempt.lived = event.blobs, False
    run.values.update(data.values)
    run.survivors = data.survivors


@_on_step(happened.StepVerified)
def _verified(session: Session, event: Event, data: happened.StepVerified, at: float, run: StepRun) -> None:
    run.proofs = data.proofs
    if data.recheck and run.id in session.rechecks:
        session.rechecks[run.id] = data.ok


@_on_step(happened.StepAccepted)
def _accepted(session: Session, event: Event, data: happened.StepAccepted, at: float, run: StepRun) -> None:
    _deviate(session, event, at, what="accepted unverified", why=data.reason, exception=True)


@_on_step(happened.StepDone)
def _done(session: Session, event: Event, data: happened.StepDone, at: float, run: StepRun) -> None:
    run.state, run.ended = "done_manually" if data.by_hand else "done", at
    run.values.update(data.values)
    run.retry_at = 0.0
    for attempt in run.runs:
        attempt.lived = False
    assert session.plan is not None
    step = session.plan.steps[run.id]
    if step.mutates:
        run.effect, run.declared = "full", False
    if step.sign_off is not None:
        run.sign_off = "awaiting"
    if run.sequence == 0:
        session.starts += 1
        run.sequence, run.started = session.starts, at
    if data.by_hand and step.kind == "command":
        _deviate(session, event, at, what="done by hand", why="", exception=False)
    _by_phone(session, event, at, data.by_phone, "reported done")
    _undo_through(session, run.id)
    if session.poll_again == run.id:
        session.poll_again = ""


def _undo_through(session: Session, identity: str) -> None:
    """When the last undo step of a step is finished, the step is undone."""
    assert session.plan is not None
    undone = session.plan.places[identity].undoes
    if undone and all(session.steps[undo.id].state in FINISHED for undo in session.plan.steps[undone].undo):
        session.steps[undone].undone = True


@_on_step(happened.StepFailed)
def _failed(session: Session, event: Event, data: happened.StepFailed, at: float, run: StepRun) -> None:
    _over(session, run, at, data.reason)
    run.state, run.retry_at = "failed", data.retry_at


@_on_step(happened.StepInterrupted)
def _interrupted(session: Session, event: Event, data: happened.StepInterrupted, at: float, run: StepRun) -> None:
    _over(session, run, at, data.why)
    run.state, run.survivors, run.unproven = "interrupted", data.survivors, data.unproven


@_on_step(happened.StepUnknown)
def _unknown(session: Session, event: Event, data: happened.StepUnknown, at: float, run: StepRun) -> None:
    _over(session, run, at, data.why)
    run.state = "unknown"


def _over(session: Session, run: StepRun, at: float, why: str) -> None:
    run.ended, run.reason = at, why
    for attempt in run.runs:
        attempt.lived = False
    if _mutates(session, run.id):
        run.effect, run.declared = "unknown", False


@_on_step(happened.StepSkipped)
def _skipped(session: Session, event: Event, data: happened.StepSkipped, at: float, run: StepRun) -> None:
    run.state, run.ended, run.reason = "skipped", at, data.reason
    _deviate(session, event, at, what="skipped", why=data.reason, exception=True)
    _undo_through(session, run.id)
    if session.poll_again == run.id:
        session.poll_again = ""


@_on_step(happened.StepSigned)
def _signed(session: Session, event: Event, data: happened.StepSigned, at: float, run: StepRun) -> None:
    run.signed_by[data.role] = event.actor.login
    assert session.plan is not None
    rule = session.plan.steps[run.id].sign_off
    if rule is not None and len(run.signed_by) >= (rule.min if rule.of else 1):
        run.sign_off = "signed"
    if data.waiver:
        _deviate(session, event, at, what="signed by its performer", why=data.waiver, exception=True)
    _by_phone(session, event, at, data.by_phone, "signed")


@_on_step(happened.EffectDeclared)
def _declared(session: Session, event: Event, data: happened.EffectDeclared, at: float, run: StepRun) -> None:
    run.effect, run.declared = data.effect, True
    if run.question_at_halt:
        run.question_at_halt = False
        run.ended = at
        if data.not_begun:
            run.state, run.reason = "pending", ""
        elif data.finished:
            run.state = "done"
        else:
            run.state, run.reason = "interrupted", data.note or "partly done when the halt came"


@_on_step(happened.DeclaredGone)
def _gone(session: Session, event: Event, data: happened.DeclaredGone, at: float, run: StepRun) -> None:
    run.unproven, run.survivors = False, ()
    _deviate(session, event, at, what="its command declared gone", why=data.note, exception=False)


@_on_step(happened.StopAsked)
def _stop(session: Session, event: Event, data: happened.StopAsked, at: float, run: StepRun) -> None:
    run.stop_asked = True


@_on_step(happened.StepEstimated)
def _estimated(session: Session, event: Event, data: happened.StepEstimated, at: float, run: StepRun) -> None:
    run.estimate = (at, data.rest)


@_on_step(happened.StepLate)
def _late(session: Session, event: Event, data: happened.StepLate, at: float, run: StepRun) -> None:
    run.late = data.times


@_on(happened.StepAdded)
def _added(session: Session, event: Event, data: happened.StepAdded, at: float) -> None:
    if session.plan is None:
        return
    session.added.append((data.added, data.after))
    session.plan = build(session.plan.procedure, session.plan.hash, session.added)
    _seat_steps(session)
    run = session.steps[data.added.id]
    run.undo_later = data.undo_later
    if data.already_done:
        session.starts += 1
        run.state, run.sequence, run.started, run.ended = "done_manually", session.starts, data.already_done, at
        run.attempt, run.effect = 1, "full" if data.added.mutates else "none"
    session.deviations.append(
        Deviation("noted", f"added step {data.added.title}", event.actor.login, at, data.reason, data.added.id)
    )


@_on_step(happened.StepCorrected)
def _corrected(session: Session, event: Event, data: happened.StepCorrected, at: float, run: StepRun) -> None:
    if data.state == "done":
        run.state = "done"
    elif data.state == "failed":
        run.state = "failed"
    if data.effect is not None:
        run.effect, run.declared = data.effect, True
    elif data.state and _mutates(session, run.id):
        run.effect, run.declared = ("full" if data.state == "done" else "unknown"), False
    run.values.update(data.values)
    _deviate(session, event, at, what="corrected", why=data.reason, exception=False)


@_on_step(happened.ValueRecorded)
def _value(session: Session, event: Event, data: happened.ValueRecorded, at: float, run: StepRun) -> None:
    run.values[data.name] = data.value


@_on_step(happened.EvidenceAdded)
def _evidence(session: Session, event: Event, data: happened.EvidenceAdded, at: float, run: StepRun) -> None:
    run.evidence.append(data.text or data.name)


# ---------------------------------------------------------------- polls, guards, criteria, times


@_on_step(happened.PollOpened)
def _poll_opened(session: Session, event: Event, data: happened.PollOpened, at: float, run: StepRun) -> None:
    session.polls[run.id] = Poll(run.id, event.attempt, at)


@_on_step(happened.PollAnswered)
def _poll_answered(session: Session, event: Event, data: happened.PollAnswered, at: float, run: StepRun) -> None:
    poll = session.polls.get(run.id)
    if poll is not None:
        poll.answers[data.role] = Answer(data.answer, data.comment, event.actor.login, at, data.by_phone)
    _by_phone(session, event, at, data.by_phone, f"{data.role} answered")


@_on_step(happened.PollClosed)
def _poll_closed(session: Session, event: Event, data: happened.PollClosed, at: float, run: StepRun) -> None:
    poll = session.polls.get(run.id)
    if poll is not None:
        poll.result = data.result
    if data.result != "go" and run.state == "running":
        run.state, run.ended, run.reason = "pending", at, data.reason


@_on(happened.GuardWarned)
def _warned(session: Session, event: Event, data: happened.GuardWarned, at: float) -> None:
    session.holding[data.guard] = data.reason


@_on(happened.HaltProposed)
def _proposed(session: Session, event: Event, data: happened.HaltProposed, at: float) -> None:
    session.holding[data.guard] = data.reason
    session.proposals[data.guard] = Proposal(data.guard, data.reason, at, data.until, data.value)


@_on(happened.ProposalDismissed)
def _dismissed(session: Session, event: Event, data: happened.ProposalDismissed, at: float) -> None:
    proposal = session.proposals.get(data.guard)
    if proposal is not None:
        proposal.state, proposal.closed = "dismissed", at


@_on(happened.ProposalLapsed)
def _lapsed(session: Session, event: Event, data: happened.ProposalLapsed, at: float) -> None:
    proposal = session.proposals.get(data.guard)
    if proposal is not None:
        proposal.state, proposal.closed = "lapsed", at


@_on(happened.GuardCleared)
def _cleared(session: Session, event: Event, data: happened.GuardCleared, at: float) -> None:
    session.holding.pop(data.guard, None)
    proposal = session.proposals.get(data.guard)
    if proposal is not None and proposal.state != "open":
        proposal.state = "cleared"


@_on(happened.GuardOverridden)
def _overridden(session: Session, event: Event, data: happened.GuardOverridden, at: float) -> None:
    session.overrides[data.guard] = data.until
    proposal = session.proposals.get(data.guard)
    if proposal is not None and proposal.state == "open":
        proposal.state, proposal.closed = "dismissed", at
    _deviate(session, event, at, what=f"guard {data.guard} overridden", why=data.reason, exception=True)


@_on(happened.CriterionAnswered)
def _criterion(session: Session, event: Event, data: happened.CriterionAnswered, at: float) -> None:
    session.criteria[data.criterion] = (data.satisfied, data.note)


@_on(happened.WindowExtended)
def _extended(session: Session, event: Event, data: happened.WindowExtended, at: float) -> None:
    window = session.window
    if window is None:
        return
    late = at > window.end
    session.window = Window(window.start, data.end, window.reserve, window.warn, window.assumed)
    session.late.clear()
    what = "window extended late" if late else "window extended"
    _deviate(session, event, at, what=what, why=data.reason, exception=late or not data.approver)


@_on(happened.LateNoticed)
def _late_noticed(session: Session, event: Event, data: happened.LateNoticed, at: float) -> None:
    session.late.append(data.what)


@_on(happened.StationRestarted)
def _restarted(session: Session, event: Event, data: happened.StationRestarted, at: float) -> None:
    if session.is_live_session:
        session.paused_by, session.pause_cause = event.actor.login, "crash"
        session.pause_reason = "the station was restarted"
        _pause(session, at)


@_on(happened.RecorderChanged)
def _recorder(session: Session, event: Event, data: happened.RecorderChanged, at: float) -> None:
    session.recorders[data.recorder] = data.state
