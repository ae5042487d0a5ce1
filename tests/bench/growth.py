"""Growth: ten times the events, steps, endpoints and seats; what one of each costs must stay nearly what it was.

Each row holds the cost at the greater size against that at the smaller one, taken turn and turn about. How keys grow
with steps is measured in `keys`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.append import Seat
from tests.bench.measure import Row, p50
from tests.bench.polling import Heard
from tests.bench.processes import cpu_seconds
from tests.bench.web import endpoints
from tests.bench.world import ME, compiled, opening, session, world

from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.console.store import Link, StationClient
from quarterdeck.logbook.chain import Stamper
from quarterdeck.observer.client import Observer
from quarterdeck.observer.messages import Reading
from quarterdeck.session.decide import Refusal, decide
from quarterdeck.session.events import Draft
from quarterdeck.session.intents import AddNote, FinishStep, Intent, StartSession, StartStep
from quarterdeck.session.rules.automatic import due
from quarterdeck.station.journal import moment
from quarterdeck.station.recent_readings import History
from quarterdeck.station.station import Station

__all__ = ["rows"]

MARK = 1.3


async def _nowhere() -> StationClient:
    raise ConnectionError("this link is for looking only")


class Book:
    """A session in memory: decided, stamped and folded as the station does, without a disk."""

    def __init__(self, steps: int) -> None:
        self.link = Link(_nowhere, lambda _: None)
        self.link.me = ME
        self.folding = self.link.folding
        self._stamper = Stamper("bench", "r1", {}, 0)
        self._put(opening(compiled(steps)))
        self.ask(StartSession(override="measuring"))
        self.before: Snapshot | None = None

    def _put(self, drafts: Sequence[Draft]) -> None:
        for event, _ in self._stamper.stamp(drafts, ME, moment(), "bench"):
            self.folding.add(event)

    def ask(self, intent: Intent) -> None:
        """Decide, stamp, fold, and look what is due."""
        session = self.folding.session
        now = session.clock(moment())
        answer = decide(session, intent, ME, now)
        assert not isinstance(answer, Refusal), answer
        self._put(answer)
        due(session, now)

    def notes(self, count: int) -> None:
        """So many notes."""
        for number in range(count):
            self.ask(AddNote(text=f"note {number}"))

    def steps(self, first: int, count: int) -> None:
        """Start and finish so many steps."""
        for number in range(first, first + count):
            self.ask(StartStep(step=f"step-{number}"))
            self.ask(FinishStep(step=f"step-{number}"))

    def tick(self) -> None:
        """A console's tick where nothing happened."""
        at = moment()
        instant = Instant(self.folding.session.clock(at), at.wall, at.bt_ns / 1e9)
        self.before = Snapshot.of(self.link, instant, self.before)

    def fresh_tick(self) -> None:
        """A console's tick after an event."""
        self.before = None
        self.tick()


