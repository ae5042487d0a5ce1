"""The logbook's own threads: one lane for each recorder, with group commit, so that a sync never stops the station.

An event is acknowledged when one recorder has it durably; a slow or dead one does not hold up the other. A recorder
that failed is reopened, asked what it holds, and given what is missing. Must never lose an event that it was given
while the process lives, and must never report one as durable that no recorder has synced.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Literal

from msgspec import Struct

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.disk import Disk, write_all
from quarterdeck.logbook.protocol import Logbook, RecorderError, SampleBatch, StoredEvent
from quarterdeck.spans import span

__all__ = ["OK", "Health", "Reserve", "Writer"]

OK = "ok"

_FOLLOWS = 0.003
"""Seconds that the second recorder waits for more, so that a burst costs it one commit."""

_HEAD_START = 0.02
"""Seconds that it gives the first one after that, where it has not answered yet."""

_SLOW = 2.0
"""Seconds after which a recorder that does not answer is called slow."""

_KEPT_BATCHES = 2000
"""Batches of samples that wait for a dead recorder."""

_BACKOFF = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two tries of a dead recorder that nobody asks for anything."""


class Health(Struct, frozen=True):
    """How recording is."""

    level: Literal["green", "amber", "red"]
    """Green: both recorders. Amber: recording on one. Red: what happens now is not durable."""
    recorders: dict[str, str]
    """`logbook` and `recorder`: `ok`, or why not."""


class Reserve:
    """Room that is given free when the disk is full, for halt, rollback and notes."""

    SIZE = 2**20
    ROOM = 8 * 2**20
    """Free bytes from which on the disk counts as not full."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self._path = path
        self._disk = disk or Disk()
        self._guard = threading.Lock()
        self.released = False

    def make(self) -> None:
        """Lay the room aside, where there is enough for that."""
        with self._guard, contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size == self.SIZE:
                self.released = False
                return
            if self._free() < self.ROOM:
                return
            fd = self._disk.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            try:
                write_all(self._disk, fd, os.urandom(self.SIZE))  # noise: zeros may be stored as nothing
                self._disk.sync(fd)
            finally:
                os.close(fd)
            self.released = False

    def release(self) -> bool:
        """Give the room free; False where there was none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        self.released = True
        return True

    def is_for_urgent_only(self) -> bool:
        """Whether what is left of the room has to be kept; takes new room where the disk has some again."""
        if not self.released:
            return False
        try:
            if self._free() < self.ROOM:
                return True
        except OSError:
            return True
        self.make()
        return False

    def _free(self) -> int:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize


class Job:
    """Something to be made durable, on its way through both lanes."""

    def __init__(
        self,
        events: Sequence[StoredEvent],
        batches: Sequence[SampleBatch],
        *,
        end: int,
        urgent: bool,
        lanes: int,
        generation: int,
    ) -> None:
        """`end`: how many events the session has after these; `generation`: see `Writer.forget`."""
        self.events = events
        self.batches = batches
        self.end = end
        self.generation = generation
        self.urgent = urgent
        self.durable: Future[Health] = Future()
        self.durable.set_running_or_notify_cancel()  # nobody can call off what is being written
        self._open = lanes
        self._guard = threading.Lock()

    def settle(self, health: Callable[[], Health], *, saved: bool) -> None:
        """One lane is through with it. The first that saved it answers; all that failed answer red."""
        with self._guard:
            self._open -= 1
            if not self.durable.done() and (saved or self._open == 0):
                found = health()
                if not saved:
                    found = Health("red", found.recorders)
                self.durable.set_result(found)


