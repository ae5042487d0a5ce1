"""What running processes use, read from /proc: CPU time to the nanosecond, and memory.

Linux alone. Called by the rooms that measure something steady.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["children", "cpu_seconds", "ended_cpu_seconds", "memory_alone"]


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


def memory_alone(*pids: int) -> dict[int, float]:
    """Memory of these processes in bytes, as if no others ran: what some of them share counts once, for the first.

    As PSS, but that a library that a stranger has loaded too is not given to that one in part.
    """
    shared: dict[tuple[str, ...], int] = {}
    used = {}
    for pid in pids:
        total = 0
        mapping: tuple[str, ...] = ()
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            name, *rest = line.split()
            if not name.endswith(":"):
                # of a file: its device, number and where in it; of none: where it lies, as a fork has it too
                mapping = (rest[2], rest[3], rest[1]) if rest[3] != "0" else (name,)
            elif name in {"Private_Clean:", "Private_Dirty:"}:
                total += int(rest[0]) * 1024
            elif name in {"Shared_Clean:", "Shared_Dirty:"}:
                key = (*mapping, name)
                more = int(rest[0]) * 1024 - shared.get(key, 0)
                if more > 0:
                    total += more
                    shared[key] = shared.get(key, 0) + more
        used[pid] = float(total)
    return used


def children(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    return [
        int(child) for thread in Path(f"/proc/{pid}/task").glob("*/children") for child in thread.read_text().split()
    ]
