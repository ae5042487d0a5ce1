"""The SQLite logbook as it is specified: pragmas, strict tables, append-only triggers, one owner."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from logbook_nights import ME, SESSION, Night, moment, note, write

from quarterdeck.errors import LogbookError
from quarterdeck.logbook import sqlite
from quarterdeck.logbook.chain import Stamper
from quarterdeck.logbook.sqlite import SqliteLogbook, require_sqlite


class Spy:
    """A connection that keeps what it was told."""

    told: ClassVar[list[str]] = []

    def __init__(self, path: Path) -> None:
        self.inner = sqlite.connect(path)
        Spy.told = []

    def execute(self, statement: str, values: object = ()) -> sqlite3.Cursor:
        Spy.told.append(" ".join(statement.split()))
        return self.inner.execute(statement, values)  # type: ignore[arg-type]

    def executemany(self, statement: str, rows: object) -> sqlite3.Cursor:
        return self.inner.executemany(statement, rows)  # type: ignore[arg-type]

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteLogbook]:
    found = SqliteLogbook(tmp_path / "logbook.db", SESSION, connector=Spy)
    found.open("r1")
    stamper = Stamper(SESSION, "r1", {}, 0)
    found.append([stored for _, stored in stamper.stamp([note("a"), note("b")], ME, moment(), "p")])
    yield found
    found.close()


def ask(book: SqliteLogbook, statement: str) -> object:
    return book._connection.execute(statement).fetchone()[0]


def test_synchronous_is_extra_before_the_write_ahead_log_is_switched_on(book: SqliteLogbook) -> None:
    assert Spy.told[:3] == [
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA synchronous = EXTRA",
        "PRAGMA journal_mode = WAL",
    ]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 3),
        ("locking_mode", "exclusive"),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("foreign_keys", 1),
        ("recursive_triggers", 1),
    ],
)
def test_every_pragma_is_in_force(book: SqliteLogbook, pragma: str, value: object) -> None:
    assert ask(book, f"PRAGMA {pragma}") == value
    assert ("PRAGMA mmap_size = 0") in Spy.told


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET hash = 'x'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events (position, replica, aseq, hash, raw) VALUES (1, 'r1', 1, 'x', x'00')",
        "REPLACE INTO events (replica, aseq, hash, raw) VALUES ('r1', 2, 'x', x'00')",
        "UPDATE samples SET hash = 'x'",
    ],
)
def test_no_event_can_be_changed_or_deleted(book: SqliteLogbook, statement: str) -> None:
    before = list(book.read())
    book._connection.execute("INSERT INTO samples VALUES ('r1', 1, 'h', x'00')")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        book._connection.execute(statement)
    assert list(book.read()) == before


def test_control_without_recursive_triggers_replace_slips_past(book: SqliteLogbook) -> None:
    before = list(book.read())
    book._connection.execute("PRAGMA recursive_triggers = OFF")
    book._connection.execute("REPLACE INTO events (replica, aseq, hash, raw) VALUES ('r1', 2, 'x', x'00')")
    assert list(book.read()) != before


def test_tables_are_strict(book: SqliteLogbook) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="cannot store"):
        book._connection.execute("INSERT INTO events (replica, aseq, hash, raw) VALUES ('r1', 'nine', 'x', x'00')")


def test_an_old_sqlite_is_named_with_what_is_needed() -> None:
    with pytest.raises(LogbookError, match=r"3\.36\.0 is too old.*3\.37"):
        require_sqlite((3, 36, 0))
    require_sqlite((3, 37, 0))


def test_a_commit_costs_one_sync_of_the_log_and_no_journal(book: SqliteLogbook, tmp_path: Path) -> None:
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logbook.db", "logbook.db-wal"]


def test_two_stations_for_one_session_and_the_second_is_told_whose_it_is(night: Night) -> None:
    import os

    log = night.open()
    with pytest.raises(LogbookError, match=rf"open in another process \({os.getpid()}\)"):
        night.open()
    write(log, 1)
    log.close()
    night.open()


def test_a_stale_lock_file_keeps_nobody_out(night: Night) -> None:
    night.folder.mkdir(parents=True, mode=0o700)
    (night.folder / "lock").write_text("1\n")
    write(night.open(), 1)


def test_another_program_that_has_the_logbook_open_leaves_it_on_one_recorder(night: Night) -> None:
    log = night.open()
    write(log, 1)
    log.close()
    other = sqlite3.connect(night.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        log = night.open()
        assert "Another program" in log.health()["logbook"]
        write(log, 1)
    finally:
        other.close()
