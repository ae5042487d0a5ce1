"""What is refused because it cannot be recorded: it is in force nowhere, now or later; only a halt stays."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from logbook_nights import FailingDisk, FlakyConnection, FlakyPlan, kinds_of
from stationkit import Effects

from quarterdeck.host import login_name
from quarterdeck.logbook.session_log import Seams, SessionLog
from quarterdeck.session import intents
from quarterdeck.session.event import Actor
from quarterdeck.session.events import ReplicaBurned, payload
from quarterdeck.station.halt_files import halt_names
from quarterdeck.station.hub import Hub
from quarterdeck.station.journal import Journal, moment

Opened = Callable[..., Path]

ME = Actor(login=login_name(), uid=1000)


class Dying(FlakyPlan):
    """A disk that takes a commit, does not say so, and cannot be opened afterwards."""

    def __call__(self, path: Path) -> FlakyConnection:
        if self.failed and self.failures > 1:
            raise sqlite3.OperationalError("disk I/O error")
        return super().__call__(path)


class Station:
    """A hub on a real log, whose disks fail when told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk, self.plan = FailingDisk(), Dying(after_all=True)
        self.log = self.open(Seams(disk=self.disk, connector=self.plan))
        self.hub, self.effects = Hub(folder, Journal(self.log), ME), Effects()
        self.hub.executor, self.hub.watch, self.hub.verdicts = self.effects, lambda: None, self.effects.verdicts
        self.hub.look = self.effects.look
        self.taken_back: list[int] = []
        self.hub.on_taken_back = self.taken_back.append

    def open(self, seams: Seams | None = None) -> SessionLog:
        return SessionLog.open(self.folder, session_id=self.folder.name, actor=ME, moment=moment, seams=seams)

    def fail(self) -> None:
        """Both recorders: the lines' sync, and the commits, which come through after all."""
        self.disk.failing["sync"], self.plan.failures = -1, 1_000_000

    def mend(self) -> None:
        self.disk.failing["sync"] = self.plan.failures = 0

    async def ask(self, intent: Any) -> str:
        return (await self.hub.ask(intent, ME)).refusal

    def texts(self) -> list[bytes]:
        return [bytes(event.data) for event, _ in self.log.events if event.kind == "note.added"]

    def opened_again(self) -> SessionLog:
        """What another station finds."""
        self.log.close()
        self.log = self.open()
        return self.log

    def killed(self, tmp_path: Path) -> SessionLog:
        """What another station finds when this one is killed now: a copy of its files."""
        home = self.folder.parent.parent
        shutil.copytree(home, tmp_path / "killed")
        folder = tmp_path / "killed" / "sessions" / self.folder.name
        return SessionLog.open(folder, session_id=folder.name, actor=ME, moment=moment)

    @staticmethod
    def reopened(log: SessionLog) -> SessionLog:
        return SessionLog.open(log.folder, session_id=log.folder.name, actor=ME, moment=moment)


@pytest.fixture
async def station(opened: Opened) -> AsyncIterator[Station]:
    found = Station(opened())
    assert not await found.ask(intents.StartSession())
    yield found
    found.mend()
    found.log.close()


def burned_in(log: SessionLog) -> list[ReplicaBurned]:
    said = [payload(event) for event, _ in log.events]
    return [what for what in said if isinstance(what, ReplicaBurned)]


async def test_what_is_refused_is_in_force_nowhere_and_never_will_be(station: Station) -> None:
    known, replica = list(station.log.events), station.log.replica
    station.fail()
    assert "NOT RECORDED" in await station.ask(intents.Pause())
    assert station.hub.session.state == "running"
    assert station.log.events[: len(known)] == known
    assert "session.paused" not in kinds_of(station.log)
    station.mend()
    assert not await station.ask(intents.AddNote(text="the disk is back"))
    log = station.opened_again()
    assert "session.paused" not in kinds_of(log)
    assert (log.read_only, log.health()) == ("", {"logbook": "ok", "recorder": "ok"})
    (burned,) = burned_in(log)
    assert (burned.old, burned.last) == (replica, len(known)), "the record says so"


