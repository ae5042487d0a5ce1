"""The station's door: a Unix socket for this person's consoles and verbs.

Who somebody is comes from the kernel (SO_PEERCRED, R18), never from a frame. Each connection is a `Visitor` with an
outbox of its own, so that a console that does not read never makes the station wait. It decides nothing: asks go to
the hub, and what the hub publishes goes out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from quarterdeck import __version__
from quarterdeck.host import Peer, boot_clock_ns, boot_id, peer_of
from quarterdeck.session.event import Actor, digest
from quarterdeck.session.rules.answer import Wish
from quarterdeck.station.wire.outbox import Outbox
from quarterdeck.station.wire.protocol import (
    PROTOCOL,
    VISITORS,
    Answered,
    Ask,
    Farewell,
    Given,
    Happened,
    Hello,
    Leave,
    Marks,
    Ping,
    Pong,
    Present,
    Sampled,
    Seen,
    Standing,
    Tail,
    Welcome,
    decode_to,
    encode,
)
from quarterdeck.station.wire.start_station import ADDRESS, new_socket, said_socket, say_socket

__all__ = ["Host", "Server", "Visitor"]

MOST_FROM_CLIENT = 4 * 1024 * 1024
"""Bytes that one frame of a client may have."""
HELLO_PATIENCE = 5.0
LAST_WORDS = 0.5
CHUNK = 400
"""Events in one frame of history."""


class Hub(Protocol):
    """What the server needs of the hub."""

    folder: Path
    me: Actor
    published: int

    def events(self, begin: int, end: int) -> list[bytes]:
        """Return events as bytes, by their position."""

    async def ask(self, intent: Wish, by: Actor) -> Answered:
        """Decide an intent; the id of the answer is filled in by the server."""


class Executor(Protocol):
    """What the server needs of who runs commands."""

    def tails(self) -> list[Tail]:
        """Return the newest output of what runs."""


class Monitor(Protocol):
    """What the server needs of who watches."""

    def recent(self) -> list[Sampled]:
        """Return the last minutes of readings."""


class Host(Protocol):
    """What the server needs of the station."""

    def identity(self) -> tuple[str, str]:
        """Return this replica's id, and why the session is read-only (or nothing)."""

    def marks(self) -> Marks:
        """Return what happened to events."""

    def standing(self) -> Standing:
        """Return how the station is."""

    def visited(self, visitor: Visitor, *, came: bool, end: bool = False) -> None:
        """Hear that somebody came or left."""

    def wants(self) -> tuple[str, ...]:
        """Return the environment variables in which the procedure's secrets lie."""

    def given(self, variables: dict[str, str]) -> None:
        """Hear what a visitor's environment holds of them."""

    def painted(self, visitor: Visitor, position: int) -> None:
        """Hear that somebody saw everything up to a position (R26)."""


class Visitor:
    """One connection."""

    def __init__(self, actor: Actor, hello: Hello, writer: asyncio.StreamWriter, hub: Hub, number: int) -> None:
        self.actor, self.hello = actor, hello
        self.name = f"{actor.login} ({hello.via} {number})"
        """For people: who has seen what."""
        self.left = False
        """It said goodbye; otherwise its terminal vanished."""
        self.outbox = Outbox(writer, self._more)
        self._hub = hub
        self._cursor = hello.after if self._has_what_we_have(hello) else 0
        self._caught_up = False

    def _has_what_we_have(self, hello: Hello) -> bool:
        if not 0 < hello.after <= self._hub.published:
            return False
        (last,) = self._hub.events(hello.after - 1, hello.after)
        return hello.last in {"", digest(last)}

    def begin_again(self, upto: int) -> None:
        """Events after position `upto` are no more: if this visitor was shown one, it gets all others again."""
        if self._cursor > upto:
            self._cursor, self._caught_up = 0, False
            self.outbox.journal()

    async def _more(self) -> bytes:
        """The next events that this visitor has not got; nothing when it has all."""
        published = self._hub.published
        begin, end = self._cursor, min(self._cursor + CHUNK, published)
        if begin >= end and self._caught_up:
            return b""
        frame = Happened(
            events=[msgspec.Raw(raw) for raw in self._hub.events(begin, end)],
            position=end,
            history=not self._caught_up,
            caught_up=end >= published,
        )
        self._cursor = end
        self._caught_up = self._caught_up or end >= published
        return encode(frame)


