"""Where sessions lie: the state folder, one folder for each session, their names, and finding them again.

    <home>/sessions/<id>/logbook.db   events and samples
                         lock         held by whoever owns the session, as is the folder itself
                         socket       where its station listens (`station/wire/start_station.py`)
                         blobs/       files that belong to events, named by their hash
                         spool/       output of running commands
                         halts/       a file for each halt; runners watch it (R2)
                         burned/, shown/   <replica>.<aseq>: see `Mark`
                         reserve      room for halt, rollback and notes on a full disk
    <home>/recorder/<id>.jsonl        the flight recorder

`<home>` is `QUARTERDECK_HOME`, else platformdirs' state folder. Must never open a logbook.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from quarterdeck import host
from quarterdeck.documents import settings
from quarterdeck.errors import LogbookError, UsageError
from quarterdeck.logbook.disk import make_private, require_own
from quarterdeck.logbook.lock import is_held

__all__ = [
    "FoundSession",
    "Mark",
    "SessionFolder",
    "find_session",
    "fitting_sessions",
    "home",
    "list_sessions",
    "new_session_id",
    "sessions_folder",
]

_CONSONANTS = "bcdfghjkmnpqrstvwxz"
"""Without vowels no four letters make a word, without `l` none is read as a digit."""

Mark = Literal["burned", "shown"]
"""`burned`: the replica's events count so far and no further; `shown`: so far they were acknowledged or shown."""

_TAKEN = 50
"""Tries for four letters that no other session of the same day and procedure has."""


class SessionFolder(NamedTuple):
    """The parts of a session's folder."""

    path: Path
    recorder_dir: Path

    @classmethod
    def of(cls, path: Path, recorder_dir: Path | None = None) -> SessionFolder:
        """The folder at `path`, with its flight recorder in `recorder_dir`, else where the settings say.

        Without either it lies in `recorder/` of the same home. DocumentError for settings that can't be read.
        """
        return cls(path, recorder_dir or settings.recorder_dir() or path.parent.parent / "recorder")

    @property
    def id(self) -> str:
        """The session's id is the folder's name."""
        return self.path.name

    @property
    def database(self) -> Path:
        """The SQLite logbook."""
        return self.path / "logbook.db"

    @property
    def lock(self) -> Path:
        """Held by whoever owns the session."""
        return self.path / "lock"

    @property
    def blobs(self) -> Path:
        """Files that belong to events."""
        return self.path / "blobs"

    @property
    def spool(self) -> Path:
        """Output of running commands."""
        return self.path / "spool"

    @property
    def halts(self) -> Path:
        """One file for each halt (R2)."""
        return self.path / "halts"

    def mark(self, what: Mark, replica: str, aseq: int) -> None:
        """Say something of a replica's events, beside the recorders. OSError where no file can be made.

        Its name says all of it, as that of a halt does: on a full disk there is room for a name.
        """
        folder = self.path / what
        folder.mkdir(mode=0o700, exist_ok=True)
        named = folder / f"{replica}.{aseq}"
        for before in folder.glob(f"{replica}.*"):
            before.rename(named)
        named.touch(mode=0o600)

    def marks(self, what: Mark) -> dict[str, int]:
        """What was said by `mark`: replicas to numbers of events."""
        try:
            names = [path.name.rpartition(".") for path in (self.path / what).iterdir()]
        except OSError:
            return {}
        return {replica: int(aseq) for replica, _, aseq in names if aseq.isdecimal()}

    @property
    def reserve(self) -> Path:
        """Room for what must still be written on a full disk."""
        return self.path / "reserve"

    @property
    def recorder(self) -> Path:
        """The flight recorder."""
        return self.recorder_dir / f"{self.id}.jsonl"

    @property
    def recorder_samples(self) -> Path:
        """The samples beside the flight recorder: a convenience, not synced."""
        return self.recorder_dir / f"{self.id}.samples.jsonl"

    def prepare(self) -> None:
        """Make what is missing, 0700.

        LogbookError for a network file system, a link, a folder that is somebody else's or that others can change.
        """
        refuse_network(self.path)
        self.exposed()
        make_private(self.path)
        for part in (self.blobs, self.spool, self.halts):
            make_private(part)

    def exposed(self) -> list[str]:
        """Which levels their groups can write to, in words. LogbookError where anybody else can (`require_own`)."""
        parts = (self.blobs, self.spool, self.halts, self.recorder_dir)
        return list(dict.fromkeys(remark for part in parts for remark in require_own(part)))


