"""Endpoints to poll, in a process of their own: `python -m tests.bench.web` serves on loopback and prints its port.

Answers every path with a short 200, as cheaply as Python can, and a path of `CHANGING` with a 503 every other quarter
of a minute. Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

__all__ = ["CHANGING", "endpoints"]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 503 Not now\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno"
CHANGING = "/changing/"
TURN = 15.0
"""Seconds."""


class _Door(asyncio.Protocol):
    """One connection, kept open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        is_bad = CHANGING.encode() in data and time.monotonic() // TURN % 2
        self._transport.write((BAD if is_bad else ANSWER) * data.count(b"\r\n\r\n"))


@contextlib.contextmanager
def endpoints(count: int, *, changing: int = 0) -> Iterator[list[str]]:
    """So many URLs that answer; the first `changing` of them not always well."""
    command = [sys.executable, "-m", "tests.bench.web"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        try:
            paths = (CHANGING if number < changing else "/health/" for number in range(count))
            yield [f"http://127.0.0.1:{port}{path}{number}" for number, path in enumerate(paths)]
        finally:
            server.stdin.close()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Door, "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
