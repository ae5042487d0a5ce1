"""A session's life from planning to review, and its plan: what each event is, does and says."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import field

from quarterdeck.procedure.model import Procedure
from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import Level, ManyPayload, Payload, answer, deviate, seat_steps, unpause
from quarterdeck.session.parts import Proof, Verdict
from quarterdeck.session.plan import build
from quarterdeck.session.state import FINISHED, Session, Window
from quarterdeck.session.told import Told, why_of

__all__ = [
    "ClosingBegun",
    "ContingencyStarted",
    "CriterionAnswered",
    "ItemTicked",
    "PlanRevised",
    "SessionAbandoned",
    "SessionClosed",
    "SessionEnded",
    "SessionOpened",
    "SessionStarted",
]


class SessionOpened(Payload, frozen=True, kw_only=True):
    """A session came to be, in planning."""

    kind = "session.opened"
    title: str
    procedure: str
    purpose: Literal["live", "demo"] = "live"
    lead: str = ""
    version: str = ""
    """Of Quarterdeck."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.id, session.title, session.procedure = event.session, self.title, self.procedure
        session.purpose, session.version = self.purpose, self.version
        session.lead = self.lead or event.actor.login

    def sentence(self, told: Told) -> str:
        demo = "demo session" if self.purpose == "demo" else "session"
        lead = f", led by {self.lead}" if self.lead else ""
        return f"{demo} opened: {self.title}{lead}"


class PlanRevised(Payload, frozen=True, kw_only=True):
    """The plan: text, parameters and what the site says; hashed as one document."""

    kind = "plan.revised"
    text: str
    path: str = ""
    params: dict[str, str] = field(default_factory=dict)
    """As given; secret ones as references."""
    window: dict[str, str] = field(default_factory=dict)
    hash: str = ""
    """SHA-256 of text, parameters and window."""
    compiled: msgspec.Raw = msgspec.Raw(b"{}")
    """The procedure as JSON, so that a console needs no YAML; `verify` compiles the text again and compares."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.text, session.params, session.planned_window = self.text, dict(self.params), dict(self.window)
        procedure = msgspec.json.decode(self.compiled, type=Procedure)
        session.plan = build(procedure, self.hash, session.added)
        seat_steps(session)

    def sentence(self, told: Told) -> str:
        return f"plan laid down, {self.hash[:8]}" if self.hash else "plan laid down"


class ItemTicked(ManyPayload, frozen=True, kw_only=True):
    """A checklist item was ticked, or unticked; by a machine where `proof` is there."""

    kind = "checklist.ticked"
    item: str
    ticked: bool = True
    note: str = ""
    proof: Proof | None = None

    @property
    def attention(self) -> Level:
        return "info" if self.ticked else "warning"

    def apply(self, session: Session, event: Event, at: float) -> None:
        if self.ticked:
            session.ticks[self.item] = event.actor.login
        else:
            session.ticks.pop(self.item, None)
        if self.proof is not None:
            session.tick_proofs[self.item] = self.proof

    def sentence(self, told: Told) -> str:
        read = f" (read {self.proof.read})" if self.proof and self.proof.read else ""
        return f"checklist: {self.item} {'ticked' if self.ticked else 'is open again'}{read}{why_of(self.note)}"


class SessionStarted(Payload, frozen=True, kw_only=True):
    """The window is live: the forward plan runs. The event's own time anchors the session's clock."""

    kind = "session.started"
    attention = "notice"
    start: float
    """Window, epoch seconds UTC."""
    end: float
    reserve: float
    warn: float
    assumed: bool = False
    """No window was given: now + change + rollback + reserve."""
    overrides: tuple[str, ...] = ()
    """What was open and started all the same (an exception each)."""
    reason: str = ""
    automatic_halts: tuple[str, ...] = ()
    """Guards for which the lead opted in to automatic halt (R13)."""
    alone: bool = False
    """One person holds all roles (R21)."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.phase, session.started, session.anchor = "running", at, event.t
        session.window = Window(self.start, self.end, self.reserve, self.warn, self.assumed)
        session.automatic_halts = self.automatic_halts
        session.accepted_blind = tuple(session.blind)
        if self.alone:
            session.facts["roles"] = f"{event.actor.login} held all roles alone"
        for open_gate in self.overrides:
            deviate(session, event, at, what=f"started although {open_gate}", why=self.reason, exception=True)

    def sentence(self, told: Told) -> str:
        window = f"window {told.clock(self.start, self.end)}"
        assumed = ", assumed" if self.assumed else ""
        alone = "; one person holds all roles" if self.alone else ""
        still = f"; started although open: {', '.join(self.overrides)}{why_of(self.reason)}" if self.overrides else ""
        return f"STARTED: {window}{assumed}{alone}{still}"


