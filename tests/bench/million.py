"""A session of a million events: how soon its station answers, and what it and a console hold of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.bench.measure import Measurement, Row
from tests.bench.processes import cpu_seconds, memory_alone
from tests.bench.ptyshell import Shell
from tests.bench.replay import long_session
from tests.bench.verbs import command
from tests.bench.world import station_pid, world

from quarterdeck.station.wire.client import Client

__all__ = ["MEASUREMENTS"]

IDLE = 0.2
"""Share of a core below which a console has taken in what there was."""


async def _answered(folder: Path) -> float:
    """Seconds until a station that is started for it says welcome."""
    begin = time.perf_counter()
    client = await Client.connect(folder, via="cli", watching=False)
    seconds = time.perf_counter() - begin
    await client.close()
    return seconds


def _held(folder: Path) -> tuple[float, float]:
    """Bytes of the station and of a console that knows everything."""
    with Shell([*command(), "attach", folder.name]) as shell:
        shell.until(lambda grid: grid.has("Step number 7 "), 300.0)
        used = -IDLE
        while (now := cpu_seconds(shell.pid)) - used >= IDLE:
            used = now
            shell.drain(1.0)
        station = station_pid(folder)
        found = memory_alone(station, shell.pid)
        return found[station], found[shell.pid]


def _rows(quick: bool) -> list[Row]:
    """Opened once, then looked at."""
    count = 20_000 if quick else 1_000_000
    with world() as home:
        folder = long_session(home, count)
        seconds = asyncio.run(_answered(folder))
        station, console = _held(folder)
    what = f"of {count:,} events"
    return [
        Row(row="million-opens", what=f"a session {what}, until its station answers", ours=seconds, unit="s", mark=2),
        Row(row="million-station", what=f"its station's memory, {what}", ours=station / 1e6, unit="MB", mark=300),
        Row(row="million-console", what=f"a console's memory, {what}", ours=console / 1e6, unit="MB", mark=150),
    ]


MEASUREMENTS = (Measurement(("million-opens", "million-station", "million-console"), _rows, long=True),)
