"""Pause, halt, and going on after them: what each event is, does and says (R1 to R6, R11)."""

from __future__ import annotations

from typing import Literal

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import Payload, answer, deviate, pause, unpause
from quarterdeck.session.state import HaltMark, Session
from quarterdeck.session.told import Told, count, why_of

__all__ = ["HaltCalled", "HaltReasonGiven", "RecheckAccepted", "SessionPaused", "SessionResumed", "SessionWentOn"]


class SessionPaused(Payload, frozen=True, kw_only=True):
    """Nothing new starts; what runs goes on."""

    kind = "session.paused"
    attention = "warning"
    reason: str = ""
    cause: Literal["person", "guard", "poll", "failure", "crash", "wait"] = "person"

    def apply(self, session: Session, event: Event, at: float) -> None:
        session.paused_by, session.pause_reason = event.actor.login, self.reason
        pause(session, at)

    def sentence(self, told: Told) -> str:
        by = {"person": "", "guard": " by a guard", "poll": " by a poll", "failure": " by a failure"}
        by |= {"crash": " after a crash", "wait": " by a wait"}
        return f"PAUSED{by[self.cause]}{why_of(self.reason)}"


class SessionResumed(Payload, frozen=True, kw_only=True):
    """The lead let it go on."""

    kind = "session.resumed"
    attention = "notice"
    overrides: tuple[str, ...] = ()
    """Guards whose condition still held (R13)."""
    reason: str = ""

    def apply(self, session: Session, event: Event, at: float) -> None:
        if session.rollback is not None:
            session.rollback.paused = False
        unpause(session, at)
        session.rechecks, session.poll_again = {}, ""
        for guard in self.overrides:
            session.overrides[guard] = 0.0
            deviate(session, event, at, what=f"went on while guard {guard} held", why=self.reason, exception=True)

    def sentence(self, told: Told) -> str:
        over = f", over {', '.join(self.overrides)}" if self.overrides else ""
        return f"goes on{over}{why_of(self.reason)}"


class HaltCalled(Payload, frozen=True, kw_only=True):
    """Somebody halted: live until answered (R2)."""

    kind = "halt.called"
    rings = True
    attention = "alarm"
    may_use_reserve = True
    nonce: str
    """Name of its file in `halts/`."""
    reason: str = ""
    source: Literal["person", "guard", "failure", "cli"] = "person"
    guard: str = ""

    def entries(self, event: Event) -> tuple[str, ...]:
        return ("halt",)

    def apply(self, session: Session, event: Event, at: float) -> None:
        if self.nonce in session.halts:
            return
        by = event.actor
        mark = HaltMark(
            self.nonce, by.login, at, self.source, self.reason, self.guard, left=session.state, host=by.host
        )
        session.halts[self.nonce] = mark
        rollback = session.rollback
        if rollback is not None and session.phase == "rolling_back":
            replica, aseq = rollback.commit
            if event.replica != replica and event.seen.get(replica, 0) < aseq:
                mark.answered = True
                deviate(
                    session, event, at, what="a late halt, answered by the rollback", why=self.reason, exception=False
                )
                return
        if session.phase in {"rolling_back", "running", "contingency", "validating"}:
            pause(session, at)
        for proposal in session.proposals.values():
            if proposal.state == "open":
                proposal.state, proposal.closed = "answered", at
        _void_what_waits(session)

    def sentence(self, told: Told) -> str:
        host = told.event.actor.host
        by = {
            "guard": f"by guard {self.guard}",
            "failure": "by a failed step",
            "cli": f"by {told.role()} from the command line{f' on {host}' if host else ''}",
        }.get(self.source, f"by {told.role()}")
        return f"HALT {by}{why_of(told.measured(self.reason))}"


def _void_what_waits(session: Session) -> None:
    """R1, R5: open polls and waits end; a manual step's owner is asked one question."""
    assert session.plan is not None or not session.steps
    polls, working = session.open_polls(), [session.steps[step] for step in session.index.working]
    for poll in polls:
        poll.result = "void"
        session.steps[poll.step].state = "pending"
        session.touch(poll.step)
    for run in working:
        if run.state not in {"running", "verifying"} or session.plan is None:
            continue
        kind = session.plan.steps[run.id].kind
        if kind in {"wait", "note", "poll", "check"}:
            run.state = "pending"
        elif kind == "manual" and run.state == "running":
            run.question_at_halt = True
        session.touch(run.id)


class HaltReasonGiven(Payload, frozen=True, kw_only=True):
    """Why it was halted; needed before the next transition."""

    kind = "halt.reason_given"
    nonces: tuple[str, ...]
    reason: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        for nonce in self.nonces:
            if nonce in session.halts:
                session.halts[nonce].reason = self.reason

    def sentence(self, told: Told) -> str:
        return f"reason of the halt: {self.reason}"


class SessionWentOn(Payload, frozen=True, kw_only=True):
    """A halt was answered with go on: lands in paused, with what has aged to be run again (R11).

    About a step, it was answered with its undo alone, or while that is under way.
    """

    kind = "session.went_on"
    attention = "notice"
    answers: tuple[str, ...]
    reason: str = ""
    recheck: tuple[str, ...] = ()
    """Done steps whose read-only verifications run again."""
    poll_again: str = ""
    """The last poll, asked once more."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        answer(session, self.answers)
        if session.phase == "planned":
            session.paused = False
            return
        session.pause_reason = f"halt answered{why_of(self.reason)}"
        session.rechecks = dict.fromkeys(self.recheck)
        session.poll_again = self.poll_again

    def sentence(self, told: Told) -> str:
        again = []
        if self.recheck:
            again.append(f"{count(len(self.recheck), 'verification')} run again")
        if self.poll_again:
            again.append("the last poll is asked again")
        how = f"undo {told.step} alone, then paused" if told.event.step else "go on, paused for now"
        return f"halt answered: {how}{why_of(self.reason)}{'; ' if again else ''}{', '.join(again)}"


class RecheckAccepted(Payload, frozen=True, kw_only=True):
    """An aged verification failed and was accepted with a reason (an exception)."""

    kind = "recheck.accepted"
    attention = "warning"
    reason: str

    def apply(self, session: Session, event: Event, at: float) -> None:
        failed = [step for step, ok in session.rechecks.items() if ok is not True]
        session.rechecks = {}
        session.poll_again = ""
        what = "went on although not verified again: " + (", ".join(failed) or "the poll")
        deviate(session, event, at, what=what, why=self.reason, exception=True)

    def sentence(self, told: Told) -> str:
        return f"what no longer verifies is accepted{why_of(self.reason)}"
