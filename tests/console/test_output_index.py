"""Lines and matches of an output, counted page by page."""

from __future__ import annotations

import time
from pathlib import Path

from quarterdeck.console.output_index import Place, Search, Tally
from quarterdeck.console.wrapped_pages import cuts
from quarterdeck.runner.spool import SpoolReader, SpoolWriter
from quarterdeck.station.commands.pages import KeptText, Pages

LINES = "".join(f"line {number} of them\n" for number in range(1, 1_001))
NOW = 0.0
"""A moment that is past: one page is counted."""


def paged(text: str, page: int = 500) -> Pages:
    return Pages(KeptText(text), None, over=True, page=page)


def counted(search: Search) -> Search:
    while not search.tally.advance(time.monotonic() + 1):
        pass
    return search


def test_lines_are_counted_a_page_at_a_time_from_any_page_on() -> None:
    pages = paged(LINES)
    tally = Tally(pages, pages.lines_on, first=pages.last // 2)
    assert not tally.advance(NOW)
    assert 0 < tally.share < 0.1
    assert tally.until(1) is None
    while not tally.advance(NOW):
        pass
    assert (tally.is_complete, tally.total, tally.share) == (True, 1_000, 1.0)
    page = pages.last
    before = tally.until(page)
    assert before is not None
    assert pages.lines(page)[0].text == f"line {before + 1} of them"


def test_matches_have_a_rank_and_go_around_both_ends() -> None:
    pages = paged(LINES)
    search = counted(Search(pages, "LINE 99".lower(), first=3))
    assert search.tally.total == 11, "99 and 990 to 999"
    place, ranks, wrapped = Place(0, 0, -1), [], []
    for _ in range(12):
        found = search.next(place)
        assert found is not None
        assert found.place is not None
        place = found.place
        ranks.append(search.rank(place))
        wrapped.append(found.wrapped)
    assert ranks == [*range(1, 12), 1]
    assert wrapped == [False] * 11 + [True]
    back = search.next(place, back=True)
    assert back is not None
    assert back.wrapped
    assert back.place is not None
    assert search.rank(back.place) == 11


def test_what_is_found_nowhere_is_said_only_when_all_was_looked_at() -> None:
    search = Search(paged(LINES), "nowhere")
    assert search.next(Place(0, 0, -1)) is None
    found = counted(search).next(Place(0, 0, -1))
    assert found is not None
    assert found.place is None


def test_small_letters_find_capitals_and_capitals_only_themselves() -> None:
    pages = paged("Error\nERROR error\nÉtat état\n")
    assert counted(Search(pages, "error")).tally.total == 3
    assert counted(Search(pages, "ERROR")).tally.total == 1
    assert counted(Search(pages, "état")).tally.total == 2
    assert counted(Search(pages, "a.b*[")).tally.total == 0


def test_what_grows_is_counted_on_and_nothing_twice(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "output", head=1 << 20, ring=1 << 20)
    pages = Pages(SpoolReader(tmp_path / "output"), None, over=False, page=500)
    tally, search = Tally(pages, pages.lines_on), Search(pages, "7 of")
    content = LINES.encode()
    for start in range(0, len(content), 1_234):
        writer.write(content[start : start + 1_234])
        pages.look()
        tally.look()
        search.tally.look()
        while not tally.advance(NOW):
            pass
        counted(search)
        so_far = content[: start + 1_234]
        assert tally.total == so_far.count(b"\n") + (not so_far.endswith(b"\n"))
        assert search.tally.total == so_far.count(b"7 of")


def test_rows_of_a_line_lose_nothing_and_fit() -> None:
    assert cuts("", 5) == [(0, 0)]
    assert cuts("abcdefg", 3) == [(0, 3), (3, 6), (6, 7)]
    line = "漢字かなe\u0301xyz"
    parts = [line[begin:end] for begin, end in cuts(line, 5)]
    assert "".join(parts) == line
    assert parts == ["漢字", "かなe\u0301", "xyz"]
