"""Events that are packed come back as they were, whatever is asked for, dropped and appended in between."""

from __future__ import annotations

import random
import threading

from logbook_nights import ME, SESSION, moment, note

from quarterdeck.logbook.chain import Stamper
from quarterdeck.logbook.event_store import BLOCK, EventStore
from quarterdeck.session.event import Event

Entry = tuple[Event, bytes]
STAMPER = Stamper(SESSION, "r1", {}, 0)


def made(count: int) -> list[Entry]:
    drafts = [note(f"note {number}\n✅") for number in range(count)]
    return [(event, stored.raw) for event, stored in STAMPER.stamp(drafts, ME, moment(), "plan")]


def test_it_is_a_list_that_takes_less_room() -> None:
    chance = random.Random(11)
    store, plain = EventStore(), list[Entry]()
    for _ in range(120):
        for event, raw in made(chance.choice((1, 3, 50, BLOCK, BLOCK + 1))):
            store.append(event, raw)
            plain.append((event, raw))
        if chance.random() < 0.2:
            begin = max(0, len(plain) - chance.choice((0, 1, 5, BLOCK, 2 * BLOCK)))
            store.drop(begin)
            del plain[begin:]
        begin, end = sorted(chance.randrange(len(plain) + 3) for _ in range(2))
        assert store[begin:end] == plain[begin:end]
        assert store.raws(begin, end) == [raw for _, raw in plain[begin:end]]
        assert len(store) == len(plain)
        if plain:
            at = chance.randrange(-len(plain), len(plain))
            assert (store[at], store[-1]) == (plain[at], plain[-1])
    assert list(store) == list(reversed(list(reversed(store)))) == plain
    assert len(plain) > 4 * BLOCK
    assert sum(len(block.result()) for block in store._packed) < sum(len(raw) for _, raw in plain) / 4


def test_who_reads_while_another_appends_sees_no_event_twice_and_misses_none() -> None:
    store, events = EventStore(), made(4 * BLOCK)
    wrong: list[int] = []
    ends = threading.Event()

    def reads() -> None:
        while not ends.is_set():
            numbers = [event.aseq for event, _ in store]
            if numbers != [event.aseq for event, _ in events[: len(numbers)]]:
                wrong.append(len(numbers))

    reader = threading.Thread(target=reads)
    reader.start()
    for event, raw in events:
        store.append(event, raw)
    ends.set()
    reader.join()
    assert not wrong
