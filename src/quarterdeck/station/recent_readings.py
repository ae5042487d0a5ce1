"""The newest readings, and those of the last minutes: what verifications look at, and a console that comes.

Three-valued: what is absent, stale, lagged or not a number is unknown (None), and unknown never counts as ok.
Spans of time are asked of `session.metric_history`. It has no clock: the boot clock's seconds come in as `now`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.model import Target
from quarterdeck.procedure.quantities import Quantity
from quarterdeck.spans import span

__all__ = ["KEPT", "History"]

KEPT = 330.0
"""Seconds of readings that are kept in memory; all of them are in the logbook."""
MOST = 1000
"""Readings of one target that are kept at most."""


class History:
    """Readings by target."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives the boot clock in seconds."""
        self._now = now
        self._kept: dict[str, deque[Reading]] = {}
        self._types: dict[str, str] = {}

    def watch(self, targets: dict[str, Target]) -> None:
        """These are the targets from now on; what others said is forgotten."""
        self._types = {name: target.type for name, target in targets.items()}
        for gone in self._kept.keys() - targets.keys():
            del self._kept[gone]

    def take(self, reading: Reading) -> None:
        """Keep a reading."""
        kept = self._kept.setdefault(reading.target, deque(maxlen=MOST))
        kept.append(reading)
        while kept[0].boot < reading.boot - KEPT:
            kept.popleft()

    def latest(self, target: str) -> Reading | None:
        """The newest reading of a target, however old."""
        kept = self._kept.get(target)
        return kept[-1] if kept else None

    def recent(self, seconds: float) -> Iterable[Reading]:
        """All readings of the last seconds, oldest first."""
        since = self._now() - seconds
        found = [reading for kept in self._kept.values() for reading in kept if reading.boot >= since]
        return sorted(found, key=lambda reading: reading.boot)

    def fresh(self, reading: Reading) -> bool:
        """Whether a reading may be relied on now."""
        return "stale" not in reading.flags and self._now() - reading.boot <= reading.max_age

    def status(self, target: str) -> tuple[bool | None, str]:
        """Whether a target is ok now (None: unknown), and what was read, for a person."""
        reading = self.latest(target)
        if reading is None:
            return None, "nothing was read yet"
        if not self.fresh(reading):
            return None, f"the last reading is {span(self._now() - reading.boot)} old"
        if reading.is_ok:
            return True, "ok"
        said = f"{reading.status}: {reading.message}" if reading.message else reading.status
        if "unknown" in (reading.status, reading.raw):
            return None, said
        pending = reading.status == "ok" and reading.raw != "ok"
        return (None if pending else False), (f"{reading.raw}, to be confirmed" if pending else said)

    def snapshot(self) -> dict[str, float | str | None]:
        """Every metric's value now; None where it is stale."""
        found: dict[str, float | str | None] = {}
        for target, kept in self._kept.items():
            reading = kept[-1]
            fresh = self.fresh(reading)
            found[f"{target}.status"] = reading.status if fresh else "unknown"
            for name, value in reading.values.items():
                found[f"{target}.{name}"] = value if fresh else None
        return found

    def value(self, metric: str) -> Quantity | str | None:
        """The last reading of `target.name`, in base units; a word for a status."""
        target, _, name = metric.partition(".")
        reading = self.latest(target)
        if reading is None or not self.fresh(reading):
            return None
        if name == "status":
            return reading.status
        value = reading.values.get(name)
        return value if isinstance(value, str) else self._quantity(metric, value, reading)

    def _quantity(self, metric: str, value: float | None, reading: Reading) -> Quantity | None:
        if value is None or not math.isfinite(value):
            return None
        target, name, _ = split_metric(metric)
        kind = metric_kind(self._types.get(target, ""), name)
        unit = reading.units.get(metric.partition(".")[2], "") if kind is None or kind.unit == "any" else kind.unit
        return Quantity(float(value), unit)
