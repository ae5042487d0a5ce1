"""The kinds of scalars that a field table may name: text, choices, numbers, durations, truth values, patterns.

Scalars reach these kinds as written; here, and only here, they become typed. A scalar that holds a parameter
without a value yet (`Scalar.open`) is accepted as it is: lint of a procedure does not need its parameters. The
functions for how a scalar is written take text and return a value, or None when the text is not of that form; the
schema makes the message. Python's `re` has no time limit, so a pattern with a repeat inside a repeat (`(a+)+`), which
can take for ever on a text that almost fits, is refused; possessive repeats cannot backtrack and are fine. No
I/O, no clock.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import Any

from quarterdeck.documents.nodes import Node, Scalar, describe
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.documents.schema import FIRST_PROBLEMS, MISSING, Context
from quarterdeck.spans import DURATION_PATTERN, duration

__all__ = [
    "BOOLEAN",
    "DURATION",
    "ID",
    "ID_PATTERN",
    "INTEGER",
    "LONGEST_PATTERN",
    "NUMBER",
    "REFERENCE_PATTERN",
    "TEXT",
    "TIME",
    "TIME_PATTERN",
    "Choice",
    "Integer",
    "Number",
    "Text",
    "boolean",
    "compiled",
    "integer",
    "is_secret_reference",
    "is_time",
    "number",
    "pattern_problem",
]


ID_PATTERN = r"^[a-z0-9_-]+$"
REFERENCE_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+)$"
TIME_PATTERN = (
    r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)"
    r"|window\.(start|end)( ?[+-] ?(\d+(\.\d+)?(ms|[dhms]))+)?)$"
)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def boolean(text: str) -> bool | None:
    """Read `true`, `false`, `yes`, `no`, and nothing else."""
    return _BOOLEANS.get(text)


def integer(text: str) -> int | None:
    """Read a whole number of at most 18 digits."""
    return int(text) if _INTEGER.fullmatch(text) else None


def number(text: str) -> float | None:
    """Read a finite number; `nan` and `inf` are none."""
    if not re.fullmatch(_NUMBER, text, re.ASCII):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_time(text: str) -> bool:
    """Tell whether a text is an ISO 8601 time with an offset, or one relative to the window."""
    if not re.fullmatch(TIME_PATTERN, text, re.ASCII):
        return False
    if text.startswith("window."):
        return True
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def is_secret_reference(text: str) -> bool:
    """Tell whether a text names where a secret lies (`env:NAME`, `file:PATH`, `keyring:service/user`)."""
    return re.fullmatch(REFERENCE_PATTERN, text, re.ASCII) is not None


LONGEST_PATTERN = 500
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:[aiLmsux-]*[:)]|[=!>]|<[=!]|P?<\w+>|P=\w+\)))?|\)"
    r"|(?:[*+]|\{\d*,\d*\}|\{\d+\}|\?)[+?]?|.",
    re.DOTALL,
)
_MANY = 10
"""A bounded repeat of more than this counts as unbounded."""


def compiled(text: str, flags: int = 0) -> re.Pattern[str]:
    """Compile a pattern without what Python says to programmers (`[[` may mean something else one day)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(text, flags)


def pattern_problem(text: str) -> str:
    """Return what is wrong with a regular expression, or nothing."""
    if len(text) > LONGEST_PATTERN:
        return f"a pattern may have {LONGEST_PATTERN} characters, this has {len(text)}"
    try:
        compiled(text)
    except (re.error, RecursionError, OverflowError) as error:
        return f"{quote(text)} is no regular expression: {error}"
    if _repeats_a_repeat(text):
        return (
            f"{quote(text)} repeats a repeat and could take for ever on a text that almost fits; "
            "make the inner one possessive (`++`)"
        )
    return ""


def _repeats_a_repeat(text: str) -> bool:
    """Walk over the pattern with a stack of groups; each remembers whether it holds an unbounded repeat."""
    groups = [False]
    closed = False
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece.startswith("(") and not piece.endswith(")"):
            groups.append(False)
            closed = False
            continue
        if piece == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] = groups[-1] or closed
            continue
        if _unbounded(piece):
            if closed:
                return True
            groups[-1] = True
        closed = False
    return False


def _unbounded(piece: str) -> bool:
    if piece[0] in "*+":
        return not piece.endswith("+") or len(piece) == 1
    if piece[0] == "{" and "," in piece and not piece.endswith("+"):
        most = piece.strip("?").strip("{}").split(",")[1]
        return not most or int(most[:6]) > _MANY
    return False


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

    def take(self, node: Scalar, context: Context) -> Any:  # noqa: ARG002 - for kinds that judge it
        """Return the value or say why not; a plain text by itself."""
        return node.text


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
