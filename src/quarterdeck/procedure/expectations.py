"""Whether a reading is what was expected: true, false, or None where it cannot be known.

Empty output, NaN, a word where a number is needed, a unit of another family: unknown, and unknown is never
verified (observation.md).
"""

from __future__ import annotations

import re
from functools import lru_cache

from quarterdeck.documents.kinds import pattern_problem
from quarterdeck.matcher import TooSlowError, first_match
from quarterdeck.procedure.model import Expect
from quarterdeck.procedure.quantities import Quantity, as_quantity

__all__ = ["COMPARISONS", "describe", "holds"]

COMPARISONS = {
    "equals": "=",
    "not_equals": "≠",
    "matches": "matches",
    "lt": "<",
    "lte": "≤",
    "gt": ">",
    "gte": "≥",
    "between": "between",
    "exit_code": "exit code",
    "status": "status",
}
MOST_MATCHED = 64 * 1024
"""Characters of output that a pattern is tried on."""


@lru_cache(maxsize=64)
def _fits(pattern: str, text: str) -> bool | TooSlowError | None:
    """Whether a pattern is found; None for one that cannot be tried. Kept: rules judge the same again and again."""
    if pattern_problem(pattern):
        return None
    try:
        return first_match(pattern, [text], flags=re.MULTILINE) is not None
    except TooSlowError as slow:
        return slow


def holds(expect: Expect, reading: str | float | Quantity | None, unit: str = "") -> bool | None:
    """Judge a reading: trimmed output, an exit code, a gauge's quantity, a status word, a recorded value.

    `unit` is the unit that a bare number is written in (a recorded value's `unit`); a bare bound is then in
    the same unit. TooSlowError where a pattern was given up.
    """
    if reading is None or isinstance(reading, bool) or "${" in expect.value or "${" in expect.upper:
        return None
    if isinstance(reading, float) and reading != reading:
        return None
    text = _text(reading)
    if expect.op in {"equals", "not_equals"}:
        return _same(expect, reading, text, unit)
    if not text:
        return None
    if expect.op == "matches":
        fits = _fits(expect.value, text[:MOST_MATCHED])
        if isinstance(fits, TooSlowError):
            raise fits
        return fits
    if expect.op == "status":
        return None if text == "unknown" != expect.value else text == expect.value
    value = _quantity(reading, unit)
    lower = _quantity(expect.value, unit)
    if value is None or lower is None or value.unit != lower.unit:
        return None
    if expect.op == "between":
        upper = _quantity(expect.upper, unit)
        if upper is None or upper.unit != value.unit:
            return None
        return lower.value <= value.value <= upper.value
    if expect.op == "exit_code":
        return value.value == lower.value
    a, b = value.value, lower.value
    return {"lt": a < b, "lte": a <= b, "gt": a > b, "gte": a >= b}[expect.op]


def describe(expect: Expect | None) -> str:
    """Write an expectation for people: `≥ 5 GiB`, `between 1 and 5`, `exit code 0`."""
    if expect is None:
        return "exit code 0"
    if expect.op == "between":
        return f"between {expect.value} and {expect.upper}"
    return f"{COMPARISONS[expect.op]} {expect.value}"


def _text(reading: str | float | Quantity) -> str:
    if isinstance(reading, str):
        return reading.strip()
    if isinstance(reading, Quantity):
        return f"{reading.value!r} {reading.unit}".strip()
    return repr(reading)


def _quantity(reading: str | float | Quantity, unit: str) -> Quantity | None:
    if isinstance(reading, Quantity):
        return reading
    text = _text(reading)
    quantity = as_quantity(text)
    if quantity is not None and not quantity.unit and unit:
        return as_quantity(f"{text}{unit}")
    return quantity


def _same(expect: Expect, reading: str | float | Quantity, text: str, unit: str) -> bool | None:
    """Compare texts as they are written, numbers as numbers.

    Output `1.1` where `1.10` is expected may be the same number or another version: that is unknown. Only
    `equals: ""` takes emptiness for an answer.
    """
    wanted = expect.value.strip()
    positive = expect.op == "equals"
    if not text:
        return True if positive and not wanted else None
    if isinstance(reading, str) and text == wanted:
        return positive
    left, right = _quantity(reading, unit), _quantity(wanted, unit)
    if left is not None and right is not None and left.unit == right.unit:
        same = left.value == right.value
        return None if same and isinstance(reading, str) and not unit else same is positive
    if not isinstance(reading, str) or text.lower() in {"nan", "unknown"}:
        return None
    return not positive
