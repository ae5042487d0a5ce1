"""Check type `tcp`: can a connection be opened.

Its latency is the time until the connection stood. Refused, unreachable or too late is critical; nothing is sent.
"""

from __future__ import annotations

import asyncio
import time

from quarterdeck.observer.checks.base import Check, Context, Result, reason_of
from quarterdeck.observer.messages import Status
from quarterdeck.procedure.checks import TcpOptions
from quarterdeck.text import visible

__all__ = ["TcpCheck", "build"]


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
            _, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, UnicodeError) as error:
            where = f"{visible(self._host, 60)} port {self._port}"
            return Result(status="critical", message=f"{where}: {reason_of(error)}")
        latency = time.perf_counter() - started
        writer.transport.abort()
        return Result(status="ok", values={"latency": latency})

    async def close(self) -> None:
        """Nothing is held open."""
