"""Ending a command and everything that it started (R4), so that no further line of it runs.

A signal to the whole group would not do: bash takes an interrupt as handled when its command catches it and exits in
the ordinary way, and goes on with the next line. So the tree is frozen first. Frozen, the leaves are asked to end
(SIGINT, which a client such as psql passes on to its server) and thawed; whatever has children is sent SIGTERM, and
thawed only when its children have ended. A shell that would survive that is killed then. Near the end of the grace
everything is asked once more and thawed; after it SIGKILL goes to all, parents first.

`TreeEnd` ends any tree of processes; `Escalation` is the end of a runner's command, with its `stop` argv and sudo.
Neither ever waits: `advance` is called again and again, and says when nothing is left, or nothing that we could still
end.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Collection, Iterable
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals

from quarterdeck.runner.processes import Entry, descendants, is_shell, send, shrugs_off
from quarterdeck.runner.spec import Spec

__all__ = ["Escalation", "TreeEnd"]

_THAW_SHARE = 0.8
"""Share of the grace after which everything is asked once more and thawed."""
_FREEZE_PATIENCE = 1.0
"""Seconds in which the tree should stand still; a process in uninterruptible sleep may not."""
_KILL_PATIENCE = 2.0
"""Seconds that a killed process may take to vanish before it is called a survivor."""
_PASS = 0.05
"""Seconds between two looks at the process table."""
_SOON = 0.005
"""Seconds between two looks while the tree is being frozen."""
_LOOKS = 100
"""Looks at a tree that goes on forking before it is taken as frozen."""


class TreeEnd:
    """The end of the processes of `run`, in progress. Times are seconds on the monotonic clock."""

    def __init__(self, run: str, grace: float, now: float, *, root: int = 0, group: int = 0, cleanup: bool = False):
        """`root`, `group`: see `descendants`. `cleanup`: shells may run their traps, and whatever follows them."""
        self.left: list[Entry] = []
        """What still ran at the last look; after the end: the survivors."""
        self._run, self._root, self._group, self._cleanup = run, root, group, cleanup
        self._frozen_by = now + _FREEZE_PATIENCE
        self._thaw_at = now + grace * _THAW_SHARE
        self._kill_at = now + grace
        self._next_pass = now
        self._stopped: set[int] = set()
        """Sent SIGSTOP by us."""
        self._held: set[int] = set()
        """Told to end, and frozen until their children have."""
        self._asked = self._asked_again = False

    def hasten(self, grace: float, now: float) -> None:
        """A second, more urgent wish: never later than planned, at most `grace` seconds from now."""
        self._kill_at = min(self._kill_at, now + grace)
        self._thaw_at = min(self._thaw_at, now + grace * _THAW_SHARE)

    @property
    def over_by(self) -> float:
        """When it is given up."""
        return self._kill_at + _KILL_PATIENCE

    def spared(self) -> Collection[int]:
        """Pids of ours that are no part of the tree."""
        return ()

    def advance(self, now: float) -> bool:
        """Do what is due. True when it is over."""
        if now < self._next_pass:
            return False
        self._next_pass = now + _PASS
        self._look()
        if not self.left or now >= self.over_by:
            return True
        if now >= self._kill_at:
            self._kill()
        elif not self._asked:
            if self._freeze() or now >= self._frozen_by:
                self._ask()
            else:
                self._next_pass = now + _SOON
        else:
            self._thaw(now)
        return False

    def signal(self, pids: Iterable[int], number: Signals) -> None:
        """Send a signal to each of `pids`."""
        for pid in pids:
            send(pid, number)

    def _look(self) -> None:
        self.left = descendants(self._run, root=self._root, group=self._group, spare=self.spared())
        if not any(entry.group == self._group for entry in self.left):
            self._group = 0  # an empty group's number may be given to somebody else

    def _parents(self) -> set[int]:
        return {entry.parent for entry in self.left}

    def _freeze(self) -> bool:
        """Stop all, look for who was born meanwhile, until nobody is; whether all of it stands still."""
        for _ in range(_LOOKS):
            fresh = [entry.pid for entry in self.left if entry.pid not in self._stopped]
            if not fresh:
                break
            self.signal(fresh, SIGSTOP)
            self._stopped.update(fresh)
            self._look()
        return all(entry.state in "Tt" for entry in self.left)

    def _ask(self) -> None:
        """Tell each to end; thaw the leaves."""
        self._asked = True
        parents = self._parents()
        self._held = {entry.pid for entry in self.left if entry.pid in parents or is_shell(entry.pid)}
        leaves = [entry.pid for entry in self.left if entry.pid not in self._held]
        deaf = [pid for pid in leaves if shrugs_off(pid, SIGINT, ignored_only=True)]
        self.signal(self._held, SIGTERM)
        self.signal(deaf, SIGTERM)
        self.signal(set(leaves).difference(deaf), SIGINT)
        self.signal(leaves, SIGCONT)
        self._release()

    def _release(self) -> None:
        """Thaw those whose children have ended; kill those that would go on then."""
        parents = self._parents()
        alone = {entry.pid for entry in self.left if entry.pid in self._held and entry.pid not in parents}
        goes_on = {pid for pid in alone if self._would_go_on(pid)}
        self.signal(goes_on, SIGKILL)
        self._held -= alone
        stopped = {entry.pid for entry in self.left if entry.state in "Tt"}  # sudo stops as its child did
        self.signal((alone | stopped) - goes_on - self._held, SIGCONT)

    def _would_go_on(self, pid: int) -> bool:
        """A shell with a trap on SIGTERM runs it, and then its next line."""
        return not self._cleanup and is_shell(pid) and shrugs_off(pid, SIGTERM)

    def _thaw(self, now: float) -> None:
        self._release()
        if now < self._thaw_at or self._asked_again:
            return
        self._asked_again = True
        waits = {pid for pid in self._held if self._would_go_on(pid)}  # frozen until it is killed with its children
        rest = [entry.pid for entry in self.left if entry.pid not in waits]
        self.signal([pid for pid in rest if pid not in self._held], SIGTERM)
        self.signal(rest, SIGCONT)
        self._held = waits

    def _kill(self) -> None:
        """Parents first, so that none sees a child end; again at each look: a fork may have slipped through."""
        parents = self._parents()
        self.signal([entry.pid for entry in self.left if entry.pid in parents], SIGKILL)
        if self._group:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, SIGKILL)  # reaches what was forked since the look
        self.signal([entry.pid for entry in self.left if entry.pid not in parents], SIGKILL)


class Escalation(TreeEnd):
    """The end of one runner's command."""

    def __init__(self, spec: Spec, group: int, why: str, grace: float, now: float) -> None:
        super().__init__(spec.run, grace, now, root=os.getpid(), group=group, cleanup=spec.cleanup)
        self.why = why
        """`halt`, `stop`, `timeout` or `crash`."""
        self.helpers: dict[int, subprocess.Popen[bytes]] = {}
        """Our own children that do the ending; the loop reaps them."""
        self.stop_command: subprocess.Popen[bytes] | None = None
        self._spec = spec

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

    def spared(self) -> Collection[int]:
        """The helpers."""
        return self.helpers.keys()

    def advance(self, now: float) -> bool:
        """Do what is due. True when it is over, `stop` too."""
        over = super().advance(now)
        stopping = self.stop_command is not None and self.stop_command.returncode is None
        if over and stopping and now < self.over_by:
            return False
        if over:
            self._end_helpers()
        return over

    def signal(self, pids: Iterable[int], number: Signals) -> None:
        """Send a signal to each; through sudo to those that became another user."""
        refused = [pid for pid in pids if not send(pid, number)]
        if refused and self._spec.become:
            self._signal_through_sudo(refused, number)

    def _signal_through_sudo(self, pids: list[int], number: Signals) -> None:
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
                send(helper.pid, SIGKILL)
