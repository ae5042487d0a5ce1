"""Starting a session's station on demand, knowing whether one is there and where it listens.

The session's folder says where, in `socket`: its own inode, so that no copy of it speaks, and a path. A station
outlives the login that it was started from, and what `XDG_RUNTIME_DIR` names may be another folder then, or none.

It never touches the logbook: the station itself takes the lock, so of two
that are started one stays, and the other says so and leaves.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from quarterdeck.errors import StationError
from quarterdeck.host import socket_path
from quarterdeck.regular_files import read_regular
from quarterdeck.runner.files import write_atomic

__all__ = [
    "ADDRESS", "ALREADY", "answers", "new_socket", "said_socket", "say_socket", "socket_of",
    "start_station",
]  # fmt: skip

START_PATIENCE = 10.0
"""Seconds that a station may take to open a short logbook and listen."""
CHECKED = 5e6
"""Bytes of a logbook that it checks in a second at least."""
ADDRESS = "socket"
"""The file in the session's folder that says where its station listens."""
ALREADY = 75
"""Exit code of a station that found another one holding the lock (EX_TEMPFAIL)."""


def socket_of(folder: Path) -> Path:
    """Where the station of the session in `folder` listens: as it says itself, else where a new one would."""
    said = said_socket(folder)
    return said if said is not None and said.is_socket() else new_socket(folder)


def said_socket(folder: Path) -> Path | None:
    """What the session's folder says of it; a copy of a folder says nothing of its own."""
    try:
        inode, _, path = read_regular(folder / ADDRESS, 4096).removesuffix(b"\n").partition(b" ")
        return Path(os.fsdecode(path)) if inode == b"%d" % folder.stat().st_ino else None
    except OSError:
        return None


def say_socket(folder: Path, path: Path) -> None:
    """Write it down. Where there is no room for it nobody may be sent where the station does not listen."""
    with contextlib.suppress(OSError):
        try:
            said = b"%d %s\n" % (folder.stat().st_ino, os.fsencode(path))
            write_atomic(folder / ADDRESS, said, durable=False)
        except OSError:
            (folder / ADDRESS).unlink(missing_ok=True)


def new_socket(folder: Path) -> Path:
    """Where a station of the session in `folder` begins to listen now."""
    return socket_path(os.path.realpath(folder))


def answers(folder: Path) -> bool:
    """Whether somebody listens there (a hung station does too)."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_of(folder)))
        except OSError:
            return False
    return True


def _patience(folder: Path) -> float:
    """Seconds that a station may take: it checks every event before it listens."""
    from quarterdeck.logbook.folder import SessionFolder  # who finds a station does without

    size = 0
    with contextlib.suppress(OSError):
        size = SessionFolder(folder, folder).database.stat().st_size
    return START_PATIENCE + size / CHECKED


def start_station(folder: Path) -> None:
    """Start the station of the session in `folder`; returns when one listens, this one or another that was faster.

    StationError where none comes up, with what it said.
    """
    command = [sys.executable, "-P", "-m", "quarterdeck.station", "--session", str(folder)]
    timeout = _patience(folder)
    deadline = time.monotonic() + timeout
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StationError(f"The station did not start within {timeout:.0f} s", where=str(folder)) from error
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
