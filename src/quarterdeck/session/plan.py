"""A procedure made ready for asking: every step by id, with its place.

Built from the compiled procedure in `plan.revised`, and again when a step is added. Knows no state.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.model import Guard, Procedure, Step

__all__ = ["Part", "Place", "Plan", "build"]

Part = Literal["preconditions", "stages", "undo", "verify", "contingency", "closing"]
"""Which list a step stands in; `verify` is the rollback's verification. Added steps stand in `stages`."""


class Place(Struct, frozen=True):
    """Where a step stands."""

    part: Part
    number: int
    """From 1 within its part; an undo step has the number of the step it undoes."""
    stage: str = ""
    """Title of its stage."""
    stage_id: str = ""
    undoes: str = ""
    """For an undo step: the step it undoes."""
    added: bool = False


class Plan(Struct, frozen=True):
    """The procedure in force, with its index."""

    procedure: Procedure
    hash: str
    steps: dict[str, Step]
    places: dict[str, Place]
    forward: tuple[str, ...]
    """Ids of the steps of `stages` (and added ones) in order."""
    preconditions: tuple[str, ...]
    verify: tuple[str, ...]
    contingency: tuple[str, ...]
    closing: tuple[str, ...]
    followers: dict[str, tuple[str, ...]]
    """Step id to the ids that name it in `after`."""
    point_of_no_return: str = ""
    """Id of the step that is the point of no return, or nothing."""
    on_unknown: dict[str, Guard] = {}
    """Target with `on_unknown: pause` to the guard that this means; its id has a dot, which no other's has."""

    def guard(self, identity: str) -> Guard | None:
        """A guard by its id, those of `on_unknown` too."""
        known = (*self.procedure.guards, *self.on_unknown.values())
        return next((guard for guard in known if guard.id == identity), None)

    def name_of(self, step: str) -> str:
        """What people call a step: number and title in the stages, else its title; the id where unknown."""
        if step not in self.steps:
            return step or "the session"
        place, title = self.places[step], self.steps[step].title
        return f"{place.number} {title}" if place.part == "stages" else title

    def part(self, step: str) -> Part:
        """Which list the step stands in."""
        return self.places[step].part


def build(procedure: Procedure, digest: str, added: Iterable[tuple[Step, str]] = ()) -> Plan:
    """Index a procedure; `added` are steps of the session with the id that each stands behind ('' = at the end)."""
    steps: dict[str, Step] = {}
    places: dict[str, Place] = {}
    forward: list[str] = []

    def put(step: Step, place: Place) -> None:
        steps[step.id] = step
        places[step.id] = place
        for undo in step.undo:
            steps[undo.id] = undo
            places[undo.id] = Place("undo", place.number, place.stage, place.stage_id, undoes=step.id)

    for stage in procedure.stages:
        for step in stage.steps:
            forward.append(step.id)
            put(step, Place("stages", len(forward), stage.title, stage.id))
    for step, behind in added:
        position = forward.index(behind) + 1 if behind in forward else len(forward)
        forward.insert(position, step.id)
        neighbour = places.get(behind)
        put(step, Place("stages", 0, neighbour.stage if neighbour else "Added", "", added=True))
    for number, identity in enumerate(forward, 1):
        if places[identity].number != number:
            put(steps[identity], _renumbered(places[identity], number))
    parts: list[tuple[Part, tuple[Step, ...]]] = [
        ("preconditions", procedure.preconditions),
        ("verify", procedure.rollback.verify),
        ("contingency", procedure.contingency),
        ("closing", procedure.closing),
    ]
    for part, listed in parts:
        for number, step in enumerate(listed, 1):
            put(step, Place(part, number))
    followers: dict[str, list[str]] = {}
    for identity, step in steps.items():
        for before in step.after:
            followers.setdefault(before, []).append(identity)
    return Plan(
        procedure=procedure,
        hash=digest,
        steps=steps,
        places=places,
        forward=tuple(forward),
        preconditions=tuple(step.id for step in procedure.preconditions),
        verify=tuple(step.id for step in procedure.rollback.verify),
        contingency=tuple(step.id for step in procedure.contingency),
        closing=tuple(step.id for step in procedure.closing),
        followers={before: tuple(after) for before, after in followers.items()},
        point_of_no_return=next((i for i in forward if steps[i].point_of_no_return), ""),
        on_unknown={
            name: Guard(
                id=f"{name}.on_unknown",
                title=f"{target.title or name} must be known",
                when=f"{name}.status == critical",
                action="pause",
            )
            for name, target in procedure.targets.items()
            if target.on_unknown == "pause"
        },
    )


def _renumbered(place: Place, number: int) -> Place:
    return Place(place.part, number, place.stage, place.stage_id, place.undoes, place.added)
