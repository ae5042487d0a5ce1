"""What running processes use, read from /proc: CPU time to the nanosecond, and memory as PSS.

Linux alone. Called by the rooms that measure something steady.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["children", "cpu_seconds", "ended_cpu_seconds", "pss"]


def cpu_seconds(*pids: int) -> float:
    """CPU time of all threads of these processes, user and system."""
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # a thread that has just ended
                total += int(thread.read_text().split()[0])
    return total / 1e9


def ended_cpu_seconds(pid: int) -> float:
    """CPU time of the processes that this one started, that have ended, and for which it has waited; in ticks."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def pss(*pids: int) -> float:
    """Proportional set size of these processes together, bytes."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return float(total)


def children(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    return [
        int(child) for thread in Path(f"/proc/{pid}/task").glob("*/children") for child in thread.read_text().split()
    ]
