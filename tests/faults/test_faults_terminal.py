"""The console on a real terminal: what it shows, and what a terminal may do to it."""

from __future__ import annotations

import os
import re
import signal
import sys
import time

import pytest
from faultkit import PROCEDURE, Night, gone, wait_until
from ptyterminal import Terminal, is_halt_shown

from quarterdeck.session import intents

RUNNING = "RUNNING"
MOUSE = ("1000", "1003", "1006")

HOSTILE = [
    *(chr(code) for code in (*range(0x01, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))),
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP1;1|17/ab\x1b\\",
    "\x1b[2J\x1b[1;1Hfaked",
    "\x1b[?1049l\x1bc",
    "\u202eevil\u2066\u200b\ufeff",
    "[/][red]x[/red][@click=app.exit]click[/]",
    "a" + "\u0301" * 10_000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u6f22",
]
SHOUTING = PROCEDURE.replace("echo begun;", 'cat "$0.txt"; echo begun;')
UNGUARDED = """
import re
from quarterdeck import text
from quarterdeck.console.terminal import filters
text._HARMLESS = re.compile("(?s).*")
filters._NEVER = re.compile("(?!)")
"""
"""Takes the gate and the last wall away."""


def shows_hostile_output(night: Night, before: str = "") -> Terminal:
    """A console on a command that shouts everything that a terminal might obey, and on a note that does."""
    (night.home / "go.txt").write_text("\n".join(HOSTILE) + "\n")
    night.open(SHOUTING)
    night.begin()
    night.do(intents.AddNote(text="".join(HOSTILE[:-2])))
    night.do(intents.AddNote(text="the last note"))
    return night.run("attach", night.folder.name, before=before)


def restored(terminal: Terminal) -> None:
    """I5: the terminal is as it was."""
    terminal.drained()
    modes = terminal.screen.modes
    assert not modes["1049"], "still on the alternate screen"
    assert modes["25"], "the cursor is hidden"
    assert not any(modes.get(mode) for mode in MOUSE), "the mouse is still caught"
    assert not modes.get("2004"), "pastes are still bracketed"
    assert terminal.attributes == terminal.before, "echo or lines are still off"


def test_the_first_frame_shows_the_procedure(night: Night) -> None:
    terminal = night.lead()
    for text in ("A night of faults", "Say hello", "Take long", "Look", "PLANNED", "H HALT", "NEXT"):
        assert text in terminal.screen.text
    assert terminal.screen.modes["1049"]
    assert terminal.screen.strange == []
    assert terminal.screen.colours
    terminal.send("Q")
    assert terminal.ended() == 3
    restored(terminal)


@pytest.mark.parametrize("rule", ["terminate", "finish"])
def test_h_paints_halted_and_ends_the_command_within_a_second(night: Night, rule: str) -> None:
    terminal = night.lead(PROCEDURE.replace("on_halt: terminate", f"on_halt: {rule}"))
    night.begin()
    terminal.until(RUNNING)
    child = night.child("long")
    began = time.monotonic()
    terminal.send("H")
    painted = terminal.until(is_halt_shown, 5)
    if rule == "finish":  # the control: the same halt, on a command that may finish
        time.sleep(max(0.0, began + 1.5 - time.monotonic()))
        assert not gone(child)
        return
    wait_until(lambda: gone(child), 5)
    took = time.monotonic() - began
    assert painted < 1.0
    assert took < 1.0, f"the command ended after {took:.2f} s"
    wait_until(lambda: night.session().state == "halted")


def test_hostile_text_never_reaches_the_terminal(night: Night) -> None:
    terminal = shows_hostile_output(night)
    terminal.until(lambda text: "begun" in text and "the last note" in text)
    assert terminal.screen.strange == []
    assert b"evil.example\x1b" not in terminal.raw
    assert set(re.findall(rb"\x1b\][0-9]+;", terminal.raw)) <= {b"\x1b]22;"}, "the pointer's shape is ours"
    assert "\u0301" * 4 not in terminal.raw.decode(errors="replace")
    assert terminal.screen.modes["1049"]


def test_control_without_the_gate_hostile_text_reaches_the_terminal(night: Night) -> None:
    terminal = shows_hostile_output(night, UNGUARDED)
    terminal.until(lambda _: terminal.screen.strange)


def test_a_hostile_title_is_shown_as_text(night: Night) -> None:
    title = '"A [@click=app.exit]night[/] of \\e]52;c;ZXZpbA==\\a\\u202e\\u0085 faults"'
    terminal = night.run("lead", str(night.write(PROCEDURE.replace("A night of faults", title))), "--window", "1h")
    terminal.until(lambda text: "NEXT" in text and "waiting for the plan" not in text)
    assert "A [@click=app.exit]night[/] of" in terminal.screen.text
    assert "<U+202E><U+0085> faults" in terminal.screen.text
    assert terminal.screen.strange == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_console_restores_the_terminal_and_the_session_goes_on(
    night: Night, number: signal.Signals
) -> None:
    terminal = night.lead()
    night.begin()
    station = night.station()
    terminal.until(RUNNING)
    terminal.kill(number)
    assert terminal.ended() == 3
    restored(terminal)
    assert b"quarterdeck attach" in terminal.raw
    assert night.station() == station
    assert night.session().steps["long"].state == "running"


