"""A durable append as a client sees it, held against a bare append and fdatasync of the same bytes.

Ours is a whole note, asked through a socket of a station that is a process of its own: decided, stamped into the
chain, folded, written by both recorders, told, and answered. Group commit: many seats that ask at once cost less each
than one bare append.
"""

from __future__ import annotations

import asyncio
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.measure import Measurement, Row, p50, p99
from tests.bench.world import compiled, session, world

from quarterdeck.session.intents import AddNote
from quarterdeck.station.wire.protocol import PROTOCOL, Answered, Ask, Happened, Hello, decode_from, encode
from quarterdeck.station.wire.start_station import socket_of, start_station

__all__ = ["MEASUREMENTS", "Seat"]

SEATS = 8
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


class Asking:
    """A client's end of the socket without a loop of its own: what it costs is the station's."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(socket_of(folder)))
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(encode(Hello(protocol=PROTOCOL, via="console", watching=True)))
        while b'"position":' not in (line := self._lines.readline()) or b'"caught_up":false' in line:
            assert line, "the station hung up"

    def ask(self, number: int) -> None:
        """Ask for a note."""
        self._socket.sendall(encode(Ask(id=number, intent=AddNote(text=f"note {number:06} of the measurement"))))

    def is_answered(self, number: int) -> bytes:
        """Wait until the event was told and the answer is there; the event's bytes."""
        told = b""
        while True:
            frame = decode_from(self._lines.readline())
            if isinstance(frame, Happened) and frame.events:
                told = bytes(frame.events[-1])
            elif isinstance(frame, Answered) and frame.id == number:
                assert frame.events, frame
                assert told, "events come before the answers that name them"
                return told

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()


class Bare:
    """One file, appended to and synced: nothing cheaper is durable."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, data: bytes) -> float:
        """Write and sync; the seconds that it took."""
        begin = time.perf_counter()
        os.write(self._fd, data)
        os.fdatasync(self._fd)
        return time.perf_counter() - begin

    def close(self) -> None:
        """Let go."""
        os.close(self._fd)


class Echo:
    """The least of our shape: a loop that reads a line from a socket, a thread that syncs it, and the line back."""

    def __init__(self, path: Path) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.append", str(theirs.fileno()), str(path)], pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self._lines = self._socket.makefile("rb")

    def append(self, data: bytes) -> float:
        """Send it, and wait until it is back; the seconds that it took."""
        begin = time.perf_counter()
        self._socket.sendall(data)
        assert self._lines.readline() == data
        return time.perf_counter() - begin

    def close(self) -> None:
        """End it."""
        self._lines.close()
        self._socket.close()
        self._process.wait(10)


async def _echo(descriptor: int, path: Path) -> None:
    loop, bare = asyncio.get_running_loop(), Bare(path)
    jobs: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()

    def sync() -> None:
        while True:
            data, done = jobs.get()
            bare.append(data)
            loop.call_soon_threadsafe(done.set_result, None)

    threading.Thread(target=sync, daemon=True).start()
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=descriptor))
    while line := await reader.readline():
        done = loop.create_future()
        jobs.put((line, done))
        await done
        writer.write(line)


class Taken(NamedTuple):
    """Seconds of each."""

    alone: list[float]
    """Appends, one at a time."""
    raw: list[float]
    """Bare ones, in between."""
    echoed: list[float]
    grouped: list[float]
    """An event where many ask at once."""


def _measure(home: Path, rounds: int) -> Taken:
    folder = session(home, compiled(30))
    start_station(folder)
    bare, echo = Bare(home / "bare"), Echo(home / "echo")
    seats = [Asking(folder)]
    taken = Taken([], [], [], [])
    for number in range(-10, rounds):
        begin = time.perf_counter()
        seats[0].ask(number)
        data = seats[0].is_answered(number)
        took = time.perf_counter() - begin
        time.sleep(SETTLED)
        echoed = echo.append(data + b"\n")
        time.sleep(SETTLED)
        raw = bare.append(data + b"\n")
        time.sleep(0.002)
        if number >= 0:
            taken.alone.append(took)
            taken.echoed.append(echoed)
            taken.raw.append(raw)
    seats += [Asking(folder) for _ in range(SEATS - 1)]
    for number in range(rounds, rounds + max(3, rounds // 5)):
        begin = time.perf_counter()
        for seat in seats:
            seat.ask(number)
        for seat in seats:
            seat.is_answered(number)
        taken.grouped.append((time.perf_counter() - begin) / SEATS)
        time.sleep(SETTLED)
    bare.close()
    echo.close()
    for seat in seats:
        seat.close()
    return taken


def _rows(quick: bool) -> list[Row]:
    """One at a time, its slowest, and eight seats at once."""
    with world() as home:
        alone, raw, echoed, grouped = _measure(home, 60 if quick else 400)
    bare = "raw append + fdatasync"
    return [
        Row(
            row="append-p50",
            what="durable append, p50 (chain, two recorders, fold, told, answered)", ours=p50(alone) * 1e3, unit="ms",
            reference=p50(raw) * 1e3, against=bare, mark=2.0,
        ),
        Row(
            row="append-p99", what="durable append, p99", ours=p99(alone) * 1e3, unit="ms",
            reference=p99(raw) * 1e3, against=bare,
        ),
        Row(
            row="append-floor", what="an echo through one loop, one thread and one sync, p50", ours=p50(echoed) * 1e3,
            unit="ms", reference=p50(raw) * 1e3, against=bare, note="what the shape costs without a session",
        ),
        Row(
            row="append-grouped",
            what=f"an event of {SEATS} seats that ask at once", ours=p50(grouped) * 1e3, unit="ms",
            reference=p50(raw) * 1e3, against=bare, note=f"{1 / p50(grouped):,.0f} events/s",
        ),
    ]  # fmt: skip


MEASUREMENTS = (Measurement(("append-p50", "append-p99", "append-floor", "append-grouped"), _rows),)

if __name__ == "__main__":
    asyncio.run(_echo(int(sys.argv[1]), Path(sys.argv[2])))
