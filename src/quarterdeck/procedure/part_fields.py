"""The field tables of a procedure's smaller parts: expectations, verify items, targets, guards and more.

Only tables and the few functions that turn a read section into a struct of `model`. What a part means
beside the others (does this target exist?) is lint's business. `fields` and `step_fields` build on it.
"""

from __future__ import annotations

from typing import Any

from quarterdeck.documents.kinds import BOOLEAN, DURATION, ID, TEXT, TIME, Choice, Integer, Text
from quarterdeck.documents.nodes import Node, Scalar, Sequence
from quarterdeck.documents.patterns import pattern_problem
from quarterdeck.documents.reader import MISSING, Context, Field, ListOf, MapOf, Section, Shape
from quarterdeck.documents.scalars import boolean
from quarterdeck.procedure import model
from quarterdeck.procedure.substitution import NAME_PATTERN
from quarterdeck.procedure.targets import COMMON_OPTIONS, TARGET_TYPES

__all__ = [
    "CHECKLIST_ITEM",
    "CRITERION",
    "EXPECT",
    "GUARD",
    "LINK",
    "PARAM",
    "RECORD_FIELD",
    "RISK",
    "ROLE",
    "TARGET",
    "VERIFY_ITEM",
    "WINDOW",
]

ARGV = ListOf(Text(called="an argument", empty=True), at_least=1, called="a list of arguments (`[df, -h]`)")
TEXTS = ListOf(TEXT, single=True)


REGEX = Text(called="a regular expression", check=pattern_problem)
IDS = ListOf(ID, single=True)


class _Bounds:
    """The two bounds of `between`."""

    blank: Any = MISSING

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


_EMPTY_TEXT = Text(empty=True)
_EXPECTATIONS: dict[str, Field] = {
    "equals": Field(_EMPTY_TEXT, "the text or number that it must be"),
    "not_equals": Field(_EMPTY_TEXT, "what it must not be"),
    "matches": Field(REGEX, "a regular expression that must be found"),
    "lt": Field(TEXT, "less than"),
    "lte": Field(TEXT, "at most"),
    "gt": Field(TEXT, "more than"),
    "gte": Field(TEXT, "at least"),
    "between": Field(_Bounds(), "between two bounds, both included"),
    "exit_code": Field(Integer(0, 255), "the command's exit code"),
    "status": Field(Choice("ok", "warning", "critical"), "the target's status"),
}


def _expect(section: Section) -> Any:
    for op, value in section.values.items():
        if isinstance(value, tuple):
            return model.Expect(op="between", value=value[0], upper=value[1])
        return model.Expect(op=op, value=str(value))  # type: ignore[arg-type]  # keys are the table's
    return MISSING


EXPECT = Shape("expect", _EXPECTATIONS, _expect, one_of=tuple(_EXPECTATIONS), named="`expect`")

VERIFY_ITEM = Shape(
    "verify",
    {
        "command": Field(ARGV, "argv whose exit code or output is judged"),
        "check": Field(TEXT, "a target whose status must be ok"),
        "gauge": Field(TEXT, "a metric such as here.storage[/].free"),
        "value": Field(TEXT, "the name of a recorded value"),
        "expect": Field(EXPECT, "what it must be"),
        "within": Field(DURATION, "try until then"),
        "every": Field(DURATION, "pause between two tries (5s)"),
        "title": Field(TEXT, "what people read"),
    },
    model.VerifyItem,
    one_of=("command", "check", "gauge", "value"),
    named="a verify item",
)

RECORD_FIELD = Shape(
    "record",
    {
        "name": Field(Text(pattern=NAME_PATTERN, called="a name (small letters, digits, `_`)"), required=True),
        "type": Field(Choice("string", "integer", "number", "boolean")),
        "unit": Field(TEXT, "the unit that the number is written in"),
        "pattern": Field(REGEX, "regular expression over the output; its first group is the value"),
        "expect": Field(EXPECT),
        "title": Field(TEXT),
    },
    model.RecordField,
    named="a recorded value",
)

LINK = Shape(
    "link",
    {
        "title": Field(TEXT, required=True),
        "url": Field(TEXT, "address, or path of a document", required=True),
    },
    model.Link,
)

PARAM = Shape(
    "param",
    {
        "type": Field(Choice("string", "integer", "number", "boolean", "host", "url", "path", "duration")),
        "default": Field(_EMPTY_TEXT),
        "required": Field(BOOLEAN),
        "choices": Field(TEXTS),
        "secret": Field(BOOLEAN, "given as env:NAME or file:PATH; never shown or stored"),
        "ask": Field(TEXT, "the question for a person"),
        "pattern": Field(REGEX, "regular expression that the whole value must match"),
    },
    model.Param,
    named="a parameter",
)

WINDOW = Shape(
    "window",
    {
        "start": Field(TIME, "ISO 8601 with an offset"),
        "end": Field(TIME, "ISO 8601 with an offset"),
        "reserve": Field(DURATION, "kept free at the end (10 % of the window)"),
        "warn": Field(DURATION, "clocks turn amber (15m)"),
    },
    model.WindowRule,
    named="`window`",
)

ROLE = Shape(
    "role",
    {
        "title": Field(TEXT, required=True),
        "required": Field(BOOLEAN),
        "backup": Field(ID, "a role that stands in"),
    },
    model.Role,
)

RISK = Shape(
    "risk",
    {
        "risk": Field(TEXT, required=True),
        "likelihood": Field(TEXT),
        "impact": Field(TEXT),
        "mitigation": Field(TEXT),
        "contingency": Field(TEXT),
    },
    model.Risk,
)