def test_control_a_console_that_is_killed_leaves_the_terminal_as_it_is_and_a_new_one_shows_the_command_running(
    night: Night,
) -> None:
    terminal = night.lead()
    night.begin()
    station, child = night.station(), night.child("long")
    terminal.until(RUNNING)
    terminal.kill(signal.SIGKILL)
    assert terminal.ended() == -signal.SIGKILL
    assert terminal.screen.modes["1049"], "nobody could restore it: so the tests of restoring bite"
    second = night.attach()
    second.until(lambda text: RUNNING in text and "begun" in text)
    assert (night.station(), night.child("long")) == (station, child)
    (night.home / "go").touch()
    night.until("long", "done")
    assert night.session().state == "running"


def test_a_dropped_ssh_ends_the_console_and_nothing_else(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until(RUNNING)
    terminal.hang_up()
    terminal.ended(8)
    assert night.session().state == "running"
    assert not gone(night.child("long"))


def test_ctrl_c_ends_no_console(night: Night) -> None:
    terminal = night.lead()
    terminal.send("\x03")
    terminal.until("Ctrl+C does nothing")
    night.begin()
    terminal.until(RUNNING)
    terminal.send("H")
    terminal.until("HALTED")


def test_stopped_by_a_signal_and_back(night: Night) -> None:
    """From another terminal; Ctrl+Z itself needs a shell that controls jobs: `tests/console/test_suspend.py`."""
    terminal = night.lead()
    night.begin()
    terminal.until(RUNNING)
    terminal.kill(signal.SIGTSTP)
    wait_until(lambda: stopped(terminal.pid), what="the console to stop")
    restored(terminal)
    assert night.verb("halt", night.folder.name).returncode == 0
    terminal.kill(signal.SIGCONT)
    terminal.until("HALTED")
    assert terminal.screen.modes["1049"]


def stopped(pid: int) -> bool:
    """Whether the process is stopped by a signal."""
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a file of the kernel
        return file.read().rpartition(b")")[2].split()[0] == b"T"


@pytest.mark.parametrize("seconds", [1.5, pytest.param(60, marks=pytest.mark.soak)])
def test_a_stopped_console_holds_up_nobody(night: Night, seconds: float) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until(RUNNING)
    child = night.child("long")
    terminal.kill(signal.SIGSTOP)
    wait_until(lambda: stopped(terminal.pid))
    time.sleep(seconds)  # the fault itself lasts
    began = time.monotonic()
    night.do(intents.Halt(nonce="while-it-stands"))
    wait_until(lambda: gone(child), 5)
    assert time.monotonic() - began < 1.0
    terminal.kill(signal.SIGCONT)
    assert terminal.until(is_halt_shown) < 5.0


CHATTY = PROCEDURE.replace('while [ ! -e "$0" ]; do sleep 0.05;', 'while [ ! -e "$0" ]; do date +%N; sleep 0.05;')


@pytest.mark.parametrize("seconds", [2.0, pytest.param(60, marks=pytest.mark.soak)])
def test_a_terminal_that_does_not_drain_keeps_no_halt_waiting(night: Night, seconds: float) -> None:
    terminal = night.lead(CHATTY)
    night.begin()
    terminal.until(RUNNING)
    child = night.child("long")
    with terminal.frozen():
        for number in range(40):
            night.do(intents.AddNote(text=f"{number} {'x' * 400}"))
        time.sleep(seconds)  # the fault itself lasts
        began = time.monotonic()
        night.do(intents.Halt(nonce="while-nothing-drains"))
        assert time.monotonic() - began < 1.0
        wait_until(lambda: gone(child), 5)
        assert time.monotonic() - began < 1.0
    terminal.until(is_halt_shown, 10)
    assert terminal.screen.strange == []


def test_a_resize_storm_and_1x1(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until(RUNNING)
    for number in range(60):
        terminal.resize(20 + number * 37 % 180, 5 + number * 17 % 60)
        time.sleep(0.01)  # a storm has its own pace
    for columns, rows in ((1, 1), (2, 1), (1, 40), (300, 2)):
        terminal.resize(columns, rows)
        time.sleep(0.3)  # long enough for a frame of that size
        assert terminal.poll() is None
    terminal.resize(1, 1)
    terminal.send("H")
    wait_until(lambda: night.session().live_halts())
    terminal.resize(120, 36)
    terminal.until(lambda text: "HALTED" in text and "NEXT" in text and "Take long" in text)
    assert terminal.screen.strange == []


def test_a_hung_station_never_paints_a_halt_that_is_not_proven(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until(RUNNING)
    child, station = night.child("long"), night.station()
    os.kill(station, signal.SIGSTOP)
    try:
        began = time.monotonic()
        terminal.send("H")
        terminal.until("HALT sent", 5)
        wait_until(lambda: gone(child), 5)
        assert time.monotonic() - began < 1.5
        terminal.until(lambda text: "unconfirmed" in text.lower(), 8)
        assert "HALTED" not in terminal.screen.text
    finally:
        os.kill(station, signal.SIGCONT)
    terminal.until("HALTED")


def test_kill_9_of_the_station_in_mid_command(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    acknowledged = [event for number in range(10) for event in night.do(intents.AddNote(text=str(number))).events]
    terminal.until(RUNNING)
    station, child = night.station(), night.child("long")
    os.kill(station, signal.SIGKILL)
    assert terminal.until("PAUSED") < 5.0
    assert night.station() not in {0, station}
    session = night.session()
    assert session.state == "paused"
    assert session.steps["long"].state == "running"
    assert night.child("long") == child
    assert not gone(child)
    assert set(acknowledged) <= {event.id for event in night.events()}
    (night.home / "go").touch()
    night.until("long", "done")
    terminal.until(lambda text: "PAUSED" in text and "ended" in text)
    assert sum(event.kind == "step.started" and event.step == "long" for event in night.events()) == 1


def test_kill_9_of_station_and_console_and_a_halt_afterwards(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until(RUNNING)
    child = night.child("long")
    terminal.kill(signal.SIGSTOP)  # so that it starts no station
    os.kill(night.station(), signal.SIGKILL)
    terminal.kill(signal.SIGKILL)
    terminal.ended()
    assert not gone(child)
    said = night.verb("halt", night.folder.name, "--reason", "nobody is there")
    assert said.stdout.startswith("HALTED"), said
    wait_until(lambda: gone(child), 5)
    wait_until(lambda: night.session().state == "halted")
    assert night.session().steps["long"].state == "interrupted"


def test_term_dumb_goes_line_by_line(night: Night) -> None:
    terminal = night.run("lead", str(night.write()), "--window", "1h", env={"TERM": "dumb"})
    terminal.until_raw(b"Type a command")
    terminal.until_raw(b"NEXT:")
    assert b"\x1b" not in terminal.raw
    terminal.send("H\n")
    terminal.until_raw(b"HALT sent")
    wait_until(lambda: night.find() and night.session().live_halts())
    terminal.send("quit\n")
    terminal.ended()
    assert b"\x1b" not in terminal.raw


@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_sends_no_colour(night: Night, no_color: str) -> None:
    terminal = night.lead(env={"NO_COLOR": no_color})
    night.begin()
    terminal.until(RUNNING)
    terminal.send("H")
    terminal.until("HALTED")
    assert (terminal.screen.colours == 0) == bool(no_color), "the control is the same without NO_COLOR"


def test_the_c_locale_gets_ascii_alone(night: Night) -> None:
    terminal = night.lead(env={"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"})
    night.begin()
    terminal.until(RUNNING)
    assert terminal.raw.isascii()


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_a_closed_stream_is_one_line_and_no_traceback(night: Night, closed: str) -> None:
    redirect = {"0": "0<&-", "1": "1>&-", "2": "2>&-"}[closed]
    script = f'exec "$0" -m quarterdeck lead "$1" --window 1h {redirect}'
    argv = ["/bin/sh", "-c", script, sys.executable, str(night.write())]
    terminal = Terminal(argv, night.env)
    night.terminals.append(terminal)
    if closed == "1":  # the console paints on stderr: it works all the same
        terminal.until("Take long")
        terminal.send("Q")
        terminal.ended()
        restored(terminal)
    else:
        assert terminal.ended() == 2
        terminal.drained()
        assert closed == "2" or b"needs a terminal" in terminal.raw
    assert b"Traceback" not in terminal.raw


BROKEN = """
import os
from quarterdeck.console.app import QuarterdeckApp
whole = QuarterdeckApp.snapshot
def breaks(self):
    if os.path.exists(os.environ["QUARTERDECK_HOME"] + "/break"):
        raise RuntimeError("broken on purpose")
    return whole(self)
QuarterdeckApp.snapshot = breaks
"""


def test_an_exception_in_a_handler_restores_the_terminal_and_says_one_line(night: Night) -> None:
    night.open()
    night.begin()
    terminal = night.run("attach", night.folder.name, before=BROKEN)
    terminal.until(RUNNING)
    (night.home / "break").touch()
    assert terminal.ended() == 1
    restored(terminal)
    assert b"Traceback" not in terminal.raw
    assert b"The console stopped on an error of its own" in terminal.raw
    (kept,) = (night.home / "crashes").iterdir()
    assert "broken on purpose" in kept.read_text()
    assert night.session().state == "running"
