"""All events of an open session, held small: the newest as they are, those before them packed, a seventh of the size.

They are held in memory and not read from a recorder again: what becomes of its file must not matter to who comes.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import overload

import msgspec

from quarterdeck.session.event import Event, decode

__all__ = ["BLOCK", "EventStore"]

BLOCK = 256
"""Events that are packed together."""

Entry = tuple[Event, bytes]
"""An event with its bytes."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


class EventStore(Sequence[Entry]):
    """Events with their bytes in order of arrival. A slice is a list. Threads may read while one appends."""

    def __init__(self) -> None:
        self._packed: list[Future[bytes]] = []
        """`BLOCK` events each."""
        self._recent: list[Entry] = []
        self._guard = threading.Lock()
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="quarterdeck-packer")

    def __len__(self) -> int:
        with self._guard:
            return len(self._packed) * BLOCK + len(self._recent)

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> list[Entry]: ...

    def __getitem__(self, at: int | slice) -> Entry | list[Entry]:
        begin, end, step = (at if isinstance(at, slice) else slice(at, at + 1 or None)).indices(len(self))
        if not isinstance(at, slice) and begin >= end:
            raise IndexError(at)
        early, recent = self._parts(begin, end)
        found = [(decode(raw), raw) for raw in early] + recent
        return found[::step] if isinstance(at, slice) else found[0]

    def __iter__(self) -> Iterator[Entry]:
        """Those that are there now."""
        with self._guard:
            packed, recent = self._packed.copy(), self._recent.copy()
        for block in packed:
            for raw in _raws(block):
                yield decode(raw), raw
        yield from recent

    def __reversed__(self) -> Iterator[Entry]:
        """From the newest on."""
        for end in range(len(self), 0, -BLOCK):
            yield from reversed(self[max(0, end - BLOCK) : end])

    def events(self) -> Iterator[Event]:
        """Without their bytes."""
        for event, _ in self:
            yield event

    def raws(self, begin: int, end: int) -> list[bytes]:
        """Their bytes, from position `begin` to `end`."""
        early, recent = self._parts(begin, min(end, len(self)))
        return early + [raw for _, raw in recent]

    def append(self, event: Event, raw: bytes) -> None:
        """One more."""
        with self._guard:
            self._recent.append((event, raw))
            if len(self._recent) >= 2 * BLOCK:
                raws = [raw for _, raw in self._recent[:BLOCK]]
                self._packed.append(self._packer.submit(_pack, raws))
                del self._recent[:BLOCK]

    def drop(self, begin: int) -> None:
        """Those from position `begin` on are no more."""
        kept = begin // BLOCK
        with self._guard:
            if kept < len(self._packed):
                self._recent = [(decode(raw), raw) for raw in _raws(self._packed[kept])]
                del self._packed[kept:]
            del self._recent[begin - len(self._packed) * BLOCK :]

    def _parts(self, begin: int, end: int) -> tuple[list[bytes], list[Entry]]:
        """What of these positions is packed, and what is not."""
        with self._guard:
            first = len(self._packed) * BLOCK
            recent = self._recent[max(begin - first, 0) : max(end - first, 0)]
            blocks = self._packed[begin // BLOCK : -(-end // BLOCK)] if begin < min(first, end) else []
        raws = [raw for block in blocks for raw in _raws(block)]
        start = begin - begin // BLOCK * BLOCK
        return raws[start : start + min(end, first) - begin] if blocks else [], recent


def _pack(raws: list[bytes]) -> bytes:
    return zlib.compress(_encode(raws), 1)


def _raws(block: Future[bytes]) -> list[bytes]:
    return _decode(zlib.decompress(block.result()))
