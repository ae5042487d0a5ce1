"""`status` without a station: what lies on disk is read, and nobody is told to press a key that no station hears."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sessionbook import Book
from stationkit import Lead
from tests.bench.watched import watched_night

from quarterdeck.logbook.lock import is_held
from quarterdeck.logbook.read_only import read_session
from quarterdeck.session import intents
from quarterdeck.session.events import Draft, SessionEnded, StationRestarted, payload
from quarterdeck.session.forecast import clocks
from quarterdeck.session.intents import StartStep
from quarterdeck.session.rules.start import Launch
from quarterdeck.session.state import Session
from quarterdeck.spans import countdown, hour, left
from quarterdeck.station import status
from quarterdeck.station.halt_files import file_halt
from quarterdeck.station.sessions import listed_sessions
from quarterdeck.station.status import lines_of, status_of
from quarterdeck.station.verbs import _folded

Opened = Callable[..., Path]
Attach = Callable[..., Awaitable[Lead]]


async def comes(holds: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(45):
        while not holds():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


async def killed(lead: Lead) -> None:
    """Kill its station, and let nobody start another."""
    assert lead.client.welcome is not None
    pid = lead.client.welcome.pid
    await lead.close()
    os.kill(pid, signal.SIGKILL)
    await comes(lambda: not is_held(lead.client.folder / "lock"))


def instant(text: str) -> datetime:
    """An ISO time with its offset."""
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None, text
    return found


def test_who_asks_how_a_session_is_reads_none_of_its_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    folder = watched_night(tmp_path, 2, 12)
    assert len(read_session(folder).samples) == 12
    monkeypatch.setattr("quarterdeck.logbook.sample_files.batch_hash", None)
    assert status_of(folder)["state"] == "completed"
    assert [listed.id for listed in listed_sessions()] == [folder.name]


async def test_a_dead_station_is_said_and_no_key_is_named(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    assert "next: you: S starts" in "\n".join(lines_of(status_of(lead.client.folder)))
    await killed(lead)
    found = status_of(lead.client.folder)
    assert found["next"].startswith("no station lives: quarterdeck attach")
    lines = lines_of(found)
    assert "! no station lives: quarterdeck attach brings the session back, paused" in lines
    assert not [line for line in lines if "S starts" in line]


async def test_a_halt_that_lies_on_disk_alone_is_told_with_who_when_and_why(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    await killed(lead)
    file_halt(lead.client.folder, "n1", reason="errors in checkout", login="bob")
    found = status_of(lead.client.folder)
    (halt,) = found["unconfirmed"]
    assert (halt["nonce"], halt["by"], halt["reason"]) == ("n1", "bob", "errors in checkout")
    instant(halt["at"])
    lines = lines_of(found)
    assert lines[1].startswith("RUNNING, HALT FILED  (from the logbook, ")
    assert f"halt filed by bob at {halt['at']}: errors in checkout" in lines


async def test_what_became_of_a_command_without_a_station_is_read_from_its_files(
    opened: Opened, attach: Attach, home: Path
) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))
    run = lead.session.steps["long"].runs[-1].id
    folder: Path = lead.client.folder
    await killed(lead)
    alive = status_of(folder)
    assert alive["running"][0]["command"] == "alive"
    assert any("its command goes on by itself" in line for line in lines_of(alive))
    (home / "go").touch()
    await comes((folder / "spool" / run / "result.json").exists)
    ended = status_of(folder)
    assert (ended["running"][0]["command"], ended["running"][0]["exit_code"]) == ("finished", 0)
    assert any(line.startswith("Take long: its command ended with code 0 after") for line in lines_of(ended))
    for file in (folder / "spool" / run).iterdir():
        file.unlink()
    assert status_of(folder)["running"][0]["command"] == "lost"


async def test_a_step_that_was_undone_is_not_done_and_times_are_iso(
    opened: Opened, attach: Attach, home: Path
) -> None:
    lead = await attach(opened())
    (home / "go").touch()
    await lead.do(intents.StartSession())
    for step in ("hello", "long"):
        await lead.do(intents.StartStep(step=step))
        await lead.until(lambda step=step: lead.state(step) == "done")  # type: ignore[misc]  # mypy knows no default
    folder: Path = lead.client.folder
    assert status_of(folder)["steps"]["long"] == "done"
    await lead.do(intents.Halt(nonce="n1", reason="slow"))
    await lead.do(intents.RollBack(halts=lead.session.live_halts(), typed="ROLLBACK"))
    await lead.do(intents.StartStep(step="undo-long"))
    await lead.until(lambda: lead.session.steps["long"].undone)
    found = status_of(folder)
    assert (found["steps"]["hello"], found["steps"]["long"]) == ("done", "undone")
    assert (found["decide_by"], found["decide_in"]) == (None, None), "it is decided"
    window: dict[str, Any] = json.loads(json.dumps(found["window"]))
    assert (instant(window["end"]) - instant(window["start"])).total_seconds() == pytest.approx(3600)


def told(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """What `status` finds of a session as it stands at its last event, and its line of clocks."""
    monkeypatch.setattr(status, "_known", lambda _: ([], "station", "", {}))
    monkeypatch.setattr(status, "fold", lambda _: session)
    monkeypatch.setattr(Session, "clock", lambda self, _: self.last)
    found = status_of(tmp_path)
    return found, next((line for line in lines_of(found) if line.startswith("window")), "")


def test_the_clocks_are_those_of_the_console_and_end_with_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`window` and what is ahead: the decision, then the way back, then nothing."""
    book = Book().begin()
    book.ask(StartStep(step="count", launch=Launch(run="run-count")))
    book.returned("count", values={"rows": "7"})
    book.run("freeze")
    found, line = told(book.session, tmp_path, monkeypatch)
    shown = clocks(book.session, book.session.last)
    assert shown is not None
    off = int((datetime.now().astimezone().utcoffset() or timedelta()).total_seconds() // 60)
    rest = countdown(shown.window_left)
    assert line == f"window left {rest}, decide by {hour(shown.decide_by, off)} in {left(shown.decide_in)}"
    assert instant(found["decide_by"]).timestamp() == pytest.approx(shown.decide_by, abs=1)
    book.halt("n1", "look")
    book.roll_back()
    found, line = told(book.session, tmp_path, monkeypatch)
    assert re.fullmatch(
        r"window left \d:\d\d:\d\d less 10 min reserve, rollback is back by \d\d:\d\d, margin 1 h \d+ min", line
    )
    assert found["decide_by"] is None
    book.run("unfreeze")
    book.run("still-there")
    assert book.state == "validating"
    found, line = told(book.session, tmp_path, monkeypatch)
    assert re.fullmatch(r"window left \d:\d\d:\d\d less 10 min reserve, margin 1 h \d+ min", line)
    assert (found["decide_by"], found["back_by"]) == (None, None)
    book.put([Draft(SessionEnded(outcome="rolled_back"))])
    found, line = told(book.session, tmp_path, monkeypatch)
    assert (line, found["window_left"], found["margin"]) == ("", None, None)


async def test_a_station_was_away_from_its_death_on_however_long_ago_the_last_event_was(
    opened: Opened, attach: Attach
) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    last = lead.events[-1].t.wall
    folder: Path = lead.client.folder
    lock = folder / "lock"
    await comes(lambda: lock.stat().st_mtime > last + 2.0)
    await killed(lead)
    status_of(folder)  # who only looks is no owner
    died = lock.stat().st_mtime
    again = await attach(folder)
    await again.until(lambda: "station.restarted" in again.kinds())
    told = next(event for event in again.events if event.kind == "station.restarted")
    restarted = payload(told)
    assert isinstance(restarted, StationRestarted)
    assert 0.0 <= restarted.gap <= told.t.wall - died + 0.01
    assert told.t.wall - last > 2.0


def test_a_narrow_terminal_gets_whole_words_and_a_wide_one_whole_lines() -> None:
    line = "  next     say who starts: nobody may while the effect of `copy-the-orders` is not known to anybody"
    assert _folded(line, 200) == line
    folded = _folded(line, 40).split("\n")
    assert all(len(part) <= 40 for part in folded)
    assert "".join(folded).split() == line.split()
    assert all(part.startswith("      ") for part in folded[1:])
    assert _folded("", 40) == ""
