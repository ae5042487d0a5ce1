"""A session that 0.1.0 left in mid command, and a station of 0.1.0 that lives: both go on under this version."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ptyterminal import Terminal
from replayed_station import Replay
from stationkit import Lead, end_everything

from quarterdeck.errors import StationError
from quarterdeck.session import intents
from quarterdeck.session.fold import fold
from quarterdeck.station.wire.blocking_client import ask_once, history_of
from quarterdeck.station.wire.client import Client
from quarterdeck.station.wire.start_station import socket_of

OLD = Path(__file__).parent / "0.1.0" / "mid-command"
RECORDED = 39
"""Events of the session when it was left."""


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the live session's folder; its station is ended afterwards."""
    runtime = Path(tempfile.mkdtemp(prefix="qdo-", dir="/tmp"))
    home = tmp_path / "home"
    shutil.copytree(OLD / "home", home)
    for path in (home, *home.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    monkeypatch.setenv("QUARTERDECK_HOME", str(home))
    monkeypatch.setenv("QUARTERDECK_LINGER", "30")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    (folder,) = (home / "sessions").iterdir()
    yield folder
    end_everything(folder)
    shutil.rmtree(runtime, ignore_errors=True)


def quarterdeck(*words: str) -> subprocess.CompletedProcess[str]:
    """A verb that works."""
    argv = [sys.executable, "-m", "quarterdeck", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done
    return done


def attach(folder: Path) -> Terminal:
    """`quarterdeck attach` on a terminal of 120 by 36, whatever this process's own is."""
    own = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    argv = [sys.executable, "-m", "quarterdeck", "attach", folder.name]
    return Terminal(argv, {**own, "TERM": "xterm-256color", "LANG": "C.UTF-8"})


def test_the_verbs_know_a_live_session_of_0_1_0_without_a_station(live: Path) -> None:
    listed = quarterdeck("sessions").stdout
    assert f"{live.name}  running" in listed
    assert "no station: attach brings it back" in listed
    found = json.loads(quarterdeck("status", "--json", live.name).stdout)
    assert (found["state"], found["events"]) == ("running", RECORDED)
    assert [run["step"] for run in found["running"]] == ["reindex"]


def test_a_console_opens_a_live_session_of_0_1_0_and_it_is_halted_and_abandoned(live: Path, tmp_path: Path) -> None:
    terminal = attach(live)
    try:
        terminal.until("Read everything once", 60)
        terminal.until("PAUSED", 60)  # its station had gone: what ran reopens as paused
        quarterdeck("halt", live.name, "--reason", "found by the next version")
        terminal.until("HALTED", 60)
    finally:
        terminal.close()
    session = fold(history_of(live, timeout=20.0).events)
    assert session.state == "halted"
    assert session.unknown_kinds == []
    assert (session.steps["build"].state, session.steps["reindex"].state) == ("done", "unknown")
    assert session.steps["count"].values == {"rows": "1200"}
    wanted = intents.Abandon(reason="a test", handover="nobody", halts=session.live_halts())
    answered = ask_once(live, wanted, timeout=20.0)
    assert not answered.refusal
    assert json.loads(quarterdeck("status", "--json", live.name).stdout)["outcome"] == "abandoned"
    quarterdeck("export", live.name, "-o", str(tmp_path / "record"))
    assert "every hash fits" in quarterdeck("verify", str(tmp_path / "record")).stdout


def test_the_rest_of_a_live_session_of_0_1_0_can_be_rolled_back(live: Path) -> None:
    quarterdeck("halt", live.name, "--reason", "found by the next version")
    session = fold(history_of(live, timeout=20.0).events)
    assert session.rollback is None
    committed = ask_once(live, intents.RollBack(halts=session.live_halts(), typed="ROLLBACK"), timeout=20.0)
    assert not committed.refusal
    rollback = fold(history_of(live, timeout=20.0).events).rollback
    assert rollback is not None
    assert [item.step for item in rollback.items] == ["drop-new", "unfreeze", "still-there"]


async def test_a_client_of_this_version_is_served_by_a_living_station_of_0_1_0(live: Path) -> None:
    with Replay(socket_of(live), OLD / "wire.txt") as station:
        lead = Lead(await Client.connect(live, start=False))
        try:
            await lead.until(lambda: bool(lead.marks and lead.standing and lead.samples and len(lead.tails) == 3))
            assert lead.session.state == "running"
            assert lead.session.unknown_kinds == []
            assert lead.state("reindex") == "running"
            assert {tail.step: tail.total for tail in lead.tails} == {"count": 18, "build": 78, "reindex": 6}
            assert lead.samples[0].readings[0].target == "shop"
            noted = await lead.do(intents.AddNote(text="seen on the wire", step="reindex"))
            await lead.until(lambda: lead.events[-1].id in noted.events)
            refused = await lead.ask(intents.FinishStep(step="reindex"))
            assert (refused.refusal, refused.hint) == ("its command still runs", "T stops it now")
            await lead.do(intents.Pause(reason="a call"))
            await lead.until(lambda: lead.session.state == "paused")
            await lead.do(intents.GoOn())
            await lead.until(lambda: lead.session.state == "running")
            assert len(lead.events) == RECORDED
            await lead.client.leave()
        finally:
            await lead.close()
    assert station.not_understood == []


def test_a_console_of_this_version_shows_a_living_station_of_0_1_0(live: Path) -> None:
    with Replay(socket_of(live), OLD / "wire.txt") as station:
        terminal = attach(live)
        try:
            terminal.until("Read everything once", 60)
            terminal.until("begun", 60)  # the output of the command that runs
            terminal.until("RUNNING", 60)
            terminal.kill(signal.SIGTERM)
            terminal.ended(30)
        finally:
            terminal.close()
    assert station.hellos
    assert station.not_understood == []


def test_a_station_of_0_1_0_tells_a_client_of_another_protocol_which_version_to_use(live: Path) -> None:
    with (
        Replay(socket_of(live), OLD / "wire-newer.txt"),
        pytest.raises(StationError, match=r"use Quarterdeck 0\.1\.0 with this session"),
    ):
        ask_once(live, intents.AddNote(text="is anybody there"), start=False)
