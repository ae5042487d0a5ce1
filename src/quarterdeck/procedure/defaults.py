"""Fills in what a procedure leaves out: owners, order, what mutates, what a halt does.

The rules are those of the format's step table. Undo steps take the owner, and the host, of the step that they
undo (R7); their order is the written one.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from quarterdeck.procedure.format import Written
from quarterdeck.procedure.interpreters import is_shell
from quarterdeck.procedure.model import NewStep, OnHalt, Step

__all__ = ["complete", "completed", "stated"]


def complete(
    written: Sequence[Written],
    places: dict[tuple[str, int], str],
    *,
    owner: str = "lead",
    before: str = "",
    host: tuple[str, ...] = (),
    undo: bool = False,
) -> tuple[Step, ...]:
    """Make the steps of one list.

    `owner` and `host` hold for steps that name none; `before` is the id of the step that the first one
    follows (the last step of the stage before). `places` receives each step's path in the document by its id.
    Steps of an `undo` are written to be repeated, or say `idempotent: false` (R9).
    """
    steps = []
    for item in written:
        step = _step(item, places, owner, before, host, undo=undo)
        steps.append(step)
        before = step.id or before
    return tuple(steps)


def completed(new: NewStep) -> Step:
    """A step that somebody states in a session, with the defaults that the same step has in a procedure."""
    return complete((_written(new),), {})[0]


def stated(step: Step) -> NewStep:
    """A step with all that it has as stated, also where that is the same as a struct's default."""
    parts = {name: getattr(step, name) for name in Step.__struct_fields__}
    return NewStep(**{**parts, "undo": tuple(stated(undo) for undo in step.undo)})


def _written(new: NewStep) -> Written:
    parts = {name: part for name in Step.__struct_fields__ if (part := getattr(new, name)) is not UNSET}
    return Written(parts, tuple(_written(undo) for undo in parts.pop("undo", ())), "")


def _step(
    item: Written,
    places: dict[tuple[str, int], str],
    owner: str,
    before: str,
    host: tuple[str, ...],
    *,
    undo: bool,
) -> Step:
    arguments = dict(item.arguments)
    identity = arguments.get("id", "")
    places[identity, arguments.get("line", 0)] = item.at
    kind = arguments.get("kind", "manual")
    arguments.setdefault("owner", owner)
    arguments.setdefault("idempotent", undo)
    arguments.setdefault("mutates", kind in {"manual", "command"})
    arguments.setdefault("on_halt", OnHalt(action="finish" if arguments["mutates"] else "terminate"))
    arguments.setdefault("after", (before,) if before else ())
    if "shell" in arguments:
        arguments.setdefault("errexit", is_shell(arguments.get("interpreter", "")))
    runs = "command" in arguments or "shell" in arguments
    if host and runs:
        arguments.setdefault("host", host)
    arguments["undo"] = complete(
        item.undo, places, owner=arguments["owner"], before="", host=arguments.get("host", ()), undo=True
    )
    return Step(**arguments)
