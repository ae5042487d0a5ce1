"""A step's command: what its runner, its readings and its owner say of it (R4 to R6, R14)."""

from __future__ import annotations

import msgspec

from quarterdeck.procedure.far_side import REMOTE_UNKNOWN, remote_unknown
from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor, Blob
from quarterdeck.session.events.command import (
    CommandEnded,
    DeclaredGone,
    EffectDeclared,
    GoneRead,
    OutputWithheld,
    StepInterrupted,
    StepUnknown,
    StopAsked,
)
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.events.station import StationRestarted
from quarterdeck.session.events.step import StepDone, StepFailed, StepReported, StepVerified
from quarterdeck.session.parts import Effect, Proof, Watch, gravest
from quarterdeck.session.rules.answer import Answer, Refusal, StepWish, Wish, draft, leads, needs_reason
from quarterdeck.session.rules.finish import done_drafts, failed_drafts, on_fail
from quarterdeck.session.rules.proofs import all_ok, value_proofs
from quarterdeck.session.state import Session, StepRun
from quarterdeck.spans import span

__all__ = [
    "ChangeRead",
    "CommandReturned",
    "CrashFound",
    "DeclareEffect",
    "DeclareGone",
    "ProveGone",
    "StopCommand",
    "VerificationRead",
    "WaitOver",
    "WithholdOutput",
    "asks_change",
]


_WHY = {
    "halt": "ended by the halt",
    "stop": "stopped by hand",
    "timeout": "ran into its timeout",
    "crash": "ended because its station died",
}
_NEVER_RAN = {
    "not_found": "command not found",
    "not_executable": "command not executable",
    "failed_to_start": "command did not start",
}


class DeclareEffect(StepWish, frozen=True, kw_only=True):
    """Say what a step changed; for a manual step at a halt: none = not begun, partial = partly, full = done."""

    of_people = True
    effect: Effect
    """Of what is asked about (`StepRun.asked_about`): what earlier attempts left stays there."""
    note: str = ""
    sure: bool = False
    """That a step which ran has changed nothing was asked once more."""
    whole: bool = False
    """It speaks of the whole step: what earlier attempts left is looked at too."""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Say what a step changed; for a manual step at a halt also whether it was done (R5, R6)."""
        left = "none" if self.whole else run.left
        effect, of_attempt = gravest(left, self.effect), None if left == "none" else self.effect
        for_owner = by.role != step.owner
        if run.question_at_halt:
            declared = EffectDeclared(
                effect=effect if step.mutates else run.effect,
                of_attempt=of_attempt,
                note=self.note,
                for_owner=for_owner,
                not_begun=self.effect == "none",
                finished=self.effect == "full",
            )
            return [draft(declared, run)]
        asked = run.state in {"failed", "interrupted", "unknown", "verifying"} or run.effect == "unknown"
        if not asked or run.sequence == 0 or run.state in {"granted", "running"}:
            return Refusal(f"nobody needs to say what “{step.title}” changed", hint="^p corrects what is done")
        if not step.mutates:
            return Refusal(f"“{step.title}” changes nothing")
        if effect == "none" and not self.sure and _has_run(run, 0 if self.whole else run.asked_from):
            ran = span((run.ended if run.ended is not None else now) - (run.started or now))
            of = "in all its attempts" if self.whole else f"in {run.asked_about}" if run.asked_about else ""
            why = f"“{step.title}” ran for {ran}: is it sure that it changed nothing{f' {of}' if of else ''}?"
            return Refusal(why, hint="say how that is known", waivable="sure")
        whole = self.whole and run.left != "none"
        declared = EffectDeclared(
            effect=effect, of_attempt=of_attempt, whole=whole, note=self.note, for_owner=for_owner
        )
        return [draft(declared, run)]


def _has_run(run: StepRun, since: int) -> bool:
    """Whether an attempt from `since` on did anything: a command that never began did not."""
    ran = [attempt for attempt in run.runs if attempt.attempt >= since]
    return not ran or any(attempt.outcome not in {"refused", *_NEVER_RAN} for attempt in ran)


class ChangeRead(StepWish, frozen=True, kw_only=True):
    """What a step's `changed` check read after it ended badly."""

    attempt: int
    proof: Proof

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Declare the whole step's effect by it: something, which is not all, or nothing. What is unread is asked."""
        if run.attempt != self.attempt or not asks_change(step, run) or self.proof.ok is None:
            return []
        read = f"read {self.proof.title}: {self.proof.read or 'nothing'}"
        return [draft(EffectDeclared(effect="partial" if self.proof.ok else "none", note=read), run)]


