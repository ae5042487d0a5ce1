"""What the palette finds for typed words, in which order, and how long that takes."""

from __future__ import annotations

import time

import pytest

from quarterdeck.console.finder import Found, Section

NAMES = [
    "Switch the orders over",
    "Count the orders",
    "Orders are counted again",
    "reorder the shelves",
    "orders-api ok",
    "Über die Straße",
    "line\nbreak orders",
]


def section(title: str = "Things", names: list[str] | None = None) -> Section:
    texts = NAMES if names is None else names
    return Section(title, texts, lambda n: ("", texts[n]), lambda n: texts[n], lambda n: ("thing", str(n)))


def found(typed: str, names: list[str] | None = None) -> list[str]:
    there = section(names=names)
    there.find(typed)
    return [there.row(number)[1] for number in there.found]


def test_what_begins_with_it_comes_before_a_words_start_and_that_before_anywhere() -> None:
    assert found("order") == [
        "Orders are counted again", "orders-api ok",
        "Switch the orders over", "Count the orders", "line\nbreak orders",
        "reorder the shelves",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("orders count", ["Count the orders", "Orders are counted again"]),
        ("ount ord", ["Count the orders", "Orders are counted again"]),
        ("the switch", ["Switch the orders over"]),
        ("orders-api", ["orders-api ok"]),
        ("STRASSE", ["Über die Straße"]),
        ("orders shelf", []),
        ("", NAMES),
        ("  ", NAMES),
    ],
)
def test_every_typed_word_has_to_fit_in_any_order_and_case(typed: str, wanted: list[str]) -> None:
    assert found(typed) == wanted


def test_the_name_of_a_kind_fits_all_of_its_kind_and_no_other() -> None:
    for title, kind in (("Steps", "step"), ("Targets", "target"), ("Log", "log")):
        there = section(title, ["Copy the table 10", "Ask 11"])
        for typed, wanted in (("zz", []), (kind, [0, 1]), (f"{kind} 10", [0]), (f"11 {kind}", [1])):
            there.find(typed)
            assert there.found == wanted, typed
        there.find("thing")
        assert there.found == []


def test_going_on_and_back_finds_what_a_fresh_search_finds() -> None:
    there = section()
    for typed in ("o", "or", "orders", "orders c", "orders co", "or", "", "the", "the o", "reo", "or the"):
        there.find(typed)
        fresh = section()
        fresh.find(typed)
        assert there.found == fresh.found, typed


def test_a_list_of_sections_has_a_heading_for_each_that_found_something() -> None:
    sections = [section("A", ["one", "two"]), section("B", ["three"]), section("C", ["one more", "once"])]
    for each in sections:
        each.find("on")
    shown = Found(sections)
    assert (len(shown), shown.rows) == (3, 5)
    assert [getattr(shown.at_row(row), "title", shown.at_row(row)) for row in range(5)] == ["A", 0, "C", 1, 2]
    assert [shown.row_of(at) for at in range(3)] == [1, 3, 4]
    assert [shown.hit(at).section.title for at in range(3)] == ["A", "C", "C"]
    assert [shown.next_section(at, by) for at, by in ((0, 1), (1, 1), (2, -1), (0, -1))] == [1, 0, 0, 1]
    for each in sections:
        each.find("nothing of that")
    assert (len(Found(sections)), Found(sections).rows) == (0, 0)


def test_a_key_among_ten_thousand_steps_and_as_many_entries_costs_milliseconds() -> None:
    sections = [
        section("Steps", [f"Step {n} moves batch {n * 7919} of the orders to its new place" for n in range(10_000)]),
        section("Log", [f"dba started {n} Step {n} moves batch {n * 7919}, attempt 1" for n in range(10_000)]),
    ]
    took = []
    for typed in ("m", "mo", "mov", "move", "moves", "moves b", "moves ba", "moves bat", "moves batch 79"):
        begun = time.perf_counter()
        for each in sections:
            each.find(typed)
        assert len(Found(sections)) > 1_000
        took.append(time.perf_counter() - begun)
    assert sorted(took)[len(took) // 2] < 0.05, took
