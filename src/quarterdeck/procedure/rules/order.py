"""Rules for the order of steps: `after`, cycles, the point of no return."""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.graph import cycle, followers, forward_steps, reach
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.rules.base import Lint

__all__ = ["after", "cycles", "point_of_no_return"]


def _lists(lint: Lint) -> Iterable[tuple[str, tuple[Step, ...]]]:
    procedure = lint.procedure
    yield "preconditions", procedure.preconditions
    yield "stages", forward_steps(procedure)
    yield "rollback", procedure.rollback.verify
    yield "contingency", procedure.contingency
    yield "closing", procedure.closing


def after(lint: Lint) -> None:
    """Refuse an `after` that names no step of the same list, and any in an undo, whose order is the written one."""
    for name, steps in _lists(lint):
        known = {step.id for step in steps}
        for step in steps:
            for index, before in enumerate(step.after):
                if before in known:
                    continue
                if before in lint.steps:
                    wrong = f"{quote(before)} is a step of another list than `{name}`"
                else:
                    wrong = f"{quote(before)} is no step{did_you_mean(before, known)}"
                lint.step_error(step, f"after[{index}]" if len(step.after) > 1 else "after", wrong)
    for placed in lint.places:
        if placed.undoes is not None and lint.wrote(placed.step, "after"):
            lint.step_error(placed.step, "after", "undo steps run in written order; `after` does nothing here")


def cycles(lint: Lint) -> None:
    """Refuse steps that wait for each other."""
    for _, steps in _lists(lint):
        found = cycle(steps)
        if found:
            shown = " → ".join(quote(name) for name in (*found, found[0]))
            lint.step_error(lint.steps[found[0]].step, "after", f"these steps wait for each other: {shown}")


def point_of_no_return(lint: Lint) -> None:
    """Demand at most one point of no return, directly behind a poll; warn of an undo that comes after it (R8)."""
    steps = forward_steps(lint.procedure)
    points = [step for step in steps if step.point_of_no_return]
    for placed in lint.places:
        if placed.step.point_of_no_return and placed.group != "stages":
            lint.step_error(
                placed.step, "point_of_no_return", "only a step of `stages` can be the point of no return"
            )
    for second in points[1:]:
        lint.step_error(
            second, "point_of_no_return", f"there is one point of no return at most; {quote(points[0].id)} is it"
        )
    if not points:
        return
    point = points[0]
    by_id = {step.id: step for step in steps}
    if not any(by_id[before].kind == "poll" for before in point.after if before in by_id):
        lint.step_error(
            point,
            "point_of_no_return",
            f"the point of no return must directly follow a poll; {quote(point.id)} follows "
            + (" and ".join(quote(before) for before in point.after) or "nothing"),
        )
    for name in (point.id, *reach(point.id, followers(steps))):
        step = by_id.get(name)
        if step is not None and step.undo:
            path = f"{lint.at(step)}.undo"
            lint.warning(path, f"{quote(name)} cannot be rolled back any more: the point of no return is passed")
