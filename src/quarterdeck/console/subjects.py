"""Which targets something on the screen is about: a guard, a step, NEXT. Pure.

Guards' watch is imported where there is a guard to ask about: the first frame can do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quarterdeck.observer.messages import Reading, Status
from quarterdeck.procedure.conditions import ConditionError, metrics_of, parse
from quarterdeck.procedure.metric_names import split_metric
from quarterdeck.session.availability import blind_guards
from quarterdeck.session.state import Session

__all__ = ["asked_about", "in_question", "of_guard", "of_step"]

_GRAVEST: tuple[Status, ...] = ("critical", "unknown", "warning")


def of_guard(session: Session, guard: str) -> list[str]:
    """The targets that a guard reads; none for a guard that there is not."""
    from quarterdeck.session.guard_watch import targets_of

    found = session.plan.guard(guard) if session.plan is not None else None
    return sorted(targets_of(found)) if found is not None else []


def of_step(session: Session, step: str) -> list[str]:
    """The targets that a step's proofs and waits read, that it may break, and that it names as touched."""
    plan = session.plan
    found = plan.steps.get(step) if plan is not None else None
    if plan is None or found is None:
        return []
    names = [item.check or split_metric(item.gauge)[0] for item in found.verify]
    names += [split_metric(metric)[0] for metric in _metrics(found.until)]
    names += [found.expect_outage.target] if found.expect_outage is not None else []
    return _known(session, [*names, *found.targets])


def _metrics(condition: str) -> Iterable[str]:
    try:
        return metrics_of(parse(condition)) if condition else ()
    except ConditionError:
        return ()  # a wait until a time


def asked_about(session: Session, step: str, now: float) -> list[str]:
    """What NEXT is about: what a guard proposes a halt for, what a blind one cannot read, what `step` waits for."""
    guards = [proposal.guard for proposal in session.open_proposals()]
    guards += [guard.id for guard, _ in blind_guards(session, now)]
    run = session.steps.get(step)
    waits = run is not None and (run.state == "verifying" or session.rechecks.get(step) is False)
    found = [name for guard in guards for name in of_guard(session, guard)]
    return _known(session, [*found, *(of_step(session, step) if waits else ())])


def in_question(session: Session, readings: Mapping[str, Reading], step: str, now: float) -> list[str]:
    """What NEXT is about, then every target that is not ok, the gravest first."""
    bad = [name for status in _GRAVEST for name, reading in readings.items() if reading.status == status]
    return _known(session, [*asked_about(session, step, now), *bad])


def _known(session: Session, names: Iterable[str]) -> list[str]:
    """Those that the plan watches, each once."""
    targets = session.plan.procedure.targets if session.plan is not None else {}
    return [name for name in dict.fromkeys(names) if name in targets]
