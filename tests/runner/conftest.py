"""A bench for real commands: the station's side on a temporary session folder, with what it delivers in order."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.runner.processes import descendants, tagged
from quarterdeck.station.commands.results import Finished, Result, Tail
from quarterdeck.station.commands.runs import Commands

ENV = {"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8"}


class Bench:
    """Commands on one folder, and the queue of what they deliver."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: asyncio.Queue[Finished | Tail] = asyncio.Queue()
        self.runs: list[str] = []
        self.env = dict(ENV)
        self.commands = self.station()

    def station(self, **options: Any) -> Commands:
        """A station's side made anew."""
        return Commands(self.folder, self.heard.put_nowait, **options)

    def start(self, run: str, **order: Any) -> None:
        """Prepare and launch."""
        self.runs.append(run)
        self.commands.launch(self.commands.prepare(run, "step", env=self.env, **order))

    async def until(self, run: str, text: str) -> Tail:
        """The first tail of `run` that holds `text`."""
        while True:
            heard = await asyncio.wait_for(self.heard.get(), 45)
            if isinstance(heard, Tail) and heard.run == run and text in heard.text:
                return heard
            assert not isinstance(heard, Finished), heard

    async def result(self, run: str) -> Result:
        """The result of `run`."""
        while True:
            heard = await asyncio.wait_for(self.heard.get(), 45)
            if isinstance(heard, Finished) and heard.run == run:
                return heard.result

    def halt(self, nonce: str) -> None:
        """Put a halt file where anybody would."""
        (self.folder / "halts" / nonce).touch()

    def clean(self) -> None:
        """End whatever a test left, by its tag."""
        for run in self.runs:
            for entry in descendants(run):
                os.kill(entry.pid, signal.SIGKILL)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.commands.close()
    made.clean()


@pytest.fixture
def alive() -> Callable[[str], set[int]]:
    """Pids that carry a run's tag."""
    return lambda run: tagged(run, [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()])
