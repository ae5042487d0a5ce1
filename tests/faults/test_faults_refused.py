"""Disks that refuse, under real stations: what could not be recorded is shown nowhere, and never comes true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from corrupting import REFUSING
from faultkit import Night, injected, wait_until
from stationkit import Lead

from quarterdeck.session import intents
from quarterdeck.session.events import ReplicaBurned, payload
from quarterdeck.station.halt_files import halt_names
from quarterdeck.station.wire.blocking_client import ask_once
from quarterdeck.station.wire.client import Client

NO_SYNC = ("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:delay_enter=300000")
"""Each sync takes a while and then fails: what was written lies in the kernel's memory, and may reach the disk."""


@pytest.fixture
async def attach(night: Night) -> AsyncIterator[Callable[[], Awaitable[Lead]]]:
    """Consoles on the night's session."""
    leads: list[Lead] = []

    async def attached() -> Lead:
        leads.append(Lead(await Client.connect(night.folder)))
        await leads[-1].until(lambda: bool(leads[-1].positions))
        return leads[-1]

    yield attached
    for lead in leads:
        await lead.close()


async def test_a_console_that_was_shown_what_is_refused_starts_again_and_the_halt_stays(
    night: Night, attach: Callable[[], Awaitable[Lead]]
) -> None:
    night.open()
    lead = await attach()
    await lead.do(intents.StartSession())
    with injected(night.station(), *NO_SYNC):
        pausing = asyncio.create_task(lead.ask(intents.Pause()))
        halting = asyncio.create_task(lead.client.halt("smoke", timeout=20.0))
        await lead.until(lambda: {"session.paused", "halt.called"} <= set(lead.kinds()))
        assert "NOT RECORDED" in (await pausing).refusal
        await lead.until(lambda: lead.begun_again == 1 and lead.session.state == "halted")
        assert "session.paused" not in lead.kinds()
        answered = await halting
        assert answered is not None
        assert "NOT RECORDED" in answered.hint
    await lead.do(intents.AddNote(text="the disk is back"))
    night.kill_station()
    night.do(intents.AddNote(text="a new station"))
    await lead.until(lambda: lead.kinds().count("note.added") == 2)
    assert lead.session.live_halts()
    assert "session.paused" not in lead.kinds()
    assert lead.begun_again == 1, "what is recorded is not read again"


@pytest.mark.parametrize("said", [True, False])
def test_what_was_refused_does_not_come_true_after_kill_9(night: Night, said: bool) -> None:
    flag = night.scratch / "refuses"
    night.open()
    night.start_station(REFUSING.format(flag=str(flag)))
    night.do(intents.StartSession())
    wal = night.folder / "logbook.db-wal"
    wait_until(lambda: b'"session.started"' in wal.read_bytes())
    flag.touch()
    assert "NOT RECORDED" in ask_once(night.folder, intents.Pause()).refusal
    assert "NOT RECORDED" in ask_once(night.folder, intents.AddNote(text="nor this")).refusal
    night.kill_station()
    if not said:
        for path in (night.folder / "burned").iterdir():
            path.unlink()
    night.do(intents.AddNote(text="a new station"))
    kinds = [event.kind for event in night.events()]
    paused = "session.paused" in kinds
    assert paused is not said, "the control: without the file's word a commit that was refused counts"
    assert kinds.count("note.added") == 1
    if said:
        assert [what.last for event in night.events() if isinstance(what := payload(event), ReplicaBurned)]


STUCK = """
import os, time
from quarterdeck.logbook import writer
write = writer.Lane._write
def stuck(self, jobs, batches):
    while os.path.exists({flag!r}):
        time.sleep(0.02)
    return write(self, jobs, batches)
writer.Lane._write = stuck
"""
"""Disks that do not answer while a file is there."""


async def test_a_console_that_was_shown_what_died_with_its_station_starts_again(
    night: Night, attach: Callable[[], Awaitable[Lead]]
) -> None:
    flag = night.scratch / "stuck"
    night.open()
    night.start_station(STUCK.format(flag=str(flag)))
    lead = await attach()
    await lead.do(intents.StartSession())
    flag.touch()
    noting = asyncio.create_task(lead.ask(intents.AddNote(text="waits for the disk")))
    halting = asyncio.create_task(lead.client.halt("smoke", timeout=1.0))
    await lead.until(lambda: {"note.added", "halt.called"} <= set(lead.kinds()))
    phantoms = {event.id: event.kind for event in lead.events}
    night.kill_station()
    await asyncio.gather(noting, halting, return_exceptions=True)
    night.do(intents.AddNote(text="a new station"))
    await lead.until(lambda: lead.begun_again == 1 and lead.session.live_halts() != ())
    assert lead.session.live_halts() == tuple(halt_names(night.folder)), "the halt comes back by its file"
    assert [bytes(event.data) for event in lead.events if event.kind == "note.added"] == [b'{"text":"a new station"}']
    second = await attach()
    assert [event.id for event in second.events] == [event.id for event in lead.events], "both know the same"
    assert not {id_ for id_, kind in phantoms.items() if kind == "note.added"} & {each.id for each in lead.events}
