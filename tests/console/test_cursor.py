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
THROUGH = """
quarterdeck: 1
id: night
title: Night work
revision: 1
roles:
  lead: {title: Lead, required: true}
stages:
  - id: one
    title: All of it
    owner: lead
    steps:
      - {id: announce, title: Announce the start, kind: manual, duration: 2m, mutates: false}
"""
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


def next_line(at: Helm) -> str:
    return " ".join(line[7:].strip() for line in painted(pane(at, "next"))).replace("\u00a0", " ")


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
        assert "enter answers" in next_line(at)
        await at.press("enter")
        assert at.asks
        await at.press("escape", "o")
        assert isinstance(at.screen, StepReader)


@pytest.mark.parametrize("name", ["endpoints", "gauges", "log"])
async def test_enter_on_a_row_opens_it_and_answers_nothing(name: str) -> None:
    async with helm(*COPIED[:2], station=FakeStation(WATCHED)) as at:
        at.station.halt_elsewhere("look")
        await at.settle()
        pane(at, name).focus()
        await at.settle()
        at.app._on_beat()
        await at.settle()
        assert "in the list enter answers" in next_line(at)
        assert ("enter", "open", False) in at.app.keys.footer()
        assert "o" not in {key for key, _, _ in at.app.keys.footer()}
        for key in ("enter", "o"):
            await at.press(key)
            assert isinstance(at.screen, LiveReader)
            await at.press("escape")
        pane(at, "step").focus()
        await at.press("enter")
        assert at.asks


async def test_enter_in_the_log_never_ends_a_session_that_is_through() -> None:
    station = FakeStation(THROUGH)
    station.must(intents.StartSession(), intents.StartStep(step="announce"), intents.FinishStep(step="announce"))
    async with helm(station=station) as at:
        assert at.snapshot.next_line.question == "end"
        pane(at, "log").focus()
        await at.press("enter")
        assert isinstance(at.screen, LiveReader)
        await at.press("enter", "enter", "enter", "escape")
        assert not at.asked(intents.EndSession)
        pane(at, "procedure").focus()
        await at.press("enter", "enter")
        assert at.asked(intents.EndSession)


async def test_every_pane_of_a_tab_gets_the_focus_and_its_cursor_at_80x24() -> None:
    async with helm(*COPIED, station=FakeStation(WATCHED), size=(80, 24)) as at:
        await at.press("3", "enter")
        assert opened(at) == "here"
        await at.press("escape", "tab", "down", "enter")
        assert opened(at) == "search"
        await at.press("escape", "tab")
        assert pane(at, "log").has_focus


async def test_the_label_of_a_tab_and_the_titles_in_it_count_the_same() -> None:
    async with helm(*COPIED, station=FakeStation(WATCHED), size=(80, 24)) as at:
        now = Clocks().boot()
        for name in ("here", "there", "api", "shop", "search"):
            values: dict[str, float | str] = {}
            known = Reading(
                target=name, at=time.time(), boot=now, status="ok", raw="ok", interval=2.0, max_age=9.0, values=values
            )
            await at.reads(known)
        endpoints = pane(at, "endpoints")
        await at.press("3")
        title = endpoints.title_of(at.snapshot)
        assert title == "Endpoints · 3 ok · hosts 2 ok"
        endpoints.styles.width = len(title) + 5  # with the frame, one cell less than it takes
        await at.settle()
        assert endpoints.title_of(at.snapshot) == "Endpoints · 3 ok", "whole or not at all"


@pytest.mark.parametrize("read_before", ["", "above", "end"])
async def test_a_log_that_comes_to_the_front_shows_what_its_badge_announced(read_before: str) -> None:
    async with helm(*COPIED, station=FakeStation(WATCHED), size=(80, 24)) as at:
        log = pane(at, "log")
        for number in range(30):
            at.app.link.note(f"before {number}", "info")
        if read_before:
            await at.press("4")
            await at.press("home" if read_before == "above" else "end")
            assert (log.top == 0) == (read_before == "above")
        await at.press("1")
        for number in range(2):
            at.station.must(intents.AddNote(text=f"news {number}"))
        await at.settle()
        await at.press("4")
        assert any("news 1" in line for line in shown_in(log)), shown_in(log)
        assert log.has_focus
        at.station.must(intents.AddNote(text="more"))
        await at.settle()
        assert any("more" in line for line in shown_in(log)), "it goes on following"
        await at.press("home")
        at.station.must(intents.AddNote(text="even more"))
        await at.settle()
        assert log.top == 0, "who reads is not pulled away"


def shown_in(pane: Pane) -> list[str]:
    return ["".join(segment.text for segment in pane.render_line(y)) for y in range(pane.size.height)]


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
