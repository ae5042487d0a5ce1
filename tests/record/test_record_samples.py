"""A night of samples of any length: all of them in the lines, what pictures need in the reports, few in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterable
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logbook_nights import ME, moment, note
from tests.bench.watched import watched_night

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.protocol import SampleBatch
from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.sample_files import Samples
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.observer.messages import Reading, Status
from quarterdeck.record.export import export_session
from quarterdeck.record.jsonl import encode_record
from quarterdeck.record.recompile import verify_record
from quarterdeck.record.report.model import Span
from quarterdeck.record.report.readings import Readings
from quarterdeck.record.report.story import tell
from quarterdeck.record.report.thinning import POINTS, WORST_FIRST, Curve, Strip


def peak(work: Callable[[], object]) -> int:
    """Bytes of Python's own that some work has at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_samples_are_exported_and_verified_in_hardly_more_memory(tmp_path: Path) -> None:
    export_session(watched_night(tmp_path / "warm", 4, 12), tmp_path / "warm" / "out", ("jsonl", "json"))
    exported, verified, lengths = [], [], []
    for batches in (240, 2_400):
        folder, out = watched_night(tmp_path / str(batches), 4, batches), tmp_path / f"{batches}.out"
        exported.append(peak(partial(export_session, folder, out, ("jsonl", "json"))))
        lines = next(out.glob("*.jsonl"))
        lengths.append(lines.stat().st_size)
        verified.append(peak(partial(verify_record, lines)))
    longer = lengths[1] - lengths[0]
    assert longer > 2_000_000
    assert exported[1] - exported[0] < 0.6 * longer, "where all lines are in memory once, it is more than all of it"
    assert verified[1] - verified[0] < 0.6 * longer


def test_a_long_and_restless_night_is_no_larger_on_its_page_and_whole_in_its_lines(tmp_path: Path) -> None:
    sizes = []
    for batches in (720, 4_320):
        folder = watched_night(tmp_path / str(batches), 2, batches)
        lines, page, data = export_session(folder, tmp_path / f"{batches}.out", ("jsonl", "html", "json")).paths[:3]
        assert lines.read_bytes().count(b'"is":"reading"') == 2 * batches
        sizes.append(page.stat().st_size)
    assert sizes[1] < 1.2 * sizes[0]
    target = json.loads(data.read_text())["session"]["health"]["targets"][0]
    series = target["series"][0]
    readings = [
        reading
        for line in lines.read_bytes().splitlines()
        if line.startswith(b'{"samples":')
        for reading in json.loads(line)["batch"]
        if reading["target"] == target["target"]
    ]
    taken = {reading["values"]["latency"]: reading["at"] for reading in readings}
    assert len(series["points"]) <= POINTS
    assert {taken[value] - at for at, value in series["points"]} == {0.0}, "each at its own time"
    assert (series["low"], series["high"]) == (min(taken), max(taken))
    assert {series["low"], series["high"]} <= {value for _, value in series["points"]}
    assert target["lull"] == pytest.approx(60.0, rel=0.01)


def restless(chance: Random) -> list[tuple[float, float | None, Status]]:
    """Seconds, a value and a status each, more than a picture has places for, some with long pauses between."""
    count = chance.randint(POINTS + 1, 5 * POINTS)
    lengths = [chance.choice((0.0, 0.1, 5.0, 5.0, 5.0, 700.0)) for _ in range(count)]
    words = [chance.choice(WORST_FIRST) for _ in range(chance.randint(1, 4))]
    return [(length, chance.choice((None, 1.0, chance.random())), chance.choice(words)) for length in lengths]


