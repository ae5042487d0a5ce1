"""The processes that use most CPU, on demand only: listing them costs milliseconds, so nothing polls this.

`measure` blocks for the length of its sample; the observer process runs it in a thread.
"""

from __future__ import annotations

import time

import psutil

from quarterdeck.observer.messages import Process

__all__ = ["measure"]


def measure(count: int, seconds: float = 0.5) -> tuple[Process, ...]:
    """The `count` greediest processes over `seconds`; those that end meanwhile, or that hide, are left out."""
    before: dict[psutil.Process, float] = {}
    for process in psutil.process_iter():
        spent = _cpu_seconds(process)
        if spent is not None:
            before[process] = spent
    started = time.monotonic()
    time.sleep(seconds)
    used: list[tuple[float, psutil.Process]] = []
    for process, spent in before.items():
        now = _cpu_seconds(process)
        if now is not None:
            used.append((now - spent, process))
    elapsed = max(time.monotonic() - started, 1e-6)
    used.sort(key=lambda row: row[0], reverse=True)
    rows: list[Process] = []
    for spent, process in used:
        if len(rows) == count:
            break
        try:
            with process.oneshot():
                rows.append(
                    Process(
                        pid=process.pid,
                        name=_printable(process.name()),
                        user=_printable(process.username()),
                        cpu=100.0 * spent / elapsed,
                        memory=float(process.memory_info().rss),
                    )
                )
        except psutil.Error:
            continue
    return tuple(rows)


def _cpu_seconds(process: psutil.Process) -> float | None:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)


def _printable(text: str) -> str:
    """A process chooses its own name: nothing of it may steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:60]
