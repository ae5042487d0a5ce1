"""Whose numbers the gauges show in a container: trees of files as hosts and containers have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from quarterdeck.observer import cgroup
from quarterdeck.observer.cgroup import Cgroup, Share
from quarterdeck.observer.gauges import HostGauges

GIB = 2.0**30
UNLIMITED = "9223372036854771712"


def tree(root: Path, files: dict[str, str]) -> Cgroup:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="ascii")
    return Cgroup(root)


def second(folder: str, memory: str, cpu: str, spent: int = 0) -> dict[str, str]:
    """A group of version 2."""
    return {
        f"sys/fs/cgroup/{folder}memory.max": memory,
        f"sys/fs/cgroup/{folder}memory.current": str(2**30),
        f"sys/fs/cgroup/{folder}memory.stat": f"anon 5\ninactive_file {2**29}",
        f"sys/fs/cgroup/{folder}cpu.max": f"{cpu} 100000",
        f"sys/fs/cgroup/{folder}cpu.stat": f"usage_usec {spent}\nuser_usec 1",
        f"sys/fs/cgroup/{folder}cpuset.cpus.effective": "0-7",
    }


def first(folder: str, memory: str, cpu: str, spent: int = 0, cpus: str = "0-7") -> dict[str, str]:
    """A group of version 1."""
    return {
        f"sys/fs/cgroup/memory/{folder}memory.limit_in_bytes": memory,
        f"sys/fs/cgroup/memory/{folder}memory.usage_in_bytes": str(2**30),
        f"sys/fs/cgroup/memory/{folder}memory.stat": f"inactive_file 1\ntotal_inactive_file {2**29}",
        f"sys/fs/cgroup/cpu/{folder}cpu.cfs_quota_us": cpu,
        f"sys/fs/cgroup/cpu/{folder}cpu.cfs_period_us": "100000",
        f"sys/fs/cgroup/cpuacct/{folder}cpuacct.usage": str(spent * 1000),
        f"sys/fs/cgroup/cpuset/{folder}cpuset.cpus": cpus,
    }


V2 = {"sys/fs/cgroup/cgroup.controllers": "cpu memory"}
DOCKER = {".dockerenv": ""}
OWN1 = {"proc/self/cgroup": "4:memory:/docker/x\n2:cpu,cpuacct:/docker/x"}
OWN2 = {"proc/self/cgroup": "0::/slice/docker-x.scope"}


@pytest.mark.parametrize(
    ("files", "memory", "cpu"),
    [
        ({**V2, **DOCKER, **second("", str(2 * 2**30), "150000", 3_000_000)}, 2 * GIB, 1.5),
        ({**V2, **second("", str(2 * 2**30), "max", 3_000_000)}, 2 * GIB, None),
        ({**V2, **DOCKER, **OWN2, **second("slice/docker-x.scope/", str(2**30), "50000", 3_000_000)}, GIB, 0.5),
        ({**DOCKER, **first("", str(2 * 2**30), "150000", 3_000_000)}, 2 * GIB, 1.5),
        ({**first("", str(2 * 2**30), "-1", 3_000_000, cpus="0-1,6")}, 2 * GIB, 3.0),
        (
            {**DOCKER, **OWN1, **first("", UNLIMITED, "-1"), **first("docker/x/", str(2**30), "50000", 3_000_000)},
            GIB,
            0.5,
        ),
    ],
    ids=["v2", "v2 unmarked", "v2 whole tree", "v1", "v1 unmarked, by set", "v1 whole tree"],
)
def test_the_limit_of_a_container_is_found(
    tmp_path: Path, files: dict[str, str], memory: float, cpu: float | None
) -> None:
    group = tree(tmp_path, files)
    assert group.is_container
    assert group.memory(8 * GIB) == Share(memory, 0.5 * GIB), "less the cache that can be given back"
    assert group.cpu(8) == (None if cpu is None else Share(cpu, 3.0))


@pytest.mark.parametrize(
    "files",
    [
        {**V2, **OWN2, **second("slice/docker-x.scope/", str(2**30), "50000")},
        {**OWN1, **first("", UNLIMITED, "-1"), **first("docker/x/", str(2**30), "50000")},
        {},
    ],
    ids=["v2", "v1", "none"],
)
def test_a_slice_of_a_bare_host_limits_the_login_and_says_nothing_of_the_host(
    tmp_path: Path, files: dict[str, str]
) -> None:
    group = tree(tmp_path, files)
    assert not group.is_container
    assert (group.memory(8 * GIB), group.cpu(8)) == (None, None)


def test_a_container_without_limits_shows_its_hosts_numbers_and_says_so(tmp_path: Path) -> None:
    gauges = HostGauges(cgroup=tree(tmp_path, {**V2, **DOCKER, **second("", "max", "max")}))
    values = gauges.sample()
    assert values["container"] == 1.0
    assert not {"memory_limit", "cpu_limit"} & set(values)
    gauges.close()


def test_a_limit_above_what_the_host_has_limits_nothing(tmp_path: Path) -> None:
    group = tree(tmp_path, {**V2, **DOCKER, **second("", str(64 * 2**30), "1600000")})
    assert (group.memory(8 * GIB), group.cpu(8)) == (None, None)


def test_gauges_show_the_containers_share_of_its_limits(tmp_path: Path) -> None:
    clock = iter(float(second) for second in range(0, 100, 2))
    limited = second("", str(2**30), "50000", 1_000_000)
    limited["sys/fs/cgroup/cpuset.cpus.effective"] = "0"
    gauges = HostGauges(cgroup=tree(tmp_path, {**V2, **limited}), now=lambda: next(clock))
    values = gauges.sample()
    assert (values["memory"], values["memory_limit"], values["cpu_limit"]) == (50.0, GIB, 0.5)
    assert "cpu" not in values
    tree(tmp_path, {"sys/fs/cgroup/cpu.stat": "usage_usec 2000000"})
    assert gauges.sample()["cpu"] == pytest.approx(100 * 1.0 / 4.0 / 0.5), "a second of work in four, of half a core"
    gauges.close()


def test_of_groups_without_a_limit_nothing_but_their_limits_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tree(tmp_path, {**V2, **DOCKER, **OWN2, **second("", "max", "max")})
    read: list[str] = []
    real = cgroup._text

    def text(path: Path) -> str:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(cgroup, "_text", text)
    assert (group.memory(8 * GIB), group.cpu(8)) == (None, None)
    assert set(read) == {"cgroup", "memory.max", "cpu.max", "cpuset.cpus.effective"}
