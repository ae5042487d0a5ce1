"""The condition language of guards, waits and criteria: `p95(api.latency, 1m) > 800ms or api.status != ok`.

Comparisons of a metric with a value or another metric, joined by `and`, `or`, `not` and parentheses;
functions over a span; no arithmetic. Three-valued: what cannot be read is unknown, and unknown is neither
true nor false. Parsed texts are cached; evaluation reads through the `Metrics` protocol and never touches a
clock. `condition_lint` judges units and contradictions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from quarterdeck.documents.kinds import duration
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.errors import QuarterdeckError
from quarterdeck.procedure.quantities import QUANTITY_PATTERN, Quantity, as_quantity, parse_quantity

__all__ = [
    "FUNCTIONS",
    "STATUS_WORDS",
    "All",
    "Any",
    "Comparison",
    "Condition",
    "ConditionError",
    "Metric",
    "Metrics",
    "Not",
    "Over",
    "Word",
    "compare",
    "comparisons_of",
    "evaluate",
    "metrics_of",
    "parse",
    "reads_of",
]

Operator = Literal["<", "<=", ">", ">=", "==", "!="]
Function = Literal["avg", "min", "max", "p50", "p95", "rate"]
FUNCTIONS: tuple[Function, ...] = ("avg", "min", "max", "p50", "p95", "rate")
STATUS_WORDS = ("ok", "warning", "critical", "unknown")
MOST_CHARACTERS = 2000
MOST_DEPTH = 30
LONGEST_SPAN = 24 * 3600.0


class ConditionError(QuarterdeckError):
    """A condition that is not of the language; `column` counts from 1 within the condition's text."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message, where=f"column {column}")
        self.column = column


class Metric(Struct, frozen=True, tag=True):
    """A metric's last reading."""

    name: str


class Over(Struct, frozen=True, tag=True):
    """A function of a metric's readings over the last `seconds`."""

    function: Function
    name: str
    seconds: float


class Word(Struct, frozen=True, tag=True):
    """A status word, or the word that a value shall be."""

    text: str


Operand: TypeAlias = Metric | Over | Word | Quantity


class Comparison(Struct, frozen=True):
    """`left operator right`; at least one side is a metric. `column` counts from 1."""

    left: Operand
    operator: Operator
    right: Operand
    column: int = 1


class Not(Struct, frozen=True):
    """The opposite; unknown stays unknown."""

    item: Node


class All(Struct, frozen=True):
    """True when every item is, false when one is false."""

    items: tuple[Node, ...]


class Any(Struct, frozen=True):
    """True when one item is, false when every one is false."""

    items: tuple[Node, ...]


Node: TypeAlias = Comparison | Not | All | Any


class Condition(Struct, frozen=True):
    """A parsed condition with its text."""

    text: str
    root: Node


class Metrics(Protocol):
    """Where readings come from. None means unknown: absent, stale, not a number, not sound."""

    def value(self, metric: str) -> Quantity | str | None:
        """Return the last reading of `target.name`, in base units; a word for a status."""

    def over(self, function: str, metric: str, seconds: float) -> Quantity | None:
        """Return avg, min, max, p50, p95 or rate (per second) over the last seconds."""


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<operator><=|>=|==|!=|<|>)"
    r"|(?P<mark>[(),])"
    rf"|(?P<quantity>(?:\d+(?:\.\d+)?[dhms]+){{2,}}(?![\w.\[])|{QUANTITY_PATTERN}(?![\w.\[]))"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+|\[[^\[\]]*\])*)",
    re.ASCII,
)


@lru_cache(maxsize=2048)
def parse(text: str) -> Condition:
    """Read a condition; raise `ConditionError` with the column of what does not fit."""
    if len(text) > MOST_CHARACTERS:
        raise ConditionError(f"a condition may have {MOST_CHARACTERS:,} characters", MOST_CHARACTERS)
    parser = _Parser(list(_tokens(text)), len(text) + 1)
    root = parser.disjunction(0)
    rest = parser.peek()
    if rest.kind != "end":
        raise ConditionError(_unexpected(rest), rest.column)
    return Condition(text, root)


