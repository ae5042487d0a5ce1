"""The clocks: window, work, decide-by; and when each step will start and end.

All spans are seconds, all times session seconds. The formulas are those of session-rules.md, Times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.model import Procedure
from quarterdeck.session.state import FINISHED, LIVE, Session, StepRun, Window
from quarterdeck.spans import span

__all__ = [
    "DECIDE", "GRACE", "PEOPLE", "WARN", "Clocks", "Forecast", "Planned", "assumed_window", "clocks", "last_end",
    "need", "need_after", "rest", "rollback_minutes", "rollback_seconds", "worked",
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
    reserve: float
    """Seconds that are kept back before the window's end."""
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


def need(session: Session, now: float) -> float:
    """R(now): what a halt waits for + the rollback list as a sum + its verification + time for people."""
    waits = [_halt_wait(session, run, now) for run in session.running()]
    return max(waits, default=0.0) + rollback_seconds(session)


def rollback_seconds(session: Session, also: str = "") -> float:
    """Seconds of the rollback list, its verification and the people; `also` counts a step that would have run."""
    assert session.plan is not None
    plan, index = session.plan, session.index
    if session.rollback is not None:
        return index.due_nanoseconds / 1e9 + PEOPLE * index.unfinished.count(index.parts["due"])
    undone, by_hand = index.undo_nanoseconds / 1e9, index.undo_by_hand
    anything = bool(index.changed)
    run = session.steps.get(also)
    if run is not None and also not in index.changed and plan.steps[also].mutates:
        undo = plan.steps[also].undo
        undone += sum(step.duration for step in undo)
        anything = anything or bool(undo)
        by_hand += sum(1 for step in undo if not step.auto_start)
    verified = sum(plan.steps[i].duration for i in plan.verify) if anything else 0.0
    return undone + verified + DECIDE + PEOPLE * by_hand


def rollback_minutes(session: Session, work: float) -> str:
    """What a rollback of so many seconds of work takes: `14 min + 5 min for people`."""
    people = rollback_seconds(session) - work
    return f"{span(work)}{f' + {span(people)} for people' if people >= 1 else ''}"


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
        reserve=window.reserve,
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
        steps=session.index.undo_steps,
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
        last = last_end(session, now)
        return last if isfinite(last) else now
    ahead = (plan.contingency if session.phase == "contingency" else ()) + plan.closing
    return now + sum(_left(session, identity, now) for identity in ahead)


def _left(session: Session, identity: str, now: float) -> float:
    assert session.plan is not None
    run = session.steps[identity]
    if run.state in FINISHED:
        return 0.0
    return rest(session, identity, now) if run.state in LIVE else session.plan.steps[identity].duration


class Forecast(Mapping[str, Planned]):
    """Critical path over `after`: planned from Start, and as it looks now with the actuals so far.

    An unstarted step's start rolls forward with the clock. A step is worked out when somebody looks at it, with what
    it comes after, and then remembered. What it says is of the session as it is when it is looked at.
    """

    __slots__ = ("_begins", "_known", "_now", "_session")

    def __init__(self, session: Session, now: float) -> None:
        """As it looks at `now`, for the steps of forward plan and closing."""
        self._session, self._now = session, now
        self._begins: dict[str, tuple[float, float]] = {}
        """Of each list: before when nothing of it can start, now and as planned."""
        self._known: dict[str, Planned] = {}

    def __getitem__(self, step: str) -> Planned:
        if step not in self:
            raise KeyError(step)
        session, known = self._session, self._known
        assert session.plan is not None
        part = session.plan.places[step].part
        path, (begin, planned_begin) = session.index.paths[part], self._begin(part)
        asked = [step]
        while asked:
            one = asked[-1]
            run, length = session.steps[one], session.plan.steps[one].duration
            actual = _actual(session, run, self._now)
            open_ones = [] if actual else [before for before in path.before[one] if before not in known]
            if open_ones:
                asked += open_ones
                continue
            asked.pop()
            earliest = max([begin, *(known[before].end for before in path.before[one] if before in known)])
            start, end = actual or (earliest, earliest + length)
            planned_end = planned_begin + path.planned[one]
            known[one] = Planned(start, end, planned_end - length, planned_end)
        return known[step]

    def __contains__(self, step: object) -> bool:
        plan = self._session.plan
        return plan is not None and step in plan.places and plan.places[str(step)].part in {"stages", "closing"}

    def __iter__(self) -> Iterator[str]:
        paths = self._session.index.paths
        return iter([*paths["stages"].order, *paths["closing"].order] if paths else [])

    def __len__(self) -> int:
        return sum(len(path.order) for path in self._session.index.paths.values())

    def _begin(self, part: str) -> tuple[float, float]:
        if part not in self._begins:
            session, now = self._session, self._now
            base = session.started if session.started is not None else now
            self._begins[part] = (now, base)
            if part == "closing":
                forward = session.index.paths["stages"]
                planned = base + max(forward.planned.values(), default=0.0)
                self._begins[part] = (max(now, _end_of(session, "stages", now, now)), planned)
        return self._begins[part]


def _actual(session: Session, run: StepRun, now: float) -> tuple[float, float] | None:
    """When a step that was begun ran, or runs; None where it is ahead."""
    if run.state in FINISHED and run.ended is not None:
        return (run.started if run.started is not None else run.ended), run.ended
    if run.state in LIVE and run.started is not None:
        return run.started, now + rest(session, run.id, now)
    return None


def _end_of(session: Session, part: str, begin: float, now: float) -> float:
    return session.index.paths[part].end(begin, now, lambda identity: rest(session, identity, now))


def last_end(session: Session, now: float) -> float:
    """The last end that the forecast knows, without working out the others; minus infinity without a step."""
    forward = _end_of(session, "stages", now, now)
    return max(forward, _end_of(session, "closing", max(now, forward), now))


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
