"""`demo --auto`: the same session without a terminal, through the same station and rules.

Prints what happens line by line, as the console's log has it, and ends with the receipts. Asks nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from quarterdeck import host
from quarterdeck.demo.autopilot import Orders, next_move
from quarterdeck.demo.loopback import fetch
from quarterdeck.demo.opening import Demo
from quarterdeck.errors import QuarterdeckError
from quarterdeck.session import intents as wanted
from quarterdeck.session.event import Event, Moment, decode
from quarterdeck.session.events import sentence
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Intent
from quarterdeck.session.rules.proofs import missing_values
from quarterdeck.session.state import Session
from quarterdeck.spans import second
from quarterdeck.station.wire.client import Client, Linked
from quarterdeck.station.wire.protocol import Farewell, Happened, Tail

__all__ = ["drive", "seconds_of_the_shop"]

PATIENCE = 600.0
"""Seconds after which a night that does not end is given up."""
BREATH = 0.2
"""Seconds between two looks when nothing is heard."""
NOTICED = 60.0
"""Seconds that a night waits for a guard to notice what was broken."""


async def drive(demo: Demo, orders: Orders, *, fault: str = "", say: Callable[[str], None] = print) -> Session:
    """Drive the session to its end; returns it. QuarterdeckError where it does not end."""
    client = await Client.connect(demo.folder, via="demo")
    night = _Night(demo, client, orders, fault, say)
    listening = asyncio.create_task(night.listen())
    try:
        async with asyncio.timeout(PATIENCE):
            await night.go()
    except TimeoutError as error:
        raise QuarterdeckError(
            f"the demo did not end within {PATIENCE:g} s", hint=f"quarterdeck status {night.session.id}"
        ) from error
    finally:
        listening.cancel()
        await client.leave(end=True)
    return night.session


class _Night:
    """One drive: what was heard, and what to do about it."""

    def __init__(self, demo: Demo, client: Client, orders: Orders, fault: str, say: Callable[[str], None]) -> None:
        self._demo, self._client, self._orders, self._fault, self._say = demo, client, orders, fault, say
        self._folding = Folding()
        self._heard = asyncio.Event()
        self._caught_up = False
        self._refusals = 0
        self._why = ""
        self._broken, self._broken_at = "", 0.0

    @property
    def session(self) -> Session:
        return self._folding.session

    async def listen(self) -> None:
        """Fold and print what the station says."""
        async for frame in self._client.frames():
            if isinstance(frame, Happened):
                if frame.is_first and self._caught_up:
                    self._say("          what was told could not all be recorded; what is recorded:")
                    self._folding = Folding()
                for raw in frame.events:
                    self._take(decode(bytes(raw)))
                self._caught_up = self._caught_up or frame.caught_up
            elif isinstance(frame, Farewell) or (isinstance(frame, Linked) and frame.state == "closed"):
                self._why = getattr(frame, "reason", "") or getattr(frame, "why", "")
            if not isinstance(frame, Tail):
                self._heard.set()

    def _take(self, event: Event) -> None:
        self._folding.add(event)
        self._say(f"{second(event.t.wall, 0)} UTC  {sentence(event, self.session.plan, 0)}")

    async def go(self) -> None:
        """Look, move, wait; until the session is over."""
        while not self.session.is_over:
            if self._why:
                raise QuarterdeckError(f"the station left: {self._why}")
            if self._caught_up:
                self._break_it()
                await self._measure()
                move = next_move(self.session, self._now(), self._orders)
                if isinstance(move, wanted.StartStep) and self._is_unnoticed():
                    move = None
                if move is not None and await self._ask(move):
                    continue
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), BREATH)
            except TimeoutError:
                continue

    def _now(self) -> float:
        ticks = host.boot_clock_ns()
        return self.session.clock(Moment(time.time(), host.boot_id(), ticks))

    async def _ask(self, move: Intent) -> bool:
        """Ask; whether something came of it. The same refusal again and again is reported and waited out."""
        if isinstance(move, wanted.Halt):
            answered = await self._client.halt(move.reason)
            return answered is not None
        answer = await self._client.ask(move, timeout=60.0)
        if not answer.refusal:
            self._refusals = 0
            await self._until_folded(answer.events)
            return True
        self._refusals += 1
        if self._refusals in {1, 50}:
            self._say(f"          waiting: {answer.refusal}")
        return False

    async def _until_folded(self, events: tuple[str, ...]) -> None:
        """What was answered is among the frames; look at nothing older."""
        if not events:
            return
        last = int(events[-1].rpartition(":")[2])
        deadline = time.monotonic() + 5
        while self.session.count < last and time.monotonic() < deadline:
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), BREATH)
            except TimeoutError:
                continue

    def _break_it(self) -> None:
        """Turn the asked fault on once the first change has been made, so that there is something to undo.

        What was broken from outside no rollback mends: it is mended when the rollback is committed.
        """
        started = [run for run in self.session.steps.values() if run.effect != "none"]
        if self._fault and self.session.phase == "running" and started:
            self._demo.world.fault(self._fault)
            self._say(f"          broke it: {self._fault}")
            self._fault, self._broken, self._broken_at = "", self._fault, time.monotonic()
        elif self._broken and self.session.rollback is not None:
            self._demo.world.clear_fault(self._broken)
            self._say(f"          mended it: {self._broken}")
            self._broken = ""

    def _is_unnoticed(self) -> bool:
        """Whether what was broken has not met a guard yet: the night waits for it, or it would be over before."""
        waits = self._broken in {"slow", "errors", "disk"} and time.monotonic() - self._broken_at < NOTICED
        return waits and self.session.phase == "running" and not self.session.holding

    async def _measure(self) -> None:
        """Do what a manual step asks a person: open the shop, and take the time."""
        plan = self.session.plan
        if plan is None:
            return
        for run in self.session.running():
            step = plan.steps[run.id]
            if step.kind == "manual" and "seconds" in missing_values(step, self._orders.values):
                try:
                    seconds = await asyncio.to_thread(seconds_of_the_shop, self._demo.world.url)
                except OSError as error:
                    await self._ask(wanted.FailStep(step=run.id, reason=f"the shop does not open: {error}"))
                    continue
                self._orders = _with_values(self._orders, seconds=f"{seconds:.3f}")


def _with_values(orders: Orders, **values: str) -> Orders:
    """The same orders with more measured values."""
    return Orders(orders.halt_after, {**orders.values, **values})


def seconds_of_the_shop(url: str) -> float:
    """How long the shop's page took. OSError where it does not open."""
    before = time.monotonic()
    fetch(f"{url}/shop", 10)
    return time.monotonic() - before
