"""Space of mounts by df's rule, where a dead network mount may hang for ever without freezing anything.

A mount whose file system the kernel itself keeps on a device is asked directly. Everything else (network mounts,
FUSE, and paths that are no mount of their own, since nobody knows where they lead) is asked in a worker thread: one
for each path, and never a second one on a stuck mount.

A path that was a mount when watching began, and is none any more, shows no numbers: they would be its parent's.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from io import BufferedReader

from msgspec import Struct

from quarterdeck.host import LINUX, PROC, Mount, is_network_filesystem, mounts

__all__ = ["Mounts", "Space", "SpaceReading", "Table", "mount_table"]

_IMAGES = "squashfs iso9660 udf erofs cramfs devfs autofs nullfs fuse.snapfuse fuse.squashfuse"
_NOT_STORAGE = frozenset(_IMAGES.split())
_OWN_DISKS = frozenset({"zfs", "bcachefs"})
"""Types that are on disks whatever their source is called."""
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
    read_only: bool = False
    inodes_share: float | None = None
    """Per cent of the inodes used, counted as space is; None where the file system has no fixed number."""

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
    is_gone: bool = False
    """It should be a mount, and is none."""


def space_of(path: str) -> Space:
    """Ask the file system; may block for ever on a dead mount. Raises OSError."""
    answer = os.statvfs(path)
    block = answer.f_frsize
    return Space(
        total=answer.f_blocks * block,
        used=(answer.f_blocks - answer.f_bfree) * block,
        free=answer.f_bavail * block,
        reserved=max(0, answer.f_bfree - answer.f_bavail) * block,
        read_only=bool(answer.f_flag & os.ST_RDONLY),
        inodes_share=_inodes_share(answer.f_files, answer.f_ffree, answer.f_favail),
    )


def _inodes_share(total: int, free: int, usable: int) -> float | None:
    whole = total - free + usable
    return 100.0 * (total - free) / whole if total and whole > 0 else None


class Table(Struct, frozen=True):
    """What is mounted at one moment."""

    watched: dict[str, bool]
    """Mount points worth watching, and whether each can be asked directly: the kernel's own, on a device."""
    points: frozenset[str]
    """All mount points that a path leads to."""
    automatic: tuple[str, ...] = ()
    """Folders in which an automounter mounts and unmounts as it likes."""


def mount_table(found: Iterable[Mount] | None = None) -> Table:
    """The mounts of this host, or of a list.

    Worth watching are file systems on devices, ZFS, network ones and FUSE, and `/`: one entry for each file system
    (its shortest mount point, so that bind mounts and subvolumes do not repeat it). Mounts of files (as containers
    have for resolv.conf) and images are left out.
    """
    found = _reachable(mounts() if found is None else list(found))
    chosen: dict[str, tuple[str, bool]] = {}
    for mount in found:
        fuse = mount.fstype.startswith(("fuse", "macfuse", "osxfuse"))
        remote = fuse or is_network_filesystem(mount.fstype)
        direct = not remote and (mount.source.startswith("/dev/") or mount.fstype in _OWN_DISKS)
        if mount.fstype in _NOT_STORAGE or not (direct or remote):
            continue
        point, key = str(mount.point), mount.device or mount.source
        if key not in chosen or len(point) < len(chosen[key][0]):
            chosen[key] = (point, direct)
    watched = {path: direct for path, direct in chosen.values() if not direct or os.path.isdir(path)}  # noqa: PTH112
    watched.setdefault("/", True)
    return Table(
        watched,
        frozenset(str(mount.point) for mount in found),
        tuple(str(mount.point) for mount in found if mount.fstype == "autofs"),
    )


def _reachable(found: list[Mount]) -> list[Mount]:
    """Those that a path leads to: not covered by another that was mounted later on a folder above."""
    by_number = {mount.number: mount for mount in found if mount.number}
    taken = {(mount.parent, mount.point) for mount in found if mount.number}

    def is_covered(mount: Mount) -> bool:
        # had the one above been there first, this one's point would lie in it: siblings, so it came later
        if any((mount.parent, folder) in taken for folder in mount.point.parents):
            return True
        above = by_number.get(mount.parent)
        return above is not None and above is not mount and is_covered(above)

    return [mount for mount in found if not is_covered(mount)]


class _Changes:
    """Tells when anything was mounted or unmounted, where the kernel does (Linux)."""

    def __init__(self) -> None:
        self._file: BufferedReader | None = None
        self._poll = select.poll()

    def any(self) -> bool:
        """Whether there was one since the last call; True at the first one."""
        if self._file is not None or not LINUX:
            return self._file is not None and bool(self._poll.poll(0))
        self._file = (PROC / "self/mountinfo").open("rb")
        self._poll.register(self._file, select.POLLPRI | select.POLLERR)
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


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
        listed: Iterable[str] = (),
        ask: Callable[[str], Space] = space_of,
        find: Callable[[], Table] = mount_table,
        now: Callable[[], float] = time.monotonic,
        refresh: float = 30.0,
    ) -> None:
        """`asked` are paths to watch beside the real mounts, `listed` such as must be mounts.

        The list of mounts is read again whenever one comes or goes, and every `refresh` seconds.
        """
        self._listed = frozenset(map(os.path.normpath, listed))
        self._asked = tuple(dict.fromkeys((*listed, *asked)))
        self._ask, self._find, self._now, self._refresh = ask, find, now, refresh
        self._table = Table({}, frozenset())
        self._first: frozenset[str] | None = None
        """What was watched and a mount at the first reading."""
        self._changes = _Changes()
        self._read_at = 0.0
        self._workers: dict[str, _Worker] = {}

    def sample(self) -> dict[str, SpaceReading]:
        """The space of every watched path; waits at most `PATIENCE` seconds, and never for a mount known to hang."""
        now = self._now()
        if self._changes.any() or self._first is None or now - self._read_at >= self._refresh:
            self._read(now)
        watched = self._table.watched
        paths = tuple(dict.fromkeys((*watched, *self._asked)))
        new = {path for path in paths if not watched.get(path) and self._worker(path).question(now)}
        deadline = time.monotonic() + PATIENCE
        readings = {}
        for path in paths:
            if watched.get(path):
                readings[path] = self._direct(path)
            else:
                patience = max(0.0, deadline - time.monotonic()) if path in new else 0.0
                readings[path] = self._worker(path).answer(now, patience)
        if self._changes.any():  # what was answered meanwhile may be of the folder below
            self._read(now)
        gone = {path: SpaceReading(None, why, is_gone=True) for path, why in self._gone()}
        return {**readings, **gone}

    def _read(self, now: float) -> None:
        self._table, self._read_at = self._find(), now
        points = self._table.points
        if self._first is None:
            self._first = frozenset(
                path for path in (*self._table.watched, *self._asked) if os.path.normpath(path) in points
            )
        for path in [each for each in self._workers if each not in self._table.watched and each not in self._asked]:
            self._workers.pop(path).end()

    def _gone(self) -> Iterable[tuple[str, str]]:
        """What should be a mount and is none, and how that is said; what an automounter let go is not gone."""
        for path in dict.fromkeys((*self._asked, *sorted(self._first or ()))):
            point = os.path.normpath(path)
            if point in self._table.points:
                continue
            if path in (self._first or ()):
                automatic = any(point.startswith(f"{folder}/") for folder in self._table.automatic)
                if path in self._asked or not automatic:
                    yield path, "is no longer mounted"
            elif point in self._listed:
                yield path, "is not mounted"

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
        self._changes.close()
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()
