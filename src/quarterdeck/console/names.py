"""What the console calls steps, owners and commands in a sentence.

Pure text.
"""

from __future__ import annotations

from quarterdeck.procedure.interpreters import named
from quarterdeck.procedure.model import Step
from quarterdeck.session.state import Session

__all__ = ["command_line", "name_of", "owner_of", "step_of"]


def step_of(session: Session, identity: str) -> Step | None:
    """The step with this id, wherever it stands."""
    return session.plan.steps.get(identity) if session.plan else None


def name_of(session: Session, identity: str) -> str:
    """`7 Reindex orders`; its id before there is a plan."""
    return session.name_of(identity)


def owner_of(session: Session, identity: str) -> str:
    """The role that owns a step; an undo step without an own owner has the undone step's (R7)."""
    item = session.index.due.get(identity)
    if item is not None:
        return item.owner
    step = step_of(session, identity)
    return step.owner if step else "lead"


def command_line(step: Step) -> str:
    """What a step runs, on one line; empty for what no command does."""
    if step.shell:
        first = step.shell.strip().splitlines()
        return f"{named(step.interpreter)}: {first[0]}{' …' if len(first) > 1 else ''}" if first else ""
    return " ".join(word if word and not set(word) & set(" '\"\\$`") else repr(word) for word in step.command)
