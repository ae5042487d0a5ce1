"""The cursor in panes whose rows open: it moves by what they are about, stays with it, is seen, and opens it."""

from __future__ import annotations

import time

import pytest
from fake_station import PROCEDURE, FakeStation
from hands_helm import Helm, helm

from quarterdeck.console import theme
from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.rows import marked, width_of
from quarterdeck.console.panes.target import TargetPane
from quarterdeck.console.screens.reader import LiveReader
from quarterdeck.console.screens.step_reader import StepReader
from quarterdeck.host import Clocks
from quarterdeck.observer.messages import Reading
from quarterdeck.session import intents

SERVICES = "".join(f'  {name}: {{type: http, url: "http://127.0.0.1:1/"}}\n' for name in ("shop", "search"))
WATCHED = PROCEDURE.replace("  api: {type: http", f"  there: {{type: local}}\n{SERVICES}  api: {{type: http", 1)
COPIED = (
    intents.StartSession(), intents.StartStep(step="announce"), intents.FinishStep(step="announce"),
    intents.StartStep(step="copy"),
)  # fmt: skip


def pane(at: Helm, name: str) -> Pane:
    deck = at.app.view.deck
    found = deck.pane(name) if deck is not None else None
    assert found is not None
    return found


def opened(at: Helm) -> str:
    """The target whose screen is in front; empty where none is."""
    front = at.screen
    return front.pane.target if isinstance(front, LiveReader) and isinstance(front.pane, TargetPane) else ""


def painted(shown: Pane) -> list[str]:
    return ["".join(segment.text for segment in shown.render_line(y)) for y in range(shown.size.height)]


async def test_enter_o_and_a_click_open_the_target_that_the_cursor_stands_on() -> None:
    async with helm(*COPIED, station=FakeStation(WATCHED)) as at:
        endpoints = pane(at, "endpoints")
        assert not [line for line in painted(endpoints) if line.startswith("▌")], "no cursor where the keys do not go"
        endpoints.focus()
        await at.settle()
        assert [n for n, line in enumerate(painted(endpoints)) if line.startswith("▌")] == [0]
        await at.press("down", "enter")
        assert opened(at) == "search"
        await at.press("enter")
        assert opened(at) == "", "where nothing opens, enter goes back"
        await at.press("end", "o")
        assert opened(at) == "api"
        await at.press("escape", "up", "home", "O")
        assert opened(at) == "shop"
        await at.press("escape")
        await at.pilot.click(endpoints, offset=(9, 2))
        await at.settle()
        assert opened(at) == "search"
        await at.press("escape")
        await at.pilot.click(pane(at, "gauges"), offset=(9, 3))
        await at.settle()
        assert opened(at) == "there"
        await at.press("escape", "up", "enter")
        assert opened(at) == "here", "a click takes the focus and the cursor along"
        await at.press("escape", "m", "end", "enter")
        assert opened(at) == "api"
        await at.press("escape")
        assert isinstance(at.screen, LiveReader), "back to everything watched"
        await at.press("f9")
        assert not isinstance(at.screen, LiveReader), "a halt turns it to the plan"


async def test_where_enter_answers_o_opens_and_the_bottom_bar_says_so() -> None:
    async with helm(*COPIED[:2], station=FakeStation(WATCHED)) as at:
        assert ("o", "open", False) not in at.app.keys.footer()
        await at.press("H")
        assert {("enter", "answer", False), ("o", "open", False)} <= set(at.app.keys.footer())
        pane(at, "endpoints").focus()
        await at.press("enter")
        assert at.asks
        await at.press("escape")
        pane(at, "endpoints").focus()
        await at.press("o")
        assert opened(at) == "shop"
        await at.press("escape")
        pane(at, "procedure").focus()
        await at.press("o")
        assert isinstance(at.screen, StepReader)


async def test_every_pane_of_a_tab_gets_the_focus_and_its_cursor_at_80x24() -> None:
    async with helm(*COPIED, station=FakeStation(WATCHED), size=(80, 24)) as at:
        await at.press("3", "enter")
        assert opened(at) == "here"
        await at.press("escape", "tab", "down", "enter")
        assert opened(at) == "search"
        await at.press("escape", "tab")
        assert pane(at, "log").has_focus


async def test_the_cursor_stays_with_its_target_when_rows_come_above_it() -> None:
    async with helm(*COPIED, station=FakeStation(WATCHED)) as at:
        gauges = pane(at, "gauges")
        gauges.focus()
        await at.press("down")
        before = next(n for n, line in enumerate(painted(gauges)) if line.startswith("▌"))
        await at.reads(
            Reading(
                target="here", at=time.time(), boot=Clocks().boot(), status="warning", raw="warning", interval=2.0,
                max_age=600.0, message="cpu is high", values={"cpu": 97.0, "memory": 50.0},
            )
        )  # fmt: skip
        after = next(n for n, line in enumerate(painted(gauges)) if line.startswith("▌"))
        assert gauges.cursor == "there"
        assert after > before


@pytest.mark.parametrize("name", theme.NAMES)
@pytest.mark.parametrize("ascii_glyphs", [False, True], ids=["unicode", "ascii"])
def test_the_cursor_is_seen_in_every_theme(name: str, ascii_glyphs: bool) -> None:
    class App:
        theme = ""

        def register_theme(self, theme: object) -> None: ...

    look = theme.dress(App(), name, ascii_glyphs=ascii_glyphs)  # type: ignore[arg-type]
    row = ((" x ", "critical"), ("name", ""), ("  muted", "muted"))
    found = marked(row, 30, look.glyphs.cursor)
    assert "".join(text for text, _ in found).rstrip() == look.glyphs.cursor + "x name  muted"
    assert width_of(found) == 30
    styles = [look.style(role) for _, role in found[1:]]
    assert all(style.bgcolor or style.reverse for style in styles), "its colour is behind the whole row"
