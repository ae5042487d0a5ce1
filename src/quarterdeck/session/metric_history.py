"""Recent readings of every metric, as conditions ask for them: the last value, and statistics over a span.

Times are session seconds and come in from outside. A reading that is stale, lagged or not a number is unknown, and
unknown never counts as anything else (observation.md).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping

from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.model import Target
from quarterdeck.procedure.quantities import Quantity

__all__ = ["KEPT", "MetricHistory", "percentile"]

KEPT = 3600.0
"""Seconds of readings that are kept for conditions; longer spans read from the logbook's samples."""


class MetricHistory:
    """The readings of all targets of a plan. Implements `procedure.conditions.Metrics` at the time of `at`."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        """Know the targets' types, which say the metrics' units."""
        self._targets = targets
        self._values: dict[str, deque[tuple[float, float | str]]] = {}
        self._units: dict[str, str] = {}
        self._taken: dict[str, float] = {}
        self._max_age: dict[str, float] = {}
        self.at = 0.0
        """The session time at which questions are answered."""

    def take(
        self,
        target: str,
        at: float,
        values: Mapping[str, float | str],
        *,
        units: Mapping[str, str] | None = None,
        max_age: float = 15.0,
        sound: bool = True,
    ) -> None:
        """Take one reading of `target` at session time `at`; one that is not `sound` only withdraws the last."""
        self._taken[target] = at if sound else -math.inf
        self._max_age[target] = max_age
        if not sound:
            return
        for name, value in values.items():
            metric = f"{target}.{name}"
            self._units[metric] = (units or {}).get(name, "") or self._unit_of(metric)
            series = self._values.setdefault(metric, deque())
            series.append((at, value))
            while series and at - series[0][0] > KEPT:
                series.popleft()

    def _unit_of(self, metric: str) -> str:
        target, name, _ = split_metric(metric)
        known = self._targets.get(target)
        kind = metric_kind(known.type, name) if known is not None else None
        return kind.unit if kind is not None and kind.unit not in {"word", "any"} else ""

    def last(self, metric: str) -> float | str | None:
        """The last value, where it is not older than its target's `max_age` and belongs to the last reading."""
        target = split_metric(metric)[0]
        taken = self._taken.get(target, -math.inf)
        series = self._values.get(metric)
        if not series or self.at - taken > self._max_age.get(target, 0.0) or series[-1][0] != taken:
            return None
        value = series[-1][1]
        return value if isinstance(value, str) or math.isfinite(value) else None

    def value(self, metric: str) -> Quantity | str | None:
        """Return the last reading in base units; a word for a status; None where it is unknown."""
        value = self.last(metric)
        if value is None or isinstance(value, str):
            return value
        return Quantity(float(value), self._units.get(metric, ""))

    def over(self, function: str, metric: str, seconds: float) -> Quantity | None:
        """Return avg, min, max, p50, p95 or rate over the last `seconds`; None where nothing sound was read."""
        if self.last(metric) is None:
            return None
        since = self.at - seconds
        points = [(at, v) for at, v in self._values[metric] if at >= since and isinstance(v, (int, float))]
        numbers = [float(v) for _, v in points if math.isfinite(v)]
        if not numbers:
            return None
        unit = self._units.get(metric, "")
        if function == "rate":
            span = points[-1][0] - points[0][0]
            return Quantity((numbers[-1] - numbers[0]) / span, f"{unit}/s") if span > 0 else None
        return Quantity(_statistic(function, numbers), unit)

    def snapshot(self) -> dict[str, float | str | None]:
        """All metrics now; None where unknown."""
        return {metric: self.last(metric) for metric in self._values}


def _statistic(function: str, numbers: list[float]) -> float:
    match function:
        case "avg":
            return sum(numbers) / len(numbers)
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case "p50":
            return percentile(numbers, 0.5)
        case _:
            return percentile(numbers, 0.95)


def percentile(numbers: Iterable[float], share: float) -> float:
    """The value at `share` of the sorted numbers, linear between neighbours (NIST's definition, Excel's INC)."""
    ordered = sorted(numbers)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
