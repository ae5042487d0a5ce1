"""What is left of a console that broke: a file in the state folder, and one line that says what to do.

Never a traceback on the terminal, and never the values of variables, which may hold secrets.
"""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path
from typing import NamedTuple

__all__ = ["Crash", "write"]


class Crash(NamedTuple):
    """Where it is written, and what to say."""

    path: Path | None
    line: str


def write(error: BaseException, *, session: str = "") -> Crash:
    """Write what happened; a disk that refuses costs the file, not the way out."""
    where: Path | None = None
    cause = getattr(error, "error", error)  # a worker's failure carries the real one
    text = "".join(traceback.format_exception(cause))
    try:
        from quarterdeck.logbook.folder import home

        folder = home() / "crashes"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        where = folder / f"console-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
        with os.fdopen(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"session {session or '?'}\n{text}")
    except (OSError, ImportError):  # no descriptor is left, or the disk refuses
        where = None
    back = f"come back with: quarterdeck attach {session}" if session else "start again"
    kept = f" (written to {where})" if where else ""
    return Crash(where, f"The console stopped on an error of its own{kept}; the session goes on: {back}")
