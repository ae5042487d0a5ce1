"""A console's or a verb's end of the socket to a station: asks, gets frames, comes back after a crash.

Knows no screen and no rule. When the station is killed, it starts it again and gets only what is new; when it hangs,
it says so, and a halt works all the same through the `halts/` folder (R2). Everything runs on the caller's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from quarterdeck.errors import StationError
from quarterdeck.host import login_name
from quarterdeck.session.event import digest
from quarterdeck.session.intents import Halt, Intent
from quarterdeck.station.halt_files import file_halt, new_nonce
from quarterdeck.station.wire.dial import hello, welcome_of
from quarterdeck.station.wire.protocol import (
    Answered,
    Ask,
    Farewell,
    FromStation,
    Given,
    Happened,
    Hello,
    Leave,
    Ping,
    Pong,
    Present,
    Seen,
    ToStation,
    Welcome,
    decode_from,
    encode,
)
from quarterdeck.station.wire.start_station import socket_of, start_station

__all__ = ["HUNG_AFTER", "LINE_LIMIT", "Client", "Linked"]

LINE_LIMIT = 64 * 1024 * 1024
"""Bytes that one frame may have: a plan with its text, and chunks of history."""
HUNG_AFTER = 3.0
"""Seconds without a sign of life after which a station counts as hung."""
PING_EVERY = 1.0
GOODBYE = 1.0
"""Seconds that leaving waits for the station to hang up."""
_RETRY = 0.1


class Linked(Struct, frozen=True):
    """Not a frame: the connection's own state changed."""

    state: Literal["connected", "lost", "hung", "closed"]
    """`lost`: it is being started or reached again. `closed`: it said farewell, or nobody can start it."""
    why: str = ""


