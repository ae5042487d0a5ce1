"""Many seats that ask at once: one commit for all of them, and no answer before it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from logbook_nights import ME, FailingDisk, FlakyPlan, Night, note
from stationkit import Effects

from quarterdeck.logbook.session_log import Seams
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import AddNote
from quarterdeck.station.hub import Hub
from quarterdeck.station.journal import Journal

SEATS = 20


class Gate(FailingDisk):
    """Syncs that wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.shut = False
        self.reached, self.let = threading.Semaphore(0), threading.Semaphore(0)

    def sync(self, fd: int) -> None:
        if self.shut:
            self.reached.release()
            assert self.let.acquire(timeout=20)
        super().sync(fd)


async def test_intents_that_wait_for_a_sync_are_one_commit_and_none_is_answered_before_it(tmp_path: Path) -> None:
    night, gate, commits = Night(tmp_path / "home"), Gate(), FlakyPlan(after_all=False)
    log = night.open(Seams(disk=gate, connector=commits))
    log.append([note("before")], ME, "").durable.result(20)
    hub, effects = Hub(night.folder, Journal(log), ME), Effects()
    hub.executor, hub.watch, hub.verdicts, hub.look = effects, effects.watch, effects.verdicts, effects.look
    commits.failures = 10**6  # only the flight recorder can say that something is durable
    gate.shut, before = True, gate.calls["sync"]

    first = asyncio.create_task(hub.ask(AddNote(text="the first"), ME))
    await asyncio.to_thread(gate.reached.acquire, timeout=20)
    seats = [Actor(login=f"seat-{number}", uid=1000) for number in range(SEATS)]
    others = [asyncio.create_task(hub.ask(AddNote(text=f"from {seat.login}"), seat)) for seat in seats]
    await asyncio.sleep(0)  # each is decided and stamped at once
    assert len(log.events) == 2 + SEATS
    assert not any(task.done() for task in (first, *others))
    gate.let.release()
    assert (await first).events
    await asyncio.to_thread(gate.reached.acquire, timeout=20)
    assert not any(task.done() for task in others)
    gate.let.release()
    assert all(answer.events for answer in await asyncio.gather(*others))
    assert gate.calls["sync"] - before == 2

    gate.shut, commits.failures = False, 0
    await asyncio.to_thread(night.close)
