"""A YAML document as a tree with positions: what `strict_yaml` composes and `schema` reads.

Scalars are text exactly as written: `no`, `12:30` and `1.10` are strings here, and become something else only
where a field asks for it.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

__all__ = ["Mapping", "Node", "Scalar", "Sequence", "describe"]


class Scalar(Struct, gc=False):
    """A text with its place. `plain` is false for quoted and block text."""

    text: str
    line: int
    column: int
    plain: bool = True
    offset: int = 0
    """From the column to the first character of the text; -1 where text and file do not run in step (a block,
    an escape, a filled-in parameter)."""
    open: bool = False
    """It holds a parameter that has no value yet (lint of a procedure whose parameters nobody gave)."""
    filled: bool = False
    """A parameter's value was filled in."""


class Sequence(Struct):
    """A list with its place."""

    items: list[Scalar | Sequence | Mapping]
    line: int
    column: int


class Mapping(Struct):
    """A mapping with its place, in written order; keys are unique."""

    entries: dict[str, tuple[Scalar, Scalar | Sequence | Mapping]]
    line: int
    column: int

    def get(self, key: str) -> Scalar | Sequence | Mapping | None:
        """Return the value of `key`, or None."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node: TypeAlias = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """Say in a message what a node is."""
    if isinstance(node, Scalar):
        return "text" if node.text or not node.plain else "nothing"
    return "a list" if isinstance(node, Sequence) else "a mapping"
