"""A step's life from claimed to done, skipped or signed: what each event is, does and says."""

from __future__ import annotations

from msgspec import field

from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import (
    AttemptPayload,
    Level,
    StepPayload,
    begun,
    by_phone,
    counts_as_started,
    deviate,
    over,
)
from quarterdeck.session.parts import Proof, Watch
from quarterdeck.session.state import ENDED_BADLY, FINISHED, Run, Session, StepRun
from quarterdeck.session.told import Told, count, phone, values_of, why_of

__all__ = [
    "StepAccepted",
    "StepClaimed",
    "StepDone",
    "StepFailed",
    "StepGranted",
    "StepReported",
    "StepSigned",
    "StepSkipped",
    "StepStarted",
    "StepVerified",
]


class StepClaimed(StepPayload, frozen=True, kw_only=True):
    """Somebody took the step (R20)."""

    kind = "step.claimed"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.claimed_by = run.claimed_by or event.actor.login
        if run.state == "pending":
            run.state = "claimed"

    def sentence(self, told: Told) -> str:
        return f"{told.step} claimed"


_WAIVED = {
    "start_guard": "started although a rollback would not fit",
    "host": "ran on another host",
    "start_by": "started late",
    "again": "ran again though not idempotent",
    "gone": "undone although its command is not proven gone",
}


class StepGranted(AttemptPayload, frozen=True, kw_only=True):
    """The hub said yes to a start (R24)."""

    kind = "step.granted"
    to: str = ""
    waivers: dict[str, str] = field(default_factory=dict)
    """What was waived (`start_guard`, `host`, `start_by`, `sign_off`) to the reason."""

    @property
    def attention(self) -> Level:
        return "warning" if self.waivers else "info"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        session.starts += 1
        run.state, run.attempt, run.sequence = "granted", event.attempt, session.starts
        run.claimed_by = self.to or run.claimed_by
        run.started = at
        begun(session, run, event.attempt)
        for what, why in self.waivers.items():
            sentence = _WAIVED.get(what, f"waived {what}")
            deviate(session, event, at, what=sentence, why=why, exception=what != "start_by")

    def sentence(self, told: Told) -> str:
        waived = self.adds(told)
        to = f" to {self.to}" if self.to else ""
        return f"{told.step} granted{to}{'; ' if waived else ''}{waived}"

    def adds(self, told: Told) -> str:
        return "; ".join(f"{name.replace('_', ' ')} waived: {why}" for name, why in self.waivers.items())


class StepStarted(AttemptPayload, frozen=True, kw_only=True):
    """It runs from now; for a command durable before the command exists (R14)."""

    kind = "step.started"
    run: str = ""
    argv: tuple[str, ...] = ()
    shell: bool = False
    spool: str = ""
    host: str = ""
    answered: tuple[str, ...] = ()
    """Halts that were answered when it started (R2)."""
    by_phone: str = ""
    watch: Watch | None = None

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        if run.state != "granted" or run.attempt != event.attempt:
            session.starts += 1
            run.sequence = session.starts
        run.state, run.attempt, run.started, run.ended = "running", event.attempt, at, None
        run.performer, run.by_phone = event.actor.login, self.by_phone
        run.runs.append(
            Run(event.attempt, self.run, event.actor.login, at, None, self.argv, self.shell, self.spool, self.host)
        )
        run.proofs, run.reason, run.retry_at, run.estimate, run.late = (), "", 0.0, None, 0
        run.gone = None
        run.survivors, run.unproven, run.stop_asked, run.question_at_halt, run.undone = (), False, False, False, False
        run.reported_by_hand, run.reported_by_phone, run.sign_off = False, "", "not_required"
        begun(session, run, event.attempt)
        if set(session.live_halts()) - set(self.answered):
            deviate(session, event, at, what="started before the halt was known", why="", exception=False)
        by_phone(session, event, at, self.by_phone, "started")
        _outside_window(session, event, at)

    def sentence(self, told: Told) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"{told.step} started{told.again}{where}{phone(self.by_phone)}"

    def adds(self, told: Told) -> str:
        return ""


def _outside_window(session: Session, event: Event, at: float) -> None:
    what = "worked after the window's end"
    if session.window is not None and at > session.window.end and not any(d.what == what for d in session.deviations):
        deviate(session, event, at, what=what, why="", exception=True)


class StepReported(AttemptPayload, frozen=True, kw_only=True):
    """Its owner says done; its verifications run now."""

    kind = "step.reported"
    by_hand: bool = False
    by_phone: str = ""
    values: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        if run.state in {"pending", "claimed"}:
            counts_as_started(session, run, at)
            begun(session, run, event.attempt)
        elif run.state in ENDED_BADLY:  # somebody went on with it by hand
            begun(session, run, event.attempt)
        run.state, run.reported_by_hand, run.reported_by_phone = "verifying", self.by_hand, self.by_phone
        run.proofs = ()  # what was read before says nothing of this
        run.values.update(self.values)

    def sentence(self, told: Told) -> str:
        hand = "done by hand" if self.by_hand else "done"
        return (
            f"{told.step} reported {hand}, verifying{phone(self.by_phone)}{values_of(self.values)}{why_of(self.note)}"
        )

    def adds(self, told: Told) -> str:
        return f"{values_of(self.values)}{'; ' if self.note else ''}{self.note}".removeprefix("; ")


