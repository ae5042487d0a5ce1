"""A session being opened while the console paints, in a process of its own: `python -m …session_opener`.

So the console never loads YAML or SQLite. The process reads one JSON object from stdin and writes one JSON line: the
session's folder, or what is wrong. `SessionOpener` is the console's side: it starts the process beside the first
frame, and knows the way to the session's station afterwards.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from quarterdeck.errors import DocumentError, QuarterdeckError, StationError, UsageError

if TYPE_CHECKING:
    from quarterdeck.console.store import StationClient

__all__ = ["Opened", "SessionOpener", "Wanted", "main"]


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
    from quarterdeck.station.sessions import open_session, read_window

    return open_session(
        find_procedure(wanted.procedure), params=wanted.params, window=read_window(wanted.window), via="console"
    )


class SessionOpener:
    """Starts the opener at once; `connect` waits for it."""

    def __init__(self, procedure: str, params: Mapping[str, str], window: str) -> None:
        """StationError where no process can be started."""
        import json

        command = [sys.executable, "-P", "-m", "quarterdeck.console.session_opener"]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise StationError(f"The session cannot be opened: {error.strerror}") from error
        wanted = {"procedure": procedure, "params": dict(params), "window": window}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted).encode())
        self._process.stdin.close()
        self._process.stdin = None
        self.folder: Path | None = None

    async def connect(self) -> StationClient:
        """Wait for the session, then reach its station. The opener's own error where there is one."""
        import asyncio

        out, err = await asyncio.to_thread(self._process.communicate)
        self.folder = _folder(out, err)
        from quarterdeck.console.store import connect

        return await connect(self.folder)

    def close(self) -> None:
        """Leave no process behind."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.communicate()


def _folder(out: bytes, err: bytes) -> Path:
    import msgspec

    from quarterdeck.console.session_opener import Opened

    try:
        answer = msgspec.json.decode(out, type=Opened)
    except ValueError as error:
        said = err.decode(errors="replace").strip().splitlines()
        raise StationError("The session could not be opened", hint=said[-1] if said else "") from error
    if answer.folder:
        return Path(answer.folder)
    raise _as_error(answer)


def _as_error(answer: Opened) -> QuarterdeckError:
    if answer.problems:
        return DocumentError(answer.message, problems=answer.problems, hint=answer.hint, where=answer.where)
    kind = UsageError if answer.exit_code == UsageError.exit_code else QuarterdeckError
    return kind(answer.message, hint=answer.hint, where=answer.where)


if __name__ == "__main__":
    sys.exit(main())
