"""The other open sessions of this host, as this console watches them beside its own.

A look into the folder of sessions every few seconds, and a connection to each station that lives there and is not
ours; it keeps no station from leaving. Whatever is dead or hangs is waited for beside the console. Must never start
a station, and never ask one for anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from quarterdeck.console.panes.alarms import alarms_of, told
from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.console.store import Link, News, StationClient
from quarterdeck.errors import QuarterdeckError
from quarterdeck.session.state import Session
from quarterdeck.station.wire.client import Client, Linked
from quarterdeck.station.wire.start_station import ADDRESS

__all__ = ["Neighbours"]

SESSIONS = "sessions"
"""The folder in which all sessions of a home lie."""

LOOK = 2.0
"""Seconds between two looks into the folder of sessions."""
PATIENCE = 2
"""Times that a station whose session is not known yet is tried before it is said that it does not answer."""
FRESH = 1.0
"""Seconds for which what was worked out of another session is shown, unless something happened there."""


class _Neighbour:
    """One other session: what is known of it, and the work that keeps it known."""

    def __init__(self, folder: Path, changed: Callable[[], None], shown: Snapshot | None = None) -> None:
        """`shown` is how it was when it was looked at last, where it was."""
        self.folder, self.shown = folder, shown
        self.told: Collection[tuple[str, str]] | None = None
        """Its alarms that this person knows of; None before the first look."""
        self._changed = changed
        self._tries = 0
        self.reach()

    def reach(self) -> None:
        """Connect, once more where it was lost."""
        self.link = Link(self._connect, self._news)
        self._is_new, self._made = True, 0.0
        self._tries += 1
        self.task = asyncio.get_running_loop().create_task(self._follow(), name=f"neighbour {self.folder.name}")

    def _news(self, news: News) -> None:
        if news != "later":
            self._is_new = True
            self._changed()

    async def _connect(self) -> StationClient:
        return await Client.connect(self.folder, start=False, aside=True)

    async def _follow(self) -> None:
        """Take in what its station says, for as long as there is one."""
        try:
            await self.link.run()
        except (QuarterdeckError, OSError, ValueError) as error:
            self.link.take(Linked("hung", str(error)))

    async def leave(self) -> None:
        """Hang up."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if isinstance(self.link.client, Client):
            await self.link.client.close()

    def look(self, instant: Callable[[Session], Instant]) -> Snapshot | None:
        """How it is now; None for what is over, or not known yet."""
        link = self.link
        known = link.caught_up.is_set()
        if not known and self.shown is None and self._tries > PATIENCE:
            link.session.id = self.folder.name  # it is there and says nothing
            known = True
        clock = time.monotonic()
        if known and (self._is_new or clock - self._made >= FRESH):
            self._is_new, self._made = False, clock
            self.shown = Snapshot.of(link, instant(link.session), self.shown)
        return None if self.shown is None or self.shown.session.is_over else self.shown


class Neighbours:
    """All of them."""

    def __init__(self, instant: Callable[[Session], Instant], changed: Callable[[], None]) -> None:
        """`instant` says what time it is in a session; `changed` is called when something is new."""
        self._instant, self._changed = instant, changed
        self._all: dict[Path, _Neighbour] = {}

    async def run(self, here: Callable[[], Path | None]) -> None:
        """Look, again and again. `here` is the folder of the session on screen."""
        while True:
            folder = here()
            if folder is not None and folder.parent.name == SESSIONS:
                try:
                    held = await asyncio.to_thread(_held, folder.parent)
                except OSError:
                    held = set(self._all)  # what is known goes on being watched
                await self._meet(held, here())
            await asyncio.sleep(LOOK)

    async def _meet(self, held: set[Path], here: Path | None) -> None:
        for folder, known in list(self._all.items()):
            ended = known.task.done()
            gone = folder not in held and (ended or known.shown is not None)
            if folder == here or (gone and not _is_missed(known.shown)):
                del self._all[folder]
                await known.leave()
            elif ended and folder in held:
                known.reach()
        for folder in held - {here} - self._all.keys():
            self._all[folder] = _Neighbour(folder, self._changed)

    def left(self, folder: Path, shown: Snapshot | None) -> None:
        """The session on screen was another one until now, and looked so: it is a neighbour from here on."""
        if folder not in self._all and folder.parent.name == SESSIONS:
            self._all[folder] = _Neighbour(folder, self._changed, shown)

    def look(self, here: Path | None) -> tuple[Snapshot, ...]:
        """How each is that is open and not on screen, by the names of their folders."""
        known = (found.look(self._instant) for folder, found in sorted(self._all.items()) if folder != here)
        return tuple(shown for shown in known if shown is not None)

    def take_alarms(self) -> list[str]:
        """What began since the last call, in words; nothing of what was so when a session came into view."""
        said = []
        for found in self._all.values():
            if found.shown is None or found.shown.session.is_over:
                continue
            now = alarms_of(found.shown)
            if found.told is not None:
                said += [told(found.shown, words) for alarm, words in now.items() if alarm not in found.told]
            found.told = now.keys()
        return said

    async def close(self) -> None:
        """Hang up everywhere."""
        found: Sequence[_Neighbour] = [*self._all.values()]
        self._all.clear()
        for neighbour in found:
            await neighbour.leave()


def _held(sessions: Path) -> set[Path]:
    """The sessions whose stations live."""
    from quarterdeck.logbook.lock import is_held

    return {
        folder
        for folder in sessions.iterdir()
        if (folder / ADDRESS).is_file() and not folder.is_symlink() and is_held(folder / "lock")
    }


def _is_missed(shown: Snapshot | None) -> bool:
    """Whether nobody sees to work that should go on: its station is gone, and it is not over."""
    return shown is not None and shown.session.is_live_session
