"""The order of steps as a graph over `after`: cycles, what comes before what, the longest path.

Pure, without recursion, so that ten thousand steps are no matter. Ids that do not exist are passed over: lint
says them elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quarterdeck.procedure.model import Step

__all__ = ["cycle", "followers", "longest", "reach"]


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
