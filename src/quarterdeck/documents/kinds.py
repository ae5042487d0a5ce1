"""The kinds of scalars that a field table may name: text, choices, numbers, durations, truth values.

Scalars reach these kinds as written; here, and only here, they become typed. A scalar that holds a parameter
without a value yet (`Scalar.open`) is accepted as it is: lint of a procedure does not need its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from quarterdeck.documents.nodes import Node, Scalar, describe
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.documents.reader import FIRST_PROBLEMS, MISSING, Context
from quarterdeck.documents.scalars import (
    DURATION_PATTERN,
    ID_PATTERN,
    TIME_PATTERN,
    boolean,
    duration,
    integer,
    is_time,
    number,
)

__all__ = [
    "BOOLEAN",
    "DURATION",
    "ID",
    "INTEGER",
    "NUMBER",
    "TEXT",
    "TIME",
    "Choice",
    "Integer",
    "Number",
    "Text",
]

_PARAMETER = r"\$\{"
"""In JSON Schema every typed scalar may also be a parameter."""


class _ScalarKind:
    """Base of the kinds that read one scalar."""

    blank: Any = MISSING
    called = "a text"

    def read(self, node: Node, context: Context, _at: str) -> Any:
        """Read one scalar; a list or mapping here is an error."""
        if not isinstance(node, Scalar):
            context.error(node, f"{self.called} is needed here, this is {describe(node)}")
            return MISSING
        return MISSING if node.open else self.take(node, context)

    def take(self, node: Scalar, context: Context) -> Any:
        """Return the value or say why not."""
        raise NotImplementedError


class Text(_ScalarKind):
    """A text. `pattern` is matched whole; `called` says what was wanted."""

    blank: Any = ""

    def __init__(
        self,
        *,
        pattern: str = "",
        called: str = "a text",
        empty: bool = False,
        limit: int = 20_000,
        check: Callable[[str], str] | None = None,
    ) -> None:
        """`check` returns what is wrong with a text, or nothing."""
        self.pattern = pattern
        self.called = called
        self.empty = empty
        self.limit = limit
        self.check = check

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read a text; one with an open parameter stays as written."""
        if isinstance(node, Scalar) and node.open:
            return node.text
        return super().read(node, context, at)

    def take(self, node: Scalar, context: Context) -> Any:
        """Return the text when it fits."""
        text = node.text
        if len(text) > self.limit:
            context.error(node, f"{self.called} may have {self.limit:,} characters, this has {len(text):,}")
            return MISSING
        if not text.strip() and not self.empty:
            context.error(node, f"{self.called} is needed here, this is empty")
            return MISSING
        if self.pattern and not re.fullmatch(self.pattern, text):
            context.error(node, f"{quote(text)} is not {self.called}")
            return MISSING
        wrong = self.check(text) if self.check is not None else ""
        if wrong:
            context.error(node, wrong)
            return MISSING
        return text

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Return a string schema; unquoted numbers and truth values are text to the reader."""
        if self.pattern:
            return {"type": "string", "anyOf": [{"pattern": self.pattern}, {"pattern": _PARAMETER}]}
        return {"type": ["string", "number", "boolean"]}


class Choice(_ScalarKind):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.blank = words[0]
        self.called = "one of " + ", ".join(words)

    def take(self, node: Scalar, context: Context) -> Any:
        """Return the word when it is one of them."""
        if node.text in self.words:
            return node.text
        near = did_you_mean(node.text, self.words) if len(context.problems) < FIRST_PROBLEMS else ""
        near = near or f"; one of {', '.join(self.words)}"
        context.error(node, f"{quote(node.text)} is not known here{near}")
        return MISSING

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Return an enum."""
        return {"anyOf": [{"enum": list(self.words)}, {"type": "string", "pattern": _PARAMETER}]}


class Integer(_ScalarKind):
    """A whole number between two bounds."""

    blank: Any = 0
    called = "a whole number"

    def __init__(self, least: int = -(10**17), most: int = 10**17) -> None:
        self.least = least
        self.most = most

    def take(self, node: Scalar, context: Context) -> Any:
        """Return the number when it is one, and in its bounds."""
        value = integer(node.text)
        if value is None:
            context.error(node, f"{quote(node.text)} is not a whole number")
            return MISSING
        if not self.least <= value <= self.most:
            context.error(node, f"{value} is out of bounds ({self.least} to {self.most})")
            return MISSING
        return value

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Return an integer schema; a quoted number is one too."""
        whole = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [whole, {"type": "string", "pattern": rf"^[+-]?\d+$|{_PARAMETER}"}]}


class Number(_ScalarKind):
    """A finite number."""

    blank: Any = 0.0
    called = "a number"

    def take(self, node: Scalar, context: Context) -> Any:
        """Return the number."""
        value = number(node.text)
        if value is None:
            context.error(node, f"{quote(node.text)} is not a number")
            return MISSING
        return value

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Return a number schema."""
        return {"type": ["number", "string"]}


class _Boolean(_ScalarKind):
    called = "true or false"

    def take(self, node: Scalar, context: Context) -> Any:
        value = boolean(node.text)
        if value is None:
            context.error(node, f"{quote(node.text)} is neither true nor false; write true, false, yes or no")
            return MISSING
        return value

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false", "yes", "no"]}]}


class _Duration(_ScalarKind):
    blank: Any = 0.0
    called = "a duration such as 90s, 5m or 1h30m"

    def take(self, node: Scalar, context: Context) -> Any:
        value = duration(node.text)
        if value is None:
            hint = f"; did you mean `{node.text}s`?" if number(node.text) is not None else ""
            context.error(node, f"{quote(node.text)} is not {self.called}{hint}")
            return MISSING
        if value > 400 * 86400:
            context.error(node, f"{quote(node.text)} is longer than a year")
            return MISSING
        return value

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "string", "anyOf": [{"pattern": DURATION_PATTERN}, {"pattern": _PARAMETER}]}


def _wrong_time(text: str) -> str:
    if is_time(text):
        return ""
    return f"{quote(text)} is no time; write 2026-05-02T01:00+02:00 (with an offset) or window.start+20m"


class _Time(Text):
    def __init__(self) -> None:
        super().__init__(called="a time", limit=60, check=_wrong_time)

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        return {"type": "string", "anyOf": [{"pattern": TIME_PATTERN}, {"pattern": _PARAMETER}]}


TEXT = Text()
ID = Text(pattern=ID_PATTERN, called="an id (small letters, digits, `-` and `_`)", limit=80)
INTEGER = Integer()
NUMBER = Number()
BOOLEAN = _Boolean()
DURATION = _Duration()
TIME = _Time()
