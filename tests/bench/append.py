"""A durable append as the station does it, held against a bare append and fdatasync of the same bytes.

Ours is a whole note: decided, stamped into the chain, folded, written by both recorders, answered, and read by a seat
from its socket. Group commit: many at once cost less each than one bare append.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from tests.bench.measure import Measurement, Row, p50, p99
from tests.bench.world import ME, compiled, session, world

from quarterdeck.session.intents import AddNote
from quarterdeck.station.station import Station
from quarterdeck.station.wire.protocol import PROTOCOL, Hello, encode
from quarterdeck.station.wire.start_station import socket_of

__all__ = ["MEASUREMENTS", "Seat"]

PRODUCERS = 8
SETTLED = 0.025
"""Seconds after which the second recorder has followed: two syncs at once slow each other down."""


class Seat:
    """A console's end of the socket that only looks for what it waits for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def take(cls, folder: Path) -> Seat:
        """Connect and catch up."""
        reader, writer = await asyncio.open_unix_connection(str(socket_of(folder)), limit=2**26)
        writer.write(encode(Hello(protocol=PROTOCOL, via="console", watching=True)))
        seat = cls(reader, writer)
        await seat.gets(b'"position":', unlike=b'"caught_up":false')
        return seat

    async def gets(self, words: bytes, unlike: bytes = b"\0") -> None:
        """Wait for a frame with these bytes, and without those."""
        async with asyncio.timeout(10):
            while True:
                line = await self._reader.readline()
                assert line, "the station hung up"
                if words in line and unlike not in line:
                    return

    def leave(self) -> None:
        """Hang up."""
        self._writer.close()


class Bare:
    """One file, appended to and synced: nothing cheaper is durable."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, data: bytes) -> None:
        """Write and sync."""
        os.write(self._fd, data)
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Let go."""
        os.close(self._fd)


async def _measure(home: Path, rounds: int) -> tuple[list[float], list[float], list[float]]:
    folder = session(home, compiled(30))
    station = Station(folder)
    ready = asyncio.Event()
    running = asyncio.create_task(station.run(ready.set))
    await ready.wait()
    seat = await Seat.take(folder)
    bare = Bare(home / "bare")
    alone: list[float] = []
    raw: list[float] = []
    grouped: list[float] = []
    try:
        for number in range(-10, rounds):
            text = f"note {number:06} of the measurement"
            begin = time.perf_counter()
            answered = await station.hub.ask(AddNote(text=text), ME)
            await seat.gets(text.encode())
            middle = time.perf_counter()
            data = station.hub.journal.events[-1][1] + b"\n"
            assert answered.events
            await asyncio.sleep(SETTLED)
            again = time.perf_counter()
            bare.append(data)
            end = time.perf_counter()
            await asyncio.sleep(0.002)
            if number >= 0:
                alone.append(middle - begin)
                raw.append(end - again)
        for number in range(max(3, rounds // 20)):
            begin = time.perf_counter()
            await asyncio.gather(*(_produce(station, f"{number} {one}") for one in range(PRODUCERS)))
            await seat.gets(b" last")
            grouped.append((time.perf_counter() - begin) / (PRODUCERS * 10))
    finally:
        bare.close()
        seat.leave()
        os.kill(os.getpid(), signal.SIGTERM)  # the station's own way out
        await running
    return alone, raw, grouped


async def _produce(station: Station, name: str) -> None:
    for number in range(10):
        last = " last" if number == 9 and name.endswith(str(PRODUCERS - 1)) else ""
        await station.hub.ask(AddNote(text=f"producer {name} {number}{last}"), ME)


def _rows(quick: bool) -> list[Row]:
    """One at a time, its slowest, and eight producers."""
    with world() as home:
        alone, raw, grouped = asyncio.run(_measure(home, 60 if quick else 600))
    bare = "raw append + fdatasync"
    return [
        Row(
            row="append-p50",
            what="durable append, p50 (chain, two recorders, fold, seat)", ours=p50(alone) * 1e3, unit="ms",
            reference=p50(raw) * 1e3, against=bare, mark=2.0,
        ),
        Row(
            row="append-p99", what="durable append, p99", ours=p99(alone) * 1e3, unit="ms",
            reference=p99(raw) * 1e3, against=bare,
        ),
        Row(
            row="append-grouped",
            what=f"an event of {PRODUCERS} producers at once", ours=p50(grouped) * 1e3, unit="ms",
            reference=p50(raw) * 1e3, against=bare, note=f"{1 / p50(grouped):,.0f} events/s",
        ),
    ]  # fmt: skip


MEASUREMENTS = (Measurement(("append-p50", "append-p99", "append-grouped"), _rows),)
