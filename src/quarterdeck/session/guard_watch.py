"""Judging guards: when a condition has held for its time, when it holds no more, and when it cannot be read (R13).

A guard knows the session (what runs, grace after a step, expected outages); the station feeds it with readings and
asks it on each tick. What comes out are intents like a person's; `rules.guard` says what they lead to.

A guard is **blind** when its condition is unknown, and when it reads something that can never be compared (a value
that is not there, one of another unit) though the rest of it still decides. It is called so when that has lasted for
its target's `max_age`, outside its grace and expected outages. What `on_unknown: pause` of a target means is a guard
of its own (`Plan.on_unknown`): it holds while the target, or a guard on duty that reads it, is blind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from quarterdeck.procedure.conditions import (
    Comparison,
    Condition,
    ConditionError,
    Metric,
    Over,
    compare,
    comparisons_of,
    evaluate,
    metrics_of,
    parse,
    reads_of,
)
from quarterdeck.procedure.metric_names import split_metric
from quarterdeck.procedure.model import Guard, Procedure, Step
from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.session.intents import GuardBlinded, GuardHolds, GuardReleased, GuardSighted, Intent
from quarterdeck.session.metric_history import MetricHistory
from quarterdeck.session.plan import Plan
from quarterdeck.session.state import LIVE, Session

__all__ = ["GuardWatch", "conditions_of", "expected_outages", "readings_of", "targets_of"]


class _Judged(Struct):
    """Where one guard's condition stands."""

    since: float | None = None
    """When it began to hold without a break."""
    chances: int = 0
    """Repeats of `for` that were given (`second_chance`)."""
    told: float | None = None
    """When `GuardHolds` was last said."""
    blind_since: float | None = None
    """Since when it cannot be judged."""
    blind: str = ""
    """Why it is blind, once that has lasted for `max_age`."""


class GuardWatch:
    """All guards of a plan over the readings that come in."""

    REPEAT = 5.0
    """Seconds between two sayings of a condition that goes on holding (so that a worse one comes again)."""

    def __init__(self, plan: Plan) -> None:
        """Watch the guards of `plan`."""
        self._plan = plan
        spans: dict[str, float] = {}
        for condition in conditions_of(plan.procedure, plan.steps.values()):
            for read in reads_of(condition):
                if isinstance(read, Over):
                    spans[read.name] = max(read.seconds, spans.get(read.name, 0.0))
        self.metrics = MetricHistory(plan.procedure.targets, spans)
        self._guards = (*plan.procedure.guards, *plan.on_unknown.values())
        self._judged = {guard.id: _Judged() for guard in self._guards}

    def take(
        self,
        target: str,
        at: float,
        values: Mapping[str, float | str],
        *,
        units: Mapping[str, str] | None = None,
        max_age: float = 15.0,
        sound: bool = True,
        message: str = "",
    ) -> None:
        """Take one reading (`MetricHistory.take`)."""
        self.metrics.take(target, at, values, units=units, max_age=max_age, sound=sound, message=message)

    def judge(self, session: Session, now: float, *, at_once: bool = False) -> list[Intent]:
        """Return what the guards have to say at session time `now`; with `at_once` what is blind need not last."""
        self.metrics.at = now
        blind = [self._look(session, guard, now, at_once=at_once) for guard in self._guards]
        said = [
            *blind,
            *(self._judge(session, guard, now) for guard in self._plan.procedure.guards),
            *(self._judge_unknown(session, target, now) for target in self._plan.on_unknown),
        ]
        return [intent for intent in said if intent is not None]

    def undecided(self, now: float) -> bool:
        """Whether some guard cannot be judged yet and may only have to wait for its first readings."""
        self.metrics.at = now
        return any(self.why_blind(guard) and not self._judged[guard.id].blind for guard in self._guards)

    # -- what cannot be read ---------------------------------------------------------------------------------------

    def why_blind(self, guard: Guard) -> str:
        """Why a guard cannot be judged now, such as `api.latency is not in what api says`; or nothing."""
        for text in filter(None, (guard.when, guard.release)):
            condition = parse(text)
            holds = evaluate(condition, self.metrics)
            found = [self._why_unknown(comparison) for comparison in comparisons_of(condition.root)]
            for_good = next((why for why, lasting in found if why and lasting), "")
            passing = next((why for why, _ in found if why), "") if holds is None else ""
            if holds is not True and (for_good or passing):
                return for_good or passing
        return ""

    def _why_unknown(self, comparison: Comparison) -> tuple[str, bool]:
        """Why a comparison is unknown, and whether no reading so far could have told it."""
        left, right = self._read(comparison.left), self._read(comparison.right)
        if compare(left, comparison.operator, right) is not None:
            return "", False
        for side in (comparison.left, comparison.right):
            why = self.metrics.why_unknown(side.name) if isinstance(side, Metric | Over) else ""
            if why:
                return f"{side.name} {why}", not self.metrics.was_read(side.name)  # type: ignore[union-attr]  # it has one
        if left is None or right is None:
            return "", False  # such as a rate after one reading
        name = getattr(comparison.left, "name", "") or getattr(comparison.right, "name", "")
        return f"{name}: {_shown(left)} cannot be compared with {_shown(right)}", True

    def _look(self, session: Session, guard: Guard, now: float, *, at_once: bool) -> Intent | None:
        """Say once that a guard is blind, and once that it sees again."""
        judged, why = self._judged[guard.id], self.why_blind(guard)
        told = guard.id in session.blind
        if not why:
            judged.blind_since, judged.blind = None, ""
            return GuardSighted(guard=guard.id) if told else None
        targets = targets_of(guard)
        out = targets & expected_outages(session, self._plan, now).keys()
        if session.is_live_session and (out or _excused(session, self._plan, guard, now)):
            judged.blind_since, judged.blind = None, ""
            return None
        if judged.blind_since is None:
            last = [self.metrics.taken(target) for target in targets]
            judged.blind_since = min([now, *(at for at in last if at is not None)])
        lasts = max((self.metrics.max_age(target) for target in targets), default=0.0)
        if not at_once and now - judged.blind_since < lasts:
            return None
        judged.blind = why
        listed = guard in self._plan.procedure.guards
        return GuardBlinded(guard=guard.id, why=why) if listed and not told else None

    def _judge_unknown(self, session: Session, target: str, now: float) -> Intent | None:
        """What `on_unknown` of a target has to say: of its status, and of the guards on duty that read it."""
        own = self._plan.on_unknown[target]
        readers = [guard for guard in self._plan.procedure.guards if target in targets_of(guard)]
        asking = [guard for guard in readers if guard.id not in session.accepted_blind]
        if asking == readers:
            asking = [own, *readers]  # its own status says it best
        why = next(
            (
                self._judged[guard.id].blind
                for guard in asking
                if self._judged[guard.id].blind and _listens(session, self._plan, guard)
            ),
            "",
        )
        if why:
            return self._holding(session, own, now, f"{own.title}: {why}", None)
        return GuardReleased(guard=own.id) if own.id in session.holding else None

    # -- what holds ------------------------------------------------------------------------------------------------

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
        return self._holding(session, guard, now, *self._data_point(guard))

    def _holding(
        self, session: Session, guard: Guard, now: float, reason: str, badness: float | None
    ) -> GuardHolds | None:
        judged = self._judged[guard.id]
        if judged.told is not None and guard.id in session.holding and now - judged.told < self.REPEAT:
            return None
        judged.told = now
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
            value = self.metrics.value(operand.name)
            return "unknown" if value is None and operand.name.endswith(".status") else value
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
    reading = _shown(left)
    if comparison.operator == "==":
        return f"{name} is {reading}"
    return f"{name} is {reading}, {_WORDS[comparison.operator]} {_shown(right)}"


