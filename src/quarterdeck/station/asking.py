"""One question to a station without an event loop: for verbs that ask and go.

Plain sockets, with timeouts everywhere, so that a hung station costs a verb three seconds and no more. Called by
the verbs; consoles use `client`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from quarterdeck.errors import StationError
from quarterdeck.session.event import Event, decode
from quarterdeck.session.intents import Intent
from quarterdeck.station.protocol import (
    PROTOCOL,
    Answered,
    Ask,
    Farewell,
    FromStation,
    Happened,
    Hello,
    Standing,
    ToStation,
    Welcome,
    decode_from,
    encode,
)
from quarterdeck.station.starting import socket_of, start_station

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


class _Send:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __call__(self, frame: ToStation) -> None:
        self._connection.sendall(encode(frame))


@contextmanager
def _line(
    folder: Path, via: str, *, watching: bool, timeout: float, start: bool
) -> Iterator[tuple[Iterator[FromStation], _Send, Welcome]]:
    connection = _dial(folder, timeout, start=start)
    with connection, connection.makefile("rb") as stream:
        send = _Send(connection)
        try:
            ssh = os.environ.get("SSH_CONNECTION", "")
            send(Hello(protocol=PROTOCOL, via=via, watching=watching, tty=_tty(), ssh=ssh))
            frames = _frames(stream)
            first = next(frames, None)
            if not isinstance(first, Welcome):
                raise StationError(first.reason if isinstance(first, Farewell) else "The station said no welcome")
            yield frames, send, first
        except (OSError, msgspec.DecodeError) as error:
            raise StationError(
                f"The station did not answer within {timeout:g} s"
                if isinstance(error, TimeoutError)
                else f"The station broke off: {error}",
                where=str(folder),
                hint="it may hang: quarterdeck status and quarterdeck halt work without it",
            ) from error


def _dial(folder: Path, timeout: float, *, start: bool) -> socket.socket:
    for attempt in range(3):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(str(socket_of(folder)))
        except OSError as error:
            connection.close()
            if not start or attempt == 2:
                raise StationError("No station answers for this session", where=str(folder)) from error
            start_station(folder)
        else:
            return connection
    raise StationError("No station answers for this session", where=str(folder))


def _frames(stream: BinaryIO) -> Iterator[FromStation]:
    while line := stream.readline():
        if line.endswith(b"\n"):
            yield decode_from(line)


def _tty() -> str:
    try:
        return os.ttyname(0)
    except OSError:
        return ""
