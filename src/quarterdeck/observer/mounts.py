"""Space of mounts by df's rule, where a dead network mount may hang for ever without freezing anything.

A mount that is known as local and device-backed is asked directly. Everything else (network mounts, and paths
that are no mount of their own, since nobody knows where they lead) is asked in a worker thread: one for each
path, and never a second one on a stuck mount.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from quarterdeck.host import is_network_filesystem, mounts

__all__ = ["Mounts", "Space", "SpaceReading", "real_mounts"]

_NOT_STORAGE = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "devfs", "autofs", "nullfs"})
PATIENCE = 0.05
"""Seconds that a sample waits for all its new questions together; a healthy mount needs far less."""


class Space(Struct, frozen=True):
    """Space of a mount in bytes."""

    total: int
    used: int
    free: int
    """What an ordinary user may still write."""
    reserved: int
    """Free, but only for root."""

    @property
    def used_share(self) -> float:
        """Per cent used by df's rule, `used / (used + avail)`; 0 for a mount without blocks."""
        whole = self.used + self.free
        return 100.0 * self.used / whole if whole else 0.0


class SpaceReading(Struct, frozen=True):
    """What is known of a path now."""

    space: Space | None
    problem: str = ""
    """Why there is no space to show."""
    hung_for: float = 0.0
    """Seconds since the question that was not answered; 0 where none is open."""


def space_of(path: str) -> Space:
    """Ask the file system; may block for ever on a dead mount. Raises OSError."""
    answer = os.statvfs(path)
    block = answer.f_frsize
    return Space(
        total=answer.f_blocks * block,
        used=(answer.f_blocks - answer.f_bfree) * block,
        free=answer.f_bavail * block,
        reserved=max(0, answer.f_bfree - answer.f_bavail) * block,
    )


def real_mounts() -> dict[str, bool]:
    """Mount points worth watching, and whether each is local: device-backed ones and network ones.

    One entry for each device (its shortest mount point, so that bind mounts do not repeat it). `/` is always
    there. Mounts of files (as containers have for resolv.conf) and read-only images are left out.
    """
    found: dict[str, tuple[str, bool]] = {}
    for mount in mounts():
        network = is_network_filesystem(mount.fstype) or mount.fstype.startswith("fuse.")
        local = mount.source.startswith("/dev/") and not network
        if mount.fstype in _NOT_STORAGE or not (local or network):
            continue
        point = str(mount.point)
        before = found.get(mount.source)
        if before is None or len(point) < len(before[0]):
            found[mount.source] = (point, local)
    chosen = {path: local for path, local in found.values() if not local or os.path.isdir(path)}  # noqa: PTH112
    chosen.setdefault("/", True)
    return chosen


class _Worker:
    """One thread that asks one path; it waits for the next question while the mount answers."""

    def __init__(self, path: str, ask: Callable[[str], Space]) -> None:
        self.path = path
        self.last: Space | None = None
        self.problem = ""
        self.asked_at = 0.0
        self._ask = ask
        self._wanted = threading.Event()
        self._answered = threading.Event()
        self._answered.set()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"mount {path}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._ended:
                return
            try:
                self.last, self.problem = self._ask(self.path), ""
            except OSError as error:
                self.last, self.problem = None, error.strerror or "cannot be read"
            self._answered.set()

    def question(self, now: float) -> bool:
        """Ask, unless a question is still open; whether one was asked."""
        if not self._answered.is_set():
            return False
        self._answered.clear()
        self.asked_at = now
        self._wanted.set()
        return True

    def answer(self, now: float, patience: float) -> SpaceReading:
        """The answer, waiting at most `patience` seconds for it."""
        if self._answered.wait(patience):
            return SpaceReading(self.last, self.problem)
        return SpaceReading(None, "does not answer", max(now - self.asked_at, 1e-9))

    def end(self) -> None:
        """Let the thread go; one that hangs in the kernel stays until the mount answers."""
        self._ended = True
        self._wanted.set()


class Mounts:
    """Space of all mounts that are watched. One instance for each process, used from one thread."""

    def __init__(
        self,
        asked: Iterable[str] = (),
        *,
        ask: Callable[[str], Space] = space_of,
        find: Callable[[], dict[str, bool]] = real_mounts,
        now: Callable[[], float] = time.monotonic,
        refresh: float = 30.0,
    ) -> None:
        """`asked` are paths to watch beside the real mounts; the list of mounts is read again every `refresh` s."""
        self._asked = tuple(dict.fromkeys(asked))
        self._ask, self._find, self._now, self._refresh = ask, find, now, refresh
        self._mounts: dict[str, bool] = {}
        self._read_at: float | None = None
        self._workers: dict[str, _Worker] = {}

    def sample(self) -> dict[str, SpaceReading]:
        """The space of every watched path; waits at most `PATIENCE` seconds, and never for a mount known to hang."""
        now = self._now()
        if self._read_at is None or now - self._read_at >= self._refresh:
            self._mounts = self._find()
            self._read_at = now
            for path in [p for p in self._workers if p not in self._mounts and p not in self._asked]:
                self._workers.pop(path).end()
        paths = tuple(dict.fromkeys((*self._mounts, *self._asked)))
        new = {path for path in paths if not self._mounts.get(path) and self._worker(path).question(now)}
        deadline = time.monotonic() + PATIENCE
        readings = {}
        for path in paths:
            if self._mounts.get(path):
                readings[path] = self._direct(path)
            else:
                patience = max(0.0, deadline - time.monotonic()) if path in new else 0.0
                readings[path] = self._worker(path).answer(now, patience)
        return readings

    def _direct(self, path: str) -> SpaceReading:
        try:
            return SpaceReading(self._ask(path))
        except OSError as error:
            return SpaceReading(None, error.strerror or "cannot be read")

    def _worker(self, path: str) -> _Worker:
        worker = self._workers.get(path)
        if worker is None:
            worker = self._workers[path] = _Worker(path, self._ask)
        return worker

    def close(self) -> None:
        """Let all workers go."""
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()