def _costs(rounds: int, small: Callable[[], object], large: Callable[[], object]) -> tuple[float, float]:
    """CPU milliseconds of both, medians of turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for index, work in enumerate((small, large)):
            begin = time.process_time()
            work()
            if number:
                taken[index].append((time.process_time() - begin) * 1e3)
    return p50(taken[0]), p50(taken[1])


def _row(what: str, costs: tuple[float, float], per: int = 1) -> Row:
    small, large = costs
    return Row(what=what, ours=large / per, unit="ms", reference=small / per, against="at a tenth", mark=MARK)


def _events(quick: bool) -> list[Row]:
    few, many = (200, 2_000) if quick else (2_000, 20_000)
    small, large = Book(100), Book(100)
    small.notes(few)
    large.notes(many)
    rounds = 5 if quick else 15
    return [
        _row(f"an event, after {many:,}", _costs(rounds, lambda: small.notes(100), lambda: large.notes(100)), 100),
        _row(f"a tick of a console, after {many:,} events", _costs(rounds, small.tick, large.tick)),
    ]


def _steps(quick: bool) -> list[Row]:
    few, many = (40, 400) if quick else (100, 1_000)
    small, large = Book(few), Book(many)
    rounds = 4 if quick else 10
    at = iter(range(1, few, 2))

    def work(book: Book) -> Callable[[], None]:
        return lambda: book.notes(20)

    def starts() -> tuple[float, float]:
        taken: tuple[list[float], list[float]] = ([], [])
        for number in [next(at) for _ in range(rounds)]:
            for index, book in enumerate((small, large)):
                begin = time.process_time()
                book.steps(number, 2)
                taken[index].append((time.process_time() - begin) * 1e3)
        return p50(taken[0]), p50(taken[1])

    return [
        _row(f"an event, with {many:,} steps", _costs(rounds, work(small), work(large)), 20),
        _row(f"a step started and finished, of {many:,}", starts(), 2),
        _row(f"a tick of a console, with {many:,} steps", _costs(rounds, small.tick, large.tick)),
        Row(
            what=f"a tick after an event, with {many:,} steps: for each step",
            ours=(costs := _costs(rounds, small.fresh_tick, large.fresh_tick))[1] / many * 1e3, unit="us",
            reference=costs[0] / few * 1e3, against="at a tenth", mark=MARK,
        ),
    ]  # fmt: skip


def _samples(quick: bool) -> list[Row]:
    few, many = 10, 100
    rounds = 5 if quick else 15

    def take(count: int) -> Callable[[], None]:
        clock = moment().bt_ns / 1e9
        history = History(lambda: clock)
        history.watch(compiled(25, endpoints=["http://127.0.0.1:1/"] * count).targets)
        number = 0

        def work() -> None:
            nonlocal number, clock
            for _ in range(2_000):
                number += 1
                clock += 5.0 / count
                history.take(
                    Reading(
                        target=f"endpoint-{number % count}", at=clock, boot=clock, status="ok", raw="ok",
                        values={"latency": 0.01, "status": "ok"}, interval=5.0, max_age=15.0,
                    )
                )  # fmt: skip

        return work

    return [_row(f"a sample in the station, {many} endpoints", _costs(rounds, take(few), take(many)), 2_000)]


async def _polled(urls: Sequence[str], seconds: float) -> float:
    """CPU milliseconds of the observer for a request."""
    heard = Heard()
    observer = Observer(heard)
    await observer.start(compiled(25, endpoints=urls, every="1s").targets)
    try:
        await asyncio.sleep(3.5)
        assert observer.pid is not None
        heard.forget()
        begin = cpu_seconds(observer.pid)
        await asyncio.sleep(seconds)
        return (cpu_seconds(observer.pid) - begin) / max(1, heard.readings) * 1e3
    finally:
        await observer.stop()


def _requests(quick: bool) -> list[Row]:
    few, many = 20, 200
    with endpoints(many) as urls:
        seconds = 3.0 if quick else 10.0

        async def both() -> tuple[float, float]:
            small, large = await asyncio.gather(_polled(urls[:few], seconds), _polled(urls, seconds))
            return small, large

        return [_row(f"a request of the observer, {many} endpoints", asyncio.run(both()))]


async def _broadcast(folder: Path, few: int, many: int, rounds: int) -> tuple[float, float]:
    """CPU milliseconds for an event and a seat, with few seats and with many."""
    station = Station(folder)
    ready = asyncio.Event()
    running = asyncio.create_task(station.run(ready.set))
    await ready.wait()
    seats: list[Seat] = []
    costs: list[float] = []
    try:
        for count in (few, many):
            seats += [await Seat.take(folder) for _ in range(count - len(seats))]
            taken = []
            for number in range(rounds):
                text = f"note {number} for {count} seats"
                begin = time.process_time()
                await asyncio.gather(station.hub.ask(AddNote(text=text), ME), *(s.gets(text.encode()) for s in seats))
                taken.append((time.process_time() - begin) * 1e3 / count)
            costs.append(p50(taken))
    finally:
        for seat in seats:
            seat.leave()
        os.kill(os.getpid(), signal.SIGTERM)  # the station's own way out
        await running
    return costs[0], costs[1]


def _seats(quick: bool) -> list[Row]:
    few, many = 3, 30
    with world() as home:
        costs = asyncio.run(_broadcast(session(home, compiled(30)), few, many, 30 if quick else 200))
    return [_row(f"an event to one of {many} seats", costs)]


def rows(quick: bool) -> list[Row]:
    """Everything times ten."""
    return [*_events(quick), *_steps(quick), *_samples(quick), *_requests(quick), *_seats(quick)]
