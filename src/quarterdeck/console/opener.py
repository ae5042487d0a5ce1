"""Opening a session in a process of its own, so that the console never loads YAML or SQLite: `python -m …opener`.

Reads one JSON object from stdin, writes one JSON line: the session's folder, or what is wrong. Run by `verbs.lead`
beside the first frame.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from quarterdeck.errors import DocumentError, QuarterdeckError

__all__ = ["Opened", "Wanted", "main"]


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


def main() -> int:
    """Open what stdin says."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted)
    try:
        answer = Opened(folder=str(_open(wanted)))
    except QuarterdeckError as error:
        problems = error.problems if isinstance(error, DocumentError) else ()
        answer = Opened(
            message=error.message, hint=error.hint, where=error.where, problems=problems, exit_code=error.exit_code
        )
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    return 0


def _open(wanted: Wanted) -> Path:
    from quarterdeck.procedure.library import find_procedure
    from quarterdeck.station.opening import open_session, read_window

    return open_session(
        find_procedure(wanted.procedure), params=wanted.params, window=read_window(wanted.window), via="console"
    )


if __name__ == "__main__":
    sys.exit(main())
