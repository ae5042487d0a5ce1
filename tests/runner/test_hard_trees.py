"""Trees that are hard to end: who is deaf to SIGTERM, who has dead children, whom only sudo reaches, slowly (R4)."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from quarterdeck.runner import escalation, processes
from quarterdeck.runner.escalation import Escalation
from quarterdeck.runner.processes import Entry, descendants
from quarterdeck.runner.spec import Spec

if TYPE_CHECKING:
    from tests.runner.conftest import Bench

LEAVES = """
import signal, sys
def leave(number, _):
    print('left by', signal.Signals(number).name, flush=True)
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, leave)
print('ready', flush=True)
while True:
    signal.pause()
"""
DEAF = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print('ready', flush=True)
time.sleep(60)
"""
LATER = "the next line ran"


@pytest.fixture
def client(tmp_path: Path) -> str:
    """A command line that ends with exit code 0 for SIGINT and SIGTERM."""
    (tmp_path / "client.py").write_text(LEAVES)
    return f"{sys.executable} {tmp_path}/client.py"


async def stopped(bench: Bench, argv: list[str], ready: str = "ready", **order: Any) -> str:
    """What a command said that was stopped when it was ready."""
    run = f"hard-{secrets.token_hex(4)}"
    bench.start(run, argv=argv, **order)
    await bench.until(run, ready)
    bench.commands.stop(run)
    result = await bench.result(run)
    assert (result.ended_by, result.survivors) == ("stop", ())
    return (bench.folder / "spool" / run / "output").read_text()


async def test_a_shell_that_ignores_term_has_nothing_to_clean_up_for_and_is_killed(bench: Bench, client: str) -> None:
    argv = ["bash", "-c", f"trap '' TERM; {client}; echo {LATER}"]
    assert LATER not in await stopped(bench, argv, cleanup=True)


@pytest.mark.parametrize("cleanup", [False, True])
async def test_a_shell_that_blocks_term_is_killed(bench: Bench, client: str, cleanup: bool) -> None:
    script = f"{client}; echo {LATER}"
    code = (
        "import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); "
        f"os.execvp('bash', ['bash', '-c', {script!r}])"
    )
    said = await stopped(bench, [sys.executable, "-c", code], cleanup=cleanup)
    assert LATER not in said
    assert "left by SIGINT" in said


async def test_a_shell_whose_program_was_replaced_meanwhile_is_still_a_shell(
    bench: Bench, client: str, tmp_path: Path
) -> None:
    bash = tmp_path / "bash"
    shutil.copy(str(shutil.which("bash")), bash)
    assert LATER not in await stopped(bench, [str(bash), "-c", f"trap : TERM; rm {bash}; {client}; echo {LATER}"])


async def test_a_trap_on_exit_runs_for_a_step_that_cleans_up(bench: Bench, client: str) -> None:
    argv = ["bash", "-c", f"trap 'echo cleaned up' EXIT; {client}; echo {LATER}"]
    assert "cleaned up" not in await stopped(bench, argv)
    said = await stopped(bench, argv, cleanup=True)
    assert "cleaned up" in said
    assert LATER not in said


async def test_who_has_not_waited_for_its_child_yet_gets_term_and_no_interrupt(bench: Bench) -> None:
    code = (
        "import os, signal, time\n"
        f"signal.signal(signal.SIGINT, lambda *_: print({LATER!r}, flush=True))\n"
        "child = os.fork()\n"
        "if not child: os._exit(0)\n"
        "os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(60)\n"
    )
    assert LATER not in await stopped(bench, [sys.executable, "-c", code])


async def test_what_a_shell_runs_to_clean_up_is_killed_with_it_and_not_asked_before(
    bench: Bench, client: str
) -> None:
    script = f"trap 'echo cleaning; {client}; echo {LATER}; exit' TERM; echo first; sleep 60"
    said = await stopped(bench, ["bash", "-c", script], "first", cleanup=True, grace=1.5)
    assert "cleaning\nready" in said
    assert "left by" not in said
    assert LATER not in said


