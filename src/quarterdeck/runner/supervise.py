"""The shim's loop: start the command, keep its output, watch halts, stop and timeout, report.

It never touches the network, the logbook or the station; it goes on when the station dies, and ends a command by
itself when a halt file appears, so that a halt works with a hung station (R2). After the report it stays as a
drain for left-over background processes that still write, so that they are not killed by a closed pipe.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from quarterdeck.host import boot_clock_ns, boot_id, identity_of, own_identity, same_process
from quarterdeck.regular_files import read_regular
from quarterdeck.runner.escalation import Escalation
from quarterdeck.runner.files import OUTPUT, RUNNER, STOP, TAG, write_atomic
from quarterdeck.runner.processes import Entry, become_subreaper, descendants, describe, topmost
from quarterdeck.runner.spec import ResultFile, Spec, claim
from quarterdeck.runner.spool import SpoolWriter

__all__ = ["Runner", "halts_in", "main"]

LOOK = 0.2
"""Seconds between two looks at halts, stop file and station (R2)."""
PIPE = 1024 * 1024
WRITE_TRIES = 10
"""How often a report is tried on a failing disk, a second apart."""
SETTLE = 0.2
"""Seconds that the last children of an ended command may take to end too."""


def main(arguments: list[str]) -> int:
    """Run one spec; 0 when a result was written, 3 when the order was taken or revoked by another."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m quarterdeck.runner SPEC.json\n")
        return 2
    os.umask(0o077)
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setsid()
    path = Path(arguments[0]).absolute()
    try:
        spec = claim(path)
    except FileNotFoundError:
        return 3
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 2
    Runner(spec, path.parent).run()
    return 0


def halts_in(folder: str) -> set[str]:
    """Names of the halt files; OSError where the folder cannot be read. Hidden names are files being made."""
    return {file.name for file in Path(folder).iterdir() if not file.name.startswith(".")} if folder else set()


