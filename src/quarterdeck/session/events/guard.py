"""Guards and their proposals: what each event is, does and says (R13)."""

from __future__ import annotations

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import ManyPayload, Payload, deviate
from quarterdeck.session.state import Proposal, Session
from quarterdeck.session.told import Told, why_of

__all__ = [
    "GuardBlind",
    "GuardCleared",
    "GuardOverridden",
    "GuardSees",
    "GuardWarned",
    "HaltProposed",
    "ProposalDismissed",
    "ProposalLapsed",
]


class GuardWarned(Payload, frozen=True, kw_only=True):
    """A guard's condition holds; nothing is proposed."""

    kind = "guard.warned"
    also = "reading"
    attention = "warning"
    guard: str
    reason: str = ""

    def entries(self, event: Event) -> tuple[str, ...]:
        return (f"guard {self.guard}",)

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.holding[self.guard] = self.reason

    def sentence(self, told: Told) -> str:
        return f"guard {self.guard} warns{why_of(told.measured(self.reason))}"

    def adds(self, told: Told) -> str:
        return "warned"


class HaltProposed(Payload, frozen=True, kw_only=True):
    """A guard proposes a halt; a person presses it (R13)."""

    kind = "guard.proposed"
    also = "reading"
    rings = True
    attention = "alarm"
    guard: str
    reason: str
    """Title and data point: `Order API too slow: p95(orders-api.latency, 1m) is 912 ms, above 800 ms`."""
    until: float
    """Session time at which it becomes a pause."""
    value: float | None = None
    """The data point that a worsening is measured against."""

    def entries(self, event: Event) -> tuple[str, ...]:
        return (f"guard {self.guard}",)

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.holding[self.guard] = self.reason
        session.proposals[self.guard] = Proposal(self.guard, self.reason, at, self.until, self.value)

    def sentence(self, told: Told) -> str:
        why = why_of(told.measured(self.reason))
        return f"guard {self.guard} PROPOSES A HALT{why}; unanswered it pauses at {told.clock(self.until)}"


class ProposalDismissed(Payload, frozen=True, kw_only=True):
    """The lead dismissed it with a reason."""

    kind = "guard.dismissed"
    attention = "warning"
    guard: str
    reason: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        proposal = session.proposals.get(self.guard)
        if proposal is not None:
            proposal.state, proposal.closed = "dismissed", at

    def sentence(self, told: Told) -> str:
        return f"proposal of guard {self.guard} dismissed{why_of(self.reason)}"


class ProposalLapsed(Payload, frozen=True, kw_only=True):
    """Nobody answered: it became a pause."""

    kind = "guard.lapsed"
    attention = "warning"
    guard: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        proposal = session.proposals.get(self.guard)
        if proposal is not None:
            proposal.state, proposal.closed = "lapsed", at

    def sentence(self, told: Told) -> str:
        return f"proposal of guard {self.guard} was not answered: it becomes a pause"


class GuardCleared(ManyPayload, frozen=True, kw_only=True):
    """The condition no longer holds."""

    kind = "guard.cleared"
    also = "reading"
    guard: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.holding.pop(self.guard, None)
        proposal = session.proposals.get(self.guard)
        if proposal is not None and proposal.state != "open":
            proposal.state = "cleared"

    def sentence(self, told: Told) -> str:
        return f"guard {self.guard} is clear again"


class GuardOverridden(Payload, frozen=True, kw_only=True):
    """The guard is quiet until `until`, with a reason (an exception)."""

    kind = "guard.overridden"
    attention = "warning"
    guard: str
    reason: str
    until: float = 0.0
    """Session time; 0: until the end."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.overrides[self.guard] = self.until
        proposal = session.proposals.get(self.guard)
        if proposal is not None and proposal.state == "open":
            proposal.state, proposal.closed = "dismissed", at
        deviate(session, event, at, what=f"guard {self.guard} overridden", why=self.reason, exception=True)

    def sentence(self, told: Told) -> str:
        until = f"until {told.clock(self.until)}" if self.until else "until the end"
        return f"guard {self.guard} is overridden {until}{why_of(self.reason)}"


class GuardBlind(ManyPayload, frozen=True, kw_only=True):
    """A guard cannot read what it watches: it would not fire whatever happened."""

    kind = "guard.blind"
    also = "reading"
    attention = "warning"
    guard: str
    why: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.blind[self.guard] = self.why
        if session.is_live_session:
            deviate(session, event, at, what=f"guard {self.guard} was blind", why=self.why, exception=False)

    def sentence(self, told: Told) -> str:
        return f"guard {self.guard} IS BLIND{why_of(self.why)}"


class GuardSees(ManyPayload, frozen=True, kw_only=True):
    """A blind guard can read again what it watches."""

    kind = "guard.sees"
    also = "reading"
    attention = "notice"
    guard: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.blind.pop(self.guard, None)
        session.accepted_blind = tuple(guard for guard in session.accepted_blind if guard != self.guard)

    def sentence(self, told: Told) -> str:
        return f"guard {self.guard} sees again"
