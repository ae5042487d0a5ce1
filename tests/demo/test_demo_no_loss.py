"""Our own demo must not lose data: a rollback from every step, and kill -9 in the middle of every command."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.demo import tool
from quarterdeck.demo.database import OLD_INDEX
from quarterdeck.demo.files import Home
from quarterdeck.demo.receipts import count
from quarterdeck.demo.world import World
from quarterdeck.procedure.check import load
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.shipped import shipped

Until = Callable[..., None]
RunTool = Callable[..., int]
StartWorld = Callable[..., World]

GOOD_NIGHT = shipped("procedures") / "demo-database-maintenance.yaml"


def good_night(world: World) -> Procedure:
    port = world.url.rpartition(":")[2]
    params = {"home": str(world.home.folder), "url": world.url, "port": port, "python": sys.executable}
    return load(GOOD_NIGHT, params)


def run(step: Step) -> None:
    """Run a step's command as the procedure has it, in this process and without its pauses."""
    words = [word.replace("${count.latest}", "1000000") for word in step.command[3:]]
    for option, quick in (("--pause", "0"), ("--down", "0.1")):
        if option in words:
            words[words.index(option) + 1] = quick
    assert tool.main(words) == 0, step.id


def changing(procedure: Procedure) -> list[Step]:
    return [step for stage in procedure.stages for step in stage.steps if step.mutates]


def indexes(home: Home) -> set[str]:
    connection = sqlite3.connect(home.database)
    try:
        found = connection.execute("select name from sqlite_master where type = 'index' and sql is not null")
        return {row[0] for row in found}
    finally:
        connection.close()


def test_a_rollback_from_every_step_finds_every_receipt(start_world: StartWorld, until: Until) -> None:
    world = start_world(rows=4_000)
    steps = changing(good_night(world))
    before_the_point = steps[: next(i for i, step in enumerate(steps) if step.point_of_no_return)]
    assert [step.id for step in before_the_point if step.undo] == ["archive", "delete", "build-new", "drop-old"]
    for last in range(1, len(before_the_point) + 1):
        began = world.stats().orders_acknowledged
        for step in before_the_point[:last]:
            run(step)
        until(lambda began=began: world.stats().orders_acknowledged > began)
        for step in reversed(before_the_point[:last]):
            for undo in step.undo:
                run(undo)
        assert world.stats().missing == 0, before_the_point[last - 1].id
        assert indexes(world.home) == {OLD_INDEX}
        assert not world.home.archive.exists()
    world.end()
    assert world.stats().missing == 0


def test_after_the_point_of_no_return_the_whole_restore_loses_nothing(
    start_world: StartWorld, until: Until, run_tool: RunTool
) -> None:
    world = start_world(rows=4_000)
    procedure = good_night(world)
    until(lambda: world.stats().orders_acknowledged > 3)
    for step in changing(procedure):
        run(step)
    after_backup = world.stats().orders_acknowledged
    until(lambda: world.stats().orders_acknowledged > after_backup + 3)
    assert run_tool(world.home, "restore-archived") == 1
    assert run_tool(world.home, "restore-whole") == 1
    for step in procedure.contingency:
        run(step)
    assert world.stats().missing == 0
    assert indexes(world.home) == {OLD_INDEX}
    restored = world.stats().orders_acknowledged
    until(lambda: world.stats().orders_acknowledged > restored + 3)
    world.end()
    assert world.stats().missing == 0


