"""Ending a command and everything that it started (R4), so that no further line of it runs.

A signal to the whole group would not do: bash takes an interrupt as handled when its command catches it and exits in
the ordinary way, and goes on with the next line. So the tree is frozen first, parents before children. Frozen, the
leaves are asked to end (SIGINT, which a client such as psql passes on to its server) and thawed; whatever has
children is sent SIGTERM, and thawed only when its children have ended. A shell that would survive that is killed
then. Near the end of the grace the leaves are asked once more and all is thawed; after it SIGKILL goes to all,
parents first.

`TreeEnd` ends any tree of processes; `Escalation` is the end of a runner's command, with its `stop` argv and sudo.
Neither ever waits: `advance` is called again and again, and says when nothing is left, or nothing that we could still
end.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals

from quarterdeck.runner.processes import Entry, descendants, hearing, is_shell, send
from quarterdeck.runner.spec import Spec

__all__ = ["Escalation", "TreeEnd"]

_LATE_SHARE = 0.8
"""Share of the grace after which leaves are asked once more, and all is thawed."""
_FREEZE_SHARE, _FREEZE_PATIENCE = 0.2, 1.0
"""Share of the grace, and seconds at most, in which the tree should stand still."""
_KILL_PATIENCE = 2.0
"""Seconds that a killed process may take to vanish before it is called a survivor."""
_PASS = 0.05
"""Seconds between two looks at the process table."""
_SOON = 0.005
"""Seconds between two looks while the tree is being frozen."""
_LOOKS = 100
"""Looks at a tree that goes on forking before it is taken as frozen."""
_STILL = "TtD"
"""States in which nothing more is run: stopped, stopped under a tracer, held by the kernel on the way there."""


class TreeEnd:
    """The end of the processes of `run`, in progress. Times are seconds on the monotonic clock."""

    def __init__(self, run: str, grace: float, now: float, *, root: int = 0, group: int = 0, cleanup: bool = False):
        """`root`, `group`: see `descendants`. `cleanup`: shells may run their traps, and whatever follows them."""
        self.left: list[Entry] = []
        """What still ran at the last look, parents first; after the end: the survivors."""
        self._run, self._root, self._group, self._cleanup = run, root, group, cleanup
        self._frozen_by = now + min(_FREEZE_PATIENCE, grace * _FREEZE_SHARE)
        self._late_at = now + grace * _LATE_SHARE
        self._kill_at = now + grace
        self._next_pass = now
        self._above: dict[int, int] = {}
        """The parent of each that is left."""
        self._parents: set[int] = set()
        """Who has children; a dead one counts until its parent has waited for it, and then starts the next."""
        self._frozen: set[int] = set()
        """Sent SIGSTOP by us."""
        self._asked: dict[int, Signals] = {}
        """Frozen and told to end: by what."""
        self._thawed: set[int] = set()

    def hasten(self, grace: float, now: float) -> None:
        """A second, more urgent wish: never later than planned, at most `grace` seconds from now."""
        self._frozen_by = min(self._frozen_by, now + grace * _FREEZE_SHARE)
        self._late_at = min(self._late_at, now + grace * _LATE_SHARE)
        self._kill_at = min(self._kill_at, now + grace)

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
        elif self._freeze() or now >= self._frozen_by:
            self._ask()
            self._thaw(late=now >= self._late_at)
        else:
            self._next_pass = now + _SOON
        return False

    def signal(self, pids: Iterable[int], number: Signals) -> set[int]:
        """Send a signal to each of `pids`; whom it reaches."""
        return {pid for pid in pids if send(pid, number)}

    def _look(self) -> None:
        seen = descendants(self._run, root=self._root, group=self._group, spare=self.spared(), dead=True)
        self.left = [entry for entry in seen if entry.alive]
        self._above = {entry.pid: entry.parent for entry in self.left}
        self._parents = {entry.parent for entry in seen}
        self._frozen &= self._above.keys()  # a number may be given to somebody else
        self._thawed &= self._above.keys()
        self._asked = {pid: number for pid, number in self._asked.items() if pid in self._above}
        if not any(entry.group == self._group for entry in self.left):
            self._group = 0  # an empty group's number may be, too

    def _freeze(self) -> bool:
        """Stop all, look for who was born meanwhile, until nobody is; whether all that is not asked yet stands still.

        Parents first: a shell with job control that sees its command stopped goes on with the next line. Whom no
        signal of ours reaches is not waited for.
        """
        for _ in range(_LOOKS):
            fresh = self.signal([pid for pid in self._above if self._is_new(pid)], SIGSTOP)
            if not fresh:
                break
            self._frozen |= fresh
            self._look()
        waited = self._frozen - self._asked.keys()
        return all(entry.state in _STILL for entry in self.left if entry.pid in waited)

    def _is_new(self, pid: int) -> bool:
        """Not seen before; but what a thawed process starts is how that one cleans up."""
        if pid in self._frozen:
            return False
        while pid in self._above:
            pid = self._above[pid]
            if pid in self._thawed:
                return False
        return True

    def _ask(self) -> None:
        """Tell each that is frozen to end, once.

        A shell is never interrupted, even without children: the last one may have ended this moment. SIGTERM is for
        those, too, that ignore SIGINT, as what bash runs in the background does.
        """
        for pid in [pid for pid in self._above if pid in self._frozen and pid not in self._asked]:
            above = pid in self._parents or is_shell(pid)
            self._asked[pid] = SIGTERM if above or hearing(pid, SIGINT) == "ignored" else SIGINT
            self.signal([pid], self._asked[pid])

    def _thaw(self, *, late: bool) -> None:
        """Let those go on whose children have ended, and kill those that would run more than their end; late: all."""
        waiting = set(self._above.values())
        for entry in self.left:
            pid = entry.pid
            if pid not in self._asked or (pid in waiting and not late):
                continue
            if late and self._asked[pid] == SIGINT:
                self._asked[pid] = SIGTERM
                self.signal([pid], SIGTERM)
            if pid not in self._thawed and self._would_go_on(pid):
                self.signal([pid], SIGKILL)
            elif pid not in self._thawed or entry.state == "T":  # sudo stops itself as its child did
                self._thawed.add(pid)
                self.signal([pid], SIGCONT)

    def _would_go_on(self, pid: int) -> bool:
        """Whether it is a shell that its SIGTERM does not end: it would run its trap, and then its next line.

        One that ignores SIGTERM has no trap that `cleanup` could mean; one that blocks it is about to start a line.
        """
        if not is_shell(pid):
            return False
        heard = hearing(pid, SIGTERM)
        return heard in {"ignored", "blocked"} or (heard != "default" and not self._cleanup)

    def _kill(self) -> None:
        """Parents first, so that none sees a child end; again at each look: a fork may have slipped through."""
        self.signal(self._above, SIGKILL)
        if self._group:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, SIGKILL)  # reaches what was forked since the look


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
        self._sudo = _Sudo(spec.env, self.helpers) if spec.become else None

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
        if self._sudo is not None and not over:
            self._sudo.advance()
        stopping = self.stop_command is not None and self.stop_command.returncode is None
        if over and stopping and now < self.over_by:
            return False
        if over:
            self._end_helpers()
        return over

    def signal(self, pids: Iterable[int], number: Signals) -> set[int]:
        """Send a signal to each, through sudo to those that became another user; whom it reaches or will."""
        meant = list(pids)
        reached = super().signal(meant, number)
        refused = [pid for pid in meant if pid not in reached]
        if refused and self._sudo is not None:
            self._sudo.ask(number, refused)
            reached.update(refused)
        return reached

    def _end_helpers(self) -> None:
        for helper in self.helpers.values():
            if helper.returncode is None:
                send(helper.pid, SIGKILL)


class _Sudo:
    """Signals by `sudo -n kill`, one after the other, so that they arrive in the order in which they were sent."""

    def __init__(self, env: Mapping[str, str], helpers: dict[int, subprocess.Popen[bytes]]) -> None:
        self._env, self._helpers = dict(env), helpers
        self._waiting: deque[tuple[Signals, list[int]]] = deque()
        self._sending: Signals | None = None
        self._helper: subprocess.Popen[bytes] | None = None

    def ask(self, number: Signals, pids: list[int]) -> None:
        """Send it when its turn comes; SIGKILL waits for nothing, and what was to come before it is needless."""
        if number == SIGKILL:
            self._waiting = deque(one for one in self._waiting if one[0] == SIGKILL)
            if self._sending != SIGKILL:
                self._helper = None
        if (number, pids) not in self._waiting:
            self._waiting.append((number, pids))

    def advance(self) -> None:
        """Start what is next, unless the one before still runs."""
        if not self._waiting or (self._helper is not None and self._helper.returncode is None):
            return
        self._sending, pids = self._waiting.popleft()
        asked = ["sudo", "-n", "kill", f"-{int(self._sending)}", *map(str, pids)]
        with contextlib.suppress(OSError):  # no sudo: they are reported as survivors
            self._helper = subprocess.Popen(
                asked,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._helpers[self._helper.pid] = self._helper
