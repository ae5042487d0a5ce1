"""What the tests of faults share: a state folder with its real processes, a procedure, consoles on real terminals.

Every process is a real one. `Night.end` kills what is left, and says what should not have been left.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ptyterminal import Terminal

from quarterdeck.logbook.lock import is_held
from quarterdeck.session import intents
from quarterdeck.session.event import Event
from quarterdeck.session.fold import fold
from quarterdeck.session.state import Session
from quarterdeck.station.sessions import open_session, read_window
from quarterdeck.station.wire.blocking_client import ask_once, history_of
from quarterdeck.station.wire.protocol import Answered

__all__ = ["PROCEDURE", "Night", "gone", "injected", "wait_until"]

PROCEDURE = """
quarterdeck: 1
id: faults
title: A night of faults
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
stages:
  - id: work
    title: Work
    steps:
      - id: hello
        title: Say hello
        kind: command
        duration: 10s
        command: [sh, -c, "echo hello 42"]
        mutates: false
      - id: long
        title: Take long
        kind: command
        duration: 60s
        command:
          - sh
          - -c
          - 'echo begun; while [ ! -e "$0" ]; do sleep 0.05; done; echo ended'
          - ${quarterdeck.home}/go
        on_halt: terminate
        undo:
          - {id: undo-long, title: Undo it, kind: command, duration: 5s, command: ["true"], idempotent: true}
      - id: look
        title: Look
        kind: manual
        duration: 5s
        mutates: false
"""


def wait_until(holds: Callable[[], Any], seconds: float = 45.0, what: str = "it") -> float:
    """Wait for what another process does, where nothing can tell us; seconds that it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            pytest.fail(f"waited in vain for {what}")
        time.sleep(0.005)
    return time.monotonic() - began


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except OSError:
        return True


