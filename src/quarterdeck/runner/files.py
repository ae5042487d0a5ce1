"""The files of a run folder, and how they are written so that a crash leaves either the old or the new one.

Shared by the shim and by the station's side (`station.commands.runs`). Folder 0700, files 0600.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = [
    "CLAIMED",
    "ERRORS",
    "OUTPUT",
    "RESULT",
    "RUNNER",
    "SECRETS",
    "SPEC",
    "STOP",
    "TAG",
    "create_private",
    "sync_folder",
    "write_atomic",
]

SPEC = "spec.json"
"""The order. Whoever renames it first owns the run: the runner to execute it, or the station to revoke it."""
CLAIMED = "spec.claimed"
RUNNER = "runner.json"
"""Who runs it: always there before anything is executed."""
OUTPUT = "output"
SECRETS = "secrets"
"""The station's: the values that the output is redacted by. It goes with the output."""
RESULT = "result.json"
STOP = "stop"
"""Made by the station: stop it now. May hold the grace in seconds."""
ERRORS = "runner.err"
"""What the shim itself had to complain about; empty unless it broke."""
TAG = "QUARTERDECK_RUN"
"""The environment variable by which descendants are found when the runner is gone."""


def create_private(path: Path) -> int:
    """A new or emptied file, ours alone, open for writing; never through a symlink."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def write_atomic(path: Path, content: bytes, *, durable: bool) -> None:
    """Write beside, then rename; `durable` also waits for the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = create_private(beside)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if durable:
            os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    finally:
        os.close(descriptor)
    beside.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
