"""The names of metrics: `here.storage[/var].used` is target, name and key. What each one measures is in `checks`."""

from __future__ import annotations

from collections.abc import Mapping

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.procedure.checks import CHECKS, MetricKind
from quarterdeck.procedure.model import Bands
from quarterdeck.procedure.option_forms import Written
from quarterdeck.procedure.quantities import Quantity, parse_quantity

__all__ = ["band_levels", "metric_kind", "metric_problem", "split_metric", "written_metrics"]


def split_metric(metric: str) -> tuple[str, str, str]:
    """Split `here.storage[/var].used` into target, name without key (`storage.used`), and key (`/var`)."""
    target, _, rest = metric.partition(".")
    opened, closed = rest.find("["), rest.rfind("]")
    if opened < 0 or closed < opened:
        return target, rest, ""
    return target, rest[:opened] + rest[closed + 1 :], rest[opened + 1 : closed]


def metric_kind(target_type: str, name: str) -> MetricKind | None:
    """Return what a metric of a type of target is; `name` is without target and key (`storage.used`)."""
    known = CHECKS.get(target_type)
    return known.metrics.get(name) if known else None


def written_metrics(target_type: str) -> tuple[str, ...]:
    """Return a type's metrics as they are written: `cpu`, `storage[/].used`."""
    names = []
    for name, kind in CHECKS[target_type].metrics.items():
        first, dot, rest = name.partition(".")
        names.append(f"{first}[…]{dot}{rest}" if kind.keyed else name)
    return tuple(names)


def metric_problem(metric: str, types: Mapping[str, str], options: Mapping[str, Mapping[str, Written]]) -> str:
    """Return what is wrong with a metric's name, given each target's type and own options, or nothing."""
    target, name, key = split_metric(metric)
    if target not in types:
        return f"{quote(target)} is no target{did_you_mean(target, types)}"
    target_type = types[target]
    if target_type not in CHECKS:
        return ""
    metrics = CHECKS[target_type].metrics
    kind = metrics.get(name)
    if kind is None:
        near = did_you_mean(name, metrics) or f"; it has {', '.join(written_metrics(target_type))}"
        return f"{quote(metric)}: type {target_type} has no metric {quote(name)}{near}"
    if kind.keyed and not key:
        written = next(text for text in written_metrics(target_type) if text.replace("[…]", "") == name)
        return f"{quote(metric)} needs a key in brackets: {target}.{written}"
    if name.startswith("storage.") and CHECKS[target_type].watched and not key.startswith("/"):
        return f"{quote(metric)}: the key is a mount's whole path, such as {target}.{name.replace('.', '[/var].')}"
    if key and not kind.keyed:
        return f"{quote(metric)} takes no key in brackets"
    for option, needed in kind.needs:
        written = str(options.get(target, {}).get(option, ""))
        if "${" not in written and not written.startswith(needed):
            return f"{quote(metric)} is in each reading only where `{option}` is {needed}"
    return ""


def band_levels(metric: str, bands: Bands) -> tuple[Quantity | None, Quantity | None, Quantity | None]:
    """Return a metric's warning, critical and clear as quantities, None where not written.

    Raises ValueError for a level that is no quantity, and for levels that contradict each other: one unit, and one
    way (clear, warning, critical).
    """
    levels = []
    for name, text in (("warning", bands.warning), ("critical", bands.critical), ("clear", bands.clear)):
        try:
            levels.append(parse_quantity(text) if text else None)
        except ValueError as error:
            raise ValueError(f"`{name}` of {quote(metric, 80)}: {error}") from error
    warning, critical, clear = levels
    if len({level.unit for level in levels if level is not None}) > 1:
        raise ValueError(f"the bands of {quote(metric, 80)} mix units")
    rising = [level.value for level in (clear, warning, critical) if level is not None]
    if rising != sorted(rising) and rising != sorted(rising, reverse=True):
        raise ValueError(f"the bands of {quote(metric, 80)} must go one way: clear, warning, critical")
    return warning, critical, clear
