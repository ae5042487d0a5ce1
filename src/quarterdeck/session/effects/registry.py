"""How an effect is registered, and what many of them do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from quarterdeck.session import events as happened
from quarterdeck.session.event import Event
from quarterdeck.session.events import KINDS
from quarterdeck.session.state import Deviation, Session, StepRun

__all__ = ["answer", "by_phone", "deviate", "mutates", "on", "on_step", "pause", "seat_steps", "take", "unpause"]

Effect = Callable[[Session, Event, Any, float], None]
_EFFECTS: dict[str, tuple[type[happened.Payload], Effect]] = {}
_READY: dict[str, tuple[msgspec.json.Decoder[Any], Effect]] = {}
"""Those that were needed, with their decoder: a console's first frame does not wait for seventy of them."""


def take(session: Session, event: Event, at: float) -> None:
    """Let `event` have its effect; `at` is its session time."""
    ready = _READY.get(event.kind)
    if ready is None and event.kind in _EFFECTS:
        kind, effect = _EFFECTS[event.kind]
        ready = _READY[event.kind] = msgspec.json.Decoder(kind), effect
    if ready is not None:
        decoder, effect = ready
        effect(session, event, decoder.decode(event.data), at)
    elif event.kind not in KINDS:
        session.unknown_kinds.append(event.kind)


def on(kind: type[happened.Payload]) -> Callable[[Effect], Effect]:
    """Register the effect of a kind."""

    def register(effect: Effect) -> Effect:
        _EFFECTS[kind.kind] = (kind, effect)
        return effect

    return register


def on_step(
    kind: type[happened.Payload],
) -> Callable[[Callable[[Session, Event, Any, float, StepRun], None]], Effect]:
    """Register the effect of a kind that is about a step of the plan."""

    def register(effect: Callable[[Session, Event, Any, float, StepRun], None]) -> Effect:
        def guarded(session: Session, event: Event, data: Any, at: float) -> None:
            run = session.steps.get(event.step)
            if run is not None:
                effect(session, event, data, at, run)

        return on(kind)(guarded)

    return register


def deviate(session: Session, event: Event, at: float, *, what: str, why: str, exception: bool) -> None:
    """Book a deviation (R16): exceptions change the outcome's name."""
    weight = "exception" if exception else "noted"
    session.deviations.append(
        Deviation(weight, what, event.actor.login, at, why, event.step)  # type: ignore[arg-type]  # one of the two
    )


def by_phone(session: Session, event: Event, at: float, words: str, what: str) -> None:
    """Book what came by telephone as a noted deviation (R32)."""
    if words:
        deviate(session, event, at, what=f"{what} by telephone", why=words, exception=False)


def mutates(session: Session, step: str) -> bool:
    """Whether the step changes anything, by its plan."""
    return session.plan is not None and session.plan.steps[step].mutates


def pause(session: Session, at: float) -> None:
    """Lay a pause over the plan in force; in a rollback it also ends `run mine`."""
    if session.phase == "rolling_back" and session.rollback is not None:
        session.rollback.paused, session.rollback.run_mine = True, ()
    if not session.paused and session.phase != "rolling_back":
        session.paused, session.paused_at = True, at


def unpause(session: Session, at: float) -> None:
    """End a pause and book its time apart."""
    if session.paused:
        session.pauses.append((session.paused_at, at))
    session.paused, session.pause_reason, session.pause_cause, session.paused_by = False, "", "", ""


def answer(session: Session, nonces: tuple[str, ...]) -> None:
    """Mark these halts as answered (R2)."""
    for nonce in nonces:
        if nonce in session.halts:
            session.halts[nonce].answered = True


def seat_steps(session: Session) -> None:
    """Give every step of the plan its row."""
    assert session.plan is not None
    for identity in session.plan.steps:
        if identity not in session.steps:
            session.steps[identity] = StepRun(identity)
