"""One suite for every logbook: in memory, in SQLite, as lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from logbook_nights import ME, SESSION, moment, note
from memory_logbook import MemoryLogbook

from quarterdeck.logbook.chain import Stamper
from quarterdeck.logbook.protocol import ForkError, Logbook, SampleBatch, StoredEvent
from quarterdeck.logbook.recorder import FlightRecorder
from quarterdeck.logbook.samples import batch_hash
from quarterdeck.logbook.sqlite import SqliteLogbook

Opener = Callable[[], Logbook]


@pytest.fixture(params=["memory", "sqlite", "recorder"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same logbook, as often as asked."""
    opened: list[Logbook] = []
    memory = MemoryLogbook()

    def in_sqlite() -> Logbook:
        book = SqliteLogbook(tmp_path / "logbook.db", SESSION)
        book.open("r1")
        return book

    def in_lines() -> Logbook:
        book = FlightRecorder(tmp_path / "r.jsonl", SESSION)
        book.open("r1")
        book.adopt(list(book.read()))
        return book

    makers: dict[str, Opener] = {"memory": lambda: memory, "sqlite": in_sqlite, "recorder": in_lines}

    def make() -> Logbook:
        for book in opened:
            book.close()
        opened.append(makers[request.param]())
        return opened[-1]

    yield make
    for book in opened:
        book.close()


def chain(count: int, replica: str = "r1", name: str = "x") -> list[StoredEvent]:
    stamper = Stamper(SESSION, replica, {}, 0)
    return [stamper.stamp([note(f"{name} {number}")], ME, moment(), "p")[0][1] for number in range(count)]


def test_what_was_appended_is_read_back_verbatim_and_in_order(opener: Opener) -> None:
    book, events = opener(), chain(5)
    book.append(events[:2])
    book.append(events[2:])
    assert list(book.read()) == events
    assert list(book.read(after=3)) == events[3:]


def test_events_of_several_replicas_stay_in_order_of_arrival(opener: Opener) -> None:
    book = opener()
    mixed = [each for pair in zip(chain(3, "r1"), chain(3, "r2"), strict=True) for each in pair]
    book.append(mixed)
    assert list(book.read()) == mixed
    assert {replica: head.aseq for replica, head in book.chains().items()} == {"r1": 3, "r2": 3}


def test_the_head_of_a_chain_is_the_end_of_its_contiguous_part(opener: Opener) -> None:
    book, events = opener(), chain(5)
    book.append([events[0], events[1], events[4]])
    assert book.chains()["r1"] == (2, events[1].hash)
    assert book.holds(events[4])
    assert not book.holds(events[3])
    book.append(events[2:4])
    assert book.chains()["r1"] == (5, events[4].hash)


def test_appending_the_same_event_again_is_harmless(opener: Opener) -> None:
    book, events = opener(), chain(3)
    book.append(events)
    book.append(events[1:])
    assert list(book.read()) == events


def test_another_event_of_the_same_id_is_a_fork_and_nothing_of_its_group_is_kept(opener: Opener) -> None:
    book, events, others = opener(), chain(2), chain(3, name="other")
    book.append(events)
    with pytest.raises(ForkError):
        book.append([others[2], others[1]])
    assert list(book.read()) == events


def test_events_survive_closing_and_opening(opener: Opener) -> None:
    events = chain(4)
    opener().append(events[:3])
    book = opener()
    assert list(book.read()) == events[:3]
    assert book.chains()["r1"] == (3, events[2].hash)
    book.append(events[3:])
    assert list(opener().read()) == events


def test_reopening_a_sound_logbook_changes_nothing(opener: Opener) -> None:
    book, events = opener(), chain(4)
    book.append(events[:2])
    book.reopen()
    assert book.holds(events[1])
    assert not book.holds(events[2])
    book.append(events[2:])
    assert list(book.read()) == events


def test_appending_nothing_is_harmless(opener: Opener) -> None:
    book = opener()
    book.append([])
    assert list(book.read()) == []


def test_batches_of_samples_go_beside_the_events(opener: Opener) -> None:
    book, events = opener(), chain(1)
    batch = SampleBatch("r1", 1, batch_hash(b"[1]"), b"[1]")
    book.append(events, [batch])
    book.append([], [batch])
    assert list(book.read()) == events


def test_a_hundred_thousand_characters_and_every_control_character_come_back(opener: Opener) -> None:
    book = opener()
    wild = "".join(map(chr, range(0x20))) + "\u2028\u202e\N{GRINNING FACE}" + "x" * 100_000
    stamper = Stamper(SESSION, "r1", {}, 0)
    event, stored = stamper.stamp([note(wild)], ME, moment(), "")[0]
    book.append([stored])
    assert list(book.read()) == [stored]
    assert event.kind == "note.added"
