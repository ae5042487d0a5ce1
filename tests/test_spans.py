"""The few styles in which spans are written: docs/words.md."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.documents.kinds import duration, show_duration
from quarterdeck.spans import countdown, short, span

SECONDS = st.floats(0, 30 * 86400, allow_nan=False)


def in_seconds(text: str) -> float:
    """What a sentence's span says, in seconds."""
    units = {"s": 1, "min": 60, "h": 3600}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+) (h|min|s)\b", text)))


@pytest.mark.parametrize(
    ("seconds", "sentence", "column", "clock", "document"),
    [
        (45, "45 s", "45s", "0:45", "45s"),
        (540, "9 min", "9m", "9:00", "9m"),
        (5700, "1 h 35 min", "95m", "1:35:00", "1h35m"),
        (7200, "2 h", "2h00", "2:00:00", "2h"),
    ],
)
def test_each_style_says_a_span_in_its_own_way(
    seconds: float, sentence: str, column: str, clock: str, document: str
) -> None:
    assert (span(seconds), short(seconds), countdown(seconds), show_duration(seconds)) == (
        sentence, column, clock, document,
    )  # fmt: skip


@given(SECONDS)
def test_a_sentence_is_never_further_off_than_half_of_its_unit(seconds: float) -> None:
    off = abs(in_seconds(span(seconds)) - seconds)
    assert off <= (0.5 if seconds < 90 else 30.0)


@given(SECONDS, SECONDS)
def test_a_longer_span_is_never_said_to_be_shorter(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert in_seconds(span(less)) <= in_seconds(span(more)) + 30


@given(SECONDS)
def test_what_is_over_says_so(seconds: float) -> None:
    assert span(-seconds - 1) == f"{span(seconds + 1)} over"


@given(st.floats(0, 9 * 3600 + 59 * 60))
def test_a_column_takes_four_cells(seconds: float) -> None:
    assert len(short(seconds)) <= 4


@given(st.integers(0, 30 * 86400))
def test_what_a_document_says_is_read_back(seconds: int) -> None:
    assert duration(show_duration(seconds)) == seconds
