"""Which session a verb means, and what is known of it without its station.

Reads files only, never a logbook that a station owns. Called by the verbs of the station, the console and the record.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from quarterdeck.errors import LogbookError, UsageError
from quarterdeck.logbook.folder import FoundSession, find_session, list_sessions
from quarterdeck.logbook.reading import read_session
from quarterdeck.session.fold import fold
from quarterdeck.session.state import Session

__all__ = ["Listed", "choose_session", "listed_sessions"]


class Listed(Struct):
    """A session on this machine."""

    id: str
    folder: Path
    session: Session | None
    """None where its files cannot be read."""
    owned: bool
    """A station lives."""
    trouble: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it is not over yet."""
        return self.session is not None and not self.session.is_over


def listed_sessions() -> list[Listed]:
    """Every session on this machine, oldest first."""
    return [_listed(found) for found in list_sessions()]


def _listed(found: FoundSession) -> Listed:
    try:
        copy = read_session(found.folder)
    except LogbookError as error:
        return Listed(found.id, found.folder, None, found.owned, error.message)
    return Listed(found.id, found.folder, fold(copy.events), found.owned)


def choose_session(part: str, *, over: bool = False) -> Path:
    """The folder of the session that `part` names; with nothing named, the only open one.

    `over`: without an open one the newest that is over will do (export, status). UsageError where it is not clear.
    """
    if part.strip():
        return find_session(part)
    listed = listed_sessions()
    opened = [each for each in listed if each.is_open]
    live = [each for each in opened if each.session is not None and each.session.is_live_session]
    for candidates in (live, opened):
        if len(candidates) == 1:
            return candidates[0].folder
        if candidates:
            names = ", ".join(each.id for each in candidates[-5:])
            raise UsageError(f"{len(candidates)} sessions are open: which one?", hint=f"say one of: {names}")
    if over and listed:
        return listed[-1].folder
    raise UsageError("No session is open on this machine", hint="quarterdeck sessions lists those that are over")
