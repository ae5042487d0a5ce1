"""What a tick may cost while nothing happens, by counts: rows that are made, strips that are kept."""

from __future__ import annotations

from typing import Any

import night
import pytest
from harness import Harness
from msgspec.structs import replace

from quarterdeck.console.panes.base import KEPT, LEAST, Pane
from quarterdeck.console.panes.endpoints import EndpointsPane, condition, endpoints_of
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.snapshot import Snapshot, Views
from quarterdeck.observer.messages import Reading

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


async def test_a_tick_makes_a_targets_line_only_where_it_was_read_or_is_not_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    real = EndpointsPane._measured

    def measured(pane: EndpointsPane, snapshot: Snapshot, name: str, reading: Reading | None, width: int) -> Any:
        made.append(name)
        return real(pane, snapshot, name, reading, width)

    monkeypatch.setattr(EndpointsPane, "_measured", measured)
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        snapshot = app.first
        well = {name for name in endpoints_of(snapshot) if condition(snapshot, name) == "ok"}
        one = min(well)
        app.deck.snapshot = later(snapshot, 0)
        made.clear()
        app.deck.snapshot = later(snapshot, 0.1)
        assert not well & set(made)
        fresh = replace(snapshot.readings[one], boot=snapshot.boot)
        app.deck.snapshot = later(snapshot, 0.2, readings={**snapshot.readings, one: fresh})
        assert well & set(made) == {one}
        made.clear()
        app.deck.snapshot = later(snapshot, 0.3, boot=snapshot.boot + 3600)
        assert well <= set(made), "what grows old says so"
