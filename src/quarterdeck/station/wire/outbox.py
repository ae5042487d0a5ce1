"""What waits to be sent to one console: nothing of it ever makes the station wait.

A slow or frozen console loses tails and samples first (only the newest are kept), then falls behind in the journal
(which costs the station nothing: a cursor), and is left at last when answers that it asked for pile up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

__all__ = ["Outbox"]

MOST_ANSWERS = 2000
"""Answers and pongs that may wait; a console that reads none of them is gone."""
MOST_SAMPLES = 32
"""Batches of samples that may wait; the oldest are dropped."""
MOST_AT_ONCE = 256 * 1024
"""Bytes given to the socket before looking whether it takes them."""


class Outbox:
    """The sending half of one connection.

    `more` gives the next lines of the journal that this console has not got, or nothing when it has all.
    """

    def __init__(self, writer: asyncio.StreamWriter, more: Callable[[], Awaitable[bytes]]) -> None:
        self._writer = writer
        self._more = more
        self._answers: deque[bytes] = deque()
        self._latest: dict[str, bytes] = {}
        self._samples: deque[bytes] = deque(maxlen=MOST_SAMPLES)
        self._wake = asyncio.Event()
        self._journal = False
        self._greeted = False
        """The welcome comes before everything else; from then on events come before the answers that name them."""
        self.dropped = 0
        """Batches of samples that were thrown away."""
        self.finished = False

    def answer(self, line: bytes) -> None:
        """Send this, whatever happens; too many that are not taken end the connection."""
        self._answers.append(line)
        self._wake.set()
        if len(self._answers) > MOST_ANSWERS:
            self.abort()

    def latest(self, key: str, line: bytes) -> None:
        """Send this, or what replaces it under the same key."""
        self._latest[key] = line
        self._wake.set()

    def samples(self, line: bytes) -> None:
        """Send this, or drop the oldest."""
        if len(self._samples) == MOST_SAMPLES:
            self.dropped += 1
        self._samples.append(line)
        self._wake.set()

    def journal(self) -> None:
        """There is something new in the journal."""
        self._journal = True
        self._wake.set()

    def finish(self) -> None:
        """Send what waits as answers, then close."""
        self.finished = True
        self._wake.set()

    def abort(self) -> None:
        """Close now."""
        self.finished = True
        self._writer.transport.abort()
        self._wake.set()

    async def run(self) -> None:
        """Send until finished or the other end is gone (ConnectionError and the like are raised)."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            more = True
            while more:
                batch = bytearray()
                while len(batch) < MOST_AT_ONCE and (more := (part := await self._next()) is not None):
                    batch += part
                self._writer.write(batch)
                await self._writer.drain()
            if self.finished:
                return

    async def _next(self) -> bytes | None:
        if self._journal and self._greeted and not self.finished:
            lines = await self._more()
            if lines:
                return lines
            self._journal = False
        self._greeted = True
        if self._answers:
            return self._take(self._answers)
        if self.finished:
            return None
        if self._journal:
            return b""
        if self._latest:
            batch = b"".join(self._latest.values())
            self._latest.clear()
            return batch
        return self._take(self._samples) if self._samples else None

    @staticmethod
    def _take(waiting: deque[bytes]) -> bytes:
        batch = bytearray()
        while waiting and len(batch) < MOST_AT_ONCE:
            batch += waiting.popleft()
        return bytes(batch)
