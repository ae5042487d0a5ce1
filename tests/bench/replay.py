"""Replay of a long session: read from the logbook, chain checked, folded; held against reading and decoding alone.

`opened` is the station's way (both recorders, compared, then the fold), `read` is that of export and status.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.bench.measure import Measurement, Row, interleaved, p50
from tests.bench.world import ME, compiled, opening, put, world

from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.observer.messages import Reading
from quarterdeck.session.event import Event
from quarterdeck.session.events import (
    Draft,
    EvidenceAdded,
    FactNoted,
    NoteAdded,
    StepDone,
    StepGranted,
    StepReported,
    StepStarted,
)
from quarterdeck.session.fold import fold
from quarterdeck.session.parts import Watch
from quarterdeck.station.journal import moment

__all__ = ["MEASUREMENTS", "long_session"]

STEPS = 1_000
GROUP = 500
"""Events that are appended at once, and samples with them."""
BATCHES = 25
"""Batches of samples in each group."""
SEEN: dict[str, float | str | None] = {f"endpoint-{one}.latency": 0.0123 for one in range(4)}


def _night(count: int) -> Iterator[Draft]:
    """What a long night says: steps that run again and again, and notes, facts and evidence on them."""
    for number in range(count):
        turn, what = divmod(number, 8)
        step, attempt = f"step-{turn % STEPS + 1}", turn // STEPS + 1
        match what:
            case 0:
                yield Draft(StepGranted(to="ada"), step=step, attempt=attempt)
            case 1:
                yield Draft(StepStarted(watch=Watch(digest="", snapshot=SEEN)), step=step, attempt=attempt)
            case 2:
                yield Draft(StepReported(note=f"this is how it went, number {number}"), step=step, attempt=attempt)
            case 3:
                yield Draft(StepDone(watch=Watch(digest="", snapshot=SEEN)), step=step, attempt=attempt)
            case 4:
                yield Draft(FactNoted(text=f"something was seen, number {number}", level="info"))
            case 5:
                yield Draft(EvidenceAdded(name=f"page {number}", text="what the page said"), step=step)
            case _:
                yield Draft(NoteAdded(text=f"what was thought of it, number {number}"), step=step)


def _readings(number: int) -> list[Reading]:
    """What was sampled in one tick."""
    return [
        Reading(
            target=f"endpoint-{one}", at=number * 1.0, boot=float(number), status="ok", raw="ok",
            values={"latency": 0.0123 + number / 1e6, "status": 200.0}, interval=5.0, max_age=15.0,
        )
        for one in range(4)
    ]  # fmt: skip


def long_session(home: Path, count: int, *, name: str = "long") -> Path:
    """A session of so many events; its folder."""
    folder = home / "sessions" / f"2026-11-29-{name}-kfwz"
    log = SessionLog.open(folder, session_id=folder.name, actor=ME, moment=moment)
    drafts = [*opening(compiled(STEPS)), *_night(count - 2)]
    for at in range(0, count, GROUP):
        for number in range(BATCHES):
            log.append_samples(_readings(at + number))
        put(log, drafts[at : at + GROUP])
    log.close()
    return folder


class Replays:
    """The three ways, for one session."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count

    def decoded(self) -> None:
        """Read and decode: what nobody can do without."""
        decoder = msgspec.json.Decoder(Event)
        gc.disable()
        connection = sqlite3.connect(f"file:{self._folder / 'logbook.db'}?mode=ro", uri=True)
        found = [decoder.decode(raw) for (raw,) in connection.execute("SELECT raw FROM events ORDER BY position")]
        connection.close()
        assert len(found) == self._count
        del found
        gc.enable()

    def opened(self) -> None:
        """As a station that starts again."""
        log = SessionLog.open(self._folder, session_id=self._folder.name, actor=ME, moment=moment)
        session = log.folding().session
        log.close()
        assert session.count == self._count

    def read(self) -> None:
        """As export and status."""
        assert fold(read_session(self._folder).events).count == self._count


def _rows(quick: bool) -> list[Row]:
    """Both ways."""
    count, rounds = (5_000, 2) if quick else (100_000, 7)
    with world() as home:
        ways = Replays(long_session(home, count), count)
        decoded, opened, read = interleaved(rounds, ways.decoded, ways.opened, ways.read)
    return [
        Row(
            row=row, what=f"{what} {count:,} events", ours=p50(taken), unit="s",
            reference=p50(decoded), against="read and decode", mark=2.0,
        )
        for row, what, taken in (
            ("replay-station", "station takes up", opened), ("replay-export", "export reads", read)
        )
    ]  # fmt: skip


MEASUREMENTS = (Measurement(("replay-station", "replay-export"), _rows),)