class ContingencyStarted(Payload, frozen=True, kw_only=True):
    """The contingency steps run."""

    kind = "contingency.started"
    attention = "alarm"
    answers: tuple[str, ...] = ()
    reason: str = ""

    def apply(self, session: Session, event: Event, at: float) -> None:
        answer(session, self.answers)
        unpause(session, at)
        session.phase, session.contingency_started = "contingency", True
        session.rechecks, session.poll_again, session.undoing = {}, "", ""

    def sentence(self, told: Told) -> str:
        return f"CONTINGENCY started{why_of(self.reason)}"


class ClosingBegun(Payload, frozen=True, kw_only=True):
    """The closing steps run, after success, rollback and contingency alike."""

    kind = "closing.begun"
    attention = "notice"

    def apply(self, session: Session, event: Event, at: float) -> None:
        froms = {"running": "forward", "rolling_back": "rollback", "contingency": "contingency"}
        session.closing_from = froms.get(session.phase, session.closing_from)  # type: ignore[assignment]
        session.phase = "validating"

    def sentence(self, told: Told) -> str:
        return "closing begun: the closing steps run"


class SessionAbandoned(Payload, frozen=True, kw_only=True):
    """The way out of every state in which nothing runs; skips closing."""

    kind = "session.abandoned"
    attention = "alarm"
    may_use_reserve = True
    reason: str
    handover: str
    """Who takes care of what from here."""
    answers: tuple[str, ...] = ()

    def apply(self, session: Session, event: Event, at: float) -> None:
        rolled_back = session.rollback is not None and all(
            session.steps[item.step].state in FINISHED for item in session.rollback.items
        )
        answer(session, self.answers)
        unpause(session, at)
        session.phase, session.ended, session.handover = "ended", at, self.handover
        session.outcome = "rolled_back_with_exceptions" if rolled_back else "abandoned"
        deviate(session, event, at, what="abandoned", why=self.reason, exception=True)

    def sentence(self, told: Told) -> str:
        return f"ABANDONED{why_of(self.reason)}; from here: {self.handover}"


class SessionEnded(Payload, frozen=True, kw_only=True):
    """The session is over; the outcome's name says how."""

    kind = "session.ended"
    outcome: str
    verdicts: tuple[Verdict, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    """What else is worth a line (the demo's receipts)."""

    @property
    def attention(self) -> Level:
        return "notice" if self.outcome in {"completed", "rolled_back", "recovered"} else "warning"

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.phase, session.ended, session.outcome = "ended", at, self.outcome
        session.verdicts = self.verdicts
        session.facts.update(self.facts)

    def sentence(self, told: Told) -> str:
        verdicts = ", ".join(f"{verdict.title} {verdict.verdict}" for verdict in self.verdicts)
        outcome = self.outcome.replace("_", " ").upper()
        return f"{outcome}{'; ' if verdicts else ''}{verdicts}"


class SessionClosed(Payload, frozen=True, kw_only=True):
    """Reviewed; nothing but addenda follow."""

    kind = "session.closed"
    attention = "notice"
    note: str = ""

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.phase = "closed"

    def sentence(self, told: Told) -> str:
        return f"reviewed and closed{why_of(self.note)}"


class CriterionAnswered(ManyPayload, frozen=True, kw_only=True):
    """A criterion that a person was asked for."""

    kind = "criterion.answered"
    criterion: str
    satisfied: bool
    note: str = ""

    @property
    def attention(self) -> Level:
        return "info" if self.satisfied else "warning"

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.criteria[self.criterion] = (self.satisfied, self.note)

    def sentence(self, told: Told) -> str:
        return f"criterion {self.criterion}: {'satisfied' if self.satisfied else 'NOT satisfied'}{why_of(self.note)}"
