"""The verbs `sessions`, `status`, `halt`, `doctor`, and `lead --headless`: parsed arguments in, an exit code out.

They import little and write plain lines.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.errors import StationError, UsageError
from quarterdeck.host import login_name
from quarterdeck.logbook.read_only import read_session
from quarterdeck.session.event import Actor, Event
from quarterdeck.session.fold import fold
from quarterdeck.session.forecast import clocks
from quarterdeck.session.intents import Halt
from quarterdeck.session.next_line import next_line
from quarterdeck.session.state import Session
from quarterdeck.spans import countdown, span
from quarterdeck.station.halt_files import file_halt, filed_halts, new_nonce
from quarterdeck.station.journal import moment
from quarterdeck.station.sessions import Listed, choose_session, listed_sessions, live_sessions
from quarterdeck.station.wire.blocking_client import ask_once, history_of
from quarterdeck.text import block, in_full

__all__ = ["doctor", "halt", "headless", "sessions", "status"]

HALT_PATIENCE = 3.0
UNCONFIRMED = 4
"""Exit code of a halt whose file is written and that no station confirmed."""


def sessions(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every verb takes them
    """List the sessions of this machine, newest last."""
    listed = listed_sessions()
    if not listed:
        _say("No session yet. Try: quarterdeck demo")
        return 0
    width = max(len(each.id) for each in listed)
    for each in listed:
        _say(f"{each.id:<{width}}  {_standing(each)}")
    return 0


def _standing(listed: Listed) -> str:
    session = listed.session
    if session is None:
        return f"cannot be read: {listed.trouble}"
    station = (
        "" if session.is_over else ("  station lives" if listed.owned else "  no station: attach brings it back")
    )
    return f"{session.state.replace('_', ' '):<28} {session.title}{station}"


def status(arguments: argparse.Namespace) -> int:
    """How a session is, from its station, or from its recorder where none answers."""
    folder = choose_session(arguments.session, over=True)
    events, source, trouble, recorders = _known(folder)
    session = fold(events)
    now = session.clock(moment()) if not session.is_over else session.last
    found = _facts(folder, session, now)
    found |= {"source": source, "recorders": recorders}
    if trouble:
        found["trouble"] = trouble
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        _tell(found)
    return 0


def _known(folder: Path) -> tuple[list[Event], str, str, dict[str, str]]:
    """All events, where they are from, why not from the station, and how the recorders are."""
    try:
        told = history_of(folder)
    except StationError as error:
        copy = read_session(folder)
        if not copy.owned:
            return copy.events, "logbook", "", {}
        return copy.events, "flight recorder", f"the station does not answer: {error.message}", {}
    recorders = told.standing.recorders if told.standing is not None else {}
    return told.events, "station", "", recorders


def _facts(folder: Path, session: Session, now: float) -> dict[str, Any]:
    plan = session.plan
    line = next_line(session, now, Actor(login=login_name()))
    shown = clocks(session, now) if session.window is not None and not session.is_over else None
    halts = [session.halts[nonce] for nonce in session.live_halts()]
    return {
        "session": folder.name,
        "folder": str(folder),
        "title": session.title,
        "procedure": session.procedure,
        "revision": plan.procedure.revision if plan is not None else None,
        "state": session.state,
        "over": session.is_over,
        "lead": session.lead,
        "next": line.text,
        "running": [_running(session, run.id, now) for run in session.running()],
        "steps": {run.id: run.state for run in session.steps.values() if run.sequence or run.state != "pending"},
        "unconfirmed": [] if session.is_over else [halt.nonce for halt in filed_halts(folder, session.halts.keys())],
        "halts": [{"by": halt.by, "at": halt.at, "reason": halt.reason} for halt in halts],
        "window": None if session.window is None else {"start": session.window.start, "end": session.window.end},
        "window_left": None if shown is None else round(shown.window_left),
        "decide_in": None if shown is None else round(shown.decide_in),
        "deviations": len(session.deviations),
        "outcome": session.outcome,
        "verdicts": {each.id: each.verdict for each in session.verdicts},
        "events": session.count,
    }


def _running(session: Session, step: str, now: float) -> dict[str, Any]:
    run = session.steps[step]
    title = session.plan.steps[step].title if session.plan is not None else step
    elapsed = None if run.started is None else round(now - run.started)
    return {"step": step, "title": title, "state": run.state, "seconds": elapsed}


def _tell(found: dict[str, Any]) -> None:
    state = found["state"].replace("_", " ").upper()
    _say(f"{found['session']}  {found['title']}")
    _say(f"{state}  (from the {found['source']}, {time.strftime('%H:%M:%S')})")
    if "trouble" in found:
        _say(f"! {found['trouble']}")
    if found["unconfirmed"]:
        _say("! HALT UNCONFIRMED: its file is written and commands stop by it; no station has taken it yet")
    for halt in found["halts"]:
        _say(f"halted by {halt['by']}: {halt['reason'] or 'no reason given yet'}")
    for run in found["running"]:
        _say(f"{run['state']}: {run['title']}, {'unknown' if run['seconds'] is None else span(run['seconds'])}")
    if found["window_left"] is not None:
        _say(f"window left {countdown(found['window_left'])}, decide within {countdown(found['decide_in'])}")
    _say(f"next: {found['next']}" if not found["over"] else f"{found['deviations']} deviations")
    for name, how in found["recorders"].items():
        if how != "ok":
            _say(f"! {name}: {how}")


def halt(arguments: argparse.Namespace) -> int:
    """Halt a session from anywhere, or all live ones: 0 halted, 1 not, `UNCONFIRMED` where no station said so."""
    if not getattr(arguments, "all", False):
        return _halt(choose_session(arguments.session), arguments.reason)
    if arguments.session:
        raise UsageError("--all halts every session: name none", hint=f"or without --all: {arguments.session}")
    listed = listed_sessions()
    live = live_sessions(listed) or [each for each in listed if each.is_open and each.owned]
    if not live:
        raise UsageError("No session is live on this machine", hint="quarterdeck sessions lists them")
    codes = [_halt(each.folder, arguments.reason) for each in live]
    return 1 if 1 in codes else max(codes)


def _halt(folder: Path, reason: str) -> int:
    """The halt's file first, which runners obey, then the station. Whatever fails is said, and stops nothing here."""
    nonce, unfiled = new_nonce(), ""
    try:
        file_halt(folder, nonce, reason=reason, login=login_name())
    except OSError as error:
        unfiled = error.strerror or str(error)
    try:
        answered = ask_once(folder, Halt(nonce=nonce, reason=reason, source="cli"), timeout=HALT_PATIENCE)
    except StationError as error:
        if unfiled:
            _complain(f"NOT HALTED {folder.name}: the file cannot be made ({unfiled}), and {error.message}")
            _complain("Stop by hand, call people.")
            return 1
        _announce(f"HALT UNCONFIRMED {folder.name}: {error.message}")
        _announce("Its file is written: running commands obey it, and nothing new starts. Tell people to stop.")
        return UNCONFIRMED
    if answered.refusal:
        _complain(f"NOT HALTED {folder.name}: {answered.refusal}")
        return 1
    _announce(f"HALTED {folder.name}" + (f" ({answered.hint})" if answered.hint else ""))
    if unfiled:
        _announce(f"! Its file cannot be made ({unfiled}): the station alone knows of it.")
    return 0


