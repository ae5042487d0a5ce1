"""Ending a command and everything that it started (R4): SIGINT, SIGTERM, grace, SIGKILL.

Called by `supervise` when a halt, a timeout, a stop or the station's death asks for it. It never waits: `advance`
is called again and again, and says when nothing is left, or nothing that we could still end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from quarterdeck.runner.processes import Entry, descendants, send
from quarterdeck.runner.spec import Spec

__all__ = ["Escalation"]

_POLITE_SHARE, _POLITE_MAX = 0.2, 2.0
_KILL_PATIENCE = 2.0
"""Seconds that a killed process may take to vanish before it is called a survivor."""
_PASS = 0.05
"""Seconds between two looks at the process table."""


class Escalation:
    """The end of one run, in progress. Times are seconds on the monotonic clock."""

    def __init__(self, spec: Spec, group: int, why: str, grace: float, now: float) -> None:
        self.why = why
        """`halt`, `stop`, `timeout` or `crash`."""
        self.left: list[Entry] = []
        """What still ran at the last look; after the end: the survivors."""
        self.helpers: dict[int, subprocess.Popen[bytes]] = {}
        """Our own children that do the ending; the loop reaps them."""
        self.stop_command: subprocess.Popen[bytes] | None = None
        self._spec, self._group = spec, group
        polite = min(_POLITE_MAX, grace * _POLITE_SHARE)
        self._plan = [(now, signal.SIGINT), (now + polite, signal.SIGTERM), (now + polite + grace, signal.SIGKILL)]
        self._give_up = self._plan[-1][0] + _KILL_PATIENCE
        self._next_pass = now

    def run_stop_command(self, output: int) -> str:
        """Start what ends it on the far side; returns why it could not be started, or an empty text."""
        if not self._spec.stop:
            return ""
        try:
            self.stop_command = subprocess.Popen(
                self._spec.stop,
                cwd=self._spec.cwd,
                env={**self._spec.env, "QUARTERDECK_STOP": self._spec.run},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return str(error)
        self.helpers[self.stop_command.pid] = self.stop_command
        return ""

    def hasten(self, grace: float, now: float) -> None:
        """A second, more urgent wish: never later than planned, at most `grace` seconds from now."""
        latest = now + grace
        self._plan = [(min(due, latest if number == signal.SIGKILL else now), number) for due, number in self._plan]
        self._give_up = min(self._give_up, latest + _KILL_PATIENCE)

    def advance(self, now: float) -> bool:
        """Send what is due. True when it is over."""
        if now < self._next_pass:
            return False
        self._next_pass = now + _PASS
        self.left = descendants(self._spec.run, root=os.getpid(), group=self._group, spare=self.helpers.keys())
        if not any(entry.group == self._group for entry in self.left):
            self._group = 0  # an empty group's number may be given to somebody else
        stopping = self.stop_command is not None and self.stop_command.returncode is None
        if not self.left:
            if not stopping or now >= self._give_up:
                self._end_helpers()
                return True
            return False
        if now >= self._give_up:
            self._end_helpers()
            return True
        while self._plan and self._plan[0][0] <= now:
            self._signal(self._plan.pop(0)[1])
        if not self._plan:
            self._signal(signal.SIGKILL)  # again at each look: a fork may have slipped through
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self._group:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, number)  # reaches what was forked since the look
        refused = []
        for entry in self.left:
            in_group = entry.group == self._group
            if not send(entry.pid, 0 if in_group else number):
                refused.append(entry.pid)
            elif number == signal.SIGTERM and entry.state == "T":
                send(entry.pid, signal.SIGCONT)  # a stopped process would not hear it
        if refused and self._spec.become:
            self._signal_through_sudo(refused, number)

    def _signal_through_sudo(self, pids: list[int], number: signal.Signals) -> None:
        asked = ["sudo", "-n", "kill", f"-{int(number)}", *map(str, pids)]
        with contextlib.suppress(OSError):  # no sudo: they are reported as survivors
            helper = subprocess.Popen(
                asked,
                env=self._spec.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self.helpers[helper.pid] = helper

    def _end_helpers(self) -> None:
        for helper in self.helpers.values():
            if helper.returncode is None:
                send(helper.pid, signal.SIGKILL)
