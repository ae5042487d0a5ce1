"""What goes into a runner and what comes out: its order, and the report of the run.

The order says what to run, in which environment, and how it ends; the station writes it as JSON (the names below are
its keys), the runner reads it once. The report is written once, by rename, on space that was set aside before the
command started: a full disk at the end must not turn a known result into an unknown one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from quarterdeck.regular_files import read_regular
from quarterdeck.runner.files import CLAIMED, RESULT, create_private, sync_folder

__all__ = ["ResultFile", "Spec", "claim", "parse"]


class Spec(NamedTuple):
    """Everything that a runner knows; it never looks anything up."""

    run: str
    step: str
    """Only for messages."""
    argv: list[str]
    """Never empty; a script is already the last word of its interpreter's."""
    cwd: str
    env: dict[str, str]
    """Complete: nothing of the station's or the runner's own environment is added but the tag."""
    halts: str
    """The session's folder of halt files; empty where none is watched."""
    answered: list[str]
    """Names of the halt files that do not stop this run (R2)."""
    on_halt: str
    """`finish`, `terminate` or `ask`; the last is like `finish` here, its question is the station's."""
    grace: float
    """Seconds until SIGKILL."""
    timeout: float
    """Seconds; 0 for none."""
    on_crash: str
    """`keep`, or `kill`: end the command when the station named below is gone."""
    station_pid: int
    station_start: int
    become: str
    """Empty, or `root`: through `sudo -n`."""
    become_env: list[str]
    """Names of variables that sudo is asked to let through."""
    stop: list[str]
    """Ends it on the far side; run once when the command is terminated. Empty for none."""
    head: int
    """Bytes of the output's beginning that are kept."""
    ring: int
    """Bytes of its end that are kept."""
    cleanup: bool = False
    """Its shells may run their traps when it is terminated (R4)."""


def parse(text: bytes) -> Spec:
    """Read a spec; ValueError, KeyError or TypeError where it is none."""
    found: dict[str, Any] = json.loads(text)
    return Spec(**{name: found[name] for name in Spec._fields if name in found or name not in Spec._field_defaults})


def claim(path: Path) -> Spec:
    """Take the order, so that nobody runs it a second time; FileNotFoundError where it was taken or revoked.

    The file is unlinked: it holds the whole environment, secrets too.
    """
    taken = path.with_name(CLAIMED)
    path.rename(taken)
    spec = parse(read_regular(taken))
    taken.unlink()
    return spec


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
