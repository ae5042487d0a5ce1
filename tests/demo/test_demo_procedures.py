"""The two shipped procedures: they lint clean, run only commands that exist, and the bad night is really bad."""

from __future__ import annotations

import sqlite3
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.demo.tool import VERBS, parser
from quarterdeck.demo.world import World
from quarterdeck.observer.checks.health_json import numbers
from quarterdeck.procedure.check import load
from quarterdeck.procedure.check import parse as parse_procedure
from quarterdeck.procedure.conditions import evaluate, parse
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.procedure.quantities import Quantity
from quarterdeck.shipped import shipped

RunTool = Callable[..., int]
StartWorld = Callable[..., World]
Ask = Callable[..., tuple[int, Any, dict[str, str]]]

NAMES = ("demo-database-maintenance", "demo-bad-night")


def path_of(name: str) -> Path:
    return shipped("procedures") / f"{name}.yaml"


def steps_of(procedure: Procedure) -> Iterator[Step]:
    lists = [
        procedure.preconditions,
        *(stage.steps for stage in procedure.stages),
        procedure.rollback.verify,
        procedure.contingency,
        procedure.closing,
    ]
    for steps in lists:
        for step in steps:
            yield step
            yield from step.undo


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_demo_procedure_lints_without_a_word(name: str) -> None:
    text = path_of(name).read_text(encoding="utf-8")
    assert parse_procedure(text, path=name, params={}).problems == ()


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_demo_procedure_exists(name: str) -> None:
    procedure = load(path_of(name), {"python": sys.executable})
    commands = [
        argv
        for step in steps_of(procedure)
        for argv in (
            step.command,
            *(item.command for item in step.verify),
            step.progress.command if step.progress else (),
            step.gone.command if step.gone else (),
        )
        if argv
    ]
    assert commands
    for argv in commands:
        assert argv[:3] == (sys.executable, "-m", "quarterdeck.demo.tool")
        words = [word.replace("${count.latest}", "1") for word in argv[3:]]
        assert parser().parse_args(words).verb in VERBS


@pytest.mark.parametrize("name", NAMES)
def test_every_changing_step_has_an_undo_or_the_reason_why_not(name: str) -> None:
    procedure = load(path_of(name))
    changing = [step for stage in procedure.stages for step in stage.steps if step.mutates]
    assert len(changing) >= 5
    assert all(bool(step.undo) != bool(step.undo_none) for step in changing)


def test_the_good_night_fits_a_window_of_fifteen_minutes_with_its_rollback() -> None:
    procedure = load(path_of(NAMES[0]))
    steps = [step for stage in procedure.stages for step in stage.steps]
    change = sum(step.duration for step in steps)
    undo = sum(one.duration for step in steps for one in step.undo)
    undo += sum(step.duration for step in procedure.rollback.verify)
    people = 180 + 30 * sum(len(step.undo) for step in steps)
    assert change + undo + people + (procedure.window.reserve or 0) < 15 * 60


class Readings:
    """Health documents as the observer reads them and a guard sees them."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._read = [numbers(document) for document in documents]

    def value(self, metric: str) -> Quantity | str | None:
        return self.over("p50", metric, 0)

    def over(self, function: str, metric: str, seconds: float) -> Quantity | None:  # noqa: ARG002 - as asked
        name = metric.partition(".")[2]
        found = [values[name] for values, _ in self._read if name in values]
        units = {units.get(name, "") for _, units in self._read}
        return Quantity(statistics.median(map(float, found)), units.pop()) if found else None


def test_dropping_the_index_really_makes_the_front_page_slow_and_its_undo_quick_again(
    start_world: StartWorld, run_tool: RunTool, ask: Ask
) -> None:
    world = start_world(rows=200_000)
    slow = next(guard for guard in load(path_of(NAMES[1])).guards if guard.id == "api-slow")
    condition = parse(slow.when.split(" or ")[0])

    def holds() -> bool | None:
        return evaluate(condition, Readings([ask(world.url, "GET", "/health")[1] for _ in range(5)]))

    assert holds() is False
    assert run_tool(world.home, "drop-old-index", "--require-new") == 1
    assert run_tool(world.home, "drop-old-index") == 0
    assert holds() is True
    assert run_tool(world.home, "rebuild-old-index") == 0
    assert holds() is False
    assert world.stats().missing == 0


def test_the_reported_disk_is_read_with_its_unit(start_world: StartWorld, ask: Ask) -> None:
    world = start_world()
    full = next(guard for guard in load(path_of(NAMES[0])).guards if guard.id == "disk-out")
    assert evaluate(parse(full.when), Readings([ask(world.url, "GET", "/health")[1]])) is False
    world.fault("disk")
    assert evaluate(parse(full.when), Readings([ask(world.url, "GET", "/health")[1]])) is True


def test_the_full_database_is_archived_and_brought_back_whole(start_world: StartWorld, run_tool: RunTool) -> None:
    world = start_world(rows=200_000)
    home = world.home

    def fingerprint(database: Path) -> str:
        connection = sqlite3.connect(database)
        try:
            return str(
                connection.execute("select count(*), sum(cents), sum(id) from orders where id <= 200000").fetchone()
            )
        finally:
            connection.close()

    before = fingerprint(home.database)
    for verb in ("backup", "archive", "delete-archived", "vacuum"):
        assert run_tool(home, verb) == 0
    assert fingerprint(home.database) != before
    for verb in ("restore-archived", "drop-archive"):
        assert run_tool(home, verb) == 0
    assert fingerprint(home.database) == before
    assert world.stats().missing == 0
