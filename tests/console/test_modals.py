"""What lies over the session: its bar shows the keys that work there and no other; a halt turns it to the plan."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import night
import pytest
from fake_station import PROCEDURE, FakeStation
from hands_helm import Helm, helm
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

import quarterdeck
from quarterdeck.console.commands import all_commands
from quarterdeck.console.deck import Deck
from quarterdeck.console.keys import Keymap
from quarterdeck.console.panes.footer import FooterPane
from quarterdeck.console.screens.form_bar import FormBar
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.screens.palette import PaletteScreen
from quarterdeck.console.screens.prompt import Prompt
from quarterdeck.console.screens.reader import Reader, TargetReader
from quarterdeck.console.screens.step_reader import StepReader
from quarterdeck.console.screens.switcher import Switcher
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import StationClient
from quarterdeck.demo.keys import demo_commands
from quarterdeck.demo.screens import TheEnd, Welcome
from quarterdeck.demo.world import World, WorldStats
from quarterdeck.errors import StationError
from quarterdeck.host import Clocks
from quarterdeck.observer.messages import Reading
from quarterdeck.session import intents

LONG = PROCEDURE.replace(
    "title: Copy the table\n",
    "title: Copy the table\n        instructions: |\n" + "".join(f"          {n}. do this\n\n" for n in range(1, 60)),
)
COPIED = (
    intents.StartSession(), intents.StartStep(step="announce"), intents.FinishStep(step="announce"),
    intents.StartStep(step="copy"),
)  # fmt: skip
SIZES = [(120, 36), (80, 24)]
NAMES = {"esc": "escape"}

Opener = Callable[[Helm, World], Awaitable[None]]


def pressing(*keys: str) -> Opener:
    async def opens(at: Helm, world: World) -> None:
        del world
        await at.press(*keys)

    return opens


async def _target(at: Helm, world: World) -> None:
    del world
    await at.reads(
        Reading(
            target="api", at=time.time(), boot=Clocks().boot(), status="critical", raw="critical", interval=2.0,
            max_age=900.0, values={"latency": 1.2, "code": 503.0}, message="answered 503",
        )
    )  # fmt: skip
    await at.press("i")


async def _welcome(at: Helm, world: World) -> None:
    await at.app.push_screen(Welcome(world, lambda _: None))
    await at.settle()


async def _end(at: Helm, world: World) -> None:
    del world
    await at.app.push_screen(TheEnd(at.station.session, WorldStats(orders_acknowledged=7, missing=0, running=True)))
    await at.settle()


async def _nowhere(session: str) -> StationClient:
    raise StationError(f"{session} is nowhere")


async def _sessions(at: Helm, world: World) -> None:
    del world
    others: tuple[Snapshot, ...] = (night.second(),)
    at.app.neighbours.look = lambda here: others  # type: ignore[method-assign]  # noqa: ARG005
    at.app.view._station_of = _nowhere  # type: ignore[method-assign]
    at.app.tick()
    await at.press("u")


async def _detail(at: Helm, world: World) -> None:
    del world
    at.app.desk.beside(at.app.view.open("copy"), name="open")  # whatever pane has the focus
    await at.settle()


WAYS: dict[str, tuple[type[Any], Opener]] = {
    "help": (Reader, pressing("?")),
    "detail": (StepReader, _detail),
    "target": (TargetReader, _target),
    "filter": (Prompt, pressing("/")),
    "palette": (PaletteScreen, pressing("ctrl+p")),
    "sessions": (Switcher, _sessions),
    "note": (FormBar, pressing("n")),
    "added step": (FormBar, pressing("A")),
    "leave": (FormBar, pressing("Q")),
    "welcome": (Welcome, _welcome),
    "end": (TheEnd, _end),
}
"""One way at least to each screen that can lie over the session."""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the keys writes a file."""
    monkeypatch.chdir(tmp_path)


def leaves(kind: type) -> set[type]:
    """Its subclasses that have none themselves."""
    below: list[type] = kind.__subclasses__()
    return {found for one in below for found in leaves(one)} if below else {kind}


@asynccontextmanager
async def opened(way: str, folder: Path, size: tuple[int, int] = (120, 36), before: str = "") -> AsyncIterator[Helm]:
    """A console on a running session with something over it."""
    world = World(folder)
    keymap = Keymap((*all_commands(), *demo_commands(world, lambda: folder)))
    async with helm(*COPIED, station=FakeStation(LONG), size=size, keymap=keymap) as at:
        if before:
            await at.press(before)
        await WAYS[way][1](at, world)
        at.app.tick()
        await at.settle()
        assert type(at.screen) is WAYS[way][0]
        yield at


def shown(at: Helm, screen: Screen[object] | None = None) -> str:
    """What stands on a screen: the one in front, or this one below it."""
    strips = (screen or at.screen)._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip) for strip in strips)


def happening(at: Helm) -> tuple[object, ...]:
    """All in which a key press can show: the picture, the focus, what lies over what, the commands that run."""
    return shown(at), at.screen.focused, tuple(at.app.screen_stack), len(at.app.workers)