class Lane:
    """The thread of one recorder."""

    def __init__(self, book: Logbook, writer: Writer, state: str, leader: Lane | None) -> None:
        """`leader`: the lane that goes first while it is sound."""
        self.name = book.name
        self.state = state
        """`ok`, or why not."""
        self.confirmed = 0
        """So many of the session's events, from the first on, are durable here."""
        self.busy_since = 0.0
        self._book = book
        self._writer = writer
        self._leader = leader
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._batches: deque[SampleBatch] = deque(maxlen=_KEPT_BATCHES)
        self._failures = 0
        self._full = False
        self._thread = threading.Thread(target=self._run, name=f"quarterdeck-{self.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, job: Job | None) -> None:
        """Hand over work; None: finish and close."""
        self._jobs.put(job)

    def join(self, timeout: float) -> bool:
        """Whether it finished in that many seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        going = True
        while going:
            jobs, going = self._gather()
            self.busy_since = time.monotonic()
            generation = self._writer.generation
            current = [job for job in jobs if job.generation == generation]
            try:
                why = self._write(current, [batch for job in jobs for batch in job.batches])
            except Exception as error:  # noqa: BLE001 - the boundary of a thread: a lane that dies would acknowledge nothing for ever
                why = f"{type(error).__name__}: {error}"
            self._failures = self._failures + 1 if why else 0
            changed = (why or OK) != self.state
            self.state = why or OK
            end = max((job.end for job in current), default=0)
            saved = not why and self._writer.confirm(self, generation, end)
            if saved and end and self.name == "logbook":  # it says so on the logbook's disk: the other waits for none
                self._writer.show(end)
            self.busy_since = 0.0
            if changed:
                self._writer.changed()
            for job in jobs:
                job.settle(self._writer.health, saved=saved and job.generation == generation)
        self._book.close()

    def _gather(self) -> tuple[list[Job], bool]:
        """All that waits: one group, and whether more may come.

        While the recorder is dead an empty group now and then, to try it. Two syncs at once slow each other down, a
        halt's too, so while the leader is sound it answers first, and this lane follows with what came since.
        """
        wait = _BACKOFF[min(max(self._failures, 1), len(_BACKOFF)) - 1] if self.state != OK else None
        jobs, going = self._drain(timeout=wait)
        leader = self._leader
        if jobs and going and leader is not None and leader.state == OK:
            time.sleep(_FOLLOWS)  # no waiting on the answer yet, which would wake two threads at once
            with contextlib.suppress(TimeoutError):
                jobs[-1].durable.result(_HEAD_START)
            more, going = self._drain(timeout=0.0)
            jobs += more
        return jobs, going

    def _drain(self, *, timeout: float | None) -> tuple[list[Job], bool]:
        """What is in the queue, after waiting for the first of it; False with the order to finish."""
        jobs: list[Job] = []
        with contextlib.suppress(queue.Empty):
            found = self._jobs.get(timeout=timeout)
            while found is not None:
                jobs.append(found)
                found = self._jobs.get_nowait()
            return jobs, False
        return jobs, True

    def _write(self, jobs: Sequence[Job], batches: Sequence[SampleBatch]) -> str:
        """Make them durable; returns why not, or nothing."""
        urgent = any(job.urgent for job in jobs)
        self._batches.extend(batches)
        if not urgent and self._writer.reserve.is_for_urgent_only():
            return "The disk is full: what is left is kept for halt, rollback and notes"
        if self.state == OK:
            new = [event for job in jobs for event in job.events if not self._book.holds(event)]
            try:
                self._book.append(new, list(self._batches))
            except LogbookError as error:
                self._note(error, urgent)
            else:
                self._batches.clear()
                return ""
        why = self._revive()
        if why and self._full and urgent:
            self._writer.reserve.release()  # where the other lane just has, there is room all the same
            why = self._revive()
        return why

    def _note(self, error: LogbookError, urgent: bool) -> None:
        self._full = isinstance(error, RecorderError) and error.full
        if self._full and urgent:
            self._writer.reserve.release()

    def _revive(self) -> str:
        """Reopen, see what is there, write what is missing: right whether or not the failed commit came through."""
        generation = self._writer.generation
        try:
            self._writer.before_reopening()
            self._book.reopen()
            held = sum(head.aseq for head in self._book.chains().values())
            begin = self.confirmed if held >= self.confirmed else 0  # it may be another file by now
            later = self._writer.everything(begin)
            batches = [] if self._writer.reserve.released else list(self._batches)
            self._book.append([event for event in later if not self._book.holds(event)], batches)
        except LogbookError as error:
            self._full = isinstance(error, RecorderError) and error.full
            return error.message
        self._full = False
        self._writer.confirm(self, generation, begin + len(later))
        if batches:
            self._batches.clear()
        return ""


class Writer:
    """Both lanes."""

    def __init__(
        self,
        books: Sequence[tuple[Logbook, str]],
        *,
        everything: Callable[[int], Sequence[StoredEvent]],
        count: int,
        reserve: Reserve,
        on_health: Callable[[Health], None],
        before_reopening: Callable[[], None],
        show: Callable[[int], None],
    ) -> None:
        """Start the lanes.

        `books`: each recorder with its state, the fastest first. `everything`: all events from a position on, for a
        recorder that lost some. `count`: how many there are now. `show` hears how many the logbook has, before it
        acknowledges them.
        """
        self.everything = everything
        self.reserve = reserve
        self.before_reopening = before_reopening
        self.show = show
        self.generation = 0
        """How often events were forgotten: what was given to the lanes before that is nobody's any more."""
        self._guard = threading.Lock()
        self._on_health = on_health
        (first, first_state), *others = books
        leader = Lane(first, self, first_state, None)
        self._lanes = [leader, *(Lane(book, self, state, leader) for book, state in others)]
        for lane in self._lanes:
            lane.confirmed = count if lane.state == OK else 0
            lane.start()

    def put(
        self, events: Sequence[StoredEvent], batches: Sequence[SampleBatch], *, end: int, urgent: bool
    ) -> Future[Health]:
        """Give work to both lanes; the future is done when one of them has it, or when both failed (red)."""
        job = Job(events, batches, end=end, urgent=urgent, lanes=len(self._lanes), generation=self.generation)
        for lane in self._lanes:
            lane.put(job)
        return job.durable

    def forget(self, begin: int, drop: Callable[[], None]) -> bool:
        """Let `drop` remove the session's events from position `begin` on; False where one of them is durable.

        A lane that is just writing them may go on: what it writes counts nowhere.
        """
        with self._guard:
            if self.saved > begin:
                return False
            self.generation += 1
            drop()
            return True

    def confirm(self, lane: Lane, generation: int, end: int) -> bool:
        """Events up to `end` are durable in a lane; False where they were forgotten meanwhile."""
        with self._guard:
            if generation == self.generation:
                lane.confirmed = max(lane.confirmed, end)
            return generation == self.generation

    def health(self) -> Health:
        """How recording is now; a lane that has not answered for 2 s counts as slow."""
        now = time.monotonic()
        states = {}
        for lane in self._lanes:
            since = lane.busy_since
            slow = lane.state == OK and since and now - since > _SLOW
            states[lane.name] = f"no answer from its disk for {span(now - since)}" if slow else lane.state
        sound = sum(state == OK for state in states.values())
        return Health("green" if sound == len(states) else "amber" if sound else "red", states)

    def changed(self) -> None:
        """A lane's state changed; tell, from that lane's thread."""
        with contextlib.suppress(RuntimeError):  # the listener's loop may be closed already
            self._on_health(self.health())

    @property
    def saved(self) -> int:
        """So many of the session's events, from the first on, are durable on one recorder at least."""
        return max(lane.confirmed for lane in self._lanes)

    def close(self, timeout: float) -> bool:
        """Write what waits, close both; False where a disk did not answer in time."""
        for lane in self._lanes:
            lane.put(None)
        end = time.monotonic() + timeout
        through = [lane.join(max(0.0, end - time.monotonic())) for lane in self._lanes]
        return all(through)
