"""What 0.1.0 wrote is read for ever: records verify, exports are the same, its live session goes on."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from stationkit import Lead, end_everything

from quarterdeck.console.store import Link
from quarterdeck.logbook.read_only import read_session
from quarterdeck.record.export import FORMATS, export_session
from quarterdeck.record.formats import render, tables
from quarterdeck.session.events import KINDS, Unknown, payload
from quarterdeck.session.fold import fold
from quarterdeck.session.intents import Abandon, AddNote, FinishStep, Halt
from quarterdeck.station.wire.client import Client
from quarterdeck.station.wire.start_station import socket_of

OLD = Path(__file__).parent / "0.1.0"
NIGHTS = ("good-night", "rolled-back", "every-kind", "every-field")
REDRAW = bool(os.environ.get("QUARTERDECK_REDRAW"))


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A short folder for sockets, and stations that leave soon."""
    folder = tempfile.mkdtemp(prefix="qdo-", dir="/tmp")
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
    monkeypatch.setenv("QUARTERDECK_LINGER", "1")
    yield
    shutil.rmtree(folder, ignore_errors=True)


def copied(night: str, tmp_path: Path) -> Path:
    """The session's folder in a home of its own, private as a home is."""
    home = tmp_path / "home"
    shutil.copytree(OLD / night / "home", home)
    for path in (home, *home.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return next((home / "sessions").iterdir())


@pytest.mark.parametrize("night", NIGHTS)
def test_a_record_verifies_with_the_verify_of_its_time_and_with_todays(night: str) -> None:
    record = next((OLD / night / "record").glob("*.jsonl"))
    for verify in ([str(OLD / "verify.py")], ["-m", "quarterdeck", "verify"]):
        done = subprocess.run([sys.executable, *verify, str(record)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "every hash fits" in done.stdout


@pytest.mark.parametrize("night", NIGHTS)
def test_the_same_folder_gives_the_same_export(night: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied(night, tmp_path)
    monkeypatch.setattr(time, "time", lambda: 1_796_100_000.0)
    for module in (render, tables):  # each export names the version that made it
        monkeypatch.setattr(module, "__version__", "0.1.0")
    export_session(folder, tmp_path / "out", FORMATS)
    for stored in sorted((OLD / night / "record").glob("*.*")):
        made = (tmp_path / "out" / stored.name).read_bytes()
        now = OLD / night / "now" / stored.name
        if REDRAW and stored.suffix != ".jsonl":
            now.unlink(missing_ok=True)
            if made != stored.read_bytes():
                now.parent.mkdir(exist_ok=True)
                now.write_bytes(made)
        expected = now if now.exists() and stored.suffix != ".jsonl" else stored
        assert made == expected.read_bytes(), stored.name


def test_every_kind_of_0_1_0_is_known_applied_and_told(tmp_path: Path) -> None:
    copy = read_session(copied("every-kind", tmp_path))
    kinds = {event.kind for event in copy.events}
    assert len(kinds) == 60
    assert kinds <= KINDS.keys()
    assert not [event for event in copy.events if isinstance(payload(event), Unknown)]
    assert fold(copy.events).unknown_kinds == []


async def test_a_live_session_of_0_1_0_opens_paused_halts_and_is_abandoned(tmp_path: Path) -> None:
    folder = copied("live", tmp_path)
    try:
        lead = Lead(await Client.connect(folder))
        await lead.until(lambda: lead.session.state == "paused")
        assert (lead.state("count"), lead.state("freeze"), lead.state("build")) == ("done", "done", "pending")
        await lead.do(Halt(nonce="n1", reason="as long as we look"))
        await lead.until(lambda: lead.session.state == "halted")
        live = lead.session.live_halts()
        await lead.do(Abandon(reason="only a trial", handover="nobody", halts=live))
        await lead.until(lambda: lead.session.outcome == "abandoned")
        await lead.close()
    finally:
        end_everything(folder)


class OldStation:
    """Says to a client what 0.1.0's station said, answer by answer."""

    def __init__(self) -> None:
        self._said = (OLD / "live" / "wire.jsonl").read_bytes().splitlines(keepends=True)
        self.asked: list[dict[str, object]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cuts = [number for number, line in enumerate(self._said) if json.loads(line)["f"] == "Answered"]
        begin = cuts[0] - 1
        writer.writelines(self._said[:begin])
        while line := await reader.readline():
            frame = json.loads(line)
            if frame["f"] == "Ping":
                writer.write(json.dumps({"f": "Pong", "id": frame["id"]}).encode() + b"\n")
            elif frame["f"] == "Ask":
                self.asked.append(frame)
                end = cuts[frame["id"] - 1] + 1
                writer.writelines(self._said[begin:end])
                begin = end
        writer.close()


async def test_a_client_attaches_to_a_living_station_of_0_1_0(tmp_path: Path) -> None:
    folder = copied("live", tmp_path)
    old = OldStation()
    server = await asyncio.start_unix_server(old.serve, socket_of(folder))
    try:
        lead = Lead(await Client.connect(folder, start=False))
        await lead.until(lambda: len(lead.events) == 13)
        assert lead.client.welcome is not None
        assert lead.client.welcome.version == "0.1.0"
        assert lead.state("freeze") == "running"
        assert lead.tails[-1].text == "rows 7\n"
        await lead.do(AddNote(text="seen from a newer console"))
        await lead.do(FinishStep(step="freeze"))
        await lead.until(lambda: lead.state("freeze") == "done")
        assert [frame["intent"] for frame in old.asked] == [
            {"do": "AddNote", "text": "seen from a newer console"},
            {"do": "FinishStep", "step": "freeze"},
        ]
        await lead.close()
    finally:
        server.close()


async def test_a_console_attaches_to_it_and_says_what_it_cannot_show(tmp_path: Path) -> None:
    folder = copied("live", tmp_path)
    server = await asyncio.start_unix_server(OldStation().serve, socket_of(folder))
    link = Link(partial(Client.connect, folder, start=False), lambda _: None)
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(10):
            await link.caught_up.wait()
        assert link.session.steps["freeze"].state == "running"
        (said,) = [line.text for line in link.log if line.level == "warning" and line.who == "here"]
        assert "station is Quarterdeck 0.1.0" in said
        assert "is not shown" in said
    finally:
        await link.leave()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
