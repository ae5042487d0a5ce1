"""Gauges of this host, and mounts that hang."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Context, SettingError
from quarterdeck.observer.checks.local import LocalCheck, paths_in
from quarterdeck.observer.gauges import HostGauges, busy_share, rate
from quarterdeck.observer.messages import Value
from quarterdeck.observer.mounts import Mounts, Space, Table, mount_table, space_of
from quarterdeck.procedure.model import Bands, Target

if TYPE_CHECKING:
    from tests.observer.conftest import Watching

PLENTY = Space(total=1000, used=500, free=400, reserved=100)


class Hanging:
    """A statvfs that hangs for one path until it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()

    def __call__(self, path: str) -> Space:
        self.asked.append(path)
        if path == "/mnt/dead":
            self.let_go.wait(30)
        return PLENTY


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.let_go.set()


def mounts(ask: Callable[[str], Space]) -> Mounts:
    found = {"/": True, "/mnt/dead": False, "/mnt/fine": False}
    return Mounts(ask=ask, find=lambda: Table(found, frozenset(found)), now=Clock())


class Clock:
    """A clock that goes on by one second whenever it is read."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_the_first_cpu_sample_is_dropped_and_rates_need_two() -> None:
    gauges = HostGauges()
    first = gauges.sample()
    assert not {"cpu", "net_in", "disk_read"} & set(first)
    for name in ("memory", "swap", "storage[/].used"):
        value = first[name]
        assert isinstance(value, float)
        assert 0 <= value <= 100
    second = gauges.sample()
    while "cpu" not in second:  # two samples within one tick of the kernel have no time between them
        second = gauges.sample()
    assert 0 <= float(second["cpu"]) <= 100
    gauges.close()


def test_storage_is_counted_as_df_counts_it() -> None:
    assert PLENTY.used_share == pytest.approx(100 * 500 / 900)
    here = space_of("/")
    assert here.free + here.used + here.reserved == here.total
    assert Space(total=0, used=0, free=0, reserved=0).used_share == 0


def test_a_counter_that_was_reset_has_no_rate() -> None:
    assert rate(100, 300, 2.0) == 100
    assert rate(300, 100, 2.0) is None
    assert rate(1, 2, 0.0) is None


def test_cpu_counts_waiting_as_idle_and_guests_once() -> None:
    before = {"user": 0.0, "system": 0.0, "idle": 0.0, "iowait": 0.0, "guest": 0.0}
    after = {"user": 3.0, "system": 1.0, "idle": 4.0, "iowait": 2.0, "guest": 2.0}
    assert busy_share(before, after) == pytest.approx(40.0)
    assert busy_share(after, after) is None


def test_real_mounts_have_the_root_and_no_pseudo_ones() -> None:
    found = mount_table().watched
    assert found["/"] is True
    assert not {"/proc", "/sys", "/dev"} & set(found)


def test_a_mount_that_hangs_freezes_nothing_and_is_asked_once(hanging: Hanging) -> None:
    watched = mounts(hanging)
    for _ in range(3):
        found = watched.sample()
        assert found["/"].space == PLENTY
        assert found["/mnt/fine"].space == PLENTY
        assert found["/mnt/dead"].space is None
    assert found["/mnt/dead"].hung_for == 2.0
    assert hanging.asked.count("/mnt/dead") == 1
    assert hanging.asked.count("/mnt/fine") == 3
    watched.close()


def test_a_mount_that_answers_again_is_back(hanging: Hanging) -> None:
    watched = mounts(hanging)
    assert watched.sample()["/mnt/dead"].hung_for
    hanging.let_go.set()
    for _ in range(100):
        if watched.sample()["/mnt/dead"].space == PLENTY:
            break
    else:
        pytest.fail("the mount did not come back")
    watched.close()


def test_a_path_that_is_not_there_says_so() -> None:
    watched = Mounts(["/nowhere/at/all"])
    found = watched.sample()["/nowhere/at/all"]
    assert (found.space, found.problem) == (None, "No such file or directory")
    watched.close()


async def test_a_hung_mount_is_a_finding_and_a_warning(watching: Watching, hanging: Hanging) -> None:
    told = watching(Target(type="local", every=0.05, failure_threshold=1))
    told.sampler._check = LocalCheck(HostGauges(mounts=mounts(hanging)))
    reading = await told.next()
    assert reading.status == "warning"
    assert reading.message == "mount /mnt/dead does not answer"
    assert "memory" in reading.values
    assert "storage[/mnt/dead].used" not in reading.values
    await told.next()
    assert [finding.what for finding in told.findings] == ["mount_hung"]
    hanging.let_go.set()
    while (await told.next()).status == "warning":
        pass
    assert [finding.what for finding in told.findings] == ["mount_hung", "mount_back"]


def test_paths_are_found_in_the_metrics_that_conditions_use() -> None:
    assert paths_in(["cpu", "storage[/var].used", "storage[/var].free", "storage[/a b].free"]) == ("/var", "/a b")


async def test_a_path_that_a_condition_names_is_sampled(watching: Watching, tmp_path: object) -> None:
    metric = f"storage[{tmp_path}].free"
    target = Target(type="local", bands={metric: Bands(critical="1 B")})
    values: dict[str, Value] = (await watching(target, metrics=(f"storage[{tmp_path}].used",)).next()).values
    assert float(values[metric]) > 1


async def test_the_first_sample_is_not_unknown_for_want_of_a_rate(watching: Watching) -> None:
    bands = {"cpu": Bands(critical="100.1%")}
    assert (await watching(Target(type="local", every=0.2, bands=bands)).next()).status == "ok"


def test_another_host_is_refused() -> None:
    for name in ("LocalHost", "::1", socket.gethostname(), socket.gethostname().upper()):
        assert build(Target(type="local", options={"host": name}), Context(name="it"))
    with pytest.raises(SettingError, match="is not this host"):
        build(Target(type="local", options={"host": "db01.example"}), Context(name="it"))
