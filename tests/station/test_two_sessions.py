"""Two live sessions on one host, with real stations and a real console on one of them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from stationkit import SMALL, station_pid
from textual import events

from quarterdeck.cli import main
from quarterdeck.console.app import QuarterdeckApp
from quarterdeck.console.panes.banner import troubles
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.screens.switcher import Switcher
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import connect
from quarterdeck.session import intents
from quarterdeck.session.fold import fold
from quarterdeck.session.state import Session
from quarterdeck.station.wire.blocking_client import ask_once, history_of
from quarterdeck.station.wire.client import Client
from quarterdeck.station.wire.protocol import Farewell

Open = Callable[..., Path]

OTHER = SMALL.replace("id: small", "id: other", 1).replace("A small procedure", "Another team's procedure")


def begin(folder: Path) -> None:
    """Start the session."""
    answer = ask_once(folder, intents.StartSession())
    assert not answer.refusal, answer


def halt(folder: Path, nonce: str) -> None:
    assert not ask_once(folder, intents.Halt(nonce=nonce, reason="smoke")).refusal


def session_of(folder: Path) -> Session:
    return fold(history_of(folder).events)


class Screen:
    """A console at 120x36 (or another size), and what stands on it."""

    def __init__(self, app: QuarterdeckApp) -> None:
        self.app = app

    @property
    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(part.text for part in strip) for strip in strips)

    @property
    def shown(self) -> Snapshot:
        assert self.app.desk.shown is not None
        return self.app.desk.shown

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.app.keys._last.clear()
            self.app.desk.refused = self.app.keys._ahead_of = 0.0
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(0)

    async def until(self, holds: Callable[[], object], what: str = "it") -> None:
        end = time.monotonic() + 20
        while not holds():
            if time.monotonic() > end:
                pytest.fail(f"waited in vain for {what}:\n{self.text}")
            await asyncio.sleep(0.02)

    async def sees(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words), str(words))


@asynccontextmanager
async def console(folder: Path, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Screen]:
    app = QuarterdeckApp(lambda: connect(folder))
    async with app.run_test(size=size, notifications=True):
        screen = Screen(app)
        await screen.until(app.link.caught_up.is_set, "the session")
        yield screen
        await screen.until(lambda: not app.workers, "what is left behind")
        await app.link.leave()


@pytest.fixture
def two(opened: Open, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two sessions that run."""
    monkeypatch.setattr("quarterdeck.console.neighbours.LOOK", 0.2)
    monkeypatch.setattr("quarterdeck.console.app.NEIGHBOURS", 0.05)
    folders = opened(), opened(OTHER)
    for folder in folders:
        begin(folder)
    return folders


async def test_the_other_session_is_named_its_alarms_are_said_and_a_halt_says_which_one_it_halts(
    two: tuple[Path, Path],
) -> None:
    here, there = two
    name, letters = f"Another team's procedure ({there.name[-4:]})", there.name[-4:]
    async with console(here) as screen:
        await screen.sees("also", letters, f"{here.name[-4:]}", "u sessions")
        standing = history_of(there).standing
        assert standing is not None
        assert standing.consoles == 1, "who asks; a look from beside counts for nothing"
        bells: list[bool] = []
        screen.app.bell = lambda: bells.append(True)  # type: ignore[method-assign]
        halt(there, "elsewhere")
        await screen.sees("! HALTED by", f"in {name}: smoke")
        assert bells == [True], "it rang once"
        assert sum(f"in {name}: smoke" in line.text for line in screen.app.link.log) == 1
        assert any(name in what for what, *_ in troubles(screen.shown))
        assert not screen.app.link.session.live_halts(), "this one goes on"

        await screen.press("H")
        await screen.until(lambda: session_of(here).live_halts(), "the halt")
        sent = f"HALT sent to {here.name[-4:]} (A small procedure) alone"
        (line,) = [line.text for line in screen.app.link.log if sent in line.text]
        assert "Not halted" not in line, "the other one is halted as well"
        said = screen.app.desk._told
        assert said is not None
        assert sent in said[0].text, "its own halt does not clear what it says"
        await screen.sees("HALTED", f" {here.name[-4:]}")


