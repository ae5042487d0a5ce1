"""Check type `tcp`: can a connection be opened.

Options: `host`, `port`. Metric: `latency` (seconds until the connection stood, more is worse).
Refused, unreachable or too late is critical; nothing is sent.
"""

from __future__ import annotations

import asyncio
import time

from quarterdeck.observer.checks.base import Check, Context, Options, Result, SettingError, printable, reason_of
from quarterdeck.observer.readings import Status
from quarterdeck.procedure.model import Target

__all__ = ["TcpCheck", "build"]


def build(target: Target, _context: Context) -> Check:
    """A check that opens one connection for each sample."""
    options = Options(target)
    host, port = options.text("host"), options.number("port", 1, 65535)
    options.done()
    if not host or not host.isprintable():
        raise SettingError("`host` must be a name or an address")
    return TcpCheck(host, port)


class TcpCheck:
    """Opens a connection and closes it."""

    late: Status = "critical"

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.doing = ""

    async def sample(self) -> Result:
        """One connection; its latency, or why there was none."""
        self.doing = f"connecting to {printable(self._host, 60)} port {self._port}"
        started = time.perf_counter()
        try:
            _, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, UnicodeError) as error:
            where = f"{printable(self._host, 60)} port {self._port}"
            return Result(status="critical", message=f"{where}: {reason_of(error)}")
        latency = time.perf_counter() - started
        writer.transport.abort()
        return Result(status="ok", values={"latency": latency})

    async def close(self) -> None:
        """Nothing is held open."""
