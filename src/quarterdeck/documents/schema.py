"""The schema layer: declarative tables of fields that read a tree with positions, and print as JSON Schema.

A document's format is written once, as `Shape`s of `Field`s; the reader, the unknown-key messages and the
JSON Schema for editors all come from that table, so they cannot differ. Reading never stops at the first
fault: every problem goes into the `Context`, and what could not be read is left out or blank.

Procedures, site files, settings and console layouts are read through it. It knows nothing of any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from functools import cached_property
from typing import Any, Final, Protocol

from msgspec import Struct, field

from quarterdeck.documents.nodes import Mapping, Node, Scalar, Sequence
from quarterdeck.documents.problems import Level, Problem, did_you_mean, quote

__all__ = ["MISSING", "Context", "Field", "Kind", "ListOf", "MapOf", "Place", "Section", "Shape"]

Place = tuple[int, int]


FIRST_PROBLEMS = 100
"""For the first ones a near word is looked for; a file of a hundred thousand faults must not take minutes."""


class Missing:
    """The type of `MISSING`: a value that is not there or could not be read."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Context(Struct):
    """What reading collects: problems, and where each value stands (`stages[0].steps[1].command`)."""

    path: str
    problems: list[Problem] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    scalars: dict[str, Scalar] = field(default_factory=dict)
    """The scalars of fields by path, for messages that point into a text."""

    def say(self, level: Level, place: Node | Place, message: str) -> None:
        """Add a problem at a node or place."""
        line, column = place if isinstance(place, tuple) else (place.line, place.column)
        self.problems.append(Problem(self.path, line, column, level, message))

    def error(self, place: Node | Place, message: str) -> None:
        """Add an error."""
        self.say("error", place, message)

    def warning(self, place: Node | Place, message: str) -> None:
        """Add a warning."""
        self.say("warning", place, message)

    def place(self, *paths: str) -> Place:
        """Return where the first of these paths stands that is known; the document's beginning otherwise."""
        for path in paths:
            place = self.places.get(path)
            if place is not None:
                return place
        return (1, 1)

    def near(self, path: str) -> Place:
        """Return where a path stands, or the nearest part around it that is known."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, (1, 1))

    def within(self, path: str, column: int) -> Place:
        """Return where a column (from 1) of a field's text stands in the file, as nearly as can be told."""
        scalar = self.scalars.get(path)
        if scalar is None:
            return self.near(path)
        return (scalar.line, scalar.column + (scalar.offset + column - 1 if scalar.offset >= 0 else 0))


class Kind(Protocol):
    """A kind of value: how it is read, what stands in for it when missing, how it prints as JSON Schema."""

    blank: Any

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Return the value, or `MISSING` after having said why."""

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON Schema; shapes put themselves into `definitions` once."""


class Field(Struct, frozen=True):
    """One key of a mapping."""

    kind: Any
    doc: str = ""
    required: bool = False
    attribute: str = ""
    """The struct's attribute where it differs from the key."""
    default: str = ""
    """What holds where it is not written, as people write it."""

    @property
    def description(self) -> str:
        """The sentence with its default, on one line; that a truth value is false is not worth saying."""
        return f"{self.doc} ({self.default})" if self.doc and self.default not in {"", "false"} else self.doc


class Section(Struct):
    """A mapping that has been read: its values by key, with places for messages."""

    values: dict[str, Any]
    node: Mapping
    at: str
    context: Context
    table: MappingOf[str, Field]

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default when it was not written or not readable."""
        return self.values.get(key, default)

    def place(self, key: str) -> Node:
        """Return the key's node, for messages; the mapping itself when it was not written."""
        entry = self.node.entries.get(key)
        return entry[0] if entry else self.node

    def error(self, key: str, message: str) -> None:
        """Say an error at a key."""
        self.context.error(self.place(key), message)

    def arguments(self, *leave_out: str) -> dict[str, Any]:
        """Return the values by attribute name, ready for a struct."""
        return {self.table[key].attribute or key: value for key, value in self.values.items() if key not in leave_out}


