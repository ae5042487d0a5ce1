"""How a procedure is written: the table of fields made from `procedure.model`, and what is no plain attribute of it.

The reader, the JSON Schema and the reference all come from this table. A new field is a new attribute of the model
and needs nothing here; here stand the names of the parts in messages, the short forms, and the few keys that are
written otherwise than they are kept (`undo`, `expect`, a target's own options). What a part means beside the others
(does this target exist?) is lint's business. A part's table is made when the first such part is read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct

from quarterdeck.documents.attributes import FILLED_IN, Attribute, Default, Names, attributes, bare, first_line
from quarterdeck.documents.kinds import (
    BOOLEAN,
    ID,
    INTEGER,
    NUMBER,
    TEXT,
    Choice,
    Integer,
    Text,
    boolean,
)
from quarterdeck.documents.nodes import Mapping, Node, Scalar, Sequence
from quarterdeck.documents.schema import MISSING, Context, Field, ListOf, MapOf, Section, Shape
from quarterdeck.procedure import model
from quarterdeck.procedure.checks import CHECKS, form_of
from quarterdeck.procedure.metric_names import written_metrics
from quarterdeck.procedure.option_forms import FLAG
from quarterdeck.spans import written

__all__ = [
    "FORMAT_VERSION",
    "OPTION",
    "PROCEDURE",
    "SHAPES",
    "STEP",
    "Written",
    "default_of",
    "fields_of",
    "json_schema",
]

FORMAT_VERSION = 1
_PLAIN: dict[Any, Any] = {bool: BOOLEAN, str: TEXT, int: INTEGER, float: NUMBER}


# -- from the model to the table -------------------------------------------------------------------------------------


def kind_of(annotation: Any, marks: tuple[Any, ...] = ()) -> Any:
    """How a value of a type is written: by the kind that its annotation names, else by the type itself."""
    plain, own = bare(annotation)
    marks = (*own, *marks)
    named = next((mark for mark in marks if hasattr(mark, "read")), None)
    if named is not None:
        return named
    if plain in _PLAIN:
        return _PLAIN[plain]
    if isinstance(plain, type) and issubclass(plain, Struct):
        return SHAPES[plain]
    origin, inner = get_origin(plain), get_args(plain)
    if origin in (Union, UnionType):
        return kind_of(next(part for part in inner if part is not NoneType))
    if origin is Literal:
        return Choice(*(word for word in inner if word))
    if origin is dict:
        names = next((mark for mark in marks if isinstance(mark, Names)), None)
        value = kind_of(inner[1])
        return MapOf(value, key=names.pattern, key_called=names.called) if names else MapOf(value)
    assert origin is tuple, annotation
    if inner[0] is model.Step:
        return STEPS
    item = kind_of(inner[0])
    return ListOf(item, single=not isinstance(item, Shape))


def default_of(attribute: Attribute) -> str:
    """What holds where a field is not written, as people write it; empty where that says nothing."""
    said, value = attribute.mark(Default), attribute.default
    if said is not None:
        return said.text
    if attribute.required or value is NODEFAULT or value is None or isinstance(value, Struct | dict):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return written(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _field(attribute: Attribute, kind: Any = None) -> Field:
    """The field of an attribute; `kind` where its own type does not say how it is written."""
    return Field(
        kind or kind_of(attribute.type, attribute.marks),
        attribute.doc,
        attribute.required,
        attribute.name if attribute.name != attribute.key else "",
        default_of(attribute),
    )


def fields_of(struct: type[Struct]) -> dict[str, Field]:
    """The fields that a part's attributes are."""
    return {key: _field(it) for key, it in attributes(struct).items() if FILLED_IN not in it.marks}


SHAPES: dict[type[Struct], Shape] = {}
"""The shape of every part of a procedure."""


def _part(
    struct: type[Struct],
    name: str,
    *,
    named: str = "",
    make: Callable[[Section], Any] | type | None = None,
    first: Callable[[], dict[str, Field]] = dict,
    own: Callable[[], dict[str, Field]] = dict,
    **more: Any,
) -> Shape:
    """Enter a part. `named`: how messages call it; `first`, `own`: fields that are written otherwise than kept."""
    shape = Shape(
        name,
        lambda: {**first(), **fields_of(struct), **own()},
        make or struct,
        named=named,
        doc=lambda: first_line(struct),
        **more,
    )
    SHAPES[struct] = shape
    return shape


def _section(section: Section) -> Section:
    """For parts that are put together with the defaults of what stands around them."""
    return section


# -- what is written in a way of its own -----------------------------------------------------------------------------


