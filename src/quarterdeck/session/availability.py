"""What may start now, and why not: readings of a session that console, rules and automatic starts share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.model import Guard
from quarterdeck.session.ranked import Ranked
from quarterdeck.session.rollback import due_items, next_item
from quarterdeck.session.state import ENDED_BADLY, FINISHED, Session, StepRun, StepState

__all__ = [
    "Startable", "View", "again", "blind_guards", "blockers", "current", "effect_questions", "gone_questions",
    "in_force", "is_in_force", "is_met", "live", "manual_questions", "may_try_again", "moment", "open_gates",
    "overridden", "undo_questions", "view",
]  # fmt: skip

_RELATIVE = re.compile(r"window\.(start|end)\s*(?:([+-])\s*(.+))?$")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class View(Struct, frozen=True):
    """How a step looks now."""

    state: StepState | Literal["blocked", "available"]
    why: str = ""
    """What blocks it, or the reason of its failure, skip or interruption."""


def in_force(session: Session) -> tuple[str, ...]:
    """Ids of the steps that the session works on now, in order."""
    plan = session.plan
    if plan is None:
        return ()
    if session.undoing:
        return tuple(item.step for item in session.undo_items)
    match session.phase:
        case "planned":
            return plan.preconditions
        case "running":
            return plan.forward
        case "rolling_back":
            return tuple(item.step for item in due_items(session))
        case "contingency":
            return plan.contingency
        case "validating":
            return plan.closing
        case _:
            return ()


def is_in_force(session: Session, identity: str) -> bool:
    """Whether the session works on this step now; costs the same however many there are."""
    return session.index.places.get(identity, -1) in session.in_force


def is_met(session: Session, identity: str) -> bool:
    """Whether this step meets an `after`: finished, and signed where a sign-off is asked."""
    run = session.steps.get(identity)
    return run is not None and run.state in FINISHED and run.sign_off != "awaiting"


def moment(session: Session, text: str) -> float | None:
    """Read an ISO time or `window.start+20m` as epoch seconds; None where it can't be known yet."""
    relative = _RELATIVE.match(text.strip())
    if relative is not None:
        if session.window is None:
            return None
        base = session.window.start if relative[1] == "start" else session.window.end
        span = sum(float(n) * _SECONDS[u] for n, u in _SPAN.findall(relative[3] or ""))
        return base - span if relative[2] == "-" else base + span
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def may_try_again(session: Session, run: StepRun) -> str:
    """Why a failed, interrupted or unknown step may not run again (R14); empty where it may."""
    assert session.plan is not None
    step, place = session.plan.steps[run.id], session.plan.places[run.id]
    if run.unproven:
        return "say first that its command is gone"
    if place.part in {"undo", "verify"} or not step.mutates or step.idempotent:
        return ""
    if run.effect == "none" and run.declared:
        return ""
    if run.declared:
        return "it changed something: undo this step, or roll back"
    return "say first what it changed"


def blockers(session: Session, identity: str, now: float) -> list[str]:
    """What keeps this step from starting, the session's own state apart."""
    assert session.plan is not None
    plan, run, step = session.plan, session.steps[identity], session.plan.steps[identity]
    found: list[str] = []
    if run.state not in {"pending", "claimed", "failed", "interrupted", "unknown"}:
        return [f"it is {run.state.replace('_', ' ')}"]
    if run.state in ENDED_BADLY:
        why = may_try_again(session, run)
        if why:
            found.append(why)
    if plan.places[identity].part in {"undo", "verify"} and is_in_force(session, identity):
        first = next_item(session)
        if first is not None and first.step != identity:
            found.append(f"first {plan.steps[first.step].title}")
        return found
    waits = [i for i in step.after if i in session.steps and not is_met(session, i)]
    found += [_waits_for(session, i) for i in waits]
    if step.not_before:
        earliest = moment(session, step.not_before)
        if earliest is not None and now < earliest:
            found.append(f"not before {datetime.fromtimestamp(earliest, UTC):%H:%M} UTC")
    if step.point_of_no_return:
        live = [other for other in session.running() if other.id != identity]
        found += [f"{other.id} still runs" for other in live]
    return found


def _waits_for(session: Session, identity: str) -> str:
    assert session.plan is not None
    title = session.plan.steps[identity].title
    waiting = session.steps[identity].sign_off == "awaiting"
    return f"waits for the sign-off of {title}" if waiting else f"waits for {title}"


def view(session: Session, identity: str, now: float) -> View:
    """Return how the step looks now."""
    run = session.steps[identity]
    if run.state not in {"pending", "claimed"}:
        return View(run.state, run.reason)
    if not is_in_force(session, identity):
        return View("pending")
    why = blockers(session, identity, now)
    return View("blocked", why[0]) if why else View("available")


