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
from quarterdeck.documents.problems import document_error
from quarterdeck.documents.strict import read_text
from quarterdeck.errors import LogbookError, UsageError
from quarterdeck.host import host_names, login_name
from quarterdeck.logbook.folder import new_session_id, sessions_folder
from quarterdeck.logbook.log import SessionLog
from quarterdeck.procedure.loader import parse
from quarterdeck.session.event import Actor, Draft
from quarterdeck.session.events import PlanRevised, SessionOpened
from quarterdeck.station.keeping import moment

__all__ = ["open_session", "plan_hash", "read_window"]


def plan_hash(text: str, params: Mapping[str, str], window: Mapping[str, str]) -> str:
    """SHA-256 over the canonical JSON of text, parameters and window: what approvals and events name."""
    whole = {"text": text, "params": dict(params), "window": dict(window)}
    return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()


def read_window(text: str) -> dict[str, str]:
    """`START/END` (ISO 8601) as the plan keeps it; nothing for nothing. UsageError for what is no window."""
    if not text.strip():
        return {}
    start, slash, end = (part.strip() for part in text.partition("/"))
    try:
        begins, ends = (dt.datetime.fromisoformat(part) for part in (start, end))
    except ValueError as error:
        raise UsageError(
            f"--window {text!r} is no window",
            hint="write START/END, such as 2026-11-29T02:00+01:00/2026-11-29T04:00",
        ) from error
    begins, ends = (each if each.tzinfo else each.astimezone() for each in (begins, ends))
    if not slash or ends <= begins:
        raise UsageError("The window ends before it begins", where=f"--window {text}")
    return {"start": begins.isoformat(), "end": ends.isoformat()}


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
    loaded = parse(text, path=str(procedure), params=given)
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
