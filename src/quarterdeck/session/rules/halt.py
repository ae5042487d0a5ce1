"""Pause, halt, and going on after them (R1 to R6, R11)."""

from __future__ import annotations

from itertools import islice
from typing import Literal, Self

from msgspec import structs

from quarterdeck.session.availability import overridden
from quarterdeck.session.event import Actor
from quarterdeck.session.events.halt import (
    HaltCalled,
    HaltReasonGiven,
    RecheckAccepted,
    SessionPaused,
    SessionResumed,
    SessionWentOn,
)
from quarterdeck.session.events.poll import PollClosed
from quarterdeck.session.events.shared import Draft
from quarterdeck.session.rules.answer import (
    Answer,
    Refusal,
    Wish,
    answering,
    draft,
    leads,
    needs_reason,
    title,
    ways_on,
)
from quarterdeck.session.state import Session

__all__ = ["AGED", "LONG_HALT", "GiveReason", "GoOn", "Halt", "Pause", "halt_drafts", "still_holding"]


AGED = 600.0
"""Verifications older than this are read again after a halt."""
LONG_HALT = 300.0
"""After a halt longer than this the last poll is asked again."""


class Pause(Wish, frozen=True, kw_only=True):
    """Nothing new starts."""

    of_people = True
    reason: str = ""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Nothing new starts, what runs goes on; any seat but an observer's."""
        if by.role == "observer":
            return Refusal("an observer does not pause", hint="H halts")
        if not session.is_live_session:
            return Refusal("nothing is running")
        rollback = session.rollback
        if session.paused or (session.phase == "rolling_back" and rollback is not None and rollback.paused):
            return Refusal("it is paused already", hint="G goes on")
        if session.live_halts():
            return Refusal("it is halted already", hint=ways_on(session))
        return [draft(SessionPaused(reason=self.reason))]