class _Line(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Client:
    """One connection to a session's station. Make it with `connect`."""

    def __init__(self, folder: Path, hello: Hello, *, start: bool, own: Mapping[str, str] | None = None) -> None:
        """`start`: whether a station is started when none is there."""
        self.folder = folder
        self.welcome: Welcome | None = None
        """What the station said first; None before the first connection."""
        self.position = 0
        """Position of the last event that was received."""
        self._last = ""
        self.state: Literal["connected", "lost", "hung", "closed"] = "lost"
        self._hello, self._start, self._own = hello, start, own or {}
        self._line: _Line | None = None
        self._frames: asyncio.Queue[FromStation | Linked | None] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[Answered]] = {}
        self._asked = 0
        self._heard = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving = False

    @classmethod
    async def connect(
        cls,
        folder: Path,
        *,
        start: bool = True,
        via: str = "console",
        watching: bool = True,
        tty: str = "",
        pass_env: dict[str, str] | None = None,
        own: Mapping[str, str] | None = None,
        aside: bool = False,
    ) -> Client:
        """Reach the station of the session in `folder`, starting it where there is none. StationError where not.

        `aside`: only to look at it from beside another session, as `Hello` says it.
        `own` is the person's environment: what the procedure's secrets name of it is given to the station, no more.
        """
        said = hello(via, watching=watching, tty=tty, pass_env=pass_env, aside=aside)
        client = cls(folder, said, start=start, own=own)
        await client._reach()
        client._tasks = [
            asyncio.create_task(client._live(), name="station frames"),
            asyncio.create_task(client._watch_over(), name="station pings"),
        ]
        return client

    # -- what a console does ---------------------------------------------------------------------------------------

    async def ask(self, intent: Intent, timeout: float = 10.0) -> Answered:  # noqa: ASYNC109 - one answer
        """Ask, and wait for the answer: durable, or refused. StationError where none comes.

        Without an answer nothing is known: what was asked may have happened, and is then among the frames.
        """
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(Ask(id=number, intent=intent))
            return await asyncio.wait_for(answer, timeout)
        except TimeoutError as error:
            raise StationError(
                f"The station did not answer within {timeout:g} s",
                hint="it may have happened all the same: look at the log",
            ) from error
        finally:
            self._waiting.pop(number, None)

    async def halt(
        self,
        reason: str = "",
        *,
        nonce: str = "",
        timeout: float = 3.0,  # noqa: ASYNC109 - one answer
    ) -> Answered | None:
        """Halt: on disk at once, so that runners see it, then to the station. None where it did not confirm.

        `nonce` names the halt where the caller has to know it again.

        OSError where not even the file could be made and the station is not there either.
        """
        nonce = nonce or new_nonce()
        trouble: OSError | None = None
        try:
            file_halt(self.folder, nonce, reason=reason, login=login_name(), via=self._hello.via)
        except OSError as error:
            trouble = error
        try:
            return await self.ask(Halt(nonce=nonce, reason=reason), timeout)
        except StationError:
            if trouble is not None:
                raise trouble from None
            return None

    async def frames(self) -> AsyncIterator[FromStation | Linked]:
        """Everything that the station says, but for answers and pongs; ends when the client is closed."""
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def seen(self, position: int) -> None:
        """Say that everything up to `position` was painted (R26)."""
        self._send(Seen(position=position), quietly=True)

    async def present(self) -> None:
        """Say that a key was pressed (R23)."""
        self._send(Present(), quietly=True)

    async def leave(self, *, end: bool = False) -> None:
        """Say goodbye and close. `end` ends a session that is not live, and the demo's world with it."""
        self._leaving = True
        self._send(Leave(end=end), quietly=True)
        if self._line is not None:
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(self._line.writer.drain(), 1.0)
        await asyncio.wait(self._tasks[:1], timeout=GOODBYE)  # closed earlier, it may swallow the goodbye
        await self.close()

    async def close(self) -> None:
        """Close the connection; the session goes on."""
        self._leaving = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._hang_up()
        self._fail_waiting("the connection was closed")
        self._frames.put_nowait(None)

    # -- the line --------------------------------------------------------------------------------------------------

    def _send(self, frame: ToStation, *, quietly: bool = False) -> None:
        line = self._line
        if line is None or line.writer.is_closing():
            if quietly:
                return
            raise StationError(
                "The station is not there at the moment", hint="it is being started again; try once more"
            )
        line.writer.write(encode(frame))

    async def _reach(self) -> None:
        """Connect, starting a station where none listens; a few times, since one may just be leaving."""
        trouble: Exception | None = None
        for _ in range(4):
            try:
                await self._dial()
            except (OSError, EOFError) as error:
                trouble = error
                if not self._start:
                    break
                await asyncio.to_thread(start_station, self.folder)
            else:
                return
        raise StationError("No station answers for this session", where=str(self.folder)) from trouble

    async def _dial(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(socket_of(self.folder)), limit=LINE_LIMIT)
        try:
            writer.write(encode(msgspec.structs.replace(self._hello, after=self.position, last=self._last)))
            async with asyncio.timeout(HUNG_AFTER):
                first = await reader.readuntil(b"\n")  # IncompleteReadError is an EOFError
            frame = decode_from(first)
        except (TimeoutError, ValueError) as error:
            writer.close()
            said = "does not answer" if isinstance(error, TimeoutError) else "speaks another language"
            raise StationError(
                f"The station of this session {said}",
                where=str(self.folder),
                hint="quarterdeck status and quarterdeck halt work without it",
            ) from error
        except BaseException:
            writer.close()
            raise
        try:
            welcome = welcome_of(frame)
        except StationError:
            writer.close()
            raise
        self._line = _Line(reader, writer)
        self._heard = asyncio.get_running_loop().time()
        self.welcome = welcome
        self.state = "connected"
        if given := {name: self._own[name] for name in welcome.wants if name in self._own}:
            self._send(Given(env=given), quietly=True)
        self._frames.put_nowait(Linked("connected"))
        self._frames.put_nowait(welcome)

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.writer.close()

    async def _live(self) -> None:
        """Read until the connection ends; then come back, unless the station sent us away."""
        while not self._leaving:
            why = await self._read()
            self._hang_up()
            self._fail_waiting("the station went away before it answered; look at the log")
            if self._leaving:
                return
            if why:
                self._turn("closed", why)
                return
            self._turn("lost")
            if not await self._come_back():
                return

    async def _read(self) -> str:
        """Hand on frames; empty when the line broke, else why the station ended it."""
        assert self._line is not None
        reader = self._line.reader
        while True:
            try:
                line = await reader.readline()
            except (OSError, ValueError):
                return ""
            if not line.endswith(b"\n"):
                return ""
            self._heard = asyncio.get_running_loop().time()
            if self.state == "hung":
                self._turn("connected", "it answers again")
            frame = decode_from(line)
            if isinstance(frame, Answered):
                waiting = self._waiting.get(frame.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)
            elif isinstance(frame, Farewell):
                self._frames.put_nowait(frame)
                return frame.reason
            elif not isinstance(frame, Pong):
                if isinstance(frame, Happened):
                    self.position = frame.position
                    self._last = digest(bytes(frame.events[-1])) if frame.events else self._last
                self._frames.put_nowait(frame)

    async def _come_back(self) -> bool:
        for attempt in range(50):
            try:
                await self._reach()
            except StationError as error:
                if not self._start:
                    self._turn("closed", error.message)
                    return False
                if attempt % 10 == 9:
                    self._turn("lost", error.message)
                await asyncio.sleep(min(_RETRY * 2**attempt, 2.0))
            else:
                return True
        self._turn("closed", "the station could not be started again")
        return False

    async def _watch_over(self) -> None:
        loop = asyncio.get_running_loop()
        number = 0
        while self.state != "closed":
            await asyncio.sleep(PING_EVERY)
            if self._line is None:
                continue
            number += 1
            self._send(Ping(id=number), quietly=True)
            if self.state == "connected" and loop.time() - self._heard > HUNG_AFTER:
                self._turn("hung", "the station does not answer; halt works all the same")

    def _turn(self, state: Literal["connected", "lost", "hung", "closed"], why: str = "") -> None:
        self.state = state
        self._frames.put_nowait(Linked(state, why))

    def _fail_waiting(self, why: str) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(StationError(why[0].upper() + why[1:]))
        self._waiting.clear()
