"""A target's bands as thresholds in base units, and which way each metric is worse. Pure.

Called by the observer process when a target is set up; lint judges the same texts by the same function earlier.
"""

from __future__ import annotations

from quarterdeck.observer.checks.base import SettingError
from quarterdeck.observer.status import Levels
from quarterdeck.procedure.model import Bands, Target
from quarterdeck.procedure.targets import band_levels, metric_kind, split_metric

__all__ = ["levels_of", "target_levels"]


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
