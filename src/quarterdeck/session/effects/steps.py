"""Effects on steps: from claimed to done, their effect on the world, sign-offs, corrections."""

from __future__ import annotations

from quarterdeck.session import events as happened
from quarterdeck.session.effects.registry import (
    by_phone,
    deviate,
    mutates,
    on,
    on_step,
    seat_steps,
)
from quarterdeck.session.event import Event
from quarterdeck.session.plan import build
from quarterdeck.session.state import (
    FINISHED,
    Deviation,
    Run,
    Session,
    StepRun,
)


@on_step(happened.StepClaimed)
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


@on_step(happened.StepGranted)
def _granted(session: Session, event: Event, data: happened.StepGranted, at: float, run: StepRun) -> None:
    session.starts += 1
    run.state, run.attempt, run.sequence = "granted", event.attempt, session.starts
    run.claimed_by = data.to or run.claimed_by
    run.started = at
    if mutates(session, run.id):
        run.effect, run.declared = "unknown", False
    for what, why in data.waivers.items():
        sentence = _WAIVED.get(what, f"waived {what}")
        deviate(session, event, at, what=sentence, why=why, exception=what != "start_by")


@on_step(happened.StepStarted)
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
    if mutates(session, run.id):
        run.effect, run.declared = "unknown", False
    if set(session.live_halts()) - set(data.answered):
        run.started_under_halt = True
        deviate(session, event, at, what="started before the halt was known", why="", exception=False)
    by_phone(session, event, at, data.by_phone, "started")
    _outside_window(session, event, at)


def _outside_window(session: Session, event: Event, at: float) -> None:
    what = "worked after the window's end"
    if session.window is not None and at > session.window.end and not any(d.what == what for d in session.deviations):
        deviate(session, event, at, what=what, why="", exception=True)


@on_step(happened.StepReported)
def _reported(session: Session, event: Event, data: happened.StepReported, at: float, run: StepRun) -> None:
    run.state, run.reported_by_hand, run.reported_by_phone = "verifying", data.by_hand, data.by_phone
    run.values.update(data.values)


@on_step(happened.CommandEnded)
def _command_ended(session: Session, event: Event, data: happened.CommandEnded, at: float, run: StepRun) -> None:
    for attempt in run.runs:
        if attempt.id == data.run and attempt.lived:
            attempt.ended, attempt.outcome, attempt.exit_code = at, data.outcome, data.exit_code
            attempt.blobs, attempt.lived = event.blobs, False
            attempt.left, attempt.stays = data.left_behind, data.stays
    run.values.update(data.values)
    run.unsearched = data.unsearched
    run.survivors = data.survivors


@on_step(happened.StepVerified)
def _verified(session: Session, event: Event, data: happened.StepVerified, at: float, run: StepRun) -> None:
    run.proofs = data.proofs
    if data.recheck and run.id in session.rechecks:
        session.rechecks[run.id] = data.ok


@on_step(happened.StepAccepted)
def _accepted(session: Session, event: Event, data: happened.StepAccepted, at: float, run: StepRun) -> None:
    deviate(session, event, at, what="accepted unverified", why=data.reason, exception=True)


@on_step(happened.StepDone)
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
        deviate(session, event, at, what="done by hand", why="", exception=False)
    by_phone(session, event, at, data.by_phone, "reported done")
    _undo_through(session, run.id)
    if session.poll_again == run.id:
        session.poll_again = ""


def _undo_through(session: Session, identity: str) -> None:
    """When the last undo step of a step is done, the step is undone; a skipped one leaves what it should undo."""
    assert session.plan is not None
    undone = session.plan.places[identity].undoes
    done = FINISHED - {"skipped"}
    if undone and all(session.steps[undo.id].state in done for undo in session.plan.steps[undone].undo):
        session.steps[undone].undone = True


@on_step(happened.StepFailed)
def _failed(session: Session, event: Event, data: happened.StepFailed, at: float, run: StepRun) -> None:
    _over(session, run, at, data.reason)
    run.state, run.retry_at = "failed", data.retry_at


@on_step(happened.StepInterrupted)
def _interrupted(session: Session, event: Event, data: happened.StepInterrupted, at: float, run: StepRun) -> None:
    _over(session, run, at, data.why)
    run.state, run.survivors, run.unproven = "interrupted", data.survivors, data.unproven


@on_step(happened.StepUnknown)
def _unknown(session: Session, event: Event, data: happened.StepUnknown, at: float, run: StepRun) -> None:
    _over(session, run, at, data.why)
    run.state = "unknown"


