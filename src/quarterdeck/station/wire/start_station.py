"""Starting a session's station on demand, and knowing whether one is there.

It never touches the logbook: the station itself takes the lock, so of two
that are started one stays, and the other says so and leaves.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from quarterdeck.errors import StationError
from quarterdeck.host import socket_path

__all__ = ["ALREADY", "START_PATIENCE", "answers", "socket_of", "start_station"]

START_PATIENCE = 10.0
"""Seconds that a station may take to open its logbook and listen."""
ALREADY = 75
"""Exit code of a station that found another one holding the lock (EX_TEMPFAIL)."""


def socket_of(folder: Path) -> Path:
    """Where the station of the session in `folder` listens."""
    return socket_path(os.path.realpath(folder))


def answers(folder: Path) -> bool:
    """Whether somebody listens there (a hung station does too)."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_of(folder)))
        except OSError:
            return False
    return True


def start_station(folder: Path, *, timeout: float = START_PATIENCE) -> None:
    """Start the station of the session in `folder`; returns when one listens, this one or another that was faster.

    StationError where none comes up, with what it said.
    """
    command = [sys.executable, "-P", "-m", "quarterdeck.station", "--session", str(folder)]
    deadline = time.monotonic() + timeout
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StationError(f"The station did not start within {timeout:g} s", where=str(folder)) from error
    except OSError as error:
        raise StationError(f"The station cannot be started: {error.strerror}", where=str(folder)) from error
    if done.returncode == 0:
        return
    if done.returncode != ALREADY:
        said = done.stderr.strip().splitlines()
        raise StationError(said[-1] if said else "The station did not start, and did not say why", where=str(folder))
    while not answers(folder):  # the faster one opens its logbook
        if time.monotonic() > deadline:
            raise StationError(
                "Another process holds this session, and no station answers",
                where=str(folder),
                hint="quarterdeck status and quarterdeck halt work without it",
            )
        time.sleep(0.02)