class Server:
    """Listens, and serves everyone who comes."""

    def __init__(self, hub: Hub, host: Host, complain: Callable[[str], None]) -> None:
        """`complain` writes a line into the station's own log."""
        self._hub, self._host, self._complain = hub, host, complain
        self._path = Path()
        self._inode = 0
        self.executor: Executor
        self.monitor: Monitor
        """Both are set once by the station, before it listens."""
        self._server: asyncio.Server | None = None
        self._count = 0
        self._serving: set[asyncio.Task[None]] = set()
        self._asks: set[asyncio.Task[None]] = set()
        self.visitors: list[Visitor] = []
        self._aside: list[Visitor] = []
        """Those that only look from beside another session: nothing is done or left undone for them."""

    async def open(self) -> None:
        """Listen. The logbook's lock is ours, so a socket that lies there is a dead one's. StationError, OSError."""
        before = self._server
        self._path = new_socket(self._hub.folder)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=MOST_FROM_CLIENT)
        self._path.chmod(0o600)
        self._inode = self._path.lstat().st_ino
        if before is not None:
            before.close()
        await asyncio.to_thread(say_socket, self._hub.folder, self._path)

    async def stay_reachable(self) -> None:
        """Listen again where the socket, its folder or what says where they lie is gone. StationError, OSError."""
        if not _is_at(self._path, self._inode):
            await self.open()
        elif await asyncio.to_thread(said_socket, self._hub.folder) != self._path:
            await asyncio.to_thread(say_socket, self._hub.folder, self._path)

    async def close(self, reason: str) -> None:
        """Say farewell to everyone and stop listening."""
        if self._server is None:
            return
        self._server.close()
        if _is_at(self._path, self._inode):  # and not another station's
            self._path.unlink(missing_ok=True)
            (self._hub.folder / ADDRESS).unlink(missing_ok=True)
        for visitor in [*self.visitors, *self._aside]:
            visitor.outbox.answer(encode(Farewell(reason=reason)))
            visitor.outbox.finish()
        if self._serving:
            await asyncio.wait(self._serving, timeout=1.0)
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    # -- news ------------------------------------------------------------------------------------------------------

    def published(self) -> None:
        """The journal grew."""
        for visitor in self._watching(aside=True):
            visitor.outbox.journal()

    def taken_back(self, upto: int) -> None:
        """The journal lost all events after position `upto`."""
        for visitor in self._watching(aside=True):
            visitor.begin_again(upto)

    def say(self, frame: Marks | Standing) -> None:
        """Tell everybody; replaces what waits of the same kind."""
        watching = self._watching()
        if watching:
            line = encode(frame)
            for visitor in watching:
                visitor.outbox.latest(type(frame).__name__, line)

    def show_tail(self, tail: Tail) -> None:
        """Show a command's newest output."""
        watching = self._watching()
        if watching:
            line = encode(tail)
            for visitor in watching:
                visitor.outbox.latest(f"tail {tail.step}", line)

    def show_samples(self, sampled: Sampled) -> None:
        """Show new readings."""
        watching = self._watching(aside=True)
        if watching:
            line = encode(sampled)
            for visitor in watching:
                visitor.outbox.samples(line)

    def _watching(self, *, aside: bool = False) -> list[Visitor]:
        return [visitor for visitor in self.visitors if visitor.hello.watching] + (self._aside if aside else [])

    # -- one connection --------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            # The other end went away, or we do: both end this connection and nothing else.
            with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.CancelledError):
                visitor = await self._receive(reader, writer)
                if visitor is not None:
                    await self._attend(visitor, reader)
        except Exception as error:  # noqa: BLE001 - one console's trouble must not end the station
            self._complain(f"a connection broke: {error!r}")
        finally:
            self._serving.discard(task)
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Visitor | None:
        """Look at the credentials and the first frame; None where the visitor was sent away."""
        peer = peer_of(writer.get_extra_info("socket"))
        if peer.uid != os.getuid():
            return await _send_away(writer, "This session belongs to another user")
        async with asyncio.timeout(HELLO_PATIENCE):
            line = await reader.readline()
        try:
            hello = decode_to(line)
        except ValueError:
            return await _send_away(writer, "The first frame must be a hello")
        if not isinstance(hello, Hello):
            return await _send_away(writer, "The first frame must be a hello")
        if hello.protocol != PROTOCOL:
            return await _send_away(
                writer, f"This station speaks protocol {PROTOCOL}: use Quarterdeck {__version__} with this session"
            )
        if hello.via not in VISITORS:
            known = ", ".join(sorted(VISITORS))
            return await _send_away(writer, f"No client is called “{hello.via[:40]}” here; it is one of: {known}")
        self._count += 1
        visitor = Visitor(_actor(peer, hello, self._hub.me.host), hello, writer, self._hub, self._count)
        visitor.outbox.answer(encode(self._welcome(visitor)))
        return visitor

    def _welcome(self, visitor: Visitor) -> Welcome:
        replica, read_only = self._host.identity()
        return Welcome(
            protocol=PROTOCOL,
            version=__version__,
            session=self._hub.folder.name,
            folder=str(self._hub.folder),
            replica=replica,
            you=visitor.actor,
            pid=os.getpid(),
            wall=time.time(),
            boot=boot_id(),
            bt_ns=boot_clock_ns(),
            read_only=read_only,
            wants=self._host.wants(),
        )

    async def _attend(self, visitor: Visitor, reader: asyncio.StreamReader) -> None:
        aside = visitor.hello.aside
        crowd = self._aside if aside else self.visitors
        crowd.append(visitor)
        if aside:
            visitor.outbox.journal()
            for sampled in self.monitor.recent():
                visitor.outbox.samples(encode(sampled))
        else:
            self._host.visited(visitor, came=True)
            if visitor.hello.watching:
                self._tell_all(visitor)
        sending = asyncio.create_task(visitor.outbox.run())
        listening = asyncio.create_task(self._listen(visitor, reader))
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():  # it cannot be written to any more; what it said last is still to be read
                await asyncio.wait({listening}, timeout=LAST_WORDS)
        finally:
            ends = listening.done() and not listening.cancelled() and not listening.exception() and listening.result()
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)
            crowd.remove(visitor)
            if not aside:
                self._host.visited(visitor, came=False, end=ends)

    def _tell_all(self, visitor: Visitor) -> None:
        visitor.outbox.journal()
        for sampled in self.monitor.recent():
            visitor.outbox.samples(encode(sampled))
        for tail in self.executor.tails():
            visitor.outbox.latest(f"tail {tail.step}", encode(tail))
        visitor.outbox.latest("Marks", encode(self._host.marks()))
        visitor.outbox.answer(encode(self._host.standing()))

    async def _listen(self, visitor: Visitor, reader: asyncio.StreamReader) -> bool:
        """Take frames until the visitor leaves; whether it asked to end what is not live."""
        while True:
            line = await reader.readline()
            if not line.endswith(b"\n"):
                return False
            try:
                frame = decode_to(line)
            except ValueError as error:
                refusal = f"This station does not understand that: {error}"
                visitor.outbox.answer(encode(Answered(id=_number_of(line), refusal=refusal)))
                continue
            if isinstance(frame, Leave):
                visitor.left = True
                return frame.end
            if isinstance(frame, Ask):
                self._ask(visitor, frame)
                await asyncio.sleep(0)  # act on it before the next frame is read: it may be a halt
            elif isinstance(frame, Ping):
                visitor.outbox.answer(encode(Pong(id=frame.id)))
            elif isinstance(frame, Given):
                self._host.given(frame.env)
            elif isinstance(frame, Seen):
                self._host.painted(visitor, frame.position)
            elif isinstance(frame, Present):
                self._host.visited(visitor, came=True)

    def _ask(self, visitor: Visitor, ask: Ask) -> None:
        async def answer() -> None:
            try:
                answered = await self._hub.ask(ask.intent, visitor.actor)
            except Exception as error:  # noqa: BLE001 - a fault in a rule is said to who asked, and the station lives
                self._complain(f"{type(ask.intent).__name__} broke: {error!r}")
                answered = Answered(id=0, refusal=f"The station could not do this: {error}")
            visitor.outbox.answer(encode(msgspec.structs.replace(answered, id=ask.id)))

        task = asyncio.create_task(answer())  # goes on when the console is gone: what was asked is done
        self._asks.add(task)
        task.add_done_callback(self._asks.discard)


def _is_at(path: Path, inode: int) -> bool:
    try:
        return path.lstat().st_ino == inode
    except OSError:
        return False


async def _send_away(writer: asyncio.StreamWriter, reason: str) -> Visitor | None:
    writer.write(encode(Farewell(reason=reason)))
    with contextlib.suppress(OSError):
        await writer.drain()
    return None


def _number_of(line: bytes) -> int:
    """The id of a frame that is not understood, so that who asked hears of it."""
    try:
        said = msgspec.json.decode(line)
    except ValueError:
        return 0
    number = said.get("id", 0) if isinstance(said, dict) else 0
    return number if isinstance(number, int) else 0


def _actor(peer: Peer, hello: Hello, host: str) -> Actor:
    try:
        login = pwd.getpwuid(peer.uid).pw_name
    except KeyError:
        login = f"uid-{peer.uid}"
    return Actor(login=login, uid=peer.uid, via=hello.via, host=host, tty=hello.tty, ssh=hello.ssh)
