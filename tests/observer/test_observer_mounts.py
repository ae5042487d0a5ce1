"""Mounts that come, go and change under the local gauges: real ones where this runs as root, and lists of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from quarterdeck import host
from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Check, Context
from quarterdeck.observer.checks.local import LocalCheck
from quarterdeck.observer.gauges import HostGauges
from quarterdeck.observer.mounts import Mounts, Space, Table, mount_table
from quarterdeck.procedure.model import Target

if TYPE_CHECKING:
    from tests.observer.conftest import Watching

PLENTY = Space(total=1000, used=500, free=400, reserved=100)
Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a memory file system of 4 MiB on a folder; skips where nothing can be mounted."""
    made = []

    def new(name: str = "data", options: str = "size=4m") -> Path:
        point = tmp_path / name
        point.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
        if os.getuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("nothing can be mounted here")
        made.append(point)
        return point

    yield new
    for point in reversed(made):
        while subprocess.run(["umount", "-l", point], check=False, capture_output=True).returncode == 0:
            continue


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def unmount(point: Path) -> None:
    run("umount", str(point))


def local(*mounts: Path | str, metrics: tuple[str, ...] = ()) -> Check:
    options: dict[str, str | list[str]] = {"mounts": [str(path) for path in mounts]}
    return build(Target(type="local", options=options), Context(name="it", metrics=metrics))


def used(path: Path) -> str:
    return f"storage[{path}].used"


async def test_a_mount_that_a_condition_names_is_critical_once_it_is_none_and_never_its_parents_numbers(
    mount: Mount,
) -> None:
    point = mount()
    check = local(metrics=(used(point),))
    found = await check.sample()
    assert (found.status, found.values[f"storage[{point}].total"]) == ("ok", 4 * 2**20)
    unmount(point)
    found = await check.sample()
    assert (found.status, found.message) == ("critical", f"{point} is no longer mounted")
    assert found.finding == found.message
    assert used(point) not in found.values
    mount()
    found = await check.sample()
    assert (found.status, found.values[f"storage[{point}].total"]) == ("ok", 4 * 2**20)
    await check.close()


async def test_a_mount_that_another_covers_is_gone_until_that_one_is(mount: Mount, tmp_path: Path) -> None:
    (tmp_path / "above").mkdir()
    point = mount("above/data")
    check = local(point)
    assert (await check.sample()).status == "ok"
    above = mount("above")
    point.mkdir()
    found = await check.sample()
    assert (found.status, found.message) == ("critical", f"{point} is no longer mounted")
    unmount(above)
    assert (await check.sample()).status == "ok"
    await check.close()


async def test_a_plain_folder_that_a_condition_names_shows_its_file_system(tmp_path: Path) -> None:
    check = local(metrics=(used(tmp_path),))
    found = await check.sample()
    assert found.status == "ok"
    assert found.values[f"storage[{tmp_path}].total"] == space_of_parent(tmp_path)
    await check.close()


def space_of_parent(path: Path) -> float:
    answer = os.statvfs(path.parent)
    return float(answer.f_blocks * answer.f_frsize)


async def test_what_is_listed_must_be_a_mount_from_the_first_reading_on(mount: Mount, tmp_path: Path) -> None:
    point, plain = mount(), tmp_path / "plain"
    plain.mkdir()
    check = local(f"{point}/")
    assert (await check.sample()).status == "ok"
    unmount(point)
    assert (await check.sample()).message == f"{point}/ is no longer mounted"
    await check.close()
    later = local(point, plain)
    found = await later.sample()
    assert (found.status, found.message) == ("critical", f"{point} is not mounted; {plain} is not mounted")
    assert used(point) not in found.values
    mount()
    assert (await later.sample()).message == f"{plain} is not mounted"
    await later.close()


async def test_a_mount_that_goes_while_it_is_asked_shows_no_parents_numbers(mount: Mount) -> None:
    point = mount()
    gone = False

    def ask(path: str) -> Space:
        if gone and path == str(point):
            unmount(point)
        return PLENTY

    watched = Mounts([str(point)], ask=ask, refresh=1e9)
    assert watched.sample()[str(point)].space == PLENTY
    gone = True
    found = watched.sample()[str(point)]
    assert (found.space, found.is_gone) == (None, True)
    watched.close()


async def test_a_file_system_that_becomes_read_only_and_one_without_inodes_are_warnings(mount: Mount) -> None:
    point = mount(options="size=4m,nr_inodes=8")
    check = local(point)
    found = await check.sample()
    assert found.status == "ok"
    assert found.values[f"storage[{point}].read_only"] == 0.0
    assert 0 < float(found.values[f"storage[{point}].inodes"]) < 100
    with contextlib.suppress(OSError):
        for number in range(9):
            (point / str(number)).touch()
    found = await check.sample()
    assert found.values[f"storage[{point}].inodes"] == 100.0
    assert (found.status, found.message) == ("warning", f"{point} has no inode left: no file can be made")
    assert float(found.values[used(point)]) < 50
    run("mount", "-o", "remount,ro", str(point))
    found = await check.sample()
    assert found.values[f"storage[{point}].read_only"] == 1.0
    assert (found.status, found.message) == ("warning", f"{point} has become read-only")
    await check.close()
    again = local(point)
    assert (await again.sample()).status == "ok", "one that was read-only from the start is meant to be"
    await again.close()


