"""One target in full, so that it is clear within a minute why it is bad. It stands over the session.

How it is, how that was judged, a chart over the session with the steps that ran meanwhile, the guards that read it,
its values, and what it was asked. Left and right choose what the chart shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from quarterdeck.console.glyphs import Glyphs
from quarterdeck.console.panes.base import EMPTY, Piece, Row
from quarterdeck.console.panes.chart import Bar, area, lanes, merged, times
from quarterdeck.console.panes.endpoints import ROLES, measure_of
from quarterdeck.console.panes.gauges import levels
from quarterdeck.console.panes.procedure import STATE_ROLES
from quarterdeck.console.panes.rows import fit, wrap
from quarterdeck.console.panes.sheet import Sheet, about_nothing
from quarterdeck.console.panes.target_rows import (
    asked_rows,
    guard_rows,
    judged_rows,
    label_of,
    shown_value,
    types_of,
    value_rows,
    verdict_rows,
)
from quarterdeck.console.series import Series, Span
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import RANKS
from quarterdeck.observer.messages import Reading
from quarterdeck.observer.status import Levels
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.session.state import StepRun
from quarterdeck.spans import hour, span, zone
from quarterdeck.text import visible

__all__ = ["TargetPane", "metrics_of", "told"]

AXIS = 10
"""Cells of the values beside a chart."""
LEAST = 60.0
"""Seconds of a chart at least."""
LANES = 3
"""Steps beside each other that a chart has room for."""


def metrics_of(reading: Reading) -> list[str]:
    """The numbers of a target that a chart can show, the one that stands for it first."""
    numbers = [name for name, value in reading.values.items() if isinstance(value, float | int)]
    first = measure_of(reading)
    return sorted(numbers, key=lambda name: name != first)


class TargetPane(Sheet):
    """What is known of one target."""

    name_ = "target"
    heading = "Target"

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target
        self.metric = ""
        """What the chart shows; empty: what tells most."""

    def made(self, snapshot: Snapshot, width: int) -> list[tuple[str, Row]]:
        """All there is to say."""
        chart = self._chart_title(snapshot), self._chart(snapshot, width)
        return about_nothing(_all(snapshot, self.target, width, self.look.glyphs, chart))

    # -- what the chart shows

    def choose(self, by: int) -> None:
        """Show the next or the previous metric."""
        snapshot = self.snapshot
        reading = snapshot.readings.get(self.target) if snapshot is not None else None
        if snapshot is None or reading is None or not (names := metrics_of(reading)):
            return
        at = names.index(self._metric(snapshot, reading)) if self._metric(snapshot, reading) in names else 0
        self.metric = names[(at + by) % len(names)]
        self.take(snapshot)

    def _metric(self, snapshot: Snapshot, reading: Reading) -> str:
        """What was chosen; else the metric that its message blames, else the one that stands for it."""
        names = metrics_of(reading)
        if self.metric in names:
            return self.metric
        plan = snapshot.session.plan
        target = plan.procedure.targets.get(self.target) if plan is not None else None
        bands = target.bands if target is not None else ()
        blamed = sorted(
            (name for name in bands if f"{name} " in reading.message),
            key=lambda name: f"{name} critical" not in reading.message,
        )
        return next((name for name in (*blamed, *names) if name in names), "")

    def _chart_title(self, snapshot: Snapshot) -> str:
        reading = snapshot.readings.get(self.target)
        metric = self._metric(snapshot, reading) if reading is not None else ""
        if reading is None or not metric:
            return f"Status over the session, in {zone(snapshot.off)}"
        names = metrics_of(reading)
        of = f" ({names.index(metric) + 1} of {len(names)})" if len(names) > 1 else ""
        return f"{label_of(metric)} over the session, in {zone(snapshot.off)}{of}"

    # -- the chart

    def _chart(self, snapshot: Snapshot, width: int) -> list[Row]:
        reading = snapshot.readings.get(self.target)
        status = snapshot.series.get(f"{self.target}.status")
        cells = width - AXIS - 2
        if reading is None or status is None or cells < 8:
            return []
        since, until = _span_of(snapshot, self.target)
        moved = snapshot.boot - snapshot.now
        lasts = max(1.5 * reading.interval, reading.max_age)

        def columns(series: Series, count: int) -> list[Span | None]:
            return series.columns(since + moved, until + moved, count, lasts)

        ranks = columns(status, cells)
        states = [RANKS[int(rank.high)] if rank is not None else "" for rank in ranks]
        roles = [ROLES[state] if state else "faint" for state in states]
        signs = self.look.glyphs.status | {"": " ", "ok": self.look.glyphs.rule}
        rows: list[Row] = []
        metric = self._metric(snapshot, reading)
        series = snapshot.series.get(f"{self.target}.{metric}")
        if series is not None:
            twice = 2 if self.look.glyphs.graph == "braille" else 1
            rows += self._area(snapshot, reading, metric, columns(series, cells * twice), roles)
        name = fit("status", AXIS - 1, right=True)
        rows.append(((f" {name} ", "muted"), *merged((signs[state], roles[n]) for n, state in enumerate(states))))
        margin: Piece = (" " * (AXIS + 1), "")
        drawn, left_out = lanes(self._bars(snapshot, since, until, cells), cells, LANES, self.look.glyphs)
        names = [fit("" if number else "steps", AXIS - 1, right=True) for number in range(len(drawn))]
        rows += [((f" {name} ", "muted"), *lane) for name, lane in zip(names, drawn, strict=True)]
        rows.append((margin, (times(since, until, cells, snapshot.off), "muted")))
        begin = status.begin()
        notes = [f"{left_out} more steps are in the list below"] if left_out else []
        if begin is not None and begin - moved > since + max(LEAST, (until - since) / cells):
            notes.append(f"this console heard of it from {hour(begin - moved, snapshot.off)} on")
        return [*rows, *(((f"{margin[0]}{line}", "faint"),) for note in notes for line in wrap(note, cells))]

    def _area(
        self, snapshot: Snapshot, reading: Reading, metric: str, columns: list[Span | None], roles: list[str]
    ) -> list[Row]:
        """The metric's area with its highest value and 0 as the ends of its axis, its thresholds where they fall."""
        kind = types_of(snapshot).get(self.target, "")
        glyphs = self.look.glyphs
        known = metric_kind(kind, split_metric(f"it.{metric}")[1])
        percent = known is not None and known.unit == "%"
        read = [column for column in columns if column is not None]
        bands = self._bands(snapshot, metric)
        marks = [(level, role) for level, role in ((bands.critical, "critical"), (bands.warning, "warn")) if level]
        highest = max((column.high for column in read), default=0.0)
        near = [level for level, _ in marks if level <= 2 * highest]  # one far above would flatten what is read
        high = 100.0 if percent else max([highest, *near]) or 1.0
        height = 7 if self.size.height >= 34 else 5 if self.size.height >= 18 else 3
        lines = area(columns, height, glyphs.graph, high, lower=bands.falling)
        labels = {0: (shown_value(kind, reading, metric, high), "muted"), height - 1: ("0", "muted")}
        dashes: dict[int, str] = {}
        for level, role in marks:
            if level <= high:
                row = min(height - 1, int((1 - level / high) * height))
                if row not in labels or level == high:
                    labels[row] = (shown_value(kind, reading, metric, level), role)
                dashes[row] = role
        rows: list[Row] = []
        for number, line in enumerate(lines):
            text, role = labels.get(number, ("", "muted"))
            dash = dashes.get(number, "")
            cells = (
                (character, roles[n]) if character != " " or not dash else (glyphs.dash, dash)
                for n, character in enumerate(line)
            )
            rows.append(((f" {fit(text, AXIS - 1, right=True)} ", role), *merged(cells)))
        return rows

    def _bands(self, snapshot: Snapshot, metric: str) -> Levels:
        plan = snapshot.session.plan
        target = plan.procedure.targets.get(self.target) if plan is not None else None
        bands = target.bands.get(metric) if target is not None else None
        return levels(metric, bands) if bands is not None else Levels()

    # -- steps

    def _bars(self, snapshot: Snapshot, since: float, until: float, cells: int) -> Iterator[Bar]:
        plan = snapshot.session.plan
        assert plan is not None
        for run in _begun(snapshot, self.target):
            first, last = (
                min(cells - 1, max(0, int((at - since) / (until - since) * cells)))
                for at in (run.started or since, run.ended if run.ended is not None else until)
            )
            place = plan.places[run.id]
            name = str(place.number) if place.part == "stages" else visible(plan.steps[run.id].title, 12)
            yield Bar(name, first, last, run.ended is None, STATE_ROLES[run.state])


