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
from quarterdeck.session.event import Event
from quarterdeck.session.events import Draft, EvidenceAdded, FactNoted, NoteAdded
from quarterdeck.session.fold import Folding, fold
from quarterdeck.station.journal import moment

__all__ = ["MEASUREMENTS", "long_session"]

STEPS = 300


def _night(count: int) -> Iterator[Draft]:
    """What a long night says: notes, facts and evidence on its steps."""
    for number in range(count):
        step = f"step-{number % STEPS + 1}"
        match number % 4:
            case 0:
                yield Draft(FactNoted(text=f"something was seen, number {number}", level="info"))
            case 1:
                yield Draft(EvidenceAdded(name=f"page {number}", text="what the page said"), step=step)
            case _:
                yield Draft(NoteAdded(text=f"what was thought of it, number {number}"), step=step)


def long_session(home: Path, count: int, *, name: str = "long") -> Path:
    """A session of so many events; its folder."""
    folder = home / "sessions" / f"2026-11-29-{name}-kfwz"
    log = SessionLog.open(folder, session_id=folder.name, actor=ME, moment=moment)
    put(log, [*opening(compiled(STEPS)), *_night(count - 2)])
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
        folding = Folding(event for event, _ in log.events)
        log.close()
        assert folding.session.count == self._count

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