async def test_what_was_decided_on_something_refused_is_refused_too(station: Station) -> None:
    station.fail()
    asked = [asyncio.create_task(station.ask(intents.Pause())), asyncio.create_task(station.ask(intents.GoOn()))]
    refused = await asyncio.gather(*asked)
    assert all("NOT RECORDED" in why for why in refused)
    assert station.hub.session.state == "running"
    station.mend()
    assert not await station.ask(intents.AddNote(text="x"))
    assert station.texts() == [b'{"text":"x"}']


async def test_what_is_refused_while_nothing_can_be_recorded_is_not_even_tried(station: Station) -> None:
    station.fail()
    for number in range(5):
        assert "NOT RECORDED" in await station.ask(intents.AddNote(text=str(number)))
    assert len(burned_in(station.log)) == 1
    assert station.texts() == []


async def test_a_halt_stays_where_what_came_before_and_after_it_is_taken_back(station: Station) -> None:
    station.fail()
    pausing = asyncio.create_task(station.ask(intents.Pause()))
    await asyncio.sleep(0)
    halting = asyncio.create_task(station.hub.ask(intents.Halt(nonce="abc", reason="smoke"), ME))
    await asyncio.sleep(0)
    noting = asyncio.create_task(station.ask(intents.AddNote(text="after it")))
    assert "NOT RECORDED" in await pausing
    answered = await halting
    assert (answered.refusal, "NOT RECORDED" in answered.hint) == ("", True)
    assert "NOT RECORDED" in await noting
    assert station.hub.session.state == "halted"
    assert station.hub.published == len(station.log.events), "everybody sees it"
    assert station.taken_back, "and whoever saw what is no more starts again"
    assert halt_names(station.folder) == {"abc"}
    station.mend()
    assert not await station.ask(intents.AddNote(text="room again"))
    log = station.opened_again()
    assert kinds_of(log).count("halt.called") == 1
    assert "session.paused" not in kinds_of(log)
    assert station.texts() == [b'{"text":"room again"}']


async def test_a_fact_of_the_station_stays_too(station: Station) -> None:
    station.fail()
    pausing = asyncio.create_task(station.ask(intents.Pause()))
    await asyncio.sleep(0)
    await station.hub.tell(intents.NoteFact(text="the observer is silent"))
    assert "NOT RECORDED" in await pausing
    station.mend()
    assert not await station.ask(intents.AddNote(text="room again"))
    assert kinds_of(station.opened_again()).count("fact.noted") == 1


@pytest.mark.parametrize("said", [True, False])
async def test_what_was_refused_does_not_come_true_in_the_next_station(
    station: Station, tmp_path: Path, said: bool
) -> None:
    station.fail()
    assert "NOT RECORDED" in await station.ask(intents.Pause())
    if not said:
        shutil.rmtree(station.folder / "burned")
    log = station.killed(tmp_path)
    came_true = "session.paused" in kinds_of(log)
    assert came_true is not said, "the control: without the file the commit that came through after all counts"
    assert not said or [what.last for what in burned_in(log)] == [len(station.log.events) - 1]
    log.close()
    again = station.reopened(log)
    assert len(burned_in(again)) == len(burned_in(log)), "said once"
    again.close()


async def test_what_is_durable_after_all_is_not_refused(station: Station) -> None:
    """Both fail once, and the first one that is opened again has it."""
    station.disk.failing["sync"] = station.plan.failures = 1
    assert not await station.ask(intents.AddNote(text="once"))
    assert station.texts() == [b'{"text":"once"}']
    assert not station.taken_back


async def test_a_full_disk_keeps_its_last_room_and_takes_back_nothing_twice(station: Station) -> None:
    station.disk.error = errno.ENOSPC
    station.disk.failing["write"], station.plan.failures = -1, 1_000_000
    refused = [await station.ask(intents.Pause()) for _ in range(3)]
    assert all("NOT RECORDED" in why for why in refused)
    station.disk.failing["write"] = station.plan.failures = 0
    assert not await station.ask(intents.AddNote(text="a note"))
    assert len(burned_in(station.log)) == 1
