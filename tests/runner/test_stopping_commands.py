"""The shim and the station's side together, on real processes: what is ended, refused, or found after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from quarterdeck.runner.files import SPEC
from quarterdeck.station.commands.orphans import end_orphans, find_orphans

if TYPE_CHECKING:
    from tests.runner.conftest import Bench

R1, R2 = (f"{name}-{secrets.token_hex(4)}" for name in ("r1", "r2"))  # other workers run commands as well
NAP = f"4242.{os.getpid()}"

STUBBORN = "trap '' INT TERM; echo ready; while :; do sleep 0.1; done"


async def test_a_command_that_ignores_term_is_killed_after_its_grace(bench: Bench) -> None:
    bench.start(R1, shell=STUBBORN)
    await bench.until(R1, "ready")
    bench.commands.stop(R1, grace=0.3)
    result = await bench.result(R1)
    assert (result.outcome, result.ended_by, result.signal) == ("terminated", "stop", 9)
    assert result.survivors == ()


async def test_int_comes_first_so_that_a_client_can_end_cleanly(bench: Bench) -> None:
    client = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    bench.start(R1, argv=[sys.executable, "-c", client])
    await bench.until(R1, "ready")
    bench.commands.stop(R1)
    result = await bench.result(R1)
    assert (result.outcome, result.exit_code) == ("terminated", 7)
    assert result.seconds < 5  # it did not sit out the ten seconds of grace


async def test_a_daemon_that_forks_twice_into_its_own_session_is_ended_too(
    bench: Bench, alive: Callable[[str], set[int]]
) -> None:
    daemon = "trap '' INT TERM HUP; while :; do sleep 1; done"
    bench.start(R1, shell=f"(setsid sh -c \"(setsid sh -c '{daemon}' &)\" &) ; sleep 0.2; echo ready; sleep 60")
    await bench.until(R1, "ready")
    assert len(alive(R1)) >= 3
    bench.commands.stop(R1, grace=0.2)
    result = await bench.result(R1)
    assert result.outcome == "terminated"
    assert alive(R1) == set()


async def test_a_daemon_that_also_empties_its_environment_is_ended_too(bench: Bench) -> None:
    bench.start(R1, shell=f"(setsid env -i sleep {NAP} &) ; sleep 0.2; echo ready; sleep 60")
    await bench.until(R1, "ready")
    assert _commands(f"sleep {NAP}")
    bench.commands.stop(R1, grace=0.2)
    await bench.result(R1)
    assert not _commands(f"sleep {NAP}")


async def test_a_stopped_process_hears_its_end(bench: Bench) -> None:
    bench.start(R1, shell="trap 'echo bye; exit 0' TERM; trap '' INT; echo ready; kill -STOP $$; sleep 1")
    await bench.until(R1, "ready")
    bench.commands.stop(R1, grace=20)
    assert (await bench.result(R1)).outcome == "terminated"


async def test_a_second_stop_shortens_the_grace(bench: Bench) -> None:
    bench.start(R1, shell=STUBBORN, on_halt="terminate", grace=600)
    await bench.until(R1, "ready")
    bench.halt("n1")
    await asyncio.sleep(0.3)
    bench.commands.stop(R1, grace=0.1)
    result = await bench.result(R1)
    assert (result.ended_by, result.signal) == ("halt", 9)


async def test_a_timeout_ends_it_and_says_so(bench: Bench) -> None:
    bench.start(R1, argv=["sleep", "60"], timeout=0.3)
    result = await bench.result(R1)
    assert (result.outcome, result.ended_by) == ("timeout", "timeout")
    assert result.seconds >= 0.3


async def test_a_halt_file_ends_a_running_command_with_no_station_at_all(bench: Bench, tmp_path: Path) -> None:
    bench.start(R1, argv=["sleep", "60"], on_halt="terminate")
    await _runner_note(bench, R1)
    await bench.commands.close()  # nobody listens any more
    bench.halt("nonce-1")
    report = tmp_path / "spool" / R1 / "result.json"
    await asyncio.wait_for(_there(report), 5)
    said = json.loads(report.read_text())
    assert (said["outcome"], said["ended_by"], said["halts"]) == ("terminated", "halt", ["nonce-1"])
    assert said["seconds"] < 5


@pytest.mark.parametrize("action", ["finish", "ask"])
async def test_a_halt_lets_a_command_finish_that_says_so(bench: Bench, tmp_path: Path, action: str) -> None:
    bench.start(R1, shell=f"until [ -e {tmp_path}/go ]; do sleep 0.05; done", on_halt=action)
    await _runner_note(bench, R1)
    bench.halt("nonce-1")
    await asyncio.sleep(0.5)
    assert bench.commands.running() == [R1]
    (tmp_path / "go").touch()
    result = await bench.result(R1)
    assert result.ok
    assert result.halts == ("nonce-1",)


async def test_an_unanswered_halt_refuses_the_start_and_an_answered_one_does_not(
    bench: Bench, tmp_path: Path
) -> None:
    bench.halt("old")
    bench.start(R1, argv=["touch", f"{tmp_path}/ran"], answered=["other"])
    result = await bench.result(R1)
    assert (result.outcome, result.halts, result.nothing_ran) == ("refused", ("old",), True)
    assert not (tmp_path / "ran").exists()
    bench.start(R2, argv=["touch", f"{tmp_path}/ran"], answered=["old"])
    assert (await bench.result(R2)).ok
    assert (tmp_path / "ran").exists()


async def test_a_halts_folder_that_cannot_be_read_refuses_the_start(bench: Bench, tmp_path: Path) -> None:
    prepared = bench.commands.prepare(R1, "step", argv=["true"], env=bench.env)
    (tmp_path / "halts").rmdir()
    bench.commands.launch(prepared)
    assert (await bench.result(R1)).outcome == "refused"


async def test_the_stop_argv_ends_it_on_the_far_side(bench: Bench, tmp_path: Path) -> None:
    bench.start(
        R1,
        shell="echo ready; sleep 60",
        stop=["sh", "-c", f"sleep 0.3; echo far side stopped; touch {tmp_path}/far; exit 4"],
    )
    await bench.until(R1, "ready")
    bench.commands.stop(R1)
    result = await bench.result(R1)
    assert result.outcome == "terminated"
    assert result.stop_command is not None
    assert result.stop_command.exit_code == 4
    assert (tmp_path / "far").exists()
    assert "far side stopped" in (tmp_path / "spool" / R1 / "output").read_text()


async def test_a_stop_argv_that_does_not_exist_is_said(bench: Bench) -> None:
    bench.start(R1, shell="echo ready; sleep 60", stop=["/no/such/stop"])
    await bench.until(R1, "ready")
    bench.commands.stop(R1)
    result = await bench.result(R1)
    assert result.stop_command is not None
    assert result.stop_command.exit_code is None
    assert "No such file" in result.stop_command.message


async def test_sigterm_to_the_runner_stops_the_command_and_reports(bench: Bench) -> None:
    bench.start(R1, shell="echo ready; sleep 60")
    await bench.until(R1, "ready")
    os.kill((await _runner_note(bench, R1))["runner"]["pid"], signal.SIGTERM)
    assert (await bench.result(R1)).ended_by == "stop"


async def test_a_new_station_finds_the_running_command_and_its_result(bench: Bench, tmp_path: Path) -> None:
    bench.start(R1, shell=f"echo before; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo after; exit 5")
    await bench.until(R1, "before")
    await bench.commands.close()
    bench.commands = bench.station()
    assert bench.commands.running() == []
    assert [(found.run, found.state) for found in await bench.commands.reattach()] == [(R1, "alive")]
    (tmp_path / "go").touch()
    assert (await bench.until(R1, "after")).text == "before\nafter\n"
    assert (await bench.result(R1)).exit_code == 5


STATION = """
import asyncio, pathlib, sys
from quarterdeck.station.commands.runs import Commands
async def station(folder):
    commands = Commands(pathlib.Path(folder), lambda said: print(said, flush=True))
    script = f"echo before; until [ -e {folder}/go ]; do sleep 0.05; done; echo after; exit 5"
    commands.launch(commands.prepare(sys.argv[2], "step", shell=script, env={"PATH": "/usr/bin:/bin"}))
    await asyncio.sleep(60)