@contextlib.contextmanager
def injected(pid: int, *words: str) -> Iterator[None]:
    """Let system calls of a living process fail or wait, by strace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), *words], stderr=subprocess.PIPE)
    tasks = Path(f"/proc/{pid}/task")
    traced = f"TracerPid:\t{log.pid}"
    try:
        wait_until(
            lambda: (
                log.poll() is not None or all(traced in (task / "status").read_text() for task in tasks.iterdir())
            ),
            what="strace",
        )
        if log.poll() is not None:
            pytest.skip("strace may not trace here")
        yield
    finally:
        log.send_signal(signal.SIGINT)
        log.communicate(timeout=10)


class Night:
    """One home, its sessions, the terminals on them."""

    def __init__(self, home: Path, runtime: Path, scratch: Path) -> None:
        self.home, self.runtime, self.scratch = home, runtime, scratch
        self.folder = Path()
        """The session's."""
        self.terminals: list[Terminal] = []
        self.may_be_left: set[int] = set()
        """Processes whose being there at the end is no fault."""
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "QUARTERDECK_HOME": str(home),
            "QUARTERDECK_LINGER": "30",
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(scratch / "config"),
        }
        if "PYTHONPATH" in os.environ:
            self.env["PYTHONPATH"] = os.environ["PYTHONPATH"]

    # -- sessions --------------------------------------------------------------------------------------------------

    def write(self, text: str = PROCEDURE) -> Path:
        """A procedure's file."""
        path = self.scratch / "procedure.yaml"
        path.write_text(text)
        return path

    def open(self, text: str = PROCEDURE) -> Path:
        """A session without any console."""
        self.folder = open_session(self.write(text), home=self.home, window=read_window("1h"))
        return self.folder

    def lead(self, text: str = PROCEDURE, *words: str, **options: Any) -> Terminal:
        """`quarterdeck lead` on a terminal, until its first frame shows the procedure."""
        terminal = self.run("lead", str(self.write(text)), "--window", "1h", *words, **options)
        terminal.until(lambda text: "NEXT" in text and "waiting for the plan" not in text)
        self.find()
        return terminal

    def attach(self, **options: Any) -> Terminal:
        """`quarterdeck attach` on a terminal, until it shows the session."""
        terminal = self.run("attach", self.folder.name, **options)
        terminal.until(lambda text: "NEXT" in text and "waiting for the plan" not in text)
        return terminal

    def run(self, *words: str, env: dict[str, str] | None = None, before: str = "", **options: Any) -> Terminal:
        """A verb on a terminal; `before` is Python that is run first in its process, to break something in it."""
        argv = [sys.executable, "-m", "quarterdeck", *words]
        if before:
            argv[1:3] = [
                "-c",
                f"{before}\nimport sys\nfrom quarterdeck.cli import main\nsys.exit(main(sys.argv[1:]))",
            ]
        terminal = Terminal(argv, {**self.env, **(env or {})}, **options)
        self.terminals.append(terminal)
        return terminal

    def verb(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """A verb without a terminal."""
        argv = [sys.executable, "-m", "quarterdeck", *words]
        return subprocess.run(argv, env=self.env, capture_output=True, text=True, check=False, timeout=30, **options)

    def start_station(self, before: str = "", **env: str) -> int:
        """A station in the background, with something broken in it before it begins; its pid."""
        argv = [sys.executable, *broken(before, "quarterdeck.station.__main__"), "--session", str(self.folder)]
        done = subprocess.run(argv, env={**self.env, **env}, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
        return self.station()

    def kill_station(self) -> None:
        """End it at once, and wait until it is gone."""
        pid = self.station()
        _kill(pid)
        wait_until(lambda: gone(pid), what="the station's end")

    def find(self) -> Path:
        """The only session of this home."""
        (self.folder,) = (self.home / "sessions").glob("*")
        return self.folder

    # -- the session -----------------------------------------------------------------------------------------------

    def do(self, intent: intents.Intent) -> Answered:
        """Ask what must not be refused."""
        answered = ask_once(self.folder, intent)
        assert not answered.refusal, f"{intent}: {answered.refusal}"
        return answered

    def begin(self) -> None:
        """Run until the long command is at work."""
        self.do(intents.StartSession())
        self.do(intents.StartStep(step="hello"))
        self.until("hello", "done")
        self.start("long")

    def start(self, step: str) -> None:
        """Start a command; it has a child when this returns."""
        self.do(intents.StartStep(step=step))
        wait_until(lambda: self.child(step), what=f"the child of {step}")

    def events(self) -> list[Event]:
        """What the station holds."""
        return history_of(self.folder, timeout=10.0).events

    def session(self) -> Session:
        """The state, folded here."""
        return fold(self.events())

    def until(self, step: str, state: str, seconds: float = 45.0) -> None:
        """Wait for a step's state."""
        wait_until(lambda: self.session().steps[step].state == state, seconds, f"{step} to be {state}")

    def run_of(self, step: str) -> str:
        """The id of a step's latest run."""
        runs = self.session().steps[step].runs
        return runs[-1].id if runs else ""

    def note(self, step: str) -> dict[str, Any]:
        """What the runner of a step wrote of itself; empty where it has not yet."""
        path = self.folder / "spool" / self.run_of(step) / "runner.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def child(self, step: str) -> int:
        """The process of a step's command; 0 where it is not known yet."""
        return int((self.note(step).get("child") or {}).get("pid") or 0)

    def station(self) -> int:
        """The process that owns the session; 0 where none does."""
        if not self.folder.name or not is_held(self.folder / "lock"):
            return 0
        return int((self.folder / "lock").read_text().strip() or 0)

    # -- the end ---------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Leave nothing behind; fail where something is there that should not be."""
        for terminal in self.terminals:
            terminal.close()
        for pid in self.stations():
            _kill(pid)
        wait_until(lambda: not self.stations(), what="the stations' end")
        self.end_commands()
        with contextlib.suppress(pytest.fail.Exception):
            wait_until(lambda: not self._left(), 6.0)
        left = self._left()
        for pid, _ in left:
            _kill(pid)
        if left:
            pytest.fail(f"left behind: {left}")

    def end_commands(self) -> None:
        """Kill every runner and what it runs: the machine's end, for them."""
        for pid in self.commands():
            _kill(pid)

    def _left(self) -> list[tuple[int, str]]:
        return [(pid, words) for pid, words in self._ours() if pid not in self.may_be_left]

    def stations(self) -> list[int]:
        """Stations of this home."""
        return [
            pid
            for pid, words in self._ours()
            if "quarterdeck.station" in words and ("--session" in words or "--open" in words)
        ]

    def named(self, words: str) -> list[int]:
        """Processes of this home with these words, such as a module's name, in their command line."""
        return [pid for pid, line in self._ours() if words in line]

    def commands(self) -> list[int]:
        """Runners and what they run; they are meant to outlive their station."""
        found = [pid for pid, words in self._ours() if "quarterdeck.runner" in words]
        marks = [f"QUARTERDECK_RUN={run.name}".encode() for run in self.home.glob("sessions/*/spool/*")]
        for pid in processes():
            with contextlib.suppress(OSError):
                environment = (Path("/proc") / str(pid) / "environ").read_bytes()
                if any(mark in environment for mark in marks):
                    found.append(pid)
        return found

    def _ours(self) -> Iterator[tuple[int, str]]:
        """Processes that name this home."""
        marks = [os.fsencode(self.home), os.fsencode(self.runtime)]
        for pid in processes():
            if pid == os.getpid() or gone(pid):
                continue
            with contextlib.suppress(OSError):
                words = (Path("/proc") / str(pid) / "cmdline").read_bytes()
                environment = (Path("/proc") / str(pid) / "environ").read_bytes()
                if any(mark in words or mark in environment for mark in marks):
                    yield pid, words.replace(b"\0", b" ").decode(errors="replace")


def broken(before: str, module: str) -> list[str]:
    """Python's arguments to run a module's `main` after some code that breaks something in its process."""
    if not before:
        return ["-m", module.removesuffix(".cli").removesuffix(".__main__")]
    return ["-c", f"{before}\nimport sys\nfrom {module} import main\nsys.exit(main(sys.argv[1:]))"]


def processes() -> list[int]:
    """Every process of this machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
