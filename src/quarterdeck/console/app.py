"""The console's app: keys to commands, the link to one frozen snapshot a tick, and the way out.

A disposable view: it decides nothing, holds nothing that the station does not know, and may be killed at any
moment. What a person can do stands in `commands/`, how it looks in `panes/`, what is known in `connection.py`.
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
from typing import ClassVar, TypeVar

from msgspec import Struct
from textual import events
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen

from quarterdeck.console import crash, theme, viewing
from quarterdeck.console.commands import all_commands
from quarterdeck.console.commands.base import Command, No
from quarterdeck.console.connection import Link, StationClient
from quarterdeck.console.desk import DeskApp
from quarterdeck.console.forms import Answers
from quarterdeck.console.keymap import Keymap, shown
from quarterdeck.console.panes.footer import FooterKey
from quarterdeck.console.panes.halt import HaltPressed
from quarterdeck.console.panes.procedure import StepSelected
from quarterdeck.console.pressing import Pressing
from quarterdeck.console.screens.over import Over
from quarterdeck.console.screens.session import SessionScreen
from quarterdeck.console.snapshot import Contact, Snapshot, make_snapshot
from quarterdeck.errors import QuarterdeckError
from quarterdeck.host import boot_clock_ns, boot_id
from quarterdeck.session.event import Moment

__all__ = ["Look", "QuarterdeckApp"]

Result = TypeVar("Result")

TICK = 0.25
"""Seconds between two ticks, unless something happened."""
FIRST_WAIT = 0.06
"""Seconds that the first frame waits for the session, so that it is painted once, with everything in it."""
FOOTER = 5.0
"""Seconds after which the keys that work are looked for anew although nothing happened: that asks every step."""
CLOCKS = 1.0
"""Seconds after which the clocks are painted although nothing came."""
PRESENT_EVERY = 10.0

_CONTACT: dict[str, Contact] = {
    "connecting": "connecting",
    "live": "ok",
    "silent": "hung",
    "lost": "lost",
    "closed": "lost",
}


class Look(Struct, frozen=True):
    """How the console was asked to look; decided before the app is made."""

    layout: str = ""
    """Empty: by size."""
    theme: str = "night"
    ascii: bool = False
    mouse: bool = True
    config: Path | None = None
    """Where a person's own layouts lie."""


