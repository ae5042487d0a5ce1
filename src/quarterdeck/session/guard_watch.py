"""Judging guards: when a condition has held for its time, and when it holds no more (R13).

A guard knows the session (what runs, grace after a step, expected outages); the station feeds it with readings and
asks it on each tick. What comes out are intents like a person's; `rules.guard` says what they lead to.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from quarterdeck.procedure.conditions import Comparison, Metric, Over, compare, comparisons_of, evaluate, parse
from quarterdeck.procedure.metric_names import split_metric
from quarterdeck.procedure.model import Guard
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.session.intents import GuardHolds, GuardReleased, Intent
from quarterdeck.session.metric_history import MetricHistory
from quarterdeck.session.plan import Plan
from quarterdeck.session.state import Session

__all__ = ["GuardWatch", "expected_outages"]


class _Judged(Struct):
    """Where one guard's condition stands."""

    since: float | None = None
    """When it began to hold without a break."""
    chances: int = 0
    """Repeats of `for` that were given (`second_chance`)."""
    told: float | None = None
    """When `GuardHolds` was last said."""


class GuardWatch:
    """All guards of a plan over the readings that come in."""

    REPEAT = 5.0
    """Seconds between two sayings of a condition that goes on holding (so that a worse one comes again)."""

    def __init__(self, plan: Plan) -> None:
        """Watch the guards of `plan`."""
        self._plan = plan
        self.metrics = MetricHistory(plan.procedure.targets)
        self._judged = {guard.id: _Judged() for guard in plan.procedure.guards}

    def take(
        self,
        target: str,
        at: float,
        values: Mapping[str, float | str],
        *,
        units: Mapping[str, str] | None = None,
        max_age: float = 15.0,
        sound: bool = True,
    ) -> None:
        """Take one reading (`MetricHistory.take`)."""
        self.metrics.take(target, at, values, units=units, max_age=max_age, sound=sound)

    def judge(self, session: Session, now: float) -> list[Intent]:
        """Return what the guards have to say at session time `now`."""
        self.metrics.at = now
        said: list[Intent] = []
        for guard in self._plan.procedure.guards:
            intent = self._judge(session, guard, now)
            if intent is not None:
                said.append(intent)
        return said

    def _judge(self, session: Session, guard: Guard, now: float) -> Intent | None:
        judged = self._judged[guard.id]
        if not _listens(session, self._plan, guard) or _excused(session, self._plan, guard, now):
            judged.since = None
            return GuardReleased(guard=guard.id) if guard.id in session.holding else None
        holds = self._holds(session, guard)
        if holds is not True:
            judged.since, judged.chances = None, 0
            return GuardReleased(guard=guard.id) if holds is False and guard.id in session.holding else None
        judged.since = now if judged.since is None else judged.since
        if now - judged.since < guard.for_:
            return None
        if guard.second_chance and judged.chances == 0:
            judged.since, judged.chances = now, 1
            return None
        if judged.told is not None and guard.id in session.holding and now - judged.told < self.REPEAT:
            return None
        judged.told = now
        reason, badness = self._data_point(guard)
        return GuardHolds(guard=guard.id, reason=reason, value=badness)

    def _holds(self, session: Session, guard: Guard) -> bool | None:
        """The condition, or once it holds the opposite of `release`, where one is given (hysteresis)."""
        if guard.release and guard.id in session.holding:
            released = evaluate(parse(guard.release), self.metrics)
            return None if released is None else not released
        return evaluate(parse(guard.when), self.metrics)

    def _data_point(self, guard: Guard) -> tuple[str, float | None]:
        """The comparison that holds, in words, and its reading so that more is worse."""
        for comparison in comparisons_of(parse(guard.when).root):
            left, right = self._read(comparison.left), self._read(comparison.right)
            if compare(left, comparison.operator, right) is True:
                badness = left.value if isinstance(left, Quantity) else None
                if badness is not None and comparison.operator in {"<", "<="}:
                    badness = -badness
                return f"{guard.title}: {_words(comparison, left, right)}", badness
        return guard.title, None

    def _read(self, operand: object) -> Quantity | str | None:
        if isinstance(operand, Metric):
            return self.metrics.value(operand.name)
        if isinstance(operand, Over):
            return self.metrics.over(operand.function, operand.name, operand.seconds)
        return operand if isinstance(operand, Quantity) else getattr(operand, "text", None)


_WORDS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below", "==": "", "!=": "not"}


def _words(comparison: Comparison, left: Quantity | str | None, right: Quantity | str | None) -> str:
    """Say `p95(orders-api.latency, 1m) is 912 ms, above 800 ms`."""
    side = comparison.left
    name = (
        f"{side.function}({side.name}, {side.seconds:g} s)" if isinstance(side, Over) else getattr(side, "name", "")
    )
    reading = show(left) if isinstance(left, Quantity) else str(left)
    if comparison.operator == "==":
        return f"{name} is {reading}"
    bound = show(right) if isinstance(right, Quantity) else str(right)
    return f"{name} is {reading}, {_WORDS[comparison.operator]} {bound}"


def _listens(session: Session, plan: Plan, guard: Guard) -> bool:
    """Whether the guard is on duty: the forward plan by default, or what its `during` names."""
    if not session.is_live_session:
        return False
    part = {"rolling_back": "rollback", "contingency": "contingency", "validating": "closing"}.get(session.phase)
    if part is not None:
        return not guard.during or part in guard.during
    forward = [name for name in guard.during if name not in {"rollback", "contingency", "closing"}]
    if not forward:
        return not guard.during
    live = [run.id for run in session.steps.values() if run.state in {"granted", "running", "verifying"}]
    return any(step in forward or plan.places[step].stage_id in forward for step in live)


def _excused(session: Session, plan: Plan, guard: Guard, now: float) -> bool:
    """Quiet in the grace after a step, and while a step is expected to break the only targets that it reads."""
    if guard.grace is not None:
        run = session.steps.get(guard.grace.after)
        if run is not None and run.started is not None and run.sequence:
            running = run.state in {"granted", "running", "verifying"}
            since = run.started if running or run.ended is None else run.ended
            if now - since < guard.grace.period:
                return True
    out = set(expected_outages(session, plan, now))
    read = {
        split_metric(side.name)[0]
        for comparison in comparisons_of(parse(guard.when).root)
        for side in (comparison.left, comparison.right)
        if isinstance(side, (Metric, Over))
    }
    return bool(read) and read <= out


def expected_outages(session: Session, plan: Plan, now: float) -> dict[str, float]:
    """Targets that a step is expected to break now, to the session time until which that is calm."""
    calm: dict[str, float] = {}
    for run in session.steps.values():
        expected = plan.steps[run.id].expect_outage
        if expected is None or run.started is None or run.state not in {"granted", "running", "verifying"}:
            continue
        until = run.started + expected.max
        if now <= until:
            calm[expected.target] = max(until, calm.get(expected.target, 0.0))
    return calm
