"""The console's app: its life, and its ticks: one frozen snapshot each, for all panes.

A disposable view: it decides nothing, holds nothing that the station does not know, and may be killed at any
moment. It is made of four objects: this app; the `Desk` through which commands act; the `Keys` that turn a key press
into a command; the `View` that changes only how it looks. What is known stands in `store.py`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from msgspec import Struct, structs
from textual import events
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.timer import Timer

from quarterdeck.console import crash, terminal, theme
from quarterdeck.console.commands import all_commands
from quarterdeck.console.desk import Desk, instant_of
from quarterdeck.console.keys import Keymap, Keys
from quarterdeck.console.neighbours import Neighbours
from quarterdeck.console.panes.base import RowOpened
from quarterdeck.console.panes.cursor import stands_on_row
from quarterdeck.console.panes.footer import FooterKey, Key
from quarterdeck.console.panes.halt import HaltPressed
from quarterdeck.console.panes.procedure import StepSelected
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.screens.session import SessionScreen
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import Link, News, StationClient
from quarterdeck.console.view import FIRST_PANES, View, make_deck, preload
from quarterdeck.errors import QuarterdeckError

__all__ = ["Look", "QuarterdeckApp"]

TICK = 0.25
"""Seconds between two beats: something new that need not be shown at once waits for one."""
FIRST_WAIT = 0.25
"""Seconds that the first frame waits for the session, so that it is painted once, with everything in it."""
FOOTER = 5.0
"""Seconds after which the keys that work are looked for again although nothing happened: that asks every step."""
CLOCKS = 1.0
"""Seconds after which the clocks are painted although nothing came."""
AFTER = 0.012
"""Seconds from a move to the tick that shows more of it: one at once would hold up the frame with the cursor."""
REST = 0.03
"""The same for a halt, which may come in the middle of Textual's 16 ms from frame to frame."""
ALONE = 60.0
"""Seconds without a key or the mouse after which the list follows the session again."""
NEIGHBOURS = 0.5
"""Seconds after which other sessions are looked for: the first frame comes first."""
PRESENT_EVERY = 10.0
"""Seconds between two words to the station that somebody presses keys here."""


class Look(Struct, frozen=True):
    """How the console was asked to look; decided before the app is made."""

    layout: str = ""
    """Empty: by size."""
    theme: str = "night"
    """Empty: by what the terminal can show."""
    ascii: bool = False
    mouse: bool = True
    config: Path | None = None
    """Where a person's own layouts lie."""


