"""Simulated power cuts: every state that a disk may be left in between two syncs, made from what SQLite really wrote.

An APSW VFS records each write, sync, truncation and deletion. A state is what was synced by some moment, plus any
part of what was not. In each of them every event that was acknowledged by then has to be there.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from logbook_nights import ME, SESSION, moment, note
from recording_vfs import Operation, recording

from quarterdeck.errors import LogbookError
from quarterdeck.logbook import sqlite
from quarterdeck.logbook.chain import Stamper
from quarterdeck.logbook.sqlite import SqliteLogbook

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


def run(folder: Path) -> list[Operation]:
    """A logbook's life: made, written to, its log moved into it, written to again, closed."""
    operations: list[Operation] = []
    folder.mkdir()
    book = SqliteLogbook(folder / "logbook.db", SESSION, connector=recording(operations))
    book.open("r1")
    stamper = Stamper(SESSION, "r1", {}, 0)
    for number in range(1, 11):
        book.append([stored for _, stored in stamper.stamp([note("x" * 300)], ME, moment(), "p")])
        operations.append(("ack", number))  # among them, for this test alone
        if number == 6:
            book.reopen()
    book.close()
    return operations


def apply(image: dict[str, bytearray], operation: Operation, part: int | None = None) -> None:
    kind, name, *rest = operation
    if kind == "w":
        offset, data = rest[0], rest[1][:part]
        file = image.setdefault(name, bytearray())
        file.extend(b"\0" * (offset + len(data) - len(file)))
        file[offset : offset + len(data)] = data
    elif kind == "t":
        del image.setdefault(name, bytearray())[rest[0] :]
    elif kind == "d":
        image.pop(name, None)


def moments(operations: Sequence[Operation]) -> Iterator[tuple[dict[str, bytearray], list[Operation], int]]:
    """After each operation: what is on the disk for sure, what may be, how many events were acknowledged."""
    for end in range(len(operations) + 1):
        durable: dict[str, bytearray] = {}
        waiting: list[Operation] = []
        acknowledged = 0
        for operation in operations[:end]:
            kind = operation[0]
            if kind == "ack":
                acknowledged = operation[1]
            elif kind == "s" or (kind == "d" and operation[2]):
                for each in [each for each in waiting if each[1] == operation[1]]:
                    apply(durable, each)
                waiting = [each for each in waiting if each[1] != operation[1]]
                apply(durable, operation)
            else:
                waiting.append(operation)
        yield durable, waiting, acknowledged


def states(operations: Sequence[Operation]) -> Iterator[tuple[dict[str, bytearray], int]]:
    rng = random.Random(1)
    seen: set[object] = set()
    for durable, waiting, acknowledged in moments(operations):
        subsets = [[], waiting, *([each for each in waiting if rng.random() < 0.5] for _ in range(6))]
        for subset in subsets:
            for torn in (False, True) if subset else (False,):
                image = {name: bytearray(data) for name, data in durable.items()}
                for index, operation in enumerate(subset):
                    last = torn and operation[0] == "w" and index == len(subset) - 1
                    apply(image, operation, rng.randrange(len(operation[3]) // 512 + 1) * 512 if last else None)
                key = (acknowledged, *((name, bytes(data)) for name, data in sorted(image.items())))
                if hash(key) not in seen:
                    seen.add(hash(key))
                    yield image, acknowledged


def lost(operations: Sequence[Operation], folder: Path) -> tuple[int, int]:
    """How many states there are, and in how many an acknowledged event is missing or the file cannot be read."""
    count = bad = 0
    for image, acknowledged in states(operations):
        count += 1
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, data in image.items():
            (folder / name).write_bytes(data)
        book = SqliteLogbook(folder / "logbook.db", SESSION)
        try:
            book.open("r1")
            found = [event.aseq for event in book.read()]
        except LogbookError:
            bad += 1
            continue
        finally:
            book.close()
        bad += found != list(range(1, len(found) + 1)) or len(found) < acknowledged
    return count, bad


def test_no_power_cut_loses_an_acknowledged_event(tmp_path: Path) -> None:
    count, bad = lost(run(tmp_path / "run"), tmp_path / "state")
    assert count > 100
    assert bad == 0


def test_control_with_synchronous_normal_power_cuts_lose_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas = tuple(text.replace("EXTRA", "NORMAL") for text in sqlite._PRAGMAS)
    monkeypatch.setattr(sqlite, "_PRAGMAS", pragmas)
    _, bad = lost(run(tmp_path / "run"), tmp_path / "state")
    assert bad > 0
