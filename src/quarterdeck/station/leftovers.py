"""What a command leaves running: told apart by `leaves`, looked for after a halt, ended on a person's word.

A process of a run is known by the tag in its environment; one whose environment we may not read (sudo) by its pid,
owner and command line, as they were told when the command ended. Nothing is ended unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from quarterdeck.matcher import NotSearchedError, first_match
from quarterdeck.procedure.model import Step
from quarterdeck.runner.processes import Entry, command_of, descendants, owner_of, process_table, send, topmost
from quarterdeck.session.intents import EndLeft, FindLeft, Intent
from quarterdeck.session.leftovers import unasked_left
from quarterdeck.session.state import Session

__all__ = ["Leftovers", "declared", "end_left", "still_running"]


class Decider(Protocol):
    """What is needed of the hub."""

    @property
    def session(self) -> Session:
        """The state now."""

    async def tell(self, intent: Intent) -> object:
        """Ask as the station itself."""


GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""
LOOK = 0.05
KILLED = 2.0
"""Seconds after SIGKILL until it counts as what cannot be ended."""


class Leftovers:
    """Looks for what a session's commands left running, and ends what a person says."""

    def __init__(self, hub: Decider, cleaned: Callable[[str], str]) -> None:
        """`cleaned` takes secrets out of a command line."""
        self._hub, self._cleaned = hub, cleaned

    async def look(self) -> None:
        """After a halt: tell the session what still runs and nobody declared."""
        session = self._hub.session
        for owner, run in unasked_left(session):
            assert session.plan is not None
            step = session.plan.steps[owner.id]
            found = await asyncio.to_thread(still_running, step, run.id, run.left, self._cleaned)
            if found:
                await self._hub.tell(FindLeft(step=owner.id, run=run.id, processes=found))

    async def end(self, identity: str) -> None:
        """What a step left running and a person wants ended."""
        session = self._hub.session
        assert session.plan is not None
        step = session.plan.steps[identity]
        for run in list(session.steps[identity].runs):
            if run.left_answer == "end" and not run.left_ended:
                remaining = await end_left(step, run.id, run.left, self._cleaned)
                await self._hub.tell(EndLeft(step=identity, run=run.id, remaining=remaining))


def declared(step: Step, command: str) -> bool:
    """Whether the step's `leaves` says that this command line is meant to stay; one that cannot be searched is not.

    Blocks as `first_match` does: an event loop asks in a thread.
    """
    for pattern in step.leaves:
        with contextlib.suppress(NotSearchedError):
            if first_match(pattern, [command]) is not None:
                return True
    return False


def still_running(step: Step, run: str, told: Collection[str], cleaned: Callable[[str], str]) -> tuple[str, ...]:
    """What runs of it and is not declared, as `pid owner command`; what they started goes with them.

    `told`: the same as it was at the command's end. `cleaned` takes secrets out of a command line.
    """
    found = _left(step, run, told, cleaned)
    return tuple(f"{entry.pid} {owner_of(entry.pid)} {cleaned(command_of(entry.pid))}" for entry in topmost(found))


async def end_left(
    step: Step, run: str, told: Collection[str], cleaned: Callable[[str], str], grace: float = GRACE
) -> tuple[str, ...]:
    """SIGTERM to what stands on its own, `grace` seconds, SIGKILL to all of it; returns what could not be ended."""
    began, asked, killed = time.monotonic(), set[int](), False
    while left := await asyncio.to_thread(_left, step, run, told, cleaned):
        spent = time.monotonic() - began
        if spent > grace + KILLED:
            break
        for entry in left if spent > grace else topmost(left):
            if entry.pid not in asked or (spent > grace and not killed):
                send(entry.pid, signal.SIGKILL if spent > grace else signal.SIGTERM)
                asked.add(entry.pid)
        killed = spent > grace
        await asyncio.sleep(LOOK)
    return await asyncio.to_thread(still_running, step, run, told, cleaned)


def _left(step: Step, run: str, told: Iterable[str], cleaned: Callable[[str], str]) -> list[Entry]:
    """Everything of the run that is not declared, nor below what is."""
    entries = descendants(run)
    spare = [entry.pid for entry in entries if declared(step, command_of(entry.pid))]
    found = {entry.pid: entry for entry in (descendants(run, spare=spare) if spare else entries)}
    table = process_table()
    for line in told:
        pid, owner, command = line.split(" ", 2)
        entry = table.get(int(pid))
        if entry is not None and (owner_of(entry.pid), cleaned(command_of(entry.pid))) == (owner, command):
            found[entry.pid] = entry
    return list(found.values())