def told(snapshot: Snapshot, target: str, width: int, glyphs: Glyphs) -> list[Row]:
    """All of it where nothing can be drawn: for the chart, between what each number was, and when."""
    reading, kind = snapshot.readings.get(target), types_of(snapshot).get(target, "")
    moved = snapshot.now - snapshot.boot
    rows: list[Row] = []
    for metric in metrics_of(reading) if reading is not None else ():
        spans = list(snapshot.series[f"{target}.{metric}"].spans()) if f"{target}.{metric}" in snapshot.series else []
        if reading is None or not spans:
            continue
        low, high = min(spans, key=lambda found: found[1].low), max(spans, key=lambda found: found[1].high)
        ends = [
            (shown_value(kind, reading, metric, value), f" at {hour(at + moved, snapshot.off)}")
            for at, value in ((low[0], low[1].low), (high[0], high[1].high))
        ]
        if ends[0][0] == ends[1][0]:
            said = f"{ends[0][0]} all the time"
        else:
            said = f"between {' and '.join(value + at for value, at in ends)}"
        rows.append(((f"   {label_of(metric)} was {said}", "text"),))
    return _all(snapshot, target, width, glyphs, (f"Over the session, in {zone(snapshot.off)}", rows))


def _all(snapshot: Snapshot, target: str, width: int, glyphs: Glyphs, chart: tuple[str, list[Row]]) -> list[Row]:
    """How it is, then each part that has something to say under its title."""
    parts = (
        ("How it was judged", judged_rows(snapshot, target, width, glyphs)),
        chart,
        ("Guards and criteria that read it", guard_rows(snapshot, target, width, glyphs)),
        ("Last values", value_rows(snapshot, target)),
        ("What it is asked", asked_rows(snapshot, target, width)),
        ("Steps meanwhile", _steps(snapshot, target, width)),
    )
    found = verdict_rows(snapshot, target, width, glyphs)
    for title, rows in parts:
        if rows:
            found += [EMPTY, ((f" {fit(title, min(len(title), width - 1))}", "title+bold"),), *rows]
    return found


