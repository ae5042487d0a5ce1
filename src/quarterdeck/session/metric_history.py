"""Recent readings of every metric, as conditions ask for them: the last value, and statistics over a span.

Times are session seconds and come in from outside. A reading that is stale, lagged or not a number is unknown, and
unknown never counts as anything else (observation.md).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping

from quarterdeck.documents.problems import did_you_mean
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.model import Target
from quarterdeck.procedure.quantities import Quantity

__all__ = ["MetricHistory", "percentile"]


LATEST = 2
"""Readings that are kept of a metric over which no condition looks back."""


class MetricHistory:
    """The readings of all targets of a plan. Implements `procedure.conditions.Metrics` at the time of `at`."""

    def __init__(self, targets: Mapping[str, Target], spans: Mapping[str, float] | None = None) -> None:
        """Know the targets' types, which say the metrics' units.

        `spans`: the seconds over which conditions look back, by metric; of others the latest are kept.
        """
        self._targets, self._spans = targets, spans or {}
        self._values: dict[str, deque[tuple[float, float | str]]] = {}
        self._units: dict[str, str] = {}
        self._taken: dict[str, float] = {}
        self._max_age: dict[str, float] = {}
        self._said: dict[str, str] = {}
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
        message: str = "",
    ) -> None:
        """Take one reading of `target` at session time `at`; one that is not `sound` only withdraws the last.

        `message` is why it is as it is, for a person.
        """
        self._taken[target] = at if sound else -math.inf
        self._max_age[target] = max_age
        self._said[target] = message
        if not sound:
            return
        for name, value in values.items():
            metric = f"{target}.{name}"
            self._units[metric] = (units or {}).get(name, "") or self._unit_of(metric)
            span = self._spans.get(metric)
            series = self._values.setdefault(metric, deque(maxlen=LATEST if span is None else None))
            series.append((at, value))
            while span is not None and at - series[0][0] > span:
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

    def taken(self, target: str) -> float | None:
        """When a target was read last; minus infinity where that counts no more, None where it never was."""
        return self._taken.get(target)

    def was_read(self, metric: str) -> bool:
        """Whether a metric ever had a value."""
        return metric in self._values

    def max_age(self, target: str) -> float:
        """Seconds after which a target's reading is stale."""
        known = self._targets.get(target)
        return self._max_age.get(target) or (known.stale_after if known is not None else 0.0)

    def why_unknown(self, metric: str) -> str:
        """Why a metric has no value now, in words that follow its name; empty where it has one, or is not due yet."""
        target, name, _ = split_metric(metric)
        taken, said = self._taken.get(target), self._said.get(target, "")
        why = f": {said}" if said else ""
        if taken is None:
            return "was never read"
        if self.at - taken > self.max_age(target):
            return f"is too old{why}"
        last = self.last(metric)
        if name == "status":
            return f"is unknown{why}" if last in {None, "unknown"} else ""
        if last is not None:
            return ""
        known = self._targets.get(target)
        kind = metric_kind(known.type, name) if known is not None else None
        if kind is not None and kind.difference and len(self._values.get(f"{target}.status", ())) < 2:
            return ""
        others = [other for other in self._values if split_metric(other)[0] == target]
        return f"is not in what {target} says{why or did_you_mean(metric, others)}"

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