class FoundSession(NamedTuple):
    """A session on this disk."""

    id: str
    folder: Path
    owned: bool
    """A process holds its lock: a station lives."""


def refuse_network(path: Path) -> None:
    """LogbookError where locks and syncs would depend on another host."""
    try:
        mount = host.filesystem_of(path)
    except OSError as error:
        raise LogbookError(f"The mounted disks cannot be listed: {error.strerror}", where=str(path)) from error
    if host.is_network_filesystem(mount.fstype):
        raise LogbookError(
            f"A logbook needs a local disk, and this is a network file system ({mount.fstype} at {mount.point})",
            where=str(path),
            hint="set QUARTERDECK_HOME to a folder on a local disk",
        )


def home() -> Path:
    """The state folder: `QUARTERDECK_HOME`, else platformdirs' state folder."""
    given = os.environ.get("QUARTERDECK_HOME", "")
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return platformdirs.user_state_path("quarterdeck", appauthor=False)


def sessions_folder() -> Path:
    """Where all sessions lie."""
    return home() / "sessions"


def new_session_id(
    day: dt.date, procedure: str, *, folder: Path | None = None, choose: Callable[[str], str] = secrets.choice
) -> str:
    """An id that people can say: `2026-11-29-rebuild-orders-index-kfwz`; free in `folder`."""
    name = re.sub(r"[^a-z0-9]+", "-", procedure.lower()).strip("-")[:40].strip("-") or "session"
    where = folder or sessions_folder()
    for _ in range(_TAKEN):
        letters = "".join(choose(_CONSONANTS) for _ in range(4))
        found = f"{day.isoformat()}-{name}-{letters}"
        if not (where / found).exists():
            return found
    raise LogbookError("No free session id was found", where=str(where))


def list_sessions(folder: Path | None = None) -> list[FoundSession]:
    """All sessions on this disk, oldest first by name."""
    where = folder or sessions_folder()
    try:
        found = sorted(entry for entry in where.iterdir() if entry.is_dir() and not entry.is_symlink())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LogbookError(f"The sessions cannot be listed: {error.strerror}", where=str(where)) from error
    return [FoundSession(entry.name, entry, is_held(entry / "lock")) for entry in found]


def find_session(part: str, folder: Path | None = None) -> Path:
    """The folder of the session that `part` names without doubt: its id, the end of it, or any piece of it.

    Raises UsageError where none or several fit.
    """
    found = list_sessions(folder)
    fitting = fitting_sessions(part, found)
    if len(fitting) == 1:
        return fitting[0].folder
    if not part.strip():
        raise UsageError("Which session?", hint=_some([each.id for each in found]))
    if fitting:
        raise UsageError(f"{len(fitting)} sessions fit {part!r}", hint=_some([each.id for each in fitting]))
    raise UsageError(f"No session fits {part!r}", hint=_some([each.id for each in found]))


def fitting_sessions(part: str, found: Sequence[FoundSession]) -> list[FoundSession]:
    """Those that `part` may mean: the one of that id, else those that end with it, else those that hold it."""
    wanted = part.strip().lower()
    if not wanted:
        return []
    for fits in (wanted.__eq__, lambda name: name.endswith(f"-{wanted}"), lambda name: wanted in name):
        fitting = [each for each in found if fits(each.id.lower())]
        if fitting:
            return fitting
    return []


def _some(names: list[str]) -> str:
    if not names:
        return "there is no session on this machine yet"
    shown = ", ".join(names[-5:])
    return f"say one of: {shown}" + (f" … ({len(names)} in all)" if len(names) > 5 else "")
