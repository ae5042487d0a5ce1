"""What others made, where it is installed (`make bench-peers`): how they start, and what they use at rest.

Told for interest, without a mark; `steady` holds us against glances.
"""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from tests.bench.measure import Measurement, Row, p50
from tests.bench.processes import cpu_seconds
from tests.bench.ptyshell import Shell
from tests.bench.startup import minimal
from tests.bench.world import world

__all__ = ["MEASUREMENTS", "missing", "peer"]

FOLDER = Path(__file__).parents[2] / ".bench-peers"
STARTED = {"toolong": ("tl", ["lines.log"]), "harlequin": ("harlequin", []), "dolphie": ("dolphie", ["--tab-setup"])}
"""Those with a screen of Textual: their program, and with which words it needs nothing else."""
WATCHES = {"glances": ["-t", "1", "--disable-check-update"], "btop": ["--update", "1000"]}
"""Those that watch a host: with which words they look each second."""


def peer(package: str, program: str = "") -> str:
    """The path of a peer's program; empty where it is not installed."""
    own = FOLDER / package / "bin" / (program or package)
    return str(own) if own.exists() else shutil.which(program or package) or ""


def missing(package: str) -> str:
    """Why there is nothing to be held against."""
    return f"{package} is not installed: {'apt install btop' if package == 'btop' else 'make bench-peers'}"


def _start(words: list[str], home: Path) -> float:
    """CPU seconds until it paints nothing more for half a second."""
    with Shell(words, {"HOME": str(home), "PWD": str(home)}) as shell:
        shell.until(lambda grid: any(line.strip() for line in grid.lines()))
        shell.settle(0.5, 10.0)
        return cpu_seconds(shell.pid)


def _at_rest(package: str, quick: bool) -> list[Row]:
    found = peer(package)
    row, what = f"peer-{package}", f"{package}: at rest, looking each second"
    if not found:
        return [Row(row=row, what=what, ours=None, unit="CPU s/min", missing=missing(package))]
    seconds = 5.0 if quick else 30.0
    with Shell([found, *WATCHES[package]]) as shell:
        shell.drain(5.0)
        before = cpu_seconds(shell.pid)
        sent = shell.drain(seconds) / seconds / 1e3
        used = (cpu_seconds(shell.pid) - before) / seconds * 60
    return [Row(row=row, what=what, ours=used, unit="CPU s/min", note=f"{sent:.1f} kB/s to the terminal")]


def _row(package: str, quick: bool) -> list[Row]:
    program, words = STARTED[package]
    found = peer(package, program)
    what = f"{package}: to the first screen"
    if not found:
        return [Row(row=f"peer-{package}", what=what, ours=None, unit="CPU ms", missing=missing(package))]
    with world() as home:
        log = home / "lines.log"
        log.write_text("".join(f"line {number}\n" for number in range(300)))
        whole = [found, *(str(log) if word == log.name else word for word in words)]
        taken = [(_start(whole, home), minimal().cpu) for _ in range(1 if quick else 5)]
    return [
        Row(
            row=f"peer-{package}", what=what, ours=p50([ours for ours, _ in taken]) * 1e3, unit="CPU ms",
            reference=p50([theirs for _, theirs in taken]) * 1e3, against="minimal Textual app",
        )
    ]  # fmt: skip


def glances() -> str:
    """Its program: `GLANCES`, or where it is installed."""
    return os.environ.get("GLANCES") or peer("glances")


MEASUREMENTS = (
    *(Measurement((f"peer-{package}",), partial(_row, package)) for package in STARTED),
    *(Measurement((f"peer-{package}",), partial(_at_rest, package)) for package in WATCHES),
)
