"""A session's log, owned: what the station appends to, and what a verb opens where no station lives.

Events are stamped at once in the caller, so that it can fold them at once; they become durable in the logbook's
threads. Must never be opened twice (a lock sees to that) and never decide what happens.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from quarterdeck.errors import LogbookError
from quarterdeck.logbook import sqlite
from quarterdeck.logbook.blobs import Clean, store_blob
from quarterdeck.logbook.chain import Problem, Stamper
from quarterdeck.logbook.disk import Disk
from quarterdeck.logbook.folder import SessionFolder
from quarterdeck.logbook.lock import Lock
from quarterdeck.logbook.protocol import SampleBatch, StoredEvent
from quarterdeck.logbook.recovery import Opened, open_recorders
from quarterdeck.logbook.samples import SampleBook
from quarterdeck.logbook.writer import OK, Health, Reserve, Writer
from quarterdeck.session.event import Actor, Blob, Event, Moment, digest
from quarterdeck.session.events import Draft, ReplicaBurned
from quarterdeck.session.fold import Folding
from quarterdeck.session.parts import Watch

__all__ = ["Appended", "Seams", "SessionLog"]

_CLOSING = 30.0
"""Seconds that closing waits for a disk that does not answer."""


class Seams(Struct, frozen=True):
    """What tests put their own in place of."""

    disk: Disk = msgspec.field(default_factory=Disk)
    connector: Callable[[Path], Any] = sqlite.connect
    new_replica: Callable[[], str] = lambda: secrets.token_hex(4)


class Appended(Struct, frozen=True):
    """Events that were just made."""

    events: list[Event]
    raws: list[bytes]
    end: int
    """How many events the session has with them."""
    durable: Future[Health]
    """Done when one recorder has them; its result is the health then, red where neither has. Never fails."""


class SessionLog:
    """An open session, owned by this process."""

    def __init__(
        self,
        opened: Opened,
        lock: Lock,
        place: SessionFolder,
        *,
        moment: Callable[[], Moment],
        on_health: Callable[[Health], None],
        seams: Seams,
    ) -> None:
        """Use `open`."""
        disk = seams.disk
        self.events = opened.taken.store
        """All events in order of arrival, with their bytes. Grows by `append`, shrinks by `take_back`, and by these
        alone."""
        self._folding: Folding | None = opened.taken.folding
        self.replica = opened.replica
        self.read_only = opened.read_only
        """Why nothing may be appended, for a person; empty: it may."""
        self.problems: tuple[Problem, ...] = tuple(opened.problems)
        """What was found wrong at opening."""
        self.held = opened.verified.held
        """Events behind a gap or a fork: kept, not applied."""
        self.folder = place.path
        self.place = place
        self._lock = lock
        self._moment = moment
        self._disk = disk
        self._new_replica = seams.new_replica
        self._guard = threading.Lock()
        self._reopening = threading.Lock()
        self._showing = threading.Lock()
        self._shown = 0
        session = place.id
        lamport = max([opened.taken.folding.session.lamport, *(event.lamport for event, _ in self.held)])
        self._stamper = Stamper(session, self.replica, opened.verified.chains, lamport)
        self._samples = self._sample_book(opened)
        self._states = opened.states
        self._writer: Writer | None = None
        if not self.read_only:
            reserve = Reserve(place.reserve, disk)
            reserve.make()
            self._writer = Writer(
                [(opened.recorder, opened.states["recorder"]), (opened.book, opened.states["logbook"])],
                everything=self._everything,
                count=len(self.events),
                reserve=reserve,
                on_health=on_health,
                before_reopening=self._before_reopening,
                show=self.show,
            )

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        session_id: str,
        actor: Actor,
        moment: Callable[[], Moment],
        on_health: Callable[[Health], None] = lambda _: None,
        recorder_dir: Path | None = None,
        seams: Seams | None = None,
    ) -> SessionLog:
        """Open a session's folder, or make it.

        Blocks for some fsyncs. `on_health` is called from the logbook's threads whenever a recorder fails or comes
        back. What opening found and repaired is appended as `actor`'s events. Raises LogbookError: owned by another
        process, a network file system, no place to write.
        """
        seams = seams or Seams()
        if session_id != folder.name:
            raise LogbookError(f"The folder is not that of the session {session_id}", where=str(folder))
        place = SessionFolder.of(folder, recorder_dir)
        sqlite.require_sqlite()
        before = os.umask(0o077)
        try:
            place.prepare()
            lock = Lock.take(place.lock)
            try:
                opened = open_recorders(
                    place, session_id, new_replica=seams.new_replica, disk=seams.disk, connector=seams.connector
                )
                log = cls(opened, lock, place, moment=moment, on_health=on_health, seams=seams)
            except BaseException:
                lock.release()
                raise
        finally:
            os.umask(before)
        if opened.news and not log.read_only:
            plan = log.events[-1][0].plan if log.events else ""
            made = log.append([Draft(data=news) for news in opened.news], actor, plan)
            opened.taken.folding.extend(made.events)
        return log

    def folding(self) -> Folding:
        """What all events make, for who adds what comes: the first time that which opening made."""
        made, self._folding = self._folding, None
        if made is not None and made.session.count == len(self.events):
            return made
        return Folding(self.events.events(), self.events.events)

    # ------------------------------------------------------------ events

    def append(self, drafts: Sequence[Draft], by: Actor, plan_hash: str, urgent: bool = False) -> Appended:
        """Make events of drafts, at once; they are durable when the future says so.

        `urgent` (halt, rollback, notes): may use the reserve of a full disk. A `Watch` in a draft keeps its snapshot
        and gets the digest of this moment. LogbookError where the session is read-only or closed.
        """
        writer = self._writable()
        with self._guard:
            drafts = [self._with_watch(draft) for draft in drafts]
            made = self._stamper.stamp(drafts, by, self._moment(), plan_hash)
            stored = [each for _, each in made]
            for event, each in made:
                self.events.append(event, each.raw)
            end = len(self.events)
            durable = writer.put(stored, (), end=end, urgent=urgent)
        return Appended([event for event, _ in made], [each.raw for each in stored], end, durable)

    def take_back(self, begin: int, why: str) -> ReplicaBurned | None:
        """Drop the events from position `begin` on, none of which is durable; None where one of them is, after all.

        Whether a recorder has taken some of them is unknown, so their ids are never used again and they never count:
        the session goes on as another replica. A file says so at once, for a station that is killed before an event
        can. Returns what has to be recorded first.
        """
        writer = self._writable()

        def drop() -> None:
            with self._reopening:
                self.events.drop(begin)

        with self._guard:
            if not writer.forget(begin, drop):
                return None
            old = self.replica
            last = next((event.aseq for event, _ in reversed(self.events) if event.replica == old), 0)
            with contextlib.suppress(OSError):  # a disk that takes no name has taken none of these events
                self.place.mark("burned", old, last)
            self.replica = self._new_replica()
            self._stamper.go_on_as(self.replica, last)
            self._samples = SampleBook(self.replica)
            self._shown = min(self._shown, begin)
        return ReplicaBurned(old=old, last=last, why=why)

    def show(self, end: int) -> None:
        """The first `end` events are durable or shown: should both recorders lose them, their ids are used up."""
        event, _ = self.events[end - 1]
        with self._showing, contextlib.suppress(OSError):  # a disk that takes no name: damage shows for itself mostly
            if end > self._shown:
                self._shown = end
                self.place.mark("shown", event.replica, event.aseq)

    def try_again(self, *, urgent: bool) -> Future[Health]:
        """Let both recorders try whether they can write; done as that of `append`."""
        return self._writable().put((), (), end=0, urgent=urgent)

    @property
    def is_doubtful(self) -> bool:
        """Whether what is appended now may well not be recorded."""
        writer = self._writer
        return writer is not None and (writer.reserve.released or writer.health().level == "red")

    @property
    def saved(self) -> int:
        """So many of `events`, from the first on, are durable (R26)."""
        return self._writer.saved if self._writer else len(self.events)

    # ------------------------------------------------------------ samples and blobs

    def append_samples(self, readings: Sequence[Struct]) -> SampleBatch:
        """Keep readings that were taken together; durable with the next events or soon after."""
        writer = self._writable()
        with self._guard:
            batch = self._samples.batch(readings)
            writer.put((), (batch,), end=0, urgent=False)
        return batch

    def watch(self, snapshot: Mapping[str, float | str | None]) -> Watch:
        """What an event says of the samples since the last one; `append` brings the digest up to date."""
        with self._guard:
            return self._samples.watch(snapshot)

    def store_blob(self, source: Path | bytes, name: str, clean: Clean | None = None) -> Blob:
        """Store a file durably, a text as `clean` leaves it. Blocks (use a thread). LogbookError where it cannot."""
        self._writable()
        return store_blob(self.place.blobs, source, name, self._disk, clean)

    # ------------------------------------------------------------ health, end

    def keep_lock(self) -> None:
        """Take the lock again where its file was deleted. Blocks. OwnedError where another process has it now."""
        with self._reopening:
            if self.folder.is_dir():  # where all is gone, the recorders make it again when they are written
                self._lock.renew()

    def health(self) -> dict[str, str]:
        """`logbook` and `recorder`: `ok`, or why not."""
        return dict(self._writer.health().recorders if self._writer else self._states)

    def level(self) -> str:
        """`green` (both recorders), `amber` (one), `red` (none); `read_only`."""
        return self._writer.health().level if self._writer else "read_only"

    @property
    def left(self) -> float:
        """When the owner before said last that it lived, epoch seconds."""
        return self._lock.left

    def beat(self) -> None:
        """Say that the owner lives, for who opens it next."""
        self._lock.beat()

    def close(self) -> bool:
        """Write what waits and let the session go; False where a disk did not answer for half a minute."""
        writer, self._writer = self._writer, None
        done = writer.close(_CLOSING) if writer else True
        if not self.read_only:
            self.read_only = "The session's log is closed"
        self._lock.release()
        return done

    # ------------------------------------------------------------ own

    def _writable(self) -> Writer:
        if self._writer is None:
            raise LogbookError(self.read_only, where=str(self.folder))
        return self._writer

    def _with_watch(self, draft: Draft) -> Draft:
        watch = getattr(draft.data, "watch", None)
        if not isinstance(watch, Watch):
            return draft
        fresh: Any = msgspec.structs.replace(draft.data, watch=self._samples.take(watch))
        return msgspec.structs.replace(draft, data=fresh)

    def _sample_book(self, opened: Opened) -> SampleBook:
        named = opened.taken.named[self.replica]
        if opened.read_only or opened.states["logbook"] != OK:
            return SampleBook(self.replica, named)
        return SampleBook(self.replica, named, opened.book.batch_hashes(self.replica, named))

    def _everything(self, begin: int) -> list[StoredEvent]:
        """The events from position `begin` on as stored, for a recorder that failed."""
        with self._reopening:
            new = self.events[begin:]
        return [StoredEvent(event.replica, event.aseq, digest(raw), raw) for event, raw in new]

    def _before_reopening(self) -> None:
        """The state folder may have been deleted under us."""
        with self._reopening:
            if not self._lock.is_ours():
                self.place.prepare()
                self._lock.renew()