CHECKLIST_ITEM = Shape(
    "checklist_item",
    {
        "id": Field(ID, required=True),
        "title": Field(TEXT, required=True),
        "owner": Field(ID),
        "check": Field(VERIFY_ITEM, "ticks the item by itself"),
    },
    model.ChecklistItem,
    named="a checklist item",
)

BANDS = Shape("bands", {name: Field(TEXT) for name in ("warning", "critical", "clear")}, model.Bands, named="a band")

GRACE = Shape(
    "grace",
    {"after": Field(ID, "a step", required=True), "period": Field(DURATION, required=True)},
    model.Grace,
    named="`grace`",
)

GUARD = Shape(
    "guard",
    {
        "id": Field(ID, required=True),
        "title": Field(TEXT, required=True),
        "when": Field(TEXT, "a condition: `p95(api.latency, 1m) > 800ms`", required=True),
        "for": Field(DURATION, "how long the condition must hold (0s)", attribute="for_"),
        "action": Field(Choice("warn", "pause", "propose_halt", "halt"), required=True),
        "timeout": Field(DURATION, "an unanswered proposal becomes a pause (2m)"),
        "second_chance": Field(BOOLEAN, "one repeat of `for` before it acts"),
        "grace": Field(GRACE, "quiet for a while after a step's start"),
        "release": Field(TEXT, "a condition that ends the breach"),
        "during": Field(IDS, "step ids, stages, or rollback, contingency, closing (the forward plan)"),
    },
    model.Guard,
)

_DOWNTIME = Shape(
    "downtime",
    {"targets": Field(TEXTS, required=True), "max": Field(DURATION, required=True)},
    model.Downtime,
    named="`downtime`",
)

_BASELINE = Shape(
    "baseline",
    {
        "metric": Field(TEXT, required=True),
        "statistic": Field(Choice("p50", "p95", "mean")),
        "direction": Field(Choice("lower_is_better", "higher_is_better")),
        "allowed_increase": Field(TEXT, "a share such as 10%"),
        "critical_increase": Field(TEXT, "a share such as 50%"),
        "min_delta": Field(TEXT, "differences below it do not count"),
        "min_samples": Field(Integer(1, 1_000_000)),
    },
    model.Baseline,
    named="`baseline`",
)

CRITERION = Shape(
    "criterion",
    {
        "id": Field(ID, required=True),
        "title": Field(TEXT, required=True),
        "indicator": Field(Choice("downtime", "data", "performance", "functionality", "satisfaction"), required=True),
        "downtime": Field(_DOWNTIME, "seconds of critical outside expected outages"),
        "steps": Field(IDS, "PASS when they are done and verified"),
        "baseline": Field(_BASELINE, "a metric against what it was before Start"),
        "condition": Field(TEXT, "must hold at the end"),
        "asked": Field(ID, "the role that is asked"),
    },
    model.Criterion,
    one_of=("downtime", "steps", "baseline", "condition", "asked"),
)


class _Option:
    """A target's own field: text, texts, or (headers) a mapping that becomes `Name: value` texts."""

    blank: Any = MISSING

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read it as text or a list of texts."""
        if isinstance(node, Scalar):
            return TEXT.read(node, context, at)
        if isinstance(node, Sequence):
            values = ListOf(_EMPTY_TEXT).read(node, context, at)
            return MISSING if values is MISSING else list(values)
        values = MapOf(TEXT).read(node, context, at)
        return MISSING if values is MISSING else [f"{name}: {value}" for name, value in values.items()]

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Return text, list or mapping."""
        text = TEXT.schema(definitions)
        array = {"type": "array", "items": text}
        return {"anyOf": [text, array, {"type": "object", "additionalProperties": text}]}


FLAGS = {"follow_redirects"}
_COUNT = Integer(1, 100)
_TARGET_COMMON: dict[str, Field] = {
    "type": Field(Choice(*TARGET_TYPES), required=True),
    "title": Field(TEXT),
    "every": Field(DURATION, "interval (5s)"),
    "timeout": Field(DURATION, "whole deadline of one reading (2s)"),
    "max_age": Field(DURATION, "older is stale (3 intervals)"),
    "failure_threshold": Field(_COUNT, "bad readings in a row that count (2)"),
    "success_threshold": Field(_COUNT, "good readings in a row that end it (1)"),
    "retry_interval": Field(DURATION, "interval while a reading is bad"),
    "bands": Field(MapOf(BANDS), "metric: warning, critical, clear"),
    "on_unknown": Field(Choice("pause"), "an unknown reading pauses"),
}
assert tuple(_TARGET_COMMON) == COMMON_OPTIONS
_TARGET_OPTIONS = {
    option: Field(_Option(), doc) for kind in TARGET_TYPES.values() for option, doc in kind.options.items()
}


def _target(section: Section) -> Any:
    kind = TARGET_TYPES.get(section.get("type", ""))
    options = {key: value for key, value in section.values.items() if key in _TARGET_OPTIONS}
    for key in FLAGS & options.keys():
        value = boolean(str(options[key]))
        if value is None:
            section.error(key, f"`{key}` is neither true nor false")
        options[key] = "true" if value else "false"
    if kind is not None:
        name = section.get("type")
        for key in options:
            if key not in kind.options:
                taken = ", ".join(f"`{option}`" for option in kind.options) or "none"
                section.error(key, f"type {name} takes no `{key}`; its own fields: {taken}")
        for key in kind.required:
            if key not in section:
                section.context.error(section.node, f"a target of type {name} needs `{key}`")
    return model.Target(options=options, **section.arguments(*options))


TARGET = Shape("target", {**_TARGET_COMMON, **_TARGET_OPTIONS}, _target)