asyncio.run(station(sys.argv[1]))
"""


async def test_a_station_killed_with_its_whole_process_group_leaves_the_command_running(
    bench: Bench, tmp_path: Path
) -> None:
    station = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STATION, str(tmp_path), R1, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    bench.runs.append(R1)
    assert station.stdout is not None
    assert b"before" in await asyncio.wait_for(station.stdout.readline(), 45)
    os.killpg(station.pid, signal.SIGHUP)
    os.killpg(station.pid, signal.SIGKILL)
    await station.wait()
    assert [(found.run, found.state) for found in await bench.commands.reattach()] == [(R1, "alive")]
    (tmp_path / "go").touch()
    await bench.until(R1, "before\nafter\n")
    assert (await bench.result(R1)).exit_code == 5


async def test_a_result_that_came_while_no_station_lived_is_found(bench: Bench, tmp_path: Path) -> None:
    bench.start(R1, argv=["false"])
    await bench.commands.close()
    await asyncio.wait_for(_there(tmp_path / "spool" / R1 / "result.json"), 45)
    bench.commands = bench.station()
    (found,) = await bench.commands.reattach()
    assert found.state == "finished"
    assert found.result is not None
    assert found.result.exit_code == 1


async def test_an_order_that_no_runner_took_is_revoked_and_never_runs(bench: Bench, tmp_path: Path) -> None:
    prepared = bench.commands.prepare(R1, "drop", argv=["touch", f"{tmp_path}/ran"], env=bench.env)
    bench.commands = bench.station()  # the first one died between `step.started` and the start
    (found,) = await bench.commands.reattach()
    assert found.state == "finished"
    assert found.result is not None
    assert (found.result.outcome, found.result.step) == ("refused", "drop")
    assert not (tmp_path / "spool" / R1 / SPEC).exists()
    bench.commands.launch(prepared)
    await bench.result(R1)
    assert not (tmp_path / "ran").exists()


async def test_a_killed_runner_is_lost_and_its_orphans_are_found_and_ended(
    bench: Bench, alive: Callable[[str], set[int]]
) -> None:
    bench.start(R1, shell=f"(setsid sleep {NAP} &) ; {STUBBORN}")
    await bench.until(R1, "ready")
    os.kill((await _runner_note(bench, R1))["runner"]["pid"], signal.SIGKILL)
    result = await bench.result(R1)
    assert (result.outcome, result.exit_code, result.nothing_ran) == ("lost", None, False)
    assert f"sleep {NAP}" in {seen.command for seen in result.survivors}
    found = find_orphans(R1)
    assert f"sleep {NAP}" in {seen.command for seen in found}
    assert len({seen.pid for seen in found} & alive(R1)) >= 2  # the shell too; its naps come and go
    ended, left = await end_orphans(R1, 0.5, cleanup=False)
    assert f"sleep {NAP}" in {seen.command for seen in ended}
    assert left == []
    assert alive(R1) == set()
    bench.commands = bench.station()
    assert [(again.run, again.state) for again in await bench.commands.reattach()] == [(R1, "lost")]


async def test_a_run_whose_folder_was_deleted_is_lost_and_never_called_not_begun(
    bench: Bench, tmp_path: Path
) -> None:
    bench.start(R1, shell=f"echo ready; until [ -e {tmp_path}/go ]; do sleep 0.05; done")
    await bench.until(R1, "ready")
    shutil.rmtree(tmp_path / "spool")
    (tmp_path / "go").touch()
    result = await bench.result(R1)
    assert (result.outcome, result.nothing_ran) == ("lost", False)


async def test_a_pid_of_another_boot_is_not_taken_for_the_runner(bench: Bench, tmp_path: Path) -> None:
    bench.start(R1, shell="echo ready; sleep 60")
    await bench.until(R1, "ready")
    await bench.commands.close()
    note = tmp_path / "spool" / R1 / "runner.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"boot": "an older one"}))
    bench.commands = bench.station()
    assert [found.state for found in await bench.commands.reattach()] == ["lost"]


async def test_on_crash_kill_ends_the_command_when_its_station_is_gone(bench: Bench, tmp_path: Path) -> None:
    prepared = bench.commands.prepare(R1, "step", argv=["sleep", "60"], env=bench.env, on_crash="kill")
    order = tmp_path / "spool" / R1 / SPEC
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    order.write_text(json.dumps(json.loads(order.read_text()) | {"station_pid": gone.pid, "station_start": 1}))
    bench.runs.append(R1)
    bench.commands.launch(prepared)
    result = await bench.result(R1)
    assert (result.outcome, result.ended_by) == ("terminated", "crash")


async def test_become_root_goes_through_sudo_without_a_password_prompt(bench: Bench, tmp_path: Path) -> None:
    sudo = tmp_path / "bin" / "sudo"
    sudo.parent.mkdir()
    sudo.write_text('#!/bin/sh\necho "sudo got: $*"\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    sudo.chmod(0o755)
    bench.env["PATH"] = f"{sudo.parent}:{bench.env['PATH']}"
    bench.start(R1, argv=["echo", "a b"], become="root", become_env=["PGSERVICE", "A"])
    tail = await bench.until(R1, "a b\n")
    assert "sudo got: -n --preserve-env=A,PGSERVICE -- echo a b" in tail.text


# -- processes of another user: needs root, to make some ---------------------------------------------------------


@pytest.fixture
def as_nobody() -> Iterator[Callable[..., dict[str, Any]]]:
    """Run an order as `nobody`, with a `sudo` that works; gives the report."""
    system_python = Path("/usr/bin/python3")
    enough = "import sys; sys.exit(sys.version_info < (3, 11))"
    if os.getuid() != 0:
        pytest.skip("only root can make processes of another user")
    if not shutil.which("setpriv") or subprocess.run([system_python, "-c", enough], check=False).returncode:
        pytest.skip("needs setpriv and a system Python that other users may run")
    folder = Path(tempfile.mkdtemp(prefix="qd-nobody-"))
    folder.chmod(0o755)
    source = Path(__file__).parents[2] / "src"
    shutil.copytree(source / "quarterdeck" / "runner", folder / "src" / "quarterdeck" / "runner")
    for name in ("__init__.py", "errors.py", "host.py", "regular_files.py"):
        shutil.copy(source / "quarterdeck" / name, folder / "src" / "quarterdeck" / name)
    rooted = folder / "rooted"
    shutil.copy(str(shutil.which("setpriv")), rooted)
    rooted.chmod(0o4755)
    (folder / "bin").mkdir()
    become = f'{rooted} --reuid=0 --regid=0 --clear-groups "$@"'
    (folder / "bin" / "sudo").write_text(f'#!/bin/sh\nshift; [ "$1" = -- ] && shift\nexec {become}\n')
    (folder / "bin" / "sudo").chmod(0o755)

    def run(become: str, script: str) -> dict[str, Any]:
        place = folder / "run"
        place.mkdir()
        argv = (
            ["sudo", "-n", "--", "sh", "-c", script]
            if become
            else [str(folder / "bin" / "sudo"), "-n", "sh", "-c", script]
        )
        order = {
            "run": R1,
            "step": "s",
            "argv": argv,
            "cwd": "/",
            "halts": "",
            "answered": [],
            "on_halt": "finish",
            "grace": 0.2,
            "timeout": 0.4,
            "on_crash": "keep",
            "station_pid": 1,
            "station_start": 1,
            "stop": [],
            "become": become,
            "become_env": [],
            "head": 1000,
            "ring": 1000,
            "env": {"PATH": f"{folder}/bin:/usr/bin:/bin"},
        }
        (place / SPEC).write_text(json.dumps(order))
        shutil.chown(place, "nobody")
        shutil.chown(place / SPEC, "nobody")
        with subprocess.Popen(
            [system_python, "-m", "quarterdeck.runner", str(place / SPEC)],
            user="nobody",
            env={"PYTHONPATH": str(folder / "src")},
            cwd="/",
            stderr=subprocess.DEVNULL,
        ) as shim:
            subprocess.run(
                ["timeout", "10", "sh", "-c", f"until [ -e {place}/result.json ]; do sleep 0.05; done"], check=True
            )
            shim.kill()
        report: dict[str, Any] = json.loads((place / "result.json").read_text())
        return report

    yield run
    for pid in _commands(f"sleep {NAP}"):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)


def test_what_we_may_not_signal_is_shown_with_pid_and_owner(as_nobody: Callable[..., dict[str, Any]]) -> None:
    report = as_nobody("", f"exec sleep {NAP}")
    assert report["outcome"] == "timeout"
    (survivor,) = report["survivors"]
    assert (survivor["owner"], survivor["command"]) == ("root", f"sleep {NAP}")
    assert survivor["pid"] in _commands(f"sleep {NAP}")


def test_a_root_command_is_stopped_through_sudo(as_nobody: Callable[..., dict[str, Any]]) -> None:
    report = as_nobody("root", f"exec sleep {NAP}")
    assert (report["outcome"], report["survivors"]) == ("timeout", [])
    assert not _commands(f"sleep {NAP}")


# -- helpers -----------------------------------------------------------------------------------------------------


def _commands(line: str) -> list[int]:
    found = subprocess.run(["pgrep", "-f", "-x", line], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


async def _there(path: Path) -> None:
    while not path.exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.02)


async def _runner_note(bench: Bench, run: str) -> dict[str, Any]:
    path = bench.folder / "spool" / run / "runner.json"
    await asyncio.wait_for(_there(path), 45)
    while True:
        note: dict[str, Any] = json.loads(path.read_text())
        if note["child"]:
            return note
        await asyncio.sleep(0.02)
