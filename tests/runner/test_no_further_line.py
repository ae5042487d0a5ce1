"""No further line of a step that is terminated runs, whatever ends it and whatever runs its lines (R4).

In each case a child catches what it is sent, cleans up and exits in the ordinary way; whoever started it would then
run its next line, which leaves a mark.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from machine import needs

if TYPE_CHECKING:
    from tests.runner.conftest import Bench

CHILD = """
import signal, sys, time
from pathlib import Path
def leave(*_):
    Path(sys.argv[1], "cleaned").touch()
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, leave)
print("ready", flush=True)
while True:
    time.sleep(60)
"""
HOW = ("halt", "timeout", "stop")
GRACE = 8.0


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in which every user may write, with the child in it."""
    folder = Path(tempfile.mkdtemp(prefix="qd-line-"))
    folder.chmod(0o777)
    (folder / "child.py").write_text(CHILD)
    (folder / "child.py").chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def child(place: Path) -> str:
    return f"{shutil.which('python3', path='/usr/bin:/bin') or sys.executable} {place}/child.py {place}"


def shell(name: str) -> Callable[[Path], list[str]]:
    return lambda place: [name, "-c", f"{child(place)}; touch {place}/mark"]


def nested(place: Path) -> list[str]:
    return ["bash", "-c", f"bash -c '{child(place)}; touch {place}/mark'; touch {place}/mark"]


def pipe(place: Path) -> list[str]:
    return ["bash", "-c", f"{child(place)} | cat; touch {place}/mark"]


def trapping(trap: str) -> Callable[[Path], list[str]]:
    return lambda place: ["bash", "-c", f"trap 'echo trapped' {trap}; {child(place)}; touch {place}/mark"]


def script(place: Path) -> list[str]:
    path = place / "deploy"
    path.write_text(f"#!/bin/bash\ntrap : TERM INT\n{child(place)}\ntouch {place}/mark\n")
    path.chmod(0o755)
    return [str(path)]


def make(place: Path) -> list[str]:
    (place / "Makefile").write_text(f"all: first second\nfirst:\n\t{child(place)}\nsecond:\n\ttouch {place}/mark\n")
    return ["make", "-k", "-C", str(place)]


def xargs(place: Path) -> list[str]:
    line = f"if [ -e {place}/cleaned ]; then touch {place}/mark; fi; {child(place)}"
    return ["sh", "-c", f"printf '1\\n2\\n' | xargs -n 1 sh -c '{line}'; touch {place}/mark"]


def python(place: Path) -> list[str]:
    code = f"import subprocess; subprocess.run({child(place).split()!r}); open({f'{place}/mark'!r}, 'w')"
    return [sys.executable, "-c", code]


def under_timeout(place: Path) -> list[str]:
    return ["bash", "-c", f"timeout 60 {child(place)}; touch {place}/mark"]


def around(wrapper: str) -> Callable[[Path], list[str]]:
    """A wrapper that takes a shell along: in a group or a session of its own."""
    return lambda place: ["bash", "-c", f"{wrapper} bash -c '{child(place)}; touch {place}/mark'; touch {place}/mark"]


def line(script: str) -> Callable[[Path], list[str]]:
    """A script of bash with CHILD and MARK in it."""
    return lambda place: ["bash", "-c", script.replace("CHILD", child(place)).replace("MARK", f"touch {place}/mark")]


def perl(place: Path) -> list[str]:
    return ["perl", "-e", f"system('{child(place)}'); system('touch {place}/mark')"]


def sudo(place: Path) -> list[str]:
    return ["sudo", "-n", *shell("bash")(place)]


def runuser(place: Path) -> list[str]:
    return ["runuser", "-u", "nobody", "--", *shell("bash")(place)]


CASES: dict[str, tuple[Callable[[Path], list[str]], tuple[str, ...]]] = {
    "bash": (shell("bash"), ("bash",)),
    "dash": (shell("dash"), ("dash",)),
    "nested bash": (nested, ("bash",)),
    "a pipe": (pipe, ("bash",)),
    "trap on TERM": (trapping("TERM"), ("bash",)),
    "trap on INT and TERM": (trapping("INT TERM"), ("bash",)),
    "a script by its name": (script, ("bash",)),
    "make": (make, ("make",)),
    "xargs": (xargs, ("xargs",)),
    "python": (python, ()),
    "timeout": (under_timeout, ("bash", "timeout")),
    "timeout around a shell": (around("timeout 60"), ("bash", "timeout")),
    "a session of its own": (around("setsid -w"), ("bash", "setsid")),
    "job control": (line("set -m; CHILD; MARK"), ("bash",)),
    "in the background": (line("CHILD & wait; MARK"), ("bash",)),
    "a loop": (line("while CHILD; do MARK; done"), ("bash",)),
    "perl": (perl, ("perl",)),
    "sudo": (sudo, ("root", "sudo")),
    "runuser": (runuser, ("root", "runuser")),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("case", CASES)
async def test_no_further_line_runs(bench: Bench, place: Path, case: str, how: str) -> None:
    argv, tools = CASES[case]
    needs(*tools)
    run = f"line-{secrets.token_hex(4)}"
    limit = 1.5 if how == "timeout" else 0.0
    bench.start(run, argv=argv(place), on_halt="terminate", grace=GRACE, timeout=limit)
    await bench.until(run, "ready")
    if how == "halt":
        bench.halt("n1")
    elif how == "stop":
        bench.commands.stop(run)
    result = await bench.result(run)
    assert result.ended_by == how
    assert (place / "cleaned").exists()
    assert not (place / "mark").exists()
    assert result.survivors == ()
    assert result.seconds < limit + GRACE * 0.7  # nobody waited for the late thaw, or for SIGKILL


async def test_a_step_that_cleans_up_runs_its_trap(bench: Bench, place: Path) -> None:
    needs("bash")
    trap = f"trap 'touch {place}/tidied; exit 3' TERM; {child(place)}; touch {place}/mark"
    run = f"line-{secrets.token_hex(4)}"
    bench.start(run, argv=["bash", "-c", trap], on_halt="terminate", cleanup=True, grace=GRACE)
    await bench.until(run, "ready")
    bench.halt("n1")
    result = await bench.result(run)
    assert result.exit_code == 3
    assert (place / "tidied").exists()
    assert not (place / "mark").exists()


async def test_the_trap_of_a_step_that_does_not_say_so_does_not_run(bench: Bench, place: Path) -> None:
    needs("bash")
    run = f"line-{secrets.token_hex(4)}"
    trap = f"trap 'touch {place}/tidied; exit 3' TERM; {child(place)}"
    bench.start(run, argv=["bash", "-c", trap], on_halt="terminate", grace=GRACE)
    await bench.until(run, "ready")
    bench.halt("n1")
    assert (await bench.result(run)).signal == 9
    assert not (place / "tidied").exists()


async def test_who_is_born_while_the_tree_is_being_frozen_is_ended_too(
    bench: Bench, alive: Callable[[str], set[int]]
) -> None:
    code = (
        "import os, signal, time\n"
        "for number in range(400):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "    if number == 40: print('ready', flush=True)\n"
        "    time.sleep(0.001)\n"
        "time.sleep(60)\n"
    )
    run = f"line-{secrets.token_hex(4)}"
    bench.start(run, argv=[sys.executable, "-c", code], grace=2.0)
    await bench.until(run, "ready")
    bench.commands.stop(run)
    result = await bench.result(run)
    assert result.survivors == ()
    assert alive(run) - {os.getpid()} == set()
