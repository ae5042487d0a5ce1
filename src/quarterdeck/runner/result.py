"""The report of a run: written once, by rename, on space that was set aside before the command started.

A full disk at the end must not turn a known result into an unknown one, hence the reserve. Called by `supervise`;
read by `station.commands`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from quarterdeck.runner.files import RESULT, create_private, sync_folder

__all__ = ["ResultFile"]

_RESERVE = 16 * 1024


class ResultFile:
    """Space for one result."""

    def __init__(self, folder: Path) -> None:
        """OSError where the space is not there: then nothing may be started."""
        self._folder = folder
        self._beside = folder / f".{RESULT}"
        self._file = create_private(self._beside)
        os.write(self._file, b" " * _RESERVE)
        os.fsync(self._file)

    def write(self, report: dict[str, Any]) -> None:
        """Make the report durable, then visible under its name."""
        content = json.dumps(report, ensure_ascii=True).encode()
        os.pwrite(self._file, content.ljust(_RESERVE), 0)  # JSON may end in blanks
        os.fsync(self._file)
        os.close(self._file)
        self._beside.replace(self._folder / RESULT)
        sync_folder(self._folder)
