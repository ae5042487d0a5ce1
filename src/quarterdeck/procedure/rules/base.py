"""What a rule of lint sees: the draft, its steps by id, and a way to say a problem where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Protocol

from msgspec import Struct

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.conditions import Condition, ConditionError, parse
from quarterdeck.procedure.draft import Draft
from quarterdeck.procedure.graph import Placed, every_step
from quarterdeck.procedure.model import Step

__all__ = ["Lint", "Machine", "texts_of"]

BUILT_IN_ROLES = ("lead", "deputy", "observer")


class Machine(Protocol):
    """The machine on which lint runs, which need not be the one where the procedure will."""

    @property
    def names(self) -> frozenset[str]:
        """What it is called, in small letters."""

    def finds(self, program: str, folder: str = "") -> bool:
        """Whether a program is there, as a command in `folder` would be found."""


class Lint:
    """A draft being judged."""

    def __init__(self, draft: Draft, machine: Callable[[], Machine] | None = None) -> None:
        """`machine` makes what knows the machine; None where the machine is nobody's business."""
        self.draft = draft
        self.machine = machine
        self.procedure = draft.procedure
        self.context = draft.context
        self.places: list[Placed] = list(every_step(draft.procedure))
        self.steps: dict[str, Placed] = {}
        for placed in self.places:
            if placed.step.id:
                self.steps.setdefault(placed.step.id, placed)
        self.types = {name: target.type for name, target in draft.procedure.targets.items()}
        self.options = {name: target.options for name, target in draft.procedure.targets.items()}

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """Roles that may be named."""
        return tuple(dict.fromkeys((*self.procedure.roles, *BUILT_IN_ROLES)))

    @cached_property
    def step_texts(self) -> tuple[tuple[Placed, str, str], ...]:
        """Every text within a step, with its step and its path; walked once for all rules that read them."""
        places = ((placed, self.at(placed.step)) for placed in self.places)
        return tuple((placed, path, text) for placed, at in places for path, text in texts_of(placed.step, at))

    def at(self, step: Step) -> str:
        """Return a step's path in the document."""
        return self.draft.step_places.get((step.id, step.line), "")

    def error(self, path: str, message: str) -> None:
        """Say an error at a path, or at the nearest thing around it."""
        self.context.error(self.context.near(path), message)

    def warning(self, path: str, message: str) -> None:
        """Say a warning at a path, or at the nearest thing around it."""
        self.context.warning(self.context.near(path), message)

    def step_error(self, step: Step, key: str, message: str) -> None:
        """Say an error at a step's key."""
        at = self.at(step)
        self.error(f"{at}.{key}" if key else at, message)

    def step_warning(self, step: Step, key: str, message: str) -> None:
        """Say a warning at a step's key."""
        self.warning(f"{self.at(step)}.{key}", message)

    def wrote(self, step: Step, key: str) -> bool:
        """Tell whether a step's mapping holds a key."""
        return f"{self.at(step)}.{key}" in self.context.places

    def unknown_step(self, name: str) -> str:
        """Return what to say of an id that is no step's."""
        return f"{quote(name)} is no step{did_you_mean(name, self.steps)}"

    def condition(self, path: str, text: str) -> Condition | None:
        """Parse a condition, or say at which column it fails; None too while a parameter is open."""
        if "${" in text:
            return None
        try:
            return parse(text)
        except ConditionError as error:
            message = f"no condition (column {error.column}): {error.message}"
            self.context.error(self.context.within(path, error.column), message)
            return None


def texts_of(value: object, at: str) -> Iterator[tuple[str, str]]:
    """Yield every text within a struct with its path, but for undo steps, which are steps of their own."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            yield from texts_of(item, f"{at}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_of(item, f"{at}.{key}")
    elif isinstance(value, Struct):
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            item = getattr(value, name)
            if item and name != "undo" and not isinstance(item, (bool, int, float)):
                yield from texts_of(item, f"{at}.{key}")