def _tokens(text: str) -> Iterator[_Token]:
    index = 0
    while index < len(text):
        match = _TOKENS.match(text, index)
        if match is None:
            raise ConditionError(_strange(text, index), index + 1)
        kind = match.lastgroup or ""
        if kind != "space":
            yield _Token(kind, match.group(), index + 1)
        index = match.end()


def _strange(text: str, index: int) -> str:
    character = text[index]
    if character == "=":
        return "`=` is no comparison; write `==`"
    if character in "+-*/":
        return f"there is no arithmetic in a condition ({quote(character)})"
    if character in "&|!":
        return f"{quote(character)} is not known; write `and`, `or`, `not`"
    if character.isdigit():
        number = re.match(r"[\d.]+\s*[^\s()<>=!,]*", text[index:])
        return f"{quote(number.group() if number else character)} is not a number with a known unit"
    return f"{quote(character)} cannot stand in a condition"


def _unexpected(token: _Token) -> str:
    if token.kind == "end":
        return "the condition ends too early"
    if token.kind == "operator":
        return f"a comparison has two sides; join two comparisons with `and` ({quote(token.text)})"
    return f"{quote(token.text)} does not fit here"


class _Parser:
    """Recursive descent over at most `MOST_DEPTH` levels."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._end = _Token("end", "", end)

    def peek(self) -> _Token:
        """Look at the next token."""
        return self._tokens[self._next] if self._next < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self.peek()
        self._next += 1
        return token

    def _takes(self, text: str) -> bool:
        if self.peek().text != text or self.peek().kind not in {"name", "mark"}:
            return False
        self._next += 1
        return True

    def disjunction(self, depth: int) -> Node:
        """Read items joined by `or`."""
        if depth > MOST_DEPTH:
            raise ConditionError(f"nested deeper than {MOST_DEPTH} levels", self.peek().column)
        items = [self._conjunction(depth)]
        while self._takes("or"):
            items.append(self._conjunction(depth))
        return items[0] if len(items) == 1 else Any(tuple(items))

    def _conjunction(self, depth: int) -> Node:
        items = [self._negation(depth)]
        while self._takes("and"):
            items.append(self._negation(depth))
        return items[0] if len(items) == 1 else All(tuple(items))

    def _negation(self, depth: int) -> Node:
        negations = 0
        while self._takes("not"):
            negations += 1
        if self._takes("("):
            item = self.disjunction(depth + 1)
            if not self._takes(")"):
                raise ConditionError(f"`)` is missing; {_unexpected(self.peek())}", self.peek().column)
        else:
            item = self._comparison()
        return Not(item) if negations % 2 else item

    def _comparison(self) -> Comparison:
        column = self.peek().column
        left = self._operand()
        token = self._take()
        if token.kind != "operator":
            found = "the end" if token.kind == "end" else quote(token.text)
            raise ConditionError(f"a comparison (< <= > >= == !=) is needed here, not {found}", token.column)
        right = self._operand()
        if not isinstance(left, (Metric, Over)) and not isinstance(right, (Metric, Over)):
            raise ConditionError("a comparison needs a metric (`target.name`) on one side", column)
        return Comparison(left, _operator(token.text), right, column)

    def _operand(self) -> Operand:
        token = self._take()
        if token.kind == "quantity":
            return parse_quantity(token.text)
        if token.kind != "name" or token.text in {"and", "or", "not"}:
            raise ConditionError(_unexpected(token), token.column)
        if self.peek().text == "(":
            return self._call(token)
        return Metric(token.text) if "." in token.text else Word(token.text)

    def _call(self, token: _Token) -> Over:
        function = next((known for known in FUNCTIONS if known == token.text), None)
        if function is None:
            near = did_you_mean(token.text, FUNCTIONS)
            raise ConditionError(
                f"{quote(token.text)} is no function{near or '; known: ' + ', '.join(FUNCTIONS)}",
                token.column,
            )
        self._take()
        metric = self._take()
        if metric.kind != "name" or "." not in metric.text:
            raise ConditionError(f"{function} needs a metric (`target.name`) first", metric.column)
        if not self._takes(","):
            raise ConditionError(f"{function} needs a span: `{function}({metric.text}, 1m)`", self.peek().column)
        span = self._take()
        seconds = duration(span.text)
        if seconds is None or not 0 < seconds <= LONGEST_SPAN:
            raise ConditionError(f"{quote(span.text)} is no span such as 30s or 5m (at most 24h)", span.column)
        if not self._takes(")"):
            raise ConditionError(f"`)` is missing; {_unexpected(self.peek())}", self.peek().column)
        return Over(function, metric.text, seconds)


def _operator(text: str) -> Operator:
    known: tuple[Operator, ...] = ("<", "<=", ">", ">=", "==", "!=")
    return next(operator for operator in known if operator == text)


def evaluate(condition: Condition, metrics: Metrics) -> bool | None:
    """Return whether the condition holds; None when that is unknown."""
    return _evaluate(condition.root, metrics)


def _evaluate(node: Node, metrics: Metrics) -> bool | None:
    if isinstance(node, Comparison):
        return compare(_read(node.left, metrics), node.operator, _read(node.right, metrics))
    if isinstance(node, Not):
        value = _evaluate(node.item, metrics)
        return None if value is None else not value
    decisive = isinstance(node, Any)
    unknown = False
    for item in node.items:
        value = _evaluate(item, metrics)
        if value is decisive:
            return decisive
        unknown = unknown or value is None
    return None if unknown else not decisive


def _read(operand: Operand, metrics: Metrics) -> Quantity | str | None:
    if isinstance(operand, Quantity):
        return operand
    if isinstance(operand, Word):
        return operand.text
    if isinstance(operand, Over):
        return metrics.over(operand.function, operand.name, operand.seconds)
    value = metrics.value(operand.name)
    if value is None and operand.name.endswith(".status"):
        return "unknown"
    return value


def compare(left: Quantity | str | None, operator: Operator, right: Quantity | str | None) -> bool | None:
    """Compare two readings; unknown where one is, where units differ, where a word meets a number.

    The word `unknown` is itself unknown against every word but `unknown`: it might be any of them.
    """
    if left is None or right is None:
        return None
    if isinstance(left, str) or isinstance(right, str):
        return _compare_words(left, operator, right)
    if left.unit != right.unit or left.value != left.value or right.value != right.value:
        return None
    a, b = left.value, right.value
    results = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}
    return results[operator]


def _compare_words(left: Quantity | str, operator: Operator, right: Quantity | str) -> bool | None:
    if operator not in {"==", "!="}:
        return None
    if not isinstance(left, str) or not isinstance(right, str):
        word, number = (left, right) if isinstance(left, str) else (right, left)
        assert isinstance(word, str)
        quantity = as_quantity(word)
        return None if quantity is None or isinstance(number, str) else compare(quantity, operator, number)
    if left != right and "unknown" in {left, right}:
        return None
    return (left == right) is (operator == "==")


def comparisons_of(node: Node) -> Iterator[Comparison]:
    """Yield every comparison in written order."""
    if isinstance(node, Comparison):
        yield node
    elif isinstance(node, Not):
        yield from comparisons_of(node.item)
    else:
        for item in node.items:
            yield from comparisons_of(item)


def reads_of(condition: Condition) -> tuple[Metric | Over, ...]:
    """Return every metric, and function over one, that the condition reads: once each, in written order."""
    found: dict[Metric | Over, None] = {}
    for comparison in comparisons_of(condition.root):
        for operand in (comparison.left, comparison.right):
            if isinstance(operand, (Metric, Over)):
                found[operand] = None
    return tuple(found)


def metrics_of(condition: Condition) -> tuple[str, ...]:
    """Return the names of the metrics that the condition reads, once each, in written order."""
    return tuple(dict.fromkeys(read.name for read in reads_of(condition)))