def _over(session: Session, run: StepRun, at: float, why: str) -> None:
    run.ended, run.reason = at, why
    for attempt in run.runs:
        attempt.lived = False
    if mutates(session, run.id):
        run.effect, run.declared = "unknown", False


@on_step(happened.StepSkipped)
def _skipped(session: Session, event: Event, data: happened.StepSkipped, at: float, run: StepRun) -> None:
    run.state, run.ended, run.reason = "skipped", at, data.reason
    deviate(session, event, at, what="skipped", why=data.reason, exception=True)
    if session.poll_again == run.id:
        session.poll_again = ""


@on_step(happened.StepSigned)
def _signed(session: Session, event: Event, data: happened.StepSigned, at: float, run: StepRun) -> None:
    run.signed_by[data.role] = event.actor.login
    assert session.plan is not None
    rule = session.plan.steps[run.id].sign_off
    if rule is not None and len(run.signed_by) >= (rule.min if rule.of else 1):
        run.sign_off = "signed"
    if data.waiver:
        deviate(session, event, at, what="signed by its performer", why=data.waiver, exception=True)
    by_phone(session, event, at, data.by_phone, "signed")


@on_step(happened.EffectDeclared)
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


@on_step(happened.DeclaredGone)
def _gone(session: Session, event: Event, data: happened.DeclaredGone, at: float, run: StepRun) -> None:
    run.unproven, run.survivors = False, ()
    deviate(session, event, at, what="its command declared gone", why=data.note, exception=False)


@on_step(happened.LeftRunning)
def _left_running(session: Session, event: Event, data: happened.LeftRunning, at: float, run: StepRun) -> None:
    for attempt in run.runs:
        if attempt.id == data.run:
            attempt.left_open = data.processes


@on_step(happened.LeftAnswered)
def _left_answered(session: Session, event: Event, data: happened.LeftAnswered, at: float, run: StepRun) -> None:
    for attempt in run.runs:
        if attempt.id == data.run:
            attempt.left_answer, attempt.left_note = data.choice, data.note


@on_step(happened.LeftEnded)
def _left_ended(session: Session, event: Event, data: happened.LeftEnded, at: float, run: StepRun) -> None:
    for attempt in run.runs:
        if attempt.id == data.run:
            attempt.left_open, attempt.left_ended = data.remaining, True


@on_step(happened.StopAsked)
def _stop(session: Session, event: Event, data: happened.StopAsked, at: float, run: StepRun) -> None:
    run.stop_asked = True


@on_step(happened.StepEstimated)
def _estimated(session: Session, event: Event, data: happened.StepEstimated, at: float, run: StepRun) -> None:
    run.estimate = (at, data.rest)


@on_step(happened.StepLate)
def _late(session: Session, event: Event, data: happened.StepLate, at: float, run: StepRun) -> None:
    run.late = data.times


@on(happened.StepAdded)
def _added(session: Session, event: Event, data: happened.StepAdded, at: float) -> None:
    if session.plan is None:
        return
    session.added.append((data.added, data.after))
    session.plan = build(session.plan.procedure, session.plan.hash, session.added)
    seat_steps(session)
    run = session.steps[data.added.id]
    run.undo_later = data.undo_later
    if data.already_done:
        session.starts += 1
        run.state, run.sequence, run.started, run.ended = "done_manually", session.starts, data.already_done, at
        run.attempt, run.effect = 1, "full" if data.added.mutates else "none"
    session.deviations.append(
        Deviation("noted", f"added step {data.added.title}", event.actor.login, at, data.reason, data.added.id)
    )


@on_step(happened.StepCorrected)
def _corrected(session: Session, event: Event, data: happened.StepCorrected, at: float, run: StepRun) -> None:
    if data.state == "done":
        run.state = "done"
    elif data.state == "failed":
        run.state = "failed"
    if data.effect is not None:
        run.effect, run.declared = data.effect, True
    elif data.state and mutates(session, run.id):
        run.effect, run.declared = ("full" if data.state == "done" else "unknown"), False
    run.values.update(data.values)
    deviate(session, event, at, what="corrected", why=data.reason, exception=False)


@on_step(happened.ValueRecorded)
def _value(session: Session, event: Event, data: happened.ValueRecorded, at: float, run: StepRun) -> None:
    run.values[data.name] = data.value


@on_step(happened.EvidenceAdded)
def _evidence(session: Session, event: Event, data: happened.EvidenceAdded, at: float, run: StepRun) -> None:
    run.evidence.append(data.text or data.name)
