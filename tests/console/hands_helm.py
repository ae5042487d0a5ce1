"""A console over a station in memory, at the helm of a test."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from fake_station import FakeStation
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from quarterdeck.console.app import Look, QuarterdeckApp
from quarterdeck.console.forms import Form
from quarterdeck.console.keys import Keymap
from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.observer.messages import Reading
from quarterdeck.session.intents import Intent

__all__ = ["Helm", "helm", "waits_for_a_tick"]

Asked = TypeVar("Asked")


def waits_for_a_tick(app: QuarterdeckApp) -> bool:
    """Whether a tick is due, or a step was picked that none has shown yet."""
    shown, picked = app.desk.shown, app.desk.picked
    return app._due or (bool(picked) and shown is not None and shown.selected != picked)


class Helm:
    """Presses keys, and looks at what became of them."""

    def __init__(self, app: QuarterdeckApp, pilot: Pilot[int], station: FakeStation) -> None:
        self.app, self.pilot, self.station = app, pilot, station

    async def press(self, *keys: str) -> None:
        """Press, with time enough between them that none counts as a double."""
        for key in keys:
            self.app.keys._last.clear()
            self.app.keys._ahead_of = self.app.desk.refused = -math.inf
            await self.strike(key)

    async def strike(self, *keys: str) -> None:
        """Press, as fast as it goes. (The pilot's own press waits for an idle processor, which tests never have.)"""
        for key in keys:
            self.app.post_message(self.key(key))
        await self.settle()

    async def reads(self, *readings: Reading) -> None:
        """The station reads these, and a tick shows them."""
        self.station.reads(*readings)
        await self.settle()
        self.app.tick()
        await self.settle()

    @staticmethod
    def key(key: str) -> events.Key:
        """The event of one key, by its character or its name."""
        character = key if len(key) == 1 else {"enter": "\r"}.get(key)
        return events.Key(_character_to_key(key) if len(key) == 1 else key, character)

    async def write(self, text: str, enter: bool = True) -> None:
        """Into the text field that has the focus; letter by letter would take tests seconds."""
        field = self.app.screen.focused
        assert isinstance(field, Input), f"no text field has the focus: {field}"
        field.value += text
        await self.settle()
        if enter:
            await self.press("enter")

    async def settle(self) -> None:
        """Let everything that is under way come to rest."""
        for number in range(500):
            await self.pilot._wait_for_screen()
            await self.app.animator.wait_until_complete()
            await asyncio.sleep(0.004)
            if number >= 3 and self._is_at_rest():
                return

    def _is_at_rest(self) -> bool:
        """Whether no message, callback or tick waits, and nothing is to be laid out or painted."""
        front, screens = self.app.screen, self.app.screen_stack
        nodes = [self.app, *screens, *(node for screen in screens for node in screen.walk_children())]
        waits = any(node.message_queue_size or node._next_callbacks for node in nodes)
        due = any(getattr(front, name, None) for name in ("_layout_required", "_callbacks", "_dirty_widgets"))
        return not (waits or due or waits_for_a_tick(self.app))

    def wrong(self, field: str) -> str:
        """What the bar says is wrong with this field; with an empty name, with the whole."""
        name, why = getattr(self.app.screen, "wrong", ("", ""))
        return str(why) if name == field else ""

    @property
    def asks(self) -> bool:
        """Whether a bar is open."""
        return isinstance(getattr(self.app.screen, "form", None), Form)

    @property
    def form(self) -> Form:
        """Of the bar that is open."""
        found = getattr(self.app.screen, "form", None)
        assert isinstance(found, Form), f"no bar is open but {self.app.screen}"
        return found

    @property
    def title(self) -> str:
        return self.form.title if self.asks else ""

    @property
    def snapshot(self) -> Snapshot:
        """What is painted."""
        found = self.app.desk.shown
        assert found is not None
        return found

    @property
    def state(self) -> str:
        return self.station.session.state

    def step(self, identity: str) -> str:
        return self.station.session.steps[identity].state

    @property
    def log(self) -> list[str]:
        return [line.text for line in self.app.link.log]

    @property
    def said(self) -> list[str]:
        """What this console said by itself, as its log keeps it."""
        return [line.text for line in self.app.link.log if line.kind == "notice"]

    def asked(self, kind: type[Asked]) -> list[Asked]:
        return [intent for intent in self.station.asked if isinstance(intent, kind)]

    @property
    def screen(self) -> Screen[object]:
        return self.app.screen


@asynccontextmanager
async def helm(
    *done: Intent,
    station: FakeStation | None = None,
    size: tuple[int, int] = (120, 36),
    keymap: Keymap | None = None,
    look: Look | None = None,
) -> AsyncIterator[Helm]:
    """A console of a session in which `done` has happened."""
    there = station or FakeStation()
    there.must(*done)
    app = QuarterdeckApp(there.connect, look, keymap=keymap)
    app.desk.instant = lambda: Instant(there.now, there.wall, 0.0)  # type: ignore[method-assign]  # the fake's clock stands still
    async with app.run_test(size=size, notifications=True) as pilot:
        found = Helm(app, pilot, there)
        await app.link.caught_up.wait()
        await found.settle()
        app.tick()
        await found.settle()
        yield found
