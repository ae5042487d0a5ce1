"""Facts that the station reports: a command's end, what verifications read, a wait that is over, a crash."""

from __future__ import annotations

import msgspec

from quarterdeck.procedure.model import Step
from quarterdeck.session import intents as wanted
from quarterdeck.session.deciding.answers import Answer, Refusal, about, draft, rule
from quarterdeck.session.deciding.finishing import done_drafts, failed_drafts, on_fail
from quarterdeck.session.deciding.proving import all_ok, value_proofs
from quarterdeck.session.event import Actor, Draft
from quarterdeck.session.events import (
    ClockStepped,
    CommandEnded,
    EffectDeclared,
    FactNoted,
    RecorderChanged,
    StationRestarted,
    StepDone,
    StepFailed,
    StepInterrupted,
    StepReported,
    StepUnknown,
    StepVerified,
)
from quarterdeck.session.state import Session, StepRun

__all__: list[str] = []

_WHY = {"halt": "ended by the halt", "stop": "stopped by hand", "timeout": "ran into its timeout"}
_NEVER_RAN = {
    "not_found": "command not found",
    "not_executable": "command not executable",
    "failed_to_start": "command did not start",
}


@rule(wanted.CommandReturned)
def command_returned(session: Session, intent: wanted.CommandReturned, by: Actor, now: float) -> Answer:
    """A command's end: verifying, failed, interrupted or unknown. A fact, never refused."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    ended = CommandEnded(
        run=intent.run,
        outcome=intent.outcome,
        exit_code=intent.exit_code,
        signal=intent.signal,
        ended_by=intent.ended_by,
        seconds=intent.seconds,
        cut=intent.cut,
        survivors=intent.survivors,
        left_behind=intent.left_behind,
        stays=intent.stays,
        gone=intent.gone,
        values=intent.values,
        unsearched=intent.unsearched,
        watch=intent.watch,
    )
    first = Draft(ended, run.id, intent.attempt, intent.blobs)
    open_now = run.state in {"granted", "running", "unknown"} and run.attempt == intent.attempt
    return [first, *_consequences(session, step, run, intent, now)] if open_now else [first]


def _consequences(
    session: Session, step: Step, run: StepRun, intent: wanted.CommandReturned, now: float
) -> list[Draft]:
    if intent.outcome == "lost" and run.state == "unknown":
        return []  # the crash said so already
    if intent.outcome == "lost":
        return [draft(StepUnknown(why="neither a result nor the process was found"), run)]
    if intent.outcome == "refused":
        why = StepInterrupted(why="a halt came before it ran")
        return [draft(why, run), draft(EffectDeclared(effect="none", note="it never ran"), run)]
    if intent.ended_by:
        return _interrupted(session, step, run, intent)
    if intent.outcome in _NEVER_RAN:
        return failed_drafts(
            session, step, run, StepFailed(reason=_NEVER_RAN[intent.outcome], watch=intent.watch), now
        )
    if intent.exit_code != 0:
        how = f"exit code {intent.exit_code}" if intent.signal is None else f"signal {intent.signal}"
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


def _interrupted(session: Session, step: Step, run: StepRun, intent: wanted.CommandReturned) -> list[Draft]:
    """R6: what survives, or has a far side that nothing proved gone, keeps the halt from being over."""
    far_side = bool(step.stop) and step.gone is None
    unproven = (
        bool(intent.survivors) or far_side or (step.gone is not None and getattr(intent.gone, "ok", None) is not True)
    )
    why = _WHY.get(intent.ended_by, intent.ended_by)
    if far_side:
        why += "; local client stopped, remote state unknown"
    interrupted = StepInterrupted(why=why, survivors=intent.survivors, unproven=unproven, watch=intent.watch)
    drafts = [draft(interrupted, run)]
    return drafts + (on_fail(session, step, run, why) if intent.ended_by == "timeout" else [])


@rule(wanted.VerificationRead)
def verification_read(session: Session, intent: wanted.VerificationRead, by: Actor, now: float) -> Answer:
    """What a step's verifications read: done when all are ok, else it stays verifying for a person."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    proofs = intent.proofs + value_proofs(session, step, run.values, run.unsearched)
    ok = all_ok(proofs)
    verified = draft(StepVerified(proofs=proofs, ok=ok, recheck=intent.recheck), run)
    if intent.recheck:
        return [verified] if run.id in session.rechecks else []
    if run.state != "verifying" or run.attempt != intent.attempt:
        return []
    if ok:
        done = StepDone(by_hand=run.reported_by_hand, by_phone=run.reported_by_phone, watch=intent.watch)
        return [verified, draft(done, run)]
    bad = next(proof for proof in proofs if proof.ok is not True)
    first = not run.proofs
    return [verified, *(on_fail(session, step, run, f"not verified: {bad.title}: {bad.read}") if first else [])]


@rule(wanted.WaitOver)
def wait_over(session: Session, intent: wanted.WaitOver, by: Actor, now: float) -> Answer:
    """A wait's time or condition has come."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if step.kind != "wait" or run.state != "running":
        return Refusal(f"“{step.title}” does not wait")
    return done_drafts(session, step, run, run.values, StepReported(note=intent.why))


@rule(wanted.CrashFound)
def crash_found(session: Session, intent: wanted.CrashFound, by: Actor, now: float) -> Answer:
    """A station left while the session was live: it reopens paused; what is lost is unknown (R14)."""
    if not session.is_live_session:
        return []
    drafts = [draft(StationRestarted(gap=intent.gap, found=intent.found))]
    for run in session.steps.values():
        lost = run.state == "granted" or (run.state == "running" and intent.found.get(run.id) == "lost")
        if lost:
            drafts.append(draft(StepUnknown(why="its station left, and neither result nor process was found"), run))
    return drafts


@rule(wanted.NoteFact)
def note_fact(session: Session, intent: wanted.NoteFact, by: Actor, now: float) -> Answer:
    """Something that the program says about itself."""
    return [draft(FactNoted(text=intent.text, level=intent.level))]


@rule(wanted.NoteClockStep)
def note_clock_step(session: Session, intent: wanted.NoteClockStep, by: Actor, now: float) -> Answer:
    """The wall clock jumped; the session's clock runs on."""
    return [draft(ClockStepped(by=intent.by))]


@rule(wanted.NoteRecorder)
def note_recorder(session: Session, intent: wanted.NoteRecorder, by: Actor, now: float) -> Answer:
    """A recorder was lost, repaired or came back."""
    return [draft(RecorderChanged(recorder=intent.recorder, state=intent.state, detail=intent.detail))]
