"""A demo night, opened: its world running, its session of the shipped procedure in planning."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from quarterdeck.demo.world import World
from quarterdeck.errors import UsageError
from quarterdeck.logbook.folder import home as state_folder
from quarterdeck.shipped import shipped
from quarterdeck.station.sessions import open_session

__all__ = ["BAD_NIGHT", "GOOD_NIGHT", "Demo", "open_demo", "start_world"]

GOOD_NIGHT = "demo-database-maintenance"
BAD_NIGHT = "demo-bad-night"
FEWEST_ROWS = 1000


@dataclass(frozen=True)
class Demo:
    """A world and the folder of its session."""

    world: World
    folder: Path


def start_world(*, rows: int) -> World:
    """Start a world of its own in the state folder. QuarterdeckError where it does not come up."""
    if rows < FEWEST_ROWS:
        raise UsageError(f"--rows {rows} is too few", hint=f"{FEWEST_ROWS} or more; the demo is made for 200000")
    before = os.umask(0o077)
    try:
        home = state_folder() / "demos" / secrets.token_hex(4)
        home.mkdir(parents=True)
    finally:
        os.umask(before)
    return World.start(home, rows=rows)


def open_demo(world: World, night: str) -> Demo:
    """Open a session of one of the two shipped nights against `world`."""
    params = {
        "home": str(world.home.folder),
        "url": world.url,
        "port": str(urlsplit(world.url).port),
        "python": sys.executable,
    }
    procedure = shipped("procedures") / f"{night}.yaml"
    return Demo(world, open_session(procedure, params=params, purpose="demo", via="demo"))
