"""Ctrl+Z and `fg` on a real terminal, under a real shell with job control, for every way of starting a console."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ptyscreen import Screen
from ptyterminal import Terminal
from test_terminal_pty import PROCEDURE

SHELL = shutil.which("bash")
PROMPT = "ready>"

pytestmark = [
    pytest.mark.skipif(SHELL is None, reason="no shell with job control"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc"),
]

Opened = Callable[..., Terminal]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Opened]:
    """A shell on a terminal of its own, in a state folder of its own; what it started is ended after it."""
    sockets = tempfile.mkdtemp(prefix="qds-", dir="/tmp")
    procedure = tmp_path / "pty.yaml"
    procedure.write_text(PROCEDURE)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "PS1": PROMPT,
        "QUARTERDECK_HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": sockets, "QUARTERDECK_LINGER": "5",
        "TERM": "xterm-256color", "LANG": "C.UTF-8", "HISTFILE": "",
    }  # fmt: skip
    opened: list[Terminal] = []

    def begin(*argv: str) -> Terminal:
        opened.append(Terminal([*argv] or [str(SHELL), "--norc", "--noprofile", "-i"], environment))
        if not argv:
            opened[-1].until(PROMPT)
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()
    for world in (tmp_path / "home" / "demos").glob("*"):
        (world / "stop").touch()
    for entry in Path("/proc").iterdir():  # stations, and consoles whose shell is gone
        if entry.name.isdecimal():
            try:
                mine = str(tmp_path).encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if mine and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)
    shutil.rmtree(sockets, ignore_errors=True)


WHOLE = ("▸ Procedure ═", "─ Step ", "─ Log", "NEXT", "H HALT", "^p palette", "RUNNING")


def is_whole(text: str) -> bool:
    """Whether every part of a session's screen is there."""
    return all(part in text for part in WHOLE)


WAYS = {
    "lead": "quarterdeck lead {procedure}",
    "attach": "quarterdeck attach",
    "join": "quarterdeck join",
    "demo": "quarterdeck demo --rows 2000",
    "through a script": "sh -c 'quarterdeck lead {procedure}; echo it ended'",
}


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_z_gives_the_shell_its_terminal_and_fg_the_whole_console(
    shell: Opened, tmp_path: Path, way: str
) -> None:
    procedure = shlex.quote(str(tmp_path / "pty.yaml"))
    terminal = shell()
    if way in {"attach", "join"}:
        other = shell()
        other.send(f"quarterdeck lead {procedure}\r")
        other.until("starts the session", 60)
    terminal.send(WAYS[way].format(procedure=procedure) + "\r")
    if way == "demo":
        terminal.until("a bad night", 60)
        terminal.send("2")
    else:
        terminal.until("starts the session", 60)
        terminal.send("S")
        terminal.until("planned work")
        terminal.send("\r")
    terminal.until(is_whole, 60)
    for _ in range(2):
        terminal.send("\x1a")
        terminal.until("Stopped", 30)
        terminal.send("echo sum $((40 + 2)); bg\r")
        terminal.until("sum 42")
        terminal.screen = Screen(120, 36)
        terminal.send("fg\r")
        terminal.until(is_whole, 30)
    terminal.send("H")
    terminal.until("HALTED", 30)


def test_where_no_shell_controls_jobs_ctrl_z_leaves_the_console_as_it_is(shell: Opened, tmp_path: Path) -> None:
    terminal = shell(sys.executable, "-m", "quarterdeck", "lead", str(tmp_path / "pty.yaml"))
    terminal.until("starts the session", 60)
    terminal.send("\x1a")
    terminal.until_raw(b"\x1b[?1049l")
    terminal.send("S")
    terminal.until("planned work")
