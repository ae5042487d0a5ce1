"""The words that events share when they are told: what a step is called, spans, times of day.

Pure. An event's own sentence is its `sentence` method, which gets a `Told`.
"""

from __future__ import annotations

import re

from quarterdeck.session.event import Event
from quarterdeck.session.plan import Plan
from quarterdeck.spans import hour

__all__ = ["Told", "count", "in_short", "phone", "values_of", "why_of"]


_MEASURED = re.compile(r"(?:\w+\(.+?\)|\S+) is (?=\S)")


def in_short(reason: str, title: str) -> str:
    """A guard's reason without the name of what was measured: `Order API too slow: 912 ms, above 800 ms`."""
    head = f"{title}: "
    if not title or not reason.startswith(head):
        return reason
    return head + _MEASURED.sub("", reason.removeprefix(head), count=1)


class Told:
    """An event being told: the words that its tellers share."""

    __slots__ = ("event", "plan")

    def __init__(self, event: Event, plan: Plan | None) -> None:
        self.event = event
        self.plan = plan

    @property
    def step(self) -> str:
        """The name of the event's step."""
        return self.name(self.event.step)

    def name(self, step: str) -> str:
        """The name of any step."""
        return (self.plan.name_of(step) if self.plan else step) or "the session"

    def clock(self, at: float) -> str:
        """The time of day of the event's author."""
        return hour(at, self.event.t.off)

    @property
    def again(self) -> str:
        """` (attempt 2)`, from the second attempt on."""
        return f" (attempt {self.event.attempt})" if self.event.attempt > 1 else ""

    def measured(self, reason: str) -> str:
        """A reason that a guard gave, without the name of what was measured: the number is what people need."""
        guards = self.plan.procedure.guards if self.plan else ()
        return in_short(reason, next((g.title for g in guards if reason.startswith(f"{g.title}: ")), ""))

    def role(self) -> str:
        """Who, in a few words."""
        actor = self.event.actor
        return actor.role if actor.role != "lead" or not actor.login else actor.login


def why_of(reason: str) -> str:
    """`: reason`, or nothing."""
    return f": {reason}" if reason else ""


def phone(by_phone: str) -> str:
    """Who was on the telephone, or nothing."""
    return f", by telephone ({by_phone})" if by_phone else ""


def values_of(values: dict[str, str]) -> str:
    """Recorded values, or nothing."""
    return "; " + ", ".join(f"{name} = {value}" for name, value in values.items()) if values else ""


def count(number: int, one: str) -> str:
    """`1 step`, `4 steps`."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
