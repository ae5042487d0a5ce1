"""Making a session of a procedure: its folder, and its first two events.

It reads the procedure strictly, so that a session never has a plan that lint refuses. Called by `lead` and `demo`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from quarterdeck import __version__
from quarterdeck.documents.kinds import duration
from quarterdeck.documents.problems import document_error
from quarterdeck.documents.strict_yaml import read_text
from quarterdeck.errors import LogbookError, UsageError
from quarterdeck.host import ThisMachine, host_names, login_name
from quarterdeck.logbook.folder import new_session_id, sessions_folder
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.procedure.check import parse
from quarterdeck.session.event import Actor
from quarterdeck.session.events import Draft, PlanRevised, SessionOpened
from quarterdeck.station.keeping import moment

__all__ = ["open_session", "plan_hash", "read_window"]


def plan_hash(text: str, params: Mapping[str, str], window: Mapping[str, str]) -> str:
    """SHA-256 over the canonical JSON of text, parameters and window: what approvals and events name."""
    whole = {"text": text, "params": dict(params), "window": dict(window)}
    return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()


def read_window(text: str, now: float | None = None) -> dict[str, str]:
    """`START/END` as the plan keeps it: ISO 8601, `now`, or an end as a span; `15m` alone begins now.

    Empty for empty. UsageError for what is no window. `now` is epoch seconds, for tests.
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
    if text == "now" and not span:
        return base
    seconds = duration(text.removeprefix("+")) if span else None
    if seconds is not None:
        return base + dt.timedelta(seconds=seconds)
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.astimezone()


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
        health = log.append([Draft(opened), Draft(revised)], actor, digest).durable.result()
    finally:
        log.close()
    if health.level == "red":
        raise LogbookError("The session cannot be recorded", where=str(folder), hint="make room on the disk")
    return folder