def current(session: Session, now: float) -> str:
    """The step that matters now: what runs, else what is stuck, else what is available, else nothing."""
    places, index = session.in_force, session.index
    live = (run.id for run in session.running() if index.places.get(run.id, -1) in places)
    return next(live, "") or next(index.trouble.within(places), "") or next(iter(Startable(session, now)), "")


def overridden(session: Session, guard: str, now: float) -> bool:
    """Whether the guard is silenced now."""
    until = session.overrides.get(guard)
    return until is not None and (until == 0.0 or now < until)


def blind_guards(session: Session, now: float) -> list[tuple[Guard, str]]:
    """The guards of the plan that cannot read what they watch, and are not overridden; each with why."""
    guards = session.plan.procedure.guards if session.plan else ()
    return [
        (guard, session.blind[guard.id])
        for guard in guards
        if guard.id in session.blind and not overridden(session, guard.id, now)
    ]


def open_gates(session: Session, now: float) -> list[str]:
    """What still keeps Start, in words that follow `started although …`."""
    plan = session.plan
    if plan is None:
        return ["there is no plan"]
    gates = [f"“{i.title}” is not ticked" for i in plan.procedure.checklist if i.id not in session.ticks]
    gates += [f"“{plan.steps[i].title}” has not passed" for i in plan.preconditions if not is_met(session, i)]
    blind = blind_guards(session, now)
    gates += [f"guard “{guard.title}” is blind: {why}" for guard, why in blind]
    start, end = (session.planned_window.get(k, "") for k in ("start", "end"))
    opens, closes = moment(session, start) if start else None, moment(session, end) if end else None
    if opens is not None and now < opens:
        gates.append(f"the window opens at {datetime.fromtimestamp(opens, UTC):%Y-%m-%d %H:%M} UTC")
    if closes is not None and now > closes:
        gates.append(f"the window ended at {datetime.fromtimestamp(closes, UTC):%Y-%m-%d %H:%M} UTC")
    return gates


# -- what people may do now, and what they are asked


class Startable(Collection[str]):
    """Ids that could be started now, in order: looked for as far as somebody reads, since they may be very many."""

    __slots__ = ("_now", "_session")

    def __init__(self, session: Session, now: float) -> None:
        """Those of the session at `now`."""
        self._session, self._now = session, now

    def __contains__(self, step: object) -> bool:
        known = step in self._session.index.places
        return known and view(self._session, str(step), self._now).state == "available"

    def __iter__(self) -> Iterator[str]:
        return self.among(self._session.index.ready)

    def among(self, group: Ranked) -> Iterator[str]:
        """Those that are of this group of the index."""
        session = self._session
        listed = group.within(session.in_force)
        if session.phase == "rolling_back" or session.undoing:
            item = next_item(session)
            listed = iter([item.step] if item is not None and item.step in group else [])
        return (step for step in listed if step in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None


def again(session: Session) -> list[str]:
    """Ids that ended badly and wait for somebody: failed, interrupted, unknown."""
    stuck = session.index.trouble.within(session.in_force)
    return [identity for identity in stuck if session.steps[identity].state in ENDED_BADLY]


def live(session: Session) -> list[str]:
    """Ids in which something is going on, in order of their starts; verifying ones too, polls not."""
    plan = session.plan
    return [i for i in session.index.working if plan and i in plan.steps and plan.steps[i].kind != "poll"]


def manual_questions(session: Session) -> list[str]:
    """Manual steps that ran when the halt came: not begun, partly, done? (R5)."""
    return list(session.index.asked)


def effect_questions(session: Session) -> list[str]:
    """Steps whose effect is unknown and not declared (R6), and which no longer run.

    Where a halt came while its verifications were read, the command is over and what it changed is not said.
    """
    over = ENDED_BADLY | {"skipped"} | ({"verifying"} if session.live_halts() else set())
    runs = [session.steps[identity] for identity in session.index.unknown]
    return [run.id for run in runs if run.state in over and not run.declared and not run.question_at_halt]


def gone_questions(session: Session) -> list[str]:
    """Steps whose command's end could not be proven: somebody says that it is gone."""
    return list(session.index.unproven)


def undo_questions(session: Session) -> list[str]:
    """Steps whose owner picks first whether their undo runs, is done by hand, or is not needed (R6)."""
    items = session.rollback.items if session.rollback else session.undo_items
    asked = (
        i.undoes for i in items if i.asks and not (i.undoes in session.steps and session.steps[i.undoes].undo_choice)
    )
    return list(dict.fromkeys(asked))
