"""What was observed: a series for each metric, a strip of statuses for each target, downtime.

Pure. Series are thinned out by the smallest and largest value of each stretch, so that no peak is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.model import Bands, Target
from quarterdeck.procedure.quantities import as_quantity
from quarterdeck.record.report.model import Health, Series, Span, StepRow, TargetHealth
from quarterdeck.record.report.story import Story
from quarterdeck.session.event import Moment
from quarterdeck.session.metric_history import percentile
from quarterdeck.session.state import Session
from quarterdeck.station.criteria import downtime

__all__ = ["health"]

POINTS = 360
"""Points that a series is thinned out to."""
_QUIET_STORAGE = frozenset(f"storage.{name}" for name in ("total", "reserved", "inodes", "read_only"))
_QUIET = (
    frozenset({"load5", "load15", "code", "cert_days", "container", "cpu_limit", "memory_limit"}) | _QUIET_STORAGE
)
"""Metrics that say little over an evening: kept in the lines, not drawn."""


def health(story: Story, steps: tuple[StepRow, ...]) -> Health:
    """Everything observed, by target."""
    readings = _readings(story)
    by_target: dict[str, list[Reading]] = {}
    for reading in readings:
        by_target.setdefault(reading.target, []).append(reading)
    plan = story.session.plan
    known = plan.procedure.targets if plan is not None else {}
    names = [*(name for name in known if name in by_target), *sorted(by_target.keys() - known.keys())]
    targets = [_target(story, name, known.get(name), by_target[name]) for name in names]
    targets.sort(key=lambda each: each.kind == "local")
    first = readings[0].at if readings else None
    boundaries = [
        (row.actual.start, row.number, row.title)
        for row in steps
        if row.actual.start is not None and row.part != "preconditions"
    ]
    return Health(Span(first, readings[-1].at if readings else None), tuple(targets), tuple(sorted(boundaries)))


def _readings(story: Story) -> list[Reading]:
    """All readings in order of session time; what cannot be read is left out."""
    boots = _boots(story)
    found = []
    for batch in story.copy.samples:
        boot = boots.get((batch.replica, batch.number), boots.get((batch.replica, 0), ""))
        for item in _items(batch.raw):
            moment = Moment(item.at, boot, int(item.boot * 1e9))
            found.append(msgspec.structs.replace(item, at=story.session.clock(moment)))
    return sorted(found, key=lambda reading: reading.at)


def _items(raw: bytes) -> Iterator[Reading]:
    try:
        pieces = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except ValueError:
        return
    for piece in pieces:
        try:
            yield msgspec.json.decode(piece, type=Reading)
        except ValueError:
            continue  # another kind of message, or one of a newer version


def _boots(story: Story) -> dict[tuple[str, int], str]:
    """In which boot each batch was taken: that of the event which names it; number 0 is for those that none names."""
    boots: dict[tuple[str, int], str] = {}
    named: dict[str, int] = {}
    for told in story.told:
        replica = told.event.replica
        boots[replica, 0] = told.event.t.boot
        watch = getattr(told.what, "watch", None)
        if watch is not None:
            first = named.get(replica, 0) + 1
            named[replica] = first + watch.batches - 1
            boots |= dict.fromkeys([(replica, number) for number in range(first, first + watch.batches)],
                                   told.event.t.boot)  # fmt: skip
    return boots


def _target(story: Story, name: str, target: Target | None, readings: Sequence[Reading]) -> TargetHealth:
    session = story.session
    since = session.started if session.started is not None else readings[0].at
    until = story.now
    down, watched = downtime(session, name, readings, since, until) if session.plan is not None else (0.0, 0.0)
    statuses = tuple(_statuses(readings, until))
    length = max(until - since, 1e-9)
    return TargetHealth(
        target=name,
        title=(target.title if target is not None else "") or name,
        kind=target.type if target is not None else "",
        statuses=statuses,
        series=tuple(_all_series(readings, target)),
        critical=sum(
            max(0.0, min(end, until) - max(begin, since)) for begin, end, word in statuses if word == "critical"
        ),
        down=down,
        watched=min(1.0, watched / length),
        expected=tuple(_expected(session, name)),
        readings=len(readings),
    )


def _statuses(readings: Sequence[Reading], until: float) -> Iterator[tuple[float, float, str]]:
    """Stretches of one status; a reading holds until the next one, at most for its `max_age`."""
    current: tuple[float, float, str] | None = None
    for index, reading in enumerate(readings):
        end = readings[index + 1].at if index + 1 < len(readings) else max(until, reading.at)
        end = min(end, reading.at + reading.max_age)
        word = "unknown" if "stale" in reading.flags else reading.status
        if current is not None and current[2] == word and reading.at - current[1] < 0.001:
            current = (current[0], end, word)
            continue
        if current is not None:
            yield current
        current = (reading.at, end, word)
    if current is not None:
        yield current


def _expected(session: Session, target: str) -> Iterator[tuple[float, float, str]]:
    plan = session.plan
    for run in session.steps.values() if plan is not None else ():
        outage = plan.steps[run.id].expect_outage if plan is not None and run.id in plan.steps else None
        if outage is not None and outage.target == target:
            for attempt in run.runs:
                yield attempt.started, attempt.started + outage.max, run.id


def _all_series(readings: Sequence[Reading], target: Target | None) -> Iterator[Series]:
    """Series with bands first: they are what the procedure looks at."""
    names = dict.fromkeys(name for reading in readings for name, value in reading.values.items() if _is_number(value))
    made = [
        _series(name, readings, target)
        for name in names
        if split_metric(f"x.{name}")[1] not in _QUIET and name != "status"
    ]
    yield from sorted(made, key=lambda each: (each.warning is None and each.critical is None, each.flat))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _series(name: str, readings: Sequence[Reading], target: Target | None) -> Series:
    points: list[tuple[float, float | None]] = []
    values: list[float] = []
    unit, last = "", None
    for reading in readings:
        value = reading.values.get(name)
        if value is None or isinstance(value, str) or not _is_number(value):
            if points and points[-1][1] is not None and value is None and reading.status == "unknown":
                points.append((reading.at, None))
            continue
        if last is not None and reading.at - last > max(3 * reading.interval, reading.max_age):
            points.append(((reading.at + last) / 2, None))
        unit = unit or reading.units.get(name, "")
        points.append((reading.at, float(value)))
        last = reading.at
        if "lagged" not in reading.flags:
            values.append(float(value))
    values = values or [value for _, value in points if value is not None]
    kind = metric_kind(target.type if target is not None else "", split_metric(f"x.{name}")[1])
    unit = kind.unit if kind is not None and kind.unit not in {"any", "word"} else unit
    bands = target.bands.get(name, Bands()) if target is not None else Bands()
    return Series(
        metric=name,
        unit=unit,
        points=tuple(_thin(points)),
        count=len(values),
        low=min(values),
        p50=percentile(values, 0.5),
        p95=percentile(values, 0.95),
        high=max(values),
        last=next(value for _, value in reversed(points) if value is not None),
        warning=_band(bands.warning, unit),
        critical=_band(bands.critical, unit),
    )


def _band(text: str, unit: str) -> float | None:
    """A threshold in the series' unit; one of another unit cannot be drawn."""
    quantity = as_quantity(text)
    return quantity.value if quantity is not None and quantity.unit in {unit, ""} else None


def _thin(points: Sequence[tuple[float, float | None]]) -> Iterable[tuple[float, float | None]]:
    """At most about `POINTS`: of each stretch its lowest and highest value, and every break of the line."""
    if len(points) <= POINTS:
        return points
    step = math.ceil(len(points) / (POINTS / 2))
    thinned: list[tuple[float, float | None]] = []
    for start in range(0, len(points), step):
        stretch = points[start : start + step]
        known = [point for point in stretch if point[1] is not None]
        breaks = [point for point in stretch if point[1] is None][:1]
        ends = {min(known, key=_value), max(known, key=_value)} if known else set()
        thinned += sorted([*ends, *breaks], key=lambda point: point[0])
    return thinned


def _value(point: tuple[float, float | None]) -> float:
    return point[1] if point[1] is not None else math.nan
