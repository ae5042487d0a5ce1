"""Finding and signalling the processes of a run: children, their children, and those that tried to get away.

A daemon that forks twice and makes its own session is still found: on Linux as a child of the runner (a subreaper
inherits orphans), and everywhere in /proc by the tag in its environment.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from quarterdeck.runner.files import TAG

__all__ = [
    "Entry",
    "Hearing",
    "become_subreaper",
    "command_of",
    "descendants",
    "describe",
    "hearing",
    "is_shell",
    "owner_of",
    "process_table",
    "send",
    "tagged",
    "topmost",
    "wait_state",
]

_PR_SET_CHILD_SUBREAPER = 36
_DEAD = "ZXx"


class Entry(NamedTuple):
    """One line of the process table."""

    pid: int
    parent: int
    group: int
    state: str

    @property
    def alive(self) -> bool:
        """False for what has ended, and whose parent has not waited for it."""
        return self.state not in _DEAD


def become_subreaper() -> bool:
    """Inherit orphaned descendants (Linux 3.4); False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    return int(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0


def process_table(*, dead: bool = False) -> dict[int, Entry]:
    """All processes that are not dead yet; with `dead` those, too, that nobody has waited for."""
    found = _from_proc() if sys.platform.startswith("linux") else _from_ps()
    return {entry.pid: entry for entry in found if dead or entry.alive}


def _from_proc() -> Iterator[Entry]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                yield Entry(int(folder.name), int(fields[1]), int(fields[2]), fields[0].decode())


def _from_ps() -> Iterator[Entry]:
    asked = ["/bin/ps", "-axo", "pid=,ppid=,pgid=,state="]
    for line in subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines():
        pid, parent, group, state = line.split()
        yield Entry(int(pid), int(parent), int(group), state[0])


def tagged(run: str, among: Collection[int]) -> set[int]:
    """Those of `among` whose environment carries this run's tag (only where we may read it)."""
    mark = f"{TAG}={run}".encode()
    found = set()
    for pid in among:
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found


def descendants(
    run: str, *, root: int = 0, group: int = 0, spare: Collection[int] = (), dead: bool = False
) -> list[Entry]:
    """The living processes of a run: below `root`, in process group `group`, or tagged, and all below those.

    Parents come before their children. `spare` and what is below it is left out, and so is this process itself.
    `dead`: see `process_table`.
    """
    table = process_table(dead=dead)
    below: dict[int, list[int]] = {}
    for entry in table.values():
        below.setdefault(entry.parent, []).append(entry.pid)
    spared = _closure(spare, below) | {os.getpid(), 0, 1}
    seeds = set(below.get(root, ())) if root else set()
    seeds |= {entry.pid for entry in table.values() if group and entry.group == group}
    found = _closure(seeds, below)
    found |= _closure(tagged(run, table.keys() - found - spared), below)
    return _parents_first([table[pid] for pid in sorted(found - spared) if pid in table])


def _parents_first(entries: list[Entry]) -> list[Entry]:
    """By the number of known processes above each: once pids have wrapped, a child's may be the lower one."""
    above = {entry.pid: entry.parent for entry in entries}

    def depth(entry: Entry) -> int:
        steps, pid = 0, entry.parent
        while pid in above:
            steps, pid = steps + 1, above[pid]
        return steps

    return sorted(entries, key=depth)


def _closure(seeds: Collection[int], below: dict[int, list[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(seeds)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(below.get(pid, ()))
    return found


def topmost(entries: Collection[Entry]) -> list[Entry]:
    """Those that no other one of them started."""
    known = {entry.pid for entry in entries}
    return [entry for entry in entries if entry.parent not in known]


def send(pid: int, number: int) -> bool:
    """Signal one process; False where we may not. One that is gone counts as signalled."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True


_SHELLS = frozenset(
    {
        "ash",
        "bash",
        "csh",
        "dash",
        "fish",
        "ksh",
        "ksh93",
        "lksh",
        "mksh",
        "oksh",
        "rbash",
        "sh",
        "tcsh",
        "yash",
        "zsh",
    }
)


Hearing = Literal["default", "caught", "ignored", "blocked", "unknown"]
_MASKS: dict[str, Hearing] = {"SigIgn": "ignored", "SigBlk": "blocked", "SigCgt": "caught"}
"""Lines of a process's status, the weightiest first."""


def is_shell(pid: int) -> bool:
    """Whether the process runs lines one after the other: by its program, else by its first argument."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")  # it may have been upgraded
    except OSError:  # another user's, or no /proc
        program = command_of(pid).partition(" ")[0].rpartition("/")[2].lstrip("-")
    if program == "busybox":
        program = command_of(pid).removeprefix("busybox ").partition(" ")[0].rpartition("/")[2]
    return program in _SHELLS


def hearing(pid: int, number: int) -> Hearing:
    """What the process does with this signal; `blocked`: nothing yet, `unknown` where nobody can tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return "unknown"
    masks = dict(line.split(":\t") for line in lines if line.startswith("Sig"))
    for mask, word in _MASKS.items():
        if int(masks.get(mask, "0"), 16) >> (number - 1) & 1:
            return word
    return "default"


def wait_state(pid: int) -> int | None:
    """Reap our child `pid` if it has ended: its wait status, else None."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return status if found == pid else None


def owner_of(pid: int) -> str:
    """The login name of a process's owner, `?` where it is gone."""
    try:
        uid = Path(f"/proc/{pid}").stat().st_uid if sys.platform.startswith("linux") else int(_ps(pid, "uid=") or -1)
    except OSError:
        return "?"
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"uid-{uid}"


def command_of(pid: int, limit: int = 200) -> str:
    """A process's command line for people, cut at `limit` characters; `?` where it is gone."""
    if not sys.platform.startswith("linux"):
        return _ps(pid, "command=")[:limit] or "?"
    try:
        with Path(f"/proc/{pid}/cmdline").open("rb") as file:
            words = file.read(4 * limit).replace(b"\0", b" ").decode(errors="replace").strip()
        if not words:
            name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
            words = f"[{name}]"
    except OSError:
        return "?"
    return words[:limit]


def _ps(pid: int, column: str) -> str:
    asked = ["/bin/ps", "-o", column, "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def describe(entries: Collection[Entry], limit: int = 20) -> list[dict[str, int | str]]:
    """Pid, owner and command of each, for a result; at most `limit` of them."""
    return [
        {"pid": entry.pid, "owner": owner_of(entry.pid), "command": command_of(entry.pid)}
        for entry in list(entries)[:limit]
    ]
