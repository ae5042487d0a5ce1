"""The SQLite logbook: one connection, append-only, synced before it answers.

The order of the pragmas is measured: EXTRA before WAL lost nothing in simulated power cuts, WAL with FULL a third of
them. Below 3.51.3 two connections can corrupt a WAL file, so nobody else opens this file while its owner lives, and
whoever only reads takes a copy (`read_only`). Must never update or delete an event.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.chain import Held
from quarterdeck.logbook.disk import FULL, identity, refuse_link, require_same, sync_folder
from quarterdeck.logbook.protocol import (
    DamageError,
    ForkError,
    Head,
    NewerFormatError,
    RecorderError,
    SampleBatch,
    StoredEvent,
)
from quarterdeck.logbook.salvage import SQLError, are_sound, set_aside

__all__ = ["SCHEMA", "About", "SQLError", "SqliteLogbook", "connect", "require_sqlite"]

SCHEMA = 1
"""Version of the tables (`user_version`); a newer one is not written to.

From 2 on `about` has a row `tables` that names it too, so that a damaged number is not taken for a newer version's.
"""

_APPLICATION = 0x51444C42
"""`application_id`: QDLB."""

_OLDEST = (3, 37)
"""STRICT tables."""

_PRAGMAS = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA synchronous = EXTRA",
    "PRAGMA journal_mode = WAL",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
)

_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY,
  replica TEXT NOT NULL,
  aseq INTEGER NOT NULL CHECK (aseq > 0),
  hash TEXT NOT NULL,
  raw BLOB NOT NULL,
  UNIQUE (replica, aseq)
) STRICT;
CREATE TABLE IF NOT EXISTS samples (
  replica TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  hash TEXT NOT NULL,
  raw BLOB NOT NULL,
  PRIMARY KEY (replica, number)
) STRICT;
CREATE TRIGGER IF NOT EXISTS events_are_not_updated BEFORE UPDATE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER IF NOT EXISTS events_are_not_deleted BEFORE DELETE ON events
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER IF NOT EXISTS samples_are_not_updated BEFORE UPDATE ON samples
  BEGIN SELECT RAISE(ABORT, 'samples are append-only'); END;
CREATE TRIGGER IF NOT EXISTS samples_are_not_deleted BEFORE DELETE ON samples
  BEGIN SELECT RAISE(ABORT, 'samples are append-only'); END;
"""

_ADD_EVENT = "INSERT INTO events (replica, aseq, hash, raw) VALUES (?, ?, ?, ?)"
_ADD_BATCH = "INSERT INTO samples (replica, number, hash, raw) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})
"""What SQLite says of a file that is no logbook of ours any more: none of our statements is wrong by itself."""

_WRITABLE = frozenset({b"", b"\1\1", b"\2\2"})
"""What stands at byte 18 of a file that SQLite will write to; others it reads, and refuses the first event."""

Connect = Callable[[Path], Any]
"""Makes a connection: `sqlite3`'s, or one of a test that fails on purpose."""


class About(NamedTuple):
    """What a logbook file says of itself."""

    session: str = ""
    replica: str = ""
    """The replica that writes here now."""
    identity: str = ""
    """The file's own identity when it was made (`disk.identity`)."""


def require_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """LogbookError for an SQLite without STRICT tables."""
    if version < _OLDEST:
        raise LogbookError(
            f"SQLite {'.'.join(map(str, version))} is too old: the logbook needs {_OLDEST[0]}.{_OLDEST[1]} or newer",
            hint="use a Python that brings a newer SQLite, such as one from python.org or uv",
        )