def asks_change(step: Step, run: StepRun) -> bool:
    """Whether a step's `changed` check has to say what it changed: it is over for sure, and nobody has said it."""
    over = run.state in {"failed", "interrupted", "unknown"} and not run.unproven
    return step.changed is not None and over and run.effect == "unknown" and not run.declared


class DeclareGone(StepWish, frozen=True, kw_only=True):
    """Say that what could not be stopped or proven gone is gone."""

    of_people = True
    note: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        if not run.unproven:
            return Refusal(f"nothing of “{step.title}” is left to declare")
        return [draft(DeclaredGone(note=self.note), run)]


class ProveGone(StepWish, frozen=True, kw_only=True):
    """What the `gone` check of a step read whose undo is due, and whose effect is not sure."""

    proof: Proof

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        return [draft(GoneRead(proof=self.proof), run)] if run.gone is None else []


class StopCommand(StepWish, frozen=True, kw_only=True):
    """Stop a running command now (key T)."""

    of_people = True
    reason: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Stop a running command now."""
        if run.state != "running" or step.kind != "command":
            return Refusal(f"“{step.title}” runs no command")
        return [draft(StopAsked(reason=self.reason), run)]


class WithholdOutput(StepWish, frozen=True, kw_only=True):
    """Give up a step's sealed outputs: they are deleted unread."""

    of_people = True
    reason: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Nobody knows which secrets it may show, and the lead does not wait for who does."""
        refused = leads(by, "withhold an output") or needs_reason(self.reason, "withholding an output")
        if refused is not None:
            return refused
        if session.phase == "closed":
            return Refusal("the session is closed")
        sealed = [attempt for attempt in run.runs if attempt.sealed]
        if not sealed:
            return Refusal(f"no output of “{step.title}” is sealed")
        return [draft(OutputWithheld(run=one.id, reason=self.reason), run, one.attempt) for one in sealed]


class CommandReturned(StepWish, frozen=True, kw_only=True):
    """A command's end, from its runner."""

    attempt: int
    run: str
    outcome: str = "exited"
    exit_code: int | None = None
    signal: int | None = None
    ended_by: str = ""
    seconds: float = 0.0
    cut: int = 0
    sealed: str = ""
    survivors: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    gone: Proof | None = None
    values: dict[str, str] = {}
    unsearched: dict[str, str] = {}
    blobs: tuple[Blob, ...] = ()
    watch: Watch | None = None

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """A command's end: verifying, failed, interrupted or unknown. A fact, never refused."""
        ended = CommandEnded(
            run=self.run,
            outcome=self.outcome,
            exit_code=self.exit_code,
            signal=self.signal,
            ended_by=self.ended_by,
            seconds=self.seconds,
            cut=self.cut,
            sealed=self.sealed,
            survivors=self.survivors,
            left_behind=self.left_behind,
            stays=self.stays,
            gone=self.gone,
            remote_unknown=_cut_off(step, self),
            values=self.values,
            unsearched=self.unsearched,
            watch=self.watch,
        )
        first = Draft(ended, run.id, self.attempt, self.blobs)
        open_now = run.state in {"granted", "running", "unknown"} and run.attempt == self.attempt
        return [first, *_consequences(session, step, run, self, now)] if open_now else [first]


def _consequences(session: Session, step: Step, run: StepRun, intent: CommandReturned, now: float) -> list[Draft]:
    if intent.outcome == "lost" and run.state == "unknown":
        return []  # the crash said so already
    if intent.outcome == "lost":
        return [draft(StepUnknown(why=_said(step, "neither a result nor the process was found")), run)]
    if intent.outcome == "refused":
        refused = draft(StepInterrupted(why="a halt came before it ran"), run)
        return [refused, *_never_ran(step, run)]
    if intent.ended_by:
        return _interrupted(session, step, run, intent)
    if intent.outcome in _NEVER_RAN:
        return failed_drafts(
            session, step, run, StepFailed(reason=_NEVER_RAN[intent.outcome], watch=intent.watch), now
        )
    if intent.exit_code != 0:
        how = f"exit code {intent.exit_code}" if intent.signal is None else _said(step, f"signal {intent.signal}")
        return failed_drafts(session, step, run, StepFailed(reason=how, watch=intent.watch), now)
    drafts = done_drafts(
        session,
        step,
        msgspec.structs.replace(run, unsearched=intent.unsearched),
        {**run.values, **intent.values},
        StepReported(values=intent.values),
        intent.watch,
    )
    stuck = any(isinstance(d.data, StepVerified) and not d.data.ok for d in drafts)
    return drafts + (on_fail(session, step, run, "its output is not as expected") if stuck else [])


