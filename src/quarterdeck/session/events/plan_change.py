"""What no plan foresaw, and what people add: what each event is, does and says (R29 to R31)."""

from __future__ import annotations

from msgspec import field

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Event
from quarterdeck.session.events.shared import Payload, StepPayload, counts_as_started, deviate, mutates, seat_steps
from quarterdeck.session.parts import Effect
from quarterdeck.session.plan import build
from quarterdeck.session.state import Deviation, Session, StepRun, Window
from quarterdeck.session.told import Told, why_of
from quarterdeck.spans import span

__all__ = [
    "EvidenceAdded",
    "NoteAdded",
    "StepAdded",
    "StepCorrected",
    "StepEstimated",
    "ValueRecorded",
    "WindowExtended",
]


class StepEstimated(StepPayload, frozen=True, kw_only=True):
    """Its owner's estimate of the rest, in seconds."""

    kind = "step.estimated"
    rest: float

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.estimate = (at, self.rest)

    def sentence(self, told: Told) -> str:
        return f"{told.step}: about {span(self.rest)} more, says its owner"


class StepAdded(Payload, frozen=True, kw_only=True):
    """A step that was not in the plan (R29, a deviation)."""

    kind = "step.added"
    attention = "warning"
    added: Step
    after: str = ""
    undo_later: bool = False
    """How to undo it is not decided: listed in red."""
    already_done: float = 0.0
    """When it was done already, epoch seconds; 0: not."""
    reason: str = ""

    def apply(self, session: Session, event: Event, at: float) -> None:
        if session.plan is None:
            return
        session.added.append((self.added, self.after))
        session.plan = build(session.plan.procedure, session.plan.hash, session.added)
        seat_steps(session)
        run = session.steps[self.added.id]
        run.undo_later = self.undo_later
        if self.already_done:
            counts_as_started(session, run, self.already_done)
            run.state, run.ended = "done_manually", at
            run.attempt, run.effect = 1, "full" if self.added.mutates else "none"
        session.deviations.append(
            Deviation("noted", f"added step {self.added.title}", event.actor.login, at, self.reason, self.added.id)
        )

    def sentence(self, told: Told) -> str:
        done = f", done at {told.clock(self.already_done)} already" if self.already_done else ""
        undo = "; how to undo it is NOT decided" if self.undo_later else ""
        return f"step added: {self.added.title}{done}{why_of(self.reason)}{undo}"


class StepCorrected(StepPayload, frozen=True, kw_only=True):
    """A wrong done, effect or value is corrected; the old one stays visible (R30)."""

    kind = "step.corrected"
    attention = "warning"
    state: str = ""
    """`done`, `failed` or empty."""
    effect: Effect | None = None
    values: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        if run.sequence == 0 and (self.state or self.effect not in {None, "none"}):
            counts_as_started(session, run, at)
        if self.state == "done":
            run.state = "done"
        elif self.state == "failed":
            run.state = "failed"
        if self.effect is not None:
            run.effect, run.declared, run.left = self.effect, True, "none"
        elif self.state and mutates(session, run.id):
            run.effect, run.declared = ("full" if self.state == "done" else "unknown"), False
        run.values.update(self.values)
        deviate(session, event, at, what="corrected", why=self.reason, exception=False)

    def sentence(self, told: Told) -> str:
        now = [f"is {self.state}"] if self.state else []
        now += [f"effect is {self.effect}"] if self.effect else []
        now += [f"{name} = {value}" for name, value in self.values.items()]
        return f"{told.step} corrected: {', '.join(now) or 'nothing'}{why_of(self.reason)}"


class ValueRecorded(StepPayload, frozen=True, kw_only=True):
    """A value of the step's `record` list."""

    kind = "value.recorded"
    name: str
    value: str

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.values[self.name] = self.value

    def sentence(self, told: Told) -> str:
        return f"{told.step}: {self.name} = {self.value}"


class EvidenceAdded(StepPayload, frozen=True, kw_only=True):
    """Text, or a file in `blobs`."""

    kind = "evidence.added"
    may_use_reserve = True
    text: str = ""
    name: str = ""

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        run.evidence.append(self.text or self.name)

    def sentence(self, told: Told) -> str:
        about = f"{told.step}: " if told.event.step else ""
        return (
            f"{about}evidence {self.name}{why_of(self.text)}" if self.name else f"{about}evidence{why_of(self.text)}"
        )


class NoteAdded(Payload, frozen=True, kw_only=True):
    """Anybody's note."""

    kind = "note.added"
    may_use_reserve = True
    text: str

    def sentence(self, told: Told) -> str:
        about = f" on {told.step}" if told.event.step else ""
        return f"note{about}: {self.text}"


class WindowExtended(Payload, frozen=True, kw_only=True):
    """The window ends later (R31)."""

    kind = "window.extended"
    attention = "warning"
    end: float
    reason: str
    approver: str = ""

    def apply(self, session: Session, event: Event, at: float) -> None:
        window = session.window
        if window is None:
            return
        late = at > window.end
        session.window = Window(window.start, self.end, window.reserve, window.warn, window.assumed)
        session.late.clear()
        what = "window extended late" if late else "window extended"
        deviate(session, event, at, what=what, why=self.reason, exception=late or not self.approver)

    def sentence(self, told: Told) -> str:
        approver = f", approved by {self.approver}" if self.approver else ""
        return f"window extended to {told.clock(self.end)}{approver}{why_of(self.reason)}"
