"""Processes of a run whose runner was killed: found by the tag in their environment, ended on a person's word.

Called by the station when a run is `lost`. It never ends anything unasked.
"""

from __future__ import annotations

import asyncio
import signal
import time

from quarterdeck.runner.processes import descendants, describe, send
from quarterdeck.station.results import Seen

__all__ = ["end_orphans", "find_orphans"]

_PASS = 0.05
_KILL_PATIENCE = 2.0


def find_orphans(run: str) -> list[Seen]:
    """What still runs of `run`, as far as we may read other processes' environments (Linux)."""
    return [
        Seen(int(found["pid"]), str(found["owner"]), str(found["command"]))
        for found in describe(descendants(run), 100)
    ]


async def end_orphans(run: str, grace: float = 10.0) -> list[Seen]:
    """SIGINT, SIGTERM, grace seconds, SIGKILL; returns what could not be ended."""
    began = time.monotonic()
    polite = min(2.0, grace * 0.2)
    plan = [(began, signal.SIGINT), (began + polite, signal.SIGTERM), (began + polite + grace, signal.SIGKILL)]
    give_up = plan[-1][0] + _KILL_PATIENCE
    while (left := descendants(run)) and time.monotonic() < give_up:
        due = [number for when, number in plan if when <= time.monotonic()]
        plan = plan[len(due) :]
        for number in due or ([signal.SIGKILL] if not plan else []):
            for entry in left:
                send(entry.pid, number)
        await asyncio.sleep(_PASS)
    return find_orphans(run)
