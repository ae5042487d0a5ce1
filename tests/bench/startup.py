"""Start-up: from the start of the process to the first full frame of the lead's console, on a pty of 200x50.

The session has 300 steps; `attach` finds its station alive, `lead` opens it. Held, in CPU time of all processes that
were started, against a Textual app that shows one line. Also the bytes to the terminal until that frame stands, and
what the console's process imports before it which it must not.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench.measure import Measurement, Row, p50
from tests.bench.minimal_app import READY
from tests.bench.processes import children, cpu_seconds, ended_cpu_seconds
from tests.bench.ptyshell import Grid, Shell
from tests.bench.verbs import command
from tests.bench.world import compiled, procedure, session, started, station_pid, world

__all__ = ["MEASUREMENTS", "framed", "minimal"]

HEAVY = ("yaml", "jinja2", "httpx", "psutil", "sqlite3")
"""What the console's process must not import before its first frame."""


def framed(grid: Grid) -> bool:
    """Whether every pane of the lead's layout is there: the halt button is the last of them."""
    return grid.has("H HALT") and grid.has("Procedure")


def _with_steps(grid: Grid) -> bool:
    return framed(grid) and grid.has("Step number 7 ")


STANDS = 0.25
"""Seconds after which the first frame stands: what a second paint sends has come by then."""


class Start(NamedTuple):
    """What it took until the steps were shown."""

    cpu: float
    """Seconds, of all processes that were started for it."""
    wall: float
    bytes: int
    """To the terminal, until all of it stands."""


def _attach(folder: Path) -> Start:
    with Shell([*command(), "attach", folder.name]) as shell:
        wall = shell.until(_with_steps) - shell.began
        used = cpu_seconds(shell.pid)
        shell.drain(STANDS)
        return Start(used, wall, shell.bytes)


def _lead(home: Path, file: Path) -> Start:
    before = {*(home / "sessions").glob("*")}
    with Shell([*command(), "lead", str(file)]) as shell:
        wall = shell.until(_with_steps) - shell.began
        (folder,) = {*(home / "sessions").glob("*")} - before
        station = station_pid(folder)
        living = cpu_seconds(shell.pid, station, *children(station))
        used = Start(living + ended_cpu_seconds(shell.pid), wall, shell.bytes)
    os.kill(station, signal.SIGKILL)
    return used


def minimal() -> Start:
    """The reference: the least that Textual can start."""
    with Shell([sys.executable, "-m", "tests.bench.minimal_app"]) as shell:
        wall = shell.until(lambda grid: grid.has(READY)) - shell.began
        return Start(cpu_seconds(shell.pid), wall, shell.bytes)


def _imported(folder: Path) -> list[str]:
    """Which heavy packages are loaded when the steps are shown."""
    words = [sys.executable, "-X", "importtime", "-m", "quarterdeck", "attach", folder.name]
    with Shell(words) as shell:
        shell.keep = True
        shell.until(_with_steps)
        told = shell.raw.decode(errors="replace")
    loaded = {found.partition(".")[0] for found in re.findall(r"import time:[^|]*\|[^|]*\| +([\w.]+)", told)}
    return [name for name in HEAVY if name in loaded]


async def _prepare(home: Path) -> Path:
    folder = session(home, compiled(300, gauges=True))
    async with started(folder):
        return folder


def _beside(rounds: int, start: Callable[[], Start]) -> tuple[list[Start], list[Start]]:
    """Ours and minimal ones, turn and turn about, after one of each that does not count."""
    start(), minimal()
    ours: list[Start] = []
    bare: list[Start] = []
    for number in range(rounds):
        for turn in (number % 2, 1 - number % 2):
            if turn:
                bare.append(minimal())
            else:
                ours.append(start())
    return ours, bare


def _row(row: str, what: str, mark: float, taken: tuple[list[Start], list[Start]]) -> Row:
    ours, bare = taken
    wall, theirs = p50([each.wall for each in ours]), p50([each.wall for each in bare])
    return Row(
        row=row, what=what, ours=p50([each.cpu for each in ours]) * 1e3, unit="CPU ms",
        reference=p50([each.cpu for each in bare]) * 1e3, against="minimal Textual app", mark=mark,
        note=f"{wall * 1e3:.0f} ms by the clock, {wall / theirs:.2f} of it",
    )  # fmt: skip


def _attached(quick: bool) -> list[Row]:
    """The frame of a console whose station runs, its bytes, and what was imported for it."""
    with world() as home:
        folder = asyncio.run(_prepare(home))
        taken = _beside(2 if quick else 15, lambda: _attach(folder))
        heavy = _imported(folder)
    return [
        _row("attach", "attach: to the frame that shows the steps of 300", 1.15, taken),
        Row(
            row="start-bytes", what="bytes to the terminal until all of it stands", unit="kB", mark=35.0,
            ours=p50([each.bytes for each in taken[0]]) / 1e3,
            note=f"minimal {p50([each.bytes for each in taken[1]]) / 1e3:.1f} kB",
        ),
        Row(
            row="start-imports", what=f"of {', '.join(HEAVY)}, imported until then", ours=len(heavy), unit="",
            mark=0, note=", ".join(heavy),
        ),
    ]  # fmt: skip


def _led(quick: bool) -> list[Row]:
    """The same for `lead`, which opens the session and starts its station."""
    with world() as home:
        file = home / "bench.yaml"
        file.write_text(procedure(300, gauges=True))
        taken = _beside(2 if quick else 10, lambda: _lead(home, file))
    return [_row("lead", "lead with its station: to the frame that shows the steps of 300", 1.6, taken)]


MEASUREMENTS = (
    Measurement(("attach", "start-bytes", "start-imports"), _attached),
    Measurement(("lead",), _led),
)