class GoOn(Wish, frozen=True, kw_only=True):
    """Go on: after a pause, after a halt (lands in paused), in a rollback. `halts` are those that it answers."""

    of_people = True
    halts: tuple[str, ...] = ()
    reason: str = ""
    accept: str = ""
    """Reason for going on although a recheck failed."""
    override: str = ""
    """Reason for going on although a guard's condition still holds."""

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Go on: after a halt into paused (R11), from there by a second one; in a rollback at once."""
        refused = leads(by, "let it go on")
        if refused is not None:
            return refused
        if session.is_over:
            return Refusal("the session is over")
        if session.live_halts():
            return _after_halt(session, self, now)
        if session.phase == "rolling_back":
            if session.rollback is not None and session.rollback.paused:
                return [draft(SessionResumed(reason=self.reason))]
            return Refusal("the rollback is under way", hint="A runs mine")
        if session.paused:
            return _after_pause(session, self, now)
        if session.phase == "planned":
            return Refusal("it has not been started", hint="S starts it when its gates are met")
        return Refusal("nothing is paused or halted")


def _after_halt(session: Session, intent: GoOn, now: float) -> Answer:
    answered = answering(session, intent.halts, intent.reason)
    if isinstance(answered, Refusal):
        return answered
    answers, drafts = answered
    if session.phase == "planned":
        return [*drafts, draft(SessionWentOn(answers=answers, reason=intent.reason))]
    if session.phase == "rolling_back":
        return [*drafts, draft(SessionWentOn(answers=answers, reason=intent.reason)), draft(SessionResumed())]
    refused = needs_reason(intent.reason, "going on after a halt")
    if refused is not None:
        return refused
    aged = _aged(session, now)
    went_on = SessionWentOn(answers=answers, reason=intent.reason, recheck=aged, poll_again=_poll_again(session, now))
    return [*drafts, draft(went_on, session.steps[session.undoing] if session.undoing else None)]


def _aged(session: Session, now: float) -> tuple[str, ...]:
    """Done forward steps whose verifications were read too long ago."""
    if session.plan is None or session.phase != "running":
        return ()
    index = session.index
    aged = index.verified.below(now - AGED)
    place = index.places.__getitem__
    return index.of(f"aged {aged}", lambda: tuple(sorted(islice(index.verified, aged), key=place)))


def _poll_again(session: Session, now: float) -> str:
    """The last poll that said go, when the halt lasted long or something is not green."""
    since = min((session.halts[nonce].at for nonce in session.live_halts()), default=now)
    if now - since <= LONG_HALT and not session.holding:
        return ""
    passed = [poll for poll in session.polls.values() if poll.result == "go"]
    return max(passed, key=lambda poll: poll.opened).step if passed and session.phase == "running" else ""


def _after_pause(session: Session, intent: GoOn, now: float) -> Answer:
    if session.undoing:
        return Refusal(f"the undo of “{title(session, session.undoing)}” is not through", hint="S runs it")
    if session.open_proposals():
        return Refusal("a guard proposes a halt", hint="H halts, X dismisses it with a reason")
    waiting = [step for step, ok in session.rechecks.items() if ok is None]
    if waiting:
        return Refusal(f"“{title(session, waiting[0])}” is being verified again", hint="v reads it now")
    drafts: list[Draft] = []
    failed = [step for step, ok in session.rechecks.items() if ok is False]
    if (failed or session.poll_again) and not intent.accept.strip():
        what = f"“{title(session, (failed or [session.poll_again])[0])}”"
        why = f"{what} is not verified any more" if failed else f"{what} is asked again"
        return Refusal(why, hint="S asks it, or accept it with a reason", waivable="accept")
    if failed or session.poll_again:
        drafts.append(draft(RecheckAccepted(reason=intent.accept)))
    holding = still_holding(session, now)
    if holding and not intent.override.strip():
        why = f"a guard's condition still holds: {session.holding[holding[0]]}"
        return Refusal(why, hint="go on with an override and its reason, or H", waivable="override")
    return [*drafts, draft(SessionResumed(overrides=holding, reason=intent.override or intent.reason))]


def still_holding(session: Session, now: float) -> tuple[str, ...]:
    """Guards that pause or more, hold now, and are not overridden."""
    if session.plan is None or session.phase != "running":
        return ()
    known = map(session.plan.guard, session.holding)
    strong = {guard.id for guard in known if guard is not None and guard.action != "warn"}
    return tuple(g for g in session.holding if g in strong and not overridden(session, g, now))


class Halt(Wish, frozen=True, kw_only=True):
    """Halt: never refused. The nonce is its file's name in `halts/`."""

    of_people = True
    nonce: str
    reason: str = ""
    source: Literal["person", "guard", "failure", "cli"] = "person"
    guard: str = ""

    def from_a_person(self) -> Self:
        """A person halts by hand: no guard, and no failed step."""
        return structs.replace(self, source="cli" if self.source == "cli" else "person", guard="")

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Nobody can refuse a halt before the end; the first wins, later ones second it (R3).

        One that answers a guard's proposal takes its reason along.
        """
        if session.is_over:
            return Refusal("the session is over: there is nothing to halt")
        if self.nonce in session.halts:
            return []
        proposed = next(iter(session.open_proposals()), None)
        reason = self.reason or (proposed.reason if proposed else "")
        guard = self.guard or (proposed.guard if proposed and not self.reason else "")
        return halt_drafts(session, HaltCalled(nonce=self.nonce, reason=reason, source=self.source, guard=guard))


def halt_drafts(session: Session, called: HaltCalled) -> list[Draft]:
    """A halt, and the polls that it voids (R1)."""
    polls = session.open_polls()
    void = [Draft(PollClosed(result="void", reason="halt"), p.step, p.attempt) for p in polls]
    return [draft(called), *void]


class GiveReason(Wish, frozen=True, kw_only=True):
    """Why it was halted."""

    of_people = True
    reason: str

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Why it was halted; asked afterwards, needed before the next transition."""
        missing = tuple(nonce for nonce in session.live_halts() if not session.halts[nonce].reason)
        if not missing:
            return Refusal("no halt waits for a reason" if session.live_halts() else "nothing is halted")
        refused = needs_reason(self.reason, "a halt")
        return refused or [draft(HaltReasonGiven(nonces=missing, reason=self.reason))]
