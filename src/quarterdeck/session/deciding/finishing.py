"""How a step ends by its owner's word: done, failed, skipped, accepted, its effect declared, signed."""

from __future__ import annotations

from quarterdeck.procedure.model import Step
from quarterdeck.session import intents as wanted
from quarterdeck.session.availability import in_force
from quarterdeck.session.deciding.answers import Answer, Refusal, about, draft, needs_reason, rule
from quarterdeck.session.deciding.halting import halt_drafts
from quarterdeck.session.deciding.proving import all_ok, awaits_proof, missing_values, value_proofs, wrong_values
from quarterdeck.session.deciding.starting import may_start
from quarterdeck.session.event import Actor, Draft
from quarterdeck.session.events import (
    DeclaredGone,
    EffectDeclared,
    HaltCalled,
    SessionPaused,
    StepAccepted,
    StepDone,
    StepEstimated,
    StepFailed,
    StepReported,
    StepSigned,
    StepSkipped,
    StepVerified,
    StopAsked,
)
from quarterdeck.session.state import FINISHED, Session, StepRun

__all__ = ["done_drafts", "failed_drafts"]


@rule(wanted.FinishStep)
def finish_step(session: Session, intent: wanted.FinishStep, by: Actor, now: float) -> Answer:
    """Say done; its verifications run first. A command's step is finished so only `by_hand`."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    refused = _may_finish(session, step, run, intent, now)
    if refused is not None:
        return refused
    values = {**run.values, **intent.values}
    missing = missing_values(step, values)
    if missing:
        return Refusal(f"“{step.title}” needs a value: {', '.join(missing)}", hint="D asks for it", waivable="values")
    wrong = wrong_values(step, intent.values)
    if wrong:
        return Refusal(wrong[0], hint="D asks again", waivable="values")
    if step.evidence and not run.evidence and not any(attempt.blobs for attempt in run.runs):
        return Refusal(f"“{step.title}” needs evidence: {step.evidence}", hint="^p adds it", waivable="evidence")
    by_hand = intent.by_hand or run.state not in {"running", "granted"}
    reported = StepReported(by_hand=by_hand, by_phone=intent.by_phone, values=intent.values, note=intent.note)
    return done_drafts(session, step, run, values, reported, intent.watch)


def _may_finish(session: Session, step: Step, run: StepRun, intent: wanted.FinishStep, now: float) -> Refusal | None:
    if session.is_over:
        return Refusal("the session is over")
    if run.state == "verifying":
        return Refusal("its verifications decide", hint="v reads them again, or accept with a reason")
    if step.kind == "poll":
        return Refusal("a poll is answered", hint="enter answers it")
    if run.state == "running":
        if step.kind == "command":
            return Refusal("its command still runs", hint="T stops it now")
        return None
    if not intent.by_hand:
        return Refusal(f"“{step.title}” has not been started", hint="S starts it; ^p: done by hand")
    if run.state in FINISHED:
        return Refusal(f"it is {run.state.replace('_', ' ')} already", hint="^p corrects it")
    if run.id in in_force(session) and run.state in {"failed", "interrupted", "unknown"} and not session.live_halts():
        return None
    return may_start(session, run, now)


def done_drafts(
    session: Session, step: Step, run: StepRun, values: dict[str, str], reported: StepReported, watch: object = None
) -> list[Draft]:
    """Done at once where nothing is to be read, else verifying; values are judged here (they need no reading)."""
    attempt = max(run.attempt, 1)
    if not awaits_proof(step):
        done = StepDone(by_hand=reported.by_hand, by_phone=reported.by_phone, values=reported.values, watch=watch)  # type: ignore[arg-type]  # a Watch or None
        return [draft(done, run, attempt)]
    drafts = [draft(reported, run, attempt)]
    if step.verify:
        return drafts
    proofs = value_proofs(session, step, values, run.unsearched)
    ok = all_ok(proofs)
    drafts.append(draft(StepVerified(proofs=proofs, ok=ok), run, attempt))
    if ok:
        done = StepDone(by_hand=reported.by_hand, by_phone=reported.by_phone, watch=watch)  # type: ignore[arg-type]  # a Watch or None
        drafts.append(draft(done, run, attempt))
    return drafts


@rule(wanted.FailStep)
def fail_step(session: Session, intent: wanted.FailStep, by: Actor, now: float) -> Answer:
    """Say that it did not work."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    refused = needs_reason(intent.reason, "a failure")
    if refused is not None:
        return refused
    if run.state == "running" and step.kind == "command":
        return Refusal("its command still runs", hint="T stops it now")
    if run.state not in {"running", "verifying"}:
        return Refusal(f"“{step.title}” does not run", hint="^p corrects what is done")
    return failed_drafts(session, step, run, StepFailed(reason=intent.reason), now)


def failed_drafts(session: Session, step: Step, run: StepRun, failed: StepFailed, now: float) -> list[Draft]:
    """A failure, its automatic retry (R14) or its `on_fail`; a failed undo pauses the rollback (R9)."""
    retry = step.on_fail.retry
    if retry is not None and run.attempt <= retry.max and (step.idempotent or not step.mutates):
        again = StepFailed(reason=failed.reason, retry_at=now + retry.every, watch=failed.watch)
        return [draft(again, run)]
    return [draft(failed, run), *on_fail(session, step, run, failed.reason)]


