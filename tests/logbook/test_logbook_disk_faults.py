"""Rows of the disk group: each fault, and a control in which the protection is off and the fault bites."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from logbook_nights import (
    HALT,
    ME,
    FailingDisk,
    FlakyPlan,
    ForgetfulDisk,
    Night,
    kinds_of,
    note,
    raws_of,
    write,
)

from quarterdeck import host
from quarterdeck.errors import LogbookError
from quarterdeck.logbook import disk as disk_module
from quarterdeck.logbook import recorder as recorder_module
from quarterdeck.logbook import sqlite
from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.recorder import FlightRecorder
from quarterdeck.logbook.session_log import Seams, SessionLog
from quarterdeck.logbook.sqlite import SqliteLogbook
from quarterdeck.logbook.writer import Reserve


def only_recorder(night: Night) -> list[bytes]:
    """What the flight recorder alone holds."""
    return [event.raw for event in FlightRecorder(night.recorder, night.folder.name).read()]


def only_logbook(night: Night) -> list[bytes]:
    """What the logbook alone holds; the session is closed."""
    book = SqliteLogbook(night.database, night.folder.name)
    book.open()
    try:
        return [event.raw for event in book.read()]
    finally:
        book.close()


# ---------------------------------------------------------------- sync fails


def test_a_sync_that_fails_once_loses_nothing_even_when_the_kernel_forgets_the_pages(night: Night) -> None:
    disk = ForgetfulDisk()
    log = night.open(Seams(disk=disk))
    raws = write(log, 3)
    disk.failing["sync"] = 1
    raws += write(log, 1, "during")
    raws += write(log, 3, "after")
    log.close()
    disk.power_cut()
    assert only_recorder(night) == raws
    assert log.health() == {"logbook": "ok", "recorder": "ok"}


def test_control_a_recorder_that_believes_what_it_reads_back_loses_the_event(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believing(self: FlightRecorder) -> None:
        self.close()
        self.open(self.replica)
        self.adopt(list(self.read()))

    monkeypatch.setattr(FlightRecorder, "reopen", believing)
    disk = ForgetfulDisk()
    log = night.open(Seams(disk=disk))
    raws = write(log, 3)
    disk.failing["sync"] = 1
    raws += write(log, 1, "during")
    raws += write(log, 3, "after")
    log.close()
    disk.power_cut()
    assert only_recorder(night) != raws


def test_a_sync_that_fails_for_ever_leaves_one_recorder_and_says_so(night: Night) -> None:
    disk = FailingDisk()
    log = night.open(Seams(disk=disk))
    disk.failing["sync"] = -1
    raws = write(log, 3)
    amber = night.wait_for("amber")
    assert "recorder" in amber.recorders["recorder"]
    assert amber.recorders["logbook"] == "ok"
    assert log.level() == "amber"
    assert log.saved == 3
    disk.failing["sync"] = 0
    raws += write(log, 1)
    night.wait_for("green")
    log.close()
    assert only_recorder(night) == raws
    assert only_logbook(night) == raws


def test_when_both_recorders_fail_it_is_red_and_what_waited_is_written_when_one_comes_back(night: Night) -> None:
    disk, plan = FailingDisk(), FlakyPlan(after_all=False)
    log = night.open(Seams(disk=disk, connector=plan))
    raws = write(log, 2)
    disk.failing["sync"] = -1
    plan.failures = 1_000_000
    appended = log.append([HALT], ME, "plan", urgent=True)
    assert appended.durable.result(20).level == "red"
    assert kinds_of(log)[-1] == "halt.called"
    assert log.saved == 2
    plan.failures = 0
    raws += appended.raws + write(log, 1)
    assert log.saved == 4
    log.close()
    assert only_logbook(night) == raws


def test_recording_comes_back_by_itself_while_nothing_happens(night: Night) -> None:
    disk = FailingDisk()
    log = night.open(Seams(disk=disk))
    disk.failing["sync"] = 2
    raws = write(log, 1)
    night.wait_for("amber")
    assert night.wait_for("green").recorders["recorder"] == "ok"
    log.close()
    assert only_recorder(night) == raws


# ---------------------------------------------------------------- the outcome of a commit is unknown


@pytest.mark.parametrize("after_all", [True, False])
def test_a_failed_commit_is_looked_up_and_the_event_is_there_once(night: Night, after_all: bool) -> None:
    plan = FlakyPlan(after_all=after_all)
    log = night.open(Seams(connector=plan))
    raws = write(log, 2)
    plan.failures = 1
    raws += write(log, 2)
    log.close()
    assert plan.failed == 1
    assert log.health() == {"logbook": "ok", "recorder": "ok"}
    assert only_logbook(night) == raws


def test_control_without_looking_up_a_commit_that_came_through_kills_the_logbook(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqliteLogbook, "holds", lambda *_: False)
    monkeypatch.setattr(SqliteLogbook, "_is_known", lambda *_: False)
    plan = FlakyPlan(after_all=True)
    log = night.open(Seams(connector=plan))
    write(log, 2)
    plan.failures = 1
    write(log, 2)
    assert "UNIQUE" in night.wait_for("amber").recorders["logbook"]


# ---------------------------------------------------------------- no room


def test_short_writes_are_finished(night: Night) -> None:
    disk = FailingDisk()
    disk.short = True
    log = night.open(Seams(disk=disk))
    raws = write(log, 3)
    log.close()
    assert only_recorder(night) == raws


def test_a_quota_counts_as_a_full_disk(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[bool] = []

    def release(self: Reserve) -> bool:
        released.append(real(self))
        return released[-1]

    real = Reserve.release
    monkeypatch.setattr(Reserve, "release", release)
    disk = FailingDisk()
    log = night.open(Seams(disk=disk))
    assert (night.folder / "reserve").stat().st_size == 2**20
    disk.error = errno.EDQUOT
    disk.failing["write"] = 1
    log.append([HALT], ME, "plan", urgent=True).durable.result(20)
    log.close()
    assert released == [True]
    assert len(only_recorder(night)) == 1


def test_a_file_size_limit_leaves_one_recorder(night: Night) -> None:
    log = night.open()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (night.recorder.stat().st_size + 10, hard))
    try:
        # The logbook's file is larger than the recorder's already, so neither can grow.
        assert log.append([HALT], ME, "plan", urgent=True).durable.result(20).level == "red"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    raws = raws_of(log) + write(log, 1)
    log.close()
    assert only_recorder(night) == raws
    assert only_logbook(night) == raws


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB."""
    where = tmp_path / "small"
    where.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small tmpfs needs root")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(where)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def fill(where: Path) -> None:
    with (where / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def until_red(log: SessionLog) -> list[bytes]:
    """Append notes until the disk takes no more."""
    raws = []
    for number in range(3000):
        appended = log.append([note(f"filling {number} {'x' * 500}")], ME, "plan")
        raws += appended.raws
        if appended.durable.result(20).level == "red":
            return raws
    raise AssertionError("the disk was not full")


def test_a_recorder_writes_a_halt_too_where_the_other_one_just_made_the_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = Reserve.release

    def released_by_the_other(self: Reserve) -> bool:
        release(self)
        return False

    monkeypatch.setattr(Reserve, "release", released_by_the_other)
    test_disk_full_at_halt_and_the_halt_is_durable_from_the_reserve(small_disk)


def test_disk_full_at_halt_and_the_halt_is_durable_from_the_reserve(small_disk: Path) -> None:
    night = Night(small_disk / "home")
    log = night.open()
    raws = write(log, 2)
    fill(small_disk)
    raws += until_red(log)
    halt = log.append([HALT], ME, "plan", urgent=True)
    assert halt.durable.result(20).level != "red"
    assert log.saved == len(log.events)
    night.wait_for("green")
    assert log.append([note("not urgent")], ME, "plan").durable.result(20).level == "red"
    second = log.append([HALT], ME, "plan", urgent=True)
    assert second.durable.result(20).level != "red"
    expected = raws_of(log)
    log.close()
    again = night.open()
    assert raws_of(again)[: len(expected)] == expected
    night.close()


def test_control_without_a_reserve_a_halt_on_a_full_disk_is_not_durable(small_disk: Path) -> None:
    night = Night(small_disk / "home")
    log = night.open()
    (night.folder / "reserve").unlink()
    fill(small_disk)
    until_red(log)
    assert log.append([HALT], ME, "plan", urgent=True).durable.result(20).level == "red"
    (small_disk / "ballast").unlink()
    night.close()


def test_room_that_comes_back_is_used_and_laid_aside_again(small_disk: Path) -> None:
    night = Night(small_disk / "home")
    log = night.open()
    fill(small_disk)
    until_red(log)
    log.append([HALT], ME, "plan", urgent=True).durable.result(20)
    assert not (night.folder / "reserve").exists()
    (small_disk / "ballast").unlink()
    write(log, 2)
    assert (night.folder / "reserve").exists()
    expected = raws_of(log)
    log.close()
    assert only_logbook(night) == only_recorder(night) == expected


def test_a_read_only_remount_is_red_and_the_session_is_readable(small_disk: Path) -> None:
    night = Night(small_disk / "home")
    log = night.open()
    raws = write(log, 2)
    log.close()
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    copy = read_session(night.folder)
    assert copy.raws == raws
    with pytest.raises(LogbookError, match=r"[Rr]ead-only"):
        night.open()
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    night.close()


# ---------------------------------------------------------------- deleted, slow, on the network


def test_a_state_folder_deleted_under_it_is_made_again_with_everything(night: Night, tmp_path: Path) -> None:
    log = night.open()
    raws = write(log, 5)
    night.home.rename(tmp_path / "gone")
    raws += write(log, 1, "after")
    log.append_samples([])
    log.close()
    assert only_recorder(night) == raws
    assert only_logbook(night) == raws
    assert (night.folder / "halts").is_dir()


def test_control_without_looking_a_deleted_file_swallows_acknowledged_events(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sqlite, recorder_module):
        monkeypatch.setattr(module, "require_same", lambda *_: None)
    log = night.open()
    write(log, 5)
    night.home.rename(tmp_path / "gone")
    write(log, 1, "after")
    log.close()
    assert not night.recorder.exists()


class SlowDisk(FailingDisk):
    """Its syncs return when they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()
        self.waiting = threading.Event()

    def sync(self, fd: int) -> None:
        if not self.go.is_set():
            self.waiting.set()
        self.go.wait()
        super().sync(fd)


def test_a_disk_that_does_not_answer_holds_up_neither_the_other_recorder_nor_the_caller(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SlowDisk()
    log = night.open(Seams(disk=disk))
    disk.go.clear()
    raws = write(log, 3)
    assert disk.waiting.wait(10)
    monkeypatch.setattr("quarterdeck.logbook.writer._SLOW", 0.0)
    assert "no answer" in log.health()["recorder"]
    assert log.level() == "amber"
    assert log.saved == 3
    disk.go.set()
    log.close()
    assert only_recorder(night) == raws


def test_a_network_file_system_is_refused_with_what_to_do(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    mount = host.Mount(night.home, "nfs4", "server:/home")
    monkeypatch.setattr(host, "filesystem_of", lambda _: mount)
    with pytest.raises(LogbookError, match=r"network file system.*QUARTERDECK_HOME"):
        night.open()
    assert not night.database.exists()


def test_a_full_table_of_file_descriptors_is_an_error_for_a_person(night: Night) -> None:
    night.open().close()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 1, hard))
    try:
        with pytest.raises(LogbookError):
            night.open()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)


def test_every_file_is_private_and_no_link_is_followed(night: Night, tmp_path: Path) -> None:
    log = night.open()
    write(log, 1)
    log.store_blob(b"x", "x")
    for path in [night.home, *night.home.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    log.close()
    night.database.rename(tmp_path / "elsewhere.db")
    night.database.symlink_to(tmp_path / "elsewhere.db")
    before = (tmp_path / "elsewhere.db").read_bytes()
    with pytest.raises(LogbookError, match="regular file"):
        night.open()
    assert (tmp_path / "elsewhere.db").read_bytes() == before


def test_a_linked_session_folder_is_refused(night: Night, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    night.folder.parent.mkdir(parents=True)
    night.folder.symlink_to(tmp_path / "real")
    with pytest.raises(LogbookError, match="symbolic link"):
        night.open()


def test_a_sync_really_is_asked_for_each_acknowledged_event(night: Night) -> None:
    def refuse(path: Path) -> object:  # else either recorder may acknowledge, and the other one sync for several
        raise sqlite3.OperationalError("disk I/O error")

    disk = FailingDisk()
    log = night.open(Seams(disk=disk, connector=refuse))
    before = disk.calls["sync"]
    write(log, 5)
    log.close()
    assert disk.calls["sync"] - before >= 5
    assert sys.platform != "linux" or disk_module.identity(os.open(night.recorder, os.O_RDONLY))
