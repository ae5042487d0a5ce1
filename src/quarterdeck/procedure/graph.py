"""The steps of a procedure as a whole: all of them, their order over `after`, and the planned minutes.

Walks that forget no list, cycles, what comes before what, the longest path, and the totals of the change and its
rollback. Pure, without recursion, so that ten thousand steps are no matter. Ids that do not exist are passed over:
lint says them elsewhere. Only planned durations: what a running session has left is `session.forecast`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from quarterdeck.procedure.model import Procedure, Stage, Step

__all__ = [
    "DECIDE",
    "PER_UNDO",
    "Placed",
    "Totals",
    "cycle",
    "every_step",
    "followers",
    "forward_steps",
    "longest",
    "reach",
    "reserve",
    "totals",
    "window_length",
]


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


def followers(steps: Iterable[Step]) -> dict[str, list[str]]:
    """Return for each id the ids that name it in `after`."""
    found: dict[str, list[str]] = {}
    for step in steps:
        for before in step.after:
            found.setdefault(before, []).append(step.id)
    return found


def reach(start: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Return everything that can be reached from `start`, without `start` itself unless a cycle leads back."""
    seen: set[str] = set()
    open_ids = list(edges.get(start, ()))
    while open_ids:
        current = open_ids.pop()
        if current not in seen:
            seen.add(current)
            open_ids.extend(edges.get(current, ()))
    return seen


def _sorted(steps: Mapping[str, Step]) -> list[str]:
    """Return the ids in an order that `after` allows; those of cycles are missing."""
    waiting = {key: sum(before in steps for before in step.after) for key, step in steps.items()}
    after = followers(steps.values())
    ready = [key for key, count in waiting.items() if not count]
    order = []
    while ready:
        current = ready.pop()
        order.append(current)
        for key in after.get(current, ()):
            waiting[key] -= 1
            if not waiting[key]:
                ready.append(key)
    return order


def cycle(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return one cycle (`a`, `b`: b after a, a after b), or nothing."""
    by_id = {step.id: step for step in steps}
    left = by_id.keys() - set(_sorted(by_id))
    if not left:
        return ()
    current = next(key for key in by_id if key in left)
    path: list[str] = []
    while current not in path:
        path.append(current)
        current = next(before for before in by_id[current].after if before in left)
    return tuple(reversed(path[path.index(current) :]))


def longest(steps: Iterable[Step]) -> float:
    """Return the seconds of the critical path over planned durations; the plain sum where there is a cycle."""
    by_id = {step.id: step for step in steps}
    order = _sorted(by_id)
    if len(order) < len(by_id):
        return sum(step.duration for step in by_id.values())
    end: dict[str, float] = {}
    for key in order:
        begin = max((end[before] for before in by_id[key].after if before in end), default=0.0)
        end[key] = begin + by_id[key].duration
    return max(end.values(), default=0.0)


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
