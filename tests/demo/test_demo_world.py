"""The demo's world: it starts, says how it is, and ends, whatever happens to whoever started it."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.demo import archiving, upkeep
from quarterdeck.demo.auto import seconds_of_the_shop
from quarterdeck.demo.files import LEASE_SECONDS, Home, lease_is_fresh, read_json
from quarterdeck.demo.job import Job
from quarterdeck.demo.world import World
from quarterdeck.errors import QuarterdeckError

Until = Callable[..., None]
RunTool = Callable[..., int]
StartWorld = Callable[..., World]
Ask = Callable[..., tuple[int, Any, dict[str, str]]]


def gone(pid: int) -> bool:
    """True where the process is no more, or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def all_gone(pids: dict[str, int]) -> bool:
    return all(gone(pid) for pid in pids.values())


def test_a_world_takes_orders_and_misses_none(start_world: StartWorld, until: Until) -> None:
    world = start_world()
    until(lambda: world.stats().orders_acknowledged >= 5)
    stats = world.stats()
    assert (stats.missing, stats.running) == (0, True)
    assert World.attach(world.home.folder).url == world.url
    assert world.stats(look_for_missing=False).missing == -1


def test_a_proxy_of_the_environment_is_not_asked_for_the_demos_own_services(
    start_world: StartWorld, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    world = start_world()
    until(lambda: world.stats().orders_acknowledged >= 2)
    assert seconds_of_the_shop(world.url) > 0


def test_the_end_ends_everything_and_can_be_repeated(start_world: StartWorld, until: Until) -> None:
    world = start_world()
    until(lambda: world.stats().orders_acknowledged >= 2)
    pids = world.pids
    assert set(pids) == {"supervisor", "service", "traffic"}
    world.end()
    world.end()
    assert all_gone(pids)
    stats = world.stats()
    assert (stats.missing, stats.running) == (0, False)


def test_a_lease_that_nobody_renews_ends_everything_within_a_minute(start_world: StartWorld, until: Until) -> None:
    world = start_world()
    until(lambda: len(world.pids) == 3)
    pids = world.pids
    renewed = time.time() - LEASE_SECONDS + 30
    os.utime(world.home.keep, (renewed, renewed))
    world.keep()
    assert LEASE_SECONDS <= 60
    assert lease_is_fresh(world.home)
    long_ago = time.time() - LEASE_SECONDS - 1
    os.utime(world.home.keep, (long_ago, long_ago))
    until(lambda: all_gone(pids))
    assert not world.running()


def test_service_and_traffic_end_when_their_supervisor_is_killed(start_world: StartWorld, until: Until) -> None:
    world = start_world()
    until(lambda: len(world.pids) == 3)
    pids = world.pids
    os.kill(pids["supervisor"], signal.SIGKILL)
    until(lambda: all_gone(pids))
    assert world.stats().missing == 0


def test_a_world_whose_folder_vanishes_ends(start_world: StartWorld, tmp_path: Path, until: Until) -> None:
    world = start_world()
    until(lambda: len(world.pids) == 3)
    pids = world.pids
    world.home.folder.rename(tmp_path / "elsewhere")
    until(lambda: all_gone(pids))


def test_a_killed_service_comes_back_on_its_port_and_loses_nothing(start_world: StartWorld, until: Until) -> None:
    world = start_world()
    until(lambda: world.stats().orders_acknowledged >= 5)
    url, old = world.url, world.pids["service"]
    os.kill(old, signal.SIGKILL)
    before = world.stats().orders_acknowledged
    until(lambda: world.pids.get("service", old) != old)
    until(lambda: world.stats().orders_acknowledged > before + 3)
    assert world.url == url
    assert world.stats().missing == 0


def test_a_restart_is_a_short_real_outage_on_the_same_port(
    start_world: StartWorld, until: Until, run_tool: RunTool, ask: Ask
) -> None:
    world = start_world()
    old = world.pids["service"]
    assert run_tool(world.home, "restart", "--down", "0.5") == 0
    assert gone(old)
    assert read_json(world.home.world)["service_starts"] == 2
    assert ask(world.url, "GET", "/shop")[0] == 200
    before = world.stats().orders_acknowledged
    until(lambda: world.stats().orders_acknowledged > before)
    assert world.stats().missing == 0


def test_a_lost_order_is_counted_as_missing(start_world: StartWorld, until: Until) -> None:
    world = start_world()
    until(lambda: world.stats().orders_acknowledged >= 5)
    world.end()
    connection = sqlite3.connect(world.home.database)
    connection.execute("delete from orders where id = (select max(id) from orders)")
    connection.execute("delete from orders where id in (17, 18)")
    connection.execute("update orders set cents = cents + 1 where id = (select max(id) from orders)")
    connection.commit()
    connection.close()
    assert world.stats().missing == 4


def test_a_second_supervisor_for_one_world_is_refused(start_world: StartWorld) -> None:
    world = start_world()
    supervisor = world.pids["supervisor"]
    World.start(world.home.folder)
    assert world.pids["supervisor"] == supervisor
    assert not gone(supervisor)


def test_attaching_to_no_world_says_so(tmp_path: Path) -> None:
    with pytest.raises(QuarterdeckError, match="there is no demo here"):
        World.attach(tmp_path)


@pytest.mark.parametrize("work", [archiving.archive, archiving.delete_archived, upkeep.survey])
def test_a_command_that_begins_takes_back_how_far_the_one_before_it_was(
    work: Callable[[Job], None], tmp_path: Path
) -> None:
    """What comes first is a number of its own, not the other's 100 %."""
    home = Home(tmp_path)
    job = Job(home, {"older_than": 700, "batch": 10, "customers": 5})
    home.backup.touch()
    home.archive.touch()
    job.advance(9, 9)
    with pytest.raises((sqlite3.Error, OSError)):
        work(job)  # without a database it ends before its first batch
    assert read_json(home.progress)["done"] == 0