class QuarterdeckApp(DeskApp, inherit_bindings=False):
    """One screen that a tired person at 02:40 can trust."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "command('halt')", show=False, priority=True),
    ]
    CSS = """
    Toast { background: $surface; padding: 0 1; margin-top: 0; }
    ToastRack { dock: top; align: right top; margin-top: 2; }
    .-ascii Toast { border-left: ascii $accent; }
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
        theme.dress(self, self.asked.theme, ascii_glyphs=self.asked.ascii)
        self.set_class(self.asked.ascii, "-ascii")
        self.keymap_ = keymap or Keymap(all_commands())
        self.by_id = {command.id: command for command in self.keymap_.commands}
        self.link = Link(connect, self._changed)
        self.crash: crash.Crash | None = None
        """An exception that a handler let through; the console has left because of it."""
        self.trouble: QuarterdeckError | None = None
        """Why no session could be reached."""
        self.detached = False
        self.picked = ""
        """The step that a person moved to; empty while the list follows."""
        self._first, self._notices = first, tuple(notices)
        self._pressing = Pressing(self)
        self._drafts: dict[str, Answers] = {}
        self._before: Snapshot | None = None
        self._boot = boot_id()
        self._due = False
        self._fresh = True
        self._ticked = 0.0
        self._present = 0.0
        self._seen = 0
        self._named = ""
        self._footer: tuple[tuple[str, str, bool], ...] = ()
        self._footer_for: tuple[object, ...] = ()
        self._footer_at = 0.0
        self._link_task: asyncio.Task[None] | None = None
        self._open = False

    # -- starting

    async def on_load(self) -> None:
        """Connect, and import meanwhile what the first frame needs."""
        self._link_task = asyncio.get_running_loop().create_task(self._linked(), name="link")
        for room in viewing.FIRST_ROOMS:
            import_module(room)
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WAIT):
                await self.link.caught_up.wait()

    def get_default_screen(self) -> Screen[None]:
        """The session, with what is known of it by now."""
        screen = SessionScreen(viewing.make_deck(self.asked.layout, self.asked.config))
        self._before = self.snapshot()
        self._named = self._before.next_line.step
        screen.begin(self._before, self._footer_keys())
        return screen

    def get_driver_class(self) -> type[Driver]:
        """A terminal that may vanish."""
        found = super().get_driver_class()
        from quarterdeck.console.terminal import vanishing

        return vanishing(found)

    def get_line_filters(self) -> list[LineFilter]:
        """The last wall: no control character leaves, whatever a widget drew.

        Textual's own filter translates colours by name; nothing here uses one, and it would cost every line.
        """
        found = theme.filters(theme.look_of(self))
        if not self.asked.ascii:
            return found
        from quarterdeck.console.poor import AsciiFilter

        return [*found, AsciiFilter()]

    def on_mount(self) -> None:
        """Connect while the first frame is painted."""
        loop = asyncio.get_running_loop()
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                loop.add_signal_handler(number, self.vanish)
        for key in self.keymap_.everywhere():
            if key != "f9":
                self._bindings.bind(key, f"command('{self.keymap_.everywhere()[key].id}')", show=False, priority=True)
        self._open = True
        self.set_interval(TICK, self._on_beat, name="tick")
        for notice in self._notices:
            self.say(notice, "warning")
        over = self._first(self) if self._first is not None else None
        if over is not None:
            self.push_screen(over)
        self.set_timer(0.4, viewing.preload)
        if self._fresh:
            self.call_after_refresh(self.tick)

    async def on_unmount(self) -> None:
        """Leave no task behind; the session goes on."""
        task, self._link_task = self._link_task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _linked(self) -> None:
        try:
            await self.link.run()
        except QuarterdeckError as error:
            self.trouble = error
            self.exit(error.exit_code)
        except Exception as error:  # noqa: BLE001 - the link's task has no one else to tell; the console leaves
            self._handle_exception(error)

    def switch(self, connect: Callable[[], Awaitable[StationClient]]) -> None:
        """Show another session from now on (the demo picks one on its first screen)."""
        old, task = self.link, self._link_task
        if task is not None:
            task.cancel()
        self.run_worker(old.leave(), group="leave")
        self.link = Link(connect, self._changed)
        self._before, self.picked, self._fresh = None, "", True
        self._link_task = asyncio.get_running_loop().create_task(self._linked(), name="link")
        self.tick()

    # -- ticking

    def _changed(self, urgent: bool) -> None:
        self._fresh = True
        shows = self.link.caught_up.is_set() or self.link.state != "live"
        if urgent and shows and self._open and not self._due:
            self._due = True
            self.call_next(self.tick)

    def _on_beat(self) -> None:
        gone = getattr(self._driver, "is_gone", None)
        if gone is not None and gone():
            self.vanish()
            return
        if self._fresh or time.monotonic() - self._ticked >= CLOCKS:
            self.tick()

    def tick(self) -> None:
        """One snapshot, one reactive for each pane, one batch update."""
        self._due, self._fresh, self._ticked = False, False, time.monotonic()
        if not self.screen_stack:
            return  # the app is closing
        viewing.tell_notices(self)
        snapshot = self.snapshot()
        self._before, self._named = snapshot, snapshot.next_line.step
        self._pressing.close_moot()
        screens = [
            screen for screen in self.screen_stack if screen is self.screen or screen in self._background_screens
        ]
        if self.link.take_alarm():
            self.bell()
        with self.batch_update():
            keys = self._footer_keys()
            for screen in screens:
                if isinstance(screen, SessionScreen):
                    screen.take(snapshot, keys)
                elif isinstance(screen, Over):
                    screen.snapshot = snapshot
        if self.link.position != self._seen:
            self._seen = self.link.position
            self.call_after_refresh(self.link.seen)

    def moment(self) -> tuple[float, float, float]:
        """Session seconds, wall clock, boot clock: now."""
        wall, boot = time.time(), boot_clock_ns()
        return self.link.session.clock(Moment(wall=wall, boot=self._boot, bt_ns=boot)), wall, boot / 1e9

    def snapshot(self) -> Snapshot:
        """Everything that the panes show, at this moment."""
        link = self.link
        now, wall, boot = self.moment()
        return make_snapshot(
            link.session,
            link.me,
            now=now,
            wall=wall,
            boot=boot,
            before=self._before,
            readings=link.readings,
            history=link.history,
            bases=link.bases,
            log=link.log,
            tails=link.tails,
            marks=link.marks,
            standing=link.standing,
            contact=_CONTACT[link.state],
            contact_since=now - (wall - link.since),
            read_only=link.read_only,
            halt_unconfirmed=link.halt_unconfirmed(),
            halt_sent=link.halt_sent(),
            selected=self.picked,
            off=time.localtime().tm_gmtoff // 60,
        )

    def _footer_keys(self) -> tuple[tuple[str, str, bool], ...]:
        at = (self.link.session.count, self.picked, self.link.state, self.link.read_only)
        now = time.monotonic()
        if at == self._footer_for and now - self._footer_at < FOOTER:
            return self._footer
        self._footer_for, self._footer_at = at, now
        situation = self.situation
        placed = sorted((c for c in self.keymap_.commands if c.place and c.id != "halt"), key=lambda c: c.place)
        self._footer = tuple(
            (self.keymap_.key_of(command), command.label(situation), not command.of_view and not command.any_case)
            for command in placed
            if not isinstance(self.availability(command, situation), No)
        )
        return self._footer

    async def view(self, what: str, argument: str = "") -> None:
        """Change the view alone."""
        await viewing.show(self, what, argument)

    # -- keys and clicks

    async def on_key(self, event: events.Key) -> None:
        """Keys that no text field took."""
        now = time.monotonic()
        if now - self._present >= PRESENT_EVERY:
            self._present = now
            self.run_worker(self.link.present(), group="present")
        if self._pressing.key(event.key, event.character, event.time):
            event.stop()
            event.prevent_default()

    def action_command(self, identity: str) -> None:
        """A key that works with a text field focused."""
        self._pressing.run(self.by_id[identity])

    def on_halt_pressed(self, event: HaltPressed) -> None:
        """The button."""
        event.stop()
        self._pressing.run(self.by_id["halt"])

    def on_footer_key(self, event: FooterKey) -> None:
        """A key of the footer was clicked."""
        event.stop()
        for command in self.keymap_.commands:
            if self.keymap_.key_of(command) == event.key and not isinstance(
                self.availability(command, self.situation), No
            ):
                self._pressing.run(command)
                return

    def show_tab(self, number: int) -> None:
        """Where panes are tabs: the one with this number."""
        viewing.show_tab(self, number)

    def on_step_selected(self, event: StepSelected) -> None:
        """A person moved in the list: the cursor is painted first, then what else shows the step."""
        event.stop()
        self.picked = event.step
        self._fresh = True
        self.call_after_refresh(self._tick_once)

    def _tick_once(self) -> None:
        if self._fresh:
            self.tick()

    def start(self, command: Command) -> None:
        """Let a command run beside the screen."""
        began = self._pressing.begin()
        self.run_worker(self._run(command, began), name=command.id, group="command", exit_on_error=True)

    async def _run(self, command: Command, began: float) -> None:
        try:
            await command.run(self)
        finally:
            self._pressing.end(began)

    # -- ending badly

    def _handle_exception(self, error: Exception) -> None:
        """No traceback on the screen: a file in the state folder, one line, and the session goes on."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._note_crash(error)

    def _note_crash(self, error: BaseException) -> None:
        if self.crash is None:
            self.crash = crash.write(error, session=self.link.session.id)
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """Textual's own way out; the same file, the same line."""
        self._note_crash(RuntimeError("; ".join(type(found).__name__ for found in renderables)))


def shown_key(app: QuarterdeckApp, command: str) -> str:
    """The key of a command, as the screen shows it."""
    found = app.keymap_.key_of(app.by_id[command])
    return found or shown(app.by_id[command].key)
