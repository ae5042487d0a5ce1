"""What lint says of a condition: metrics that do not exist, units that do not fit, parts that can never be true.

Works on parsed conditions alone. A contradiction is looked for in every `and`: if whatever would have to hold
for it cannot hold together on one metric (`x > 5 and x < 3`), it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from msgspec import Struct

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.conditions import (
    STATUS_WORDS,
    All,
    Any,
    Comparison,
    Condition,
    Metric,
    Node,
    Not,
    Operand,
    Operator,
    Over,
    Word,
    comparisons_of,
)
from quarterdeck.procedure.metric_names import metric_kind, metric_problem, split_metric
from quarterdeck.procedure.option_forms import Written
from quarterdeck.procedure.quantities import Quantity

__all__ = ["ColumnProblem", "contradictions", "metric_unit", "unit_name", "unit_problems"]

MOST_CASES = 512
"""Cases of a conjunction that are looked at; a condition with more is not judged."""

_OPPOSITE: dict[Operator, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_MIRROR: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class ColumnProblem(Struct, frozen=True):
    """Something wrong at a column (from 1) of a condition's text."""

    column: int
    message: str


def metric_unit(metric: str, types: Mapping[str, str]) -> str:
    """Return a known metric's base unit; `word` for a status, `any` where its endpoint decides, or nothing known."""
    target, name, _ = split_metric(metric)
    kind = metric_kind(types.get(target, ""), name)
    return kind.unit if kind else "any"


def unit_name(unit: str) -> str:
    """Name a base unit for a message."""
    names = {"": "a plain number", "B": "bytes", "s": "a time", "word": "a status", "%": "a share (%)"}
    return names.get(unit, f"a rate ({unit})")


def unit_problems(
    condition: Condition, types: Mapping[str, str], options: Mapping[str, Mapping[str, Written]]
) -> list[ColumnProblem]:
    """Return the unknown metrics and the comparisons of different units, given each target's type and own options."""
    found = []
    for comparison in comparisons_of(condition.root):
        known = True
        for operand in (comparison.left, comparison.right):
            if isinstance(operand, (Metric, Over)):
                wrong = metric_problem(operand.name, types, options)
                if wrong:
                    known = False
                    found.append(ColumnProblem(comparison.column, wrong))
        wrong = _comparison_problem(comparison, types) if known else ""
        if wrong:
            found.append(ColumnProblem(comparison.column, wrong))
    return found


def _comparison_problem(comparison: Comparison, types: Mapping[str, str]) -> str:
    left, right = _unit(comparison.left, types), _unit(comparison.right, types)
    for operand in (comparison.left, comparison.right):
        if isinstance(operand, Over) and metric_unit(operand.name, types) == "word":
            return f"{operand.function} needs numbers; {quote(operand.name)} is a status"
    words = {unit for unit in (left, right) if unit == "word"}
    if words and comparison.operator not in {"==", "!="}:
        return f"a status is compared with == or !=, not {comparison.operator}"
    if "any" not in {left, right} and left != right:
        return f"{unit_name(left)} is compared with {unit_name(right)}"
    for word, other in ((comparison.left, right), (comparison.right, left)):
        if isinstance(word, Word) and other == "word" and word.text not in STATUS_WORDS:
            near = did_you_mean(word.text, STATUS_WORDS) or f"; one of {', '.join(STATUS_WORDS)}"
            return f"{quote(word.text)} is no status{near}"
    return ""


def _unit(operand: Operand, types: Mapping[str, str]) -> str:
    if isinstance(operand, Quantity):
        return operand.unit
    if isinstance(operand, Word):
        return "word"
    unit = metric_unit(operand.name, types)
    if isinstance(operand, Over) and operand.function == "rate" and unit in {"", "B"}:
        return f"{unit}/s"
    return "any" if isinstance(operand, Over) and operand.function == "rate" else unit


def contradictions(condition: Condition) -> list[ColumnProblem]:
    """Return every innermost `and` that can never be true, with why."""
    return list(_contradictions(_positive(condition.root, wanted=True)))


def _positive(node: Node, *, wanted: bool) -> Node:
    """Push every `not` down into the comparisons."""
    if isinstance(node, Comparison):
        if wanted:
            return node
        return Comparison(node.left, _OPPOSITE[node.operator], node.right, node.column)
    if isinstance(node, Not):
        return _positive(node.item, wanted=not wanted)
    items = tuple(_positive(item, wanted=wanted) for item in node.items)
    return All(items) if isinstance(node, All) is wanted else Any(items)


def _contradictions(node: Node) -> Iterator[ColumnProblem]:
    if isinstance(node, (All, Any)):
        inner = [problem for item in node.items for problem in _contradictions(item)]
        yield from inner
        if inner or not isinstance(node, All):
            return
    elif isinstance(node, Not):
        return
    why = ""
    for case in _cases(node) or [()]:
        why = _impossible(case)
        if not why:
            return
    yield ColumnProblem(next(comparisons_of(node)).column, f"can never be true: {why}")


def _cases(node: Node) -> list[tuple[Comparison, ...]]:
    """Return the disjunctive normal form; empty when it has too many cases."""
    if isinstance(node, Comparison):
        return [(node,)]
    if isinstance(node, Not):
        return []
    parts = [_cases(item) for item in node.items]
    if not all(parts):
        return []
    if isinstance(node, Any):
        cases = [case for part in parts for case in part]
        return cases if len(cases) <= MOST_CASES else []
    count = 1
    for part in parts:
        count *= len(part)
    if count > MOST_CASES:
        return []
    return [tuple(comparison for case in choice for comparison in case) for choice in product(*parts)]


def _impossible(case: tuple[Comparison, ...]) -> str:
    """Say why comparisons cannot all hold, or nothing."""
    numbers: dict[tuple[Operand, str], list[tuple[Operator, float]]] = {}
    words: dict[Operand, list[tuple[Operator, str]]] = {}
    for comparison in case:
        subject, operator, value = comparison.left, comparison.operator, comparison.right
        if isinstance(subject, (Quantity, Word)):
            subject, operator, value = value, _MIRROR[operator], subject
        if isinstance(value, Quantity):
            numbers.setdefault((subject, value.unit), []).append((operator, value.value))
        elif isinstance(value, Word):
            words.setdefault(subject, []).append((operator, value.text))
        elif subject == value and operator in {"<", ">", "!="}:
            return f"{_show(subject)} is compared with itself"
    for (subject, _), limits in numbers.items():
        if not _possible(limits):
            return f"the limits on {_show(subject)} exclude each other"
    for subject, wanted in words.items():
        equal = {word for operator, word in wanted if operator == "=="}
        unequal = {word for operator, word in wanted if operator == "!="}
        if len(equal) > 1 or equal & unequal:
            return f"{_show(subject)} cannot be both"
    return ""


def _possible(limits: list[tuple[Operator, float]]) -> bool:
    """Tell whether one number can meet every limit."""
    low, low_open, high, high_open = float("-inf"), False, float("inf"), False
    for operator, value in limits:
        if operator in {">", ">=", "=="} and (value > low or (value == low and operator == ">")):
            low, low_open = value, operator == ">"
        if operator in {"<", "<=", "=="} and (value < high or (value == high and operator == "<")):
            high, high_open = value, operator == "<"
    if low > high or (low == high and (low_open or high_open)):
        return False
    return low != high or all(not (operator == "!=" and value == low) for operator, value in limits)


def _show(operand: Operand) -> str:
    if isinstance(operand, Over):
        return quote(f"{operand.function}({operand.name})")
    return quote(operand.name) if isinstance(operand, Metric) else "a value"