def footer(at: Helm) -> str:
    """The keys in the session's own bar."""
    pane = next(pane for pane in at.app.screen_stack[0].query_one(Deck).query(FooterPane))
    return " ".join(text for y in range(3) for text, _ in pane.row(at.snapshot, y, pane.content_width)).strip()


def test_every_screen_that_can_lie_over_the_session_is_tried_here() -> None:
    for module in pkgutil.walk_packages(quarterdeck.__path__, "quarterdeck."):
        if module.name.startswith(("quarterdeck.console.screens.", "quarterdeck.demo.screens")):
            importlib.import_module(module.name)
    assert {kind for kind in leaves(Modal) if kind.__module__.startswith("quarterdeck.")} == {
        kind for kind, _ in WAYS.values()
    }


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_its_bar_shows_its_keys_and_the_sessions_bar_none(
    way: str, size: tuple[int, int], tmp_path: Path
) -> None:
    async with opened(way, tmp_path, size) as at:
        assert isinstance(at.screen, Modal)
        bar = str(at.screen.query_one(".hint", Static).render())
        for key, does in at.screen.hints():
            assert f"{key} {does}" in bar
            assert f"{key} {does}" in shown(at)
        assert footer(at) == ""
        assert "HALT" in shown(at)
        await at.press("escape")
        if way != "welcome":
            assert "help" in footer(at)


@pytest.mark.parametrize("way", WAYS)
async def test_each_key_in_its_bar_does_something(way: str, tmp_path: Path) -> None:
    async with opened(way, tmp_path) as at:
        assert isinstance(at.screen, Modal)
        keys = [part for key, _ in at.screen.hints() for part in key.split()]
    assert keys
    for key in keys:
        async with opened(way, tmp_path) as at:
            if key == "up":
                await at.press("down")
            before = happening(at)
            await at.press(NAMES.get(key, key))
            assert happening(at) != before, key


@pytest.mark.parametrize("way", WAYS)
async def test_no_key_of_the_session_works_under_it(way: str, tmp_path: Path) -> None:
    async with helm(*COPIED) as at:
        commands = [key for key, _, _ in at.app.keys.footer() if len(key) == 1]
    assert {"P", "n", "?"} <= set(commands)
    async with opened(way, tmp_path) as at:
        assert isinstance(at.screen, Modal)
        screen, asked = at.screen, len(at.station.asked)
        if isinstance(screen.focused, Input):
            return  # letters are what is typed
        here = {key for key, _ in screen.hints()}
        for key in set(commands) - here:
            await at.press(key)
            assert at.screen is screen, key
            if way in {"help", "detail", "target", "sessions"} and at.key(key).key not in screen.active_bindings:
                assert f"i {key} works in the session: esc goes back to it" in shown(at)
        assert len(at.station.asked) == asked


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
async def test_a_halt_turns_the_screen_to_the_plan_whatever_lies_over_it(
    way: str, size: tuple[int, int], elsewhere: bool, tmp_path: Path
) -> None:
    async with opened(way, tmp_path, size, before="4" if size == (80, 24) else "") as at:
        assert isinstance(at.screen, Modal)
        survives = at.screen.survives_halt
        if elsewhere:
            at.station.halt_elsewhere()
            await at.settle()
        else:
            await at.press("f9")
        assert isinstance(at.screen, Modal) is survives
        assert survives is (way in {"note", "added step", "leave"}), "a bar for what one does in a halt as well"
        below = shown(at, at.app.screen_stack[0])
        assert "undo of 2 Copy the table" in below, below


@pytest.mark.parametrize("tab", "234")
async def test_a_halt_turns_every_tab_to_the_plan(tab: str) -> None:
    async with helm(*COPIED, size=(80, 24)) as at:
        await at.press(tab)
        assert "Announce the start" not in shown(at) or tab == "4"
        at.station.halt_elsewhere()
        await at.settle()
        assert "undo of 2 Copy the table" in shown(at)


async def test_what_is_opened_after_the_halt_stays_open() -> None:
    async with helm(*COPIED) as at:
        await at.press("H")
        await at.press("?")
        at.app.tick()
        await at.settle()
        assert isinstance(at.screen, Reader)


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_closed_while_it_opens_breaks_nothing(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, opens = WAYS[way]
    closed: list[Modal[Any]] = []

    async def without_what_it_consists_of(self: Modal[Any], widgets: list[Widget]) -> None:
        """As Textual mounts a screen that is taken away already."""
        del widgets
        closed.append(self)

    monkeypatch.setattr(kind, "mount_composed_widgets", without_what_it_consists_of)
    world = World(tmp_path)
    keymap = Keymap((*all_commands(), *demo_commands(world, lambda: tmp_path)))
    async with helm(*COPIED, station=FakeStation(LONG), keymap=keymap) as at:
        await asyncio.wait_for(opens(at, world), 20)
        for screen in closed:
            screen.finish(None)
        await at.settle()
        assert closed, "it was opened"
        assert at.app._exception is None
