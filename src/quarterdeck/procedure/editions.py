"""Which defaults a plan was compiled with: each edition fills in more than the one before.

A plan that stands in a logbook keeps what it was compiled to for ever. Where its text is compiled again, to see
whether both fit, what later editions fill in is taken back first. Pure; called by the record's verification.

Edition 0 is that of version 0.1.0. Edition 1 writes `errexit` into each step with a script.
"""

from __future__ import annotations

from msgspec.structs import replace

from quarterdeck.procedure.model import Procedure, Step

__all__ = ["NEWEST", "as_of"]

NEWEST = 1


def as_of(procedure: Procedure, edition: int) -> Procedure:
    """What `edition` would have compiled, of a procedure compiled by the newest one."""
    if edition >= 1:
        return procedure
    return replace(
        procedure,
        edition=edition,
        preconditions=_all(procedure.preconditions),
        stages=tuple(replace(stage, steps=_all(stage.steps)) for stage in procedure.stages),
        rollback=replace(procedure.rollback, verify=_all(procedure.rollback.verify)),
        contingency=_all(procedure.contingency),
        closing=_all(procedure.closing),
    )


def _all(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(replace(step, errexit=False, undo=_all(step.undo)) for step in steps)
