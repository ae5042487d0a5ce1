"""Start-up: from the start of the process to the first full frame of the lead's console, on a pty of 200x50.

The session has 300 steps and its station runs already; held against a Textual app that shows one line. Also: what
the console's process imports before that frame which it must not.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.bench.measure import Row, p50
from tests.bench.minimal_app import READY
from tests.bench.ptyshell import Grid, Shell
from tests.bench.verbs import command
from tests.bench.world import compiled, session, started, world

__all__ = ["framed", "rows"]

HEAVY = ("yaml", "jinja2", "httpx", "psutil", "sqlite3")
"""What the console's process must not import before its first frame."""


def framed(grid: Grid) -> bool:
    """Whether every pane of the lead's layout is there: the halt button is the last of them."""
    return grid.has("H HALT") and grid.has("Procedure")


def _with_steps(grid: Grid) -> bool:
    return framed(grid) and grid.has("Step number 7 ")


def _first_frame(folder: Path) -> tuple[float, float]:
    """Seconds to the first full frame, and to the one that shows the steps."""
    with Shell([*command(), "attach", folder.name]) as shell:
        frame = shell.until(framed) - shell.began
        return frame, shell.until(_with_steps) - shell.began


def _minimal() -> float:
    with Shell([sys.executable, "-m", "tests.bench.minimal_app"]) as shell:
        return shell.until(lambda grid: grid.has(READY)) - shell.began


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


def rows(quick: bool) -> list[Row]:
    """The first full frame, the first with steps, and what was imported for it."""
    empty: list[float] = []
    full: list[float] = []
    minimal: list[float] = []
    with world() as home:
        folder = asyncio.run(_prepare(home))
        _minimal(), _first_frame(folder)
        for number in range(2 if quick else 15):
            if number % 2:
                minimal.append(_minimal())
            frame, steps = _first_frame(folder)
            empty.append(frame)
            full.append(steps)
            if not number % 2:
                minimal.append(_minimal())
        heavy = _imported(folder)
    reference, against = p50(minimal) * 1e3, "minimal Textual app"
    return [
        Row(
            what="first full frame of the lead's console", ours=p50(empty) * 1e3, unit="ms",
            reference=reference, against=against, mark=1.2,
        ),
        Row(
            what="first frame with its 300 steps", ours=p50(full) * 1e3, unit="ms",
            reference=reference, against=against, mark=1.2,
        ),
        Row(
            what="heavy packages imported before it", ours=len(heavy), unit="", mark=0, note=", ".join(heavy)
        ),
    ]  # fmt: skip
