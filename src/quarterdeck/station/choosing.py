"""Which session a verb means, and what is known of it without its station.

Reads files only, never a logbook that a station owns. Called by the verbs of the station, the console and the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from quarterdeck.errors import LogbookError, StationError, UsageError
from quarterdeck.logbook.folder import FoundSession, find_session, fitting_sessions, list_sessions
from quarterdeck.logbook.read_only import read_session
from quarterdeck.session.fold import fold
from quarterdeck.session.state import Session
from quarterdeck.station.asking import history_of

__all__ = ["Listed", "choose_session", "listed_sessions", "live_sessions"]


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
        events = read_session(found.folder).events
    except LogbookError as error:
        try:
            events = history_of(found.folder).events if found.owned else []
        except StationError:
            events = []
        if not events:
            return Listed(found.id, found.folder, None, found.owned, error.message)
    if not events:
        return Listed(found.id, found.folder, None, found.owned, "it holds no event that can be read")
    return Listed(found.id, found.folder, fold(events), found.owned)


def choose_session(part: str, *, over: bool = False) -> Path:
    """The folder of the session that `part` names; with nothing named, the only open one.

    Of several the only live one is meant, else the only open one with a station, else the only open one. `over`:
    without an open one the newest that is over will do (export, status). UsageError where it is not clear.
    """
    named = part.strip()
    found = list_sessions()
    fitting = fitting_sessions(named, found) if named else found
    if named and len(fitting) <= 1:
        return find_session(part)
    listed = [_listed(each) for each in fitting]
    opened = [each for each in listed if each.is_open]
    for meant in (live_sessions(listed), [each for each in opened if each.owned], opened):
        if len(meant) == 1:
            return meant[0].folder
        if meant:
            names = ", ".join(each.id for each in meant[-5:])
            raise UsageError(f"{len(meant)} sessions are open: which one?", hint=f"say one of: {names}")
    readable = [each for each in listed if each.session is not None]
    if over and readable and not named:
        return readable[-1].folder
    if named:
        return find_session(part)  # says which ones fit
    raise UsageError("No session is open on this machine", hint="quarterdeck sessions lists those that are over")


def live_sessions(listed: Iterable[Listed]) -> list[Listed]:
    """Those in which work goes on. One that a station holds and that cannot be read counts as such."""
    return [each for each in listed if (each.session.is_live_session if each.session is not None else each.owned)]
