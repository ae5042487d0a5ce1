"""`quarterdeck halt` beside whatever else is broken: from a shell, on living stations."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stationkit import station_pid

from quarterdeck.errors import UsageError
from quarterdeck.host import runtime_folder
from quarterdeck.session import intents
from quarterdeck.station import verbs
from quarterdeck.station.sessions import listed_sessions
from quarterdeck.station.wire.start_station import start_station

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]

CLI = f"{sys.executable} -m quarterdeck"


def shell(line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line in which `qd` is the command."""
    return subprocess.run(
        ["bash", "-c", f'qd() {{ {CLI} "$@"; }}\n{line}'],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **more},
    )


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(folder))
    return folder


@pytest.fixture
async def live(opened: Opened, attach: Attach) -> Any:
    """A console on a session in which work goes on."""
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    return lead


async def halted(lead: Any) -> None:
    await lead.until(lambda: bool(lead.session.live_halts()))


# ---------------------------------------------------------------- settings, damage, names


async def test_beside_a_typo_in_the_settings(live: Any, config: Path) -> None:
    (config / "settings.yaml").write_text("quarterdeck-settings: 1\nrecorder_dri: /x\n")
    done = shell("qd halt")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("HALTED")
    await halted(live)
    for verb in ("sessions", "status", f"export -o {config}/out"):
        done = shell(f"qd {verb}")
        assert done.returncode == 0, done.stderr
        assert live.client.folder.name in done.stdout


async def test_beside_damage_in_another_sessions_header_and_schema(live: Any, opened: Opened, home: Path) -> None:
    other = opened()
    recorder = home / "recorder" / f"{other.name}.jsonl"
    _spoil(recorder, 2)
    _spoil(other / "logbook.db", (other / "logbook.db").read_bytes().index(b"CREATE TABLE") + 8)
    assert shell("qd halt").returncode == 0
    await halted(live)
    done = shell("qd sessions")
    assert (done.returncode, done.stderr) == (0, "")
    assert other.name in done.stdout


@pytest.mark.parametrize("place", ["header", "schema"])
def test_one_byte_that_is_no_utf_8_ends_no_list(place: str, opened: Opened, home: Path) -> None:
    folder = opened()
    recorder, database = home / "recorder" / f"{folder.name}.jsonl", folder / "logbook.db"
    path, first, last = (recorder, 0, 120) if place == "header" else (database, 0, 4096)
    good = path.read_bytes()
    if place == "schema":
        first = good.index(b"CREATE TABLE")
        last = first + 300
    for offset in range(first, last, 3):
        _spoil(path, offset)
        (listed,) = listed_sessions()
        assert listed.session is not None, "the other recorder holds it all"
        path.write_bytes(good)


async def test_beside_a_folder_with_an_unreadable_name_and_an_empty_one(live: Any, home: Path) -> None:
    os.mkdir(os.fsencode(home / "sessions") + b"/2026-\xff\xfe")  # noqa: PTH102 - a name that is no text
    (home / "sessions" / "lost+found").mkdir()
    assert shell("qd halt").returncode == 0
    await halted(live)
    done = shell("qd sessions", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0
    assert "not UTF-8" in done.stdout
    assert "lost+found" in done.stdout
    assert f"{live.client.folder.name}  halted" in done.stdout
    for verb in ("status", "status --json", f"export -o {home}/out"):
        assert shell(f"qd {verb}").returncode == 0


async def test_of_several_of_one_name_the_one_that_lives_is_meant(live: Any, opened: Opened) -> None:
    others = [opened(), opened()]
    assert shell("qd halt small").returncode == 0
    await halted(live)
    assert not any(list((other / "halts").iterdir()) for other in others)
    assert live.client.folder.name in shell("qd status small").stdout


def test_one_damaged_byte_in_a_halts_file_leaves_it_a_halt(opened: Opened, home: Path) -> None:
    from quarterdeck.station.halt_files import filed_halts

    folder = opened()
    for name, content in (("bytes", b'{"nonce":"\xff"}'), ("deep", b"[" * 60_000)):
        (folder / "halts" / name).write_bytes(content)
    assert {halt.nonce for halt in filed_halts(folder)} == {"bytes", "deep"}


def _spoil(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] = 0xFF
    path.write_bytes(content)


# ---------------------------------------------------------------- streams


@pytest.mark.parametrize("where", [">&-", ">/dev/full", "<&- >&- 2>&-", ">/dev/full 2>&1", "| true"])
async def test_with_streams_that_take_nothing(live: Any, where: str) -> None:
    done = shell(f"qd halt {where}; exit ${{PIPESTATUS[0]}}", PYTHONUNBUFFERED="")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    await halted(live)
    if where == ">/dev/full":
        assert done.stderr.startswith("HALTED"), "it is said where somebody may read it"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("verb", ["sessions", "status --json", "lint --json ."])
def test_an_answer_that_cannot_be_written_is_a_failure_in_one_line(
    verb: str, unbuffered: str, opened: Opened
) -> None:
    opened()
    done = shell(f"qd {verb} >/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr == "quarterdeck: The answer cannot be written: No space left on device\n"
    closed = shell(f"qd {verb} >&-")
    assert "Traceback" not in closed.stderr
    assert "error of its own" not in closed.stderr


def test_a_complaint_that_cannot_be_written_leaves_the_exit_code(home: Path) -> None:
    assert shell("qd halt nothing 2>/dev/full").returncode == 2
    assert shell("qd halt nothing 2>/dev/full", PYTHONUNBUFFERED="").returncode == 2


# ---------------------------------------------------------------- disks


@pytest.fixture
def read_only(home: Path) -> Iterator[Callable[[], None]]:
    """Makes the state folder's disk read-only."""
    if os.getuid() != 0:
        pytest.skip("only root can mount")
    made = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(home)], check=False, capture_output=True)
    if made.returncode:
        pytest.skip("nothing can be mounted here")

    def turn() -> None:
        subprocess.run(["mount", "--bind", home, home], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", home], check=True)

    yield turn
    for session in (home / "sessions").glob("*"):
        if pid := station_pid(session):
            os.kill(pid, signal.SIGKILL)
    while subprocess.run(["umount", "-l", home], check=False, capture_output=True).returncode == 0:
        continue


async def test_on_a_read_only_disk(read_only: Callable[[], None], live: Any) -> None:
    read_only()
    done = shell("qd halt")
    assert done.stdout.startswith("HALTED"), done.stderr
    assert "Its file cannot be made (Read-only file system)" in done.stdout
    assert done.returncode == 0
    await halted(live)
    os.kill(live.client.welcome.pid, signal.SIGSTOP)
    done = shell("qd halt")
    os.kill(live.client.welcome.pid, signal.SIGCONT)
    assert done.returncode == 1
    assert done.stderr.startswith("NOT HALTED")


def test_with_a_full_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "full"
    full.mkdir()
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(full))
    before = runtime_folder()
    assert before.parent == full
    with monkeypatch.context() as disk:
        disk.setattr("tempfile.tempdir", None)
        disk.setattr("os.open", _no_room)
        assert runtime_folder() == before, "the station that began there is found there"


