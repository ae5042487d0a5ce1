"""The clocks: window, work, decide-by; and when each step will start and end.

All spans are seconds, all times session seconds. The formulas are those of session-rules.md, Times.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.session.plan import Plan
from quarterdeck.session.rollback import preview
from quarterdeck.session.state import FINISHED, Session, StepRun, Window

__all__ = [
    "DECIDE", "GRACE", "PEOPLE", "WARN", "Clocks", "Planned", "assumed_window", "clocks", "forecast", "need",
    "need_after", "rest", "rollback_seconds", "through_by", "worked",
]  # fmt: skip

DECIDE = 180.0
"""Seconds that people take to decide on a rollback."""
PEOPLE = 30.0
"""Seconds for each undo step that a person starts."""
GRACE = 10.0
WARN = 900.0
SHORTEST = 1800.0
"""Seconds that an assumed window has at least: nobody asked for haste."""
RESERVE = 0.1
"""Share of the window that is kept free."""


class Clocks(Struct, frozen=True):
    """What the clock line shows."""

    window_left: float
    window_end: float
    work: float
    """Seconds worked; stops on pause and halt."""
    need: float
    """R(now): seconds that a rollback from now takes."""
    decide_by: float
    """The last moment from which a rollback still fits."""
    decide_in: float
    stop_now_back: float
    """When everything is back if it is halted now."""
    finish_back: float
    """When everything is back if what runs may finish first."""
    margin: float
    """To the window's end less the reserve: of the rollback, past the point of no return of the forward plan."""
    past_no_return: bool
    forward_only: bool
    """There is no rollback ahead any more, whatever the reason: `margin` is the forward one."""
    colour: Literal["green", "amber", "red"]
    steps: int
    """Undo steps if it is halted now."""
    assumed: bool = False


class Planned(Struct, frozen=True):
    """When a step runs, as it looks now, and as it was planned at Start."""

    start: float
    end: float
    planned_start: float
    planned_end: float


def rest(session: Session, identity: str, now: float) -> float:
    """Seconds that a running step still takes: its owner's estimate, else a formula that never jumps."""
    assert session.plan is not None
    step, run = session.plan.steps[identity], session.steps[identity]
    elapsed = max(0.0, now - (run.started if run.started is not None else now))
    if run.estimate is not None:
        said_at, said = run.estimate
        left = max(said - (now - said_at), 0.0)
    else:
        left = max(step.duration - elapsed, elapsed / 4)
    return min(left, max(step.timeout - elapsed, 0.0)) if step.timeout else left


def _halt_wait(session: Session, run: StepRun, now: float) -> float:
    """What a halt would wait for this running step."""
    assert session.plan is not None
    step = session.plan.steps[run.id]
    if step.kind == "manual":
        return 0.0
    if step.on_halt.action == "terminate":
        return min(step.on_halt.grace, rest(session, run.id, now)) if run.state == "running" else 0.0
    return rest(session, run.id, now)


def _people(steps: list[Step]) -> float:
    return DECIDE + PEOPLE * sum(1 for step in steps if not step.auto_start)


def need(session: Session, now: float) -> float:
    """R(now): what a halt waits for + the rollback list as a sum + its verification + time for people."""
    waits = [_halt_wait(session, run, now) for run in session.running()]
    return max(waits, default=0.0) + rollback_seconds(session)


def rollback_seconds(session: Session, also: str = "") -> float:
    """Seconds of the rollback list, its verification and the people; `also` counts a step that would have run."""
    assert session.plan is not None
    plan = session.plan
    if session.rollback is not None:
        left = [plan.steps[i.step] for i in session.rollback.items if session.steps[i.step].state not in FINISHED]
        return sum(step.duration for step in left) + PEOPLE * len(left)
    computed = preview(session)
    steps = [plan.steps[item.step] for item in computed.items]
    seconds = computed.seconds
    run = session.steps.get(also)
    if run is not None and (run.effect == "none" or run.undone) and plan.steps[also].mutates:
        undo = list(plan.steps[also].undo)
        seconds += sum(step.duration for step in undo)
        if undo and not steps:
            undo += [plan.steps[i] for i in plan.verify]
            seconds += sum(plan.steps[i].duration for i in plan.verify)
        steps += undo
    return seconds + _people([step for step in steps if step.id not in plan.verify])


def need_after(session: Session, identity: str) -> float:
    """R after step `identity` is done: what the start guard holds against the window."""
    return rollback_seconds(session, also=identity)


def clocks(session: Session, now: float) -> Clocks | None:
    """Return the clocks; None before Start."""
    window = session.window
    if window is None or session.plan is None:
        return None
    latest = window.end - window.reserve
    needed = need(session, now)
    running = [rest(session, run.id, now) for run in session.running()]
    finish = now + max(running, default=0.0) + rollback_seconds(session)
    decide_by = latest - needed
    past = session.past_no_return
    forward = past or session.contingency_started or session.closing_from == "rollback"
    margin = latest - _forward_end(session, now) if forward else decide_by - now
    colour: Literal["green", "amber", "red"] = "red" if margin < 0 else "amber" if margin <= window.warn else "green"
    return Clocks(
        window_left=window.end - now,
        window_end=window.end,
        work=worked(session, now),
        need=needed,
        decide_by=decide_by,
        decide_in=decide_by - now,
        stop_now_back=now + needed,
        finish_back=max(finish, now + needed),
        margin=margin,
        past_no_return=past,
        forward_only=forward,
        colour=colour,
        steps=preview(session).steps,
        assumed=window.assumed,
    )


