"""The shim and the station's side together, on real processes: what ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from quarterdeck.errors import StationError

if TYPE_CHECKING:
    from tests.runner.conftest import Bench

R1, R2 = (f"{name}-{secrets.token_hex(4)}" for name in ("r1", "r2"))  # other workers run commands as well


async def test_a_command_gives_its_output_and_its_exit_code(bench: Bench) -> None:
    bench.start(R1, shell="echo to stdout; echo to stderr >&2; exit 3")
    tail = await bench.until(R1, "to stderr")
    assert tail.text == "to stdout\nto stderr\n"
    result = await bench.result(R1)
    assert (result.outcome, result.exit_code, result.ended_by, result.ok) == ("exited", 3, "", False)
    assert result.output_total == 20
    assert 0 < result.seconds < 5
    assert result.ended_boot_ns > result.started_boot_ns
    assert bench.commands.running() == []


async def test_the_environment_is_the_order_and_the_tag_and_nothing_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAK", "from the station")
    bench.start(R1, argv=["/usr/bin/env"])
    tail = await bench.until(R1, "QUARTERDECK_RUN")
    names = {line.partition("=")[0] for line in tail.text.splitlines()}
    assert names == {"PATH", "HOME", "LANG", "QUARTERDECK_RUN"}


async def test_stdin_is_empty_so_that_a_command_that_asks_does_not_hang(bench: Bench) -> None:
    bench.start(R1, shell="read answer || echo nobody answers; exit 0")
    await bench.until(R1, "nobody answers")
    assert (await bench.result(R1)).ok


async def test_a_command_has_no_terminal_to_ask_for_a_password_on(bench: Bench) -> None:
    bench.start(R1, shell="echo password? > /dev/tty || exit 9")
    assert (await bench.result(R1)).exit_code == 9


@pytest.mark.parametrize(
    ("argv", "outcome", "words"),
    [
        (["quarterdeck-no-such-program"], "not_found", "was not found in PATH"),
        (["/no/such/program"], "not_found", "/no/such/program was not found"),
        (["{folder}/plain"], "not_executable", "may not be executed"),
        (["{folder}"], "not_executable", "may not be executed"),
        (["{folder}/lost"], "not_found", "interpreter"),
        (["{folder}/blob"], "not_executable", "is no program"),
        (["a\0b"], "failed_to_start", "null byte"),
        (["true", "x" * 3_000_000], "failed_to_start", "too long"),
    ],
    ids=[
        "not in PATH",
        "no such path",
        "no exec bit",
        "a folder",
        "lost interpreter",
        "no format",
        "NUL",
        "too long",
    ],
)
async def test_what_cannot_be_executed_says_why_and_ran_nothing(
    bench: Bench, tmp_path: Path, argv: list[str], outcome: str, words: str
) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    for name, content in (("lost", "#!/no/such/interpreter\n"), ("blob", "\x01\x02\x03")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    bench.start(R1, argv=[word.format(folder=tmp_path) if "{" in word else word for word in argv])
    result = await bench.result(R1)
    assert result.outcome == outcome
    assert words in result.message
    assert result.nothing_ran


async def test_a_missing_working_folder_is_named(bench: Bench) -> None:
    bench.start(R1, argv=["true"], cwd="/no/such/folder")
    result = await bench.result(R1)
    assert result.outcome == "failed_to_start"
    assert "/no/such/folder" in result.message


async def test_a_command_that_dies_of_a_signal_says_which(bench: Bench) -> None:
    bench.start(R1, shell="kill -SEGV $$")
    result = await bench.result(R1)
    assert (result.outcome, result.signal, result.exit_code, result.ended_by) == ("signalled", 11, None, "")


async def test_background_children_of_a_command_that_ended_are_left_alone_and_reported(
    bench: Bench, alive: Callable[[str], set[int]]
) -> None:
    bench.start(R1, shell="sleep 60 & (setsid sleep 61 &) ; exit 0")
    result = await bench.result(R1)
    assert result.ok
    assert {seen.command for seen in result.left_behind} == {"sleep 60", "sleep 61"}
    assert {seen.pid for seen in result.left_behind} <= alive(R1)


async def test_a_daemon_that_goes_on_writing_is_not_killed_by_a_closed_pipe(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = f"while [ ! -e {go} ]; do sleep 0.02; done; head -c 3000000 /dev/zero; echo wrote > {tmp_path}/proof"
    bench.start(R1, shell=f"({script}) & echo started")
    result = await bench.result(R1)
    assert result.ok
    assert result.left_behind
    go.touch()
    await asyncio.wait_for(_written(tmp_path / "proof"), 45)


async def test_a_run_is_prepared_once_and_needs_one_kind_of_command(bench: Bench) -> None:
    bench.commands.prepare(R1, "step", argv=["true"], env=bench.env)
    with pytest.raises(StationError, match="prepared before"):
        bench.commands.prepare(R1, "step", argv=["true"], env=bench.env)
    with pytest.raises(StationError, match="either"):
        bench.commands.prepare(R2, "step", argv=["true"], shell="true", env=bench.env)
    with pytest.raises(StationError, match="no name"):
        bench.commands.prepare("../r3", "step", argv=["true"], env=bench.env)


async def test_an_order_is_executed_once_even_if_it_is_given_twice(bench: Bench, tmp_path: Path) -> None:
    prepared = bench.commands.prepare(R1, "step", shell=f"echo ran >> {tmp_path}/count", env=bench.env)
    assert not (tmp_path / "count").exists()
    bench.commands.launch(prepared)
    assert (await bench.result(R1)).ok
    second = [sys.executable, "-m", "quarterdeck.runner", str(tmp_path / "spool" / R1 / "spec.json")]
    process = await asyncio.create_subprocess_exec(*second)
    assert await process.wait() == 3
    assert (tmp_path / "count").read_text() == "ran\n"


async def test_the_order_with_its_environment_is_gone_and_the_rest_is_private(bench: Bench, tmp_path: Path) -> None:
    bench.env["TOKEN"] = "canary-7431"
    bench.start(R1, argv=["true"])
    await bench.result(R1)
    folder = tmp_path / "spool" / R1
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
        assert b"canary-7431" not in file.read_bytes()


async def test_output_larger_than_the_spool_keeps_head_and_tail_and_states_the_cut(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.commands.close()
    bench.commands = bench.station(spool_limit=1_000_000)
    bench.start(R1, shell="echo first; seq 1 3000000; echo last")
    result = await bench.result(R1)
    assert result.ok
    assert result.output_cut == result.output_total - 1_000_000 > 20_000_000
    assert (tmp_path / "spool" / R1 / "output").stat().st_size <= 1_000_000


async def test_a_runner_that_breaks_before_it_begins_is_a_failed_start(bench: Bench, tmp_path: Path) -> None:
    prepared = bench.commands.prepare(R1, "step", argv=["true"], env=bench.env)
    (tmp_path / "spool" / R1 / "spec.json").write_text("{")
    bench.commands.launch(prepared)
    result = await bench.result(R1)
    assert result.outcome == "failed_to_start"
    assert "spec.json" in result.message


async def test_no_process_left_to_start_with_is_a_failed_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    bench.start(R1, argv=["true"])
    result = await bench.result(R1)
    assert result.outcome == "failed_to_start"
    assert [(found.run, found.state) for found in await bench.commands.reattach()] == [(R1, "finished")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


async def test_a_disk_that_fills_up_loses_output_and_says_so_and_keeps_the_result(
    bench: Bench, small_disk: Path
) -> None:
    await bench.commands.close()
    bench.folder = small_disk
    bench.commands = bench.station()
    bench.start(R1, shell="head -c 1000000 /dev/zero; exit 6")
    result = await bench.result(R1)
    assert (result.outcome, result.exit_code, result.output_total) == ("exited", 6, 1_000_000)
    assert "No space left" in result.output_error


async def test_a_disk_that_is_full_already_starts_nothing(bench: Bench, small_disk: Path, tmp_path: Path) -> None:
    await bench.commands.close()
    bench.folder = small_disk
    bench.commands = bench.station()
    prepared = bench.commands.prepare(R1, "step", argv=["touch", str(tmp_path / "ran")], env=bench.env)
    with contextlib.suppress(OSError):
        (small_disk / "filler").write_bytes(b"x" * 400_000)
    bench.commands.launch(prepared)
    result = await bench.result(R1)
    assert result.nothing_ran
    assert not (tmp_path / "ran").exists()
    with pytest.raises(StationError, match="cannot be written"):
        bench.commands.prepare(R2, "step", argv=["true"], env=bench.env)


def test_the_shim_needs_nothing_but_the_standard_library() -> None:
    script = (
        "import sys, quarterdeck.runner.supervise, json;"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)))"
    )
    said = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, check=False, env=_source_path())
    ours = set(json.loads(said.stdout))
    assert ours <= {"__main__", "quarterdeck"}, said.stderr


async def _written(path: Path) -> None:
    while not (path.exists() and path.stat().st_size):  # noqa: ASYNC110, ASYNC240 - another process writes it
        await asyncio.sleep(0.02)


def _source_path() -> dict[str, str]:
    import quarterdeck

    return {"PYTHONPATH": str(Path(quarterdeck.__file__).parent.parent)}


@pytest.mark.soak
@pytest.mark.parametrize("script", ["yes | head -c 1000000000", "head -c 100000000 /dev/zero | tr '\\0' x"])
async def test_a_gigabyte_and_a_line_of_100_mb_fill_neither_disk_nor_memory(
    bench: Bench, tmp_path: Path, script: str
) -> None:
    bench.start(R1, shell=script)
    result = await bench.result(R1)
    assert result.ok
    assert result.output_total in (1_000_000_000, 100_000_000)
    assert (tmp_path / "spool" / R1 / "output").stat().st_size <= 64 * 1024 * 1024