def on_fail(session: Session, step: Step, run: StepRun, reason: str) -> list[Draft]:
    """What the procedure says of a failure; nothing continues silently."""
    if session.live_halts():
        return []
    why = f"{step.title}: {reason}"
    if session.phase == "rolling_back":
        rollback = session.rollback
        return [] if rollback is None or rollback.paused else [draft(SessionPaused(reason=why, cause="failure"))]
    match step.on_fail.action:
        case "halt":
            nonce = f"failure-{run.id}-{run.attempt}"
            return halt_drafts(session, HaltCalled(nonce=nonce, reason=why, source="failure"))
        case "pause" if not session.paused and session.is_live_session:
            return [draft(SessionPaused(reason=why, cause="failure"))]
        case _:
            return []


@rule(wanted.SkipStep)
def skip_step(session: Session, intent: wanted.SkipStep, by: Actor, now: float) -> Answer:
    """Leave it out: in the forward plan as `skippable` says, elsewhere always; always with a reason."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    assert session.plan is not None
    refused = needs_reason(intent.reason, "a skip")
    if refused is None and session.is_over:
        refused = Refusal("the session is over")
    if refused is None and run.state in FINISHED:
        refused = Refusal(f"it is {run.state.replace('_', ' ')} already")
    if refused is None and run.state in {"granted", "running"}:
        refused = Refusal(f"“{step.title}” runs", hint="T stops a command, F fails a manual step")
    forward = session.plan.places[run.id].part in {"stages", "preconditions"}
    if refused is None and forward and not step.skippable:
        refused = Refusal(f"“{step.title}” may not be skipped", hint="the procedure says so")
    if refused is None and run.id not in in_force(session):
        refused = Refusal(f"“{step.title}” is not part of what runs now")
    return refused or [draft(StepSkipped(reason=intent.reason), run)]


@rule(wanted.AcceptStep)
def accept_step(session: Session, intent: wanted.AcceptStep, by: Actor, now: float) -> Answer:
    """Accept a verification that failed or is unknown (an exception)."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    refused = needs_reason(intent.reason, "accepting it unverified")
    if refused is not None:
        return refused
    if run.state != "verifying":
        return Refusal(f"“{step.title}” is not being verified")
    if not run.proofs:
        return Refusal("its verifications have not been read yet", hint="v reads them")
    done = StepDone(by_hand=run.reported_by_hand, by_phone=run.reported_by_phone)
    return [draft(StepAccepted(reason=intent.reason), run), draft(done, run)]


@rule(wanted.VerifyStep)
def verify_step(session: Session, intent: wanted.VerifyStep, by: Actor, now: float) -> Answer:
    """Whether the verifications may be read (again); the station reads them."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if not awaits_proof(step):
        return Refusal(f"“{step.title}” has nothing to verify")
    if run.state != "verifying" and run.id not in session.rechecks:
        return Refusal(f"“{step.title}” is not being verified", hint="D says done, then it is verified")
    return []


@rule(wanted.DeclareEffect)
def declare_effect(session: Session, intent: wanted.DeclareEffect, by: Actor, now: float) -> Answer:
    """Say what a step changed; for a manual step at a halt also whether it was done (R5, R6)."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if run.question_at_halt:
        return [
            draft(
                EffectDeclared(
                    effect=intent.effect if step.mutates else "none",
                    note=intent.note,
                    for_owner=by.role != step.owner,
                    not_begun=intent.effect == "none",
                    finished=intent.effect == "full",
                ),
                run,
            )
        ]
    asked = run.state in {"failed", "interrupted", "unknown", "verifying"} or run.effect == "unknown"
    if not asked or run.sequence == 0 or run.state in {"granted", "running"}:
        return Refusal(f"nobody needs to say what “{step.title}” changed", hint="^p corrects what is done")
    if not step.mutates:
        return Refusal(f"“{step.title}” changes nothing")
    declared = EffectDeclared(effect=intent.effect, note=intent.note, for_owner=by.role != step.owner)
    return [draft(declared, run)]


@rule(wanted.DeclareGone)
def declare_gone(session: Session, intent: wanted.DeclareGone, by: Actor, now: float) -> Answer:
    """Say that what could not be stopped or proven gone is gone."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if not run.unproven:
        return Refusal(f"nothing of “{step.title}” is left to declare")
    return [draft(DeclaredGone(note=intent.note), run)]


@rule(wanted.StopCommand)
def stop_command(session: Session, intent: wanted.StopCommand, by: Actor, now: float) -> Answer:
    """Stop a running command now."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if run.state != "running" or step.kind != "command":
        return Refusal(f"“{step.title}” runs no command")
    return [draft(StopAsked(reason=intent.reason), run)]


@rule(wanted.Estimate)
def estimate(session: Session, intent: wanted.Estimate, by: Actor, now: float) -> Answer:
    """The owner's estimate of the rest."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if run.state != "running":
        return Refusal(f"“{step.title}” does not run")
    if not 0 <= intent.rest <= 7 * 86400:
        return Refusal("an estimate is a span such as 10m")
    return [draft(StepEstimated(rest=intent.rest), run)]


@rule(wanted.SignStep)
def sign_step(session: Session, intent: wanted.SignStep, by: Actor, now: float) -> Answer:
    """Sign a step off: another person than its performer where the procedure asks for one (R17)."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    asked = step.sign_off
    if asked is None or run.sign_off != "awaiting":
        return Refusal(f"“{step.title}” waits for no sign-off")
    roles = asked.of or (asked.role,)
    if intent.role not in roles:
        return Refusal(f"“{step.title}” is signed by {' or '.join(roles)}")
    if asked.different_person and by.login == run.performer and not intent.waiver.strip():
        return Refusal(
            "another person than its performer must sign", hint="waive it with a reason", waivable="sign_off"
        )
    waiver = intent.waiver if asked.different_person and by.login == run.performer else ""
    signed = StepSigned(role=intent.role, meaning=intent.meaning, by_phone=intent.by_phone, waiver=waiver)
    return [draft(signed, run)]