def worked(session: Session, now: float) -> float:
    """Seconds of work since Start, pauses and halts apart."""
    if session.started is None:
        return 0.0
    until = session.ended if session.ended is not None else now
    apart = sum(end - start for start, end in session.pauses)
    if session.paused:
        apart += max(0.0, until - session.paused_at)
    return max(0.0, until - session.started - apart)


def _forward_end(session: Session, now: float) -> float:
    """When what lies ahead is through, with no way back: the plan, or the contingency, and the closing."""
    plan = session.plan
    assert plan is not None
    if session.phase == "running":
        planned = forecast(session, now)
        return max((planned[i].end for i in plan.forward + plan.closing), default=now)
    ahead = (plan.contingency if session.phase == "contingency" else ()) + plan.closing
    return now + sum(_left(session, identity, now) for identity in ahead)


def _left(session: Session, identity: str, now: float) -> float:
    assert session.plan is not None
    run = session.steps[identity]
    if run.state in FINISHED:
        return 0.0
    live = run.state in {"granted", "running", "verifying"}
    return rest(session, identity, now) if live else session.plan.steps[identity].duration


def forecast(session: Session, now: float) -> dict[str, Planned]:
    """Critical path over `after`: planned from Start, and as it looks now with the actuals so far.

    An unstarted step's start rolls forward with the clock. The order of the lists is a topological one for what
    lint lets pass; a step that names a later one in `after` counts from when that one is known.
    """
    plan = session.plan
    if plan is None:
        return {}
    base = session.started if session.started is not None else now
    ends: dict[str, float] = {}
    planned_ends: dict[str, float] = {}
    result: dict[str, Planned] = {}
    forward_end = planned_forward_end = 0.0
    for part in (plan.forward, plan.closing):
        for identity in _in_order(session, plan, part):
            step, run = plan.steps[identity], session.steps[identity]
            floor = base if part is plan.forward else max(base, planned_forward_end)
            planned_start = max([floor, *(planned_ends[i] for i in step.after if i in planned_ends)])
            planned_end = planned_start + step.duration
            floor = now if part is plan.forward else max(now, forward_end)
            start, end = _now(session, step, run, max([floor, *(ends[i] for i in step.after if i in ends)]), now)
            ends[identity], planned_ends[identity] = end, planned_end
            result[identity] = Planned(start, end, planned_start, planned_end)
        forward_end = max([forward_end, *(ends[i] for i in part)])
        planned_forward_end = max([planned_forward_end, *(planned_ends[i] for i in part)])
    return result


def _now(session: Session, step: Step, run: StepRun, earliest: float, now: float) -> tuple[float, float]:
    if run.state in FINISHED and run.ended is not None:
        return (run.started if run.started is not None else run.ended), run.ended
    if run.state in {"granted", "running", "verifying"} and run.started is not None:
        return run.started, now + rest(session, step.id, now)
    return earliest, earliest + step.duration


def through_by(session: Session, now: float) -> float:
    """No earlier than the forecast's last end, and cheap: when all would be through one after the other."""
    assert session.plan is not None
    plan = session.plan

    def work() -> tuple[float, list[str]]:
        runs = [session.steps[i] for i in plan.forward + plan.closing]
        live = [run.id for run in runs if run.state in {"granted", "running", "verifying"}]
        ahead = [run.id for run in runs if run.state not in FINISHED and run.id not in live]
        return sum(plan.steps[i].duration for i in ahead), live

    ahead, live = session.memo.of("ahead", plan, work)
    return max(now, session.last) + ahead + sum(rest(session, identity, now) for identity in live)


def _in_order(session: Session, plan: Plan, part: tuple[str, ...]) -> list[str]:
    name = "forward in order" if part is plan.forward else "closing in order"
    return session.memo.of(name, plan, lambda: _sorted(plan, part))


def _sorted(plan: Plan, part: tuple[str, ...]) -> list[str]:
    """The part sorted so that a step comes behind those in its `after` (stable)."""
    inside, done, result = set(part), set[str](), list[str]()
    waiting = list(part)
    while waiting:
        left = []
        for identity in waiting:
            if all(a not in inside or a in done for a in plan.steps[identity].after):
                result.append(identity)
                done.add(identity)
            else:
                left.append(identity)
        if len(left) == len(waiting):
            return result + waiting
        waiting = left
    return result


def assumed_window(procedure: Procedure, now: float) -> Window:
    """Without a window: now + change + rollback + reserve, marked as assumed; people need time for each start."""
    steps = [step for stage in procedure.stages for step in stage.steps] + list(procedure.closing)
    change = sum(step.duration for step in steps) + PEOPLE * sum(1 for step in steps if not step.auto_start)
    undo = [undo for stage in procedure.stages for step in stage.steps for undo in step.undo]
    back = sum(step.duration for step in undo) + sum(step.duration for step in procedure.rollback.verify)
    back += DECIDE + PEOPLE * len(undo)
    rule = procedure.window
    reserve = rule.reserve if rule.reserve is not None else (change + back) * RESERVE / (1 - RESERVE)
    length = max(change + back + reserve, SHORTEST)
    warn = rule.warn if rule.warn is not None else min(WARN, length / 6)
    return Window(now, now + length, reserve, warn, assumed=True)
