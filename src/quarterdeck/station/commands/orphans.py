"""Processes of a run whose runner was killed, found by the tag in their environment. Called when a run is `lost`."""

from __future__ import annotations

from quarterdeck.runner.processes import descendants, describe
from quarterdeck.station.commands.results import Seen

__all__ = ["find_orphans"]


def find_orphans(run: str) -> list[Seen]:
    """What still runs of `run`, as far as we may read other processes' environments (Linux). Nothing is ended."""
    return [
        Seen(int(found["pid"]), str(found["owner"]), str(found["command"]))
        for found in describe(descendants(run), 100)
    ]
