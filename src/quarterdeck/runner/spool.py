"""A command's output on disk, bounded: the first part whole, then a ring that holds the newest part.

One file of at most `head + ring` bytes, and beside it (`.total`) an eight-byte counter of all bytes that came, so
that a reader knows where the ring stands. The runner writes; the station reads at any time, also while it is
written and after a crash. Nothing here redacts: what lies in a spool is as the command said it, and 0600.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quarterdeck.regular_files import open_regular, read_regular
from quarterdeck.runner.files import create_private

__all__ = ["Held", "Piece", "SpoolReader", "SpoolWriter", "remove_spool"]

_COUNTER = struct.Struct("<QQQ")  # total, head, ring


def _counter_path(path: Path) -> Path:
    return path.with_name(path.name + ".total")


def remove_spool(path: Path) -> None:
    """Unlink the spool and its counter."""
    path.unlink(missing_ok=True)
    _counter_path(path).unlink(missing_ok=True)


class SpoolWriter:
    """The runner's end."""

    def __init__(self, path: Path, *, head: int, ring: int) -> None:
        self.total = 0
        self.error = ""
        """The first failure to write (a full disk, say); the command goes on, that part of its output is lost."""
        self._head, self._ring = head, max(ring, 1)
        self._file = create_private(path)
        self._counter = create_private(_counter_path(path))
        self._count()

    @property
    def cut(self) -> int:
        """Bytes in the middle that are no longer on disk."""
        return max(0, self.total - self._head - self._ring)

    def write(self, chunk: bytes) -> None:
        """Keep `chunk`; a failure is remembered in `error`, never raised."""
        view = memoryview(chunk)
        try:
            while view:
                place, room = self._place()
                done = os.pwrite(self._file, view[:room], place)
                self.total += done
                view = view[done:]
            self._count()
        except OSError as error:
            self.total += len(view)
            self.error = self.error or str(error)

    def _place(self) -> tuple[int, int]:
        """Where the next byte goes, and how many fit there in one piece."""
        if self.total < self._head:
            return self.total, self._head - self.total
        offset = (self.total - self._head) % self._ring
        return self._head + offset, self._ring - offset

    def _count(self) -> None:
        os.pwrite(self._counter, _COUNTER.pack(self.total, self._head, self._ring), 0)

    def close(self) -> None:
        """Wait for the disk, and close."""
        try:
            self._count()
            os.fsync(self._file)
            os.fsync(self._counter)
        except OSError as error:
            self.error = self.error or str(error)
        os.close(self._file)
        os.close(self._counter)


class Piece(NamedTuple):
    """Some bytes of the output and where they stood in all of it."""

    start: int
    content: bytes


class Held(NamedTuple):
    """What a spool holds of an output: `[0, first_end)` and `[last_start, total)`; all where nothing was cut."""

    total: int
    first_end: int
    last_start: int


class SpoolReader:
    """The station's end; a missing spool reads as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def total(self) -> int:
        """Bytes that the command has written so far."""
        return self._layout()[0]

    def held(self) -> Held:
        """What of the output is on disk now."""
        total, head, ring = self._layout()
        return Held(total, total, 0) if total <= head + ring else Held(total, head, total - ring)

    def part(self, start: int, length: int) -> bytes:
        """At most `length` bytes from byte `start` of the output on; shorter where it ends, or holds no more."""
        total, head, ring = self._layout()
        content = b""
        while length > len(content) and (place := start + len(content)) < total:
            if place < head:
                part = self._read(place, min(length - len(content), min(total, head) - place))
            else:
                offset = (place - head) % ring
                part = self._read(head + offset, min(length - len(content), total - place, ring - offset))
            if not part:
                break
            content += part
        return content

    def pieces(self, length: int) -> Iterator[Piece]:
        """All that is there, in order, at most `length` bytes at a time; what was cut is missing between two."""
        total, head, ring = self._layout()
        place = 0
        while place < total:
            if place == head and total > head + ring:
                place = total - ring
            offset = place if place < head else head + (place - head) % ring
            end = head if place < head else head + ring
            part = self._read(offset, min(length, total - place, end - offset))
            if not part:
                return
            yield Piece(place, part)
            place += len(part)

    def first(self, length: int) -> Piece:
        """The beginning, at most `length` bytes of it."""
        total, head, ring = self._layout()
        available = total if total <= head + ring else head
        return Piece(0, self._read(0, min(length, available)))

    def last(self, length: int) -> Piece:
        """The end, at most `length` bytes of it; shorter where the ring holds no more."""
        total, head, ring = self._layout()
        oldest = 0 if total <= head + ring else total - ring
        start = max(oldest, total - length)
        return Piece(start, self.part(start, total - start))

    def _layout(self) -> tuple[int, int, int]:
        try:
            found = read_regular(_counter_path(self._path))
            total, head, ring = _COUNTER.unpack(found)
        except (OSError, struct.error):
            total, head, ring = 0, 1 << 62, 1
        try:
            size = self._path.stat().st_size
        except OSError:
            return 0, 1 << 62, 1
        return max(total, size), head, ring  # after a power cut the counter may be older than the file

    def _read(self, place: int, length: int) -> bytes:
        if length <= 0:
            return b""
        try:
            with os.fdopen(open_regular(self._path), "rb") as file:
                file.seek(place)
                return file.read(length)
        except OSError:
            return b""
