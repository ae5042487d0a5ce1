"""Doctor's looks at the state folder: may it be written, does a sync reach a disk, how much room is there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import statistics
import tempfile
import time
from pathlib import Path

from quarterdeck.errors import LogbookError
from quarterdeck.host import filesystem_of, is_network_filesystem
from quarterdeck.logbook.disk import require_own
from quarterdeck.station.doctor.finding import Finding

__all__ = ["filesystem", "folder", "judge_sync", "recorder", "space", "sqlite", "sync"]

HONEST = 15e-6
"""Seconds: no disk and no controller with a protected cache is known to sync faster than this."""
SLOW = 0.1
TRIES = 15
MIB = 1024 * 1024
SPACE_PROBLEM, SPACE_WARNING = 200 * MIB, 1024 * MIB
SQLITE_NEEDED = (3, 37, 0)


def _standing(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def folder(home: Path) -> Finding:
    """Ours, private, writable."""
    title, place = "State folder", _standing(home)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Finding(
            "problem",
            title,
            f"{home} cannot be written (looked at {place})",
            "set QUARTERDECK_HOME to a folder of yours",
        )
    if home.is_symlink():
        return Finding("problem", title, f"{home} is a symbolic link", f"set QUARTERDECK_HOME={home.resolve()}")
    try:
        exposed = [remark for part in ("sessions", "recorder") for remark in require_own(home / part)]
    except LogbookError as error:
        return Finding("problem", title, error.message, error.hint)
    if exposed:
        said, _, cure = exposed[0].rpartition(": ")
        return Finding("warning", title, said, cure)
    if place == home and stat.S_IMODE(home.stat().st_mode) & 0o077:
        return Finding("warning", title, f"others may look into {home}", f"chmod 700 {home}")
    return Finding("ok", title, str(home))


def filesystem(home: Path) -> Finding:
    """Not on another host, not in memory."""
    title, mount = "File system", filesystem_of(home)
    said = f"{mount.fstype} on {mount.point}"
    if is_network_filesystem(mount.fstype):
        return Finding(
            "problem",
            title,
            f"{said} is a network file system ({mount.source}): locks and syncs there cannot be trusted",
            "set QUARTERDECK_HOME to a folder on a local disk",
        )
    if mount.fstype in {"tmpfs", "ramfs"}:
        return Finding(
            "warning",
            title,
            f"{said} is in memory: a reboot loses every session",
            "set QUARTERDECK_HOME to a local disk",
        )
    return Finding("ok", title, said)


def sync(home: Path) -> Finding:
    """The time of a sync, measured; see `judge_sync`."""
    try:
        with tempfile.TemporaryFile(dir=_standing(home)) as file:
            times = [_timed_sync(file.fileno()) for _ in range(TRIES)]
    except OSError as error:
        return Finding("problem", "Sync", f"a file cannot be synced there: {error.strerror}", "see the state folder")
    return judge_sync(statistics.median(times), in_memory=filesystem_of(home).fstype in {"tmpfs", "ramfs"})


def _timed_sync(descriptor: int) -> float:
    os.write(descriptor, b"quarterdeck doctor " * 200)
    began = time.perf_counter()
    os.fdatasync(descriptor) if hasattr(os, "fdatasync") else os.fsync(descriptor)
    return time.perf_counter() - began


def judge_sync(median: float, *, in_memory: bool = False) -> Finding:
    """What a median of `median` seconds for a sync of 4 KiB says."""
    title = "Sync"
    said = f"{median * 1000:.3f} ms" if median < 1e-3 else f"{median * 1000:.1f} ms"
    if in_memory:
        return Finding("warning", title, f"{said}: this file system is in memory, nothing is durable")
    if median < HONEST:
        return Finding(
            "warning",
            title,
            f"a sync takes {said}: too fast for a disk, so what is called saved may be lost in a power cut",
            "check the disk's write cache, the virtual machine's cache mode, and eatmydata or similar libraries",
        )
    if median > SLOW:
        return Finding(
            "warning", title, f"a sync takes {said}: every step waits for it", "use a faster disk, if there is one"
        )
    return Finding("ok", title, f"{said} for 4 KiB")


def space(home: Path) -> Finding:
    """Room for the logbook, the samples and the commands' output."""
    title, place = "Disk space", _standing(home)
    free = shutil.disk_usage(place).free
    inodes = os.statvfs(place)
    said = f"{free / 1024**3:.1f} GiB free"
    if inodes.f_files and inodes.f_favail < 1000:
        return Finding(
            "problem", title, f"only {inodes.f_favail} more files can be made", "free some, before the window"
        )
    if free < SPACE_WARNING:
        what = "free at least 1 GiB, before the window"
        return Finding("problem" if free < SPACE_PROBLEM else "warning", title, said, what)
    return Finding("ok", title, said)


def recorder(home: Path, place: Path) -> Finding:
    """Whether the second copy of every event lies on another disk than the first."""
    title = "Flight recorder"
    if _standing(home).stat().st_dev == _standing(place).stat().st_dev:
        return Finding(
            "warning",
            title,
            f"{place} is on the same disk as the logbook: one fault takes both copies",
            "set recorder_dir in settings.yaml to a folder on another disk, if there is one",
        )
    if is_network_filesystem(filesystem_of(place).fstype):
        return Finding("warning", title, f"{place} is on a network file system: it can hang", "name a local folder")
    return Finding("ok", title, str(place))


def sqlite() -> Finding:
    """STRICT tables came with 3.37."""
    if sqlite3.sqlite_version_info < SQLITE_NEEDED:
        return Finding(
            "problem",
            "SQLite",
            f"Python has SQLite {sqlite3.sqlite_version}, and 3.37 is needed",
            "use a Python that comes with a newer SQLite",
        )
    return Finding("ok", "SQLite", sqlite3.sqlite_version)