def connect(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions; `recovery` and then one lane use it, one at a time."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.0)


class SqliteLogbook:
    """A `Logbook` in an SQLite file."""

    name = "logbook"

    def __init__(self, path: Path, session: str, *, connector: Connect = connect) -> None:
        self._path = path
        self._session = session
        self._connector = connector
        self._connection: Any = None
        self._inode = 0
        self._held = Held()
        self.about = About()
        self.replica = ""
        """Who writes here, once `recovery` knows it; written into a file that is made again."""
        self.called = ""
        """What the file system calls the file now."""

    # ------------------------------------------------------------ opening

    def open(self, replica: str = "") -> None:
        """Open, or make the file for `replica`. Raises RecorderError, DamageError, NewerFormatError."""
        require_sqlite()
        try:
            for ending in ("", "-wal", "-journal"):
                refuse_link(self._path.with_name(self._path.name + ending))
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                self._inode = os.fstat(fd).st_ino
                self.called = identity(fd)
                if os.pread(fd, 2, 18) not in _WRITABLE:
                    raise DamageError("The logbook file's head is damaged", where=str(self._path))
            finally:
                os.close(fd)
            sync_folder(self._path.parent)
            self._connection = self._connector(self._path)
            self._prepare(replica, self.called)
        except (*SQLError, OSError) as error:
            self._drop()
            raise self._failure(error) from error
        except LogbookError:
            self._drop()
            raise

    def _prepare(self, replica: str, called: str) -> None:
        answers = [self._ask(pragma) for pragma in _PRAGMAS]
        if answers[2] != [("wal",)]:
            raise RecorderError(f"SQLite keeps no write-ahead log here: {answers[2]}", where=str(self._path))
        ((version,),) = self._ask("PRAGMA user_version")
        ((application,),) = self._ask("PRAGMA application_id")
        ((tables,),) = self._ask("SELECT count(*) FROM sqlite_schema")
        if tables and application != _APPLICATION:
            raise DamageError("This is an SQLite file, and no logbook", where=str(self._path))
        if version > SCHEMA and self._ask("SELECT value FROM about WHERE name = 'tables'") == [(str(version),)]:
            raise NewerFormatError(
                f"This logbook was written by a newer version of Quarterdeck (tables {version}, known {SCHEMA})",
                where=str(self._path),
                hint="open it with the version that wrote it",
            )
        if not tables or version < SCHEMA:
            self._make_tables(replica, called)
        found = {sql for (sql,) in self._ask("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        if version > SCHEMA or found != _schema():
            raise DamageError("The logbook's tables are damaged", where=str(self._path))
        if [row for row in self._ask("PRAGMA quick_check(1)") if row != ("ok",)]:
            raise DamageError("The logbook file is damaged", where=str(self._path))
        facts = dict(self._ask("SELECT name, value FROM about"))
        if replica and (facts.get("replica"), facts.get("identity")) != (replica, called):
            self._write_about(replica, called)
            facts = dict(self._ask("SELECT name, value FROM about"))
        self.about = About(facts.get("session", ""), facts.get("replica", ""), facts.get("identity", ""))
        self._count()

    def _make_tables(self, replica: str, called: str) -> None:
        self._ask("BEGIN IMMEDIATE")
        self._ask(f"PRAGMA application_id = {_APPLICATION}")
        self._ask(f"PRAGMA user_version = {SCHEMA}")
        for statement in _split(_TABLES):
            self._ask(statement)
        if replica:
            self._insert_about(replica, called)
        self._ask("COMMIT")
        sync_folder(self._path.parent)

    def _write_about(self, replica: str, called: str) -> None:
        self._ask("BEGIN IMMEDIATE")
        self._insert_about(replica, called)
        self._ask("COMMIT")

    def _insert_about(self, replica: str, called: str) -> None:
        for name, value in (("session", self._session), ("replica", replica), ("identity", called)):
            self._ask("INSERT OR REPLACE INTO about (name, value) VALUES (?, ?)", (name, value))

    def rename_replica(self, replica: str) -> None:
        """From now on another replica writes here, and the file is called what it is called now."""
        try:
            self._write_about(replica, self.called)
        except sqlite3.Error as error:
            self._drop()
            raise self._failure(error) from error
        self.about = About(self._session, replica, self.called)

    def _count(self) -> None:
        self._held = Held()
        counts = self._ask("SELECT replica, count(*), max(aseq) FROM events GROUP BY replica")
        for replica, count, last in counts:
            if count == last:
                ((link,),) = self._ask("SELECT hash FROM events WHERE replica = ? AND aseq = ?", (replica, last))
                self._held.begin(replica, Head(last, link))
            else:
                for aseq, link in self._ask("SELECT aseq, hash FROM events WHERE replica = ?", (replica,)):
                    self._held.add(replica, aseq, link)

    # ------------------------------------------------------------ the protocol

    def append(self, events: Sequence[StoredEvent], batches: Sequence[SampleBatch] = ()) -> None:
        """One transaction; see `Logbook.append`."""
        if self._connection is None:
            raise RecorderError("The logbook is closed", where=str(self._path))
        try:
            new = [event for event in events if not self._is_known(event)]
            if not new and not batches:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            if new:
                self._connection.executemany(_ADD_EVENT, new)
            if batches:
                self._connection.executemany(_ADD_BATCH, batches)
            self._connection.execute("COMMIT")
            require_same(self._path, self._inode)
        except (sqlite3.Error, OSError) as error:
            self._drop()  # whether it was committed is unknown: this connection is not asked again
            raise self._failure(error) from error
        for event in new:
            self._held.add(event.replica, event.aseq, event.hash)

    def _is_known(self, event: StoredEvent) -> bool:
        if not self._held.has(event.replica, event.aseq):
            return False
        rows = self._ask("SELECT hash FROM events WHERE replica = ? AND aseq = ?", (event.replica, event.aseq))
        if rows and rows[0][0] != event.hash:
            raise ForkError(f"Another event is called {event.replica}:{event.aseq} here", where=str(self._path))
        return bool(rows)

    def read(self, after: int = 0) -> Iterator[StoredEvent]:
        """Events in order of arrival. Raises DamageError where the file cannot be read through."""
        try:
            for row in self._connection.execute(
                "SELECT replica, aseq, hash, raw FROM events WHERE position > ? ORDER BY position", (after,)
            ):
                yield StoredEvent(*row)
        except SQLError as error:
            raise self._failure(error) from error

    def found(self) -> Iterator[tuple[Any, ...]]:
        """Hash and bytes of every event in order of arrival, of whatever type stands there; see `read`."""
        try:
            yield from self._connection.execute("SELECT hash, raw FROM events ORDER BY position")
        except SQLError as error:
            raise self._failure(error) from error

    def rows(self) -> list[tuple[str, bytes]]:
        """The same; DamageError where one is no hash or no bytes."""
        rows = list(self.found())
        if not are_sound(rows):
            raise DamageError("The logbook file is damaged: a value has another type", where=str(self._path))
        return rows

    def samples(self, replica: str = "") -> Iterator[SampleBatch]:
        """Batches of samples, of one replica or of all."""
        try:
            for row in self._connection.execute(
                "SELECT replica, number, hash, raw FROM samples WHERE ?1 IN ('', replica) ORDER BY replica, number",
                (replica,),
            ):
                yield SampleBatch(*row)
        except SQLError as error:
            raise self._failure(error) from error

    def batch_hashes(self, replica: str, after: int) -> list[tuple[int, str]]:
        """Numbers and hashes of a replica's batches after the given number."""
        try:
            rows = self._ask(
                "SELECT number, hash FROM samples WHERE replica = ? AND number > ? ORDER BY number", (replica, after)
            )
        except SQLError as error:
            raise self._failure(error) from error
        return [(int(number), str(link)) for number, link in rows]

    def chains(self) -> dict[str, Head]:
        """The ends of the contiguous chains."""
        return self._held.heads()

    def holds(self, event: StoredEvent) -> bool:
        """Whether an event of this id is durable here."""
        return self._held.has(event.replica, event.aseq)

    def reopen(self) -> None:
        """Open again after a failure.

        The checkpoint writes what the log holds into the database and syncs that: after a failed sync the kernel
        may show bytes of the log that never reached the disk, and they are not believed.
        """
        self._drop()
        try:
            self.open(self.replica)
        except DamageError:
            set_aside(self._path)
            self.open(self.replica)
        try:
            ((busy, _, _),) = self._ask("PRAGMA wal_checkpoint(TRUNCATE)")
        except SQLError as error:
            raise self._failure(error) from error
        if busy:
            raise RecorderError("The logbook's write-ahead log cannot be moved into it", where=str(self._path))

    def close(self) -> None:
        """Close; the write-ahead log goes into the file where that works, and else stays beside it."""
        self._drop()

    # ------------------------------------------------------------ own

    def _ask(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(statement, values))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _failure(self, error: Exception) -> LogbookError:
        """What a person reads; damage is kept apart from a disk that does not take it."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        text = isinstance(error, UnicodeDecodeError) or str(error).startswith("Could not decode to UTF-8")
        if code in _DAMAGE or text:
            return DamageError(f"The logbook file is damaged: {error}", where=str(self._path))
        if code == sqlite3.SQLITE_BUSY:
            return RecorderError("Another program has the logbook open", where=str(self._path))
        return RecorderError(
            f"The logbook cannot be written: {error}",
            full=code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) in FULL,
            where=str(self._path),
        )


@cache
def _schema() -> set[str]:
    """The tables and triggers as SQLite writes them down."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_TABLES)
        return {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}


def _split(script: str) -> list[str]:
    """The statements of a script; those of triggers end with `END;`."""
    found: list[str] = []
    rest = ""
    for line in script.strip().splitlines():
        rest += line + "\n"
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found
