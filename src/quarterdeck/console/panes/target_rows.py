"""One target in rows, as the pane of everything watched and the target's own screen both show it. Pure."""

from __future__ import annotations

from quarterdeck.console.glyphs import Glyphs
from quarterdeck.console.panes.base import Row
from quarterdeck.console.panes.endpoints import ROLES, expected_until
from quarterdeck.console.panes.gauges import aged
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.spans import hour, span
from quarterdeck.text import in_full, visible

__all__ = ["targets_of", "value_rows", "verdict_rows"]

_LABEL = 34
"""Cells of a value's name; longer ones push their value away."""


def targets_of(snapshot: Snapshot) -> dict[str, str]:
    """Everything watched, to its type; the type is empty while the plan is not here."""
    plan = snapshot.session.plan
    if plan is None:
        return dict.fromkeys(snapshot.readings, "")
    return {name: target.type for name, target in plan.procedure.targets.items()}


def verdict_rows(snapshot: Snapshot, name: str, kind: str, width: int, glyphs: Glyphs) -> list[Row]:
    """How it is, in a line that names it, and the whole message of why."""
    reading = snapshot.readings.get(name)
    shown = visible(name, 60)
    signs = glyphs.status
    if reading is None:
        return [((f" {signs['withdrawn']} ", "muted"), (shown, "strong"), (f"  {kind}, no reading yet", "muted"))]
    fresh, age = aged(snapshot, reading)
    old = fresh in {"stale", "withdrawn"}
    until = expected_until(snapshot, name)
    calm = reading.status != "ok" and until > snapshot.now
    role = "muted" if old else "accent" if calm else ROLES[reading.status]
    sign = signs["withdrawn" if old else "expected" if calm else reading.status]
    words = [reading.status, *reading.flags, f"{span(age)} old", kind]
    words += [f"expected until {hour(until, snapshot.off)}"] if calm else []
    head: Row = ((f" {sign} ", role), (shown, "strong"), (f"  {', '.join(word for word in words if word)}", role))
    return [head, *(((f"   {line}", role),) for line in wrap(in_full(reading.message), width - 3) if line)]


def value_rows(snapshot: Snapshot, name: str, kind: str) -> list[Row]:
    """Every value of its last reading with its unit, and what it was before Start where that is not the same."""
    reading = snapshot.readings.get(name)
    if reading is None:
        return []
    values = ((metric, value) for metric, value in reading.values.items() if metric != "status")
    return [_value(snapshot, kind, reading, metric, value) for metric, value in values]


def _value(snapshot: Snapshot, kind: str, reading: Reading, metric: str, value: float | str) -> Row:
    known = metric_kind(kind, split_metric(f"it.{metric}")[1])
    unit = reading.units.get(metric, "") if known is None or known.unit == "any" else known.unit
    label = visible(metric.removeprefix("value[").removesuffix("]") if metric.startswith("value[") else metric, 80)
    said = visible(value, 80) if isinstance(value, str) else show(Quantity(value, unit))
    base = snapshot.bases.get(f"{reading.target}.{metric}")
    before = show(Quantity(base, unit)) if base is not None else said
    return (
        (f"   {label:<{_LABEL}} ", "muted"),
        (said, "text"),
        (f"  (base {before})" if before != said else "", "muted"),
    )
