"""The console on a real terminal, over a real station: first frame, halt, a terminal that goes away."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ptyscreen import Screen

from quarterdeck.logbook.lock import is_held

PROCEDURE = """
quarterdeck: 1
id: pty
title: Night on a terminal
revision: 1
roles: {lead: {title: Lead, required: true, backup: dba}, dba: {title: DBA, required: true, backup: lead}}
targets: {here: {type: local}}
guards: [{id: hot, title: Hot, when: "here.cpu > 99.9%", for: 10m, action: warn}]
stages:
  - id: one
    title: One
    owner: lead
    steps:
      - {id: look, title: "Look \\x1b]0;evil\\x07 around", kind: manual, duration: 2m, mutates: false}
      - id: long
        title: Work for long
        kind: command
        duration: 1m
        command: [sleep, "60"]
        on_halt: {action: terminate, grace: 1s}
        undo: [{id: back, title: Undo it, kind: command, duration: 1s, command: ["true"], idempotent: true}]
"""
PATIENCE = 45.0
SHOWN = b"\x1b[?1049h"
RESTORED = b"\x1b[?1049l"


class Terminal:
    """A program on a pseudo-terminal of 120x36, and all that it wrote."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.bytes = b""
        self.screen = Screen(120, 36)
        self.mark = 0
        self.pressed: dict[str, float] = {}
        self.code: int | None = None

    def read(self, seconds: float) -> bool:
        """Read what comes within a time; False once nothing more can come."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            found = os.read(self.fd, 65536)
        except OSError:
            return False
        self.bytes += found
        self.screen.feed(found)
        return bool(found)

    def expect(self, text: str) -> None:
        """Wait until this stands in what was written since the last key."""
        end = time.monotonic() + PATIENCE
        wanted = text.encode()
        while wanted not in self.bytes[self.mark :]:
            assert time.monotonic() < end, f"{text!r} never came; the screen:\n{self.screen.text}"
            assert self.read(0.1), f"it ended before {text!r}: {self.bytes[-1500:]!r}"

    def shows(self, text: str) -> None:
        """Wait until this stands on the screen."""
        end = time.monotonic() + PATIENCE
        while text not in self.screen.text:
            assert time.monotonic() < end, f"{text!r} never showed:\n{self.screen.text}"
            assert self.read(0.1), f"it ended before {text!r}:\n{self.screen.text}"

    def press(self, keys: str) -> None:
        """Press, later than half a second after the same keys: the console takes no doubles."""
        time.sleep(max(0.0, self.pressed.get(keys, 0.0) + 0.6 - time.monotonic()))
        self.pressed[keys] = time.monotonic()
        self.mark = len(self.bytes)
        os.write(self.fd, keys.encode())

    def ends(self) -> int:
        """Wait for the program's end; its exit code, or minus the signal."""
        end = time.monotonic() + PATIENCE
        while self.code is None:
            assert time.monotonic() < end, f"it never ended: {self.bytes[-1500:]!r}"
            self.read(0.05)
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.code = os.waitstatus_to_exitcode(status)
        while self.read(0.1) and select.select([self.fd], [], [], 0.1)[0]:
            pass
        return self.code

    def close(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class Home:
    """A state folder of its own, with the way to call the program there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = Path(tempfile.mkdtemp(prefix="qd-"))  # a socket's path is short, pytest's folders are not
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "QUARTERDECK_HOME": str(folder / "state"),
            "QUARTERDECK_CONFIG": str(folder / "config"),
            "XDG_RUNTIME_DIR": str(self.sockets),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        self.procedure = folder / "pty.yaml"
        self.procedure.write_text(PROCEDURE)
        self.terminals: list[Terminal] = []

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "quarterdeck", *words]

    def terminal(self, *words: str) -> Terminal:
        found = Terminal(self.argv(*words), self.environment)
        self.terminals.append(found)
        return found

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def led(self) -> Terminal:
        """A console that leads, with its first step under way."""
        found = self.terminal("lead", str(self.procedure))
        found.expect(" starts the session")
        found.press("S")
        found.expect("planned work")
        found.press("\r")
        found.expect("STARTED")
        found.shows("P pause")  # the bar is gone, too: it stays until its answer has come, behind the event
        found.press("S")
        found.expect("started on")
        return found

    def station(self) -> int | None:
        """The station's pid."""
        locks = (self.folder / "state" / "sessions").glob("*/lock")
        return next((int(lock.read_text()) for lock in locks if is_held(lock)), None)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    found = Home(tmp_path)
    yield found
    for terminal in found.terminals:
        terminal.close()
    pid = found.station()
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(found.sockets, ignore_errors=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the station in /proc")
class TestOnATerminal:
    def test_the_first_frame_shows_the_session_and_no_control_text_of_the_procedure(self, home: Home) -> None:
        terminal = home.terminal("lead", str(home.procedure))
        terminal.expect("Night on a terminal")
        terminal.expect(" starts the session")
        assert SHOWN in terminal.bytes
        assert b"\x1b]0;evil" not in terminal.bytes
        terminal.press("Q")
        assert terminal.ends() == 3
        assert terminal.bytes.count(RESTORED) >= 1

    def test_lead_and_attach_say_the_terminals_name(self, home: Home) -> None:
        leading = home.led()
        attached = home.terminal("attach")
        attached.expect(" says done")
        attached.press("P")
        attached.expect("PAUSED")
        (record,) = (home.folder / "state" / "recorder").glob("*-????.jsonl")
        lines = record.read_text().splitlines()
        started, paused = (
            next(json.loads(line)["event"]["actor"] for line in lines if f'"kind":"{kind}"' in line)
            for kind in ("session.started", "session.paused")
        )
        assert started["tty"] == str(Path(f"/proc/{leading.pid}/fd/0").readlink())
        assert paused["tty"] == str(Path(f"/proc/{attached.pid}/fd/0").readlink())

    def test_h_halts_and_stops_the_running_command(self, home: Home) -> None:
        terminal = home.led()
        terminal.press("D")
        terminal.shows("starts 2 Work for long")
        terminal.press("S")
        terminal.expect("takes")
        terminal.press("\r")
        terminal.shows("2 Work for long · started")
        began = time.monotonic()
        terminal.press("H")
        terminal.expect("HALT")
        assert time.monotonic() - began < 5
        terminal.expect("HALTED")

    def test_sighup_restores_the_terminal_and_the_session_goes_on(self, home: Home) -> None:
        terminal = home.led()
        os.kill(terminal.pid, signal.SIGHUP)
        assert terminal.ends() == 3
        assert RESTORED in terminal.bytes
        assert b"quarterdeck attach" in terminal.bytes.rpartition(RESTORED)[2]
        back = home.terminal("attach")
        back.expect("Night on a terminal")
        back.expect(" says done")

    def test_sigterm_restores_the_terminal(self, home: Home) -> None:
        terminal = home.led()
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.ends() == 3
        assert RESTORED in terminal.bytes

    def test_a_terminal_that_vanishes_ends_the_console_and_not_the_session(self, home: Home) -> None:
        terminal = home.led()
        os.close(terminal.fd)
        terminal.fd = os.open(os.devnull, os.O_RDONLY)
        end = time.monotonic() + PATIENCE
        found = 0
        while not found and time.monotonic() < end:
            found, status = os.waitpid(terminal.pid, os.WNOHANG)
            time.sleep(0.05)
        assert found, "the console still runs without a terminal"
        terminal.code = os.waitstatus_to_exitcode(status)
        assert "running" in home.run("status").stdout

    def test_a_terminal_without_a_sighup_that_vanishes_ends_the_console_too(self, home: Home) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        process = subprocess.Popen(
            home.argv("lead", str(home.procedure)), env=home.environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        seen = b""
        end = time.monotonic() + PATIENCE
        while b" starts the session" not in seen and time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 65536)
        os.close(ours)
        assert process.wait(timeout=PATIENCE) == 3

    def test_kill_9_of_the_console_leaves_the_session_alone(self, home: Home) -> None:
        terminal = home.led()
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.ends() == -signal.SIGKILL
        back = home.terminal("attach")
        back.expect(" says done")

    def test_kill_9_of_the_station_pauses_the_session_and_the_console_comes_back_by_itself(self, home: Home) -> None:
        terminal = home.led()
        pid = home.station()
        assert pid is not None
        terminal.press("")
        os.kill(pid, signal.SIGKILL)
        terminal.expect("PAUSED")
        assert home.station() not in {None, pid}

    def test_no_color_means_no_colour_at_all(self, home: Home) -> None:
        home.environment["NO_COLOR"] = "1"
        terminal = home.terminal("lead", str(home.procedure))
        terminal.expect(" starts the session")
        assert b"\x1b[38;" not in terminal.bytes
        assert b";38;2;" not in terminal.bytes
        assert b"48;2;" not in terminal.bytes

    def test_a_broken_procedure_is_told_after_the_terminal_is_restored(self, home: Home) -> None:
        home.procedure.write_text(PROCEDURE.replace("duration: 2m", "duratoin: 2m"))
        terminal = home.terminal("lead", str(home.procedure))
        assert terminal.ends() == 1
        after = terminal.bytes.rpartition(RESTORED)[2]
        assert b"did you mean" in after
        assert b"Traceback" not in terminal.bytes

    def test_plain_mode_goes_line_by_line(self, home: Home) -> None:
        terminal = home.terminal("lead", str(home.procedure), "--plain")
        terminal.expect("NEXT: all is ready")
        terminal.press("start\n\n")
        terminal.expect("STARTED")
        terminal.press("start\n")
        terminal.expect("started on")
        terminal.press("halt\n")
        terminal.expect("HALT by")
        assert SHOWN not in terminal.bytes
        terminal.press("leave\nd\n")
        assert terminal.ends() == 3

    def test_without_a_terminal_it_says_what_to_do(self, home: Home) -> None:
        done = home.run("attach", "x")
        assert done.returncode == 2
        done = home.run("lead", str(home.procedure))
        assert done.returncode == 2
        assert "--plain" in done.stderr
