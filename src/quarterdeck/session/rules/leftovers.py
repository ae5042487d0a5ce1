"""What a command left running: found after a halt, answered by a person, ended by the station."""

from __future__ import annotations

from typing import Literal

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor
from quarterdeck.session.events.leftovers import LeftAnswered, LeftEnded, LeftRunning
from quarterdeck.session.leftovers import open_left, unasked_left
from quarterdeck.session.rules.answer import Answer, Refusal, StepWish, Wish, about, draft
from quarterdeck.session.state import Session, StepRun

__all__ = ["AnswerLeft", "EndLeft", "FindLeft"]


class AnswerLeft(StepWish, frozen=True, kw_only=True):
    """Leave what a step's command left running, or end it."""

    of_people = True
    choice: Literal["leave", "end"]
    note: str = ""

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Leave what the step left running, or end it; its owner says so, or somebody for them."""
        asked = [(owner, run) for owner, run in open_left(session) if owner.id == step.id]
        if not asked:
            return Refusal(f"nothing that “{step.title}” left running is asked about")
        return [
            draft(
                LeftAnswered(run=run.id, choice=self.choice, note=self.note, for_owner=by.role != step.owner),
                owner,
                run.attempt,
            )
            for owner, run in asked
        ]


class FindLeft(Wish, frozen=True, kw_only=True):
    """After a halt, what a command left behind still runs."""

    step: str
    run: str
    processes: tuple[str, ...] = ()

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """After a halt it still runs, and nobody declared it: asked about once."""
        found = [step for step, run in unasked_left(session) if step.id == self.step and run.id == self.run]
        return [draft(LeftRunning(run=self.run, processes=self.processes), step) for step in found]


class EndLeft(Wish, frozen=True, kw_only=True):
    """What a command left running was ended, but for what remains."""

    step: str
    run: str
    remaining: tuple[str, ...] = ()

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """The station ended it, or could not. A fact, never refused."""
        found = about(session, self.step)
        if isinstance(found, Refusal):
            return found
        return [draft(LeftEnded(run=self.run, remaining=self.remaining), found[1])]
