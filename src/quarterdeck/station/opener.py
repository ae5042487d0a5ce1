"""A session opened for a console that paints meanwhile, by the process that becomes its station.

So the console never loads YAML or SQLite, and what opening has loaded the station has already. Its side of the pipe:
one JSON object on stdin (`Wanted`), one JSON line on stdout (`Opened`): the session's folder, or what is wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from quarterdeck.errors import DocumentError, QuarterdeckError

__all__ = ["Opened", "Wanted", "opened", "tell"]


class Wanted(Struct):
    """What to open."""

    procedure: str
    params: dict[str, str] = {}
    window: str = ""


class Opened(Struct, omit_defaults=True):
    """What came of it: the folder, or an error for a person."""

    folder: str = ""
    message: str = ""
    hint: str = ""
    where: str = ""
    problems: tuple[str, ...] = ()
    exit_code: int = 1


def opened() -> Opened:
    """Open what stdin says."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    try:
        return Opened(folder=str(_open(wanted)))
    except QuarterdeckError as error:
        problems = error.problems if isinstance(error, DocumentError) else ()
        return Opened(
            message=error.message, hint=error.hint, where=error.where, problems=problems, exit_code=error.exit_code
        )


def tell(answer: Opened) -> None:
    """Say what came of it."""
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


def _open(wanted: Wanted) -> Path:
    from quarterdeck.procedure.library import find_procedure
    from quarterdeck.station.sessions import open_session, read_window

    return open_session(
        find_procedure(wanted.procedure), params=wanted.params, window=read_window(wanted.window), via="console"
    )
