"""The tables of `docs/reference/`: every field and every type of check, from the declarations.

The prose of the reference is Markdown and stands in its files; what stands there between `<!-- table: NAME -->` and
`<!-- end -->` is what `redraw` puts there. A test holds the files against it, and draws them again where asked to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from quarterdeck.documents.attributes import attributes
from quarterdeck.documents.kinds import BOOLEAN, DURATION, ID, TEXT, TIME, Choice, Integer
from quarterdeck.documents.schema import Field, ListOf, MapOf, Shape
from quarterdeck.procedure.checks import CHECKS, form_of
from quarterdeck.procedure.format import OPTION, SHAPES, default_of
from quarterdeck.procedure.metric_names import written_metrics

__all__ = ["redraw", "tables"]

_WORDS: dict[Any, str] = {
    BOOLEAN: "true or false",
    DURATION: "duration",
    ID: "id",
    TEXT: "text",
    TIME: "time",
}
_BLOCK = re.compile(r"(<!-- table: ([\w: -]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def redraw(text: str) -> str:
    """Return a file of the reference with its tables as the declarations have them. KeyError: no such table."""
    known = tables()
    return _BLOCK.sub(lambda block: f"{block[1]}\n{known[block[2]]}\n{block[3]}", text)


def tables() -> dict[str, str]:
    """Return every table by its name: one for each part of a procedure, and those of the checks."""
    drawn = {shape.name: _fields(shape) for shape in SHAPES.values()}
    drawn |= {f"check {name}": _check(name) for name, check in CHECKS.items() if check.watched}
    drawn["checks not watched"] = _not_watched()
    return drawn


def _fields(shape: Shape) -> str:
    """The fields of a part; a target's own options are the checks' tables."""
    rows = [_row(key, known) for key, known in shape.fields.items() if known.kind is not OPTION]
    return _table(("field", "type", "default", "meaning"), rows)


def _row(key: str, known: Field) -> tuple[str, ...]:
    default = "required" if known.required else known.default
    return f"`{key}`", type_words(known.kind), default, known.doc


def type_words(kind: Any) -> str:
    """Say how a field is written, in the fewest words; parts are links to their tables."""
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, Shape):
        part = f"[{kind.name}](#{kind.name.replace('_', '-')})"
        return f"{type_words(kind.short.choice)}, or {part}" if kind.short is not None else part
    if isinstance(kind, Choice):
        return ", ".join(f"`{word}`" for word in kind.words)
    if isinstance(kind, Integer):
        return f"{kind.least:,} to {kind.most:,}"
    if isinstance(kind, ListOf) and kind.called == "a list":
        item = type_words(kind.item)
        return f"{item}, or a list" if kind.single else f"list of {item}"
    if isinstance(kind, MapOf):
        return f"name: {type_words(kind.value)}"
    called: str = kind.called
    return re.sub(r"^an? ", "", called)


def _check(name: str) -> str:
    """The options and metrics of a type of check."""
    options = [
        (
            f"`{key}`",
            form_of(option).called,
            "required" if option.required else default_of(option),
            option.doc,
        )
        for key, option in attributes(CHECKS[name]).items()
    ]
    units = {"": "plain", "any": "as the endpoint says", "word": "word"}
    metrics = [
        (f"`{written}`", units.get(metric.unit, metric.unit), metric.worse, metric.doc)
        for written, metric in zip(written_metrics(name), CHECKS[name].metrics.values(), strict=True)
    ]
    return (
        _table(("option", "type", "default", "meaning"), options)
        + "\n"
        + _table(("metric", "unit", "worse is", "meaning"), metrics)
    )


def _not_watched() -> str:
    rows = [
        (f"`{name}`", check.doc, ", ".join(f"`{option}`" for option in attributes(check)))
        for name, check in CHECKS.items()
        if not check.watched
    ]
    return _table(("type", "watches", "options"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
