"""What no plan foresaw: added steps, corrections, a longer window, notes, evidence, values (R29 to R32)."""

from __future__ import annotations

import re

from quarterdeck.procedure.model import Step
from quarterdeck.session import intents as wanted
from quarterdeck.session.deciding.answers import Answer, Refusal, about, draft, leads, needs_reason, rule
from quarterdeck.session.deciding.proving import all_ok, value_proofs, wrong_values
from quarterdeck.session.event import Actor, Draft
from quarterdeck.session.events import (
    EvidenceAdded,
    NoteAdded,
    StepAdded,
    StepCorrected,
    StepDone,
    StepVerified,
    ValueRecorded,
    WindowExtended,
)
from quarterdeck.session.state import Session, StepRun

__all__: list[str] = []

_ID = re.compile(r"[a-z0-9_-]+$")


@rule(wanted.AddStep)
def add_step(session: Session, intent: wanted.AddStep, by: Actor, now: float) -> Answer:
    """A step that was not in the plan (R29)."""
    step = intent.step
    if session.plan is None or session.is_over:
        return Refusal("the session is over" if session.is_over else "there is no plan")
    refused = needs_reason(intent.reason, "an added step")
    if refused is not None:
        return refused
    identities = [step.id, *(undo.id for undo in step.undo)]
    taken = [i for i in identities if i in session.plan.steps or not _ID.match(i)]
    if taken or len(set(identities)) < len(identities):
        return Refusal(f"the id {(taken or identities)[0]!r} is taken or not of the form [a-z0-9_-]+")
    if not step.title.strip():
        return Refusal("an added step needs a title")
    if step.mutates and not step.undo and not step.undo_none and not intent.undo_later:
        return Refusal("say how it is undone, why nothing is, or “decide later”")
    if session.phase == "rolling_back" and not intent.already_done:
        return Refusal("the rollback is committed: only what was done already can be added", hint="n notes it")
    if intent.after and intent.after not in session.plan.forward:
        return Refusal(f"there is no forward step {intent.after!r} to stand behind")
    added = StepAdded(
        added=step,
        after=intent.after,
        undo_later=intent.undo_later,
        already_done=intent.already_done,
        reason=intent.reason,
    )
    return [Draft(added, step.id)]


@rule(wanted.CorrectStep)
def correct_step(session: Session, intent: wanted.CorrectStep, by: Actor, now: float) -> Answer:
    """A wrong done, effect or value; the old one stays visible (R30)."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    refused = needs_reason(intent.reason, "a correction")
    if refused is not None:
        return refused
    if not intent.state and intent.effect is None and not intent.values:
        return Refusal("say what is corrected: the state, the effect or a value")
    if run.state in {"granted", "running"} or (run.sequence == 0 and run.state != "skipped"):
        return Refusal(f"“{step.title}” has no result to correct")
    if session.phase == "closed":
        return Refusal("the session is closed")
    corrected = StepCorrected(state=intent.state, effect=intent.effect, values=intent.values, reason=intent.reason)
    return [draft(corrected, run)]


@rule(wanted.ExtendWindow)
def extend_window(session: Session, intent: wanted.ExtendWindow, by: Actor, now: float) -> Answer:
    """Let the window end later (R31): by the lead and one approver, else as an exception."""
    refused = leads(by, "extend the window") or needs_reason(intent.reason, "an extension")
    if refused is not None:
        return refused
    if session.window is None or session.is_over:
        return Refusal("there is no window to extend")
    if intent.end <= session.window.end:
        return Refusal("the new end is not later than the old one")
    return [draft(WindowExtended(end=intent.end, reason=intent.reason, approver=intent.approver))]


@rule(wanted.AddNote)
def add_note(session: Session, intent: wanted.AddNote, by: Actor, now: float) -> Answer:
    """Anybody's note: a fact, never refused but when it is empty."""
    if not intent.text.strip():
        return Refusal("a note says something")
    known = session.plan is not None and intent.step in session.plan.steps
    return [draft(NoteAdded(text=intent.text), session.steps[intent.step] if known else None)]


@rule(wanted.AddEvidence)
def add_evidence(session: Session, intent: wanted.AddEvidence, by: Actor, now: float) -> Answer:
    """Text, or a file that the station has stored."""
    if not intent.text.strip() and intent.blob is None:
        return Refusal("evidence is a text or a file", hint="give its path")
    name = intent.blob.name if intent.blob else ""
    attempt = session.steps[intent.step].attempt if intent.step in session.steps else 0
    blobs = (intent.blob,) if intent.blob else ()
    return [Draft(EvidenceAdded(text=intent.text, name=name), intent.step, attempt, blobs)]


@rule(wanted.RecordValue)
def record_value(session: Session, intent: wanted.RecordValue, by: Actor, now: float) -> Answer:
    """A value of the step's `record` list."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, run = found
    if all(field.name != intent.name for field in step.record):
        names = ", ".join(field.name for field in step.record) or "none"
        return Refusal(f"“{step.title}” records no value {intent.name!r} (it records: {names})")
    wrong = wrong_values(step, {intent.name: intent.value})
    if wrong:
        return Refusal(wrong[0], hint="type it again")
    recorded = draft(ValueRecorded(name=intent.name, value=intent.value), run)
    if run.state != "verifying" or step.verify:
        return [recorded]
    return [recorded, *_judged_again(session, step, run, {**run.values, intent.name: intent.value})]


def _judged_again(session: Session, step: Step, run: StepRun, values: dict[str, str]) -> list[Draft]:
    """A step that waits for its values alone: a better one finishes it."""
    proofs = value_proofs(session, step, values, run.unsearched)
    verified = draft(StepVerified(proofs=proofs, ok=all_ok(proofs)), run)
    done = StepDone(by_hand=run.reported_by_hand, by_phone=run.reported_by_phone)
    return [verified, draft(done, run)] if all_ok(proofs) else [verified]
