"""What no plan foresaw: added steps, corrections, a longer window, notes, evidence, values (R29 to R32)."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import structs

from quarterdeck.documents.attributes import not_yet
from quarterdeck.procedure.model import NewStep, Step
from quarterdeck.session.event import Actor, Blob
from quarterdeck.session.events.plan_change import (
    EvidenceAdded,
    NoteAdded,
    StepAdded,
    StepCorrected,
    StepEstimated,
    ValueRecorded,
    WindowExtended,
)
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.events.step import StepDone, StepVerified
from quarterdeck.session.parts import Effect
from quarterdeck.session.rules.answer import Answer, Refusal, StepWish, Wish, draft, leads, needs_reason
from quarterdeck.session.rules.proofs import all_ok, value_proofs, wrong_values
from quarterdeck.session.state import Session, StepRun

__all__ = ["AddEvidence", "AddNote", "AddStep", "CorrectStep", "Estimate", "ExtendWindow", "RecordValue"]


_ID = re.compile(r"[a-z0-9_-]+$")


class Estimate(StepWish, frozen=True, kw_only=True):
    """The owner's estimate of the rest (key E), in seconds."""

    of_people = True
    rest: float

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """The owner's estimate of the rest."""
        if run.state != "running":
            return Refusal(f"“{step.title}” does not run")
        if not 0 <= self.rest <= 7 * 86400:
            return Refusal("an estimate is a span such as 10m")
        return [draft(StepEstimated(rest=self.rest), run)]


class RecordValue(StepWish, frozen=True, kw_only=True):
    """A value of the step's `record` list."""

    of_people = True
    name: str
    value: str

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        if all(field.name != self.name for field in step.record):
            names = ", ".join(field.name for field in step.record) or "none"
            return Refusal(f"“{step.title}” records no value {self.name!r} (it records: {names})")
        wrong = wrong_values(step, {self.name: self.value})
        if wrong:
            return Refusal(wrong[0], hint="type it again")
        recorded = draft(ValueRecorded(name=self.name, value=self.value), run)
        if run.state != "verifying" or step.verify:
            return [recorded]
        return [recorded, *_judged_again(session, step, run, {**run.values, self.name: self.value})]


def _judged_again(session: Session, step: Step, run: StepRun, values: dict[str, str]) -> list[Draft]:
    """A step that waits for its values alone: a better one finishes it."""
    proofs = value_proofs(session, step, values, run.unsearched)
    verified = draft(StepVerified(proofs=proofs, ok=all_ok(proofs)), run)
    done = StepDone(by_hand=run.reported_by_hand, by_phone=run.reported_by_phone)
    return [verified, draft(done, run)] if all_ok(proofs) else [verified]


class AddEvidence(Wish, frozen=True, kw_only=True):
    """Text, or a file that the station stored as a blob. `path` is read by the station."""

    of_people = True
    filled_by_station = ("blob",)
    step: str = ""
    text: str = ""
    path: str = ""
    blob: Blob | None = None

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Text, or a file that the station has stored."""
        if not self.text.strip() and self.blob is None:
            return Refusal("evidence is a text or a file", hint="give its path")
        name = self.blob.name if self.blob else ""
        attempt = session.steps[self.step].attempt if self.step in session.steps else 0
        blobs = (self.blob,) if self.blob else ()
        return [Draft(EvidenceAdded(text=self.text, name=name), self.step, attempt, blobs)]


class AddNote(Wish, frozen=True, kw_only=True):
    """A note, on a step or on the session."""

    of_people = True
    text: str
    step: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Anybody's note: a fact, never refused but when it is empty."""
        if not self.text.strip():
            return Refusal("a note says something")
        known = session.plan is not None and self.step in session.plan.steps
        return [draft(NoteAdded(text=self.text), session.steps[self.step] if known else None)]


class AddStep(Wish, frozen=True, kw_only=True):
    """Add a step that was not in the plan (R29)."""

    of_people = True
    step: NewStep
    """What is left out of it has the format's default."""
    after: str = ""
    undo_later: bool = False
    already_done: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        """A whole step was stated with all that it has: on the wire its structs' defaults would be left out."""
        from quarterdeck.procedure.defaults import stated  # with the format: a start does without

        if type(self.step) is Step:
            structs.force_setattr(self, "step", stated(self.step))

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A step that was not in the plan (R29)."""
        from quarterdeck.procedure.defaults import completed  # with the format: a start does without

        step = completed(self.step)
        if session.plan is None or session.is_over:
            return Refusal("the session is over" if session.is_over else "there is no plan")
        refused = needs_reason(self.reason, "an added step")
        if refused is not None:
            return refused
        identities = [step.id, *(undo.id for undo in step.undo)]
        taken = [i for i in identities if i in session.plan.steps or not _ID.match(i)]
        if taken or len(set(identities)) < len(identities):
            return Refusal(f"the id {(taken or identities)[0]!r} is taken or not of the form [a-z0-9_-]+")
        if not step.title.strip():
            return Refusal("an added step needs a title")
        later = [key for each in (step, *step.undo) for key in not_yet(each)]
        if later:
            return Refusal(f"`{later[0]}` of a step is not supported yet")
        if step.mutates and not step.undo and not step.undo_none and not self.undo_later:
            return Refusal("say how it is undone, why nothing is, or “decide later”")
        if step.undo and not step.mutates:
            return Refusal("a step that changes nothing needs no undo: it would never run")
        if session.phase == "rolling_back" and not self.already_done:
            return Refusal("the rollback is committed: only what was done already can be added", hint="n notes it")
        if self.after and self.after not in session.plan.forward:
            return Refusal(f"there is no forward step {self.after!r} to stand behind")
        added = StepAdded(
            added=step,
            after=self.after,
            undo_later=self.undo_later,
            already_done=self.already_done,
            reason=self.reason,
        )
        return [Draft(added, step.id)]


class CorrectStep(StepWish, frozen=True, kw_only=True):
    """Correct a wrong done, effect or value (R30)."""

    of_people = True
    state: Literal["", "done", "failed"] = ""
    effect: Effect | None = None
    values: dict[str, str] = {}
    reason: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """A wrong done, effect or value; the old one stays visible (R30)."""
        refused = needs_reason(self.reason, "a correction")
        if refused is not None:
            return refused
        if not self.state and self.effect is None and not self.values:
            return Refusal("say what is corrected: the state, the effect or a value")
        if run.state in {"granted", "running"} or (run.sequence == 0 and run.state != "skipped"):
            return Refusal(f"“{step.title}” has no result to correct")
        if session.phase == "closed":
            return Refusal("the session is closed")
        corrected = StepCorrected(state=self.state, effect=self.effect, values=self.values, reason=self.reason)
        return [draft(corrected, run)]


class ExtendWindow(Wish, frozen=True, kw_only=True):
    """Let the window end later (R31). `end` is epoch seconds."""

    of_people = True
    end: float
    reason: str
    approver: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Let the window end later (R31): by the lead and one approver, else as an exception."""
        refused = leads(by, "extend the window") or needs_reason(self.reason, "an extension")
        if refused is not None:
            return refused
        if session.window is None or session.is_over:
            return Refusal("there is no window to extend")
        if self.end <= session.window.end:
            return Refusal("the new end is not later than the old one")
        return [draft(WindowExtended(end=self.end, reason=self.reason, approver=self.approver))]
