"""The demo's console: the lead's console with a first screen, a last one, and keys that break things.

A process of its own, started by `demo.night` (`python -m quarterdeck.demo.deck`), so that it can be killed. What a
person would have to prepare before Start is done by the demo's own careful lead (`demo.autopilot`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.console.store import StationClient, connect
from quarterdeck.demo.keys import demo_commands
from quarterdeck.demo.world import World
from quarterdeck.errors import QuarterdeckError

if TYPE_CHECKING:
    from textual.screen import Screen

    from quarterdeck.console.app import QuarterdeckApp

__all__ = ["main"]

LOOK = 0.1
"""Seconds between two looks while the night is prepared."""


def main() -> int:
    """Run the console; returns its exit code."""
    parser = argparse.ArgumentParser()
    for name in ("world", "good", "bad"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("layout", "theme"):
        parser.add_argument(f"--{name}", default="")
    for name in ("ascii", "no-mouse", "back"):
        parser.add_argument(f"--{name}", action="store_true")
    asked = parser.parse_args()
    from quarterdeck.console.verbs import run_console

    night = _Night(World(asked.world), asked.good, asked.bad, back=asked.back)
    try:
        return run_console(
            None,
            connect=night.connect_to(night.folder),
            layout=asked.layout,
            theme=asked.theme,
            ascii_glyphs=asked.ascii,
            mouse=not asked.no_mouse,
            extra=demo_commands(night.world, lambda: night.folder),
            first=None if night.is_chosen else night.first,
            made=night.made,
        )
    except QuarterdeckError as error:
        print(f"quarterdeck: {error}", file=sys.stderr)
        return error.exit_code


class _Night:
    """Which night it is, and what the demo does beside the person."""

    def __init__(self, world: World, good: Path, bad: Path, *, back: bool) -> None:
        self.world = world
        self._nights = {"good": good, "bad": bad}
        self._chosen = world.home.folder / "chosen"
        self._back = back
        self._tasks: list[asyncio.Task[None]] = []
        named = self._chosen.read_text() if self._chosen.exists() else ""
        self.is_chosen = bool(named)
        """Whether the first screen has been answered."""
        self.folder = bad if "bad" in named else good

    @staticmethod
    def connect_to(folder: Path) -> Callable[[], Awaitable[StationClient]]:
        """How the console reaches a session."""
        return lambda: connect(folder, via="demo")

    def made(self, app: QuarterdeckApp) -> None:
        """Take the app before it runs: prepare and, at the end, tell."""
        app.call_later(self._begin, app)

    def _begin(self, app: QuarterdeckApp) -> None:
        if self._back:
            app.desk.say("This console was killed with -9 and came back: nothing else noticed")
        if self.is_chosen:
            self._tasks.append(asyncio.create_task(self._prepare(app)))
        self._tasks.append(asyncio.create_task(self._tell_the_end(app)))

    def first(self, app: QuarterdeckApp) -> Screen[object]:
        """The first screen, over the live console."""
        from quarterdeck.demo.screens import Welcome

        return Welcome(self.world, lambda night: self._choose(app, night))

    def _choose(self, app: QuarterdeckApp, night: str) -> None:
        """A night was picked: its session is the console's from now on, and begins."""
        self._chosen.write_text(night)
        self.is_chosen = True
        if self.folder != self._nights[night]:
            self.folder = self._nights[night]
            app.switch(self.connect_to(self.folder))
        self._tasks.append(asyncio.create_task(self._prepare(app)))

    async def _prepare(self, app: QuarterdeckApp) -> None:
        """Checklist, preconditions, Start: what was done before 02:00, by the demo's careful lead."""
        from quarterdeck.demo.autopilot import Orders, next_move

        while True:
            session = app.link.session
            if session.phase != "planned" or session.live_halts():
                return
            move = next_move(session, app.desk.instant().now, Orders()) if session.plan is not None else None
            if move is not None:
                await app.link.ask(move)
            await asyncio.sleep(LOOK)

    async def _tell_the_end(self, app: QuarterdeckApp) -> None:
        """When the session is over: the receipts."""
        from quarterdeck.demo.screens import TheEnd

        while not app.link.session.is_over:  # noqa: ASYNC110 - the console's link has no event for one state
            await asyncio.sleep(1.0)
        stats = await asyncio.to_thread(self.world.stats)
        app.push_screen(TheEnd(app.link.session, stats))


if __name__ == "__main__":
    sys.exit(main())
