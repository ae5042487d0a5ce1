"""A session's samples where they lie: known by their places and read batch by batch, as a night of them is large.

Called by `read_only` for a session's own files, and by `record.reprint` for a record's lines. Must never keep a batch
that was read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.protocol import SampleBatch
from quarterdeck.logbook.recorder import sample_batch
from quarterdeck.logbook.samples import batch_hash

__all__ = ["Read", "Samples", "line_reader", "row_reader", "sound_batches"]

Read = Callable[[], SampleBatch]
"""Reads one batch again. LogbookError where its file was changed in between."""


class Samples:
    """Batches in order of replica and number."""

    def __init__(self, reads: Sequence[Read] = ()) -> None:
        self._reads = reads

    def __len__(self) -> int:
        return len(self._reads)

    def __getitem__(self, index: int) -> SampleBatch:
        return self._reads[index]()

    def __iter__(self) -> Iterator[SampleBatch]:
        for read in self._reads:  # not a generator of its own: the files stay open as long as this is there
            yield read()


def sound_batches(
    found: Iterable[tuple[int, SampleBatch]], reader: Callable[[int], Read]
) -> tuple[dict[tuple[str, int], Read], int]:
    """Where those batches lie whose hash fits, by replica and number, of places and batches; how many do not fit."""
    sound: dict[tuple[str, int], Read] = {}
    damaged = 0
    for place, batch in found:
        key = (batch.replica, batch.number)
        if key in sound or batch_hash(batch.raw) != batch.hash:
            damaged += 1
        else:
            sound[key] = reader(place)
    return sound, damaged


def row_reader(connection: sqlite3.Connection) -> Callable[[int], Read]:
    """For rows of a logbook file that nobody writes to, by their numbers."""

    def read(number: int) -> SampleBatch:
        statement = "SELECT replica, number, hash, raw FROM samples WHERE rowid = ?"
        return SampleBatch(*connection.execute(statement, (number,)).fetchone())

    return lambda number: partial(read, number)


def line_reader(file: BinaryIO) -> Callable[[int], Read]:
    """For lines of an opened file, by where they begin."""

    def read(begin: int) -> SampleBatch:
        file.seek(begin)
        try:
            batch = sample_batch(file.readline())
        except ValueError:
            batch = SampleBatch("", 0, "", b"")
        if batch_hash(batch.raw) != batch.hash:
            raise LogbookError("Samples were changed while they were read", where=str(file.name), hint="try again")
        return batch

    return lambda begin: partial(read, begin)
