"""A session being opened while the console paints: starts the process that opens it and then is its station.

That process starts beside the first frame (`station.opener`); afterwards the way to the session's station is known.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.errors import DocumentError, QuarterdeckError, StationError, UsageError

if TYPE_CHECKING:
    from quarterdeck.console.store import StationClient
    from quarterdeck.station.opener import Opened

__all__ = ["SessionOpener"]


class SessionOpener:
    """Starts the opener at once; `connect` waits for it."""

    def __init__(self, procedure: str, params: Mapping[str, str], window: str) -> None:
        """StationError where no process can be started."""
        import json

        command = [sys.executable, "-P", "-m", "quarterdeck.station", "--open", procedure]
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

    from quarterdeck.station.opener import Opened

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
