"""Check type `tcp`: can a connection be opened.

Its latency is the time until the connection stood. Refused, unreachable or too late is critical; nothing is sent.
A name's addresses are tried as clients do: where one says nothing, the next begins 0.25 s later (RFC 8305).
"""

from __future__ import annotations

import asyncio
import time

from quarterdeck.observer.checks.base import Check, Context, Result, reason_of
from quarterdeck.observer.messages import Status
from quarterdeck.procedure.checks import TcpOptions
from quarterdeck.text import visible

__all__ = ["TcpCheck", "build"]

_HEAD_START = 0.25
"""Seconds that one address has before the next is tried beside it."""


def build(options: TcpOptions, _context: Context) -> Check:
    """A check that opens one connection for each sample."""
    return TcpCheck(options.host, options.port)


class TcpCheck:
    """Opens a connection and closes it."""

    late: Status = "critical"

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.doing = ""

    async def sample(self) -> Result:
        """One connection; its latency, or why there was none."""
        self.doing = f"connecting to {visible(self._host, 60)} port {self._port}"
        started = time.perf_counter()
        try:
            _, writer = await asyncio.open_connection(self._host, self._port, happy_eyeballs_delay=_HEAD_START)
        except (OSError, UnicodeError) as error:
            where = f"{visible(self._host, 60)} port {self._port}"
            return Result(status="critical", message=f"{where}: {reason_of(error) or 'no connection'}")
        latency = time.perf_counter() - started
        writer.transport.abort()
        return Result(status="ok", values={"latency": latency})

    async def close(self) -> None:
        """Nothing is held open."""
