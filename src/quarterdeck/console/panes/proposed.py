"""What the guard behind an open proposal reads now: the live number beside the one that it was proposed for.

Pure; called by the next line while a proposal is open, and imported only then: it needs the condition language.
"""

from __future__ import annotations

from quarterdeck.console.snapshot import Snapshot
from quarterdeck.procedure.conditions import ConditionError, Metric, Over, comparisons_of, parse
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.procedure.targets import metric_kind, split_metric

__all__ = ["reads_now"]


def reads_now(snapshot: Snapshot) -> str:
    """The last reading of the metric that the oldest open proposal names, `96 ms`; empty where there is none."""
    session = snapshot.session
    proposal = next(iter(session.open_proposals()), None)
    if proposal is None or session.plan is None:
        return ""
    guard = next((found for found in session.plan.procedure.guards if found.id == proposal.guard), None)
    if guard is None:
        return ""
    try:
        compared = list(comparisons_of(parse(guard.when).root))
    except ConditionError:
        return ""
    read = [side.name for side in (comparison.left for comparison in compared) if isinstance(side, Metric | Over)]
    named = [name for name in read if name in proposal.reason] or read
    return next((said for name in named if (said := _reading(snapshot, name))), "")


def _reading(snapshot: Snapshot, metric: str) -> str:
    """The metric's last value with its unit; empty where it is not a fresh number."""
    plan = snapshot.session.plan
    target, kind_name, _ = split_metric(metric)
    name = metric.partition(".")[2]
    reading = snapshot.readings.get(target)
    if reading is None or plan is None or snapshot.boot - reading.boot > reading.max_age:
        return ""
    value = reading.values.get(name)
    if name == "status":
        return reading.status
    if not isinstance(value, float | int):
        return ""
    known = plan.procedure.targets.get(target)
    kind = metric_kind(known.type, kind_name) if known is not None else None
    unit = kind.unit if kind is not None and kind.unit not in {"word", "any"} else ""
    return show(Quantity(float(value), reading.units.get(name, "") or unit))
