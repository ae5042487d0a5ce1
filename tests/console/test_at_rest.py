"""What a tick may cost while nothing happens, by counts: rows that are made, strips that are kept."""

from __future__ import annotations

import night
import pytest
from harness import Harness
from msgspec.structs import replace

from quarterdeck.console.panes.base import KEPT, LEAST, Pane
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.snapshot import Snapshot, Views

LEAD = (120, 36)


class Counted:
    """Which rows of the list were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        real = ProcedurePane.row

        def row(pane: ProcedurePane, snapshot: Snapshot, y: int, width: int) -> object:
            self.rows.append(y)
            return real(pane, snapshot, y, width)

        monkeypatch.setattr(ProcedurePane, "row", row)

    def take(self) -> list[int]:
        """Those since the last call."""
        rows, self.rows = self.rows, []
        return rows


def later(snapshot: Snapshot, seconds: float, **changes: object) -> Snapshot:
    """The same some seconds later."""
    now = snapshot.now + seconds
    return replace(snapshot, now=now, views=Views(snapshot.session, now), **changes)


async def test_a_tick_makes_no_row_of_the_list_but_those_of_steps_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        pane = app.query_one(ProcedurePane)
        snapshot = app.first
        app.deck.snapshot = later(snapshot, 0)
        counted.take()
        app.deck.snapshot = later(snapshot, 1)
        made = {pane.listing.entries[pane.lines.row(y)].step for y in counted.take()}
        assert made == {run.id for run in snapshot.session.running()} != set()
        app.deck.snapshot = later(snapshot, 2, count=snapshot.count + 1)
        assert len(counted.take()) >= min(pane.size.height, pane.lines.count), "all of them when something happened"


async def test_what_a_pane_keeps_of_its_rows_does_not_grow_with_what_it_has_shown() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        for pane in app.query(Pane):
            for number in range(500):
                pane._strip(((f"row {number}", "text"),), 20)
            assert len(pane._strips) <= KEPT * max(LEAST, pane.size.height), pane.name_
