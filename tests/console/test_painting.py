"""Partial painting, proven differentially: whatever happens, the terminal shows what a full repaint would show.

Random walks of events, keys, mouse, sizes and modals over the real console; a walk is its seed, so that one that
failed comes again: `WALK=4711 python -m pytest -n 0 tests/console/test_painting.py -k again`.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import night
import pytest
from emulator import Emulator
from fake_station import ITSELF, PROCEDURE, FakeStation
from hands_helm import waits_for_a_tick
from machine import seed_of_run
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import _compositor, events
from textual import screen as textual_screen
from textual._context import visible_screen_stack
from textual._styles_cache import StylesCache
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from quarterdeck.console import theme
from quarterdeck.console.app import Look, QuarterdeckApp
from quarterdeck.console.deck import Deck
from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.screens.step_reader import StepReader
from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.console.store import StationClient
from quarterdeck.console.terminal.compositor import SparingUpdate
from quarterdeck.errors import StationError
from quarterdeck.observer.messages import Reading, Value
from quarterdeck.session import intents
from quarterdeck.session.intents import Intent
from quarterdeck.session.rules.start import Launch
from quarterdeck.station.wire.client import Linked

LIVE = (
    PROCEDURE.replace("Copy the table", "複製 the 表 to the far side ✅ and read it back, line by line")
    .replace("title: Go or no-go", 'title: "Los geht\'s · ¿sí o no? é e\u0301 ✅"')
    .replace(
        "  - {id: slow,",
        '  - {id: full, title: Full, when: "here.storage[/].used > 80 %", action: warn}\n  - {id: slow,',
    )
    .replace(
        "        title: Switch over by hand\n",
        "        title: Switch over by hand\n        instructions: |\n          1. **Look** at `it`\n"
        "          2. Wait until all is calm, and *say so* to whoever asks\n",
    )
)
SIZES = ((80, 24), (80, 24), (62, 18), (79, 23), (81, 25), (100, 30), (40, 12), (120, 36))
KEYS = (
    *"SDFKPGBTAEvnXVNCUWRlLjkomOiIu?//", *"12349", *"abcxyz 0", "up", "down", "pageup", "pagedown", "home", "end",
    "enter", "enter", "escape", "escape", "escape", "tab", "f1", "ctrl+p", "backspace", "left", "right", "H", "f9",
)  # fmt: skip
OPENING = ("enter", "enter", "i", "?", "/", "ctrl+p", "C", "S", "n", "u", "escape", "escape")
"""What a walk begins with: often the detail, which is live itself."""
WORDS = (
    "calm",
    "表が大きい",
    "a line that is longer than the pane it stands in, and goes on and on",
    "é e\u0301",
    "✅ ok",
    "",
)


class Walk:
    """One console on an emulated terminal, and what can happen to it."""

    def __init__(self, app: QuarterdeckApp, terminal: Emulator, seed: int) -> None:
        self.app, self.terminal, self.chance = app, terminal, random.Random(seed)
        self.station = FakeStation(LIVE)
        self.done: list[str] = []

    async def begins(self, *size: int) -> None:
        """A session of its own, in some state; on a terminal of some size, with something open over it."""
        for over in reversed(self.app.screen_stack[1:]):
            assert isinstance(over, Modal)
            over.finish(None)
        self.app.clear_notifications()
        self.app.desk.drafts.clear()
        self.app.keys._swallow_since = None
        deck = self.app.view.deck
        assert deck is not None
        deck.use(self.chance.choice(("lead", "assignee", "wallboard", "lead")))
        self.resize()
        for _ in range(self.chance.randrange(12)):
            self.happens()
        self.app.desk.instant = lambda: Instant(self.station.now, self.station.wall, 0.0)  # type: ignore[method-assign]
        self.app.switch(self.station.connect)
        await self.app.link.caught_up.wait()
        if not size:
            self.presses(self.chance.choice(OPENING))

    # -- what can happen

    def step(self) -> None:
        """One thing, of any kind."""
        chosen: Callable[[], object] = self.chance.choices(
            (self.key, self.happens, self.reads, self.tail, self.clock, self.resize, self.mouse, self.says, self.link,
             self.beside, self.app.tick),
            (30, 14, 12, 6, 5, 5, 6, 4, 1, 2, 5),
        )[0]  # fmt: skip
        self.done.append(f"{chosen.__name__}: {chosen()}")

    def key(self) -> str:
        key: str = self.chance.choice(KEYS)
        self.presses(key)
        return key

    def presses(self, *keys: str) -> None:
        self.app.keys._last.clear()
        for key in keys:
            name, character = (_character_to_key(key), key) if len(key) == 1 else (key, None)
            self.app.post_message(events.Key(name, character))

    def happens(self) -> str:
        session, chance = self.station.session, self.chance
        step = chance.choice([*session.steps])
        halts = tuple(session.live_halts())
        wanted: list[Intent] = [
            intents.StartSession(), intents.StartStep(step=step), intents.StartStep(step=step),
            intents.StartStep(step=step, launch=Launch(run="r")),
            intents.FinishStep(step=step, values={"rows": "12"}),
            intents.FailStep(step=step, reason=chance.choice(WORDS)),
            intents.SkipStep(step=step, reason="not tonight"), intents.Pause(reason=chance.choice(WORDS)),
            intents.GoOn(halts=halts, reason="all is well"), intents.AddNote(text=chance.choice(WORDS)),
            intents.AddNote(text=chance.choice(WORDS), step=step),
            intents.RollBack(halts=halts, typed="ROLLBACK"), intents.Estimate(step=step, rest=chance.uniform(5, 900)),
            intents.DeclareEffect(step=step, effect=chance.choice(("none", "full")), note="looked"),
            intents.AnswerPoll(step=step, role=chance.choice(("lead", "dba")), answer="go"),
            intents.RunMine(), intents.Halt(nonce=f"n{len(self.station.events)}", reason=chance.choice(WORDS)),
        ]  # fmt: skip
        by_itself: list[Intent] = [
            intents.GuardHolds(guard="slow", reason=chance.choice(WORDS), value=chance.random()),
            intents.GuardHolds(guard="full", reason=chance.choice(WORDS), value=chance.random()),
            intents.GuardReleased(guard="slow"), intents.GuardReleased(guard="full"),
        ]  # fmt: skip
        for _ in range(5):
            runs = [run for run in session.running() if run.runs]
            if runs and chance.random() < 0.2:
                self.station.ends(runs[0].id, chance.choice((0, 0, 1)))
                return f"{runs[0].id} ends"
            mine = chance.random() < 0.25
            intent = chance.choice(by_itself if mine else wanted)
            if type(intent) is intents.Halt and chance.random() < 0.7:
                continue
            if not (self.station.do(intent, ITSELF) if mine else self.station.do(intent)).refusal:
                return repr(intent)
        return "nothing"

    def reads(self) -> str:
        chance = self.chance
        here: dict[str, Value] = {"cpu": chance.uniform(0, 100), "memory": 50.0, "load1": chance.uniform(0, 30)}
        here |= {
            f"storage[{path}].used": chance.uniform(1, 100) for path in ("/", "/var/データ")[: chance.randrange(3)]
        }
        api: dict[str, Value] = {"latency": chance.uniform(0, 3)}
        found = [
            Reading(
                target=target, at=self.station.wall, boot=0.0, interval=1.0, max_age=5.0, values=values, raw=status,
                status=status, message=chance.choice(WORDS) if status != "ok" else "",
            )
            for target, values in (("here", here), ("api", api))
            for status in (chance.choice(("ok", "warning", "critical", "unknown")),)
        ]  # fmt: skip
        self.station.reads(*found)
        return ""

    def tail(self) -> str:
        step = self.chance.choice([*self.station.session.steps])
        self.station.tails(step, "\n".join(self.chance.choices(WORDS, k=self.chance.randrange(9))))
        return step

    def clock(self) -> str:
        self.station.wall += (by := self.chance.choice((0.4, 1, 9, 70, 4000)))
        return str(by)

    def resize(self) -> str:
        width, height = self.chance.choice(SIZES)
        self.resize_to(width, height)
        return f"{width}x{height}"

    def resize_to(self, width: int, height: int) -> None:
        assert self.app._driver is not None
        self.app._driver._size = Size(width, height)
        self.terminal.resize(width, height)
        self.app.post_message(events.Resize(Size(width, height), Size(width, height)))

    def mouse(self) -> str:
        x, y = self.chance.randrange(self.terminal.width), self.chance.randrange(self.terminal.height)
        kinds: tuple[type[events.MouseEvent], ...] = self.chance.choice(
            ((events.MouseScrollDown,), (events.MouseScrollUp,), (events.MouseMove,),
             (events.MouseDown, events.MouseUp), (events.MouseDown, events.MouseMove))
        )  # fmt: skip
        for kind in kinds:
            self.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))
        return f"{kinds[-1].__name__} {x} {y}"

    def says(self) -> str:
        self.app.desk.say(text := self.chance.choice(WORDS), self.chance.choice(("information", "warning")))
        return text

    def link(self) -> str:
        state: Literal["connected", "hung", "lost"] = self.chance.choice(("connected", "hung", "lost", "connected"))
        self.app.link.take(Linked(state, "so it is"))
        return state

    def beside(self) -> str:
        """Another session comes, changes, goes."""
        state = self.chance.choice(("", "running", "proposal", "halted"))
        others: tuple[Snapshot, ...] = (night.second(state),) if state else ()
        self.app.neighbours.look = lambda here: others  # type: ignore[method-assign]  # noqa: ARG005
        return state

    # -- what has to be

    async def rests(self) -> None:
        """Wait until nothing is to be painted any more."""
        calm, until = 0, time.monotonic() + 30
        while time.monotonic() < until:
            await asyncio.sleep(0 if calm else 0.0005)
            calm = 0 if _restless(self.app) else calm + 1
            if calm == 3:
                return
        raise AssertionError(f"it never comes to rest: {_restless(self.app)}")

    async def settled(self) -> None:
        """Wait until everything that was posted is taken, also where nothing may be painted yet."""
        for _ in range(20):
            await asyncio.sleep(0.001)

    async def check(self) -> None:
        """The terminal shows what a full repaint of everything would show; what is painted wrongly stays so."""
        differences = self.differences()
        if differences:
            await self.settled()
            await self.rests()
            differences = self.differences()
        assert not differences, "\n".join(
            [*self.done[-30:], str(self.app.screen_stack), *differences[:3], f"{len(differences)} lines"]
        )

    def differences(self) -> list[str]:
        wanted = Emulator(self.terminal.width, self.terminal.height)
        wanted.feed(full_repaint(self.app))
        return self.terminal.differences(wanted)


def _restless(app: QuarterdeckApp) -> str:
    """What is still to be done before everything is painted, or nothing."""
    if not app._message_queue.empty() or app._next_callbacks or app._resize_event is not None:
        return "the app"
    if waits_for_a_tick(app):
        return "a tick that is due"
    for screen in app.screen_stack:
        if screen._layout_required or screen._callbacks or screen._compositor._dirty_regions or screen._dirty_widgets:
            return f"{screen}: layout {screen._layout_required}, {screen._callbacks}, {screen._dirty_widgets}"
        for widget in screen.walk_children(with_self=True):
            waits = widget._repaint_required and widget in screen._compositor.visible_widgets
            if not widget._message_queue.empty() or widget._next_callbacks or waits:
                return f"{widget} {widget._next_callbacks} {widget._repaint_required}"
    return ""


def full_repaint(app: QuarterdeckApp) -> str:
    """What a terminal would get if nothing had ever been painted; nothing that is remembered changes by it."""
    widgets = [w for screen in app.screen_stack for w in screen.walk_children(Widget, with_self=True)]
    kept = [(widget, widget._styles_cache, widget._render_cache, set(widget._dirty_regions)) for widget in widgets]
    panes = [
        (pane, {k: dict(vars(pane)[k]) for k in ("_painted", "_coming", "_known") if k in vars(pane)})
        for pane in widgets
        if isinstance(pane, Pane)
    ]
    try:
        for widget in widgets:
            widget._styles_cache = StylesCache()
            widget._dirty_regions.add(widget.size.region)
        for pane, remembered in panes:
            for name in remembered:
                getattr(pane, name).clear()
        compositor = app.screen._compositor
        visible_screen_stack.set(app._background_screens)
        chops = compositor._render_chops(compositor.size.region, lambda _: True)
        lines = [[*line.values()] for line in chops]
        return _compositor.LayoutUpdate(lines, compositor.size.region).render_segments(app.console)  # type: ignore[arg-type]
    finally:
        for widget, styles_cache, render_cache, dirty in kept:
            widget._styles_cache, widget._render_cache, widget._dirty_regions = styles_cache, render_cache, dirty
        for pane, remembered in panes:
            for name, rows in remembered.items():
                setattr(pane, name, rows)


async def nowhere(session: str) -> StationClient:
    """No station is reached from a walk."""
    raise StationError(f"{session} is nowhere")


@asynccontextmanager
async def console(
    monkeypatch: pytest.MonkeyPatch, look: Look | None = None
) -> AsyncIterator[tuple[QuarterdeckApp, Emulator]]:
    """A console whose every byte goes to an emulated terminal, painted without waiting for a frame's time."""
    monkeypatch.setattr(textual_screen, "UPDATE_PERIOD", 0.0005)
    app = QuarterdeckApp(FakeStation(LIVE).connect, look)
    app.console._color_system = ColorSystem.TRUECOLOR  # Rich keeps a style's codes of whoever rendered it first,
    Style._add.cache_clear()  # and a sum of styles for all who add the same ones: also those of other tests
    theme._roles.cache_clear()
    terminal = Emulator(120, 36)
    display = app._display

    def shown(screen: Any, renderable: RenderableType | None) -> None:
        if isinstance(renderable, _compositor.CompositorUpdate) and not app._batch_count:
            terminal.feed(renderable.render_segments(app.console))
        display(screen, renderable)

    monkeypatch.setattr(app, "_display", shown)
    monkeypatch.setattr(app.desk, "leave", lambda **_: None)
    monkeypatch.setattr(app.view, "write", lambda: asyncio.sleep(0))  # into the working folder
    monkeypatch.setattr(app.view, "_station_of", nowhere)
    monkeypatch.setattr(app.view, "suspend", lambda: asyncio.sleep(0))
    async with app.run_test(size=(120, 36), notifications=True):
        yield app, terminal


