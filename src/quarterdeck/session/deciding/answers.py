"""What a rule answers with, and what all rules check first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Actor, Draft
from quarterdeck.session.events import HaltReasonGiven, Payload
from quarterdeck.session.state import Session, StepRun

__all__ = [
    "Answer",
    "Refusal",
    "Rule",
    "about",
    "answering",
    "draft",
    "leads",
    "needs_reason",
    "rule",
    "rules",
    "title",
]


class Refusal(Struct, frozen=True):
    """Why it can't be done now, which key works, and what a waiver would have to name."""

    why: str
    hint: str = ""
    waivable: str = ""


Answer = list[Draft] | Refusal
Rule = Callable[[Session, Any, Actor, float], Answer]
R = TypeVar("R", bound=Rule)

rules: dict[type, Rule] = {}
"""Every intent's rule; filled by the rooms of this package."""


def rule(intent: type) -> Callable[[R], R]:
    """Register the rule for an intent."""

    def register(function: R) -> R:
        rules[intent] = function
        return function

    return register


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
