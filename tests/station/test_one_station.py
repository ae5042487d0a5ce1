"""A session has one station, and it is found: whatever becomes of its socket, of what names it, and of its lock."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stationkit import end_everything

from quarterdeck.errors import StationError
from quarterdeck.logbook.lock import Lock, OwnedError, is_held
from quarterdeck.session import intents
from quarterdeck.station.wire import start_station as starting
from quarterdeck.station.wire.blocking_client import ask_once, history_of
from quarterdeck.station.wire.start_station import ADDRESS, new_socket, socket_of, start_station

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what files and processes say."""
    async with asyncio.timeout(45):
        while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)


def answering(folder: Path) -> int:
    """The process of the station that a new console would reach, 0 for none."""
    try:
        return history_of(folder).welcome.pid
    except StationError:
        return 0


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder in which the path of a socket is not too long."""
    made = Path(tempfile.mkdtemp(prefix="qdt-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


def test_who_starts_a_station_waits_the_longer_the_longer_its_logbook_is(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = opened()
    monkeypatch.setattr(starting, "START_PATIENCE", 0.01)
    with pytest.raises(StationError, match="did not start within"):
        start_station(folder)
    monkeypatch.setattr(starting, "CHECKED", 1_000.0)
    start_station(folder)
    assert answering(folder)


# ---------------------------------------------------------------- where it listens


async def test_a_station_is_found_from_another_login(
    opened: Opened, attach: Attach, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await attach(folder := opened())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    assert answering(folder) == lead.client.welcome.pid
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert answering(folder) == lead.client.welcome.pid
    assert ask_once(folder, intents.AddNote(text="from elsewhere"), start=False).events


@pytest.mark.parametrize("vanished", ["the socket", "its folder", "all of the login's", "what says where"])
async def test_a_station_whose_socket_vanished_listens_again(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch, short: Path, vanished: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(short))
    lead = await attach(folder := opened())
    socket = socket_of(folder)
    if vanished == "the socket":
        socket.unlink()
    elif vanished == "its folder":
        shutil.rmtree(socket.parent)
    elif vanished == "all of the login's":
        shutil.rmtree(socket.parent.parent)
    else:
        (folder / ADDRESS).unlink()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    await until(lambda: answering(folder) == lead.client.welcome.pid)
    await lead.do(intents.AddNote(text="the old line goes on"))
    told = history_of(folder)
    assert told.events[-1].kind == "note.added"
    assert lead.links[-1].state == "connected"


async def test_a_copy_of_a_session_does_not_lead_to_the_station_of_the_original(
    opened: Opened, attach: Attach, tmp_path: Path
) -> None:
    await attach(folder := opened())
    copied = tmp_path / "copy" / "sessions" / folder.name
    shutil.copytree(folder, copied)
    assert (copied / ADDRESS).exists()
    assert answering(copied) == 0
    assert answering(folder) != 0


async def test_a_dead_station_is_not_looked_for_where_it_was(
    opened: Opened, attach: Attach, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await attach(folder := opened())
    pid = lead.client.welcome.pid
    await lead.close()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not lives(pid))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    assert await asyncio.to_thread(ask_once, folder, intents.AddNote(text="back"))
    assert socket_of(folder) == new_socket(folder)


# ---------------------------------------------------------------- the lock


async def test_deleting_the_lock_of_a_living_station_admits_no_second_one(opened: Opened, attach: Attach) -> None:
    lead = await attach(folder := opened())
    pid = lead.client.welcome.pid
    for number in range(3):
        (folder / "lock").unlink()
        assert is_held(folder / "lock")
        await asyncio.to_thread(start_station, folder)
        noted = await lead.do(intents.AddNote(text=f"note {number}"))
        told = history_of(folder)
        assert told.welcome.pid == pid
        assert noted.events[-1] == told.events[-1].id
        await until(lambda: (folder / "lock").exists() and (folder / "lock").read_text() == f"{pid}\n")


async def test_a_station_leaves_where_another_process_has_its_session(opened: Opened, attach: Attach) -> None:
    lead = await attach(folder := opened())
    pid = lead.client.welcome.pid
    moved = folder.with_name("moved")
    folder.rename(moved)
    shutil.copytree(moved, folder)
    taken = Lock.take(folder / "lock")
    try:
        await until(lambda: not lives(pid))
        await lead.until(lambda: "open in another process" in lead.farewell)
        assert taken.is_ours()
    finally:
        taken.release()
        end_everything(moved)


def test_a_lock_holds_although_its_file_is_deleted_and_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = Lock.take(path)
    path.unlink()
    assert is_held(path)
    assert not held.is_ours()
    with pytest.raises(OwnedError, match="open in another process"):
        Lock.take(path, patience=0.0)
    held.renew()
    assert held.is_ours()
    assert path.read_text() == f"{os.getpid()}\n"
    held.release()
    assert not is_held(path)
    Lock.take(path, patience=0.0).release()


def test_who_only_looks_does_not_turn_an_owner_away_that_renews(tmp_path: Path) -> None:
    import fcntl
    import threading

    path = tmp_path / "lock"
    held = Lock.take(path)
    path.unlink()
    with path.open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.1, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        held.renew()
    assert held.is_ours()
    held.release()


def test_a_file_that_an_older_owner_holds_keeps_others_out(tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / "lock").open("w") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        assert is_held(tmp_path / "lock")
        with pytest.raises(OwnedError):
            Lock.take(tmp_path / "lock", patience=0.0)
    assert not is_held(tmp_path / "lock")
