"""What a command left running: found by the station after a halt, answered by a person, ended by the station."""

from __future__ import annotations

from quarterdeck.session import intents as wanted
from quarterdeck.session.deciding.answers import Answer, Refusal, about, draft, rule
from quarterdeck.session.event import Actor
from quarterdeck.session.events import LeftAnswered, LeftEnded, LeftRunning
from quarterdeck.session.leftovers import open_left, unasked_left
from quarterdeck.session.state import Session

__all__: list[str] = []


@rule(wanted.FindLeft)
def find_left(session: Session, intent: wanted.FindLeft, by: Actor, now: float) -> Answer:
    """After a halt it still runs, and nobody declared it: asked about once."""
    found = [step for step, run in unasked_left(session) if step.id == intent.step and run.id == intent.run]
    return [draft(LeftRunning(run=intent.run, processes=intent.processes), step) for step in found]


@rule(wanted.AnswerLeft)
def answer_left(session: Session, intent: wanted.AnswerLeft, by: Actor, now: float) -> Answer:
    """Leave what the step left running, or end it; its owner says so, or somebody for them."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    step, _ = found
    asked = [(owner, run) for owner, run in open_left(session) if owner.id == step.id]
    if not asked:
        return Refusal(f"nothing that “{step.title}” left running is asked about")
    return [
        draft(
            LeftAnswered(run=run.id, choice=intent.choice, note=intent.note, for_owner=by.role != step.owner),
            owner,
            run.attempt,
        )
        for owner, run in asked
    ]


@rule(wanted.EndLeft)
def end_left(session: Session, intent: wanted.EndLeft, by: Actor, now: float) -> Answer:
    """The station ended it, or could not. A fact, never refused."""
    found = about(session, intent.step)
    if isinstance(found, Refusal):
        return found
    return [draft(LeftEnded(run=intent.run, remaining=intent.remaining), found[1])]
