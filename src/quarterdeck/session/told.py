"""The words that events share when they are told: what a step is called, spans, times of day.

Pure. An event's own sentence is its `sentence` method, which gets a `Told`.
"""

from __future__ import annotations

import re

from quarterdeck.session.event import Actor, Event
from quarterdeck.session.plan import Plan
from quarterdeck.spans import hour, span

__all__ = ["Terminals", "Told", "count", "in_short", "phone", "values_of", "why_of"]


_MEASURED = re.compile(r"(?:\w+\(.+?\)|\S+) is (?=\S)")


def in_short(reason: str, title: str) -> str:
    """A guard's reason without the name of what was measured: `Order API too slow: 912 ms, above 800 ms`."""
    head = f"{title}: "
    if not title or not reason.startswith(head):
        return reason
    return head + _MEASURED.sub("", reason.removeprefix(head), count=1)


class Told:
    """An event being told: the words that its tellers share."""

    __slots__ = ("event", "off", "plan", "spent")

    def __init__(self, event: Event, plan: Plan | None, off: int | None = None, spent: float = 0.0) -> None:
        """`off`: minutes east of UTC of whom it is told to, where that zone is named beside it.

        `spent`: seconds from the step's start to its end, where that is known; 0 where it is not.
        """
        self.event = event
        self.plan = plan
        self.off = off
        self.spent = spent

    @property
    def step(self) -> str:
        """The name of the event's step."""
        return self.name(self.event.step)

    def name(self, step: str) -> str:
        """The name of any step."""
        return self.plan.name_of(step) if self.plan else step or "the session"

    def clock(self, *at: float) -> str:
        """Times of day in the zone of whoever reads them, `02:49 to 03:30`; without one they say `UTC`."""
        said = " to ".join(hour(each, self.off or 0) for each in at)
        return f"{said} UTC" if self.off is None else said

    @property
    def again(self) -> str:
        """` (attempt 2)`, from the second attempt on."""
        return f" (attempt {self.event.attempt})" if self.event.attempt > 1 else ""

    @property
    def after(self) -> str:
        """` after 9 min`, where it is known how long the step took, and it took a second."""
        return f" after {span(self.spent)}" if self.spent >= 1 else ""

    def beside_name(self, sentence: str) -> str:
        """What is left of a sentence that begins with the step's name, beside that name; else all of it."""
        rest = sentence.removeprefix(self.step) if self.event.step else sentence
        return rest.lstrip(": ") if rest[:1] in {" ", ":"} else sentence

    def measured(self, reason: str) -> str:
        """A reason that a guard gave, without the name of what was measured: the number is what people need."""
        guards = self.plan.procedure.guards if self.plan else ()
        return in_short(reason, next((g.title for g in guards if reason.startswith(f"{g.title}: ")), ""))

    def role(self) -> str:
        """Who, in a few words."""
        actor = self.event.actor
        return actor.role if actor.role != "lead" or not actor.login else actor.login


class Terminals:
    """From which terminals each login has acted: a line names its own where they are more than one."""

    def __init__(self) -> None:
        self._of: dict[str, set[str]] = {}

    def take(self, actor: Actor) -> None:
        """One more act. A terminal is what its client says (R18): a claim."""
        if actor.tty:
            self._of.setdefault(actor.login, set()).add(actor.tty)

    def name(self, actor: Actor) -> str:
        """` (pts/3)`, or nothing where the login alone says it."""
        several = len(self._of.get(actor.login, ())) > 1
        return f" ({actor.tty.removeprefix('/dev/')})" if several and actor.tty else ""


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
