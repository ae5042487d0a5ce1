"""Which cells of a line differ: those and, where it is cheaper, some between; never one too few."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.console.panes.rows import GAP, Row, changed

ROWS = st.lists(st.tuples(st.text("ab ─", max_size=6), st.sampled_from(("ok", "warn"))), max_size=5).map(tuple)


def cells(row: Row, width: int) -> list[tuple[str, str]]:
    found = [(character, role) for text, role in row for character in text]
    return found + [(" ", "")] * (width - len(found))


@given(ROWS, ROWS)
def test_what_differs_is_painted_and_what_stands_apart_from_it_is_not(before: Row, after: Row) -> None:
    old, new = cells(before, 40), cells(after, 40)
    regions = changed(3, 40, before, after)
    painted = {x for region in regions for x in range(region.x, region.right)}
    differing = {x for x in range(40) if old[x] != new[x]}
    assert differing <= painted
    assert all(region.height == 1 and region.y == 3 for region in regions)
    assert bool(differing) == bool(regions)
    for one, other in pairwise(regions):
        assert other.x - one.right >= GAP


def test_a_wide_character_takes_the_whole_line() -> None:
    [region] = changed(0, 30, (("データ", "ok"),), (("データb", "ok"),))
    assert (region.x, region.width) == (0, 30)
