"""Gauges of this host, read through psutil: cheap enough for every second.

`HostGauges.sample` gives values by metric name (units: `messages`). A rate needs two samples: the first one gives
none, and a counter that went backwards (a reset) leaves its rate out once. In a container, `cpu` and `memory` are of
the limit that applies, where one does, and of the whole host otherwise, as all else is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from quarterdeck.observer.cgroup import Cgroup, Share
from quarterdeck.observer.messages import Value
from quarterdeck.observer.mounts import Mounts, SpaceReading

__all__ = ["HostGauges", "busy_share", "rate"]

_DEVICES_REFRESH = 60.0
"""Seconds after which the list of physical disks and network cards is read again."""


def rate(before: float, after: float, seconds: float) -> float | None:
    """Change a second of a counter; None where it went backwards or no time has passed."""
    return (after - before) / seconds if seconds > 0 and after >= before else None


def busy_share(before: dict[str, float], after: dict[str, float]) -> float | None:
    """Per cent of CPU time not spent idle or waiting for I/O between two `cpu_times`; None without time between.

    Guest time is part of user time already. Waiting for I/O counts as idle, as in top and psutil.
    """
    changed = {name: max(0.0, after[name] - before[name]) for name in after if name in before}
    whole = sum(spent for name, spent in changed.items() if name not in ("guest", "guest_nice"))
    if whole <= 0:
        return None
    idle = changed.get("idle", 0.0) + changed.get("iowait", 0.0)
    return min(100.0, 100.0 * (whole - idle) / whole)


def _physical(folder: str) -> frozenset[str]:
    """Names of the devices in a folder of /sys that are hardware, not layers above it (dm, md, bridge, veth)."""
    try:
        return frozenset(device.name for device in Path(folder).iterdir() if (device / "device").exists())
    except OSError:
        return frozenset()


class HostGauges:
    """The gauges of this host with what they remember between two samples."""

    def __init__(
        self,
        paths: Iterable[str] = (),
        *,
        listed: Iterable[str] = (),
        mounts: Mounts | None = None,
        cgroup: Cgroup | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`paths` are watched for space beside the real mounts; those `listed` must be mounts."""
        self.mounts = mounts or Mounts(paths, listed=listed)
        self._cgroup = cgroup or Cgroup()
        self._worked: tuple[float, Share] | None = None
        self.spaces: dict[str, SpaceReading] = {}
        """The last space readings, with the problems that `sample` cannot show as values."""
        self._now = now
        self._cpu: dict[str, float] | None = None
        self._counters: dict[str, float] = {}
        self._counted_at = 0.0
        self._disks: frozenset[str] = frozenset()
        self._cards: frozenset[str] = frozenset()
        self._devices_at: float | None = None

    def sample(self) -> dict[str, Value]:
        """All gauges now; what cannot be read, or not yet, is absent."""
        values: dict[str, Value] = {}
        self._take_cpu(values)
        memory = psutil.virtual_memory()
        if memory.total:
            values["memory"] = 100.0 * (memory.total - memory.available) / memory.total
        self._take_limits(values, float(memory.total))
        self._take_swap(values)
        values.update(zip(("load1", "load5", "load15"), os.getloadavg(), strict=True))
        self._take_space(values)
        self._take_rates(values)
        return values

    def _take_cpu(self, values: dict[str, Value]) -> None:
        now = psutil.cpu_times()._asdict()
        if self._cpu is not None:
            share = busy_share(self._cpu, now)
            if share is not None:
                values["cpu"] = share
        self._cpu = now

    def _take_limits(self, values: dict[str, Value], total: float) -> None:
        """In a container its own numbers of what it limits, and the limits."""
        memory, cpu, now = self._cgroup.memory(total), self._cgroup.cpu(os.cpu_count() or 1), self._now()
        if self._cgroup.is_container:
            values["container"] = 1.0
        if memory is not None and memory.limit:
            values["memory"] = min(100.0, 100.0 * memory.used / memory.limit)
            values["memory_limit"] = memory.limit
        if cpu is not None:
            values.pop("cpu", None)
            values["cpu_limit"] = cpu.limit
            if self._worked is not None:
                before, share = self._worked
                cores = rate(share.used, cpu.used, now - before)
                if cores is not None:
                    values["cpu"] = min(100.0, 100.0 * cores / cpu.limit)
        self._worked = (now, cpu) if cpu is not None else None

    def _take_swap(self, values: dict[str, Value]) -> None:
        swap = psutil.swap_memory()
        values["swap"] = 100.0 * swap.used / swap.total if swap.total else 0.0

    def _take_space(self, values: dict[str, Value]) -> None:
        self.spaces = self.mounts.sample()
        for path, reading in self.spaces.items():
            if reading.space is None or not reading.space.total:
                continue
            values[f"storage[{path}].used"] = reading.space.used_share
            values[f"storage[{path}].free"] = float(reading.space.free)
            values[f"storage[{path}].reserved"] = float(reading.space.reserved)
            values[f"storage[{path}].total"] = float(reading.space.total)
            values[f"storage[{path}].read_only"] = float(reading.space.read_only)
            if reading.space.inodes_share is not None:
                values[f"storage[{path}].inodes"] = reading.space.inodes_share

    def _take_rates(self, values: dict[str, Value]) -> None:
        now = self._now()
        if self._devices_at is None or now - self._devices_at >= _DEVICES_REFRESH:
            self._disks, self._cards = _physical("/sys/block"), _physical("/sys/class/net")
            self._devices_at = now
        counters = {**self._disk_counters(), **self._net_counters()}
        for name, count in counters.items():
            if name in self._counters:
                change = rate(self._counters[name], count, now - self._counted_at)
                if change is not None:
                    values[name] = change
        self._counters, self._counted_at = counters, now

    def _disk_counters(self) -> dict[str, float]:
        """Bytes of the physical disks: partitions and mapped volumes would count a byte twice."""
        disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        chosen = [disks[name] for name in disks if name in self._disks] or list(disks.values())
        if not chosen:
            return {}
        return {
            "disk_read": float(sum(disk.read_bytes for disk in chosen)),
            "disk_write": float(sum(disk.write_bytes for disk in chosen)),
        }

    def _net_counters(self) -> dict[str, float]:
        """Bytes of the network cards; without hardware (a container) of all interfaces but loopback."""
        cards = psutil.net_io_counters(pernic=True, nowrap=False) or {}
        chosen = [cards[name] for name in cards if name in self._cards]
        if not chosen:
            chosen = [cards[name] for name in cards if name not in ("lo", "lo0")]
        if not chosen:
            return {}
        return {
            "net_in": float(sum(card.bytes_recv for card in chosen)),
            "net_out": float(sum(card.bytes_sent for card in chosen)),
        }

    def close(self) -> None:
        """Let the mounts' workers go."""
        self.mounts.close()
