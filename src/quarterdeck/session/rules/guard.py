"""Guards: a guard proposes, a person presses (R13)."""

from __future__ import annotations

from quarterdeck.procedure.model import Guard
from quarterdeck.session.availability import overridden
from quarterdeck.session.event import Actor
from quarterdeck.session.events.guard import (
    GuardBlind,
    GuardCleared,
    GuardOverridden,
    GuardSees,
    GuardWarned,
    HaltProposed,
    ProposalDismissed,
)
from quarterdeck.session.events.halt import HaltCalled, SessionPaused
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.rules.answer import Answer, Refusal, Wish, draft, leads, needs_reason
from quarterdeck.session.rules.halt import halt_drafts
from quarterdeck.session.state import Session

__all__ = [
    "AGAIN",
    "WORSE",
    "DismissProposal",
    "GuardBlinded",
    "GuardHolds",
    "GuardReleased",
    "GuardSighted",
    "OverrideGuard",
    "on_duty",
]


AGAIN = 600.0
"""A dismissed proposal comes again after this many seconds."""
WORSE = 0.1
"""… or when its data point is worse by this share."""


class DismissProposal(Wish, frozen=True, kw_only=True):
    """Dismiss a guard's proposal (key X)."""

    of_people = True
    guard: str
    reason: str

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """The lead dismisses a proposal with a reason."""
        refused = leads(by, "dismiss a proposal")
        if refused is not None:
            return refused
        proposal = session.proposals.get(self.guard)
        if proposal is None or proposal.state != "open":
            return Refusal("no guard proposes a halt")
        refused = needs_reason(self.reason, "a dismissal")
        return refused or [draft(ProposalDismissed(guard=self.guard, reason=self.reason))]


class OverrideGuard(Wish, frozen=True, kw_only=True):
    """Silence a guard for `seconds` (0: until the end)."""

    of_people = True
    guard: str
    reason: str
    seconds: float = 0.0

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Silence a guard, with a reason and an expiry (an exception)."""
        refused = leads(by, "override a guard") or needs_reason(self.reason, "an override")
        if refused is not None:
            return refused
        if _guard(session, self.guard) is None:
            return Refusal(f"there is no guard {self.guard!r}")
        if session.is_over:
            return Refusal("the session is over")
        until = now + self.seconds if self.seconds > 0 else 0.0
        return [draft(GuardOverridden(guard=self.guard, reason=self.reason, until=until))]


def _guard(session: Session, identity: str) -> Guard | None:
    return session.plan.guard(identity) if session.plan else None


class GuardHolds(Wish, frozen=True, kw_only=True):
    """A guard's condition has held for its `for`."""

    guard: str
    reason: str
    value: float | None = None

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A guard's condition has held for its time: warn, pause, propose a halt, or halt where both opted in."""
        guard = _guard(session, self.guard)
        if guard is None or not session.is_live_session or overridden(session, self.guard, now):
            return []
        warned = [draft(GuardWarned(guard=guard.id, reason=self.reason))] if guard.id not in session.holding else []
        if guard.action == "warn" or session.live_halts() or not on_duty(session, guard):
            return warned
        if guard.action == "pause":
            pauses = session.phase == "running" and not session.paused and guard.id not in session.holding
            return [*warned, draft(SessionPaused(reason=self.reason, cause="guard"))] if pauses else warned
        if guard.action == "halt" and guard.id in session.automatic_halts:
            nonce = f"guard-{guard.id}-{len(session.halts) + 1}"
            called = HaltCalled(nonce=nonce, reason=self.reason, source="guard", guard=guard.id)
            return [*warned, *halt_drafts(session, called)]
        return warned + _proposal(session, guard, self, now)


def on_duty(session: Session, guard: Guard) -> bool:
    """Guards act on the forward plan; elsewhere they only warn, unless their `during` names it (R13)."""
    if session.phase == "running":
        return True
    part = {"rolling_back": "rollback", "contingency": "contingency", "validating": "closing"}.get(session.phase, "")
    return part in guard.during and session.phase != "rolling_back"


def _proposal(session: Session, guard: Guard, intent: GuardHolds, now: float) -> list[Draft]:
    before = session.proposals.get(guard.id)
    if before is not None and before.state != "cleared":
        worse = _is_worse(before.value, intent.value)
        if before.state == "open" or not (worse or now - before.closed > AGAIN):
            return []
    until = now + guard.timeout
    return [draft(HaltProposed(guard=guard.id, reason=intent.reason, until=until, value=intent.value))]


def _is_worse(before: float | None, after: float | None) -> bool:
    """Data points come so that more is worse."""
    return before is not None and after is not None and after > before + WORSE * abs(before)


class GuardReleased(Wish, frozen=True, kw_only=True):
    """A guard's condition no longer holds."""

    guard: str

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """The condition no longer holds."""
        return [draft(GuardCleared(guard=self.guard))] if self.guard in session.holding else []


class GuardBlinded(Wish, frozen=True, kw_only=True):
    """A guard could not read what it watches, for `max_age`."""

    guard: str
    why: str

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A guard is blind: said once. What `on_unknown` makes of it comes as `GuardHolds`."""
        told = self.guard in session.blind or session.is_over or _guard(session, self.guard) is None
        return [] if told else [draft(GuardBlind(guard=self.guard, why=self.why))]


class GuardSighted(Wish, frozen=True, kw_only=True):
    """A blind guard reads again what it watches."""

    guard: str

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A guard is blind no more."""
        return [draft(GuardSees(guard=self.guard))] if self.guard in session.blind else []
