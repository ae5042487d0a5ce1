"""Spans: every style says one length only, grows with it, and has the width that it promises."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.errors import UsageError
from quarterdeck.spans import (
    countdown,
    duration,
    hour,
    left,
    measured,
    of_planned,
    parse_span,
    short,
    span,
    stretch,
    written,
    zone,
)

YEAR = 400 * 86_400.0
SECONDS = {"d": 86_400.0, "h": 3_600.0, "min": 60.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 60.0}


def read(text: str) -> float:
    """What a person reads: numbers with their units; a number behind hours is minutes; colons are a clock."""
    if ":" in text:
        parts = [float(part) for part in text.split(":")]
        return sum(part * 60.0**place for place, part in enumerate(reversed(parts)))
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+) ?(ms|min|[dhms]|)", text))


STYLES: dict[str, tuple[Callable[[float], str], Callable[[float], float]]] = {
    "a sentence": (span, lambda length: 0.5 if length < 90 else 30.0),
    "a column": (
        short,
        lambda length: 0.5 if length < 99.5 else 30 if length < 36_000 else 1_800 if length < 343_800 else 43_200,
    ),
    "a countdown": (countdown, lambda _: 1.0),
    "a measurement": (measured, lambda length: 0.06 if length < 9.9 else 0.5 if length < 3_599 else 30.0),
    "a procedure": (written, lambda _: 0.0005),
}
lengths = st.one_of(st.floats(0, 120), st.floats(0, 20_000), st.floats(0, YEAR), st.integers(0, 20_000).map(float))


@pytest.mark.parametrize("style", STYLES)
@given(seconds=lengths)
@example(seconds=59.99)
@example(seconds=60.0)
@example(seconds=89.7)
@example(seconds=99.5)
@example(seconds=5_399.0)
@example(seconds=35_999.0)
@example(seconds=343_800.0)
def test_a_span_reads_as_the_length_that_it_has(style: str, seconds: float) -> None:
    write, within = STYLES[style]
    if style == "a measurement" and 0 < seconds < 0.001:
        assert write(seconds) == "1 ms"
        return
    assert abs(read(write(seconds)) - seconds) <= within(seconds) + 1e-6


@pytest.mark.parametrize("style", STYLES)
@given(one=lengths, other=lengths)
def test_a_longer_span_never_reads_as_a_shorter_one(style: str, one: float, other: float) -> None:
    write = STYLES[style][0]
    assert read(write(min(one, other))) <= read(write(max(one, other))) + 1e-9


@given(lengths)
def test_a_column_is_four_cells_at_most(seconds: float) -> None:
    assert len(short(seconds)) <= 4


@given(lengths)
def test_what_a_procedure_writes_is_read_again(seconds: float) -> None:
    found = duration(written(seconds))
    assert found is not None
    assert abs(found - seconds) <= 0.0005 + 1e-6
    assert parse_span(written(seconds)) == found


def test_two_hours_in_every_style() -> None:
    styles = span, short, countdown, measured, written
    assert [write(7_200) for write in styles] == ["2 h", "2h00", "2:00:00", "2 h", "2h"]
    assert [write(65) for write in styles] == ["65 s", "65s", "1:05", "65 s", "1m5s"]
    assert written(1.5) == "1.5s"
    assert countdown(-0.4) == "0:00"
    assert countdown(-65) == "-1:05"


@given(lengths)
def test_what_is_left_is_never_told_as_more_and_what_is_missing_never_as_less(seconds: float) -> None:
    within = 1.0 if seconds < 120 else 60.0
    assert 0 <= seconds - read(left(seconds)) <= within + 1e-6
    assert 0 <= read(left(-seconds)) - seconds <= within + 1e-6
    assert [left(length) for length in (66.9, 119.9, 120, 599, -66.1)] == ["66 s", "119 s", "2 min", "9 min", "67 s"]


def test_a_unit_that_both_spans_have_is_said_once() -> None:
    assert of_planned(540, 900) == "9 of 15 min"
    assert of_planned(45, 540) == "45 s of 9 min"
    assert of_planned(5_400, 7_200) == "1 h 30 min of 2 h"
    assert of_planned(45, 0) == "45 s"


@pytest.mark.parametrize("text", ["", " ", "soon", "1.2.3", "5x", "-3m", "h", "3m1h", "inf"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_span(text)


def test_a_typed_span_is_in_minutes_unless_it_says_so() -> None:
    assert [parse_span(text) for text in ("9", "1.5", "9 min", "90s", "1h 30m", "1h30")] == [
        540,
        90,
        540,
        90,
        5_400,
        5_400,
    ]


def test_times_of_day_are_those_of_their_offset() -> None:
    assert hour(7_200.0, 60) == "03:00"
    assert stretch("2026-11-30T01:00Z", "2026-11-30T03:30Z", 60) == "Mon 30 Nov 02:00 to 04:30"
    assert stretch("soon", "later", 0) == "soon to later"
    assert [zone(off) for off in (0, 60, -210, 345)] == ["UTC", "UTC+01:00", "UTC-03:30", "UTC+05:45"]
