"""What a result means: bands with hysteresis, thresholds of repetition, flapping, age. Pure.

A check says how one sample looked (`raw`); this module says what is confirmed, and turns a target's bands into
thresholds in base units (lint judges the same texts earlier). No clock, no I/O.

Three-valued: a value that is absent, not a number or not finite is unknown, and unknown never counts as ok.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from quarterdeck.observer.checks.base import SettingError
from quarterdeck.observer.messages import Flag, Status, Value
from quarterdeck.procedure.metric_names import band_levels, metric_kind, split_metric
from quarterdeck.procedure.model import Bands, Target

__all__ = [
    "FLAP_HIGH",
    "FLAP_LOW",
    "FLAP_SAMPLES",
    "Freshness",
    "History",
    "Levels",
    "Rule",
    "advance",
    "band",
    "flags_of",
    "flapping_share",
    "freshness",
    "levels_of",
    "target_levels",
    "worst",
]

Freshness = Literal["fresh", "aging", "stale", "withdrawn"]

FLAP_SAMPLES = 21
"""Results that flap detection looks at (as in Nagios)."""
FLAP_LOW = 0.20
"""Share of weighted changes below which flapping ends."""
FLAP_HIGH = 0.30
"""Share of weighted changes from which it begins."""

_RANK: dict[Status, int] = {"ok": 0, "warning": 1, "unknown": 2, "critical": 3}


def worst(statuses: Iterable[Status]) -> Status:
    """The gravest of several: critical before unknown before warning before ok; ok for none."""
    return max(statuses, key=_RANK.__getitem__, default="ok")


def freshness(age: float, interval: float, max_age: float = 0.0) -> Freshness:
    """How to show a number that is `age` seconds old (observation.md, On screen).

    Over 1.5 intervals it is `aging`; over `max_age` (0 means three intervals) `stale`; over five intervals,
    and never before it is stale, `withdrawn`.
    """
    limit = max_age or 3 * interval
    if age > max(5 * interval, limit):
        return "withdrawn"
    if age > limit:
        return "stale"
    return "aging" if age > 1.5 * interval else "fresh"


class Levels(Struct, frozen=True):
    """The thresholds of one metric in base units; None where not set."""

    warning: float | None = None
    critical: float | None = None
    clear: float | None = None
    """A breach lasts until the value is better than this; without it, than the level itself."""
    falling: bool = False
    """True where lower is worse, such as free space."""


def band(value: Value | None, levels: Levels, before: Status = "ok") -> Status:
    """The status of a value, given the status that this metric had `before` (hysteresis).

    A value at its level is in breach (`>=`, or `<=` where lower is worse). From a breach, the way back to ok
    leads past `clear`; from critical to warning, past the level of critical.
    """
    if not isinstance(value, float | int) or not math.isfinite(value):
        return "unknown"
    sign = -1.0 if levels.falling else 1.0

    def reached(level: float | None) -> bool:
        return level is not None and sign * value >= sign * level

    if reached(levels.critical):
        return "critical"
    if reached(levels.warning):
        return "warning"
    if before in ("warning", "critical") and reached(levels.clear):
        return "warning" if levels.warning is not None else "critical"
    return "ok"


class Rule(Struct, frozen=True):
    """How often a result must repeat before it is confirmed."""

    failure_threshold: int = 2
    success_threshold: int = 1


class History(Struct, frozen=True):
    """What is known of a target before the next result; `advance` makes the next one."""

    status: Status = "unknown"
    """What to show now: `settled`, or unknown while the last result was unknown."""
    settled: Status = "unknown"
    """The confirmed status; unknown before the first result."""
    streak: int = 0
    """Results in a row that spoke for leaving `settled`, in the direction of `toward`."""
    toward: Literal["", "worse", "better"] = ""
    pending: bool = False
    recent: tuple[Status, ...] = ()
    """The last raw results, oldest first, at most 21."""
    flapping: bool = False


def flapping_share(recent: tuple[Status, ...]) -> float:
    """Share of changes among the last 21 results, later ones weighing more (0.8 to 1.2, as in Nagios).

    Results that do not exist yet count as no change.
    """
    last = FLAP_SAMPLES - 1
    changes = 0.0
    first = FLAP_SAMPLES - len(recent)
    for index in range(1, len(recent)):
        if recent[index] != recent[index - 1]:
            changes += 0.8 + 0.4 * (first + index - 1) / (last - 1)
    return changes / last


def advance(history: History, raw: Status, rule: Rule) -> History:
    """The history after one more result.

    For the worse, `failure_threshold` bad or unreadable results in a row confirm the latest of them; for the
    better, `success_threshold`. An unknown is shown at once, `pending` until it is confirmed.
    """
    recent = (*history.recent, raw)[-FLAP_SAMPLES:]
    share = flapping_share(recent)
    flapping = share >= (FLAP_LOW if history.flapping else FLAP_HIGH)
    settled = history.settled
    if raw == settled:
        return History(status=raw, settled=raw, recent=recent, flapping=flapping)
    toward: Literal["worse", "better"] = "worse"
    if raw == "ok" or (settled == "critical" and raw == "warning"):
        toward = "better"
    streak = history.streak + 1 if history.toward == toward else 1
    if streak >= (rule.success_threshold if toward == "better" else rule.failure_threshold):
        return History(status=raw, settled=raw, recent=recent, flapping=flapping)
    return History(
        status="unknown" if raw == "unknown" else settled,
        settled=settled,
        streak=streak,
        toward=toward,
        pending=True,
        recent=recent,
        flapping=flapping,
    )


def flags_of(history: History, *, lagged: bool = False, stale: bool = False) -> tuple[Flag, ...]:
    """The flags that a reading with this history carries."""
    marks: Mapping[Flag, bool] = {
        "pending": history.pending,
        "stale": stale,
        "flapping": history.flapping,
        "lagged": lagged,
    }
    return tuple(flag for flag, is_set in marks.items() if is_set)


def levels_of(metric: str, bands: Bands, *, less_is_worse: bool = False) -> Levels:
    """The thresholds of one metric.

    The order of warning, critical and clear says which way is worse; where only one is given, `less_is_worse` does.
    Raises `SettingError` for a threshold that is no quantity, or for levels that contradict each other.
    """
    try:
        warning, critical, clear = band_levels(metric, bands)
    except ValueError as error:
        raise SettingError(str(error)) from error
    rising = [level.value for level in (clear, warning, critical) if level is not None]
    falling = rising[0] > rising[-1] if len(rising) > 1 and rising[0] != rising[-1] else less_is_worse
    values = [None if level is None else level.value for level in (warning, critical, clear)]
    return Levels(warning=values[0], critical=values[1], clear=values[2], falling=falling)


def target_levels(target: Target) -> dict[str, Levels]:
    """The thresholds of all metrics of a target that have bands; which way is worse is the metric's own."""
    found = {}
    for metric, bands in target.bands.items():
        kind = metric_kind(target.type, split_metric(f"it.{metric}")[1])
        found[metric] = levels_of(metric, bands, less_is_worse=kind is not None and kind.worse == "lower")
    return found