def _announce(text: str) -> None:
    """Say how a halt went, on stderr where stdout takes nothing: not to be heard undoes nothing."""
    try:
        _say(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        _complain(text)


def _complain(text: str) -> None:
    """One line on stderr, where it takes one."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(in_full(text) + "\n")
        sys.stderr.flush()


def doctor(arguments: argparse.Namespace) -> int:
    """Look at what a window will need; 1 where a session would fail or lie."""
    from quarterdeck.documents.settings import recorder_dir
    from quarterdeck.logbook.folder import home
    from quarterdeck.station.doctor import probe, report

    procedure = _procedure(arguments.procedure) if arguments.procedure else None
    findings = probe(home(), procedure, recorder=recorder_dir())
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode() + "\n")
    else:
        _say(report(findings))
    return 1 if any(finding.level == "problem" for finding in findings) else 0


def _procedure(named: str) -> Any:
    from quarterdeck.documents.problems import document_error
    from quarterdeck.documents.strict_yaml import read_text
    from quarterdeck.host import ThisMachine
    from quarterdeck.procedure.check import parse
    from quarterdeck.procedure.library import find_procedure

    path = find_procedure(named)
    loaded = parse(read_text(path), path=str(path), demand=False, machine=ThisMachine)
    if loaded.procedure is None:
        raise document_error(str(path), loaded.problems)
    return loaded.procedure


def headless(arguments: argparse.Namespace) -> int:
    """Open a session of `procedure` (with `param`, `window`) and lead it by JSON lines from stdin."""
    from quarterdeck.procedure.library import find_procedure
    from quarterdeck.procedure.verbs import parameters
    from quarterdeck.station.headless import run_headless
    from quarterdeck.station.sessions import open_session, read_window

    window = read_window(arguments.window)
    path = find_procedure(arguments.procedure)
    folder = open_session(path, params=parameters(arguments.param), window=window, via="headless")
    return run_headless(folder, sys.stdin.buffer, sys.stdout.buffer)


def _say(text: str) -> None:
    """Lines for a terminal: whatever people or programs wrote cannot steer it."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(block(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
