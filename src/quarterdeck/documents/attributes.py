"""What a struct's annotations say of its attributes: one declaration for readers, schemas and references.

An attribute is `name: Annotated[type, mark, …, "a sentence"] = default`. A text is the sentence for people; every
other mark means what its class says: a kind of `documents.kinds` reads it, the marks below say the rest. msgspec
passes over all of them when it decodes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

__all__ = [
    "FILLED_IN",
    "NOT_YET",
    "REQUIRED",
    "Attribute",
    "Default",
    "Mark",
    "Names",
    "attributes",
    "bare",
    "first_line",
    "not_yet",
]

Found = TypeVar("Found")


class Mark(Struct, frozen=True):
    """Something that an annotation says of its attribute."""

    name: str


FILLED_IN = Mark("filled in")
"""Nobody writes it: the program fills it in."""
REQUIRED = Mark("required")
"""It must be written, though the struct has a default for records."""
NOT_YET = Mark("not supported yet")
"""It can be read, for plans of other versions, and lint refuses it: nothing comes of it."""


class Default(Struct, frozen=True):
    """What holds where nothing is written, in words; for defaults that depend on something else."""

    text: str


class Names(Struct, frozen=True):
    """The names that a mapping's author may choose."""

    pattern: str
    called: str


class Attribute(Struct, frozen=True):
    """One attribute of a struct."""

    name: str
    key: str
    """Its name in documents and records."""
    type: Any
    """Without its marks."""
    marks: tuple[Any, ...]
    doc: str
    default: Any
    """`msgspec.NODEFAULT` where it has none."""

    @property
    def required(self) -> bool:
        """Whether it must be written."""
        return self.default is NODEFAULT or REQUIRED in self.marks

    def mark(self, kind: type[Found]) -> Found | None:
        """The first mark of a class."""
        return next((mark for mark in self.marks if isinstance(mark, kind)), None)


@cache
def attributes(struct: type[Struct]) -> dict[str, Attribute]:
    """A struct's attributes by key, in order."""
    found = {}
    for field in fields(struct):
        plain, marks = bare(field.type)
        default = field.default if field.default_factory is NODEFAULT else field.default_factory()
        doc = next((mark for mark in reversed(marks) if isinstance(mark, str)), "")
        others = tuple(mark for mark in marks if not isinstance(mark, str))
        found[field.encode_name] = Attribute(field.name, field.encode_name, plain, others, doc, default)
    return found


def not_yet(part: Struct) -> list[str]:
    """The keys in which a part asks for what is not supported yet."""
    marked = (attribute for attribute in attributes(type(part)).values() if NOT_YET in attribute.marks)
    return [attribute.key for attribute in marked if getattr(part, attribute.name) != attribute.default]


def bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its marks, and the marks."""
    if get_origin(annotation) is Annotated:
        plain, *marks = get_args(annotation)
        return plain, tuple(marks)
    return annotation, ()


def first_line(struct: type[Struct]) -> str:
    """The first line of a struct's docstring without its rule's number; nothing where docstrings are left out."""
    return re.sub(r" \(R\d+\)", "", (struct.__doc__ or "").strip().partition("\n")[0])
