"""Processes of a run whose runner was killed, found by the tag in their environment where we may read it (Linux).

Nothing is ended unasked: a halt ends them where their step says `terminate` (R4), as its runner would have.
"""

from __future__ import annotations

import asyncio
import time

from quarterdeck.runner.escalation import TreeEnd
from quarterdeck.runner.processes import descendants, describe
from quarterdeck.station.commands.results import Seen

__all__ = ["end_orphans", "find_orphans"]

_PASS = 0.02


def find_orphans(run: str) -> list[Seen]:
    """What still runs of `run`. Nothing is ended."""
    return [
        Seen(int(found["pid"]), str(found["owner"]), str(found["command"]))
        for found in describe(descendants(run), 100)
    ]


async def end_orphans(run: str, grace: float, *, cleanup: bool) -> tuple[list[Seen], list[Seen]]:
    """End what still runs of `run`, no further line of it runs; what there was, and what could not be ended."""
    found = await asyncio.to_thread(find_orphans, run)
    if found:
        ending = TreeEnd(run, grace, time.monotonic(), cleanup=cleanup)
        while not await asyncio.to_thread(ending.advance, time.monotonic()):  # noqa: ASYNC110 - no process tells us
            await asyncio.sleep(_PASS)
    return found, await asyncio.to_thread(find_orphans, run) if found else []