class _Version:
    """`quarterdeck: 1`."""

    blank: Any = FORMAT_VERSION
    called = f"the number {FORMAT_VERSION}"

    def read(self, node: Node, context: Context, _at: str) -> Any:
        """Refuse every other version: guessing at a newer format would be worse."""
        text = getattr(node, "text", "")
        if text != str(FORMAT_VERSION):
            context.error(
                node,
                f"format version {text or '?'} is not known; this program reads version {FORMAT_VERSION}",
            )
            return MISSING
        return FORMAT_VERSION

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Return the constant."""
        return {"const": FORMAT_VERSION}


class _PlanForm:
    """`rollback: {steps: …}`: known to the format, not to this version."""

    blank: Any = MISSING
    called = "nothing yet"

    def read(self, node: Node, context: Context, _at: str) -> Any:
        """Say that it is not supported."""
        context.error(node, "the plan form of `rollback` is not supported yet; write `undo` at each step")
        return MISSING

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Nothing fits it."""
        return {"not": {}}


class _Bounds:
    """The two bounds of `between`."""

    blank: Any = MISSING
    called = "two bounds (`[1, 5]`)"

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read exactly two scalars."""
        if not isinstance(node, Sequence) or len(node.items) != 2:
            context.error(node, "`between` needs two bounds: `between: [1, 5]`")
            return MISSING
        texts = [TEXT.read(item, context, at) for item in node.items]
        return MISSING if MISSING in texts else tuple(texts)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return an array of two."""
        return {"type": "array", "items": TEXT.schema(definitions), "minItems": 2, "maxItems": 2}


class _Short:
    """The short form of `on_fail: pause`: makes the struct from the word alone."""

    blank: Any = MISSING

    def __init__(self, make: type[Struct]) -> None:
        self._make = make

    @property
    def choice(self) -> Choice:
        """The words of the struct's `action`."""
        choice: Choice = SHAPES[self._make].fields["action"].kind
        return choice

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read the word."""
        word = self.choice.read(node, context, at)
        return MISSING if word is MISSING else self._make(action=word)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Print the choice."""
        return self.choice.schema(definitions)


class _Undo:
    """`undo`: a list of steps, or `{none: reason}`."""

    blank: Any = MISSING
    called = "a list of steps, or `{none: reason}`"
    none = Shape(
        "undo_none",
        {"none": Field(Text(called="the reason why nothing can be undone"), required=True)},
        named="`undo` without steps",
    )

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Return a tuple of steps, or the reason as text."""
        if isinstance(node, Mapping):
            section = self.none.read(node, context, at)
            return section.get("none") or MISSING
        return STEPS.read(node, context, at)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Print both forms."""
        return {"anyOf": [STEPS.schema(definitions), self.none.schema(definitions)]}


