"""Before Start and at the end: checklist, Start, criteria, the end, the review (R16, R21)."""

from __future__ import annotations

from quarterdeck.session.availability import is_met, moment, open_gates
from quarterdeck.session.event import Actor
from quarterdeck.session.events.session import (
    CriterionAnswered,
    ItemTicked,
    SessionClosed,
    SessionEnded,
    SessionStarted,
)
from quarterdeck.session.forecast import RESERVE, WARN, assumed_window
from quarterdeck.session.parts import Proof, Verdict
from quarterdeck.session.rules.answer import Answer, Refusal, Wish, draft, leads, needs_reason, title
from quarterdeck.session.state import Session, Window

__all__ = ["AnswerCriterion", "CloseSession", "EndSession", "StartSession", "TickItem", "outcome", "unanswered"]


class TickItem(Wish, frozen=True, kw_only=True):
    """Tick a checklist item."""

    of_people = True
    filled_by_station = ("proof",)
    item: str
    ticked: bool = True
    note: str = ""
    proof: Proof | None = None

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Tick a checklist item, before Start or afterwards where Start overrode it."""
        if session.plan is None or all(item.id != self.item for item in session.plan.procedure.checklist):
            return Refusal(f"there is no checklist item {self.item!r}")
        if session.is_over:
            return Refusal("the session is over")
        return [draft(ItemTicked(item=self.item, ticked=self.ticked, note=self.note, proof=self.proof))]


class StartSession(Wish, frozen=True, kw_only=True):
    """Begin the window's forward plan. `override` is the reason for starting although something is open."""

    of_people = True
    start: float = 0.0
    """Window, epoch seconds; 0: as planned, else assumed."""
    end: float = 0.0
    override: str = ""
    automatic_halts: tuple[str, ...] = ()

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Begin the forward plan: refused with what is open, unless overridden with a reason (an exception)."""
        refused = leads(by, "start the session")
        if refused is not None:
            return refused
        if session.phase != "planned" or session.plan is None:
            return Refusal("the session has been started already" if session.plan else "there is no plan")
        if session.live_halts():
            return Refusal("a halt forbids Start", hint="G answers it")
        gates = open_gates(session, now)
        if gates and not self.override.strip():
            more = f" (and {len(gates) - 1} more)" if len(gates) > 1 else ""
            return Refusal(
                f"Start is not ready: {gates[0]}{more}", hint="do it, or override with a reason", waivable="override"
            )
        window = _window(session, self, now)
        if isinstance(window, Refusal):
            return window
        known = {guard.id for guard in session.plan.procedure.guards if guard.action == "halt"}
        alone = len({run.owner for stage in session.plan.procedure.stages for run in stage.steps}) > 1
        return [
            draft(
                SessionStarted(
                    start=window.start,
                    end=window.end,
                    reserve=window.reserve,
                    warn=window.warn,
                    assumed=window.assumed,
                    overrides=tuple(gates),
                    reason=self.override,
                    automatic_halts=tuple(guard for guard in self.automatic_halts if guard in known),
                    alone=alone,
                )
            )
        ]


def _window(session: Session, intent: StartSession, now: float) -> Window | Refusal:
    assert session.plan is not None
    rule_ = session.plan.procedure.window
    start = intent.start or moment(session, session.planned_window.get("start", "") or rule_.start) or 0.0
    end = intent.end or moment(session, session.planned_window.get("end", "") or rule_.end) or 0.0
    if not end:
        return assumed_window(session.plan.procedure, now)
    start = start or now
    if end <= start:
        return Refusal("the window ends before it begins", hint="give --window START/END")
    reserve = rule_.reserve if rule_.reserve is not None else (end - start) * RESERVE
    return Window(start, end, reserve, rule_.warn if rule_.warn is not None else WARN)


class AnswerCriterion(Wish, frozen=True, kw_only=True):
    """Answer a criterion that a person is asked for."""

    of_people = True
    criterion: str
    satisfied: bool
    note: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """A person says whether a criterion is met."""
        known = session.plan.procedure.criteria if session.plan else ()
        if all(criterion.id != self.criterion or not criterion.asked for criterion in known):
            return Refusal(f"there is no criterion {self.criterion!r} that asks a person")
        if session.is_over:
            return Refusal("the session is over")
        return [draft(CriterionAnswered(criterion=self.criterion, satisfied=self.satisfied, note=self.note))]


class EndSession(Wish, frozen=True, kw_only=True):
    """End a session whose closing is through. Verdicts and facts are the station's."""

    of_people = True
    filled_by_station = ("verdicts",)
    verdicts: tuple[Verdict, ...] = ()
    facts: dict[str, str] = {}

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """End a session whose closing is through."""
        refused = leads(by, "end the session")
        if refused is not None:
            return refused
        if session.phase != "validating":
            return Refusal("the closing has not begun" if not session.is_over else "the session is over")
        if session.live_halts() or session.paused:
            return Refusal("it is halted" if session.live_halts() else "it is paused", hint="G goes on")
        assert session.plan is not None
        waits = [i for i in session.plan.closing if not is_met(session, i)]
        if waits:
            return Refusal(f"closing waits for “{title(session, waits[0])}”", hint="S starts it, K skips it")
        asked = unanswered(session)
        if asked:
            words = next(c.title for c in session.plan.procedure.criteria if c.id == asked[0])
            return Refusal(f"nobody has said yet: {words}", hint="enter answers it")
        return [draft(SessionEnded(outcome=outcome(session), verdicts=self.verdicts, facts=self.facts))]


def unanswered(session: Session) -> list[str]:
    """Criteria that wait for a person's answer."""
    known = session.plan.procedure.criteria if session.plan else ()
    return [criterion.id for criterion in known if criterion.asked and criterion.id not in session.criteria]


def outcome(session: Session) -> str:
    """The outcome's name: exceptions change it (R16)."""
    exceptions = any(deviation.weight == "exception" for deviation in session.deviations)
    if session.closing_from == "contingency":
        return "recovered"
    base = "rolled_back" if session.closing_from == "rollback" else "completed"
    return f"{base}_with_exceptions" if exceptions else base


class CloseSession(Wish, frozen=True, kw_only=True):
    """Reviewed: seal it."""

    of_people = True
    note: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Reviewed: nothing but addenda follow."""
        refused = leads(by, "close the session") or needs_reason(self.note, "the review")
        if refused is not None:
            return refused
        if session.phase not in {"ended", "monitoring"}:
            return Refusal("it is closed already" if session.phase == "closed" else "the session is not over")
        return [draft(SessionClosed(note=self.note))]
