"""What was observed: a series for each metric, a strip of statuses for each target, downtime.

Readings are taken one at a time, in order of time, and none is kept: what grows with the night is eight bytes for
each value, which its median needs. Series and strips are thinned out so that no peak is lost (`thinning`).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator

from quarterdeck.observer.messages import Reading, Status
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.model import Bands, Target
from quarterdeck.procedure.quantities import as_quantity
from quarterdeck.record.report.model import GapRow, Health, Series, Span, StepRow, TargetHealth
from quarterdeck.record.report.readings import Readings
from quarterdeck.record.report.story import Story
from quarterdeck.record.report.thinning import Curve, Stretch, Strip
from quarterdeck.session.metric_history import percentile
from quarterdeck.session.state import Session
from quarterdeck.spans import span
from quarterdeck.station.criteria import Uptime

__all__ = ["health"]

_QUIET_STORAGE = frozenset(f"storage.{name}" for name in ("total", "reserved", "inodes", "read_only"))
_QUIET = (
    frozenset({"load5", "load15", "code", "cert_days", "container", "cpu_limit", "memory_limit"}) | _QUIET_STORAGE
)
"""Metrics that say little over an evening: kept in the lines, not drawn."""


def health(story: Story, steps: tuple[StepRow, ...]) -> tuple[Health, tuple[GapRow, ...]]:
    """Everything observed, by target; and the times longer than a reading holds in which a target was not seen."""
    readings = Readings(story)
    plan = story.session.plan
    known = plan.procedure.targets if plan is not None else {}
    watched: dict[str, _Watched] = {}
    for reading in readings:
        if reading.target not in watched:
            target = known.get(reading.target)
            watched[reading.target] = _Watched(story, reading.target, target, readings.span, reading.at)
        watched[reading.target].take(reading)
    found = [watched[name] for name in known if name in watched]
    found += [watched[name] for name in sorted(watched.keys() - known.keys())]
    found.sort(key=lambda each: each.kind == "local")
    targets = tuple(each.health() for each in found)
    unseen = tuple(row for each in found for row in each.unseen)
    boundaries = [
        (row.actual.start, row.number, row.title)
        for row in steps
        if row.actual.start is not None and row.part != "preconditions"
    ]
    return Health(readings.span, targets, tuple(sorted(boundaries))), unseen


class _Watched:
    """One target as far as it was read."""

    def __init__(self, story: Story, name: str, target: Target | None, shown: Span, first: float) -> None:
        """`shown`: the time of all pictures; `first`: when this target was read first."""
        self.kind = target.type if target is not None else ""
        self.unseen: list[GapRow] = []
        """Times in which it was not seen."""
        self._session, self._name, self._target, self._shown = story.session, name, target, shown
        self._title = (target.title if target is not None else "") or name
        self._since = story.session.started if story.session.started is not None else first
        self._until = story.now
        planned = story.session.plan is not None
        self._uptime = Uptime(story.session, name, self._since, self._until) if planned else None
        self._strip = Strip(shown)
        self._lines: dict[str, _Line | None] = {}
        """Of each metric that was a number; None: it is not drawn."""
        self._critical: float = 0
        self._count = 0
        self._held: Reading | None = None
        """The last reading: it holds until the next one."""
        self._stretch: Stretch | None = None
        """The last stretch of one status."""

    def take(self, reading: Reading) -> None:
        """The next reading."""
        self._let_go(reading.at, reading.at)
        self._held = reading
        self._count += 1
        for name, value in reading.values.items():
            if isinstance(value, str) or not math.isfinite(value):
                continue
            if name not in self._lines:
                self._lines[name] = _Line(self._shown) if _is_drawn(name) else None
            if (line := self._lines[name]) is not None:
                line.take(reading, float(value), reading.units.get(name, ""))
        if reading.status == "unknown":
            for name, line in self._lines.items():
                if line is not None and name not in reading.values:
                    line.end(reading.at)

    def health(self) -> TargetHealth:
        """What became of it; nothing more is taken."""
        if self._held is not None:
            self._let_go(self._until, max(self._until, self._held.at))
        self._finish()
        series = [line.series(name, self.kind, self._target) for name, line in self._lines.items() if line]
        # Series with bands first: they are what the procedure looks at.
        series.sort(key=lambda each: (each.warning is None and each.critical is None, each.flat))
        return TargetHealth(
            target=self._name,
            title=self._title,
            kind=self.kind,
            statuses=self._strip.stretches(),
            series=tuple(series),
            critical=self._critical,
            down=self._uptime.down if self._uptime else 0.0,
            watched=min(1.0, self._uptime.watched / max(self._until - self._since, 1e-9)) if self._uptime else 0.0,
            expected=tuple(_expected(self._session, self._name)),
            readings=self._count,
            lull=self._strip.lull,
        )

    def _let_go(self, end: float, shown_until: float) -> None:
        """The last reading held until `end`, at most for its `max_age`; in the strip until `shown_until`."""
        reading = self._held
        if reading is None:
            return
        if self._uptime is not None:
            self._uptime.take(reading, end)
        until = min(shown_until, reading.at + reading.max_age)
        word: Status = "unknown" if "stale" in reading.flags else reading.status
        last = self._stretch
        if last is not None and last[2] == word and reading.at - last[1] < 0.001:
            self._stretch = (last[0], until, word)
            return
        self._finish()
        self._stretch = (reading.at, until, word)
        if last is not None and reading.at - last[1] > 1.0:
            text = f"nothing was read of {self._title} for {span(reading.at - last[1])}"
            self.unseen.append(GapRow(last[1], "watching", text, "warn"))

    def _finish(self) -> None:
        """A stretch is over."""
        if self._stretch is None:
            return
        begin, end, word = self._stretch
        self._strip.add(self._stretch)
        if word == "critical":
            self._critical += max(0.0, min(end, self._until) - max(begin, self._since))


def _is_drawn(metric: str) -> bool:
    return metric != "status" and split_metric(f"x.{metric}")[1] not in _QUIET


def _expected(session: Session, target: str) -> Iterator[tuple[float, float, str]]:
    plan = session.plan
    for run in session.steps.values() if plan is not None else ():
        outage = plan.steps[run.id].expect_outage if plan is not None and run.id in plan.steps else None
        if outage is not None and outage.target == target:
            for attempt in run.runs:
                yield attempt.started, attempt.started + outage.max, run.id


class _Line:
    """One metric of a target."""

    def __init__(self, shown: Span) -> None:
        """`shown`: the time of all pictures."""
        self._curve = Curve(shown)
        self._values, self._lagged = array("d"), array("d")
        """What was read, and what was read under lag before the first of it: that counts where nothing else does."""
        self._unit = ""
        self._at: float | None = None
        """When there was a value last."""
        self._last = 0.0
        self._goes_on = False

    def take(self, reading: Reading, value: float, unit: str) -> None:
        """The next value."""
        if self._at is not None and reading.at - self._at > max(3 * reading.interval, reading.max_age):
            self._curve.add(((reading.at + self._at) / 2, None))
        self._curve.add((reading.at, value))
        self._unit = self._unit or unit
        self._at, self._last, self._goes_on = reading.at, value, True
        if "lagged" not in reading.flags:
            self._values.append(value)
        elif not self._values:
            self._lagged.append(value)

    def end(self, at: float) -> None:
        """Nothing sound was read."""
        if self._goes_on:
            self._curve.add((at, None))
            self._goes_on = False

    def series(self, metric: str, type_of_target: str, target: Target | None) -> Series:
        """What became of it."""
        values = sorted(self._values or self._lagged)
        kind = metric_kind(type_of_target, split_metric(f"x.{metric}")[1])
        unit = kind.unit if kind is not None and kind.unit not in {"any", "word"} else self._unit
        bands = target.bands.get(metric, Bands()) if target is not None else Bands()
        return Series(
            metric=metric,
            unit=unit,
            points=self._curve.points(),
            count=len(values),
            low=values[0],
            p50=percentile(values, 0.5),
            p95=percentile(values, 0.95),
            high=values[-1],
            last=self._last,
            warning=_band(bands.warning, unit),
            critical=_band(bands.critical, unit),
        )


def _band(text: str, unit: str) -> float | None:
    """A threshold in the series' unit; one of another unit cannot be drawn."""
    quantity = as_quantity(text)
    return quantity.value if quantity is not None and quantity.unit in {unit, ""} else None
