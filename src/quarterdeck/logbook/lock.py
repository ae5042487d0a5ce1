"""The lock of a session's folder: one process owns a logbook, and the kernel takes the lock back when it dies.

The folder itself is locked, and the file `lock` in it: the file says by whom, and keeps out whoever knows no other;
where it is deleted, the folder still has its owner. Must never be judged by the file's presence or content: only by
`flock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from quarterdeck.errors import LogbookError
from quarterdeck.regular_files import open_regular, read_regular

__all__ = ["Lock", "OwnedError", "is_held"]

_PATIENCE = 0.5
"""Seconds that taking waits, so that somebody who only looks does not turn an owner away."""


class OwnedError(LogbookError):
    """Another process owns the session."""


class Lock:
    """A lock that is held until it is released or the process ends."""

    def __init__(self, path: Path, folder: int, file: int) -> None:
        """Use `take`."""
        self.path = path
        self._folder, self._file = folder, file
        self.left = os.fstat(file).st_mtime
        """When the owner before said last that it lived, epoch seconds; of a new file, now."""

    @classmethod
    def take(cls, path: Path, patience: float = _PATIENCE, *, owns: bool = True) -> Lock:
        """Take the lock. OwnedError, with the owner's process id, where somebody has it.

        Without `owns` the file says afterwards what it said before: for who only keeps owners out for a moment.
        """
        end = time.monotonic() + patience
        folder = _locked(path.parent, os.O_RDONLY | os.O_DIRECTORY, path, end)
        try:
            taken = cls(path, folder, _locked(path, os.O_RDWR | os.O_CREAT, path, end))
        except BaseException:
            os.close(folder)
            raise
        if owns:
            taken._sign()
        return taken

    def is_ours(self) -> bool:
        """Whether the folder and the file at the path are still the locked ones (false after one was deleted)."""
        return _is_at(self.path.parent, self._folder) and _is_at(self.path, self._file)

    def beat(self) -> None:
        """Say that its owner lives: whoever takes it next reads so from when on it did not."""
        with contextlib.suppress(OSError):  # a disk that takes nothing keeps nobody from living
            os.utime(self._file)

    def renew(self) -> None:
        """Take the lock again where its file or folder was deleted. OwnedError where somebody else has it."""
        if self.is_ours():
            return
        if not _is_at(self.path.parent, self._folder):
            fresh = Lock.take(self.path)
            self.release()
            self._folder, self._file = fresh._folder, fresh._file
        else:
            file = _locked(self.path, os.O_RDWR | os.O_CREAT, self.path, time.monotonic() + _PATIENCE)
            os.close(self._file)
            self._file = file
            self._sign()

    def release(self) -> None:
        """Let go."""
        for fd in (self._file, self._folder):
            if fd >= 0:
                os.close(fd)
        self._file = self._folder = -1

    def _sign(self) -> None:
        """Write this process's number into the file."""
        with contextlib.suppress(OSError):  # the number is for people; on a full disk it may be missing
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)


def _locked(place: Path, flags: int, lock: Path, end: float) -> int:
    """`place` open and locked; `end` is when to give up, on the monotonic clock. OwnedError where somebody has it."""
    while True:
        try:
            fd = os.open(place, flags | os.O_CLOEXEC) if flags & os.O_DIRECTORY else open_regular(place, flags)
        except OSError as error:
            raise LogbookError(f"The session cannot be locked: {error.strerror}", where=str(place)) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            if time.monotonic() >= end:
                raise OwnedError(
                    f"The session is open in another process ({_owner(lock) or 'unknown'})",
                    where=str(lock.parent),
                    hint="attach to it instead",
                ) from None
            time.sleep(0.02)
            continue
        if _is_at(place, fd):
            return fd
        os.close(fd)  # it was deleted in between: again, on the new one


def _owner(lock: Path) -> str:
    """The process id that the lock's file names."""
    try:
        return read_regular(lock, 20).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _is_at(path: Path, fd: int) -> bool:
    try:
        there = path.lstat()
    except OSError:
        return False
    return there.st_ino == os.fstat(fd).st_ino


def is_held(path: Path) -> bool:
    """Whether a process holds the lock; false where there is neither file nor folder, or they may not be read."""
    return _is_locked(path.parent, os.O_DIRECTORY) or _is_locked(path, 0)


def _is_locked(place: Path, flag: int) -> bool:
    try:
        fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC | flag) if flag else open_regular(place)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
