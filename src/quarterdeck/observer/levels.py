"""A target's bands as thresholds in base units, and which way each metric is worse. Pure.

Called by the observer process when a target is set up; lint judges the same texts earlier.
"""

from __future__ import annotations

from quarterdeck.observer.checks.base import SettingError, printable
from quarterdeck.observer.status import Levels
from quarterdeck.procedure.model import Bands, Target
from quarterdeck.procedure.quantities import Quantity, parse_quantity

__all__ = ["less_is_worse", "levels_of", "target_levels"]


def less_is_worse(metric: str) -> bool:
    """Whether a metric's name says that lower is worse (free space)."""
    return metric.endswith(".free")


def levels_of(metric: str, bands: Bands) -> Levels:
    """The thresholds of one metric.

    The order of warning, critical and clear says which way is worse; where only one is given, the metric's
    name does. Raises `SettingError` for a threshold that is no quantity, or for levels that contradict each other.
    """
    warning, critical, clear = (
        _quantity(metric, name, text)
        for name, text in (("warning", bands.warning), ("critical", bands.critical), ("clear", bands.clear))
    )
    if len({level.unit for level in (warning, critical, clear) if level is not None}) > 1:
        raise SettingError(f"the bands of {printable(metric, 80)} mix units")
    rising = [level.value for level in (clear, warning, critical) if level is not None]
    if len(rising) > 1 and rising != sorted(rising) and rising != sorted(rising, reverse=True):
        raise SettingError(f"the bands of {printable(metric, 80)} must go one way: clear, warning, critical")
    falling = rising[0] > rising[-1] if len(rising) > 1 and rising[0] != rising[-1] else less_is_worse(metric)
    values = [None if level is None else level.value for level in (warning, critical, clear)]
    return Levels(warning=values[0], critical=values[1], clear=values[2], falling=falling)


def target_levels(target: Target) -> dict[str, Levels]:
    """The thresholds of all metrics of a target that have bands."""
    return {metric: levels_of(metric, bands) for metric, bands in target.bands.items()}


def _quantity(metric: str, name: str, text: str) -> Quantity | None:
    if not text:
        return None
    try:
        return parse_quantity(text)
    except ValueError as error:
        raise SettingError(f"`{name}` of {printable(metric, 80)}: {error}") from error
