"""How a step's command ended and what it changed: what each event is, does and says (R4 to R6, R14)."""

from __future__ import annotations

from msgspec import field

from quarterdeck.procedure.far_side import REMOTE_UNKNOWN
from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import AttemptPayload, Level, StepPayload, deviate, over
from quarterdeck.session.leftovers import few
from quarterdeck.session.parts import Effect, Proof, Watch
from quarterdeck.session.state import Session, StepRun
from quarterdeck.session.told import Told, values_of, why_of
from quarterdeck.spans import span

__all__ = [
    "EFFECT_WORDS", "CommandEnded", "DeclaredGone", "EffectDeclared", "GoneRead", "OutputWithheld", "StepInterrupted",
    "StepUnknown", "StopAsked",
]  # fmt: skip


EFFECT_WORDS = {
    "none": "changed nothing",
    "partial": "changed a part",
    "full": "made its whole change",
    "unknown": "changed nobody knows what",
}


class CommandEnded(AttemptPayload, frozen=True, kw_only=True):
    """A command's end, as its runner wrote it down. A fact, never refused."""

    kind = "command.ended"
    may_use_reserve = True
    run: str = ""
    outcome: str = "exited"
    """`exited, signalled, terminated, timeout, refused, not_found, not_executable, failed_to_start, lost`."""
    exit_code: int | None = None
    signal: int | None = None
    ended_by: str = ""
    """`halt`, `stop`, `timeout` or empty."""
    seconds: float = 0.0
    cut: int = 0
    """Bytes of output that were not kept."""
    sealed: str = ""
    """Why its output is kept from everybody, and not here."""
    survivors: tuple[str, ...] = ()
    """What could not be signalled: `pid owner command`."""
    gone: Proof | None = None
    """What the `gone` check read after it was ended."""
    left_behind: tuple[str, ...] = ()
    """What it left running, as `pid owner command`, and nobody declared."""
    stays: tuple[str, ...] = ()
    """What it left running as the step's `leaves` declares."""
    remote_unknown: bool = False
    """It was ended here, and has a far side that nothing looked at."""
    values: dict[str, str] = field(default_factory=dict)
    unsearched: dict[str, str] = field(default_factory=dict)
    """Recorded values whose pattern was not tried to its end, and why."""
    watch: Watch | None = None

    @property
    def attention(self) -> Level:
        bad = self.outcome != "exited" or self.exit_code or self.left_behind or self.sealed
        return "warning" if bad else "info"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        for attempt in run.runs:
            if attempt.id == self.run and not attempt.outcome:
                attempt.ended, attempt.outcome, attempt.exit_code = at, self.outcome, self.exit_code
                attempt.blobs, attempt.lived = event.blobs, False
                attempt.left, attempt.stays = self.left_behind, self.stays
                attempt.sealed, attempt.ending = bool(self.sealed), self.ending
        run.values.update(self.values)
        run.unsearched = self.unsearched
        run.survivors = self.survivors

    def entries(self, event: Event) -> tuple[str, ...]:
        own = super().entries(event)
        return ("halt", *own) if self.ended_by == "halt" or self.outcome == "refused" else own

    def sentence(self, told: Told) -> str:
        return f"{told.step}: command {self.ending}{self._values()}"

    def adds(self, told: Told) -> str:
        bad = self.ending.removeprefix(f"ended with code {self.exit_code} ") if self.attention != "info" else ""
        return f"{bad}{self._values()}".removeprefix("; ")

    def _values(self) -> str:
        unsearched = "".join(f"; {name} {why}" for name, why in self.unsearched.items())
        return f"{values_of(self.values)}{unsearched}"

    @property
    def ending(self) -> str:
        """How it ended: `ended with code 3 after 75 s`."""
        return _ending(self)


def _ending(what: CommandEnded) -> str:
    after = f" after {span(what.seconds)}"
    by = {"halt": " by the halt", "stop": " on request", "timeout": " by its timeout"}.get(what.ended_by, "")
    words = {
        "exited": f"ended with code {what.exit_code}{after}" if what.exit_code is not None else f"ended{after}",
        "signalled": f"was ended by signal {what.signal}{after}",
        "terminated": f"was stopped{by}{after}",
        "timeout": f"was stopped by its timeout{after}",
        "refused": "was not started: a halt was there first",
        "not_found": "was not found",
        "not_executable": "may not be executed",
        "failed_to_start": "could not be started",
        "lost": "was lost: neither a result nor a process",
    }
    text = words.get(what.outcome, f"ended ({what.outcome}){after}")
    if what.survivors:
        text += f"; could not stop {', '.join(what.survivors)}"
    if what.gone is not None and what.gone.ok is not True:
        text += "; not proven gone"
    if what.left_behind:
        text += f"; left running: {few(what.left_behind)}"
    if what.stays:
        text += f"; stays, as declared: {few(what.stays)}"
    if what.sealed:
        text += f"; {what.sealed}"
    return f"{text}; {REMOTE_UNKNOWN}" if what.remote_unknown else text


