"""The halt: from the key to HALTED painted on this console, and until it is durable.

Painted is held against a full repaint of a bare Textual screen of the same size, turn and turn about on the same pty.
Durable is what a verb waits for: its file, then the answer of the station.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.measure import Measurement, Row, p50, p99
from tests.bench.ptyshell import COLUMNS, LINES, Grid, Shell
from tests.bench.startup import framed
from tests.bench.verbs import command
from tests.bench.world import compiled, session, started, world

from quarterdeck.session.intents import GoOn
from quarterdeck.station.wire.client import Client

__all__ = ["MEASUREMENTS"]


CONSOLES = 5
QUIET = 0.15
"""Seconds of silence after which everybody has painted: less than a beat."""


def _halted(grid: Grid) -> bool:
    """Whether the state's badge says HALTED, and the button too."""
    return sum(line.count("HALTED") for line in grid.lines()) > 1


def _going(grid: Grid) -> bool:
    return framed(grid) and not grid.has("HALTED")


class Repaint(Shell):
    """The bare screen."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-m", "tests.bench.minimal_app", "repaint"])
        self._number = 0
        self.until(self._shows)

    def _shows(self, grid: Grid) -> bool:
        first, last = "".join(grid.rows[0]), "".join(grid.rows[LINES - 1])
        words = f"repaint {self._number} of line"
        return first.startswith(words) and last.startswith(words) and last.count(words) > COLUMNS // 40

    def once(self) -> float:
        """Seconds from the key to all of it painted."""
        self.settle(0.05, 0.5)
        self._number += 1
        pressed = self.press("x")
        return self.until(self._shows) - pressed


async def _let_go(client: Client, nonces: tuple[str, ...]) -> None:
    for _ in range(2):  # the first lands in paused
        answer = await client.ask(GoOn(halts=nonces, reason="measuring", accept="measuring", override="measuring"))
        assert not answer.refusal, answer
        nonces = ()


async def _painted(folder: Path, client: Client, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of halts and of repaints."""
    halts: list[float] = []
    repaints: list[float] = []
    known: set[str] = set()
    with Repaint() as bare, Shell([*command(), "attach", folder.name]) as shell:
        shell.until(lambda grid: _going(grid) and grid.has("Step number 7 "))
        for number in range(rounds + 1):
            shell.until(_going)
            shell.settle(0.3, 2.0)
            before = bare.once()
            pressed = shell.press("H")
            halt = shell.until(_halted) - pressed
            if number:
                halts.append(halt)
                repaints += [before, bare.once()]
            await _let_go(client, _fresh(folder, known))
    return halts, repaints


async def _durable(folder: Path, client: Client, rounds: int) -> list[float]:
    """Seconds until a halt is answered, which is when it is durable."""
    known = {file.name for file in (folder / "halts").iterdir()}
    taken: list[float] = []
    for _ in range(rounds):
        begin = time.perf_counter()
        answer = await client.halt()
        taken.append(time.perf_counter() - begin)
        assert answer is not None, "the station did not confirm a halt"
        await _let_go(client, _fresh(folder, known))
    return taken


async def _elsewhere(folder: Path, client: Client, rounds: int) -> list[float]:
    """Seconds from the key on one console until another one of the host has HALTED painted; each counts."""
    known = {file.name for file in (folder / "halts").iterdir()}
    taken: list[float] = []
    with contextlib.ExitStack() as stack:
        shells = [stack.enter_context(Shell([*command(), "attach", folder.name])) for _ in range(CONSOLES)]
        for shell in shells:
            shell.until(lambda grid: _going(grid) and grid.has("Step number 7 "))
        for number in range(rounds + 1):
            for shell in shells:
                shell.until(_going)
                shell.settle(0.05)
            pressed = shells[number % CONSOLES].press("H")
            painted = _moments(shells)
            del painted[number % CONSOLES]
            if number:
                taken += [moment - pressed for moment in painted]
            await _let_go(client, _fresh(folder, known))
    return taken


def _moments(shells: Sequence[Shell]) -> list[float]:
    """When each had HALTED painted. What came is looked at afterwards, so that nobody waits for this process."""
    parts: dict[Shell, list[tuple[float, bytes]]] = {shell: [] for shell in shells}
    while ready := select.select(shells, [], [], QUIET)[0]:
        for shell in ready:
            parts[shell].append(shell.take())
    return [_moment(shell, came) for shell, came in parts.items()]


def _moment(shell: Shell, came: Sequence[tuple[float, bytes]]) -> float:
    found = 0.0
    for moment, data in came:
        shell.show(data)
        if not found and _halted(shell.grid):
            found = moment
    return found or shell.until(_halted)


def _fresh(folder: Path, known: set[str]) -> tuple[str, ...]:
    """The halts that were made since the last look."""
    fresh = {file.name for file in (folder / "halts").iterdir()} - known
    known |= fresh
    return tuple(fresh)


async def _measured_elsewhere(home: Path, rounds: int) -> list[float]:
    folder = session(home, compiled(300, gauges=True))
    async with started(folder) as client:
        return await _elsewhere(folder, client, rounds)


def _rows_elsewhere(quick: bool) -> list[Row]:
    """Painted on the other consoles of the host."""
    with world() as home:
        taken = asyncio.run(_measured_elsewhere(home, 3 if quick else 30))
    what = f"halt, key to HALTED painted on another console, {CONSOLES} of them"
    return [
        Row(row="halt-elsewhere-p50", what=f"{what}, p50", ours=p50(taken) * 1e3, unit="ms"),
        Row(row="halt-elsewhere", what=f"{what}, p99", ours=p99(taken) * 1e3, unit="ms", mark=100.0),
    ]


async def _measure(home: Path, rounds: int) -> tuple[list[float], list[float], list[float]]:
    folder = session(home, compiled(300, gauges=True))
    async with started(folder) as client:
        halts, repaints = await _painted(folder, client, rounds)
        return halts, repaints, await _durable(folder, client, rounds * 4)


def _rows(quick: bool) -> list[Row]:
    """Painted here, and durable."""
    with world() as home:
        halts, repaints, durable = asyncio.run(_measure(home, 4 if quick else 50))
    bare = "full repaint of a bare screen"
    return [
        Row(
            row="halt-painted", what="halt, key to HALTED painted, p50", ours=p50(halts) * 1e3, unit="ms",
            reference=p50(repaints) * 1e3, against=bare, mark=1.0,
        ),
        Row(
            row="halt-painted-p99", what="halt, key to HALTED painted, p99", ours=p99(halts) * 1e3, unit="ms",
            reference=p99(repaints) * 1e3, against=bare,
        ),
        Row(row="halt-durable-p50", what="halt, durable, p50", ours=p50(durable) * 1e3, unit="ms"),
        Row(row="halt-durable", what="halt, durable, p99", ours=p99(durable) * 1e3, unit="ms", mark=20.0),
    ]  # fmt: skip


MEASUREMENTS = (
    Measurement(("halt-painted", "halt-painted-p99", "halt-durable-p50", "halt-durable"), _rows),
    Measurement(("halt-elsewhere-p50", "halt-elsewhere"), _rows_elsewhere),
)