async def walked(seeds: range, monkeypatch: pytest.MonkeyPatch, look: Look | None = None) -> int:
    """Walk; how often the terminal was compared."""
    compared = 0
    async with console(monkeypatch, look) as (app, terminal):
        for seed in seeds:
            walk = Walk(app, terminal, seed)
            try:
                await walk.begins()
                for _ in range(walk.chance.randrange(2, 5)):
                    for _ in range(walk.chance.randrange(1, 5)):
                        walk.step()
                        if walk.chance.random() < 0.5:
                            await asyncio.sleep(0)
                    await walk.rests()
                    app.tick()
                    await walk.rests()
                    await walk.check()
                    compared += 1
            except BaseException as error:
                error.add_note(f"WALK={seed}")
                raise
    return compared


@pytest.mark.parametrize("first", [0, 35])
async def test_after_any_walk_the_terminal_shows_what_a_full_repaint_would(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await walked(range(first, first + 35), monkeypatch) > 80


async def test_a_reading_that_comes_between_two_ticks_is_painted_with_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await walked(range(413512847, 413512848), monkeypatch, Look(ascii=True))


async def test_a_list_that_follows_again_before_the_tick_after_a_move_loses_the_cursor_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await walked(range(760422804, 760422805), monkeypatch)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("look", [Look(), Look(ascii=True)], ids=["unicode", "ascii"])
async def test_after_thousands_of_walks_too(
    look: Look, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    first = random.Random(f"{seed_of_run()} {look.ascii}").randrange(10**9)
    seeds = f"painting: walks {first} to {first + 699}"
    record_property("soak", seeds)
    compared = await walked(range(first, first + 700), monkeypatch, look)
    record_property("soak", f"{seeds}: {compared} sequences, each compared with a full repaint")


if "WALK" in os.environ:  # the seed of a walk

    async def test_a_walk_again(monkeypatch: pytest.MonkeyPatch) -> None:
        seed = int(os.environ["WALK"])
        assert await walked(range(seed, seed + 1), monkeypatch)


# -- the faults that walks found, each by itself


@asynccontextmanager
async def walker(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Walk]:
    async with console(monkeypatch) as (app, terminal):
        walk = Walk(app, terminal, 1)
        walk.station.must(intents.StartSession(), intents.StartStep(step="announce"))
        await walk.begins(120, 36)
        await walk.rests()
        yield walk
        await walk.rests()
        await walk.check()


async def test_what_changes_in_the_detail_and_behind_it_at_once_is_painted_in_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with walker(monkeypatch) as walk:
        walk.presses("enter")
        await walk.rests()
        assert isinstance(walk.app.screen, StepReader)
        for _ in range(3):
            walk.station.do(intents.GuardHolds(guard="slow", reason="slow"), ITSELF)
            walk.station.wall += 9
            walk.app.tick()
            await walk.rests()
            await walk.check()
        assert any("27 s of 2 min" in line for line in walk.terminal.lines)


async def test_a_terminal_that_was_smaller_for_a_moment_is_painted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    async with walker(monkeypatch) as walk:
        walk.terminal.resize(80, 24)
        walk.resize_to(120, 36)


async def test_a_frame_that_falls_into_a_batch_of_changes_is_painted_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with walker(monkeypatch) as walk:
        with walk.app.batch_update():
            walk.resize_to(121, 36)
            await walk.settled()


async def test_what_was_asked_for_its_place_before_the_layout_is_painted_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with walker(monkeypatch) as walk:
        compositor, banner = walk.app.screen._compositor, Static("a line that came")
        banner.styles.height = 0
        await walk.app.query_one(Deck).children[0].mount(banner, before=1)
        await walk.rests()
        banner.styles.height = 1
        banner._check_refresh()
        compositor.update_widgets({Static("not placed yet")})
        assert compositor.full_map, "asked where things stand while the layout is due"
        await walk.rests()
        assert "a line that came" in walk.terminal.lines[1]


async def test_a_palette_over_a_reader_shows_the_session_behind_both(monkeypatch: pytest.MonkeyPatch) -> None:
    async with walker(monkeypatch) as walk:
        walk.presses("f1", "ctrl+p")
        await walk.rests()
        assert len(walk.app.screen_stack) == 3
        await walk.check()
        walk.app.screen.refresh()
        await walk.rests()
        assert "Night work" in walk.terminal.lines[0]


async def test_a_click_at_a_pane_that_is_being_removed_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with walker(monkeypatch) as walk:
        pane = walk.app.query_one(ProcedurePane)
        x, y = pane.region.center
        with walk.app.batch_update():
            await pane.remove()
            for kind in (events.MouseDown, events.MouseMove, events.MouseUp):
                walk.app.post_message(kind(None, int(x), int(y), 0, 0, 1, False, False, False, int(x), int(y)))
            await walk.settled()
        walk.app.screen.refresh()


@pytest.mark.parametrize(("first", "last"), [(0, 2), (2, 4), (1, 2), (2, 3), (3, 5)])
def test_a_span_that_ends_inside_a_wide_character_takes_all_of_it(first: int, last: int) -> None:
    strip = Strip([Segment("a✅b✅")])
    terminal = Emulator(6, 1)
    terminal.feed("\x1b[1;1H" + strip.text)
    update = SparingUpdate([{0: strip}], [(0, first, last)], [[6]])
    terminal.feed(update.render_segments(Console()))
    assert terminal.lines == [strip.text]