@pytest.mark.parametrize("seed", range(20))
def test_a_thinned_curve_keeps_every_peak_of_every_column_at_its_time(seed: int) -> None:
    steps = restless(Random(seed))
    times = list(accumulate(length for length, _, _ in steps))
    points = list(zip(times, (value for _, value, _ in steps), strict=True))
    few, curve = Curve(Span(0.0, times[-1])), Curve(Span(0.0, times[-1]))
    for point in points[:POINTS]:
        few.add(point)
    assert few.points() == tuple(points[:POINTS])
    for point in points:
        curve.add(point)
    found = curve.points()
    assert len(found) <= 1.5 * POINTS + 3
    assert set(found) <= set(points)
    assert [at for at, _ in found] == sorted(at for at, _ in found)

    def peaks(some: Iterable[tuple[float, float | None]]) -> dict[int, tuple[float, float, bool]]:
        columns: dict[int, list[float | None]] = {}
        for at, value in some:
            columns.setdefault(int(at / (times[-1] / (POINTS // 2))), []).append(value)
        return {
            column: (min((v for v in values if v is not None), default=0.0),
                     max((v for v in values if v is not None), default=0.0), None in values)
            for column, values in columns.items()
        }  # fmt: skip

    assert peaks(found) == peaks(points)


@pytest.mark.parametrize("seed", range(20))
def test_a_thinned_strip_never_shows_what_was_bad_as_better(seed: int) -> None:
    steps = [step for step in restless(Random(seed)) if step[0]]
    stretches: list[tuple[float, float, Status]] = []
    at = 0.0
    for length, value, word in steps:
        if value is not None:
            stretches.append((at, at + length, word))
        at += length
    strip = Strip(Span(0.0, at))
    for stretch in stretches[:POINTS]:
        strip.add(stretch)
    assert (strip.stretches(), strip.lull) == (tuple(stretches[:POINTS]), None)
    for stretch in stretches[POINTS:]:
        strip.add(stretch)
    found = strip.stretches()
    assert len(found) <= 2 * len(WORST_FIRST) * POINTS
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    for begin, end, word in stretches:
        middle = (begin + end) / 2
        (shown,) = (each for each in found if each[0] <= middle < each[1])
        assert WORST_FIRST.index(shown[2]) <= WORST_FIRST.index(word)
    worst = min((word for _, _, word in found), key=WORST_FIRST.index)
    ends = {(when, word) for begin, end, word in stretches for when in (begin, end)}
    assert {(when, worst) for *times, word in found if word == worst for when in times} <= ends


def reading(at: float) -> Reading:
    return Reading(target="api", at=at, boot=at, status="ok", raw="ok", interval=5, max_age=15)


@given(st.lists(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=4), max_size=20))
def test_readings_come_in_order_of_time_however_their_batches_lie(finished: Path, batches: list[list[float]]) -> None:
    copy = read_session(finished)
    raws = [msgspec.json.encode([reading(at) for at in batch]) for batch in batches]
    made = [SampleBatch("r", number, "", raw) for number, raw in enumerate(raws, 1)]
    copy.samples = Samples([lambda batch=batch: batch for batch in made])  # type: ignore[misc]
    readings = Readings(tell(copy, 0.0))
    times = sorted(at for batch in batches for at in batch)
    assert [each.at for each in readings] == times
    assert readings.span == (Span(times[0], times[-1]) if times else Span())


def test_samples_that_change_while_they_are_exported_leave_no_half_record(tmp_path: Path) -> None:
    folder = tmp_path / "sessions" / "2026-11-29-live-night-kfwz"
    log = SessionLog.open(folder, session_id=folder.name, actor=ME, moment=moment)
    for number in range(3):
        log.append_samples([reading(float(number))])
    log.append([note("so far")], ME, "p").durable.result(20)
    assert export_session(folder, tmp_path / "whole", ("jsonl",)).live
    copy = read_session(folder)
    samples = log.place.recorder_samples
    samples.write_bytes(samples.read_bytes().replace(b'"ok"', b'"no"'))
    with pytest.raises(LogbookError, match="changed while they were read"):
        encode_record(copy)
    log.close()


def test_an_export_that_fails_in_the_middle_of_its_lines_leaves_nothing(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []

    def broken(self: Samples) -> object:
        passes.append(self)
        yield self[0]
        if len(passes) > 1:
            raise LogbookError("the disk is gone")

    monkeypatch.setattr(Samples, "__iter__", broken)
    with pytest.raises(LogbookError, match="the disk is gone"):
        export_session(finished, tmp_path / "record", ("jsonl",))
    assert len(passes) == 2, "it was checked, and fails as it is written"
    assert not (tmp_path / "record").exists()
