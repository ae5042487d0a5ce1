"""What the demo's maintenance commands share: their lines, their progress, one at a time, and refusing.

It never touches the database.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from quarterdeck.demo.files import Home, write_json

__all__ = ["Job", "RefusedError", "alone", "idle"]

LOCK_SECONDS = 10.0


class RefusedError(RuntimeError):
    """The command will not do this; nothing was changed by what it refuses. The message says why."""


@dataclass(frozen=True)
class Job:
    """One maintenance command that runs."""

    home: Home
    options: dict[str, Any]
    """The verb's options, by name."""

    def say(self, text: str) -> None:
        """Print one line at once."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def advance(self, done: int, total: int) -> None:
        """Note how far the command is, from 0 on; `tool progress` prints it as a percentage."""
        write_json(self.home.progress, {"done": done, "total": total})

    def rest(self) -> None:
        """Leave the database to the customers for a moment."""
        time.sleep(float(self.options.get("pause") or 0.0))


def idle(job: Job) -> None:
    """Prove that no changing command runs any more; refused while one does."""
    with alone(job.home, patience=0.0):
        job.say("no maintenance command is running")


@contextmanager
def alone(home: Home, *, patience: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock that all changing commands take; a killed command lets go of it.

    Raises RefusedError where another holds it for longer than `patience` seconds.
    """
    lock = os.open(home.tool_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise RefusedError("another maintenance command is running")
            time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
