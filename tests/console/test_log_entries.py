"""The log in entries: what is one entry, what it says, what a filter finds; and an entry that is opened."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import night
import pytest
from fake_station import FakeStation
from hands_helm import Helm, helm
from harness import Harness
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.console.log_entries import LONGEST, LOUDNESS, MOST, TOGETHER, LogEntries, LogEntry
from quarterdeck.console.panes.log import EntryPane, LogPane
from quarterdeck.console.screens.reader import LiveReader
from quarterdeck.console.store import LogLine, log_line
from quarterdeck.session import intents
from quarterdeck.session.event import decode
from quarterdeck.session.fold import Folding
from quarterdeck.station.wire.protocol import Marks

OLD = Path(__file__).parents[1] / "old" / "0.1.0"
NIGHTS = sorted(OLD.glob("*/record/*.jsonl"))


def entries_of(lines: list[LogLine]) -> list[LogEntry]:
    folded = LogEntries()
    folded.take(lines)
    return folded.all


def said(entry: LogEntry) -> str:
    return f"{entry.name} · {entry.words}" if entry.name else entry.words


def night_of(path: Path) -> list[LogLine]:
    """The lines of a recorded night."""
    folding, lines = Folding(), list[LogLine]()
    for raw in path.read_bytes().splitlines():
        if "kind" in json.loads(raw):
            event = decode(raw)
            folding.add(event)
            lines.append(log_line(event, len(lines) + 1, folding.session, 0))
    return lines


def told(at: float, kind: str, step: str = "", *, by: str = "station", **fields: Any) -> LogLine:
    return night.told(int(at * 100) + 1, at, by, kind, step, **fields)


CHECK = {"title": "rows", "ok": True, "read": "7"}
BAD = {"title": "rows", "ok": False, "read": "3"}


def ending(at: float, step: str = "backup", proof: dict[str, object] = CHECK) -> list[LogLine]:
    """What the end of a command's step is made of."""
    return [
        told(at, "command.ended", step, run="r", exit_code=0, seconds=540.0),
        told(at + 0.01, "step.reported", step),
        told(at + 1.2, "step.verified", step, proofs=(proof,), ok=proof["ok"]),
        told(at + 1.3, "step.done", step),
    ]


# -- what is one entry

lines_of_any_kind = st.lists(
    st.builds(
        LogLine,
        at=st.floats(0, 40).map(lambda at: night.T0 + at),
        who=st.sampled_from(("dba", "station")),
        text=st.sampled_from(("a b c", "a x c", "d")),
        level=st.sampled_from(tuple(LOUDNESS)),
        position=st.integers(0, 50),
        step=st.sampled_from(("", "copy", "swap")),
        kind=st.sampled_from(("step.done", "guard.blind")),
        name=st.sampled_from(("", "1 Copy")),
        brief=st.sampled_from(("done", "b c")),
        adds=st.sampled_from(("", "1 check", "c")),
        entries=st.sampled_from(((), ("copy 1",), ("halt", "copy 1"), ("halt",), ("guard.blind",))),
    ),
    max_size=80,
)


def holds(lines: list[LogLine], entries: list[LogEntry]) -> None:
    """What is true of the entries of all lines."""
    by_entry = {id(line): number for number, entry in enumerate(entries) for line in entry.lines}
    assert sum(len(entry.lines) for entry in entries) == len(lines), "every line stands in one entry"
    assert len(by_entry) == len(lines)
    order = {id(line): number for number, line in enumerate(lines)}
    firsts = [order[id(entry.lines[0])] for entry in entries]
    assert firsts == sorted(firsts), "entries stand in the order in which they began"
    for entry in entries:
        places = [order[id(line)] for line in entry.lines]
        assert places == sorted(places), "and lines in theirs"
        assert entry.level == max((line.level for line in entry.lines), key=LOUDNESS.__getitem__)
        loudest = next(line for line in entry.lines if line.level == entry.level)
        told_apart = any(line.step or line.kind != loudest.kind for line in entry.lines)
        if entry.level in {"warning", "alarm"} and told_apart:
            assert entry.words.startswith(loudest.brief), "what is worst is said first"
        assert entry.position == max(line.position for line in entry.lines), "the least is proven of the latest event"
        assert all(abs(b.at - a.at) <= TOGETHER for a, b in zip(entry.lines, entry.lines[1:], strict=False))
        assert all(abs(line.at - entry.at) <= LONGEST for line in entry.lines)
        assert len(entry.lines) <= MOST


