"""What a key in the step list costs, counted: one paint, and the rows that it changes or brings into sight."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from fake_station import FakeStation
from hands_helm import Helm, helm
from rich.cells import cell_len
from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from quarterdeck.console import theme
from quarterdeck.console.panes.base import Row
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.terminal.compositor import NARROW
from quarterdeck.procedure.model import Procedure
from quarterdeck.session import intents
from quarterdeck.session.events import PlanRevised


def long(steps: int) -> FakeStation:
    """A station whose procedure has so many steps, more than a file may have."""
    station = FakeStation()
    model = station.procedure.stages[0].steps[0]
    made = tuple(msgspec.structs.replace(model, id=f"s{n}", title=f"Step number {n}") for n in range(1, steps + 1))
    stage = msgspec.structs.replace(station.procedure.stages[0], steps=made)
    plan: Procedure = msgspec.structs.replace(station.procedure, stages=(stage,), criteria=())
    station._append(PlanRevised(text="", hash="long", compiled=msgspec.Raw(msgspec.json.encode(plan))))
    return station


class Counted:
    """What happened since a key was pressed, in order."""

    def __init__(self, at: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = at
        self.done: list[str] = []
        """`paint`, `tick`, `row 17`: a row that was made."""
        tick, display, made = at.app.tick, at.app._display, ProcedurePane._made

        def ticks() -> None:
            self.done.append("tick")
            tick()

        def shows(screen: Screen[object], update: RenderableType | None) -> None:
            if isinstance(update, CompositorUpdate) and not at.app._batch_count:
                self.done.append("paint")
            display(screen, update)

        def makes(pane: ProcedurePane, snapshot: Snapshot, y: int, width: int) -> Row:
            self.done.append(f"row {y}")
            return made(pane, snapshot, y, width)

        monkeypatch.setattr(at.app, "tick", ticks)
        monkeypatch.setattr(at.app, "_display", shows)
        monkeypatch.setattr(ProcedurePane, "_made", makes)

    @property
    def pane(self) -> ProcedurePane:
        return self.at.app.screen.query_one(ProcedurePane)

    async def press(self, key: str) -> list[str]:
        """Press; what happened until the tick that followed, and the paint after that."""
        self.done.clear()
        await self.at.press(key)
        return self.done[: self.done.index("tick")]


@asynccontextmanager
async def counted(steps: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    async with helm(intents.StartSession(), station=long(steps)) as at:
        yield Counted(at, monkeypatch)


@pytest.mark.parametrize("steps", [100, 10_000])
async def test_a_move_makes_two_rows_and_is_one_paint_before_its_tick(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with counted(steps, monkeypatch) as count:
        for key in ("down", "down", "up"):
            top = count.pane.top
            done = await count.press(key)
            assert count.pane.top == top
            assert done.count("paint") == 1
            assert len(done) == 3
            assert count.done.count("tick") == 1
            assert count.done.count("paint") <= 2, "the key's own, and that of what else shows the step"


@pytest.mark.parametrize("steps", [100, 10_000])
async def test_a_scroll_makes_the_rows_that_come_into_sight_and_is_one_paint(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with counted(steps, monkeypatch) as count:
        scrolled = 0
        while scrolled < 3:
            count.at.app.tick()  # nothing changed: what stands in the lines is still known
            top = count.pane.top
            done = await count.press("down")
            by = count.pane.top - top
            scrolled += bool(by)
            assert done.count("paint") == 1
            assert len(done) - 1 <= 2 + by, "two with the cursor, and those that came into sight"
        assert count.pane.size.height > 10


async def test_keys_that_come_fast_share_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    async with counted(100, monkeypatch) as count:
        await count.at.strike("down")
        count.done.clear()
        for _ in range(5):
            count.at.app.post_message(Helm.key("down"))
        await count.at.settle()
        assert count.done.count("tick") == 1
        assert count.at.app.desk.shown is not None
        assert count.at.app.desk.shown.selected == count.pane.selected


async def test_rows_that_are_known_are_made_anew_in_another_look() -> None:
    async with helm(intents.StartSession()) as at:
        pane = at.app.screen.query_one(ProcedurePane)
        sign = pane.look.glyphs.cursor
        assert sign in pane.render_line(0).text + pane.render_line(1).text + pane.render_line(2).text
        theme.dress(at.app, "night", ascii_glyphs=True)
        assert at.app.view.deck is not None
        at.app.view.deck.redress()
        await at.settle()
        assert all(sign not in pane.render_line(line).text for line in range(pane.size.height))
        assert pane.text().isascii()


def test_what_counts_as_narrow_takes_a_cell() -> None:
    narrow = [chr(code) for code in range(0x10000) if NARROW.fullmatch(chr(code))]
    assert len(narrow) > 1_000
    assert all(cell_len(character) == 1 for character in narrow)
