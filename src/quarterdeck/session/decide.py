"""What may happen: `decide(session, intent, by, now)` answers with drafts of events, or with a refusal.

Pure, and total: it never raises on a state that `fold` can make. The rules stand in `deciding/`, a room for each
kind of question; here is only the door.
"""

from __future__ import annotations

from quarterdeck.session.deciding import (
    amending,
    finishing,
    guarding,
    halting,
    leaving,
    passing,
    planning,
    polling,
    reporting,
    rolling_back,
    starting,
)
from quarterdeck.session.deciding.answers import Answer, Refusal, rules
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import Intent
from quarterdeck.session.state import Session

__all__ = ["Answer", "Refusal", "decide"]

_ROOMS = (
    amending,
    finishing,
    guarding,
    halting,
    leaving,
    passing,
    planning,
    polling,
    reporting,
    rolling_back,
    starting,
)


def decide(session: Session, intent: Intent, by: Actor, now: float) -> Answer:
    """Answer an intent of `by` at session time `now`: what happens, in order, or why not."""
    return rules[type(intent)](session, intent, by, now)