@given(lines_of_any_kind, st.integers(1, 7))
def test_every_line_stands_in_one_entry_in_order_as_loud_as_it_is_and_folding_on_gives_what_folding_at_once_gives(
    lines: list[LogLine], stride: int
) -> None:
    whole = entries_of(lines)
    holds(lines, whole)
    on = LogEntries()
    for until in range(0, len(lines) + stride, stride):
        before = [list(entry.lines) for entry in on.all]
        first = on.take(lines[:until])
        assert before[:first] == [entry.lines for entry in on.all[:first]], (
            "what is before the named place is as it was"
        )
    assert [entry.lines for entry in on.all] == [entry.lines for entry in whole]
    assert [said(entry) for entry in on.all] == [said(entry) for entry in whole]
    assert [on.all[place].lines.count(line) > 0 for line, place in zip(lines, on.places, strict=True)] == [
        True
    ] * len(lines)


@pytest.mark.parametrize("path", NIGHTS, ids=lambda path: path.parts[-3])
def test_a_recorded_night_is_told_in_fewer_entries_of_which_each_says_its_loudest_line(path: Path) -> None:
    lines = night_of(path)
    entries = entries_of(lines)
    holds(lines, entries)
    assert len(entries) < len(lines)
    assert all(said(entry).strip() for entry in entries)
    alone = [entry.lines[0] for entry in entries if len(entry.lines) == 1]
    assert {line.kind for line in lines} & {"note.added", "step.signed"} <= {line.kind for line in alone}
    for line in alone:
        name = f"{line.name} · " if line.name else ""
        entry = next(entry for entry in entries if entry.lines[0] is line)
        assert said(entry) == f"{name}{line.brief or line.text}"


def test_a_steps_end_is_one_entry_that_says_its_name_once() -> None:
    [entry] = entries_of(ending(0))
    assert said(entry) == "3 Online backup, read it back · done after 12 min, 1 check"
    assert [line.kind for line in entry.lines] == ["command.ended", "step.reported", "step.verified", "step.done"]


def test_what_does_not_verify_is_said_before_all_else_with_what_was_read() -> None:
    [entry] = entries_of(ending(0, proof=BAD)[:3])
    assert said(entry) == "3 Online backup, read it back · NOT verified: rows: read 3"
    assert entry.level == "warning"


def test_a_short_step_is_one_entry_and_a_long_one_is_told_when_it_starts_and_when_it_ends() -> None:
    start = [told(0, "step.granted", "backup", by="dba", to="ines"), told(0.01, "step.started", "backup", by="dba")]
    assert len(entries_of([*start, *ending(2)])) == 1
    started, ended = entries_of([*start, *ending(540)])
    assert said(started) == "3 Online backup, read it back · started"
    assert (started.who, ended.who) == ("dba", "station")


def test_a_waiver_is_told_with_the_start_that_it_was_given_for() -> None:
    granted = told(0, "step.granted", "backup", by="dba", to="ines", waivers={"start_guard": "nearly done"})
    [entry] = entries_of([granted, told(0.01, "step.started", "backup", by="dba")])
    assert said(entry) == "3 Online backup, read it back · granted to ines; start guard waived: nearly done"
    assert entry.level == "warning"


def test_a_second_attempt_never_melts_into_the_one_that_failed() -> None:
    lines = [
        told(0, "command.ended", "backup", run="r", exit_code=3, seconds=75.0),
        told(0.01, "step.failed", "backup", reason="ended with code 3"),
        told(1, "step.granted", "backup", attempt=2),
        told(1.01, "step.started", "backup", attempt=2),
    ]
    failed, again = entries_of(lines)
    assert said(failed) == "3 Online backup, read it back · FAILED: ended with code 3; after 75 s"
    assert failed.level == "alarm"
    assert said(again) == "3 Online backup, read it back · started (attempt 2)"


