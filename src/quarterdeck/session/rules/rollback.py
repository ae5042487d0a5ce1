"""Rollback, undo of one step, contingency, abandon (R6 to R11)."""

from __future__ import annotations

from typing import Literal

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor
from quarterdeck.session.events.halt import SessionWentOn
from quarterdeck.session.events.rollback import RollbackCommitted, RunMineAsked, UndoDecided, UndoOpened
from quarterdeck.session.events.session import ContingencyStarted, SessionAbandoned
from quarterdeck.session.rollback import due_items, latest, preview, undecided, undo_items
from quarterdeck.session.rules.answer import (
    Answer,
    Refusal,
    StepWish,
    Wish,
    about,
    answering,
    draft,
    leads,
    needs_reason,
    title,
)
from quarterdeck.session.state import FINISHED, Session, StepRun

__all__ = ["WORD", "Abandon", "DecideUndo", "RollBack", "RunMine", "StartContingency", "UndoStep"]


WORD = "ROLLBACK"
"""Typed, never Enter."""


class RollBack(Wish, frozen=True, kw_only=True):
    """Commit the rollback. `typed` is the word that was typed: `ROLLBACK`."""

    of_people = True
    halts: tuple[str, ...] = ()
    typed: str = ""
    waiver: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Commit the rollback: the list is frozen, the forward plan locked for good (R7, R10)."""
        refused = leads(by, "roll back")
        if refused is None and session.rollback is not None:
            refused = Refusal("the rollback is committed already")
        if refused is None and session.past_no_return:
            refused = Refusal("the point of no return is passed", hint="G goes on, or contingency, or abandon (^p)")
        refused = refused or _halted(session, "roll back")
        if refused is None and self.typed != WORD:
            refused = Refusal(f"type the word {WORD}")
        if refused is not None:
            return refused
        answered = answering(session, self.halts, "")
        if isinstance(answered, Refusal):
            return answered
        unknown = undecided(session)
        if unknown and not self.waiver.strip():
            why = f"nobody has said what “{title(session, unknown[0].id)}” changed"
            return Refusal(why, hint="say it, or waive it in writing", waivable="waiver")
        answers, drafts = answered
        computed = preview(session)
        committed = RollbackCommitted(
            answers=answers,
            items=computed.items,
            stays=computed.stays,
            left_out=computed.left_out,
            letters=computed.letters,
            waiver=self.waiver if unknown else "",
        )
        return [*drafts, draft(committed)]


def _halted(session: Session, verb: str) -> Refusal | None:
    if session.is_over:
        return Refusal("the session is over")
    if session.phase == "planned":
        return Refusal("nothing has been started")
    if not session.live_halts():
        return Refusal(f"halt first, then {verb}", hint="H halts")
    return None


class RunMine(Wish, frozen=True, kw_only=True):
    """Run my undo steps one after the other until one fails or asks."""

    of_people = True
    roles: tuple[str, ...] = ()
    stop: bool = False

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Run a person's undo steps one after the other until one fails or asks."""
        rollback = session.rollback
        if session.phase != "rolling_back" or rollback is None:
            return Refusal("there is no rollback to run", hint="A adds a step while the plan runs")
        if self.stop:
            return [draft(RunMineAsked(stop=True))]
        if rollback.paused or session.live_halts():
            return Refusal("the rollback is paused", hint="G goes on")
        roles = self.roles or session.index.due_owners
        return [draft(RunMineAsked(roles=roles))]


class DecideUndo(StepWish, frozen=True, kw_only=True):
    """Pick what happens with the undo of a step whose effect is partial or unknown. `step` is the undone one."""

    of_people = True
    choice: Literal["run", "by_hand", "not_needed"]
    reason: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """For a partial or unknown effect: run its undo, done by hand, or not needed (R6)."""
        items = [item for item in due_items(session) if item.undoes == run.id]
        if not items:
            return Refusal(f"no undo of “{title(session, run.id)}” is due")
        if run.undo_choice or all(session.steps[item.step].state in FINISHED for item in items):
            return Refusal("that is decided already")
        if self.choice != "run":
            refused = needs_reason(self.reason, "not running an undo")
            if refused is not None:
                return refused
        return [draft(UndoDecided(choice=self.choice, reason=self.reason), run)]