ON_A_DEVICE = """
import asyncio, subprocess, sys
from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Context
from quarterdeck.procedure.model import Target

async def main(image, point):
    if subprocess.run(["mount", "-o", "loop", image, point], capture_output=True).returncode:
        return print("nothing can be mounted here")
    check = build(Target(type="local"), Context(name="it"))
    found = await check.sample()
    print(found.status, f"storage[{point}].used" in found.values)
    subprocess.run(["umount", point], check=True)
    found = await check.sample()
    print(found.status, f"storage[{point}].used" in found.values, found.message)
    await check.close()

asyncio.run(main(*sys.argv[1:]))
"""
"""In mounts of its own, since all other checks on this machine would miss the disk too."""


def test_a_mount_on_a_device_that_nobody_named_is_missed_too(tmp_path: Path) -> None:
    image, point = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(b"")
    os.truncate(image, 8 * 2**20)
    point.mkdir()
    try:
        run("mkfs.ext4", "-q", str(image))
        run("unshare", "-m", "true")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs mkfs.ext4, and mounts of its own")
    command = ["unshare", "-m", sys.executable, "-c", ON_A_DEVICE, str(image), str(point)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "nothing can be mounted" in said:
        pytest.skip("no image can be mounted here")
    assert said == f"ok True\ncritical False {point} is no longer mounted\n"


def test_what_an_automounter_lets_go_and_what_came_later_may_go() -> None:
    table = Table({"/": True, "/net/a": False}, frozenset({"/", "/net", "/net/a"}), ("/net",))
    tables = [
        table,
        Table({"/": True, "/mnt": True}, frozenset({"/", "/net", "/mnt"}), ("/net",)),
        Table({"/": True}, frozenset({"/", "/net"}), ("/net",)),
    ]
    watched = Mounts(ask=lambda _: PLENTY, find=lambda: tables.pop(0), refresh=0.0)
    for paths in ({"/", "/net/a"}, {"/", "/mnt"}, {"/"}):
        found = watched.sample()
        assert set(found) == paths
        assert not any(reading.is_gone for reading in found.values())
    watched.close()


def mountinfo(*lines: str) -> Table:
    return mount_table(host._parse_mountinfo("\n".join(lines)))


def test_file_systems_are_judged_by_what_they_are_and_not_by_their_source(tmp_path: Path) -> None:
    tank, home, pool, sub, ntfs, fuse, one, two, snap = (
        str(tmp_path / name) for name in ("tank", "home", "pool", "pool2", "ntfs", "fuse", "one", "two", "snap")
    )
    for path in (tank, home, pool, sub, ntfs, fuse, one, two, snap):
        Path(path).mkdir()
    found = mountinfo(
        "20 1 8:1 / / rw - ext4 /dev/sda1 rw",
        f"21 20 0:40 / {tank} rw - zfs tank rw",
        f"22 20 0:41 / {home} rw - zfs tank/home rw",
        f"23 20 0:42 /@a {pool} rw - btrfs /dev/sdb rw",
        f"24 20 0:42 /@b {sub} rw - btrfs /dev/sdb rw",
        f"25 20 8:17 / {ntfs} rw - fuseblk /dev/sdc1 rw",
        f"26 20 0:43 / {fuse} rw - fuse /dev/fuse rw",
        f"27 20 0:44 / {one} rw - fuse.sshfs sshfs rw",
        f"28 20 0:45 / {two} rw - fuse.sshfs sshfs rw",
        f"29 20 0:46 / {snap} ro - fuse.snapfuse snapfuse ro",
    )
    assert found.watched == {
        "/": True,
        tank: True,
        home: True,
        pool: True,
        **dict.fromkeys((ntfs, fuse, one, two), False),
    }, "what a process serves may hang, and two of one source are two"


async def test_a_missing_mount_is_a_finding_that_ends(watching: Watching, mount: Mount) -> None:
    point = mount()
    told = watching(Target(type="local", every=0.05, failure_threshold=1))
    told.sampler._check = LocalCheck(HostGauges(listed=[str(point)]))
    assert (await told.next()).status == "ok"
    unmount(point)
    while (await told.next()).status != "critical":
        pass
    mount()
    while (await told.next()).status != "ok":
        pass
    said = f"{point} is no longer mounted"
    assert [finding.text for finding in told.findings] == [said, f"over: {said}"]
