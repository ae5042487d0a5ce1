"""Both recorders read side by side: once, and only where they agree in everything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import msgspec
import pytest
from logbook_nights import HALT, ME, SESSION, Night, moment, note, write

from quarterdeck.logbook import agreement, chain
from quarterdeck.logbook.agreement import agree
from quarterdeck.logbook.chain import Stamper, Verified, verify
from quarterdeck.logbook.read_only import read_session, weigh
from quarterdeck.logbook.recorder import scan
from quarterdeck.session import fold as folding
from quarterdeck.session.event import Event, decode, digest, encode
from quarterdeck.session.events import Draft, FactNoted, payload

Rows = list[tuple[str, bytes]]
COUNT = 8


@pytest.fixture
def written(night: Night) -> tuple[Path, Rows]:
    """A flight recorder, and the rows that its logbook holds."""
    log = night.open()
    write(log, COUNT)
    log.close()
    return night.recorder, scan(night.recorder.read_bytes()).lines


def test_what_agrees_is_verified_as_on_the_long_way(written: tuple[Path, Rows]) -> None:
    recorder, rows = written
    taken: list[tuple[Event, bytes]] = []
    found = agree(SESSION, rows, recorder, lambda *event: taken.append(event))
    assert found is not None
    assert Verified(taken, found[0], [], []) == verify(SESSION, weigh(rows, rows).good)
    long = scan(recorder.read_bytes())
    assert (found[1].header, found[1].whole) == (long.header, long.whole)


def _line(raw: bytes, link: str = "") -> bytes:
    return b'{"hash":"%b","event":%b}\n' % ((link or digest(raw)).encode(), raw)


def _other(raw: bytes, **changes: object) -> bytes:
    return encode(msgspec.structs.replace(decode(raw), **changes))


def _without(data: bytes, row: tuple[str, bytes]) -> bytes:
    return data.replace(_line(row[1]), b"")


HURT: dict[str, Callable[[bytes, Rows], tuple[bytes, Rows]]] = {
    "a byte of the recorder": lambda data, rows: (data.replace(b"note 5", b"note X"), rows),
    "a byte of a row": lambda data, rows: (data, [(link, raw.replace(b"note 5", b"note X")) for link, raw in rows]),
    "the hash of a row": lambda data, rows: (data, [*rows[:-1], ("0" * 64, rows[-1][1])]),
    "the type of a row": lambda data, rows: (data, [*rows[:-1], (rows[-1][0], rows[-1][1].decode())]),  # type: ignore[list-item]  # as a damaged file has it
    "the hash in a line": lambda data, rows: (data.replace(rows[4][0].encode(), b"0" * 64, 1), rows),
    "the end of a line": lambda data, rows: (data[:-2] + b"]\n", rows),
    "an unfinished line": lambda data, rows: (data[:-1], rows),
    "an empty line": lambda data, rows: (data + b"\n", rows),
    "a damaged header": lambda data, rows: (data.replace(b'{"recorder":1', b'{"recorder":9', 1), rows),
    "a line more": lambda data, rows: (data + _line(b'{"v":1}'), rows),
    "a line twice": lambda data, rows: (data + _line(rows[-1][1]), rows),
    "a line less": lambda data, rows: (_without(data, rows[-1]), rows),
    "a row less": lambda data, rows: (data, rows[:-1]),
    "no rows": lambda data, _: (data, []),
    "both without one in the middle": lambda data, rows: (_without(data, rows[3]), rows[:3] + rows[4:]),
    "both in another order": lambda data, rows: (
        data[: data.index(_line(rows[0][1]))] + b"".join(_line(raw) for _, raw in rows[::-1]), rows[::-1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("hurt", HURT.values(), ids=HURT.keys())
def test_there_is_no_agreement_where_anything_differs(
    written: tuple[Path, Rows], hurt: Callable[[bytes, Rows], tuple[bytes, Rows]]
) -> None:
    recorder, rows = written
    before = recorder.read_bytes()
    data, rows = hurt(before, rows)
    assert (data, rows) != (before, written[1])
    recorder.write_bytes(data)
    assert agree(SESSION, rows, recorder, mock.Mock()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "of.a.newer.version"}, {"v": 2}, {"session": "another"}, {"replica": "r9"}, {"aseq": COUNT + 1},
        {"prev": "0" * 64}, {"lamport": 1}, {"kind": "replica.burned"},
    ],
    ids=str,
)  # fmt: skip
def test_there_is_no_agreement_over_an_event_that_has_to_be_judged(
    written: tuple[Path, Rows], changes: dict[str, object]
) -> None:
    recorder, rows = written
    raw = _other(rows[-1][1], **changes)
    recorder.write_bytes(_without(recorder.read_bytes(), rows[-1]) + _line(raw))
    assert agree(SESSION, [*rows[:-1], (digest(raw), raw)], recorder, mock.Mock()) is None


def test_replicas_that_are_burned_take_the_long_way(night: Night) -> None:
    log = night.open()
    write(log, COUNT)
    replica = log.replica
    log.close()
    night.logs[0].place.mark("burned", replica, 3)
    assert len(read_session(night.folder).events) == 3
    log = night.open()
    assert [event.aseq for event, _ in log.events if event.replica == replica] == [1, 2, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has read is in /proc")
@pytest.mark.parametrize("way", [Night.open, lambda night: read_session(night.folder)], ids=["owned", "read"])
def test_opening_reads_the_events_of_both_recorders_once_and_decodes_each_once(
    night: Night, way: Callable[[Night], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = night.open()
    log.append([note("a long note " * 50) for _ in range(2_000)], ME, "plan").durable.result(20)
    log.close()
    side_by_side = mock.Mock(side_effect=decode)
    long_way = mock.Mock(side_effect=decode)
    monkeypatch.setattr(agreement, "decode", side_by_side)
    monkeypatch.setattr(chain, "decode", long_way)
    before = _bytes_read()
    way(night)
    read = _bytes_read() - before
    once_more = night.database.stat().st_size  # SQLite's own check of the file, or a copy of it
    assert read < (once_more + night.database.stat().st_size + night.recorder.stat().st_size) * 1.1
    assert (side_by_side.call_count, long_way.call_count) == (2_000, 0)


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_fold_reads_no_payload_that_changes_nothing_and_each_other_one_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = mock.Mock(side_effect=payload)
    monkeypatch.setattr(folding, "payload", read)
    kinds = ["fact.noted", "note.added", "halt.called", "note.added"]
    drafts: dict[str, Draft] = {
        "fact.noted": Draft(FactNoted(text="f")),
        "note.added": note("n"),
        "halt.called": HALT,
    }
    made = Stamper(SESSION, "r1", {}, 0).stamp([drafts[kind] for kind in kinds], ME, moment(), "plan")
    session = folding.fold(event for event, _ in made)
    assert [call.args[0].kind for call in read.call_args_list] == ["halt.called"]
    assert session.count == len(kinds)