class QuarterdeckApp(terminal.Contained, inherit_bindings=False):
    """One screen that a tired person at 02:40 can trust."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    .-ascii #bar { border-top: ascii $accent; }
    .-ascii #box { border: ascii $frame; }
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[StationClient]],
        look: Look | None = None,
        *,
        keymap: Keymap | None = None,
        first: Callable[[QuarterdeckApp], Screen[object] | None] | None = None,
        notices: Sequence[str] = (),
    ) -> None:
        """`connect` reaches the session; `keymap` holds the commands; `first` makes a screen over the live one."""
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
        super().__init__()
        self.animation_level = "none"
        self.asked = look or Look()
        fitting = theme.fitting(self.console.color_system, os.environ.get("TERM", ""))
        theme.dress(self, self.asked.theme or fitting, ascii_glyphs=self.asked.ascii)
        self.set_class(self.asked.ascii, "-ascii")
        keymap = keymap or Keymap(all_commands())
        self.halt_keys = keymap.urgent_keys()
        """What the halt button says: the key without a text field, and the one in it."""
        link = Link(connect, self._changed)
        self.said = keymap.said
        """Puts the person's own keys into a sentence of the rule book, such as the next line."""
        self.desk = Desk(self, link, keymap.by_id, lambda: self._changed("now"), keymap.said)
        self.view = self.desk.view = View(self, self.desk, keymap, ascii_glyphs=self.asked.ascii)
        self.desk.switch = self.switch_to
        self.neighbours = Neighbours(instant_of, lambda: self._changed("soon"))
        """The other open sessions of this host."""
        self.keys = Keys(self.desk, keymap, self.view.show_tab, self.view.show_plan)
        self.crash: crash.Crash | None = None
        """An exception that a handler let through; the console has left because of it."""
        self.trouble: QuarterdeckError | None = None
        """Why no session could be reached."""
        self.is_cut_off: Callable[[], bool] = lambda: False
        """Whether the terminal hung up; a driver that knows puts its answer here."""
        self._first, self._notices = first, tuple(notices)
        self._due = False
        """A tick was asked for, and comes."""
        self._halts: tuple[bool, tuple[str, ...]] = (False, ())
        """What was painted of halts: sent from here, and live."""
        self._rest: Timer | None = None
        """Brings what else a halt changes."""
        self._fresh = True
        """Something new waits for the next beat."""
        self._ticked = 0.0
        self._present = 0.0
        self._touched = time.monotonic()
        """When a key or the mouse was used last."""
        self._seen = 0
        self._footer: tuple[Key, ...] = ()
        self._footer_for: tuple[object, ...] = ()
        self._footer_at = 0.0
        self._link_task: asyncio.Task[None] | None = None
        self._neighbours_task: asyncio.Task[None] | None = None
        self._open = False

    @property
    def link(self) -> Link:
        """What is known of the session."""
        return self.desk.link

    # -- starting

    async def on_load(self) -> None:
        """Connect, and import meanwhile what the first frame needs."""
        self._link_task = asyncio.get_running_loop().create_task(self._linked(), name="link")
        for module in FIRST_PANES:
            import_module(module)
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WAIT):
                await self.link.caught_up.wait()

    def get_default_screen(self) -> Screen[None]:
        """The session, with what is known of it by now."""
        screen = SessionScreen(make_deck(self.asked.layout, self.asked.config))
        screen.is_held = True
        self.desk.shown = self.snapshot()
        screen.begin(self.desk.shown, self._footer_keys())
        return screen

    def get_driver_class(self) -> type[Driver]:
        """A terminal that may vanish."""
        return terminal.vanishing(super().get_driver_class(), self)

    def get_line_filters(self) -> list[LineFilter]:
        """The last wall: no control character leaves, whatever a widget drew.

        Textual's own filter translates colours by name; nothing here uses one, and it would cost every line.
        """
        found = theme.filters(theme.look_of(self))
        if not self.asked.ascii:
            return found
        from quarterdeck.console.terminal.ascii import AsciiFilter

        return [*found, AsciiFilter()]

    def on_mount(self) -> None:
        """Connect while the first frame is painted."""
        loop = asyncio.get_running_loop()
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                loop.add_signal_handler(number, self.vanish)
        self._open = True
        self.set_interval(TICK, self._on_beat, name="tick")
        for notice in self._notices:
            self.desk.say(notice, "warning")
        over = self._first(self) if self._first is not None else None
        if over is not None:
            self.push_screen(over)
        self.set_timer(0.4, preload)
        self.set_timer(NEIGHBOURS, self._look_around)
        if self._fresh:
            self.call_after_refresh(self.tick)
        screen = self.screen_stack[0]
        assert isinstance(screen, SessionScreen)
        self.call_after_refresh(self.call_after_refresh, screen.release)
        self.set_timer(FIRST_WAIT, screen.release)  # whatever keeps it from coming to rest

    async def on_unmount(self) -> None:
        """Leave no task behind; the session goes on."""
        tasks = [task for task in (self._link_task, self._neighbours_task) if task is not None]
        self._link_task = self._neighbours_task = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.neighbours.close()

    def _look_around(self) -> None:
        watching = self.neighbours.run(lambda: self.link.folder)
        self._neighbours_task = asyncio.get_running_loop().create_task(watching, name="neighbours")

    async def _linked(self) -> None:
        try:
            await self.link.run()
        except QuarterdeckError as error:
            self.trouble = error
            self.exit(error.exit_code)
        except Exception as error:  # noqa: BLE001 - the link's task has no one else to tell; the console leaves
            self.fail(error)

    def switch_to(self, client: StationClient) -> str:
        """Show the session whose station was reached; why not, where something is under way here."""
        if not self.keys.is_alone or self.desk.over:
            return "something is still under way here"
        left, shown = self.link.folder, self.desk.shown

        async def reached() -> StationClient:
            return client

        self.switch(reached, client.folder)
        if left is not None:
            self.neighbours.left(left, shown)
        return ""

    def switch(self, connect: Callable[[], Awaitable[StationClient]], folder: Path | None = None) -> None:
        """Show another session from now on (the demo picks one on its first screen)."""
        old, task = self.link, self._link_task
        if task is not None:
            task.cancel()
        self.run_worker(self._leave(old), group="leave")
        self.desk.turn(Link(connect, self._changed, folder))
        self._seen, self._footer_for = 0, ()
        self._link_task = asyncio.get_running_loop().create_task(self._linked(), name="link")
        self.tick()

    async def _leave(self, old: Link) -> None:
        """Leave a session that is not on screen any more, once the halts that were called in it are answered."""
        if trouble := await old.halts_settled():
            self.link.note(f"{old.session.called}: HALT UNCONFIRMED: {trouble}", "alarm")
            self.bell()
        await old.leave()

    # -- ticking

    def _changed(self, news: News) -> None:
        """Something is new: however often this is called before the tick comes, it is one."""
        if news == "later":
            return  # the clocks tick within a second
        self._fresh = True
        shows = self.link.caught_up.is_set() or self.link.state != "live"
        if news == "now" and shows and self._open and (not self._due or self._rest is not None):
            self._due = True
            self.call_next(self._tick_due)

    def _tick_due(self) -> None:
        if self._due:
            self.tick()

    def _tick_picked(self) -> None:
        """Show more of the step that was picked, unless a tick has done so."""
        if self.desk.shown is not None and self.desk.shown.selected != self.desk.picked:
            self.tick()

    def _on_beat(self) -> None:
        if self.is_cut_off():
            self.vanish()
        elif (self._fresh and not self._due) or time.monotonic() - self._ticked >= CLOCKS:
            self.tick()

    def tick(self) -> None:
        """One snapshot, one reactive for each pane, one batch update. That a halt was called is painted before."""
        if not self.screen_stack:
            return  # the app is closing
        if self._shows_halt_first():
            return
        self.view.tell_notices()
        if self.desk.is_left_behind() or (self.desk.picked and time.monotonic() - self._touched >= ALONE):
            self.view.unpick()
        snapshot = self.desk.shown = self.snapshot()
        self.keys.close_moot()
        if snapshot.said != self.desk.told:  # a halt cleared it, or a bar that was closed said why
            snapshot = self.desk.shown = structs.replace(snapshot, said=self.desk.told)
        elsewhere = self.neighbours.take_alarms()
        for words in elsewhere:
            self.link.note(words, "alarm")
        if self.link.take_alarm() or elsewhere:
            self.bell()
        self._due, self._fresh, self._ticked = False, False, time.monotonic()
        with self.batch_update():
            keys = self._footer_keys()
            for screen in self.screen_stack:
                if isinstance(screen, SessionScreen) and screen.is_current:
                    screen.take(snapshot, keys)
                elif isinstance(screen, Modal) and screen.is_current:
                    screen.snapshot = snapshot
        if self.link.position != self._seen:
            self._seen = self.link.position
            self.call_after_refresh(self.link.seen)

    def _shows_halt_first(self) -> bool:
        """Whether only that was painted, or is being painted: the rest follows when it is on the terminal."""
        screen, halts = self.screen, (self.link.halt_sent(), self.link.session.live_halts())
        if halts != self._halts and isinstance(screen, SessionScreen):
            self._halts, self._due = halts, True
            screen.deck.show_first(self.snapshot())
            if self._rest is not None:
                self._rest.stop()
            self._rest = self.set_timer(REST, self._rested)
        return self._rest is not None

    def _rested(self) -> None:
        self._rest = None
        self.tick()

    def snapshot(self) -> Snapshot:
        """Everything that the panes show, at this moment."""
        desk = self.desk
        others = self.neighbours.look(desk.link.folder)
        return Snapshot.of(desk.link, desk.instant(), desk.shown, desk.picked, others, desk.told)

    def _footer_keys(self) -> tuple[Key, ...]:
        desk, link = self.desk, self.link
        at_row = stands_on_row(self.focused) if self.screen_stack else False
        at = (link.session.count, desk.picked, link.state, link.read_only, len(desk.others), at_row)
        now = time.monotonic()
        if at != self._footer_for or now - self._footer_at >= FOOTER:
            self._footer_for, self._footer_at = at, now
            self._footer = self.keys.footer()
        return self._footer

    def on_resize(self, event: events.Resize) -> None:
        """A terminal may have lost what stood on it and be as large as before: after `fg`, or smaller in between."""
        if self.screen_stack and event.size == self.screen.outer_size:
            self.screen.refresh()

    # -- keys and clicks

    async def on_event(self, event: events.Event) -> None:
        """The keys that work with a text field focused come before any widget sees them."""
        if isinstance(event, events.InputEvent):
            self._touched = time.monotonic()
        if isinstance(event, events.Key) and not event.is_forwarded:
            now = time.monotonic()
            if now - self._present >= PRESENT_EVERY:
                self._present = now
                self.run_worker(self.link.present(), group="present")
            if self.keys.everywhere(event.key):
                return
        await super().on_event(event)

    async def on_key(self, event: events.Key) -> None:
        """Keys that no widget took."""
        if self.keys.press(event.key, event.character, event.time):
            event.stop()
            event.prevent_default()

    def on_descendant_focus(self) -> None:
        """Another pane has the keys: while something is asked, what enter does there is shown with the next beat."""
        shown = self.desk.shown
        if isinstance(self.screen, SessionScreen) and shown is not None and shown.next_line.question:
            self._changed("soon")

    def on_halt_pressed(self, event: HaltPressed) -> None:
        """The button."""
        event.stop()
        self.keys.urgent()

    def on_footer_key(self, event: FooterKey) -> None:
        """A key of the footer was clicked."""
        event.stop()
        self.keys.click(event.key)

    def on_step_selected(self, event: StepSelected) -> None:
        """A person moved in the list: the cursor is painted and written first, then what else shows the step."""
        event.stop()
        self.desk.picked = event.step
        self._touched = time.monotonic()
        self.call_after_refresh(self.set_timer, AFTER, self._tick_picked)

    def on_row_opened(self, event: RowOpened) -> None:
        """A row was clicked, or opened in a pane over the session."""
        event.stop()
        self.desk.beside(self.view.open_subject(event.kind, event.subject), name="open", group="view")

    # -- ending

    def vanish(self) -> None:
        """The terminal is gone, or somebody asked this process to end; the session goes on."""
        self.desk.vanish()

    def broke(self, error: BaseException) -> None:
        """No traceback on the screen: a file in the state folder, one line, and the session goes on."""
        if self.crash is None:
            self.crash = crash.write(error, session=self.link.session.id)
        super().broke(error)

    def panic(self, *renderables: object) -> None:
        """Textual's own way out; the same file, the same line."""
        self.broke(RuntimeError("; ".join(type(found).__name__ for found in renderables)))
