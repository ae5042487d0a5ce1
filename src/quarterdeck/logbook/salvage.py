"""What can still be taken from a damaged logbook file: set it aside whole, and read it row by row.

Nothing is judged here (each row's hash does that, in `read_only.weigh`). Must never write into a file and never throw
one away.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from quarterdeck.logbook.protocol import RecorderError, SampleBatch, StoredEvent

__all__ = ["SQLError", "are_sound", "damaged", "salvage_batches", "salvage_events", "set_aside"]

SQLError = (sqlite3.Error, UnicodeDecodeError)
"""What reading an SQLite file raises (a damaged schema's error text need not be UTF-8)."""


def set_aside(database: Path) -> Path:
    """Rename a logbook file and its log, together; the new name."""
    number = 1
    while (aside := database.with_name(f"damaged-{number}.{database.name}")).exists():
        number += 1
    try:
        for ending in ("-wal", "-journal", "-shm", ""):
            part = database.with_name(database.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
    except OSError as error:
        raise RecorderError(
            f"A damaged logbook cannot be set aside: {error.strerror}", where=str(database)
        ) from error
    return aside


def are_sound(lines: Iterable[tuple[Any, ...]]) -> bool:
    """Whether these are hashes and bytes: one bit makes a text of bytes, and STRICT is held when writing alone."""
    return all(type(link) is str and type(raw) is bytes for link, raw in lines)


@contextlib.contextmanager
def damaged(path: Path) -> Iterator[sqlite3.Connection]:
    """A damaged logbook file, opened to be read row by row; nothing is judged and nothing is written."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0.0)
    try:
        yield connection
    finally:
        with contextlib.suppress(*SQLError):
            connection.close()


def salvage_events(connection: sqlite3.Connection) -> Iterator[StoredEvent]:
    """The events that can still be read."""
    for _, row in _rows(connection, "SELECT replica, aseq, hash, raw FROM events WHERE rowid = ?", "events"):
        if are_sound([row[2:]]):
            yield StoredEvent(*row)


def salvage_batches(connection: sqlite3.Connection) -> Iterator[tuple[int, SampleBatch]]:
    """The batches of samples that can still be read, each with its row's number."""
    for number, row in _rows(connection, "SELECT replica, number, hash, raw FROM samples WHERE rowid = ?", "samples"):
        if are_sound([row[2:]]):
            yield number, SampleBatch(*row)


def _rows(connection: sqlite3.Connection, statement: str, table: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Numbers and rows of a table, one lookup each, so that a bad page costs the rows on it alone."""
    misses = number = 0
    with contextlib.suppress(*SQLError):
        connection.execute("PRAGMA trusted_schema = OFF")
    most = 0
    with contextlib.suppress(*SQLError):
        most = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0  # noqa: S608 - a constant
    while number < most or (not most and misses < 1000):
        number += 1
        try:
            row = connection.execute(statement, (number,)).fetchone()
        except SQLError:
            row = None
        if row is None:
            misses += 1
            continue
        misses = 0
        yield number, row