def test_a_halt_and_what_it_stopped_are_one_entry_that_speaks_of_the_halt_first() -> None:
    [entry] = entries_of(halt(0))
    assert said(entry) == "HALT by dana: orders pile up; 7 Reindex orders: was stopped by the halt after 75 s"
    assert entry.level == "alarm"
    assert entry.who == "lead"


def halt(at: float) -> list[LogLine]:
    return [
        told(at, "halt.called", by="lead", nonce="n", reason="orders pile up"),
        told(at + 2, "command.ended", "reindex", run="r", outcome="terminated", ended_by="halt", seconds=75.0),
        told(at + 2.01, "step.interrupted", "reindex", why="ended by the halt"),
    ]


def test_what_ends_of_itself_beside_a_halt_is_told_apart_and_so_is_what_the_halt_ends_late() -> None:
    called, *stopped = halt(0)
    assert [said(entry)[:4] for entry in entries_of([called, *ending(1), *stopped])] == ["HALT", "3 On"]
    late = [msgspec.structs.replace(line, at=line.at + 30) for line in stopped]
    _, ended = entries_of([called, *late])
    assert said(ended) == "7 Reindex orders · command was stopped by the halt after 75 s"


def test_steps_that_run_beside_each_other_each_have_their_own_entry() -> None:
    one, other = ending(0), ending(0.005, "reindex")
    entries = entries_of(sorted([*one, *other], key=lambda line: line.at))
    assert [entry.name for entry in entries] == ["3 Online backup, read it back", "7 Reindex orders"]
    assert [len(entry.lines) for entry in entries] == [4, 4]


def test_many_guards_that_go_blind_at_once_are_one_entry_that_names_each() -> None:
    lines = [told(n / 10, "guard.blind", by="guard", guard=f"g{n}", why="no reading") for n in range(4)]
    [entry] = entries_of(lines)
    assert said(entry) == "guard g0, g1, g2, g3 IS BLIND: no reading"
    assert entry.level == "warning"
    assert [len(entry.lines) for entry in entries_of([lines[0], told(9, "guard.blind", guard="g", why="x")])] == [
        1,
        1,
    ]


def test_what_people_write_stands_alone_whatever_comes_with_it() -> None:
    note = told(1.25, "note.added", "backup", by="dba", text="slow today")
    entries = entries_of(sorted([*ending(0), note], key=lambda line: line.at))
    assert [said(entry) for entry in entries][1] == "note on 3 Online backup, read it back: slow today"


END = ending(0)


def later(by: float) -> list[LogLine]:
    return [msgspec.structs.replace(line, at=line.at + by) for line in END]


def test_a_line_costs_the_same_at_the_end_of_a_long_log() -> None:
    lines = [line for n in range(2_500) for line in later(n * 60.0)]
    folded = LogEntries()
    began = time.perf_counter()
    folded.take(lines)
    whole = time.perf_counter() - began
    assert len(folded.all) == 2_500
    began = time.perf_counter()
    for n in range(100):
        lines += later(200_000.0 + n * 60)
        assert folded.take(lines) == 2_500 + n
    assert time.perf_counter() - began < max(0.5, whole), "400 lines more are no more than the 10,000 before them"


# -- what a filter finds


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("halt", ["HALT"]), ("done backup", ["3 On"]), ("start", ["8 Ve"]), ("failed", ["8 Ve"]), ("note", ["note"]),
        ("guard", ["guar"]), ("reading", ["3 On", "guar"]), ("warning", ["HALT", "guar"]),
        ("alarm", ["HALT", "8 Ve"]),
        ("ines", ["3 On", "note"]), ("DBA note", ["note"]), ("3 online", ["3 On"]), ("reindex", ["HALT"]),
        ("8", ["8 Ve"]), ("8 started", ["8 Ve"]), ("zzz", []),
    ],
)  # fmt: skip
def test_an_entry_is_found_by_step_person_kind_and_text_of_any_of_its_lines(words: str, found: list[str]) -> None:
    lines = [
        *ending(0)[:2],
        told(0.02, "step.verified", "backup", by="dba", proofs=(CHECK,), ok=True),
        told(0.03, "step.done", "backup"),
        *halt(20),
        told(40, "step.granted", "verify-rows", by="lead"),
        told(40.01, "step.started", "verify-rows", by="lead"),
        told(41, "step.failed", "verify-rows", reason="ended with code 18"),
        told(50, "note.added", by="dba", text="slow today"),
        told(60, "guard.warned", by="guard", guard="api", reason="912 ms"),
    ]
    hits = [said(entry)[:4] for entry in entries_of(lines) if entry.matches(words.casefold().split())]
    assert hits == found


