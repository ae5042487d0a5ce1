"""The rollback and the undo of one step: what each event is, does and says (R6 to R11)."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import Level, Payload, StepPayload, answer, deviate, unpause
from quarterdeck.session.parts import Effect, UndoItem
from quarterdeck.session.state import RollbackRun, Session, StepRun
from quarterdeck.session.told import Told, count, why_of
from quarterdeck.spans import span

__all__ = ["RollbackCommitted", "RunMineAsked", "UndoDecided", "UndoFinished", "UndoOpened"]


class RollbackCommitted(Payload, frozen=True, kw_only=True):
    """From here the forward plan is locked for good; the list is frozen (R7)."""

    kind = "rollback.committed"
    attention = "alarm"
    answers: tuple[str, ...] = ()
    items: tuple[UndoItem, ...] = ()
    stays: tuple[str, ...] = ()
    """Steps with a planned `undo: {none}`."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Step id to why it is not in the list."""
    letters: str = ""
    """Four letters made from the list's hash, for the telephone (R25)."""
    waiver: str = ""
    """Why it was committed with an unknown effect (an exception)."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        answer(session, session.live_halts())
        unpause(session, at)
        session.phase, session.undoing, session.undo_items = "rolling_back", "", ()
        session.rechecks, session.poll_again = {}, ""
        session.rollback = RollbackRun(
            at,
            event.actor.login,
            list(self.items),
            self.stays,
            self.left_out,
            self.letters,
            (event.replica, event.aseq),
            waiver=self.waiver,
        )
        for item in self.items:
            if item.step in session.steps:
                session.steps[item.step].was = ""
            if item.undoes in session.steps:
                session.steps[item.undoes].gone = None
        if self.waiver:
            deviate(session, event, at, what="rolled back with an unknown effect", why=self.waiver, exception=True)

    def sentence(self, told: Told) -> str:
        minutes = span(sum(item.duration for item in self.items))
        waiver = f"; waived: {self.waiver}" if self.waiver else ""
        undo = sum(1 for item in self.items if item.undoes)
        checks = len(self.items) - undo
        also = f" and {count(checks, 'check')}" if checks else ""
        code = f"; list code {self.letters}, for reading out" if self.letters else ""
        return f"ROLLBACK committed: {count(undo, 'undo step')}{also}, {minutes}{code}{waiver}"


class RunMineAsked(Payload, frozen=True, kw_only=True):
    """A person's undo steps run one after the other until one fails or asks."""

    kind = "rollback.run_mine"
    roles: tuple[str, ...] = ()
    stop: bool = False

    def apply(self, session: Session, event: Event, at: float) -> None:
        if session.rollback is not None:
            session.rollback.run_mine = () if self.stop else self.roles

    def sentence(self, told: Told) -> str:
        if self.stop:
            return "undo steps no longer run by themselves: each waits for its start again"
        return f"runs the undo steps of {', '.join(self.roles) or 'all roles'} one after the other"


class UndoDecided(StepPayload, frozen=True, kw_only=True):
    """For a partial or unknown effect the owner picked what happens with its undo (R6)."""

    kind = "undo.decided"
    choice: Literal["run", "by_hand", "not_needed"]
    reason: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.undo_choice = self.choice
        if self.choice == "run" or session.plan is None:
            return
        run.undone = True
        by_hand = self.choice == "by_hand"
        for undo in session.plan.steps[run.id].undo:
            row = session.steps[undo.id]
            row.state, row.ended, row.reason = "done_manually" if by_hand else "skipped", at, self.reason
            session.touch(row.id)
        what = f"undo of {run.id} done by hand" if by_hand else f"undo of {run.id} not needed"
        deviate(session, event, at, what=what, why=self.reason, exception=not by_hand)

    def sentence(self, told: Told) -> str:
        choice = {"run": "is run", "by_hand": "is done by hand", "not_needed": "is not needed"}[self.choice]
        return f"the undo of {told.step} {choice}{why_of(self.reason)}"


class UndoOpened(StepPayload, frozen=True, kw_only=True):
    """Undo this step alone, while paused or halted (R14)."""

    kind = "undo.opened"
    items: tuple[UndoItem, ...] = ()

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        session.undoing, session.undo_items = run.id, self.items
        run.undo_choice, run.gone = "run", None
        for item in self.items:
            _forget(session, item)
            session.steps[item.step].was = ""

    def sentence(self, told: Told) -> str:
        return f"undoing {told.step} alone: {count(len(self.items), 'step')}"


def _forget(session: Session, item: UndoItem) -> None:
    """An undo step may be needed again later: its past stays in the events."""
    run = session.steps[item.step]
    if run.state != "pending":
        run.was = run.state
    run.state, run.effect, run.declared, run.undone, run.reason = "pending", "none", False, False, ""
    run.ended, run.proofs, run.retry_at = None, (), 0.0
    session.touch(run.id)


class UndoFinished(StepPayload, frozen=True, kw_only=True):
    """The step's undo is through: its effect is none and it is available again."""

    kind = "undo.finished"
    left: Effect = "none"
    """What is still there, where an undo step was left out: then the step stays as it was."""

    @property
    def attention(self) -> Level:
        return "info" if self.left == "none" else "warning"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        for item in session.undo_items:
            _forget(session, item)
        session.undoing, session.undo_items = "", ()
        run.effect, run.declared, run.left, run.undone, run.undo_choice = self.left, True, "none", False, ""
        if self.left == "none":
            run.state, run.undone_alone, run.reason, run.claimed_by, run.proofs = "pending", True, "", "", ()

    def sentence(self, told: Told) -> str:
        if self.left != "none":
            return f"the undo of {told.step} is over and not whole: what it left out is still there"
        return f"{told.step} is undone and can be started again"
