"""Sessions to write to, disks and connections that fail on purpose, and ways to hurt a file."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

from quarterdeck.logbook import sqlite
from quarterdeck.logbook.disk import Disk
from quarterdeck.logbook.session_log import Seams, SessionLog
from quarterdeck.logbook.writer import Health
from quarterdeck.session.event import Actor, Event, Moment
from quarterdeck.session.events import Draft, HaltCalled, NoteAdded

SESSION = "2026-11-29-rebuild-orders-index-kfwz"
ME = Actor(login="ada", uid=1000)


def moment() -> Moment:
    return Moment(wall=1_795_000_000.0, boot="b", bt_ns=5)


def note(text: str) -> Draft:
    return Draft(data=NoteAdded(text=text))


HALT = Draft(data=HaltCalled(nonce="n1", reason="smoke"))


class Night:
    """A state folder, and the session in it, opened and closed as often as a test likes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "sessions" / SESSION
        self.healths: list[Health] = []
        self._changed = threading.Condition()
        self.logs: list[SessionLog] = []

    def open(self, seams: Seams | None = None, **options: Any) -> SessionLog:
        log = SessionLog.open(
            self.folder, session_id=SESSION, actor=ME, moment=moment, on_health=self._hear, seams=seams, **options
        )
        self.logs.append(log)
        return log

    def _hear(self, health: Health) -> None:
        with self._changed:
            self.healths.append(health)
            self._changed.notify_all()

    def wait_for(self, level: str, timeout: float = 20.0) -> Health:
        """Wait until recording is heard to be `level`."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(health.level == level for health in self.healths), timeout)
            return next(health for health in self.healths if health.level == level)

    @property
    def database(self) -> Path:
        return self.folder / "logbook.db"

    @property
    def wal(self) -> Path:
        return self.folder / "logbook.db-wal"

    @property
    def recorder(self) -> Path:
        return self.home / "recorder" / f"{SESSION}.jsonl"

    def copy_to(self, home: Path) -> Night:
        """A copy as a backup makes it: other inodes, and, while the session is open, as after a crash."""
        shutil.copytree(self.home, home)
        return Night(home)

    def close(self) -> None:
        for log in self.logs:
            log.close()


def write(log: SessionLog, count: int, name: str = "note") -> list[bytes]:
    """Append notes, each acknowledged; their bytes."""
    raws: list[bytes] = []
    for number in range(count):
        appended = log.append([note(f"{name} {number}")], ME, "plan")
        assert appended.durable.result(20).level != "red"
        raws += appended.raws
    return raws


def raws_of(log: SessionLog) -> list[bytes]:
    return [raw for _, raw in log.events]


def kinds_of(log: SessionLog) -> list[str]:
    return [event.kind for event, _ in log.events]


def texts(events: list[tuple[Event, bytes]]) -> list[bytes]:
    return [raw for _, raw in events]


class FailingDisk(Disk):
    """Lets a call fail while told to; counts calls."""

    def __init__(self) -> None:
        self.failing: dict[str, int] = {}
        """Name of a call to how often it still fails; -1: for ever."""
        self.error = errno.EIO
        self.calls: dict[str, int] = {}
        self.short = False

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1
        left = self.failing.get(name, 0)
        if left:
            self.failing[name] = left - 1 if left > 0 else left
            raise OSError(self.error, os.strerror(self.error))

    def write(self, fd: int, data: bytes) -> int:
        self._count("write")
        return super().write(fd, data[: max(1, len(data) // 3)] if self.short else data)

    def sync(self, fd: int) -> None:
        self._count("sync")
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._count("truncate")
        super().truncate(fd, size)


class ForgetfulDisk(FailingDisk):
    """What Linux does: a failed sync marks the pages clean, and they never reach the platter."""

    def __init__(self) -> None:
        super().__init__()
        self._platters: dict[int, bytearray] = {}
        self._dirty: dict[int, list[tuple[int, bytes | None]]] = {}
        self._paths: dict[int, Path] = {}

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        inode = os.fstat(fd).st_ino
        self._platters.setdefault(inode, bytearray(path.read_bytes()))
        self._dirty.setdefault(inode, [])
        self._paths[inode] = path
        return fd

    def write(self, fd: int, data: bytes) -> int:
        inode, end = os.fstat(fd).st_ino, os.fstat(fd).st_size
        done = super().write(fd, data)
        self._dirty[inode].append((end, data[:done]))
        return done

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        self._dirty[os.fstat(fd).st_ino].append((size, None))

    def sync(self, fd: int) -> None:
        inode = os.fstat(fd).st_ino
        waiting, self._dirty[inode] = self._dirty[inode], []
        super().sync(fd)
        platter = self._platters[inode]
        for at, data in waiting:
            if data is None:
                del platter[at:]
                continue
            platter.extend(b"\0" * (at + len(data) - len(platter)))
            platter[at : at + len(data)] = data

    def power_cut(self) -> None:
        for inode, platter in self._platters.items():
            self._paths[inode].write_bytes(platter)


class FlakyConnection:
    """SQLite's connection, with commits that fail: before or after they were done."""

    def __init__(self, path: Path, plan: FlakyPlan) -> None:
        self._inner = sqlite.connect(path)
        self._plan = plan

    def execute(self, statement: str, values: Any = ()) -> Any:
        if statement == "COMMIT" and self._plan.failures:
            self._plan.failures -= 1
            self._plan.failed += 1
            self._inner.execute("COMMIT" if self._plan.after_all else "ROLLBACK")
            raise sqlite3.OperationalError("disk I/O error")
        return self._inner.execute(statement, values)

    def executemany(self, statement: str, rows: Any) -> Any:
        return self._inner.executemany(statement, rows)

    def close(self) -> None:
        self._inner.close()


class FlakyPlan:
    """How often commits fail, and whether they were committed after all. It is the connector, too."""

    def __init__(self, *, after_all: bool) -> None:
        self.after_all = after_all
        self.failures = 0
        self.failed = 0

    def __call__(self, path: Path) -> FlakyConnection:
        return FlakyConnection(path, self)