async def test_a_switch_and_back_keeps_what_was_selected_and_typed_and_h_halts_what_is_on_screen_alone(
    two: tuple[Path, Path],
) -> None:
    here, there = two
    async with console(here) as screen:
        await screen.sees("u sessions")
        await screen.press("down", "down")
        pane = screen.app.query_one(ProcedurePane)
        await screen.until(lambda: screen.app.desk.picked == pane.selected == "look", "both keys")
        picked = pane.selected
        screen.app.desk.drafts["note"] = {"text": "half of a note"}
        await screen.press("u")
        await screen.until(lambda: isinstance(screen.app.screen, Switcher))
        await screen.press("enter")
        await screen.until(lambda: screen.app.link.session.id == there.name, "the switch")
        await screen.sees("Another team's procedure", f"also A small procedure ({here.name[-4:]})")
        assert (screen.app.desk.picked, screen.app.desk.drafts) == ("", {})
        await screen.press("H")
        await screen.until(lambda: session_of(there).live_halts(), "the halt of the one on screen")
        await screen.until(lambda: screen.app.keys._halts, "the plan: whatever lies over it is closed then")
        assert not session_of(here).live_halts()
        going = f"alone. Not halted: {here.name[-4:]} (A small procedure)"
        assert [line.text for line in screen.app.link.log if going in line.text]

        await screen.press("u")
        await screen.until(lambda: isinstance(screen.app.screen, Switcher))
        await screen.press("enter")
        await screen.until(lambda: screen.app.link.session.id == here.name, "the way back")
        await screen.until(lambda: pane.selected == picked)
        assert screen.app.desk.drafts == {"note": {"text": "half of a note"}}

        await screen.press("u")
        await screen.until(lambda: isinstance(screen.app.screen, Switcher))
        await screen.sees("on screen", "Another team's procedure", "WINDOW", f"HALT {here.name[-4:]}")
        assert isinstance(screen.app.screen, Switcher)
        assert screen.app.screen.pane.chosen == there.name, "the cursor stands on the other one"
        before = len(history_of(there).events)
        await screen.press("H")
        await screen.until(lambda: session_of(here).live_halts(), "the halt of the one on screen")
        await screen.until(lambda: not isinstance(screen.app.screen, Switcher))
        assert len(history_of(there).events) == before


async def test_a_station_that_hangs_or_dies_is_said_and_holds_nothing_up(two: tuple[Path, Path]) -> None:
    here, there = two
    async with console(here) as screen:
        await screen.sees("u sessions")
        pid = station_pid(there)
        os.kill(pid, signal.SIGSTOP)
        try:
            await screen.sees("NO ANSWER from its station in")
            await screen.press("u")
            await screen.until(lambda: isinstance(screen.app.screen, Switcher))
            await screen.press("enter")
            began = time.monotonic()
            await screen.press("H")
            await screen.until(lambda: session_of(here).live_halts(), "the halt")
            assert time.monotonic() - began < 3.0, "it did not wait for the other station"
            await screen.until(lambda: not isinstance(screen.app.screen, Switcher))
        finally:
            os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
        await screen.sees(f"({there.name[-4:]}): quarterdeck attach {there.name[-4:]} brings it back")
        assert screen.app.link.session.id == here.name


async def test_a_planned_session_whose_station_has_gone_is_no_neighbour_and_no_alarm(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.console.neighbours.LOOK", 0.2)
    here, there = opened(), opened(OTHER)
    begin(here)
    assert not ask_once(there, intents.AddNote(text="not tonight")).refusal
    async with console(here) as screen:
        await screen.sees("u sessions")
        os.kill(station_pid(there), signal.SIGKILL)
        await screen.until(lambda: "u sessions" not in screen.text, "that it is no neighbour any more")
        assert "NO STATION" not in screen.text


async def test_a_look_from_beside_keeps_no_station_from_leaving(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_LINGER", "0.2")
    folder = opened()
    lead = await Client.connect(folder)
    beside = await Client.connect(folder, start=False, aside=True)
    await lead.leave()
    async with asyncio.timeout(20):
        async for frame in beside.frames():
            if isinstance(frame, Farewell):
                break
    await beside.close()


async def test_with_one_session_nothing_is_named(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.console.neighbours.LOOK", 0.1)
    monkeypatch.setattr("quarterdeck.console.app.NEIGHBOURS", 0.05)
    folder = opened()
    begin(folder)
    async with console(folder) as screen:
        looks = 0

        def counted(_: Path) -> set[Path]:
            nonlocal looks
            looks += 1
            return {folder}

        monkeypatch.setattr("quarterdeck.console.neighbours._held", counted)
        await screen.until(lambda: looks > 1, "a look")
        await screen.sees("H HALT")
        assert folder.name[-4:] not in screen.text
        assert "u sessions" not in screen.text
        await screen.press("u")
        await screen.sees("no other session is open on this host")


def test_halt_without_a_name_halts_none_of_two_and_says_so_and_with_one_says_what_goes_on(
    two: tuple[Path, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    here, there = two
    assert main(["halt", "--reason", "smoke"]) == 2
    said = capfd.readouterr().err
    assert "NOTHING IS HALTED. 2 sessions are open" in said
    for folder in two:
        assert not session_of(folder).live_halts()
        assert f"{folder.name[-4:]} (" in said
    assert "--all" in said
    assert main(["halt", there.name[-4:]]) == 0
    said = capfd.readouterr().out
    assert f"HALTED {there.name}" in said
    letters = here.name[-4:]
    assert f"NOT HALTED {letters} (A small procedure, running): quarterdeck halt {letters} halts it" in said
    assert main(["halt", letters]) == 0
    assert "NOT HALTED" not in capfd.readouterr().out
