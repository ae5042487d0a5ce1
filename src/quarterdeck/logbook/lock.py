"""The lock of a session's folder: one process owns a logbook, and the kernel takes the lock back when it dies.

Must never be judged by the file's presence or content: only by `flock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from quarterdeck.errors import LogbookError
from quarterdeck.regular_files import open_regular

__all__ = ["Lock", "is_held"]

_PATIENCE = 0.5
"""Seconds that taking waits, so that somebody who only looks does not turn an owner away."""


class Lock:
    """A lock that is held until it is released or the process ends."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        self.left = os.fstat(fd).st_mtime
        """When the owner before said last that it lived, epoch seconds; of a new file, now."""

    @classmethod
    def take(cls, path: Path, patience: float = _PATIENCE, *, owns: bool = True) -> Lock:
        """Take the lock. LogbookError, with the owner's process id, where somebody has it.

        Without `owns` the file says afterwards what it said before: for who only keeps owners out for a moment.
        """
        end = time.monotonic() + patience
        while True:
            try:
                fd = open_regular(path, os.O_RDWR | os.O_CREAT)
            except OSError as error:
                raise LogbookError(f"The session cannot be locked: {error.strerror}", where=str(path)) from error
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
                os.close(fd)
                if time.monotonic() >= end:
                    raise LogbookError(
                        f"The session is open in another process ({owner or 'unknown'})",
                        where=str(path.parent),
                        hint="attach to it instead",
                    ) from None
                time.sleep(0.02)
                continue
            if _is_at(path, fd):
                taken = cls(path, fd)
                if owns:
                    with contextlib.suppress(OSError):  # the number is for people; on a full disk it may be missing
                        os.ftruncate(fd, 0)
                        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
                return taken
            os.close(fd)  # the folder was deleted in between: again, on the new file

    def is_ours(self) -> bool:
        """Whether the file at the path is still the locked one (false after the folder was deleted)."""
        return _is_at(self.path, self._fd)

    def beat(self) -> None:
        """Say that its owner lives: whoever takes it next reads so from when on it did not."""
        with contextlib.suppress(OSError):  # a disk that takes nothing keeps nobody from living
            os.utime(self._fd)

    def renew(self) -> None:
        """Take the lock again where its file was deleted. LogbookError where somebody else has it."""
        if not self.is_ours():
            fresh = Lock.take(self.path, patience=0.0)
            os.close(self._fd)
            self._fd = fresh._fd

    def release(self) -> None:
        """Let go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _is_at(path: Path, fd: int) -> bool:
    try:
        there = path.lstat()
    except OSError:
        return False
    return there.st_ino == os.fstat(fd).st_ino


def is_held(path: Path) -> bool:
    """Whether a process holds the lock; false where there is no lock file or it may not be read."""
    try:
        fd = open_regular(path)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
