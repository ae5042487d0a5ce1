"""The steady state: console, station and observer together on a live session, with nobody pressing a key.

Gauges each second, 20 endpoints each 5 s, some of which turn bad and well again, a step that runs, 200x50. CPU is
held against glances (`-t 1`) on a pty of the same size at the same time. Memory and bytes to the terminal have
absolute marks; `memory-growth` says whether memory grows.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path

from tests.bench.measure import Measurement, Row
from tests.bench.peers import glances, missing
from tests.bench.processes import children, cpu_seconds, memory_alone
from tests.bench.ptyshell import Shell
from tests.bench.verbs import command
from tests.bench.web import endpoints
from tests.bench.world import compiled, session, started, station_pid, world

from quarterdeck.session.intents import StartStep

__all__ = ["MEASUREMENTS"]

ENDPOINTS, CHANGING = 20, 4


class Taken:
    """What was used in a while."""

    def __init__(self) -> None:
        self.by: dict[str, float] = {}
        """CPU seconds in a minute, by process."""
        self.memory: dict[str, float] = {}
        self.later: dict[str, float] = {}
        """The same after ten minutes, where those were waited for."""
        self.bytes = 0.0
        """To the terminal, in a second."""
        self.glances: float | None = None
        self.glances_bytes = 0.0


class Glances:
    """glances on a pty of its own, read by a thread; nothing where it is not installed."""

    def __init__(self) -> None:
        found = glances()
        self._shell = Shell([found, "-t", "1", "--disable-check-update"]) if found else None
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        if self._shell is not None:
            self._thread.start()

    def _read(self) -> None:
        while self._shell is not None and not self._ends.is_set():
            try:
                self._shell.drain(0.2)
            except TimeoutError:
                return

    def cpu(self) -> float | None:
        """CPU seconds until now."""
        return None if self._shell is None else cpu_seconds(self._shell.pid)

    def bytes(self) -> int:
        """Written until now."""
        return 0 if self._shell is None else self._shell.bytes

    def end(self) -> None:
        """End it."""
        self._ends.set()
        if self._shell is not None:
            self._thread.join()
            self._shell.end()


def _memory(pids: dict[str, int]) -> dict[str, float]:
    used = memory_alone(*pids.values())
    return {name: used[pid] for name, pid in pids.items()}


def _watch(folder: Path, seconds: float, longer: float = 0.0) -> Taken:
    taken = Taken()
    glances = Glances()
    try:
        with Shell([*command(), "attach", folder.name]) as shell:
            shell.until(lambda grid: grid.has("Step number 7 "))
            shell.drain(8.0)
            station = station_pid(folder)
            (observer,) = children(station)
            pids = {"console": shell.pid, "station": station, "observer": observer}
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            theirs, their_bytes, begin = glances.cpu(), glances.bytes(), time.monotonic()
            taken.bytes = float(shell.drain(seconds))
            minutes = (time.monotonic() - begin) / 60
            taken.by = {name: (cpu_seconds(pid) - before[name]) / minutes for name, pid in pids.items()}
            now = glances.cpu()
            if theirs is not None and now is not None:
                taken.glances = (now - theirs) / minutes
                taken.glances_bytes = (glances.bytes() - their_bytes) / minutes / 60
            taken.bytes /= minutes * 60
            taken.memory = _memory(pids)
            if longer:
                shell.drain(longer)
                taken.later = _memory(pids)
    finally:
        glances.end()
    return taken


async def _prepare(home: Path, urls: list[str]) -> Path:
    folder = session(home, compiled(300, endpoints=urls, gauges=True))
    async with started(folder, StartStep(step="step-1")):
        return folder


def _watched(seconds: float, longer: float = 0.0) -> Taken:
    with world() as home, endpoints(ENDPOINTS, changing=CHANGING) as urls:
        os.environ["QUARTERDECK_LINGER"] = "60"
        return _watch(asyncio.run(_prepare(home, urls)), seconds, longer)


def _told(memory: dict[str, float]) -> str:
    return ", ".join(f"{name} {used / 1e6:.0f}" for name, used in memory.items())


def _rows(quick: bool) -> list[Row]:
    """CPU, memory, bytes."""
    taken = _watched(10.0 if quick else 60.0)
    each = ", ".join(f"{name} {used:.2f}" for name, used in taken.by.items())
    return [
        Row(
            row="steady-cpu",
            what="steady CPU of console, station and observer", ours=sum(taken.by.values()), unit="CPU s/min",
            reference=taken.glances, against="glances -t 1", mark=0.25, note=each,
            missing="" if taken.glances else missing("glances"),
        ),
        Row(
            row="memory",
            what="memory of console, station and observer, as if alone", ours=sum(taken.memory.values()) / 1e6,
            unit="MB", mark=65.0, note=_told(taken.memory),
        ),
        Row(
            row="steady-bytes", what="bytes to the terminal, steady", ours=taken.bytes / 1e3, unit="kB/s", mark=0.7,
            note=f"glances {taken.glances_bytes / 1e3:.1f} kB/s" if taken.glances else "",
        ),
    ]  # fmt: skip


def _long(quick: bool) -> list[Row]:
    """Memory after ten minutes, and what of it came after the first one."""
    taken = _watched(5.0 if quick else 60.0, 10.0 if quick else 540.0)
    after, first = sum(taken.later.values()) / 1e6, sum(taken.memory.values()) / 1e6
    return [
        Row(
            row="memory-10min", what="memory after ten minutes, as if alone", ours=after, unit="MB", mark=65.0,
            note=_told(taken.later),
        ),
        Row(
            row="memory-growth", what="what came to it after the first minute", ours=after - first, unit="MB",
            mark=1.0, note=f"from {first:.1f}",
        ),
    ]  # fmt: skip


MEASUREMENTS = (
    Measurement(("steady-cpu", "memory", "steady-bytes"), _rows),
    Measurement(("memory-10min", "memory-growth"), _long, long=True),
)