class StepVerified(AttemptPayload, frozen=True, kw_only=True):
    """A step's verifications were read."""

    kind = "step.verified"
    also = "reading check"
    proofs: tuple[Proof, ...] = ()
    ok: bool = False
    recheck: bool = False
    """Run again after a halt (R11)."""

    @property
    def attention(self) -> Level:
        return "info" if self.ok else "warning"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.proofs = self.proofs
        for attempt in run.runs[-1:]:
            attempt.proofs = self.proofs
        if self.recheck and run.id in session.rechecks:
            session.rechecks[run.id] = self.ok

    def sentence(self, told: Told) -> str:
        again = " again" if self.recheck else ""
        if self.ok:
            good = f", {count(len(self.proofs), 'check')}" if self.proofs else ""
            return f"{told.step} verified{again}{good}"
        bad = [f"{proof.title}: read {proof.read or 'nothing'}" for proof in self.proofs if proof.ok is not True]
        return f"{told.step} NOT verified{again}: {'; '.join(bad) or 'nothing could be read'}"

    def adds(self, told: Told) -> str:
        if not self.ok:
            return self.brief(told)
        return count(len(self.proofs), "check") if self.proofs else ""


class StepAccepted(AttemptPayload, frozen=True, kw_only=True):
    """A verification that failed or was unknown was accepted with a reason (an exception)."""

    kind = "step.accepted"
    attention = "warning"
    reason: str

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        deviate(session, event, at, what="accepted unverified", why=self.reason, exception=True)

    def sentence(self, told: Told) -> str:
        return f"{told.step} accepted although it does not verify{why_of(self.reason)}"


class StepDone(AttemptPayload, frozen=True, kw_only=True):
    """Finished, verified."""

    kind = "step.done"
    by_hand: bool = False
    by_phone: str = ""
    values: dict[str, str] = field(default_factory=dict)
    watch: Watch | None = None

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        if run.state in {"pending", "claimed"}:
            counts_as_started(session, run, at)
            begun(session, run, event.attempt)
        run.state, run.ended = "done_manually" if self.by_hand else "done", at
        run.values.update(self.values)
        run.retry_at = 0.0
        for attempt in run.runs:
            attempt.lived = False
        assert session.plan is not None
        step = session.plan.steps[run.id]
        if step.mutates:
            run.effect, run.declared = "full", False
        if step.sign_off is not None:
            run.sign_off = "awaiting"
        if self.by_hand and step.kind == "command":
            deviate(session, event, at, what="done by hand", why="", exception=False)
        by_phone(session, event, at, self.by_phone, "reported done")
        _undo_through(session, run.id)
        if session.poll_again == run.id:
            session.poll_again = ""

    def sentence(self, told: Told) -> str:
        return f"{told.step} {self._done(told)}"

    def brief(self, told: Told) -> str:
        return self._done(told, told.after)

    def _done(self, told: Told, after: str = "") -> str:
        hand = " by hand" if self.by_hand else ""
        return f"done{hand}{told.again}{after}{phone(self.by_phone)}{values_of(self.values)}"


def _undo_through(session: Session, identity: str) -> None:
    """When the last undo step of a step is done, the step is undone; a skipped one leaves what it should undo."""
    assert session.plan is not None
    undone = session.plan.places[identity].undoes
    done = FINISHED - {"skipped"}
    if undone and all(session.steps[undo.id].state in done for undo in session.plan.steps[undone].undo):
        session.steps[undone].undone = True
        session.touch(undone)


class StepFailed(AttemptPayload, frozen=True, kw_only=True):
    """It did not work; its effect is unknown until declared."""

    kind = "step.failed"
    rings = True
    attention = "alarm"
    reason: str = ""
    retry_at: float = 0.0
    """Session time of the automatic retry; 0: none."""
    watch: Watch | None = None

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        over(session, run, at, self.reason)
        run.state, run.retry_at = "failed", self.retry_at

    def sentence(self, told: Told) -> str:
        retry = "; will be tried again" if self.retry_at else ""
        return f"{told.step} FAILED{told.again}{why_of(self.reason)}{retry}"


class StepSkipped(StepPayload, frozen=True, kw_only=True):
    """Left out, with a reason (an exception); the effect that is there stays."""

    kind = "step.skipped"
    attention = "warning"
    reason: str

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.state, run.ended, run.reason = "skipped", at, self.reason
        deviate(session, event, at, what="skipped", why=self.reason, exception=True)
        if session.poll_again == run.id:
            session.poll_again = ""

    def sentence(self, told: Told) -> str:
        return f"{told.step} skipped{why_of(self.reason)}"


class StepSigned(StepPayload, frozen=True, kw_only=True):
    """Signed off; single use, bound to step, attempt and revision (R17)."""

    kind = "step.signed"
    role: str
    meaning: str = ""
    by_phone: str = ""
    waiver: str = ""
    """Why the performer signed (an exception, R21)."""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.signed_by[self.role] = event.actor.login
        assert session.plan is not None
        rule = session.plan.steps[run.id].sign_off
        if rule is not None and len(run.signed_by) >= (rule.min if rule.of else 1):
            run.sign_off = "signed"
        if self.waiver:
            deviate(session, event, at, what="signed by its performer", why=self.waiver, exception=True)
        by_phone(session, event, at, self.by_phone, "signed")

    def sentence(self, told: Told) -> str:
        return f"{told.step} signed off by {self.role}{phone(self.by_phone)}{why_of(self.meaning)}"
