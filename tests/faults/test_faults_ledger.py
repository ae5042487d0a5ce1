"""The control of the soak run: each thing that it looks for is found where it is there."""

from __future__ import annotations

import msgspec
import pytest
from ledger import Line, faults, out_of_reach, read_ledger

from quarterdeck.session import events as e
from quarterdeck.session.event import Actor, Event, Moment

LEDGER = """
a-1 begun 100.1
b-1 begun 100.2
a-1 second 100.6
b-1 interrupted 100.7
a-1 ended 101.0
""".lstrip()


def happened(*what: tuple[e.Payload, str, float]) -> list[Event]:
    """Events of one chain: what, of which step, when."""
    return [
        Event(
            v=1, session="s", replica="r", aseq=number, prev="", lamport=number, kind=each.kind, actor=Actor("ada"),
            t=Moment(wall), data=msgspec.Raw(msgspec.json.encode(each)), step=step, attempt=1 if step else 0,
        )
        for number, (each, step, wall) in enumerate(what, 1)
    ]  # fmt: skip


NIGHT = (
    (e.NoteAdded(text="kept"), "", 99.0),
    (e.StepStarted(run="a-1"), "a", 100.0),
    (e.StepStarted(run="b-1"), "b", 100.0),
    (e.HaltCalled(nonce="n1"), "", 100.65),
    (e.CommandEnded(run="b-1", outcome="terminated", ended_by="halt"), "b", 100.8),
    (e.CommandEnded(run="a-1", exit_code=0), "a", 101.1),
)
NOTES = {"r:1": "kept"}


def test_a_sound_ledger_has_no_faults() -> None:
    assert faults(read_ledger(LEDGER), happened(*NIGHT), NOTES, ["n1"]) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a-1 begun 101.05", "run twice: a-1, 2 times"),
        ("b-1 second 100.75", "a line after a stop: b-1 second"),
        ("a-1 third 101.3", "a line after its end: a-1 third, 0.200 s late"),
        ("c-1 begun 100.9", "the record does not know c-1"),
    ],
)
def test_a_line_that_should_not_be_there_is_found(line: str, found: str) -> None:
    assert found in faults(read_ledger(LEDGER + line + "\n"), happened(*NIGHT), NOTES, ["n1"])


@pytest.mark.parametrize("notes", [{"r:1": "kept", "r:9": "lost"}, {"r:1": "another text"}])
def test_an_acknowledged_note_that_is_lost_or_changed_is_found(notes: dict[str, str]) -> None:
    (found,) = faults(read_ledger(LEDGER), happened(*NIGHT), notes, ["n1"])
    assert found.startswith("an acknowledged note is lost")


def test_a_halt_that_is_lost_is_found() -> None:
    assert faults(read_ledger(LEDGER), happened(*NIGHT), NOTES, ["n1", "n2"]) == ["a halt is lost: n2"]


def test_a_second_start_of_one_attempt_is_found() -> None:
    again = (*NIGHT, (e.StepStarted(run="a-2"), "a", 102.0))
    assert faults(read_ledger(LEDGER), happened(*again), NOTES, ["n1"]) == ["started twice: attempt 1 of a"]


def test_an_effect_that_was_recorded_as_done_and_is_not_there_is_found() -> None:
    cut = [line for line in read_ledger(LEDGER) if line.word != "ended"]
    assert faults(cut, happened(*NIGHT), NOTES, ["n1"]) == ["said to be done, and its last line is missing: a-1"]


def test_what_goes_on_long_after_a_halt_because_its_runner_was_killed_is_found() -> None:
    unknown = ((e.CommandEnded(run="a-1", outcome="lost"), "a", 100.5), (e.StepUnknown(why="lost"), "a", 100.5))
    lost = happened(*NIGHT[:5], *unknown)
    lines = [*read_ledger(LEDGER), Line("a-1", "late", 105.0)]
    assert faults(lines, lost, NOTES, ["n1"]) == []
    assert [line.word for line in out_of_reach(lines, lost)] == ["late"]
    assert out_of_reach(lines, happened(*NIGHT)) == []