class OutputWithheld(StepPayload, frozen=True, kw_only=True):
    """The lead withholds a sealed output for good: nobody will read it."""

    kind = "command.output_withheld"
    attention = "warning"
    run: str
    reason: str

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        for attempt in run.runs:
            if attempt.id == self.run:
                attempt.sealed, attempt.withheld = False, True

    def sentence(self, told: Told) -> str:
        return f"the sealed output of {told.step} is withheld for good{why_of(self.reason)}"


class StepInterrupted(AttemptPayload, frozen=True, kw_only=True):
    """It was ended by a halt, by `stop it now` or by its timeout."""

    kind = "step.interrupted"
    attention = "warning"
    why: str = ""
    survivors: tuple[str, ...] = ()
    unproven: bool = False
    """Remote state unknown, or something could not be stopped: declared gone by its owner (R6)."""
    watch: Watch | None = None

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        over(session, run, at, self.why)
        run.state, run.survivors, run.unproven = "interrupted", self.survivors, self.unproven

    def sentence(self, told: Told) -> str:
        return f"{told.step} interrupted{why_of(self.why)}{self._left()}"

    def adds(self, told: Told) -> str:
        return self._left().removeprefix("; ")

    def _left(self) -> str:
        if self.survivors:
            return f"; still there: {', '.join(self.survivors)}"
        return "; not proven gone" if self.unproven and REMOTE_UNKNOWN not in self.why else ""


class StepUnknown(StepPayload, frozen=True, kw_only=True):
    """After a crash neither a result nor a process was found: a person verifies (R14)."""

    kind = "step.unknown"
    attention = "alarm"
    why: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        over(session, run, at, self.why)
        run.state = "unknown"

    def sentence(self, told: Told) -> str:
        return f"what became of {told.step} is UNKNOWN, somebody has to look{why_of(self.why)}"


class EffectDeclared(AttemptPayload, frozen=True, kw_only=True):
    """Its owner said what it changed."""

    kind = "effect.declared"
    may_use_reserve = True
    effect: Effect
    """Of the whole step: never lighter than what an earlier attempt left."""
    of_attempt: Effect | None = None
    """What was said of this attempt, where an earlier one left something; None: it speaks of the whole step."""
    whole: bool = False
    """Of the whole step, though an earlier attempt was said to have left something."""
    note: str = ""
    for_owner: bool = False
    """The lead answered for them."""
    not_begun: bool = False
    """A manual step at a halt that had not begun: available again."""
    finished: bool = False
    """A manual step at a halt that was fully done."""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.effect, run.declared = self.effect, True
        if self.of_attempt is None:
            run.left = "none"
        if run.question_at_halt:
            run.question_at_halt = False
            run.ended = at
            if self.not_begun:
                run.state, run.reason = "pending", ""
            elif self.finished:
                run.state = "done"
            else:
                run.state, run.reason = "interrupted", self.note or "partly done when the halt came"

    def sentence(self, told: Told) -> str:
        if self.not_begun:
            said = "was not begun"
        elif self.finished:
            said = "was fully done"
        else:
            said = EFFECT_WORDS[self.of_attempt or self.effect] + (" in all its attempts" if self.whole else "")
        alone = self.of_attempt is not None
        of = f" in attempt {told.event.attempt}" if alone and not self.finished else ""
        there = "; what an earlier attempt changed is still there" if alone and not self.finished else ""
        owner = " (the lead, for its owner)" if self.for_owner else ""
        return f"{told.step} {said}{of}{owner}{there}{why_of(self.note)}"


class DeclaredGone(StepPayload, frozen=True, kw_only=True):
    """What could not be stopped or proven gone is gone, says its owner."""

    kind = "command.declared_gone"
    note: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.unproven, run.survivors = False, ()
        deviate(session, event, at, what="its command declared gone", why=self.note, exception=False)

    def sentence(self, told: Told) -> str:
        return f"the command of {told.step} is gone, says its owner{why_of(self.note)}"


class GoneRead(StepPayload, frozen=True, kw_only=True):
    """What its `gone` check read before its undo, since its effect is not sure (R6)."""

    kind = "command.gone_read"
    also = "reading check"
    proof: Proof

    @property
    def attention(self) -> Level:
        return "info" if self.proof.ok else "alarm"

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.gone = self.proof

    def sentence(self, told: Told) -> str:
        read = f"{self.proof.title}: read {self.proof.read or 'nothing'}"
        word = "is gone" if self.proof.ok else "is NOT proven gone"
        return f"before its undo: the command of {told.step} {word}: {read}"


class StopAsked(AttemptPayload, frozen=True, kw_only=True):
    """Stop the running command now."""

    kind = "command.stop_asked"
    attention = "warning"
    reason: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.stop_asked = True

    def sentence(self, told: Told) -> str:
        return f"stop of {told.step} asked for{why_of(self.reason)}"