class Shape:
    """A mapping with known keys. `make` turns the section into a value (a struct, mostly)."""

    blank: Any = MISSING

    def __init__(
        self,
        name: str,
        fields: MappingOf[str, Field] | Callable[[], MappingOf[str, Field]],
        make: Callable[[Section], Any] | type | None = None,
        *,
        one_of: tuple[str, ...] = (),
        short: Any = None,
        doc: str | Callable[[], str] = "",
        named: str = "",
    ) -> None:
        """Describe the mapping.

        `fields` may be a function, which is asked when the first mapping of this shape is read. `one_of`: exactly
        one of these keys is needed. `short`: a kind for which `make` is not asked when the
        value is no mapping. `named`: how messages call it (`a step`).
        """
        self.name = name
        self._fields = fields
        self.make = make
        self.one_of = one_of
        self.short = short
        self._doc = doc
        self.named = named or f"a {name}"

    @cached_property
    def fields(self) -> MappingOf[str, Field]:
        """The known keys."""
        return self._fields() if callable(self._fields) else self._fields

    @property
    def doc(self) -> str:
        """What the mapping is, in a sentence."""
        return self._doc() if callable(self._doc) else self._doc

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read a mapping; unknown keys, missing ones and wrong values are all said."""
        if not isinstance(node, Mapping):
            if self.short is not None:
                return self.short.read(node, context, at)
            context.error(node, f"{self.named} is a mapping of keys, this is {_called(node)}")
            return MISSING
        section = self.section(node, context, at)
        if self.make is None:
            return section
        if isinstance(self.make, type):
            return self.make(**section.arguments())
        return self.make(section)

    def section(self, node: Mapping, context: Context, at: str, ready: MappingOf[str, Any] | None = None) -> Section:
        """Read the keys without making the value. `ready` holds values that were read before."""
        values: dict[str, Any] = {}
        fields = self.fields
        prefix = f"{at}." if at else ""
        context.places[at] = (node.line, node.column)
        for key, (key_node, value) in node.entries.items():
            known = fields.get(key)
            if known is None:
                near = did_you_mean(key, fields) if len(context.problems) < FIRST_PROBLEMS else ""
                context.error(key_node, f"{quote(key)} is no field of {self.named}{near}")
                continue
            where = prefix + key
            context.places[where] = (key_node.line, key_node.column)
            if ready and key in ready:
                if ready[key] is not MISSING:
                    values[key] = ready[key]
                continue
            if isinstance(value, Scalar) and value.plain and not value.text:
                context.error(key_node, f"`{key}` has no value")
                continue
            if isinstance(value, Scalar):
                context.scalars[where] = value
            result = known.kind.read(value, context, where)
            if result is not MISSING:
                values[key] = result
        self._demand(node, values, context)
        return Section(values, node, at, context, fields)

    def _demand(self, node: Mapping, values: dict[str, Any], context: Context) -> None:
        for key, known in self.fields.items():
            if known.required and key not in values:
                if key not in node.entries:
                    context.error(node, f"{self.named} needs `{key}`")
                if known.kind.blank is not MISSING:
                    values[key] = known.kind.blank
        if self.one_of:
            present = [key for key in self.one_of if key in node.entries]
            if len(present) != 1:
                named = ", ".join(f"`{key}`" for key in self.one_of)
                found = "none" if not present else " and ".join(f"`{key}`" for key in present)
                context.error(node, f"{self.named} needs exactly one of {named}; here: {found}")

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return a reference; the shape itself goes into the definitions."""
        if self.name not in definitions:
            definitions[self.name] = {}
            definitions[self.name] = self.body(definitions)
        reference = {"$ref": f"#/$defs/{self.name}"}
        return {"anyOf": [self.short.schema(definitions), reference]} if self.short is not None else reference

    def body(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return the shape's own schema."""
        properties = {}
        for key, known in self.fields.items():
            printed = known.kind.schema(definitions)
            if known.description:
                printed = {**printed, "description": known.description}
            properties[key] = printed
        body: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        required = [key for key, known in self.fields.items() if known.required]
        if required:
            body["required"] = required
        if self.one_of:
            body["oneOf"] = [{"required": [key]} for key in self.one_of]
        if self.doc:
            body["description"] = self.doc
        return body


class ListOf:
    """A list; with `single`, one value alone stands for a list of one."""

    blank: Any = ()

    def __init__(self, item: Any, *, single: bool = False, at_least: int = 0, called: str = "a list") -> None:
        self.item = item
        self.single = single
        self.at_least = at_least
        self.called = called

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read every item; unreadable ones are left out after having been said."""
        if not isinstance(node, Sequence):
            if self.single and isinstance(node, Scalar):
                value = self.item.read(node, context, at)
                return MISSING if value is MISSING else (value,)
            context.error(node, f"{self.called} is needed here, this is {_called(node)}")
            return MISSING
        if len(node.items) < self.at_least:
            context.error(node, f"at least {self.at_least} needed here, this list has {len(node.items)}")
        values = []
        for index, item in enumerate(node.items):
            where = f"{at}[{index}]"
            context.places[where] = (item.line, item.column)
            value = self.item.read(item, context, where)
            if value is not MISSING:
                values.append(value)
        return tuple(values)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return an array schema."""
        item = self.item.schema(definitions)
        array: dict[str, Any] = {"type": "array", "items": item}
        if self.at_least:
            array["minItems"] = self.at_least
        return {"anyOf": [item, array]} if self.single else array


class MapOf:
    """A mapping whose keys are names that the author chose."""

    blank: Any = MISSING

    def __init__(self, value: Any, *, key: str = "", key_called: str = "a name") -> None:
        """`key` is a regular expression for the names."""
        self.value = value
        self.key = key
        self.key_called = key_called

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read every entry into a dict in written order."""
        import re

        if not isinstance(node, Mapping):
            context.error(node, f"a mapping of names is needed here, this is {_called(node)}")
            return MISSING
        values = {}
        for key, (key_node, value_node) in node.entries.items():
            if self.key and not re.fullmatch(self.key, key):
                context.error(key_node, f"{quote(key)} is not {self.key_called}")
                continue
            where = f"{at}.{key}"
            context.places[where] = (key_node.line, key_node.column)
            value = self.value.read(value_node, context, where)
            if value is not MISSING:
                values[key] = value
        return values

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return an object schema whose property names are checked."""
        body: dict[str, Any] = {"type": "object", "additionalProperties": self.value.schema(definitions)}
        if self.key:
            body["propertyNames"] = {"pattern": f"^({self.key})$"}
        return body


def keys_of(fields: Iterable[str]) -> str:
    """List keys for a message."""
    return ", ".join(f"`{key}`" for key in fields)


def _called(node: Node) -> str:
    if isinstance(node, Scalar):
        return f"the text {quote(node.text, 30)}" if node.text else "nothing"
    return "a list" if isinstance(node, Sequence) else "a mapping"