class _Option:
    """A target's own field: text, texts, or (headers) a mapping that becomes `Name: value` texts."""

    blank: Any = MISSING
    called = "text, list or mapping, by the target's type"
    _texts = ListOf(Text(empty=True))
    _pairs = MapOf(TEXT)

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read it as text or a list of texts; what it must be is its type's to say (`checks`)."""
        if isinstance(node, Scalar):
            return TEXT.read(node, context, at)
        if isinstance(node, Sequence):
            values = self._texts.read(node, context, at)
            return MISSING if values is MISSING else list(values)
        values = self._pairs.read(node, context, at)
        return MISSING if values is MISSING else [f"{name}: {value}" for name, value in values.items()]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return text, list or mapping."""
        text = TEXT.schema(definitions)
        array = {"type": "array", "items": text}
        return {"anyOf": [text, array, {"type": "object", "additionalProperties": text}]}


OPTION = _Option()


def _options() -> dict[str, Field]:
    """The options of all types of check; where it differs, each tells what it means to which type."""
    meanings: dict[str, dict[str, list[str]]] = {}
    for name, check in CHECKS.items():
        for key, attribute in attributes(check).items():
            meanings.setdefault(key, {}).setdefault(_field(attribute, OPTION).description, []).append(name)
    return {
        key: Field(OPTION, next(iter(told)) if len(told) == 1 else "; ".join(_by_type(told)))
        for key, told in meanings.items()
    }


def _by_type(told: dict[str, list[str]]) -> list[str]:
    return [f"{', '.join(types)}: {meaning}" for meaning, types in told.items()]


@cache
def _flags() -> frozenset[str]:
    return frozenset(
        key for check in CHECKS.values() for key, option in attributes(check).items() if form_of(option) is FLAG
    )


def _target(section: Section) -> Any:
    """Options stay text; a truth value is kept as `true` or `false` however it was written."""
    common = attributes(model.Target)
    options = {key: value for key, value in section.values.items() if key not in common}
    for key in _flags() & options.keys():
        value = boolean(options[key]) if isinstance(options[key], str) else None
        options[key] = options[key] if value is None else str(value).lower()
    return model.Target(options=options, **section.arguments(*options))


def _expect(section: Section) -> Any:
    for op, value in section.values.items():
        if isinstance(value, tuple):
            return model.Expect(op="between", value=value[0], upper=value[1])
        return model.Expect(op=op, value=str(value))  # type: ignore[arg-type]  # keys are the table's
    return MISSING


class Written(Struct):
    """A step as far as its own mapping says; `defaults` completes it."""

    arguments: dict[str, Any]
    """Values for `model.Step`, only what was written."""
    undo: tuple[Written, ...]
    at: str
    """Its path in the document."""


def _step(section: Section) -> Written:
    """Sort the values: `undo` and `timeout` mean different things in different steps."""
    arguments = section.arguments("undo", "timeout")
    undo = section.get("undo", ())
    if isinstance(undo, str):
        arguments["undo_none"] = undo
    if "timeout" in section.values:
        arguments["poll_timeout" if section.get("kind") == "poll" else "timeout"] = section.get("timeout")
    arguments["line"] = section.node.line
    return Written(arguments, () if isinstance(undo, str) else undo, section.at)


# -- the parts -------------------------------------------------------------------------------------------------------

_EXPECTATIONS: dict[str, Field] = {
    "equals": Field(Text(empty=True), "the text or number that it must be"),
    "not_equals": Field(Text(empty=True), "what it must not be"),
    "matches": Field(kind_of(model.Pattern), "a regular expression that must be found"),
    "lt": Field(TEXT, "less than"),
    "lte": Field(TEXT, "at most"),
    "gt": Field(TEXT, "more than"),
    "gte": Field(TEXT, "at least"),
    "between": Field(_Bounds(), "between two bounds, both included"),
    "exit_code": Field(Integer(0, 255), "the command's exit code"),
    "status": Field(Choice("ok", "warning", "critical"), "the target's status"),
}
SHAPES[model.Expect] = Shape(
    "expect",
    _EXPECTATIONS,
    _expect,
    one_of=tuple(_EXPECTATIONS),
    named="`expect`",
    doc="What a reading must be: exactly one comparison.",
)
_part(model.VerifyItem, "verify", named="a verify item", one_of=("command", "check", "gauge", "value"))
_part(model.RecordField, "record", named="a recorded value")
_part(model.Link, "link")
_part(model.Param, "param", named="a parameter")
_part(model.WindowRule, "window", named="`window`")
_part(model.Role, "role")
_part(model.Risk, "risk")
_part(model.ChecklistItem, "checklist_item", named="a checklist item")
_part(model.Bands, "bands", named="a band")
_part(model.Grace, "grace", named="`grace`")
_part(model.Guard, "guard")
_part(model.Downtime, "downtime", named="`downtime`")
_part(model.Baseline, "baseline", named="`baseline`")
_part(model.Criterion, "criterion", one_of=("downtime", "steps", "baseline", "condition", "asked"))
_part(model.Retry, "retry", named="`retry`")
_part(model.OnFail, "on_fail", named="`on_fail`", short=_Short(model.OnFail))
_part(model.OnHalt, "on_halt", named="`on_halt`", short=_Short(model.OnHalt))
_part(model.SignOff, "sign_off", named="`sign_off`")
_part(model.Progress, "progress", named="`progress`")
_part(model.ExpectOutage, "expect_outage", named="`expect_outage`")
_part(
    model.Target,
    "target",
    make=_target,
    own=lambda: {"type": Field(Choice(*CHECKS), "what is watched, and how", required=True), **_options()},
)
STEP = _part(
    model.Step,
    "step",
    make=_step,
    own=lambda: {"undo": Field(_Undo(), "steps that take it back, or {none: reason}")},
)
STEPS = ListOf(STEP, called="a list of steps")
_part(
    model.Stage,
    "stage",
    make=_section,
    own=lambda: {"owner": Field(ID, "the role that owns its steps", default="lead")},
)
_part(
    model.Rollback,
    "rollback",
    named="`rollback`",
    make=_section,
    own=lambda: {"steps": Field(_PlanForm(), "the plan form; not supported yet")},
)
PROCEDURE = _part(
    model.Procedure,
    "procedure",
    named="a procedure",
    make=_section,
    first=lambda: {"quarterdeck": Field(_Version(), "the format's version", required=True)},
    own=lambda: {
        "stages": Field(ListOf(SHAPES[model.Stage], at_least=1), "the forward plan", required=True),
    },
)


# -- the JSON Schema -------------------------------------------------------------------------------------------------


def json_schema() -> dict[str, Any]:
    """The format as JSON Schema (draft 2020-12), for editors that complete and check while one types.

    It knows each mapping by itself; what only the whole can tell (does this step exist?) is lint's.
    """
    definitions: dict[str, Any] = {}
    body = PROCEDURE.body(definitions)
    definitions["target"]["description"] = _target_types()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Quarterdeck procedure, format version {FORMAT_VERSION}",
        **body,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _target_types() -> str:
    """Describe every type of target: what it is, its metrics with their units, and which way is worse."""
    lines = ["What to watch. Metrics by type (unit; which way is worse):"]
    for name, check in CHECKS.items():
        metrics = ", ".join(
            f"{written} ({'; '.join(part for part in (metric.unit or 'plain', metric.worse) if part)})"
            for written, metric in zip(written_metrics(name), check.metrics.values(), strict=True)
        )
        later = "" if check.watched else " (not watched by this version)"
        lines.append(f"{name}: {check.doc}{later}: {metrics}")
    return "\n".join(lines)