def start_command(home: Home, *words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "quarterdeck.demo.tool", *words, "--home", str(home.folder)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def kill_after_lines(home: Home, lines: int, *words: str) -> None:
    """Start a command, and kill it as soon as it printed so many lines."""
    command = start_command(home, *words)
    assert command.stdout is not None
    for _ in range(lines):
        command.stdout.readline()
    command.kill()
    command.wait()
    command.stdout.close()


def test_kill_in_the_middle_of_archiving_deleting_and_undoing_loses_nothing(
    start_world: StartWorld, until: Until, run_tool: RunTool
) -> None:
    world = start_world(rows=4_000)
    home = world.home
    until(lambda: world.stats().orders_acknowledged > 3)
    assert run_tool(home, "backup") == 0
    for verb in ("archive", "delete-archived", "restore-archived"):
        for lines in (1, 3):
            kill_after_lines(home, lines, verb, "--batch", "100")
            assert world.stats().missing == 0, verb
        assert run_tool(home, verb) == 0
        assert world.stats().missing == 0, verb
    assert run_tool(home, "drop-archive") == 0
    world.end()
    assert world.stats().missing == 0


def test_an_undo_after_a_killed_forward_command_brings_everything_back(
    start_world: StartWorld, run_tool: RunTool
) -> None:
    world = start_world(rows=4_000)
    home = world.home
    assert run_tool(home, "backup") == 0
    kill_after_lines(home, 4, "archive", "--batch", "100")
    assert run_tool(home, "drop-archive") == 0
    assert run_tool(home, "archive") == 0
    kill_after_lines(home, 4, "delete-archived", "--batch", "100")
    assert run_tool(home, "drop-archive") == 1, "orders that only the archive has keep it"
    kill_after_lines(home, 2, "restore-archived", "--batch", "100")
    assert run_tool(home, "restore-archived") == 0
    assert run_tool(home, "drop-archive") == 0
    assert world.stats().missing == 0


def test_kill_in_the_middle_of_a_whole_restore_leaves_the_old_or_the_new_database(
    start_world: StartWorld, until: Until, run_tool: RunTool
) -> None:
    world = start_world(rows=20_000)
    home = world.home
    for verb in ("backup", "archive", "delete-archived"):
        assert run_tool(home, verb) == 0
    until(lambda: world.stats().orders_acknowledged > 3)
    assert run_tool(home, "refuse-writes") == 0
    for lines in (1, 2, 3, 3, 3):
        kill_after_lines(home, lines, "restore-whole")
        assert run_tool(home, "integrity-check") == 0
        assert count(home.folder)[1] == 0
    assert run_tool(home, "restore-whole") == 0
    assert run_tool(home, "accept-writes") == 0
    assert world.stats().missing == 0


@pytest.mark.parametrize("verb", ["vacuum", "build-new-index", "backup", "rebuild-old-index"])
def test_kill_at_any_moment_of_one_long_statement_leaves_a_sound_database(
    home: Home, verb: str, run_tool: RunTool
) -> None:
    for part in range(4):
        command = start_command(home, verb)
        try:
            command.wait(0.06 + part * 0.03)
        except subprocess.TimeoutExpired:
            command.kill()
            command.wait()
        assert command.stdout is not None
        command.stdout.close()
        assert run_tool(home, "integrity-check") == 0
        assert count(home.folder) == (0, 0)
    assert run_tool(home, verb) == 0
    assert run_tool(home, "integrity-check") == 0


def test_nothing_is_deleted_without_a_backup_or_without_an_archive(home: Home, run_tool: RunTool) -> None:
    assert run_tool(home, "archive") == 0
    assert run_tool(home, "delete-archived") == 1
    assert run_tool(home, "backup") == 0
    assert run_tool(home, "drop-archive") == 0
    assert run_tool(home, "delete-archived") == 1
    assert count(home.folder) == (0, 0)


def test_an_order_that_differs_from_its_archived_copy_is_not_deleted(home: Home, run_tool: RunTool) -> None:
    assert run_tool(home, "backup") == 0
    assert run_tool(home, "archive") == 0
    connection = sqlite3.connect(home.database)
    connection.execute("update orders set cents = 1 where id = 5")
    connection.commit()
    assert run_tool(home, "delete-archived") == 0
    assert connection.execute("select count(*) from orders where id = 5").fetchone()[0] == 1
    assert connection.execute("select count(*) from orders where id = 6").fetchone()[0] == 0
    connection.close()
    assert run_tool(home, "drop-archive") == 1


def test_a_damaged_backup_is_refused(home: Home, run_tool: RunTool) -> None:
    assert run_tool(home, "backup") == 0
    with home.backup.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 4)
    assert run_tool(home, "verify-backup") == 1
    assert run_tool(home, "refuse-writes") == 0
    assert run_tool(home, "restore-whole") == 1
    assert count(home.folder) == (0, 0)


def test_two_changing_commands_never_run_at_once(home: Home, run_tool: RunTool) -> None:
    command = start_command(home, "archive", "--batch", "50", "--pause", "30")
    assert command.stdout is not None
    command.stdout.readline()
    assert run_tool(home, "idle") == 1
    assert run_tool(home, "row-count") == 0
    command.kill()
    command.wait()
    command.stdout.close()
    assert run_tool(home, "idle") == 0


def test_a_told_step_fails_once_before_it_changes_anything(home: Home, run_tool: RunTool) -> None:
    World(home.folder).fault("step")
    assert run_tool(home, "backup") == 0, "only steps of the forward plan's change fail"
    assert run_tool(home, "archive") == 1
    assert not home.archive.exists()
    assert run_tool(home, "archive") == 0


def test_a_missing_home_is_a_failure_and_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run_tool: RunTool
) -> None:
    assert run_tool(Home(tmp_path / "nowhere"), "row-count") == 1
    assert "unable to open" in capsys.readouterr().err
