"""Chains: what follows on what, and what is told when it does not."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logbook_nights import HALT, ME, SESSION, moment, note

from quarterdeck.logbook.chain import Held, Stamper, verify, verify_raws
from quarterdeck.logbook.protocol import Head, StoredEvent
from quarterdeck.session.event import Event, decode, digest, encode, first_link
from quarterdeck.session.events import Draft


def chain(count: int, replica: str = "r1", session: str = SESSION, last: Draft | None = None) -> list[bytes]:
    stamper = Stamper(session, replica, {}, 0)
    drafts = [note(str(number)) for number in range(count)]
    if last is not None:
        drafts[-1] = last
    return [stored.raw for _, stored in stamper.stamp(drafts, ME, moment(), "p")]


def changed(raw: bytes, **fields: object) -> bytes:
    return encode(msgspec.structs.replace(decode(raw), **fields))


def what(raws: list[bytes]) -> list[str]:
    return [problem.what for problem in verify_raws(SESSION, raws).problems]


def test_the_first_event_names_the_hash_of_the_sessions_id_and_each_other_one_its_predecessor() -> None:
    raws = chain(3)
    events = [decode(raw) for raw in raws]
    assert [event.aseq for event in events] == [1, 2, 3]
    assert [event.lamport for event in events] == [1, 2, 3]
    assert [event.prev for event in events] == [first_link(SESSION), digest(raws[0]), digest(raws[1])]


def test_a_stamper_goes_on_after_what_is_there_and_says_what_it_knew_of_others() -> None:
    stamper = Stamper(SESSION, "r2", {"r1": Head(7, "a"), "r2": Head(3, "b")}, lamport=40)
    ((event, _),) = stamper.stamp([note("x")], ME, moment(), "p")
    assert (event.aseq, event.prev, event.lamport, event.seen) == (4, "b", 41, {"r1": 7})


def test_a_draft_that_cannot_be_encoded_leaves_no_hole() -> None:
    stamper = Stamper(SESSION, "r1", {}, 0)
    with pytest.raises(UnicodeEncodeError):
        stamper.stamp([note("fine"), note("\ud800")], ME, moment(), "p")
    ((event, _),) = stamper.stamp([note("next")], ME, moment(), "p")
    assert event.aseq == event.lamport == 1


@given(st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same(rng: random.Random) -> None:
    raws = chain(6) + chain(4, "r2")
    expected = verify_raws(SESSION, raws)
    rng.shuffle(raws)
    found = verify_raws(SESSION, raws)
    assert found.events == expected.events
    assert found.chains == expected.chains
    assert not found.problems


def test_a_gap_ends_the_chain_and_names_what_is_missing() -> None:
    raws = chain(6)
    found = verify_raws(SESSION, raws[:2] + raws[4:])
    assert [event.aseq for event, _ in found.events] == [1, 2]
    assert [event.aseq for event, _ in found.held] == [5, 6]
    assert found.problems[0].what == "gap"
    assert "3 to 4" in found.problems[0].text


def test_a_gap_never_hides_a_halt() -> None:
    raws = chain(5, last=HALT)
    found = verify_raws(SESSION, raws[:2] + raws[3:])
    assert [event.kind for event, _ in found.events] == ["note.added", "note.added", "halt.called"]


def test_two_events_of_one_id_are_a_fork_and_both_are_kept() -> None:
    raws = chain(4)
    found = verify_raws(SESSION, [*raws, changed(raws[2], step="other")])
    assert found.problems[0].what == "fork"
    assert [event.aseq for event, _ in found.events] == [1, 2]
    assert len(found.held) == 3


def test_an_event_that_does_not_follow_on_the_one_before_it_is_a_fork() -> None:
    raws = chain(4)
    assert what([*raws[:3], changed(raws[3], prev="0" * 64)]) == ["fork"]


def test_events_of_another_session_are_ignored_and_told() -> None:
    found = verify_raws(SESSION, chain(3) + chain(2, "r9", session="2026-01-01-else-bcdf"))
    assert len(found.events) == 3
    assert {problem.what for problem in found.problems} == {"foreign"}


def test_a_newer_format_and_an_unknown_kind_are_kept_and_told() -> None:
    raws = chain(3)
    newer = changed(raws[2], v=2)
    unknown = changed(raws[2], kind="step.teleported")
    for last in (newer, unknown):
        found = verify_raws(SESSION, [*raws[:2], last])
        assert [problem.what for problem in found.problems] == ["newer"]
        assert len(found.events) == 3


def test_bytes_that_are_no_event_are_told() -> None:
    assert what([*chain(2), b'{"v":1}']) == ["unreadable"]


def test_verifying_trusts_the_hash_it_is_given() -> None:
    raws = chain(2)
    found = verify(SESSION, {digest(raws[0]): raws[0], "0" * 64: raws[1]})
    assert found.chains["r1"] == Head(2, "0" * 64)


@given(st.lists(st.integers(1, 30), max_size=60))
def test_held_knows_exactly_what_was_added(numbers: list[int]) -> None:
    held = Held()
    for number in numbers:
        held.add("r", number, str(number))
    assert {number for number in range(1, 40) if held.has("r", number)} == set(numbers)
    contiguous = next(number for number in range(1, 40) if number not in numbers) - 1
    assert held.heads().get("r", Head(0, "")).aseq == contiguous


def test_order_is_causal_across_replicas() -> None:
    first = chain(3)
    heads = verify_raws(SESSION, first).chains
    later = Stamper(SESSION, "r0", heads, lamport=3).stamp([note("after")], ME, moment(), "p")
    found = verify_raws(SESSION, [later[0][1].raw, *first])
    last: Event = found.events[-1][0]
    assert last.replica == "r0"
    assert last.seen == {"r1": 3}
    assert isinstance(later[0][1], StoredEvent)
