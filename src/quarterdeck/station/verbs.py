"""The verbs `sessions`, `status`, `halt`, `doctor`, and `lead --headless`: parsed arguments in, an exit code out.

They import little and write plain lines.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck.errors import QuarterdeckError, StationError, UsageError
from quarterdeck.host import login_name
from quarterdeck.session.intents import Halt
from quarterdeck.station.halt_files import file_halt, filed_halts, new_nonce
from quarterdeck.station.sessions import Listed, beside, choose_session, listed_sessions, live_sessions
from quarterdeck.station.status import lines_of, status_of
from quarterdeck.station.wire.blocking_client import ask_once
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
    widest = max(len(each.session.state) if each.session is not None else 0 for each in listed)
    for each in listed:
        _say(f"{each.id:<{width}}  {_standing(each, widest)}")
    return 0


def _standing(listed: Listed, width: int) -> str:
    """Its state in `width` cells, its title, and who holds it."""
    session = listed.session
    if session is None:
        return f"cannot be read: {listed.trouble}"
    station = (
        "" if session.is_over else ("  station lives" if listed.owned else "  no station: attach brings it back")
    )
    if not session.is_over and filed_halts(listed.folder, session.halts.keys()):
        station += "  HALT FILED, not taken yet"
    return f"{session.state.replace('_', ' '):<{width}}  {session.title}{station}"


def status(arguments: argparse.Namespace) -> int:
    """How a session is, from its station, or from what lies on disk where none answers."""
    found = status_of(choose_session(arguments.session, over=True))
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
        return 0
    for line in lines_of(found):
        _say(line)
    return 0


def halt(arguments: argparse.Namespace) -> int:
    """Halt a session from anywhere, or all live ones: 0 halted, 1 not, `UNCONFIRMED` where no station said so."""
    if not getattr(arguments, "all", False):
        try:
            folder = choose_session(arguments.session)
        except UsageError as error:
            hint = f"quarterdeck halt NAME halts one, --all every live one; {error.hint}"
            raise UsageError(f"NOTHING IS HALTED. {error.message}", hint=hint) from error
        code = _halt(folder, arguments.reason)
        _tell_beside(folder)
        return code
    if arguments.session:
        raise UsageError("--all halts every session: name none", hint=f"or without --all: {arguments.session}")
    listed = listed_sessions(ended=False)
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


def _tell_beside(folder: Path) -> None:
    """Of several sessions, say which ones were not halted; that nothing can be read of them changes nothing."""
    with contextlib.suppress(QuarterdeckError, OSError):
        for each in beside(folder):
            if each.session is None or not each.session.live_halts():
                letters = each.id.rpartition("-")[2]
                _announce(f"NOT HALTED {each.said}: quarterdeck halt {letters} halts it")


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
    return run_headless(folder, sys.stdin.fileno(), sys.stdout.buffer)


def _say(text: str) -> None:
    """Lines for a terminal, folded between words where it is too narrow; what is written in them cannot steer it."""
    encoding, shown = sys.stdout.encoding or "utf-8", block(text)
    if sys.stdout.isatty():
        columns = max(20, shutil.get_terminal_size().columns)
        shown = "\n".join(_folded(line, columns) for line in shown.split("\n"))
    sys.stdout.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _folded(line: str, columns: int) -> str:
    """A line that fits as it is; one that does not in several, those after the first indented."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
