"""How a step ends by its owner's word: done, failed, skipped, verified, accepted, signed (R9, R14, R17)."""

from __future__ import annotations

from quarterdeck.procedure.model import Step
from quarterdeck.session.availability import is_in_force
from quarterdeck.session.event import Actor
from quarterdeck.session.events.halt import HaltCalled, SessionPaused
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.events.step import (
    StepAccepted,
    StepDone,
    StepFailed,
    StepReported,
    StepSigned,
    StepSkipped,
    StepVerified,
)
from quarterdeck.session.parts import Watch
from quarterdeck.session.rules.answer import Answer, Refusal, StepWish, draft, needs_reason
from quarterdeck.session.rules.halt import halt_drafts
from quarterdeck.session.rules.proofs import all_ok, missing_values, value_proofs, wrong_values
from quarterdeck.session.rules.start import may_start
from quarterdeck.session.state import ENDED_BADLY, FINISHED, Session, StepRun

__all__ = [
    "AcceptStep",
    "FailStep",
    "FinishStep",
    "SignStep",
    "SkipStep",
    "VerifyStep",
    "done_drafts",
    "failed_drafts",
    "on_fail",
]


class FinishStep(StepWish, frozen=True, kw_only=True):
    """Say done (key D). `by_hand`: done without its command."""

    of_people = True
    filled_by_station = ("watch",)
    by_hand: bool = False
    values: dict[str, str] = {}
    note: str = ""
    by_phone: str = ""
    watch: Watch | None = None

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Say done; its verifications run first. A command's step is finished so only `by_hand`."""
        refused = _may_finish(session, step, run, self, now)
        if refused is not None:
            return refused
        values = {**run.values, **self.values}
        missing = missing_values(step, values)
        if missing:
            return Refusal(
                f"“{step.title}” needs a value: {', '.join(missing)}", hint="D asks for it", waivable="values"
            )
        wrong = wrong_values(step, self.values)
        if wrong:
            return Refusal(wrong[0], hint="D asks again", waivable="values")
        if step.evidence and not run.evidence and not any(attempt.blobs for attempt in run.runs):
            return Refusal(f"“{step.title}” needs evidence: {step.evidence}", hint="^p adds it", waivable="evidence")
        by_hand = self.by_hand or run.state not in {"running", "granted"}
        reported = StepReported(by_hand=by_hand, by_phone=self.by_phone, values=self.values, note=self.note)
        return done_drafts(session, step, run, values, reported, self.watch)


def _may_finish(session: Session, step: Step, run: StepRun, intent: FinishStep, now: float) -> Refusal | None:
    if session.is_over:
        return Refusal("the session is over")
    if run.state == "verifying":
        return Refusal("its verifications decide", hint="v reads them again, enter accepts it with a reason")
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
    if is_in_force(session, run.id) and run.state in ENDED_BADLY and not session.live_halts():
        return None
    return may_start(session, run, now)


def done_drafts(
    session: Session, step: Step, run: StepRun, values: dict[str, str], reported: StepReported, watch: object = None
) -> list[Draft]:
    """Done at once where nothing is to be read, else verifying; values are judged here (they need no reading)."""
    attempt = max(run.attempt, 1)
    if not step.awaits_proof:
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


class FailStep(StepWish, frozen=True, kw_only=True):
    """Say that it failed (key F)."""

    of_people = True
    reason: str

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Say that it did not work."""
        refused = needs_reason(self.reason, "a failure")
        if refused is not None:
            return refused
        if run.state == "running" and step.kind == "command":
            return Refusal("its command still runs", hint="T stops it now")
        if run.state not in {"running", "verifying"}:
            return Refusal(f"“{step.title}” does not run", hint="^p corrects what is done")
        return failed_drafts(session, step, run, StepFailed(reason=self.reason), now)


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


class SkipStep(StepWish, frozen=True, kw_only=True):
    """Leave it out (key K)."""

    of_people = True
    reason: str

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Leave it out: in the forward plan as `skippable` says, elsewhere always; always with a reason."""
        assert session.plan is not None
        refused = needs_reason(self.reason, "a skip")
        if refused is None and session.is_over:
            refused = Refusal("the session is over")
        if refused is None and run.state in FINISHED:
            refused = Refusal(f"it is {run.state.replace('_', ' ')} already")
        if refused is None and run.state in {"granted", "running"}:
            refused = Refusal(f"“{step.title}” runs", hint="T stops a command, F fails a manual step")
        forward = session.plan.places[run.id].part in {"stages", "preconditions"}
        if refused is None and forward and not step.skippable:
            refused = Refusal(f"“{step.title}” may not be skipped", hint="the procedure says so")
        if refused is None and not is_in_force(session, run.id):
            refused = Refusal(f"“{step.title}” is not part of what runs now")
        return refused or [draft(StepSkipped(reason=self.reason), run)]


class VerifyStep(StepWish, frozen=True, kw_only=True):
    """Read the verifications again (key v); the station does it and sends `VerificationRead`."""

    of_people = True

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Whether the verifications may be read (again); the station reads them."""
        if not step.awaits_proof:
            return Refusal(f"“{step.title}” has nothing to verify")
        if run.state != "verifying" and run.id not in session.rechecks:
            return Refusal(f"“{step.title}” is not being verified", hint="D says done, then it is verified")
        return []


class AcceptStep(StepWish, frozen=True, kw_only=True):
    """Accept a verification that failed or is unknown."""

    of_people = True
    reason: str

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Accept a verification that failed or is unknown (an exception)."""
        refused = needs_reason(self.reason, "accepting it unverified")
        if refused is not None:
            return refused
        if run.state != "verifying":
            return Refusal(f"“{step.title}” is not being verified")
        if not run.proofs:
            return Refusal("its verifications have not been read yet", hint="v reads them")
        done = StepDone(by_hand=run.reported_by_hand, by_phone=run.reported_by_phone)
        return [draft(StepAccepted(reason=self.reason), run), draft(done, run)]


class SignStep(StepWish, frozen=True, kw_only=True):
    """Sign a step off."""

    of_people = True
    role: str
    meaning: str = ""
    by_phone: str = ""
    waiver: str = ""
    """Why the same person signs (R21)."""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Sign a step off: another person than its performer where the procedure asks for one (R17)."""
        asked = step.sign_off
        if asked is None or run.sign_off != "awaiting":
            return Refusal(f"“{step.title}” waits for no sign-off")
        roles = asked.of or (asked.role,)
        if self.role not in roles:
            return Refusal(f"“{step.title}” is signed by {' or '.join(roles)}")
        if asked.different_person and by.login == run.performer and not self.waiver.strip():
            return Refusal(
                "another person than its performer must sign", hint="waive it with a reason", waivable="sign_off"
            )
        waiver = self.waiver if asked.different_person and by.login == run.performer else ""
        signed = StepSigned(role=self.role, meaning=self.meaning, by_phone=self.by_phone, waiver=waiver)
        return [draft(signed, run)]
