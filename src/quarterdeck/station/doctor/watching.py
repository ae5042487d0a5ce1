"""Doctor's look at what a procedure watches: the observer reads every target once, and every guard is asked once.

So is every other metric that something judges by. A guard that reads nothing here would be blind at Start, which asks
for it. Endpoints and plugins are asked as a session would, with this shell's environment.
"""

from __future__ import annotations

import asyncio
import contextlib

from quarterdeck.errors import StationError
from quarterdeck.observer.client import Observer
from quarterdeck.observer.messages import Finding as Told
from quarterdeck.observer.messages import Health, Reading
from quarterdeck.procedure.conditions import metrics_of, parse
from quarterdeck.procedure.metric_names import split_metric
from quarterdeck.procedure.model import Guard, Procedure, Target
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.session.guard_watch import GuardWatch, readings_of
from quarterdeck.session.plan import Plan, build
from quarterdeck.station.doctor.finding import Finding
from quarterdeck.station.monitor import watched_metrics

__all__ = ["watching"]

LONGEST = 20.0
"""Seconds that all readings together may take."""
SHOWN = 6
"""Values of a target that are shown."""


def watching(procedure: Procedure) -> list[Finding]:
    """What each target and each guard reads here, or why it does not. Takes up to `LONGEST` seconds."""
    return asyncio.run(_Look(procedure).findings()) if procedure.targets else []


class _Look:
    """One look."""

    def __init__(self, procedure: Procedure) -> None:
        self._open = {name for name, target in procedure.targets.items() if _is_open(target)}
        self._targets = {name: it for name, it in procedure.targets.items() if name not in self._open}
        self._plan: Plan = build(procedure, "")
        self._guards = [guard for guard in procedure.guards if "${" not in guard.when + guard.release]
        self._watch = GuardWatch(self._plan)
        self._readings: dict[str, Reading] = {}
        self._news = asyncio.Event()

    async def findings(self) -> list[Finding]:
        """Read, then judge."""
        metrics = tuple(sorted(set(watched_metrics(self._plan.procedure, self._plan.steps.values()))))
        observer = Observer(self._take)
        try:
            await observer.start(self._targets, metrics)
        except StationError as error:
            return [Finding("problem", "Targets", f"nothing can be watched: {error.message}")]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST):
                    while self._targets.keys() - self._readings.keys():
                        self._news.clear()
                        await self._news.wait()
        finally:
            await observer.stop()
        guarded = {metric for guard in self._guards for metric in metrics_of(parse(guard.when))}
        others = [metric for metric in metrics if metric not in guarded and split_metric(metric)[0] in self._targets]
        return [
            *map(self._target, self._plan.procedure.targets),
            *map(self._guard, self._guards),
            *map(self._metric, others),
        ]

    def _take(self, message: Reading | Health | Told) -> None:
        if isinstance(message, Reading):
            self._readings[message.target] = message
            self._watch.take(
                message.target,
                0.0,
                {**message.values, "status": message.status},
                units=message.units,
                max_age=LONGEST,
                message=message.message,
            )
            self._news.set()

    def _target(self, name: str) -> Finding:
        title, reading = f"Target {name}", self._readings.get(name)
        if name in self._open:
            return Finding("ok", title, "not read here: its parameters have no value yet")
        if reading is None:
            return Finding("problem", title, f"no reading within {LONGEST:g} s", "see why it does not answer")
        values = [
            f"{value} {said}"
            for value in reading.values
            if value != "status" and (said := self._shown(f"{name}.{value}"))
        ]
        more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
        why = f": {reading.message}" if reading.message and reading.raw != "ok" else ""
        said = "; ".join(filter(None, (f"{reading.raw}{why}", ", ".join(values[:SHOWN]) + more)))
        if reading.raw == "unknown":
            return Finding("problem", title, said, "mend the target: unknown never counts as ok")
        return Finding("warning" if reading.raw == "critical" else "ok", title, said)

    def _guard(self, guard: Guard) -> Finding:
        title = f"Guard {guard.id}"
        metrics = metrics_of(parse(guard.when))
        if any(metric.partition(".")[0] in self._open for metric in metrics):
            return Finding("ok", title, "not read here: its target's parameters have no value yet")
        why = self._watch.why_blind(guard)
        if why:
            return Finding(
                "problem", title, f"blind: {why}", "mend its condition or its target; Start will ask for it"
            )
        return Finding("ok", title, readings_of(guard, self._watch.metrics))

    def _metric(self, metric: str) -> Finding:
        """What a wait, a criterion or a verification will read; it may begin to exist in the window only."""
        why = self._watch.metrics.why_unknown(metric)
        if why:
            return Finding(
                "warning", f"Metric {metric}", why, "a wait, criterion or verification by it stays unknown"
            )
        return Finding("ok", f"Metric {metric}", self._shown(metric) or "not known yet")

    def _shown(self, metric: str) -> str:
        """A metric's value for people; empty where it has none."""
        value = self._watch.metrics.value(metric)
        return show(value) if isinstance(value, Quantity) else value or ""


def _is_open(target: Target) -> bool:
    """Whether an option waits for a parameter's value."""
    texts = (value if isinstance(value, str) else " ".join(value) for value in target.options.values())
    return any("${" in text for text in texts)