# -- the pane


def rows(shown: LogPane) -> list[str]:
    return ["".join(segment.text for segment in shown.render_line(y)).rstrip(" ▐") for y in range(shown.size.height)]


def log_of(app: Harness) -> LogPane:
    found = app.deck.pane("log")
    assert isinstance(found, LogPane)
    return found


async def test_an_entry_takes_one_row_where_its_title_may_be_shortened_and_its_mark_is_the_least_of_its_events() -> (
    None
):
    lines = ending(0, "archive")
    marks = Marks(saved=lines[-2].position, shared=lines[0].position)
    app = Harness(night.snapshot(log=lines, marks=marks))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        pane = log_of(app)
        assert rows(pane)[0].split(maxsplit=1)[1].startswith("5 Archive")
        assert "… · done" in rows(pane)[0]
        assert not rows(pane)[1]
        assert pane.border_title == "Log · not saved yet"
        app.deck.snapshot = night.snapshot(log=[*lines, *ending(99)], marks=marks)
        await pilot.pause()
        assert rows(pane)[1].endswith("… · sending"), "what is not saved says so, whatever that leaves of the title"


async def test_a_filter_of_the_log_follows_the_end_and_the_title_counts_what_matches() -> None:
    lines = [line for n in range(60) for line in (*ending(n * 60.0), *ending(n * 60.0 + 20, "reindex"))]
    app = Harness(night.snapshot(log=lines))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        pane = log_of(app)
        pane.filter_by("backup")
        await pilot.pause()
        assert str(pane.border_title).startswith("Log · 60 of 120 match “backup”")
        assert all("Online" in row for row in rows(pane) if row)
        lines += [*ending(9_000, "reindex"), told(9_060, "note.added", "backup", text="the newest of the backup")]
        app.deck.snapshot = night.snapshot(log=lines)
        await pilot.pause()
        assert any("newest of the" in row for row in rows(pane))
        assert str(pane.border_title).startswith("Log · 61 of 122 match")
        pane.filter_by("zzz")
        await pilot.pause()
        assert rows(pane)[0].strip() == "nothing matches"
        pane.filter_by("")
        await pilot.pause()
        assert pane.count() > 122


def opened(at: Helm) -> EntryPane | None:
    front = at.screen
    return front.pane if isinstance(front, LiveReader) and isinstance(front.pane, EntryPane) else None


async def test_an_entry_opens_with_every_event_of_it_and_a_filter_by_person_finds_it() -> None:
    begun = (intents.StartSession(), intents.StartStep(step="announce"), intents.FinishStep(step="announce"))
    async with helm(*begun, station=FakeStation()) as at:
        deck = at.app.view.deck
        assert deck is not None
        pane = deck.pane("log")
        assert isinstance(pane, LogPane)
        pane.focus()
        await at.settle()
        newest = pane.entries.all[-1]
        assert newest.lines[-1].kind == "step.done"
        await at.press("enter")
        shown = opened(at)
        assert shown is not None
        assert shown.entry is newest
        text = "\n".join(rows_of(shown))
        for line in newest.lines:
            assert time.strftime("%M:%S", time.gmtime(line.at)) in text
            assert line.text in text
        await at.press("escape")
        assert opened(at) is None
        await at.press("up", "enter")
        shown = opened(at)
        assert shown is not None
        assert shown.entry is pane.entries.all[-2]
        await at.press("escape", "/", *"announce", "enter", "enter")
        shown = opened(at)
        assert shown is not None
        assert "announce" in {line.step for line in shown.entry.lines}


def rows_of(shown: EntryPane) -> list[str]:
    assert shown.snapshot is not None
    return ["".join(text for text, _ in shown.row(shown.snapshot, y, 80)) for y in range(shown.count())]
