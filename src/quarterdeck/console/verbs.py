"""The verbs with a screen: `lead`, `attach`, `join`; and `run_console`, which the demo's driver uses too.

Imports nothing heavy at the top: a session is opened and its station started by other processes while this one
imports Textual and paints the first frame.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from textual.screen import Screen

    from quarterdeck.console.app import QuarterdeckApp
    from quarterdeck.console.commands.base import Command
    from quarterdeck.console.store import StationClient
    from quarterdeck.session.state import Session

__all__ = ["attach", "farewell", "join", "lead", "run_console"]

Connect = Callable[[], Awaitable["StationClient"]]


def lead(arguments: argparse.Namespace) -> int:
    """Open a session of a procedure and lead it. The exit code says how it ended."""
    if getattr(arguments, "headless", False):
        from quarterdeck.station.verbs import headless

        return headless(arguments)
    from quarterdeck.console.session_opener import SessionOpener

    opener = SessionOpener(arguments.procedure, _params(arguments.param), arguments.window)
    try:
        return _console(opener.connect, arguments)
    finally:
        opener.close()


def attach(arguments: argparse.Namespace) -> int:
    """Open a console on a session that lives; none needs naming where there is only one."""
    folder = _find(arguments.session)
    return _console(_to(folder), arguments)


def join(arguments: argparse.Namespace) -> int:
    """The same as `attach`, until there are several seats."""
    return attach(arguments)


def run_console(
    folder: Path | None,
    *,
    connect: Connect | None = None,
    layout: str = "",
    theme: str = "",
    ascii_glyphs: bool = False,
    mouse: bool = True,
    extra: Sequence[Command] = (),
    first: Callable[[QuarterdeckApp], Screen[object] | None] | None = None,
    made: Callable[[QuarterdeckApp], None] | None = None,
) -> int:
    """Run a console until it is left; returns the exit code of how the session stands then.

    `folder` is the session's, or `connect` reaches it. `extra` are commands beside the shipped ones; `first` makes a
    screen that stands over the live console when it opens; `made` gets the app before it runs. UsageError without a
    terminal. What a person has to know afterwards is printed.
    """
    if connect is None:
        if folder is None:
            raise UsageError("Which session?")
        connect = _to(folder)
    _need_terminal()
    gc.disable()  # what is imported now stays: looking through it again and again is a tenth of the first frame
    app = _app(connect, layout, theme, ascii_glyphs, mouse, extra, first)
    if made is not None:
        made(app)
    code = app.run(mouse=mouse)
    gc.enable()
    if app.trouble is not None and app.crash is None:
        raise app.trouble
    _tell(app.crash.line if app.crash is not None else farewell(app.link.session, detached=app.desk.detached))
    return 1 if code is None or app.crash is not None else code


def farewell(session: Session, *, detached: bool) -> str:
    """What whoever leaves has to know: how to come back, or where the record is; nothing where neither helps."""
    if detached:
        how = "The session goes on" if session.is_live_session else "Nothing of it has been started"
        return f"{how}. Come back with: quarterdeck attach {session.id}"
    return (
        f"The session {session.id} is over. Its record: quarterdeck export {session.id} -o DIR"
        if session.is_over
        else ""
    )


def _tell(line: str) -> None:
    """What a person has to know afterwards; where the terminal is gone, nothing is written to it any more."""
    try:
        if line:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)


def _app(
    connect: Connect,
    layout: str,
    theme: str,
    ascii_glyphs: bool,
    mouse: bool,
    extra: Sequence[Command],
    first: Callable[[QuarterdeckApp], Screen[object] | None] | None,
) -> QuarterdeckApp:
    from quarterdeck.console import theme as themes
    from quarterdeck.console.app import Look, QuarterdeckApp
    from quarterdeck.console.commands import all_commands
    from quarterdeck.console.keys import own_keymap
    from quarterdeck.documents.settings import config_folder

    if theme and theme not in themes.NAMES:
        raise UsageError(f"there is no theme {theme!r}", hint=f"one of {', '.join(themes.NAMES)}")
    colourless = themes.wants_no_color(os.environ)
    os.environ.pop("NO_COLOR", None)  # Textual would grey it out; our own filter takes colours away altogether
    config = config_folder()
    keymap, notices = own_keymap((*all_commands(), *extra), config)
    look = Look(
        layout=layout,
        theme=theme or ("mono" if colourless else ""),
        ascii=ascii_glyphs or themes.wants_ascii(),
        mouse=mouse,
        config=config,
    )
    return QuarterdeckApp(connect, look, keymap=keymap, first=first, notices=notices)


def _console(connect: Connect, arguments: argparse.Namespace) -> int:
    if arguments.plain or os.environ.get("TERM", "") in {"dumb", ""}:
        from quarterdeck.console.plain import run_plain

        return run_plain(connect)
    return run_console(
        None,
        connect=connect,
        layout=arguments.layout,
        theme=arguments.theme,
        ascii_glyphs=arguments.ascii,
        mouse=not arguments.no_mouse,
    )


def _need_terminal() -> None:
    streams = (sys.__stdin__, sys.__stderr__)
    if not all(stream is not None and not stream.closed and stream.isatty() for stream in streams):
        raise UsageError(
            "The console needs a terminal",
            hint="--plain goes line by line; lead --headless and demo --auto need none",
        )


def _to(folder: Path) -> Connect:
    async def to_station() -> StationClient:
        from quarterdeck.console.store import connect

        return await connect(folder)

    return to_station


def _params(pairs: Sequence[str]) -> dict[str, str]:
    """`--param name=value` pairs; UsageError."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{pair!r} is no parameter", hint="write --param name=value")
        if name in values:
            raise UsageError(f"the parameter {name!r} is given twice")
        values[name] = value
    return values


def _find(part: str) -> Path:
    """The session that `part` names; without one, the only one that lives."""
    from quarterdeck.logbook.folder import fitting_sessions, list_sessions

    found = list_sessions()
    meant = fitting_sessions(part, found) if part else [session for session in found if session.owned]
    if len(meant) == 1:
        return meant[0].folder
    if not found and not part:
        raise UsageError("There is no session on this machine", hint="quarterdeck lead PROCEDURE opens one")
    from quarterdeck.station.sessions import choose_session

    return choose_session(part)  # reads logbooks: one whose station was killed is open all the same
