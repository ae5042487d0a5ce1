"""The demo's world: the database, the service and the traffic, started and ended as one.

The processes are detached from the terminal and belong to nobody: they live
while the lease in the home folder is renewed (`keep`), and end within a minute when it is not, whatever
happened to whoever held it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from quarterdeck.demo import faults
from quarterdeck.demo.database import SEED_ROWS, create
from quarterdeck.demo.files import Home, read_json, renew_lease
from quarterdeck.demo.loopback import fetch
from quarterdeck.demo.receipts import acknowledged, count
from quarterdeck.errors import QuarterdeckError

__all__ = ["World", "WorldStats"]

PATIENCE = 20.0
"""Seconds until the service must answer, and until everything must have ended."""


@dataclass(frozen=True)
class WorldStats:
    """What a demo can say of itself."""

    orders_acknowledged: int
    missing: int
    """Acknowledged or seeded orders that are nowhere now; -1 where it was not looked for."""
    running: bool


class World:
    """One demo's database, service and traffic, seen from outside."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)

    @classmethod
    def start(cls, folder: Path, *, rows: int = SEED_ROWS) -> World:
        """Make the database in `folder` and start everything; returns when the service answers.

        Raises QuarterdeckError where it does not come up.
        """
        world = cls(folder.absolute())
        home = world.home
        home.logs.mkdir(parents=True, exist_ok=True)
        home.stop.unlink(missing_ok=True)
        if not home.database.exists():
            create(home, rows)
        renew_lease(home)
        argv = [sys.executable, "-m", "quarterdeck.demo.supervisor", "--home", str(home.folder)]
        with (home.logs / "supervisor.log").open("ab") as log:
            # It goes its own way at once, so that nobody here has a child to wait for.
            subprocess.run(
                [*argv, "--detach"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=home.folder,
                check=True,
            )
        world._wait_until_it_answers()
        return world

    @classmethod
    def attach(cls, folder: Path) -> World:
        """Return the world that was started in `folder`; raises QuarterdeckError where there is none."""
        world = cls(folder)
        if not world.home.seed.exists():
            raise QuarterdeckError("there is no demo here", where=str(folder), hint="start one: quarterdeck demo")
        return world

    @property
    def url(self) -> str:
        """Where the order service is; empty before its first start."""
        return str(read_json(self.home.world).get("url", ""))

    @property
    def pids(self) -> dict[str, int]:
        """The processes: `supervisor`, `service`, `traffic`."""
        known = read_json(self.home.world)
        return {name: int(known[name]) for name in ("supervisor", "service", "traffic") if name in known}

    def keep(self) -> None:
        """Renew the lease; to be called at least every 30 s while the demo is wanted."""
        renew_lease(self.home)

    def running(self) -> bool:
        """True while the supervisor lives."""
        try:
            lock = os.open(self.home.supervisor_lock, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def stats(self, *, look_for_missing: bool = True) -> WorldStats:
        """Count the receipts and, unless told not to (it reads the database), the missing orders."""
        folder = self.home.folder
        if not look_for_missing:
            return WorldStats(acknowledged(folder), -1, self.running())
        orders, missing = count(folder)
        return WorldStats(orders, missing, self.running())

    def fault(self, name: str) -> None:
        """Turn on `slow`, `errors`, `disk` or `step`; raises ValueError for another name."""
        faults.turn_on(self.home, name)

    def clear_fault(self, name: str) -> None:
        """Turn a fault off again."""
        faults.clear(self.home, name)

    def end(self) -> None:
        """End the traffic, the service and the supervisor; returns when they are gone. Safe to repeat."""
        if not self.home.folder.exists():
            return
        self.home.stop.touch()
        deadline = time.monotonic() + PATIENCE
        while self.running():
            if time.monotonic() > deadline:
                self._kill()
                return
            time.sleep(0.02)

    def _kill(self) -> None:
        """The supervisor did not end when told: its children notice within a second that it is gone."""
        supervisor = self.pids.get("supervisor")
        if supervisor is not None and self.running():
            os.kill(supervisor, signal.SIGKILL)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.url and _answers(f"{self.url}/health"):
                return
            time.sleep(0.05)
        self.end()
        raise QuarterdeckError(
            "the demo's order service did not start", where=str(self.home.logs), hint="its log says why"
        )


def _answers(url: str) -> bool:
    try:
        fetch(url, 2)
    except OSError:
        return False
    return True
