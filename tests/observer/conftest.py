"""Servers on loopback that behave as told, and a way to take one sample as the observer does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from quarterdeck.host import Clocks
from quarterdeck.observer.checks.base import Context
from quarterdeck.observer.messages import Finding, Reading
from quarterdeck.observer.sampler import Sampler
from quarterdeck.procedure.model import Target

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


class Server:
    """A raw HTTP server: `handler` gets the request's head and writes what it likes."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.connections = 0
        self.left = asyncio.Event()
        """Set when a client has left."""
        self.handler: Handler = self.answer()
        self.port = 0
        self.scheme = "http"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        await self.stop()
        self._server = await asyncio.start_server(self._serve, host, port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    @staticmethod
    def answer(body: bytes | str = b"fine", code: int = 200, kind: str = "text/plain", **headers: str) -> Handler:
        content = body.encode() if isinstance(body, str) else body
        extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{extra}\r\n"

        async def write(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
            writer.write(head.encode() + content)
            await writer.drain()

        return write

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.heads.append(head)
                await self.handler(reader, writer, head)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            self.left.set()

    def deaf(self) -> None:
        """Take no more connections; those that stand are served on."""
        assert self._server is not None
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        self._server.close()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 1)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def another() -> AsyncIterator[Server]:
    """A second server, not yet started."""
    made = Server()
    yield made
    await made.stop()


class Quiet:
    """A loop that is never late."""

    late = 0.0

    def worst_since(self, moment: float) -> float:  # noqa: ARG002
        return self.late


class Sampling:
    """A sampler that runs in the test's loop, and what it said."""

    def __init__(self, target: Target, metrics: tuple[str, ...], environ: dict[str, str], lag: Quiet) -> None:
        self.said: asyncio.Queue[Reading] = asyncio.Queue()
        self.findings: list[Finding] = []
        self.lag = lag
        context = Context(name="it", metrics=metrics, environ=environ)
        self.sampler = Sampler(context, target, send=self._take, lag=lag, clocks=Clocks())
        self.sampler.set_up()
        self.task = asyncio.create_task(self.sampler.run(0.0))

    def _take(self, message: Reading | Finding) -> None:
        if isinstance(message, Reading):
            self.said.put_nowait(message)
        else:
            self.findings.append(message)

    async def next(self) -> Reading:
        return await asyncio.wait_for(self.said.get(), 45)

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


Watching = Callable[..., Sampling]


@pytest.fixture
async def watching() -> AsyncIterator[Watching]:
    """Start samplers; they end with the test."""
    started: list[Sampling] = []

    def start(
        target: Target,
        metrics: tuple[str, ...] = (),
        environ: dict[str, str] | None = None,
        lag: Quiet | None = None,
    ) -> Sampling:
        started.append(Sampling(target, metrics, environ or {}, lag or Quiet()))
        return started[-1]

    yield start
    for sampling in started:
        await sampling.stop()