def _span_of(snapshot: Snapshot, target: str) -> tuple[float, float]:
    """From when to when, session seconds: the session's time, or before Start as long as it is read."""
    session = snapshot.session
    series = snapshot.series.get(f"{target}.status")
    read = series.begin() if series is not None else None
    begin = session.started
    if begin is None:
        begin = snapshot.now if read is None else snapshot.now - snapshot.boot + read
    return min(begin, snapshot.now - LEAST), snapshot.now


def _begun(snapshot: Snapshot, target: str) -> list[StepRun]:
    """Steps that ran in that time, in the order in which they began."""
    plan = snapshot.session.plan
    runs = snapshot.session.steps.values() if plan is not None else ()
    since = _span_of(snapshot, target)[0]
    found = [run for run in runs if plan is not None and run.id in plan.steps and run.started is not None]
    return sorted(
        (run for run in found if run.ended is None or run.ended >= since), key=lambda run: run.started or 0.0
    )


def _steps(snapshot: Snapshot, target: str, width: int) -> list[Row]:
    rows: list[Row] = []
    for run in _begun(snapshot, target):
        assert run.started is not None
        ended = "now" if run.ended is None else hour(run.ended, snapshot.off)
        lasted = span((snapshot.now if run.ended is None else run.ended) - run.started)
        head = f"   {hour(run.started, snapshot.off)} to {ended:<5}  "
        name = f"{visible(snapshot.session.name_of(run.id), 200)}, {run.state.replace('_', ' ')}, {lasted}"
        rows.append(((head, "muted"), (fit(name, width - len(head)).rstrip(), STATE_ROLES[run.state])))
    return rows