def _never_ran(step: Step, run: StepRun) -> list[Draft]:
    """This attempt changed nothing; what earlier ones changed stays, and is asked where nobody has said it."""
    if step.mutates and run.asked_from < run.attempt:
        return []
    effect = run.left if step.mutates else run.effect
    of_attempt: Effect | None = "none" if run.left != "none" else None
    return [draft(EffectDeclared(effect=effect, of_attempt=of_attempt, note="it never ran"), run)]


def _interrupted(session: Session, step: Step, run: StepRun, intent: CommandReturned) -> list[Draft]:
    """R6: what survives, or has a far side that nothing proved gone, keeps the halt from being over."""
    unproven = (
        bool(intent.survivors)
        or remote_unknown(step)
        or (step.gone is not None and getattr(intent.gone, "ok", None) is not True)
    )
    why = _said(step, _WHY.get(intent.ended_by, intent.ended_by))
    interrupted = StepInterrupted(why=why, survivors=intent.survivors, unproven=unproven, watch=intent.watch)
    drafts = [draft(interrupted, run)]
    return drafts + (on_fail(session, step, run, why) if intent.ended_by == "timeout" else [])


def _cut_off(step: Step, intent: CommandReturned) -> bool:
    """Whether the command was ended here and nobody knows what it had asked the other side for."""
    ended = bool(intent.ended_by) or intent.signal is not None or intent.outcome == "lost"
    return ended and intent.outcome not in {"refused", *_NEVER_RAN} and remote_unknown(step)


def _said(step: Step, why: str) -> str:
    """Why it ended, and for a far side that nobody looked at, what that leaves open."""
    return f"{why}; {REMOTE_UNKNOWN}" if remote_unknown(step) else why


class VerificationRead(StepWish, frozen=True, kw_only=True):
    """What a step's verifications read."""

    attempt: int
    proofs: tuple[Proof, ...] = ()
    recheck: bool = False
    watch: Watch | None = None

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """What a step's verifications read: done when all are ok, else it stays verifying for a person."""
        proofs = self.proofs + value_proofs(session, step, run.values, run.unsearched)
        ok = all_ok(proofs)
        verified = draft(StepVerified(proofs=proofs, ok=ok, recheck=self.recheck), run)
        if self.recheck:
            return [verified] if run.id in session.rechecks else []
        if run.state != "verifying" or run.attempt != self.attempt:
            return []
        if ok:
            done = StepDone(by_hand=run.reported_by_hand, by_phone=run.reported_by_phone, watch=self.watch)
            return [verified, draft(done, run)]
        bad = next(proof for proof in proofs if proof.ok is not True)
        first = not run.proofs
        return [verified, *(on_fail(session, step, run, f"not verified: {bad.title}: {bad.read}") if first else [])]


class WaitOver(StepWish, frozen=True, kw_only=True):
    """A wait's condition has come true, or its time has come."""

    why: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """A wait's time or condition has come."""
        if step.kind != "wait" or run.state != "running":
            return Refusal(f"“{step.title}” does not wait")
        return done_drafts(session, step, run, run.values, StepReported(note=self.why))


class CrashFound(Wish, frozen=True, kw_only=True):
    """A station found a live session that another one left."""

    gap: float
    found: dict[str, str] = {}

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A station left while the session was live: it reopens paused; what is lost is unknown (R14)."""
        if not session.is_live_session:
            return []
        drafts = [draft(StationRestarted(gap=self.gap, found=self.found))]
        for run in session.steps.values():
            lost = run.state == "granted" or (run.state == "running" and self.found.get(run.id) == "lost")
            if lost:
                why = "its station left, and neither result nor process was found"
                step = session.plan.steps[run.id] if session.plan is not None else None
                drafts.append(draft(StepUnknown(why=_said(step, why) if step is not None else why), run))
        return drafts
