from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from quarterdeck.documents.kinds import (
    BOOLEAN,
    DURATION,
    ID,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    Choice,
    Integer,
    duration,
    is_secret_reference,
    is_time,
    pattern_problem,
    show_duration,
)
from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.documents.schema import MISSING, Context, Field, ListOf, MapOf, Shape
from quarterdeck.documents.strict_yaml import compose


class Pane(Struct, frozen=True):
    name: str
    width: int = 10
    shown: bool = True
    every: float = 1.0


PANE = Shape(
    "pane",
    {
        "name": Field(ID, required=True),
        "width": Field(Integer(1, 99)),
        "shown": Field(BOOLEAN),
        "every": Field(DURATION),
    },
    Pane,
)
LAYOUT = Shape("layout", {"panes": Field(ListOf(PANE, at_least=1), required=True), "title": Field(TEXT)})


def read(kind: Any, text: str) -> tuple[Any, list[str]]:
    problems: list[Any] = []
    root = compose(text, "f.yaml", problems)
    assert root is not None
    context = Context("f.yaml", problems)
    value = kind.read(root, context, "")
    return value, [str(problem) for problem in context.problems]


def test_a_shape_makes_structs_with_their_defaults() -> None:
    section, problems = read(LAYOUT, "panes: [{name: steps, shown: no, every: 1m30s}]\n")
    assert problems == []
    assert section.get("panes") == (Pane("steps", shown=False, every=90.0),)
    assert section.get("title", "none") == "none"


def test_every_problem_is_said_with_its_place() -> None:
    _, problems = read(
        LAYOUT, "titel: x\npanes:\n  - nam: a\n    width: 100\n    shown: maybe\n    every: 5\n  - just text\n"
    )
    assert problems == [
        "f.yaml:1:1: error: `titel` is no field of a layout; did you mean `title`?",
        "f.yaml:3:5: error: `nam` is no field of a pane; did you mean `name`?",
        "f.yaml:4:12: error: 100 is out of bounds (1 to 99)",
        "f.yaml:5:12: error: `maybe` is neither true nor false; write true, false, yes or no",
        "f.yaml:6:12: error: `5` is not a duration such as 90s, 5m or 1h30m; did you mean `5s`?",
        "f.yaml:3:5: error: a pane needs `name`",
        "f.yaml:7:5: error: a pane is a mapping of keys, this is the text `just text`",
    ]


def test_a_key_without_a_value_is_an_error() -> None:
    _, problems = read(LAYOUT, "panes: [{name: a}]\ntitle:\n")
    assert problems == ["f.yaml:2:1: error: `title` has no value"]


@pytest.mark.parametrize("text", ["a", "[a]"])
def test_a_list_with_single_takes_both_forms(text: str) -> None:
    assert read(ListOf(TEXT, single=True), text) == (("a",), [])


def test_a_map_checks_its_names() -> None:
    value, problems = read(MapOf(NUMBER, key="[a-z]+", key_called="a small word"), "a: 1\nB: 2\n")
    assert value == {"a": 1.0}
    assert problems == ["f.yaml:2:1: error: `B` is not a small word"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (INTEGER, "1.5"),
        (INTEGER, "1_000"),
        (INTEGER, "9" * 19),
        (NUMBER, ".nan"),
        (NUMBER, "inf"),
        (BOOLEAN, "on"),
        (BOOLEAN, "True"),
        (DURATION, "90"),
        (DURATION, "-5s"),
        (DURATION, "1h 5m"),
        (DURATION, "500d"),
        (TIME, "12:30"),
        (TIME, "2026-05-02T25:00+02:00"),
        (TIME, "window.middle"),
        (ID, "Ä"),
        (ID, "a b"),
        (Choice("a", "b"), "c"),
        (TEXT, "[a]"),
        (TEXT, "'  '"),
    ],
)
def test_a_wrong_scalar_is_refused(kind: Any, text: str) -> None:
    value, problems = read(kind, text)
    assert value is MISSING
    assert len(problems) == 1


@pytest.mark.parametrize(
    "text", ["2026-05-02T01:00+02:00", "2026-05-02T01:00:30Z", "window.start", "window.end-1h30m"]
)
def test_times_are_iso_with_an_offset_or_relative(text: str) -> None:
    assert is_time(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("2d", 172800), ("0s", 0)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@given(st.integers(0, 10**7))
def test_a_shown_duration_reads_back(seconds: int) -> None:
    assert duration(show_duration(seconds)) == seconds


@given(st.text(max_size=50))
def test_no_text_breaks_the_scalar_forms(text: str) -> None:
    duration(text)
    is_time(text)
    is_secret_reference(text)
    assert quote(text).isprintable()


@given(st.text(max_size=200))
def test_no_text_breaks_the_composer(text: str) -> None:
    problems: list[Any] = []
    root = compose(text, "f.yaml", problems)
    assert root is not None or problems
    assert all(str(problem).isprintable() for problem in problems)


def test_the_nearest_word_is_offered() -> None:
    assert did_you_mean("titel", ["title", "id"]) == "; did you mean `title`?"
    assert did_you_mean("on-halt", ["on_halt"]) == "; did you mean `on_halt`?"
    assert did_you_mean("zzz", ["title"]) == ""


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*", "((ab)*c){2,}", "(?P<n>a+)*", "(", "a" * 501])
def test_patterns_that_fail_or_hang_are_refused(pattern: str) -> None:
    assert pattern_problem(pattern)


@pytest.mark.parametrize("pattern", [r"^(\d+)$", r"(\d++\.)+", "[(+)]+", r"\(a+\)+", "(a|b)*", "(?:x+y){3}", "[]+]+"])
def test_harmless_patterns_are_taken(pattern: str) -> None:
    assert pattern_problem(pattern) == ""