def conditions_of(procedure: Procedure, steps: Iterable[Step]) -> Iterator[Condition]:
    """Every condition of a guard, a criterion or a wait."""
    texts = [text for guard in procedure.guards for text in (guard.when, guard.release)]
    texts += [criterion.condition for criterion in procedure.criteria]
    texts += [step.until for step in steps if step.kind == "wait"]
    for text in filter(None, texts):
        try:
            yield parse(text)
        except ConditionError:
            continue  # a wait until a time


def readings_of(guard: Guard, metrics: MetricHistory) -> str:
    """What a guard reads now, for people: `api.latency is 118 ms, api.status is ok`, or why it reads nothing."""
    said = []
    for metric in metrics_of(parse(guard.when)):
        value, why = metrics.value(metric), metrics.why_unknown(metric)
        said.append(f"{metric} {why or ('is not known yet' if value is None else f'is {_shown(value)}')}")
    return ", ".join(said)


def _shown(value: Quantity | str | None) -> str:
    return show(value) if isinstance(value, Quantity) else str(value)


def targets_of(guard: Guard) -> set[str]:
    """The targets that a guard's conditions read."""
    texts = filter(None, (guard.when, guard.release))
    return {split_metric(metric)[0] for text in texts for metric in metrics_of(parse(text))}


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
    return any(step in forward or plan.places[step].stage_id in forward for step in session.index.working)


def _excused(session: Session, plan: Plan, guard: Guard, now: float) -> bool:
    """Quiet in the grace after a step, and while a step is expected to break the only targets that it reads."""
    if guard.grace is not None:
        run = session.steps.get(guard.grace.after)
        if run is not None and run.started is not None and run.sequence:
            since = run.started if run.state in LIVE or run.ended is None else run.ended
            if now - since < guard.grace.period:
                return True
    read = {split_metric(metric)[0] for metric in metrics_of(parse(guard.when))}
    return bool(read) and read <= set(expected_outages(session, plan, now))


def expected_outages(session: Session, plan: Plan, now: float) -> dict[str, float]:
    """Targets that a step is expected to break now, to the session time until which that is calm."""
    calm: dict[str, float] = {}
    for identity in session.index.working:
        run, expected = session.steps[identity], plan.steps[identity].expect_outage
        if expected is None or run.started is None:
            continue
        until = run.started + expected.max
        if now <= until:
            calm[expected.target] = max(until, calm.get(expected.target, 0.0))
    return calm
