"""One question to a station without an event loop: for verbs that ask and go.

Plain sockets, with timeouts everywhere, so that a hung station costs a verb three seconds and no more.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from quarterdeck.errors import StationError
from quarterdeck.session.event import Event, decode
from quarterdeck.session.intents import Intent
from quarterdeck.station.wire.dial import hello, welcome_of
from quarterdeck.station.wire.protocol import (
    Answered,
    Ask,
    FromStation,
    Happened,
    Hello,
    Standing,
    ToStation,
    Welcome,
    decode_from,
    encode,
)
from quarterdeck.station.wire.start_station import socket_of, start_station

__all__ = ["Told", "ask_once", "history_of"]


class Told(msgspec.Struct):
    """What a station said of its session."""

    events: list[Event]
    welcome: Welcome
    standing: Standing | None = None


def ask_once(
    folder: Path, intent: Intent, *, via: str = "cli", timeout: float = 10.0, start: bool = True
) -> Answered:
    """Ask the session's station one thing, starting it where there is none. StationError where no answer comes."""
    with _line(folder, via, watching=False, timeout=timeout, start=start) as (frames, send, _):
        send(Ask(id=1, intent=intent))
        for frame in frames:
            if isinstance(frame, Answered) and frame.id == 1:
                return frame
    raise StationError("The station went away before it answered", where=str(folder))


def history_of(folder: Path, *, via: str = "cli", timeout: float = 3.0, start: bool = False) -> Told:
    """Get all events from a living station. StationError where none answers in time."""
    told: list[Event] = []
    standing: Standing | None = None
    with _line(folder, via, watching=True, timeout=timeout, start=start) as (frames, _, welcome):
        for frame in frames:
            if isinstance(frame, Happened):
                told.extend(decode(bytes(raw)) for raw in frame.events)
                if frame.caught_up:
                    return Told(told, welcome, standing)
            elif isinstance(frame, Standing):
                standing = frame
    raise StationError("The station went away while it told the history", where=str(folder))


class _Line(NamedTuple):
    connection: socket.socket
    stream: BinaryIO
    first: FromStation

    def send(self, frame: ToStation) -> None:
        self.connection.sendall(encode(frame))


@contextmanager
def _line(
    folder: Path, via: str, *, watching: bool, timeout: float, start: bool
) -> Iterator[tuple[Iterator[FromStation], Callable[[ToStation], None], Welcome]]:
    try:
        line = _reach(folder, hello(via, watching=watching, tty=_tty()), timeout, start=start)
        with line.connection, line.stream:
            yield _frames(line.stream), line.send, welcome_of(line.first)
    except (OSError, ValueError) as error:
        raise StationError(
            f"The station did not answer within {timeout:g} s"
            if isinstance(error, TimeoutError)
            else f"The station broke off: {error}",
            where=str(folder),
            hint="it may hang: quarterdeck status and quarterdeck halt work without it",
        ) from error


def _reach(folder: Path, said: Hello, timeout: float, *, start: bool) -> _Line:
    """Connect, starting a station where none is there; one that dies before its welcome was asked nothing yet."""
    for attempt in range(3):
        try:
            return _dial(folder, said, timeout)
        except TimeoutError:
            raise
        except (OSError, EOFError) as error:
            if not start or attempt == 2:
                raise StationError("No station answers for this session", where=str(folder)) from error
            start_station(folder)
    raise StationError("No station answers for this session", where=str(folder))


def _dial(folder: Path, said: Hello, timeout: float) -> _Line:
    connection = socket.socket(socket.AF_UNIX)
    stream: BinaryIO | None = None
    try:
        connection.settimeout(timeout)
        connection.connect(str(socket_of(folder)))
        stream = connection.makefile("rb")
        connection.sendall(encode(said))
        first = _first_of(stream)
    except BaseException:
        if stream is not None:
            stream.close()
        connection.close()
        raise
    return _Line(connection, stream, first)


def _first_of(stream: BinaryIO) -> FromStation:
    """What it says first; EOFError where it left without a word."""
    for frame in _frames(stream):
        return frame
    raise EOFError


def _frames(stream: BinaryIO) -> Iterator[FromStation]:
    while line := stream.readline():
        if line.endswith(b"\n"):
            yield decode_from(line)


def _tty() -> str:
    try:
        return os.ttyname(0)
    except OSError:
        return ""
