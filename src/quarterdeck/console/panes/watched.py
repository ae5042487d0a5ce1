"""Everything that is watched, in full: each target's reading, why it is so, and every value with its unit.

The panes of gauges and endpoints have a line for each and cut it; here nothing is. It stands over the session.
"""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Pane, Row
from quarterdeck.console.panes.endpoints import ROLES, expected_until
from quarterdeck.console.panes.gauges import aged
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.metric_names import metric_kind, split_metric
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.spans import hour, span
from quarterdeck.text import in_full, visible

__all__ = ["WatchedPane"]

_LABEL = 34
"""Cells of a value's name; longer ones push their value away."""


class WatchedPane(Pane):
    """A head for each target, its message whole, and a line for each value."""

    name_ = "watched"
    heading = "Watched"

    def __init__(self) -> None:
        super().__init__(framed=False)
        self._rows: list[Row] = []

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make all rows: their number depends on what was read."""
        plan = snapshot.session.plan
        types = {name: target.type for name, target in plan.procedure.targets.items()} if plan is not None else {}
        self._rows = []
        for name in types or snapshot.readings:
            self._rows += [*self._target(snapshot, name, types.get(name, ""), max(20, width)), EMPTY]
        if not self._rows:
            self._rows.append(((" nothing is watched: the procedure names no targets", "muted"),))

    def row_count(self, snapshot: Snapshot) -> int:
        """As many as there are values and lines of messages."""
        del snapshot
        return len(self._rows)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del snapshot, width
        return self._rows[y] if y < len(self._rows) else EMPTY

    def _target(self, snapshot: Snapshot, name: str, kind: str, width: int) -> list[Row]:
        reading = snapshot.readings.get(name)
        shown = visible(name, 60)
        signs = self.look.glyphs.status
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
        rows: list[Row] = [
            ((f" {sign} ", role), (shown, "strong"), (f"  {', '.join(word for word in words if word)}", role))
        ]
        rows += [((f"   {line}", role),) for line in wrap(in_full(reading.message), width - 3) if line]
        values = ((metric, value) for metric, value in reading.values.items() if metric != "status")
        return rows + [self._value(snapshot, kind, reading, metric, value) for metric, value in values]

    def _value(self, snapshot: Snapshot, kind: str, reading: Reading, metric: str, value: float | str) -> Row:
        known = metric_kind(kind, split_metric(f"it.{metric}")[1])
        unit = reading.units.get(metric, "") if known is None or known.unit == "any" else known.unit
        label = visible(
            metric.removeprefix("value[").removesuffix("]") if metric.startswith("value[") else metric, 80
        )
        said = visible(value, 80) if isinstance(value, str) else show(Quantity(value, unit))
        base = snapshot.bases.get(f"{reading.target}.{metric}")
        before = show(Quantity(base, unit)) if base is not None else said
        return (
            (f"   {label:<{_LABEL}} ", "muted"),
            (said, "text"),
            (f"  (base {before})" if before != said else "", "muted"),
        )