class Runner:
    """One run of one command."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self._spec, self._folder = spec, folder
        self._child: subprocess.Popen[bytes] | None = None
        self._status: int | None = None
        self._ending: Escalation | None = None
        self._left_behind: list[Entry] = []
        self._halts: set[str] = set()
        self._stop_asked = False
        self._stop_read = False
        self._open = True
        self._stop_trouble = ""
        self._next_look = 0.0
        self._ended: tuple[float, float, int] | None = None
        """When the command itself ended: monotonic, wall, boot clock."""

    # -- life ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """From the order to the report, and on as a drain while somebody holds the pipe."""
        self._listen()
        become_subreaper()
        self._began = _now()
        self._result = ResultFile(self._folder)
        self._spool = SpoolWriter(self._folder / OUTPUT, head=self._spec.head, ring=self._spec.ring)
        self._announce()  # only now: without this file nothing was ever executed
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self._read_end, fcntl.F_SETPIPE_SZ, PIPE)
        self._selector.register(self._read_end, selectors.EVENT_READ)
        outcome, message = self._refusal() or self._start()
        if not outcome:
            with contextlib.suppress(OSError):  # our own pid, written before, is enough to find us
                self._announce()
            self._watch()
            outcome = self._outcome()
        os.close(self._write_end)
        self._drain(PIPE)
        self._report(outcome, message)
        self._linger()

    def _listen(self) -> None:
        """Signals become bytes on a pipe. Handlers, never SIG_IGN: what is ignored would be inherited."""
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        self._selector = selectors.DefaultSelector()
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop_signal)

    def _on_stop_signal(self, *_: object) -> None:
        self._stop_asked = True

    def _announce(self) -> None:
        child = identity_of(self._child.pid) if self._child else None
        pid = self._child.pid if self._child else 0
        me = own_identity()
        said = {
            "run": self._spec.run,
            "step": self._spec.step,
            "boot": boot_id(),
            "runner": {"pid": me.pid, "start": me.start},
            "child": {"pid": pid, "start": child.start if child else 0} if pid else None,
            "started_wall": self._began[1],
        }
        write_atomic(self._folder / RUNNER, json.dumps(said).encode(), durable=False)

    # -- start ---------------------------------------------------------------------------------------------------

    def _refusal(self) -> tuple[str, str] | None:
        try:
            self._halts = halts_in(self._spec.halts) - set(self._spec.answered)
        except OSError as error:
            return "refused", f"the folder of halts cannot be read ({error.strerror}), so nothing is started"
        if self._halts:
            return "refused", "a halt is live"
        if self._stop_asked or (self._folder / STOP).exists():
            return "refused", "it was stopped before it began"
        return None

    def _start(self) -> tuple[str, str]:
        spec = self._spec
        try:
            self._child = subprocess.Popen(
                spec.argv,
                cwd=spec.cwd,
                env={**spec.env, TAG: spec.run},
                stdin=subprocess.DEVNULL,
                stdout=self._write_end,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return _why_not_started(spec, error)
        return "", ""

    # -- watching ------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            self._wait(0.05 if self._ending else LOOK)
            self._reap()
            now = time.monotonic()
            if self._ending is None and self._status is not None:
                self._settle()
                return
            self._look(now)
            if self._ending is not None and self._ending.advance(now):
                self._reap()
                return

    def _wait(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.fd == self._wake:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
            else:
                self._read()

    def _read(self) -> int:
        """Move what the pipe holds to the spool; 0 when there is nothing (any more)."""
        if not self._open:
            return 0
        try:
            chunk = os.read(self._read_end, PIPE)
        except BlockingIOError:
            return 0
        if not chunk:
            self._open = False
            self._selector.unregister(self._read_end)
            return 0
        self._spool.write(chunk)
        return len(chunk)

    def _drain(self, most: int) -> None:
        """What was in the pipe at the end; `most`, because a left-over process may write for ever."""
        while most > 0 and (count := self._read()):
            most -= count

    def _reap(self) -> None:
        """Take every child that has ended: the command, our helpers, and orphans that came to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            helper = self._ending.helpers.get(pid) if self._ending else None
            if self._child is not None and pid == self._child.pid:
                self._status = status
                self._ended = _now()
                self._child.returncode = os.waitstatus_to_exitcode(status)
            elif helper is not None:
                helper.returncode = os.waitstatus_to_exitcode(status)

    def _look(self, now: float) -> None:
        """Halts, stop, timeout and the station's life; each may begin the end."""
        if now < self._next_look and not (self._stop_asked and not self._ending):
            return
        self._next_look = now + LOOK
        with contextlib.suppress(OSError):  # a lost folder says nothing, and the command goes on
            self._halts |= halts_in(self._spec.halts) - set(self._spec.answered)
        spec = self._spec
        if not self._stop_read and (self._folder / STOP).exists():
            self._stop_read = True
            grace = self._grace_asked()
            if self._ending is not None:
                self._ending.hasten(grace, now)
                return
            self._end("stop", grace, now)
        elif self._ending is not None:
            return
        elif self._stop_asked:
            self._end("stop", spec.grace, now)
        elif self._halts and spec.on_halt == "terminate":
            self._end("halt", spec.grace, now)
        elif spec.timeout and now - self._began[0] >= spec.timeout:
            self._end("timeout", spec.grace, now)
        elif spec.on_crash == "kill" and not same_process(spec.station_pid, spec.station_start):
            self._end("crash", spec.grace, now)

    def _grace_asked(self) -> float:
        try:
            return max(0.0, float(read_regular(self._folder / STOP)))
        except (OSError, ValueError):
            return self._spec.grace

    def _end(self, why: str, grace: float, now: float) -> None:
        assert self._child is not None
        self._ending = Escalation(self._spec, self._child.pid, why, grace, now)
        self._stop_trouble = self._ending.run_stop_command(self._write_end)

    def _settle(self) -> None:
        """The command ended by itself: what is still there after a moment was left behind on purpose."""
        assert self._child is not None
        until = time.monotonic() + SETTLE
        while True:
            self._left_behind = descendants(self._spec.run, root=os.getpid(), group=self._child.pid)
            rest = until - time.monotonic()
            if not self._left_behind or rest <= 0:
                return
            self._wait(min(rest, 0.02))
            self._reap()

    # -- report --------------------------------------------------------------------------------------------------

    def _outcome(self) -> str:
        if self._ending is not None:
            return "timeout" if self._ending.why == "timeout" else "terminated"
        assert self._status is not None
        return "signalled" if os.WIFSIGNALED(self._status) else "exited"

    def _report(self, outcome: str, message: str) -> None:
        self._spool.close()
        ended = self._ended if self._ended and not self._ending else _now()
        ending, status = self._ending, self._status
        report: dict[str, Any] = {
            "run": self._spec.run,
            "step": self._spec.step,
            "outcome": outcome,
            "message": message,
            "exit_code": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            "ended_by": ending.why if ending else "",
            "halts": sorted(self._halts)[:20],
            "seconds": round(ended[0] - self._began[0], 6),
            "started_wall": self._began[1],
            "ended_wall": ended[1],
            "started_boot_ns": self._began[2],
            "ended_boot_ns": ended[2],
            "survivors": describe(ending.left) if ending else [],
            "left_behind": describe(topmost(self._left_behind)),
            "output_total": self._spool.total,
            "output_cut": self._spool.cut,
            "output_error": self._spool.error,
            "stop_command": self._stop_report(),
        }
        self._write(report)

    def _write(self, report: dict[str, Any]) -> None:
        for _ in range(WRITE_TRIES - 1):
            try:
                self._result.write(report)
            except FileNotFoundError:  # the whole folder is gone: there is nowhere to report to
                raise
            except OSError:
                time.sleep(1)
            else:
                return
        self._result.write(report)

    def _stop_report(self) -> dict[str, Any] | None:
        if self._ending is None or not self._spec.stop:
            return None
        command = self._ending.stop_command
        return {"exit_code": command.returncode if command else None, "message": self._stop_trouble}

    def _linger(self) -> None:
        while self._open and not self._stop_asked:
            for key, _ in self._selector.select():
                descriptor = self._wake if key.fd == self._wake else self._read_end
                try:
                    if not os.read(descriptor, PIPE):
                        return
                except BlockingIOError:
                    continue
            self._reap()


def _now() -> tuple[float, float, int]:
    return time.monotonic(), time.time(), boot_clock_ns()


def _why_not_started(spec: Spec, error: OSError | ValueError) -> tuple[str, str]:
    """Outcome and words for a command that could not be executed."""
    name = spec.argv[0]
    if isinstance(error, OSError) and error.filename == spec.cwd and name != spec.cwd:
        return "failed_to_start", f"the working folder {spec.cwd} cannot be entered: {error.strerror}"
    if isinstance(error, FileNotFoundError):
        if Path(name).exists():
            return "not_found", f"{name} is there, but the interpreter that its first line names is not"
        return "not_found", f"{name} was not found" + ("" if "/" in name else " in PATH")
    if isinstance(error, PermissionError):
        return "not_executable", f"{name} may not be executed: {error.strerror}"
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return "not_executable", f"{name} is no program, nor a script that names its interpreter"
    return "failed_to_start", f"{name} could not be started: {error}"
