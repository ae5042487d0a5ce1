"""Walks over every step of a procedure, undo steps too, saying where each stands.

Pure; lint, paper and whoever needs "all steps" use it, so that no list is ever forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from quarterdeck.procedure.model import Procedure, Stage, Step

__all__ = ["Placed", "every_step", "forward_steps"]


class Placed(Struct, frozen=True):
    """A step with the list it stands in."""

    step: Step
    group: str
    """`preconditions`, `stages`, `undo`, `rollback`, `contingency` or `closing`."""
    stage: Stage | None = None
    undoes: Step | None = None
    """For `undo`: the step that it takes back."""


def every_step(procedure: Procedure) -> Iterator[Placed]:
    """Yield every step in written order; undo steps directly after the step that they undo."""
    for step in procedure.preconditions:
        yield from _with_undo(step, "preconditions", None)
    for stage in procedure.stages:
        for step in stage.steps:
            yield from _with_undo(step, "stages", stage)
    for group, steps in (
        ("rollback", procedure.rollback.verify),
        ("contingency", procedure.contingency),
        ("closing", procedure.closing),
    ):
        for step in steps:
            yield from _with_undo(step, group, None)


def forward_steps(procedure: Procedure) -> tuple[Step, ...]:
    """Return the steps of all stages in written order."""
    return tuple(step for stage in procedure.stages for step in stage.steps)


def _with_undo(step: Step, group: str, stage: Stage | None) -> Iterator[Placed]:
    yield Placed(step, group, stage)
    for undo in step.undo:
        for placed in _with_undo(undo, "undo", stage):
            yield placed if placed.undoes else Placed(undo, "undo", stage, step)
