"""Key latency in the step list: from the key to the cursor painted on the next step, with 100 to 10,000 steps.

Held against a bare Line-API list of as many rows, on the same pty, turn and turn about. `move` stays inside the pane,
`scroll` goes on at its end, where all its lines are painted anew: the bare list paints the cursor's line first and
the others later, so the step before it has to stand above it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from functools import partial

from tests.bench.measure import Measurement, Row, p50
from tests.bench.minimal_app import CURSOR
from tests.bench.ptyshell import Grid, Shell
from tests.bench.verbs import command
from tests.bench.world import compiled, session, started, world

__all__ = ["MEASUREMENTS"]

NUMBER = re.compile(r"Step number (\d+) ")
DOWN, UP = "\x1b[B", "\x1b[A"


def at(step: int) -> str:
    """What the list shows of a step's title."""
    return f"Step number {step} "


class List:
    """A program with a step list, and which step its cursor is on."""

    def __init__(self, words: list[str], cursor: str, first: int) -> None:
        self.shell = Shell(words)
        self._cursor, self.step = cursor, first
        self.shell.until(lambda grid: grid.has(at(1)))
        self.shell.settle(0.3, 3.0)

    def key(self, key: str) -> float:
        """Seconds until the cursor stands on the next step."""
        self.shell.settle(0.08, 0.5)
        self.step += 1 if key == DOWN else -1
        pressed = self.shell.press(key)
        return self.shell.until(self._shows) - pressed

    def last(self) -> int:
        """The last step that is in sight."""
        return max(int(number) for line in self.shell.grid.lines() for number in NUMBER.findall(line))

    def _shows(self, grid: Grid) -> bool:
        """Whether the cursor stands on its step, below the one before it: a list may show half of a scroll first."""
        wanted, before = at(self.step), at(self.step - 1)
        lines = grid.lines()
        return any(
            self._cursor in line[max(0, where - 12) : where]
            and (self.step == 1 or any(before in above for above in lines[max(0, y - 2) : y]))
            for y, line in enumerate(lines)
            if (where := line.find(wanted)) >= 0
        )


def _compare(ours: List, theirs: List, key: str, rounds: int) -> tuple[list[float], list[float]]:
    mine: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        mine.append(ours.key(key))
        bare.append(theirs.key(key))
    return mine, bare


def _scroll(ours: List, theirs: List, rounds: int) -> tuple[list[float], list[float]]:
    """As many keys; only those at which the list moved count: ours moves by two at every second key."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for one, found in zip((ours, theirs), taken, strict=True):
            last = one.last()
            seconds = one.key(DOWN)
            if one.last() != last:
                found.append(seconds)
    return taken


def _measure(steps: int, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Both programs on as many steps; for each kind of key our times and theirs."""
    with world() as home, contextlib.ExitStack() as stack:
        folder = session(home, compiled(steps))

        async def prepare() -> None:
            async with started(folder):
                pass

        asyncio.run(prepare())
        ours = List([*command(), "attach", folder.name], CURSOR, 1)
        stack.callback(ours.shell.end)
        theirs = List([sys.executable, "-m", "tests.bench.minimal_app", "list", str(steps)], CURSOR, 1)
        stack.callback(theirs.shell.end)
        _compare(ours, theirs, DOWN, 3)
        move: tuple[list[float], list[float]] = ([], [])
        for _ in range(max(1, rounds // 10)):
            for key in (DOWN, UP):
                mine, bare = _compare(ours, theirs, key, 5)
                move[0].extend(mine)
                move[1].extend(bare)
        for one in (ours, theirs):
            while one.step < 48:
                one.key(DOWN)
        scroll = _scroll(ours, theirs, min(rounds, steps - 50))
    return {"move": move, "scroll": scroll}


def _rows(steps: int, quick: bool) -> list[Row]:
    """Both kinds of keys against the bare list of as many rows."""
    return [
        Row(
            row=f"key-{kind}-{steps}", what=f"key to painted cell, {kind}, {steps:,} steps", ours=p50(ours) * 1e3,
            unit="ms", reference=p50(theirs) * 1e3, against="bare Line-API list", mark=1.25,
        )
        for kind, (ours, theirs) in _measure(steps, 20 if quick else 100).items()
    ]  # fmt: skip


MEASUREMENTS = tuple(
    Measurement((f"key-move-{steps}", f"key-scroll-{steps}"), partial(_rows, steps)) for steps in (100, 1_000, 10_000)
)
