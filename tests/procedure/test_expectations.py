from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.procedure.expectations import describe, holds
from quarterdeck.procedure.model import Expect
from quarterdeck.procedure.quantities import Quantity


@pytest.mark.parametrize(
    ("expect", "reading", "unit", "expected"),
    [
        (Expect(op="equals", value="t"), "t\n", "", True),
        (Expect(op="equals", value="t"), "f", "", False),
        (Expect(op="equals", value="0"), "0", "", True),
        (Expect(op="equals", value="1.10"), "1.10", "", True),
        (Expect(op="equals", value="1.10"), "1.1", "", None),
        (Expect(op="not_equals", value="1.10"), "1.1", "", None),
        (Expect(op="equals", value="5"), 5.0, "", True),
        (Expect(op="equals", value="0"), "", "", None),
        (Expect(op="equals", value=""), "", "", True),
        (Expect(op="not_equals", value="x"), "", "", None),
        (Expect(op="not_equals", value="x"), "y", "", True),
        (Expect(op="not_equals", value="x"), "NaN", "", None),
        (Expect(op="equals", value="t"), 5.0, "", None),
        (Expect(op="matches", value="^ok$"), "first\nok", "", True),
        (Expect(op="matches", value="^ok$"), "not ok", "", False),
        (Expect(op="matches", value="("), "x", "", None),
        (Expect(op="matches", value=".*"), " \n", "", None),
        (Expect(op="lt", value="1"), "0.4", "s", True),
        (Expect(op="lt", value="800ms"), "0.9", "s", False),
        (Expect(op="lt", value="1"), "many", "s", None),
        (Expect(op="gte", value="5 GiB"), Quantity(6 * 2**30, "B"), "", True),
        (Expect(op="gte", value="5 GiB"), Quantity(6.0, "%"), "", None),
        (Expect(op="gte", value="5 GiB"), "6442450944", "", None),
        (Expect(op="gte", value="5 GiB"), "6 GiB", "", True),
        (Expect(op="gt", value="5"), math.nan, "", None),
        (Expect(op="gt", value="5"), "nan", "", None),
        (Expect(op="lte", value="5"), 5.0, "", True),
        (Expect(op="between", value="1", upper="3"), "3", "", True),
        (Expect(op="between", value="1", upper="3"), "3.1", "", False),
        (Expect(op="between", value="1", upper="3s"), "2", "", None),
        (Expect(op="exit_code", value="0"), 0, "", True),
        (Expect(op="exit_code", value="0"), 1, "", False),
        (Expect(op="status", value="ok"), "ok", "", True),
        (Expect(op="status", value="ok"), "critical", "", False),
        (Expect(op="status", value="ok"), "unknown", "", None),
        (Expect(op="gte", value="${count.rows}"), "5", "", None),
        (Expect(op="gt", value="5"), None, "", None),
        (Expect(op="equals", value="1"), True, "", None),
    ],
)
def test_a_reading_holds_fails_or_is_unknown(
    expect: Expect, reading: str | float | Quantity | None, unit: str, expected: bool | None
) -> None:
    assert holds(expect, reading, unit) is expected


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers()), st.text(max_size=10))
def test_no_reading_breaks_an_expectation(reading: str | float, bound: str) -> None:
    for op in ("equals", "not_equals", "matches", "lt", "between", "exit_code", "status"):
        holds(Expect(op=op, value=bound, upper=bound), reading)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(-100, 100))
def test_sizes_agree_with_numbers(reading: float, bound: int) -> None:
    assert holds(Expect(op="lt", value=str(bound)), reading) is (reading < bound)
    assert holds(Expect(op="gte", value=str(bound)), reading) is (reading >= bound)


def test_expectations_are_shown_for_people() -> None:
    assert describe(Expect(op="gte", value="5 GiB")) == "≥ 5 GiB"
    assert describe(Expect(op="between", value="1", upper="3")) == "between 1 and 3"
    assert describe(None) == "exit code 0"
