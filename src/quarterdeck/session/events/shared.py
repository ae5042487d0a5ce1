"""What all kinds of events share: their base, and what many of them do to a session."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from quarterdeck.session.event import Blob, Event
from quarterdeck.session.plan import Plan
from quarterdeck.session.state import Deviation, Session, StepRun
from quarterdeck.session.told import Told

__all__ = [
    "KINDS",
    "AttemptPayload",
    "Draft",
    "Level",
    "ManyPayload",
    "Payload",
    "StepPayload",
    "Unknown",
    "answer",
    "attention",
    "begun",
    "by_phone",
    "counts_as_started",
    "deviate",
    "mutates",
    "over",
    "pause",
    "payload",
    "rings",
    "seat_steps",
    "sentence",
    "unpause",
]


Level = Literal["info", "notice", "warning", "alarm"]
"""`notice` is a milestone; `warning` needs an eye; `alarm` needs a person."""

KINDS: dict[str, type[Payload]] = {}
"""Every kind that this version knows, by its name in the logbook."""


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened: a subclass says what it is, what it does (`apply`) and how it reads (`sentence`)."""

    kind: ClassVar[str] = ""
    """Its name in the logbook."""
    may_use_reserve: ClassVar[bool] = False
    """Whether it may use the reserve of a full disk at any time; after a halt everything may."""
    rings: ClassVar[bool] = False
    """Whether it rings the bell of every console: somebody is asked, or something grows late."""
    also: ClassVar[str] = ""
    """Words that people look for it by in a log, beside its kind and what its sentence says."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the kind; TypeError for one without a sentence."""
        super().__init_subclass__(**options)
        if "kind" not in cls.__dict__:
            return
        if "sentence" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} has no sentence")
        KINDS[cls.kind] = cls

    @property
    def attention(self) -> Level:
        """How much attention its line asks for."""
        return "info"

    def entries(self, event: Event) -> tuple[str, ...]:
        """Names of the entries of a log in which it may be told with what came just before, the best one first.

        It opens its own entry, under the last name, where none of them is open. Without a name it stands alone.
        """
        return ()

    def brief(self, told: Told) -> str:
        """What its entry says of it beside the step's name, where the entry is about it."""
        return told.beside_name(self.sentence(told))

    def adds(self, told: Told) -> str:
        """What its entry says of it where that is about something louder, or about what followed; or nothing."""
        return self.brief(told)

    def apply(self, session: Session, event: Event, at: float) -> None:
        """Change `session`, at session time `at`; nothing where it is only reported. Never fails, never decides."""

    def sentence(self, told: Told) -> str:
        """One line about it; never fails, whatever the plan."""
        return f"something that this version does not know happened ({told.event.kind})"


class StepPayload(Payload, frozen=True, kw_only=True):
    """What happened to a step; of a step that the plan does not know it changes nothing."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        """Change the event's step."""
        run = session.steps.get(event.step)
        if run is not None:
            self.apply_to(session, event, at, run)

    def apply_to(self, session: Session, event: Event, at: float, run: StepRun) -> None:
        """Change `run`, the event's step."""


class AttemptPayload(StepPayload, frozen=True, kw_only=True):
    """A stage of one attempt at a step: what follows at once is told with it."""

    def entries(self, event: Event) -> tuple[str, ...]:
        return (f"{event.step} {event.attempt}",)


class ManyPayload(Payload, frozen=True, kw_only=True):
    """What often happens many times at once, and is told at once."""

    def entries(self, event: Event) -> tuple[str, ...]:
        return (self.kind,)


class Unknown(Payload, frozen=True, kw_only=True):
    """A kind of a newer version: kept, forwarded, shown with a banner."""

    def apply(self, session: Session, event: Event, at: float) -> None:
        """Open read-only."""
        session.unknown_kinds.append(event.kind)


