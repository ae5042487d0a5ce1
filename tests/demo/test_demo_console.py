"""`demo` with its console, on a real terminal: the first screen, a night begun, a console killed, the end."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ptyterminal import Terminal

Open = Callable[..., Terminal]


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Open]:
    """Open a demo on a terminal of its own; ended, with its world, after the test."""
    runtime = tempfile.mkdtemp(prefix="qdd-", dir="/tmp")
    opened: list[Terminal] = []

    def begin(*options: str) -> Terminal:
        env = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "QUARTERDECK_HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": runtime, "QUARTERDECK_LINGER": "20",
            "TERM": "xterm-256color", "LANG": "C.UTF-8",
        }  # fmt: skip
        argv = [sys.executable, "-m", "quarterdeck", "demo", "--rows", "20000", *options]
        opened.append(Terminal(argv, env))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()
    for world in (tmp_path / "home" / "demos").glob("*"):
        (world / "stop").touch()
    shutil.rmtree(runtime, ignore_errors=True)


def test_the_first_screen_lies_over_a_live_console_and_begins_the_night_that_is_picked(show: Open) -> None:
    terminal = show()
    terminal.until(re.compile(r"Real database, real traffic, [1-9]\d* orders so far").search, 60)
    terminal.until("orders-api", 20)  # the console behind it is live
    terminal.until("a bad night")
    terminal.send("1")
    terminal.until("RUNNING", 30)
    terminal.until("A better index for the order service")
    terminal.send("Q")
    terminal.until("end the demo")
    terminal.send("E\r")
    assert terminal.ended(40) == 12
    assert re.search(rb"[\d,]+ acknowledged orders, 0 missing", bytes(terminal.raw))


def start(terminal: Terminal) -> None:
    """S and Enter; the same key within half a second is ignored, and a command may be quicker."""
    for _ in range(10):
        terminal.send("S")
        with contextlib.suppress(pytest.fail.Exception):
            terminal.until("enter START", 1)
            break
    terminal.send("\r")


def test_z_kills_the_console_under_a_running_command_and_another_one_comes_back(show: Open) -> None:
    terminal = show("--bad-night")
    terminal.until("RUNNING", 60)
    for word in ("Back up", "Copy orders", "Delete from", "Drop the old"):
        terminal.until(re.compile(rf"S starts \d {word}").search, 30)
        start(terminal)
    terminal.until(re.compile(r"5 Survey.*running").search, 30)
    terminal.send("Z")
    terminal.until_raw(b"was killed with -9", 10)
    terminal.until(re.compile(r"5 Survey.*running").search, 30)
    terminal.send("H")
    terminal.until("HALTED", 15)