class UndoStep(Wish, frozen=True, kw_only=True):
    """Undo this step alone (the latest started one with an effect), then make it available again."""

    of_people = True
    step: str
    halts: tuple[str, ...] = ()
    reason: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Undo the latest started step alone, then pause with it available again (R11, R14)."""
        refused = leads(by, "undo a step")
        if refused is not None:
            return refused
        found = about(session, self.step)
        if isinstance(found, Refusal):
            return found
        step, run = found
        why = _why_no_undo(session, run.id)
        if why is not None:
            return why
        if step.undo_none or not step.undo:
            return Refusal(f"“{step.title}” has no undo: {step.undo_none or 'none was given'}")
        opened = draft(UndoOpened(items=undo_items(session, run)), run)
        if not session.live_halts():
            return [opened]
        answered = answering(session, self.halts, self.reason)
        if isinstance(answered, Refusal):
            return answered
        answers, drafts = answered
        return [*drafts, draft(SessionWentOn(answers=answers, reason=self.reason), run), opened]


def _why_no_undo(session: Session, identity: str) -> Refusal | None:
    if session.phase != "running":
        return Refusal("one step alone is undone only in the forward plan")
    if not session.paused and not session.live_halts():
        return Refusal("pause or halt first", hint="P pauses")
    if session.undoing:
        return Refusal(f"the undo of “{title(session, session.undoing)}” is not through")
    run = latest(session)
    if run is None or run.id != identity:
        that_is = f": that is “{title(session, run.id)}”" if run is not None else ""
        return Refusal(f"only the latest step with an effect is undone alone{that_is}")
    if session.is_live(run):
        return Refusal(f"“{title(session, identity)}” still runs", hint="T stops it now")
    if run.effect == "unknown" and not run.declared:
        return Refusal(f"say first what “{title(session, identity)}” changed")
    return None


class StartContingency(Wish, frozen=True, kw_only=True):
    """Run the contingency steps."""

    of_people = True
    halts: tuple[str, ...] = ()
    reason: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Run the contingency steps, from halted."""
        refused = leads(by, "start the contingency") or _halted(session, "start the contingency")
        if refused is not None:
            return refused
        if session.plan is None or not session.plan.contingency:
            return Refusal("this procedure has no contingency steps", hint="A adds a step, or abandon (^p)")
        if session.rollback is not None or session.contingency_started:
            return Refusal("there is no contingency " + ("after a rollback" if session.rollback else "twice"))
        answered = answering(session, self.halts, self.reason)
        if isinstance(answered, Refusal):
            return answered
        answers, drafts = answered
        return [*drafts, draft(ContingencyStarted(answers=answers, reason=self.reason))]


class Abandon(Wish, frozen=True, kw_only=True):
    """Leave it here, with a hand-over note."""

    of_people = True
    reason: str
    handover: str
    halts: tuple[str, ...] = ()

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """The way out of every state in which nothing runs, so that nobody is ever stuck."""
        refused = (
            leads(by, "abandon")
            or needs_reason(self.reason, "abandoning")
            or needs_reason(self.handover, "the hand-over (who takes care of what from here)")
        )
        if refused is not None:
            return refused
        if session.is_over:
            return Refusal("the session is over")
        answered = answering(session, self.halts or session.live_halts(), self.reason)
        if isinstance(answered, Refusal):
            return Refusal(answered.why, hint="H halts first")
        answers, drafts = answered
        return [*drafts, draft(SessionAbandoned(reason=self.reason, handover=self.handover, answers=answers))]
