"""What every intent is and how it is answered; what all rules check first."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Self

from msgspec import Struct, structs

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor
from quarterdeck.session.events.halt import HaltReasonGiven
from quarterdeck.session.events.shared import Draft, Payload
from quarterdeck.session.state import Session, StepRun

__all__ = [
    "WORDS", "Answer", "Refusal", "StepWish", "Wish", "about", "answering", "draft", "leads", "needs_reason", "title",
    "ways_on",
]  # fmt: skip


class Refusal(Struct, frozen=True):
    """Why it can't be done now, which key works, and what a waiver would have to name."""

    why: str
    hint: str = ""
    waivable: str = ""


Answer = list[Draft] | Refusal


WORDS = frozenset({
    "accept", "approver", "by_phone", "comment", "detail", "facts", "handover", "meaning", "note", "override",
    "reason", "text", "value", "values", "waiver", "waivers", "why",
})  # fmt: skip
"""Names of the fields in which people write freely, and a secret may slip in."""


class Wish(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="do", tag=True):
    """What somebody wants to happen; the tag is the class's name. The strict default: the station's alone."""

    of_people: ClassVar[bool] = False
    """Whether a person may want it; else only the station itself states it."""
    filled_by_station: ClassVar[tuple[str, ...]] = ()
    """Fields that the station fills in: what a person sends in them is taken out."""

    def from_a_person(self) -> Self:
        """It, without what only the station may say."""
        return structs.replace(self, **_bare(type(self)))

    def without_secrets(self, clean: Callable[[str], str]) -> Self:
        """It, with every text that is free words passed through `clean`; a guard's number is none."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name in WORDS}
        words = {name: said for name, said in fields.items() if isinstance(said, str | dict)}
        cleaned = {
            name: clean(said) if isinstance(said, str) else {key: clean(each) for key, each in said.items()}
            for name, said in words.items()
        }
        return structs.replace(self, **cleaned) if cleaned != words else self

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Answer with what happens, in order, or why not. Never raises on a state that `fold` can make."""
        return Refusal("nobody has said when this may happen")


@cache
def _bare(kind: type[Wish]) -> dict[str, Any]:
    """What stands in the station's own fields where it has said nothing; msgspec takes its time to tell."""
    return {field.name: field.default for field in structs.fields(kind) if field.name in kind.filled_by_station}


class StepWish(Wish, frozen=True, kw_only=True):
    """What somebody wants to happen to a step."""

    step: str

    def decide(self, session: Session, by: Actor, now: float) -> Answer:
        """Refuse a step that the plan does not know."""
        found = about(session, self.step)
        return found if isinstance(found, Refusal) else self.decide_on(session, *found, by, now)

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Answer for this step."""
        return Refusal("nobody has said when this may happen")


def draft(data: Payload, run: StepRun | None = None, attempt: int | None = None) -> Draft:
    """Make a draft, about a step where one is given."""
    if run is None:
        return Draft(data)
    return Draft(data, run.id, run.attempt if attempt is None else attempt)


def about(session: Session, step: str) -> tuple[Step, StepRun] | Refusal:
    """The step that an intent is about."""
    if session.plan is None or step not in session.plan.steps:
        return Refusal(f"there is no step {step!r} in this plan")
    return session.plan.steps[step], session.steps[step]


def title(session: Session, step: str) -> str:
    """A step's title for a message."""
    return session.plan.steps[step].title if session.plan and step in session.plan.steps else step


def leads(by: Actor, what: str) -> Refusal | None:
    """Only the lead and the deputy (the station acts for the lead where a rule lets it)."""
    if by.role in {"lead", "deputy"}:
        return None
    return Refusal(f"only the lead may {what}", hint="H halts, P pauses")


def needs_reason(reason: str, what: str) -> Refusal | None:
    """A reason must say something."""
    return None if reason.strip() else Refusal(f"{what} needs a reason", hint="type why, then Enter")


def answering(session: Session, halts: tuple[str, ...], reason: str) -> tuple[tuple[str, ...], list[Draft]] | Refusal:
    """Check that the live halts can be answered (R2, R6): nothing runs, each is named and has its reason."""
    live = session.live_halts()
    running = session.running()
    if running:
        first = running[0]
        what = "is not proven gone" if first.unproven else "still runs"
        return Refusal(f"“{title(session, first.id)}” {what}", hint="T stops it now")
    answers = tuple(nonce for nonce in live if nonce in halts)
    if len(answers) < len(live):
        return Refusal("there is a halt that this does not answer", hint="look at it, then answer again")
    without = tuple(nonce for nonce in answers if not session.halts[nonce].reason)
    if not without:
        return answers, []
    if not reason.strip():
        return Refusal("say first why it was halted", hint="n gives the reason")
    return answers, [draft(HaltReasonGiven(nonces=without, reason=reason))]


def ways_on(session: Session) -> str:
    """The keys that answer a halt here: no rollback is offered where none can be committed any more (R8, R10)."""
    can_roll_back = session.rollback is None and not session.past_no_return
    return "G goes on, B rolls back" if can_roll_back else "G goes on"
