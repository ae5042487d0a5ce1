"""The session's log as the station's loop sees it: append now, know later that it is durable.

It turns the logbook's thread futures into awaitables, and clocks into moments. It decides nothing and keeps nothing
of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from quarterdeck.errors import UsageError
from quarterdeck.host import boot_clock_ns, boot_id
from quarterdeck.logbook.event_store import EventStore
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.logbook.writer import Health
from quarterdeck.observer.messages import Reading
from quarterdeck.session.event import Actor, Blob, Event, Moment
from quarterdeck.session.events import Draft, ReplicaBurned
from quarterdeck.session.fold import Folding
from quarterdeck.session.parts import Watch

__all__ = ["Journal", "Kept", "moment"]


@lru_cache(maxsize=1)
def _boot() -> str:
    return boot_id()


def moment() -> Moment:
    """Now, on both clocks."""
    wall = time.time()
    local = time.localtime(wall)
    return Moment(
        wall=wall, boot=_boot(), bt_ns=boot_clock_ns(), off=(local.tm_gmtoff or 0) // 60, tz=local.tm_zone or ""
    )


def _unrecorded(durable: concurrent.futures.Future[Health]) -> asyncio.Future[str]:
    """Empty when it is on disk, else why it is not. One hop from the logbook's thread to who waits."""
    loop = asyncio.get_running_loop()
    known: asyncio.Future[str] = loop.create_future()

    def answer(health: Health) -> None:
        if not known.done():  # who waited may have been called off
            bad = [f"{name}: {state}" for name, state in health.recorders.items() if state != "ok"]
            known.set_result("; ".join(bad) if health.level == "red" else "")

    def hear(done: concurrent.futures.Future[Health]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be closed already
            loop.call_soon_threadsafe(answer, done.result())

    durable.add_done_callback(hear)
    return known


class Kept(NamedTuple):
    """Events that were just made."""

    events: list[Event]
    end: int
    """How many events the session has with them."""
    durable: asyncio.Future[str]
    """Empty when they are on disk, else why they are not."""


class Journal:
    """One session's log."""

    def __init__(self, log: SessionLog) -> None:
        self.log = log
        self._recorders: dict[str, str] = {}

    @property
    def events(self) -> EventStore:
        """All events with their bytes, in the order this station learned of them."""
        return self.log.events

    def folding(self) -> Folding:
        """What all events make; see `SessionLog.folding`. Reads them all, but for the first time."""
        return self.log.folding()

    @property
    def saved(self) -> int:
        """How many of them are durable."""
        return self.log.saved

    @property
    def read_only(self) -> str:
        """Why nothing may be written, or nothing."""
        return self.log.read_only

    @property
    def is_doubtful(self) -> bool:
        """Whether what is appended now may well not be recorded: ask `refuses` first."""
        return self.log.is_doubtful

    async def refuses(self, *, urgent: bool) -> str:
        """Why nothing can be recorded at the moment, or nothing; both recorders have just tried."""
        return await _unrecorded(self.log.try_again(urgent=urgent))

    def changed_recorders(self) -> dict[str, str]:
        """Recorders that were lost or came back since the last call, to how they are: the record says so too."""
        now = self.log.health()
        before, self._recorders = self._recorders, now
        return {name: state for name, state in now.items() if state != before.get(name, "ok")}

    def append(self, drafts: Sequence[Draft], by: Actor, plan: str, *, urgent: bool) -> Kept:
        """Stamp; durable later. LogbookError where the session may not be written."""
        made = self.log.append(drafts, by, plan, urgent)
        return Kept(made.events, made.end, _unrecorded(made.durable))

    def show(self, end: int) -> None:
        """Events are shown before they are durable."""
        self.log.show(end)

    def take_back(self, begin: int, why: str) -> ReplicaBurned | None:
        """Drop events that could not be recorded; see `SessionLog.take_back`."""
        return self.log.take_back(begin, why)

    def store(self, path: str, clean: Callable[[Iterable[bytes]], Iterable[bytes]]) -> Blob:
        """Keep a file as a blob, a text as `clean` leaves it. Blocks; QuarterdeckError where it cannot be kept."""
        whole = Path(path).expanduser()
        if not whole.is_absolute():
            raise UsageError("A file for evidence needs its whole path", hint="begin it with / or ~")
        return self.log.store_blob(whole, whole.name, clean)

    def add_samples(self, readings: list[Reading]) -> None:
        """Keep a batch of readings; a session that may not be written keeps none."""
        if not self.read_only:
            self.log.append_samples(readings)

    def watch(self, snapshot: dict[str, float | str | None]) -> Watch:
        """What an event says of the samples up to now."""
        return self.log.watch(snapshot)