def _no_room(*_: object, **__: object) -> int:
    raise OSError(28, "No space left on device")


# ---------------------------------------------------------------- which, all, unconfirmed


async def test_all_halts_every_live_session_and_no_other(opened: Opened, attach: Attach) -> None:
    leads = [await attach(opened()) for _ in range(2)]
    for lead in leads:
        await lead.do(intents.StartSession())
    planned = opened()
    with pytest.raises(UsageError, match="2 sessions are open"):
        verbs.halt(argparse.Namespace(session="", reason="", all=False))
    done = shell("qd halt --all --reason flood")
    assert (done.returncode, done.stdout.count("HALTED ")) == (0, 2)
    for lead in leads:
        await halted(lead)
    assert not list((planned / "halts").iterdir())


async def test_all_goes_on_beside_a_station_that_hangs(opened: Opened, attach: Attach) -> None:
    leads = [await attach(opened()) for _ in range(2)]
    for lead in leads:
        await lead.do(intents.StartSession())
    os.kill(leads[0].client.welcome.pid, signal.SIGSTOP)
    done = shell("qd halt --all")
    os.kill(leads[0].client.welcome.pid, signal.SIGCONT)
    assert done.returncode == 4
    assert "HALT UNCONFIRMED" in done.stdout
    assert "HALTED" in done.stdout
    for lead in leads:
        await halted(lead)


async def test_all_names_none_and_needs_one(home: Path) -> None:
    assert shell("qd halt --all").returncode == 2
    assert shell("qd halt --all small").returncode == 2


async def test_unconfirmed_has_a_code_and_goes_when_the_halt_was_taken_and_answered(live: Any) -> None:
    pid, folder = live.client.welcome.pid, live.client.folder
    os.kill(pid, signal.SIGSTOP)
    done = shell("qd halt")
    assert done.returncode == 4
    assert done.stdout.startswith("HALT UNCONFIRMED")
    assert "HALT UNCONFIRMED" in shell("qd status").stdout
    os.kill(pid, signal.SIGCONT)
    await halted(live)
    assert "UNCONFIRMED" not in shell("qd status").stdout
    await live.do(intents.GoOn(halts=live.session.live_halts(), reason="a false alarm"))
    assert "UNCONFIRMED" not in shell("qd status").stdout
    again = shell("qd halt")
    assert (again.returncode, again.stdout.split()[0]) == (0, "HALTED")
    assert folder.name in again.stdout


def test_a_station_that_cannot_start_leaves_the_halt_unconfirmed(opened: Opened, config: Path) -> None:
    folder = opened()
    (config / "settings.yaml").write_text("quarterdeck-settings: 1\nrecorder_dri: /x\n")
    done = shell("qd halt")
    assert done.returncode == 4
    assert "settings.yaml" in done.stdout
    assert len(list((folder / "halts").iterdir())) == 1
    (config / "settings.yaml").unlink()
    start_station(folder)
    assert "halted by" in shell("qd status").stdout
