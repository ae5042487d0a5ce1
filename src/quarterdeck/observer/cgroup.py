"""The limits that a container sets on what runs in it, by control groups of version 1 and 2.

A limit counts where it is set at the top of what can be seen of the tree: a bare host has none there, and a container
its own. Where files say that this is a container, its own group and those above it count too (a container may see the
whole tree). Elsewhere a group (a login's slice) limits the observer, which says nothing of the host.

It reads a dozen small files, and never waits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

__all__ = ["Cgroup", "Share"]

_MARKS = (".dockerenv", "run/.containerenv", "run/systemd/container")


class Share(Struct, frozen=True):
    """A limit and what is used of it: bytes of memory, or cores and the seconds that they worked so far."""

    limit: float
    used: float


class Cgroup:
    """The control groups above this process, as files under `root` tell."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._top = root / "sys/fs/cgroup"
        self._unified = (self._top / "cgroup.controllers").exists()
        self._marked = any((root / mark).exists() for mark in _MARKS)
        self._own = root / "proc/self/cgroup"

    @property
    def is_container(self) -> bool:
        """Whether this is a container, limited or not."""
        return self._marked or self.memory(float("inf")) is not None or self.cpu(os.cpu_count() or 1) is not None

    def memory(self, total: float) -> Share | None:
        """The narrowest limit below `total` bytes, and what is used of it, less the cache that can be given back."""
        limit, used, cache = (
            ("memory.max", "memory.current", "inactive_file")
            if self._unified
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        found = []
        for group in self._groups("memory"):
            most = _number(group / limit)
            if most is None or most >= min(total, 2.0**60):  # version 1 writes none as 2**63
                continue
            now = _number(group / used)
            if now is not None:
                found.append(Share(most, max(0.0, now - _of(group / "memory.stat", cache))))
        return min(found, key=lambda share: share.limit, default=None)

    def cpu(self, cores: int) -> Share | None:
        """The narrowest limit below `cores`, by quota or by set, and the seconds that its group has worked."""
        found = []
        for group in self._groups("cpu"):
            limit = min(self._cores(group), default=float(cores))
            worked = self._worked(group) if limit < cores else None
            if worked is not None:
                found.append(Share(limit, worked))
        return min(found, key=lambda share: share.limit, default=None)

    def _cores(self, group: Path) -> Iterator[float]:
        if self._unified:
            quota, _, period = _text(group / "cpu.max").partition(" ")
            allowed = _text(group / "cpuset.cpus.effective")
        else:
            quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
            allowed = _text(self._beside(group, "cpuset") / "cpuset.cpus")
        if quota.isdigit() and period.isdigit() and int(period):
            yield int(quota) / int(period)
        if allowed:
            ends = [part.partition("-")[::2] for part in allowed.split(",")]
            yield float(sum(int(last or first) - int(first) + 1 for first, last in ends))

    def _worked(self, group: Path) -> float | None:
        if self._unified:
            return _of(group / "cpu.stat", "usage_usec") / 1e6 if (group / "cpu.stat").exists() else None
        spent = _number(self._beside(group, "cpuacct") / "cpuacct.usage")
        return None if spent is None else spent / 1e9

    def _beside(self, group: Path, controller: str) -> Path:
        """The same group in the tree of another controller (version 1)."""
        return self._top / controller / group.relative_to(self._top / "cpu")

    def _groups(self, controller: str) -> Iterator[Path]:
        """The top of the tree, and in a container the groups from there to our own, as far as they can be seen."""
        top = self._top if self._unified else self._top / controller
        yield top
        lines = _text(self._own).splitlines() if self._marked else []
        for line in lines:
            _, names, path = line.split(":", 2)
            if names == "" if self._unified else controller in names.split(","):
                group = top
                for part in Path(path).parts[1:]:
                    group /= part
                    yield group


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _number(path: Path) -> float | None:
    text = _text(path)
    return float(text) if text.isdigit() else None


def _of(path: Path, name: str) -> float:
    """A number of a file that has one name and number a line; 0 where it has none of that name."""
    for line in _text(path).splitlines():
        key, _, number = line.partition(" ")
        if key == name and number.isdigit():
            return float(number)
    return 0.0
