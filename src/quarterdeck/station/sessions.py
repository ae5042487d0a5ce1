"""Making a session of a procedure, and finding the one that a verb means.

A new session is its folder and its first two events; its procedure is read strictly, so that it never has a plan that
lint refuses. Finding one reads files only, never a logbook that a station owns, and loads no YAML.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from quarterdeck import __version__
from quarterdeck.errors import DocumentError, LogbookError, StationError, UsageError
from quarterdeck.host import ThisMachine
from quarterdeck.logbook.folder import (
    FoundSession,
    SessionFolder,
    find_session,
    fitting_sessions,
    list_sessions,
    new_session_id,
    sessions_folder,
)
from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.recorder import scan
from quarterdeck.regular_files import open_regular
from quarterdeck.session.event import Actor, decode, digest
from quarterdeck.session.events import (
    Draft,
    FactNoted,
    PlanRevised,
    ReplicaBurned,
    SessionAbandoned,
    SessionClosed,
    SessionEnded,
    SessionOpened,
)
from quarterdeck.session.fold import fold
from quarterdeck.session.state import Session
from quarterdeck.station.wire.blocking_client import history_of

__all__ = [
    "Listed",
    "beside",
    "choose_session",
    "listed_sessions",
    "live_sessions",
    "open_session",
    "plan_hash",
    "read_window",
]

_END = 128 * 1024
"""Bytes of a flight recorder in which its end is looked for; where it stands before them, all is read."""
_ENDS = frozenset({SessionEnded.kind, SessionAbandoned.kind, SessionClosed.kind})


def plan_hash(text: str, params: Mapping[str, str], window: Mapping[str, str]) -> str:
    """SHA-256 over the canonical JSON of text, parameters and window: what approvals and events name."""
    whole = {"text": text, "params": dict(params), "window": dict(window)}
    return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()


def read_window(text: str, now: float | None = None) -> dict[str, str]:
    """`START/END` as the plan keeps it: ISO 8601, `now`, or an end as a span; `15m` alone begins now.

    Empty for empty. UsageError for what is no window, and for a time without an offset. `now`: epoch seconds, for
    tests.
    """
    if not text.strip():
        return {}
    current = dt.datetime.fromtimestamp(time.time() if now is None else now).astimezone().replace(microsecond=0)
    first, slash, last = (part.strip() for part in text.partition("/"))
    begins = _moment(first, current) if slash else current
    ends = _moment(last if slash else first, begins or current, span=True)
    if begins is None or ends is None:
        raise UsageError(
            f"--window {text!r} is no window",
            hint="write 2026-11-29T02:00+01:00/2026-11-29T04:00+01:00, or 90m",
        )
    if ends <= begins:
        raise UsageError("The window ends before it begins", where=f"--window {text}")
    return {"start": begins.isoformat(), "end": ends.isoformat()}


def _moment(text: str, base: dt.datetime, *, span: bool = False) -> dt.datetime | None:
    """A time as written; with `span` also so long after `base`."""
    from quarterdeck.spans import duration

    if text == "now" and not span:
        return base
    seconds = duration(text.removeprefix("+")) if span else None
    if seconds is not None:
        return base + dt.timedelta(seconds=seconds)
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        raise UsageError(
            f"--window: {text} names no zone",
            hint=f"say which time is meant: {found.isoformat()}Z, or {found.astimezone().isoformat()} for here",
        )
    return found


def open_session(
    procedure: Path,
    *,
    params: Mapping[str, str] | None = None,
    window: Mapping[str, str] | None = None,
    purpose: Literal["live", "demo"] = "live",
    home: Path | None = None,
    via: str = "cli",
) -> Path:
    """Open a session of the procedure in the file; its folder.

    `window` holds `start` and `end` as ISO texts (`read_window`); `home` is the state folder (the usual one by
    default). DocumentError with every problem of the file; LogbookError where it cannot be made durable.
    """
    from quarterdeck.documents.problems import document_error
    from quarterdeck.documents.strict_yaml import read_text
    from quarterdeck.host import host_names, login_name
    from quarterdeck.logbook.session_log import SessionLog
    from quarterdeck.procedure.check import parse
    from quarterdeck.station.journal import moment

    given, planned = dict(params or {}), dict(window or {})
    text = read_text(procedure)
    loaded = parse(text, path=str(procedure), params=given, machine=ThisMachine)
    if loaded.procedure is None:
        raise document_error(str(procedure), loaded.problems)
    compiled = loaded.procedure
    where = home / "sessions" if home is not None else sessions_folder()
    login = login_name()
    today = dt.datetime.fromtimestamp(time.time()).astimezone().date()
    identity = new_session_id(today, compiled.id, folder=where)
    actor = Actor(login=login, uid=os.getuid(), via=via, host=host_names().short)
    digest = plan_hash(text, given, planned)
    opened = SessionOpened(
        title=compiled.title, procedure=compiled.id, purpose=purpose, lead=login, version=__version__
    )
    revised = PlanRevised(
        text=text,
        path=str(procedure.absolute()),
        params=given,
        window=planned,
        hash=digest,
        compiled=msgspec.Raw(msgspec.json.encode(compiled)),
    )
    folder = where / identity
    log = SessionLog.open(folder, session_id=identity, actor=actor, moment=moment)
    try:
        exposed = [
            Draft(FactNoted(text=f"State folder: {remark}", level="warning")) for remark in log.place.exposed()
        ]
        health = log.append([Draft(opened), Draft(revised), *exposed], actor, digest).durable.result()
        if health.level == "red":
            log.take_back(0, "")
    finally:
        log.close()
    if health.level == "red":
        raise LogbookError("The session cannot be recorded", where=str(folder), hint="make room on the disk")
    return folder


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

    @property
    def said(self) -> str:
        """The end of its id, which names it in every verb, and what it is: `kfwz (Move the orders, running)`."""
        if self.session is None:
            return self.id
        state = self.session.state.replace("_", " ")
        return f"{self.session.letters} ({self.session.title}, {state})"


def listed_sessions(*, ended: bool = True) -> list[Listed]:
    """Every session on this machine, oldest first; without `ended` those that are over are not even read, mostly."""
    return [_listed(found) for found in list_sessions() if ended or not _has_ended(found)]


def beside(folder: Path) -> list[Listed]:
    """The other sessions of this machine that a station holds and that are not over."""
    found = (_listed(each) for each in list_sessions() if each.owned and each.folder != folder)
    return [each for each in found if each.session is None or each.is_open]


def _has_ended(found: FoundSession) -> bool:
    """Whether the end of its flight recorder proves that it is over: a halt does not wait for a long history."""
    try:
        with os.fdopen(open_regular(SessionFolder.of(found.folder).recorder), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
            tail = scan(file.read()).lines
        kinds = {decode(raw).kind for link, raw in tail if b'"kind":"' in raw and digest(raw) == link}
    except (OSError, ValueError, DocumentError):
        return False
    return not kinds.isdisjoint(_ENDS) and ReplicaBurned.kind not in kinds


def _listed(found: FoundSession) -> Listed:
    try:
        events = read_session(found.folder, samples=False).events
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
    listed = [_listed(each) for each in fitting if over or not _has_ended(each)]
    opened = [each for each in listed if each.is_open]
    for meant in (live_sessions(listed), [each for each in opened if each.owned], opened):
        if len(meant) == 1:
            return meant[0].folder
        if meant:
            names = ", ".join(each.said for each in meant[-5:])
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
