"""Planned minutes of a procedure: the change, its whole rollback, and what stands around them.

Only planned durations: what a running session has left is `session.forecast`'s. Called by lint and paper.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from quarterdeck.procedure.graph import longest
from quarterdeck.procedure.model import Procedure
from quarterdeck.procedure.walk import forward_steps

__all__ = ["DECIDE", "PER_UNDO", "Totals", "reserve", "totals", "window_length"]

DECIDE = 180.0
"""Seconds that people need to decide on a rollback (session-rules.md, Times)."""
PER_UNDO = 30.0
"""Seconds that people need for each undo step that a person starts."""


class Totals(Struct, frozen=True):
    """Seconds, as planned."""

    change: float
    """Critical path over the steps of all stages."""
    work: float
    """Their plain sum."""
    rollback: float
    """Undoing every step: undo steps one after the other, their verification, time for people."""
    undo_steps: int
    verification: float
    """The rollback's own verification, contained in `rollback`."""
    preconditions: float
    closing: float
    contingency: float


def totals(procedure: Procedure) -> Totals:
    """Add up the planned durations."""
    forward = forward_steps(procedure)
    undo = [step for done in forward for step in done.undo if done.mutates]
    verification = sum(step.duration for step in procedure.rollback.verify)
    people = DECIDE + PER_UNDO * sum(not step.auto_start for step in undo)
    return Totals(
        change=longest(forward),
        work=sum(step.duration for step in forward),
        rollback=sum(step.duration for step in undo) + verification + people if undo else 0.0,
        undo_steps=len(undo),
        verification=verification,
        preconditions=longest(procedure.preconditions),
        closing=longest(procedure.closing),
        contingency=longest(procedure.contingency),
    )


def window_length(procedure: Procedure) -> float | None:
    """Return the window's seconds where the procedure names its start and end, else None."""
    window = procedure.window
    if not window.start or not window.end or window.start.startswith("window.") or window.end.startswith("window."):
        return None
    try:
        return (datetime.fromisoformat(window.end) - datetime.fromisoformat(window.start)).total_seconds()
    except (ValueError, TypeError):
        return None


def reserve(procedure: Procedure, length: float) -> float:
    """Return the reserve's seconds: as written, else 10 % of the window."""
    written = procedure.window.reserve
    return length / 10 if written is None else written
