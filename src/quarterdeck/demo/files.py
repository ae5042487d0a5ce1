"""What lies where in the demo's home folder, and how small files there are written.

Every program of the demo (service, traffic, supervisor, maintenance tool) meets the others only through this
folder and over HTTP. It never decides anything; it knows names and writes files whole or not at all.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

__all__ = ["LEASE_SECONDS", "Home", "lease_is_fresh", "read_json", "renew_lease", "write_json"]

LEASE_SECONDS = 60.0
"""A lease older than this ends the demo's processes: whoever held it is gone."""


class Home:
    """The names in one demo's home folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "orders.db"
        self.archive = folder / "archive.db"
        """Archived orders; rows leave `database` only after they are proven to be here."""
        self.backup = folder / "backup.db"
        self.receipts = folder / "receipts.jsonl"
        """One line for each order that the service acknowledged, written by the traffic."""
        self.seed = folder / "seed.json"
        """How many orders the database was born with."""
        self.faults = folder / "faults.json"
        self.read_only = folder / "read-only"
        """While this file exists the service refuses writes."""
        self.sealed = folder / "archive.sealed"
        """Exists once the archive is sealed: archived orders no longer come back one by one."""
        self.progress = folder / "progress.json"
        self.keep = folder / "keep"
        """The lease: its age says how long ago somebody wanted this demo alive."""
        self.stop = folder / "stop"
        self.service = folder / "service.json"
        """Written by the service when it listens: pid, port, start number."""
        self.world = folder / "world.json"
        self.supervisor_lock = folder / "supervisor.lock"
        self.tool_lock = folder / "tool.lock"
        self.restart_asked = folder / "restart.asked"
        self.logs = folder / "logs"


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` in one move, so that a reader never sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_text(json.dumps(value), encoding="utf-8")
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in `path`, or an empty one where there is none yet."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def renew_lease(home: Home) -> None:
    """Say that the demo is still wanted; to be called at least every 30 s."""
    home.keep.touch()


def lease_is_fresh(home: Home) -> bool:
    """True while somebody renewed the lease within a minute; a missing folder or lease is an ended demo."""
    try:
        age = time.time() - home.keep.stat().st_mtime
    except OSError:
        return False
    return age < LEASE_SECONDS
