"""A session's events, each with its time and meaning, as every part of a report reads them.

Must never raise for an event that this version does not know.
"""

from __future__ import annotations

from msgspec import Struct

from quarterdeck.logbook.read_only import SessionCopy
from quarterdeck.session.event import FORMAT, Event
from quarterdeck.session.events import Payload, Unknown, attention, payload, sentence
from quarterdeck.session.fold import fold
from quarterdeck.session.state import Session

__all__ = ["Story", "Told", "tell"]


class Told(Struct, frozen=True):
    """An event."""

    event: Event
    at: float
    """Session time."""
    what: Payload
    """`Unknown` where this version cannot read it."""


class Story(Struct, frozen=True):
    """A session and how it came to be so."""

    copy: SessionCopy
    session: Session
    told: tuple[Told, ...]
    now: float
    """Session time up to which it is told: its end, or the moment of the export."""

    def title(self, step: str) -> str:
        """What people call a step."""
        return self.session.name_of(step)

    def line(self, told: Told) -> str:
        """The event in one sentence."""
        if isinstance(told.what, Unknown):
            return f"something that this version does not know happened ({told.event.kind})"
        return sentence(told.event, self.session.plan)

    def level(self, told: Told) -> str:
        """How much attention it asks for."""
        return "warning" if isinstance(told.what, Unknown) else attention(told.event)


def tell(copy: SessionCopy, now: float) -> Story:
    """Fold a session's events and read each of them. `now` counts only while the session is not over."""
    session = fold(copy.events)
    told = tuple(Told(event, session.clock(event.t), _meaning(event)) for event in copy.events)
    if session.is_over and session.ended is not None:
        until = session.ended
    else:
        until = max(now, session.last) if copy.owned else session.last
    return Story(copy, session, told, until)


def _meaning(event: Event) -> Payload:
    if event.v > FORMAT:
        return Unknown()
    try:
        return payload(event)
    except ValueError:
        return Unknown()
