"""Text that a person takes away: into a file of its own in the current folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from itertools import count
from pathlib import Path

__all__ = ["new_file"]


def new_file(name: str, content: Iterable[bytes]) -> Path:
    """Write a new file `NAME-HHMMSS.txt`, 0600, and never over another one; OSError, and then there is none."""
    stem = f"{name}-{time.strftime('%H%M%S')}"
    for number in count(1):
        path = Path.cwd() / f"{stem}{f'-{number}' if number > 1 else ''}.txt"
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(opened, "wb") as file:
                for part in content:
                    file.write(part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path
    raise AssertionError("count ends")  # pragma: no cover