async def test_a_process_that_cannot_be_frozen_takes_nobodys_time_to_end(bench: Bench, client: str) -> None:
    vfork = (  # its parent waits in the kernel until it executes something
        "import ctypes, os, subprocess, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "other = subprocess.Popen(sys.argv[1].split())\n"
        "fifo = sys.argv[2]\n"
        "os.mkfifo(fifo)\n"
        "actions = ctypes.create_string_buffer(256)\n"
        "libc.posix_spawn_file_actions_init(actions)\n"
        "libc.posix_spawn_file_actions_addopen(actions, 9, fifo.encode(), 0, 0)\n"
        "argv = (ctypes.c_char_p * 2)(b'true', None)\n"
        "pid = ctypes.c_int()\n"
        "libc.posix_spawn(ctypes.byref(pid), b'/bin/true', actions, None, argv, None)\n"
    )
    argv = [sys.executable, "-c", vfork, client, f"{bench.folder}/fifo"]
    assert "left by SIGINT" in await stopped(bench, argv, grace=0.8)


def test_parents_come_before_their_children_whatever_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = [Entry(9_000_001, 9_000_003, 1, "S"), Entry(9_000_002, 9_000_001, 1, "S"), Entry(9_000_003, 1, 1, "S")]
    monkeypatch.setattr(processes, "process_table", lambda **_: {entry.pid: entry for entry in wrapped})
    assert [entry.pid for entry in descendants("nobody", group=1)] == [9_000_003, 9_000_001, 9_000_002]


# -- through sudo ------------------------------------------------------------------------------------------------

SUDO = """#!/bin/sh
case $3 in -15|-9) sleep 0.3;; esac
echo "$*" >> {asked}
shift
exec "$@"
"""


def ended_through_sudo(
    folder: Path, argv: list[str], monkeypatch: pytest.MonkeyPatch, **order: Any
) -> list[list[str]]:
    """End what we may not signal by a sudo that is slow for TERM and KILL: what it was asked to send, to whom."""
    (folder / "bin").mkdir()
    (folder / "bin" / "sudo").write_text(SUDO.format(asked=folder / "asked"))
    (folder / "bin" / "sudo").chmod(0o755)
    path = f"{folder}/bin:{os.environ['PATH']}"
    spec = Spec(
        run=f"hard-{secrets.token_hex(4)}", step="s", argv=argv, cwd="/", env={"PATH": path}, halts="", answered=[],
        on_halt="finish", grace=10, timeout=0, on_crash="keep", station_pid=0, station_start=0, become="root",
        become_env=[], stop=[], head=0, ring=0, cleanup=order.get("cleanup", False),
    )  # fmt: skip
    monkeypatch.setattr(escalation, "send", lambda *_: False)
    with (folder / "said").open("wb") as said, subprocess.Popen(argv, stdout=said, start_new_session=True) as child:
        while "ready" not in (folder / "said").read_text():
            time.sleep(0.01)
        ending = Escalation(spec, child.pid, "stop", order.get("grace", 10.0), time.monotonic())
        while not ending.advance(time.monotonic()):
            for one in (child, *ending.helpers.values()):
                one.poll()
            time.sleep(0.01)
        for one in ending.helpers.values():
            one.wait()
        assert ending.left == []
    return [line.split()[2:] for line in (folder / "asked").read_text().splitlines()]


def test_signals_through_a_slow_sudo_keep_their_order(
    tmp_path: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ["bash", "-c", f"{client}; echo {LATER}"]
    asked = [number for number, *_ in ended_through_sudo(tmp_path, argv, monkeypatch)]
    assert LATER not in (tmp_path / "said").read_text()
    assert asked[0] == "-19"
    assert asked.index("-15") < asked.index("-18")


def test_a_slow_sudo_kills_parents_and_children_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deaf.py").write_text(DEAF)
    script = f"trap '{sys.executable} {tmp_path}/deaf.py; echo {LATER}; exit' TERM; echo ready; sleep 60"
    asked = ended_through_sudo(tmp_path, ["bash", "-c", script], monkeypatch, cleanup=True, grace=3.0)
    assert LATER not in (tmp_path / "said").read_text()
    kills = [pids for number, *pids in asked if number == "-9"]
    assert len(kills[0]) == 2  # the shell and what it cleans up with
    assert len(kills) <= 4  # one after the other, not one at each look
