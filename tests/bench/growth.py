"""Growth: ten times the events, steps, endpoints and seats; what one of each costs must stay nearly what it was.

Each row holds the cost at the greater size against that at the smaller one, taken turn and turn about. What steps
cost is measured in `many_steps`, how keys grow with them in `keys`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench.append import Seat
from tests.bench.many_steps import Book
from tests.bench.measure import Measurement, Row, p50
from tests.bench.polling import Heard
from tests.bench.processes import cpu_seconds
from tests.bench.web import endpoints
from tests.bench.world import ME, compiled, session, world

from quarterdeck.observer.client import Observer
from quarterdeck.observer.messages import Reading
from quarterdeck.session.intents import AddNote
from quarterdeck.station.journal import moment
from quarterdeck.station.recent_readings import History
from quarterdeck.station.station import Station

__all__ = ["MEASUREMENTS"]

MARK = 1.3


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


def _row(row: str, what: str, costs: tuple[float, float], per: int = 1) -> Row:
    small, large = costs
    return Row(
        row=row, what=what, ours=large / per, unit="ms", reference=small / per, against="at a tenth", mark=MARK
    )


def _events(quick: bool) -> list[Row]:
    few, many = (200, 2_000) if quick else (2_000, 20_000)
    small, large = Book(compiled(100)), Book(compiled(100))
    for book, count in ((small, few), (large, many)):
        for _ in range(count // 10):
            book.notes()
    rounds = 5 if quick else 15
    return [
        _row("growth-events", f"ten events, after {many:,}", _costs(rounds, small.notes, large.notes)),
        _row("growth-tick", f"a tick of a console, after {many:,} events", _costs(rounds, small.tick, large.tick)),
    ]


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

    return [
        _row(
            "growth-samples",
            f"a sample in the station, {many} endpoints",
            _costs(rounds, take(few), take(many)),
            2_000,
        )
    ]


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

        return [_row("growth-requests", f"the observer, for each request, {many} endpoints", asyncio.run(both()))]


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
    return [_row("growth-seats", f"an event, for each seat of {many} seats", costs)]


MEASUREMENTS = (
    Measurement(("growth-events", "growth-tick"), _events),
    Measurement(("growth-samples",), _samples),
    Measurement(("growth-requests",), _requests),
    Measurement(("growth-seats",), _seats),
)
