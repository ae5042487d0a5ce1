"""What may happen: `decide(session, intent, by, now)` answers with drafts of events, or with a refusal.

Pure, and total: it never raises on a state that `fold` can make. The rules stand in `session.rules`, each with its
intent; here is only the door.
"""

from __future__ import annotations

from quarterdeck.session.event import Actor
from quarterdeck.session.rules.answer import Answer, Refusal, Wish
from quarterdeck.session.state import Session

__all__ = ["Answer", "Refusal", "decide"]


def decide(session: Session, intent: Wish, by: Actor, now: float) -> Answer:
    """Answer an intent of `by` at session time `now`: what happens, in order, or why not."""
    return intent.decide(session, by, now)
