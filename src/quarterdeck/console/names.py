"""What the console calls steps, owners, commands and windows in a sentence.

Pure text.
"""

from __future__ import annotations

from datetime import datetime

from quarterdeck.procedure.interpreters import named
from quarterdeck.procedure.model import Step
from quarterdeck.session.state import Session

__all__ = ["command_line", "name_of", "owner_of", "step_of", "stretch"]


def stretch(start: str, end: str) -> str:
    """From one ISO time to another on this terminal's clock: `Mon 30 Nov 01:00 to 03:30`; no time stays as it is."""
    try:
        first, last = (datetime.fromisoformat(text).astimezone() for text in (start, end))
    except ValueError:
        return f"{start} to {end}"
    until = "%H:%M" if first.date() == last.date() else "%a %d %b %H:%M"
    return f"{first:%a %d %b %H:%M} to {last.strftime(until)}"


def step_of(session: Session, identity: str) -> Step | None:
    """The step with this id, wherever it stands."""
    return session.plan.steps.get(identity) if session.plan else None


def name_of(session: Session, identity: str) -> str:
    """`7 Reindex orders` for a step of the plan, its title alone elsewhere."""
    step = step_of(session, identity)
    if step is None or session.plan is None:
        return identity
    place = session.plan.places.get(identity)
    return f"{place.number} {step.title}" if place and place.part == "stages" else step.title


def owner_of(session: Session, identity: str) -> str:
    """The role that owns a step; an undo step without an own owner has the undone step's (R7)."""
    if session.rollback is not None:
        for item in session.rollback.items:
            if item.step == identity:
                return item.owner
    step = step_of(session, identity)
    return step.owner if step else "lead"


def command_line(step: Step) -> str:
    """What a step runs, on one line; empty for what no command does."""
    if step.shell:
        first = step.shell.strip().splitlines()
        return f"{named(step.interpreter)}: {first[0]}{' …' if len(first) > 1 else ''}" if first else ""
    return " ".join(word if word and not set(word) & set(" '\"\\$`") else repr(word) for word in step.command)