class Draft(Struct, frozen=True):
    """What a decision wants to happen; the logbook makes an event of it."""

    data: Payload
    step: str = ""
    attempt: int = 0
    blobs: tuple[Blob, ...] = ()


def payload(event: Event) -> Payload:
    """Decode what happened; a kind of a newer version gives `Unknown`."""
    kind = KINDS.get(event.kind)
    return Unknown() if kind is None else msgspec.json.decode(event.data, type=kind)


def sentence(event: Event, plan: Plan | None, off: int | None = None) -> str:
    """One line about the event; `plan` names its steps, None leaves their ids.

    `off` (minutes east of UTC) is the zone of a screen that names it; without one, times of day are UTC and say so.

    Log, plain mode, `--auto` and record use it, so that people argue about the same words. It may hold what people
    and programs wrote: whoever paints it passes it through the text gate.
    """
    return payload(event).sentence(Told(event, plan, off))


def attention(event: Event) -> Level:
    """How much attention the event's line asks for."""
    return payload(event).attention


def rings(event: Event) -> bool:
    """Whether the event rings the bell of every console."""
    return KINDS.get(event.kind, Unknown).rings


def deviate(session: Session, event: Event, at: float, *, what: str, why: str, exception: bool) -> None:
    """Book a deviation (R16): exceptions change the outcome's name."""
    weight = "exception" if exception else "noted"
    session.deviations.append(
        Deviation(weight, what, event.actor.login, at, why, event.step)  # type: ignore[arg-type]  # one of the two
    )


def by_phone(session: Session, event: Event, at: float, words: str, what: str) -> None:
    """Book what came by telephone as a noted deviation (R32)."""
    if words:
        deviate(session, event, at, what=f"{what} by telephone", why=words, exception=False)


def mutates(session: Session, step: str) -> bool:
    """Whether the step changes anything, by its plan."""
    return session.plan is not None and session.plan.steps[step].mutates


def counts_as_started(session: Session, run: StepRun, at: float) -> None:
    """What was done without a start counts as started when it is said: the rollback list is by starts (R7)."""
    session.starts += 1
    run.sequence, run.started = session.starts, at


def pause(session: Session, at: float) -> None:
    """Lay a pause over the plan in force; in a rollback it also ends `run mine`."""
    if session.phase == "rolling_back" and session.rollback is not None:
        session.rollback.paused, session.rollback.run_mine = True, ()
    if not session.paused and session.phase != "rolling_back":
        session.paused, session.paused_at = True, at


def unpause(session: Session, at: float) -> None:
    """End a pause and book its time apart."""
    if session.paused:
        session.pauses.append((session.paused_at, at))
    session.paused, session.pause_reason, session.paused_by = False, "", ""


def answer(session: Session, nonces: tuple[str, ...]) -> None:
    """Mark these halts as answered (R2)."""
    for nonce in nonces:
        if nonce in session.halts:
            session.halts[nonce].answered = True


def seat_steps(session: Session) -> None:
    """Give every step of the plan its row."""
    assert session.plan is not None
    for identity in session.plan.steps:
        if identity not in session.steps:
            session.steps[identity] = StepRun(identity)


def over(session: Session, run: StepRun, at: float, why: str) -> None:
    """End the step's run without a result: what it changed is unknown until somebody says so."""
    run.ended, run.reason = at, why
    for attempt in run.runs:
        attempt.lived = False
    for attempt in run.runs[-1:]:
        attempt.why = why
    if mutates(session, run.id):
        run.effect, run.declared = "unknown", False


def begun(session: Session, run: StepRun, attempt: int) -> None:
    """An attempt of it begins: what it changes is unknown, and what earlier ones left stays there (R6)."""
    run.undone_alone = False
    if not mutates(session, run.id):
        return
    if run.declared or run.effect != "unknown":
        run.left, run.asked_from = "none" if run.undone else run.effect, attempt
    run.effect, run.declared = "unknown", False
