"""A ledger that the commands of steps write themselves, and what it must say beside the record of the same session.

A line is `RUN WORD SECONDS`: the run's id, what it did, and when, in epoch seconds. A command says `begun` first and
`ended` last; what a stop interrupts says `interrupted`, and nothing of its run may write a line after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from quarterdeck.session.event import Event
from quarterdeck.session.events import CommandEnded, HaltCalled, NoteAdded, StepStarted, StepUnknown, payload

__all__ = ["Line", "faults", "out_of_reach", "read_ledger"]


class Line(NamedTuple):
    """One line of the ledger."""

    run: str
    word: str
    at: float
    """Epoch seconds."""


def read_ledger(text: str) -> list[Line]:
    """The lines in the order in which they were written; ValueError for one that is none."""
    split = [line.split() for line in text.splitlines()]
    return [Line(run, word, float(at)) for run, word, at in split]


def faults(
    lines: Iterable[Line], events: Iterable[Event], notes: Mapping[str, str], halts: Iterable[str]
) -> list[str]:
    """What is wrong, in words; nothing where all is well.

    `notes`: an acknowledged event's id to the text that was noted; `halts`: names of the halt files.
    """
    written, happened = list(lines), list(events)
    return [*_lost(happened, notes, halts), *_twice(written, happened), *_after_a_stop(written, happened)]


REACH = 2.0
"""Seconds in which a station finds and ends what goes on without its runner, on a busy machine."""


def out_of_reach(lines: Iterable[Line], events: Iterable[Event]) -> list[Line]:
    """Lines that a command whose runner had been killed wrote more than `REACH` after a halt.

    Such a command does not see the halt's file; its step is unknown (R14), and the station ends it.
    """
    happened = list(events)
    halts = [event.t.wall for event in happened if event.kind == HaltCalled.kind]
    attempts = {(event.step, event.attempt) for event in happened if event.kind == StepUnknown.kind}
    begun = {
        what.run: event.t.wall
        for event in happened
        if isinstance(what := payload(event), StepStarted) and (event.step, event.attempt) in attempts
    }
    return [
        line
        for line in lines
        if line.run in begun and any(begun[line.run] <= halt < line.at - REACH for halt in halts)
    ]


def _lost(events: list[Event], notes: Mapping[str, str], halts: Iterable[str]) -> list[str]:
    """What was acknowledged, or filed as a halt, and is not in the record."""
    known: dict[str, str] = {}
    called: set[str] = set()
    for event in events:
        match payload(event):
            case NoteAdded(text=text):
                known[event.id] = text
            case HaltCalled(nonce=nonce):
                called.add(nonce)
            case _:
                pass
    found = [f"an acknowledged note is lost: {id_} {text}" for id_, text in notes.items() if known.get(id_) != text]
    return found + [f"a halt is lost: {nonce}" for nonce in sorted(set(halts) - called)]


def _twice(lines: list[Line], events: list[Event]) -> list[str]:
    """Runs that began more than once, or that the record does not know; steps with two runs of one attempt."""
    begun = Counter(line.run for line in lines if line.word == "begun")
    started = [
        (event.step, event.attempt, what.run) for event in events if isinstance(what := payload(event), StepStarted)
    ]
    attempts = Counter((step, attempt) for step, attempt, _ in started)
    runs = {run for _, _, run in started}
    found = [f"run twice: {run}, {count} times" for run, count in begun.items() if count > 1]
    found += [f"started twice: attempt {which[1]} of {which[0]}" for which, count in attempts.items() if count > 1]
    return found + [
        f"the record does not know {run}" for run in dict.fromkeys(line.run for line in lines) if run not in runs
    ]


def _after_a_stop(lines: list[Line], events: list[Event]) -> list[str]:
    """Lines of a run after its interruption, or after the record says that it ended; ends without the last line."""
    found = []
    interrupted: set[str] = set()
    for line in lines:
        if line.word == "interrupted":
            interrupted.add(line.run)
        elif line.run in interrupted:
            found.append(f"a line after a stop: {line.run} {line.word}")
    ends = {what.run: (what, event.t.wall) for event in events if isinstance(what := payload(event), CommandEnded)}
    latest = {line.run: line for line in lines}
    for run, (what, wall) in ends.items():
        if what.outcome == "lost":
            continue  # its runner was killed: nobody stopped what it had begun, and the record says unknown
        last = latest.get(run)
        if last is not None and last.at > wall:
            found.append(f"a line after its end: {run} {last.word}, {last.at - wall:.3f} s late")
        worked = what.outcome == "exited" and what.exit_code == 0 and not what.ended_by
        if worked and (last is None or last.word != "ended"):
            found.append(f"said to be done, and its last line is missing: {run}")
    return found
