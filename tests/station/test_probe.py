"""Short reads on real processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from pathlib import Path

import pytest

from quarterdeck.runner.processes import descendants
from quarterdeck.station.commands.orders import build_environment, pgappname
from quarterdeck.station.commands.probe import LIMIT, read_once

MARK = f"MARK={secrets.token_hex(8)}"
ENV = {"PATH": os.environ["PATH"], "MARK": MARK.partition("=")[2]}


def left() -> list[str]:
    """Command lines of what a read of this file has left."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if MARK.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_text())
            except OSError:
                continue
    return found


async def nothing_left() -> bool:
    """Whether all of it is gone: what was killed may take a moment to leave on a machine under load."""
    for _ in range(200):
        if not left():
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_read_gives_both_streams_and_the_code() -> None:
    outcome = await read_once(["sh", "-c", "echo out; echo err >&2; exit 4"], 10, ENV)
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (4, "out\n", "err\n")
    assert outcome.problem == ""


async def test_a_read_that_hangs_is_ended_with_its_descendants_and_keeps_what_it_said() -> None:
    script = "trap '' TERM; echo half; (setsid sh -c 'trap \"\" TERM; sleep 60' &) ; sleep 60"
    outcome = await read_once(["sh", "-c", script], 0.3, ENV)
    assert (outcome.exit_code, outcome.stdout) == (None, "half\n")
    assert "0.3 s" in outcome.problem
    assert outcome.seconds < 3
    assert await nothing_left()


async def test_a_cancelled_read_leaves_nothing() -> None:
    task = asyncio.create_task(read_once(["sh", "-c", "sleep 60 & sleep 61"], 60, ENV))
    while not any("61" in line for line in left()):  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await nothing_left()


async def test_a_read_that_is_cancelled_while_it_is_being_ended_leaves_nothing() -> None:
    deaf = "signal.signal(2, signal.SIG_IGN), signal.signal(15, signal.SIG_IGN), print(1, flush=True), time.sleep(9)"
    script = f'(setsid {sys.executable} -c "import signal, time; {deaf}" &) | read line; sleep 61'
    task = asyncio.create_task(read_once(["bash", "-c", script], 1.5, ENV))
    while not any("61" in line for line in left()):  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.01)
    while any("61" in line for line in left()):  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await nothing_left()


async def test_a_read_that_never_stops_talking_is_bounded() -> None:
    outcome = await read_once(["sh", "-c", "yes | head -c 5000000"], 10, ENV)
    assert len(outcome.stdout) == LIMIT
    assert outcome.cut


async def test_a_background_child_that_holds_the_pipe_delays_nothing() -> None:
    began = time.monotonic()
    outcome = await read_once(["sh", "-c", "sleep 2 & echo done"], 10, {"PATH": ENV["PATH"]})
    assert (outcome.exit_code, outcome.stdout) == (0, "done\n")
    assert time.monotonic() - began < 1.5


async def test_a_read_that_cannot_start_says_why() -> None:
    outcome = await read_once(["/no/such/program"], 10, ENV)
    assert outcome.exit_code is None
    assert "/no/such/program" in outcome.problem


async def test_a_read_has_an_empty_stdin() -> None:
    assert (await read_once(["cat"], 10, ENV)).exit_code == 0


def test_an_environment_is_built_from_empty() -> None:
    own = {"PATH": "/bin", "HOME": "/home/ann", "LD_PRELOAD": "x", "PGSERVICE": "orders", "AWS_PROFILE": "prod"}
    built = build_environment(
        own=own, letters="kfwz", step="drop-index", declared={"MODE": "fast"}, pass_env=["PGSERVICE", "NOT_SET"]
    )
    assert built == {
        "PATH": "/bin",
        "HOME": "/home/ann",
        "LANG": "C.UTF-8",
        "MODE": "fast",
        "PGSERVICE": "orders",
        "PGAPPNAME": "quarterdeck/kfwz/drop-index",
    }
    assert build_environment(own={}, letters="a", step="b", ssh_auth_sock="/s")["SSH_AUTH_SOCK"] == "/s"


def test_an_application_name_fits_what_postgresql_keeps() -> None:
    assert len(pgappname("kfwz", "s" * 100)) == 63


def test_nothing_of_this_test_run_is_a_descendant_of_a_made_up_run() -> None:
    assert descendants("no-such-run") == []
