"""Whether a metric is still what it was before Start: statistics, coverage, and a verdict. Pure.

`series` collects samples out of readings, `judge` holds two series against each other by a criterion's rule
(observation.md, Baseline). PASS, FAIL or INCONCLUSIVE: too few samples, coverage below 90 %, an observer that was
not sound and an early end are inconclusive, and an inconclusive is never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from quarterdeck.observer.messages import Health, Reading
from quarterdeck.procedure.model import Baseline
from quarterdeck.procedure.quantities import as_quantity

__all__ = ["MIN_COVERAGE", "Judgement", "Series", "Side", "Verdict", "judge", "series", "statistic"]

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]

MIN_COVERAGE = 0.9
"""Share of the expected samples that must be usable."""
MIN_SOUND = 0.9
"""Share of the observer's own health messages that must call it sound."""


class Series(Struct, frozen=True, kw_only=True):
    """The samples of one metric over a span."""

    values: tuple[float, ...]
    """Usable values in base units, in order of time."""
    expected: int
    """Samples that the span should hold at its interval."""
    sound: bool = True
    """Whether the observer could be trusted over the span."""
    complete: bool = True
    """False where the span ended early."""

    @property
    def coverage(self) -> float:
        """Usable samples of expected ones, 0 to 1."""
        return min(1.0, len(self.values) / self.expected) if self.expected > 0 else 0.0


class Side(Struct, frozen=True, kw_only=True):
    """One side of a comparison, as it is shown."""

    n: int
    coverage: float
    value: float | None
    """The statistic; None without samples."""


class Judgement(Struct, frozen=True, kw_only=True):
    """A verdict with its evidence."""

    verdict: Verdict
    grade: Literal["ok", "warning", "critical", "unknown"]
    """How bad: beyond `allowed_increase` is a warning, beyond `critical_increase` critical; both are FAIL."""
    before: Side
    after: Side
    ratio: float | None
    """After divided by before; None where that makes no sense."""
    why: str


def statistic(values: Sequence[float], kind: Literal["p50", "p95", "mean"]) -> float | None:
    """Median, 95th percentile (linear between the two nearest ranks) or mean; None without values."""
    if not values:
        return None
    if kind == "mean":
        return math.fsum(values) / len(values)
    ordered = sorted(values)
    rank = (0.5 if kind == "p50" else 0.95) * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def series(
    readings: Iterable[Reading],
    metric: str,
    *,
    span: float,
    interval: float,
    health: Iterable[Health] = (),
    complete: bool = True,
) -> Series:
    """The usable samples of a metric (`latency`, without its target) over `span` seconds.

    Left out: values that are absent, no number or not finite, and readings that are stale or were taken under lag.
    Unsound where more than a tenth of `health` is.
    """
    values = []
    for reading in readings:
        value = reading.values.get(metric)
        usable = isinstance(value, float | int) and math.isfinite(value)
        if usable and not {"stale", "lagged"} & set(reading.flags):
            values.append(float(value))  # type: ignore[arg-type]
    soundness = [one.sound for one in health]
    return Series(
        values=tuple(values),
        expected=max(1, math.floor(span / interval)) if interval > 0 else 0,
        sound=not soundness or sum(soundness) >= MIN_SOUND * len(soundness),
        complete=complete,
    )


def judge(rule: Baseline, before: Series, after: Series) -> Judgement:
    """Hold a metric against its baseline.

    FAIL where it became worse by more than `allowed_increase` and by at least `min_delta`.
    """
    sides = _side(rule, before), _side(rule, after)
    old, new = sides[0].value, sides[1].value
    ratio = new / old if old and new is not None else None
    doubt = _doubt(rule, before, "before Start") or _doubt(rule, after, "after it")
    if doubt or old is None or new is None:
        return _judgement("INCONCLUSIVE", "unknown", sides, ratio, doubt or "there are no samples")
    worse = new - old if rule.direction == "lower_is_better" else old - new
    least = _base(rule.min_delta)
    if worse <= 0 or worse < least:
        note = "not worse" if worse <= 0 else f"worse by less than {rule.min_delta}"
        return _judgement("PASS", "ok", sides, ratio, note)
    if old == 0 and not least:
        why = "the baseline is 0, so only a criterion with min_delta can judge it"
        return _judgement("INCONCLUSIVE", "unknown", sides, ratio, why)
    share = worse / abs(old) if old else math.inf
    if share > _share(rule.critical_increase):
        why = f"worse by {_percent(share)}, more than the critical {rule.critical_increase}"
        return _judgement("FAIL", "critical", sides, ratio, why)
    if share > _share(rule.allowed_increase):
        why = f"worse by {_percent(share)}, more than the allowed {rule.allowed_increase}"
        return _judgement("FAIL", "warning", sides, ratio, why)
    why = f"worse by {_percent(share)}, within the allowed {rule.allowed_increase}"
    return _judgement("PASS", "ok", sides, ratio, why)


def _judgement(
    verdict: Verdict,
    grade: Literal["ok", "warning", "critical", "unknown"],
    sides: tuple[Side, Side],
    ratio: float | None,
    why: str,
) -> Judgement:
    return Judgement(verdict=verdict, grade=grade, before=sides[0], after=sides[1], ratio=ratio, why=why)


def _side(rule: Baseline, samples: Series) -> Side:
    return Side(n=len(samples.values), coverage=samples.coverage, value=statistic(samples.values, rule.statistic))


def _doubt(rule: Baseline, samples: Series, when: str) -> str:
    """Why a series proves nothing; empty where it does."""
    if len(samples.values) < rule.min_samples:
        return f"{len(samples.values)} samples {when}, at least {rule.min_samples} are needed"
    if samples.coverage < MIN_COVERAGE:
        return f"only {_percent(samples.coverage)} of the samples {when} are usable, 90 % are needed"
    if not samples.sound:
        return f"the observer was not sound {when}"
    if not samples.complete:
        return f"the time {when} ended early"
    return ""


def _share(text: str) -> float:
    """A share as written: `10%`, or plain `10`, which means per cent too; infinite where nothing is written."""
    quantity = as_quantity(text) if text else None
    return math.inf if quantity is None else quantity.value / 100


def _base(text: str) -> float:
    quantity = as_quantity(text) if text else None
    return 0.0 if quantity is None else quantity.value


def _percent(share: float) -> str:
    return "more than can be said in %" if math.isinf(share) else f"{share * 100:.0f} %"
