"""How much is kept of what was read: as far as some condition looks back, and no further."""

from __future__ import annotations

from quarterdeck.procedure.quantities import Quantity
from quarterdeck.session.metric_history import LATEST, MetricHistory


def test_what_no_condition_looks_back_over_is_not_kept_and_what_one_does_is_kept_so_long() -> None:
    metrics = MetricHistory({}, {"api.latency": 60.0})
    for second in range(1_000):
        metrics.take("api", float(second), {"latency": second / 1_000, "size": float(second)})
    metrics.at = 999.0
    kept = {metric: len(series) for metric, series in metrics._values.items()}
    assert kept == {"api.latency": 61, "api.size": LATEST}
    assert metrics.over("min", "api.latency", 60.0) == Quantity(0.939, "")
    assert metrics.value("api.size") == Quantity(999.0, "")
