"""Disks that are slow, full, read-only or gone, while a session runs on them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faultkit import Night, gone, injected, wait_until
from ptyterminal import is_halt_shown

from quarterdeck.session import intents
from quarterdeck.station.wire.blocking_client import ask_once

SYNCS = ("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=2000000")


def test_a_slow_disk_of_2_s_per_sync_keeps_no_halt_waiting(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child = night.child("long")
    with injected(night.station(), *SYNCS):
        began = time.monotonic()
        night.do(intents.AddNote(text="the control: what is no halt waits for the disk"))
        assert time.monotonic() - began > 1.5
        began = time.monotonic()
        terminal.send("H")
        terminal.until(is_halt_shown, 5)
        wait_until(lambda: gone(child), 5)
        assert time.monotonic() - began < 1.0
    wait_until(lambda: night.session().state == "halted")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system of memory."""
    place = tmp_path / "small"
    place.mkdir()

    def mount(size: str) -> Path:
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if os.getuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode:
            pytest.skip("only root can mount a small tmpfs")
        return place

    yield mount
    if os.path.ismount(place):
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> None:
    """Take all the room there is."""
    with (place / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 65536)
    with (place / "rest").open("ab", buffering=0) as rest, contextlib.suppress(OSError):
        while True:
            rest.write(b"x")


@pytest.fixture
def full_night(small_disk: Callable[[str], Path], night: Night, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A night on a disk of 24 MiB."""
    night.home = small_disk("24m") / "home"
    night.home.mkdir()
    night.env["QUARTERDECK_HOME"] = str(night.home)
    monkeypatch.setenv("QUARTERDECK_HOME", str(night.home))
    return night


@pytest.mark.parametrize("reserve", [True, False])
def test_disk_full_at_halt(full_night: Night, reserve: bool) -> None:
    night = full_night
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child = night.child("long")
    if not reserve:
        (night.folder / "reserve").unlink()
    fill(night.home.parent)
    notes = [ask_once(night.folder, intents.AddNote(text="x" * 3000)) for _ in range(4)]  # more than a page has left
    assert any(note.refusal for note in notes) != reserve
    began = time.monotonic()
    terminal.send("H")
    terminal.until(is_halt_shown, 5)
    wait_until(lambda: gone(child), 5)
    assert time.monotonic() - began < 1.0
    wait_until(lambda: night.session().state == "halted")
    assert ("halt.called" in written(night)) == reserve, "the control: without the reserve it is not on disk"
    (night.home.parent / "filler").unlink()
    night.do(intents.AddNote(text="there is room again"))
    wait_until(lambda: "halt.called" in written(night) and "command.ended" in written(night))


def written(night: Night) -> list[str]:
    """The kinds of the events that the flight recorder holds; none before a recorder that was lost is made again."""
    import msgspec

    recorder = night.home / "recorder" / f"{night.folder.name}.jsonl"
    lines = recorder.read_bytes().splitlines() if recorder.exists() else []
    kinds = []
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError, KeyError):
            kinds.append(msgspec.json.decode(line)["event"]["kind"])
    return kinds


def test_a_read_only_remount_starts_nothing_and_every_verb_says_so(full_night: Night) -> None:
    night = full_night
    night.open()
    night.begin()
    child = night.child("long")
    night.kill_station()
    night.end_commands()
    wait_until(lambda: gone(child))
    place = str(night.home.parent)
    wait_until(lambda: subprocess.run(["mount", "-o", "remount,ro", place], check=False).returncode == 0)
    try:
        for verb in (["status", night.folder.name], ["sessions"], ["halt", night.folder.name], ["attach", "--plain"]):
            said = night.verb(*verb, stdin=subprocess.DEVNULL)
            assert "Traceback" not in said.stderr + said.stdout
            assert said.returncode in {0, 1, 2}
            if verb[0] == "status":
                assert "long" in said.stdout.lower()
            elif verb[0] == "halt":
                assert "ead-only file system" in said.stderr
    finally:
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    assert night.verb("halt", night.folder.name).stdout.startswith("HALTED")


def test_a_disk_that_turns_read_only_under_a_living_station_halts_and_says_not_recorded(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child = night.child("long")
    paths = [night.folder / "logbook.db", night.folder / "logbook.db-wal"]
    paths.append(night.home / "recorder" / f"{night.folder.name}.jsonl")
    where = [word for path in paths for word in ("-P", str(path))]
    calls = "write,pwrite64,fsync,fdatasync,ftruncate"
    with injected(night.station(), *where, "-e", f"trace={calls}", "-e", f"inject={calls}:error=EROFS"):
        began = time.monotonic()
        terminal.send("H")
        terminal.until(is_halt_shown, 5)
        wait_until(lambda: gone(child), 5)
        assert time.monotonic() - began < 1.5
        terminal.until(lambda text: "NOT RECORDED" in text or "record" in text.lower())
    night.do(intents.AddNote(text="the disk is back"))
    wait_until(lambda: {"halt.called", "command.ended"} <= set(written(night)))
    wait_until(lambda: night.session().state == "halted")


def test_the_state_folder_deleted_under_a_living_session(night: Night) -> None:
    terminal = night.lead()
    night.begin()
    terminal.until("RUNNING")
    child = night.child("long")
    deleted = night.home.rename(night.scratch / "deleted")  # at once: the station writes into it meanwhile
    shutil.rmtree(deleted)
    began = time.monotonic()
    terminal.send("H")
    terminal.until(is_halt_shown, 5)
    wait_until(lambda: gone(child), 5)
    assert time.monotonic() - began < 1.5
    wait_until(lambda: "halt.called" in written(night))
    assert written(night)[:2] == ["session.opened", "plan.revised"], "everything is on disk again"
    night.kill_station()
    night.do(intents.AddNote(text="a new station"))
    session = night.session()
    assert session.live_halts()
    assert session.steps["long"].state == "unknown", "its runner had nowhere to report to"


def test_the_home_of_a_restored_old_copy_goes_on(night: Night) -> None:
    night.open()
    night.do(intents.AddNote(text="before the copy"))
    night.kill_station()
    shutil.copytree(night.home, night.scratch / "copy", symlinks=True)
    night.do(intents.AddNote(text="after the copy"))
    night.kill_station()
    shutil.rmtree(night.home)
    shutil.move(night.scratch / "copy", night.home)
    night.do(intents.AddNote(text="on the old copy"))
    events = night.events()
    assert len({event.replica for event in events}) >= 2, "the old name is burnt"
    assert night.verb("export", night.folder.name, "-o", str(night.scratch / "out")).returncode == 0
    assert night.verb("verify", str(night.scratch / "out")).returncode == 0
