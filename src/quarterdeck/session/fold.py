"""What events mean: `fold(set of events) -> Session`, a pure function, whatever order they arrive in.

Events are applied in their one order (`event.order`), each chain only as far as it is without a hole. A halt
behind a hole counts all the same: a gap freezes forward work and never hides a halt.

What a kind does to the session stands with the kind in `session.events`; here is only which events count, and in
what order.
"""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.session.event import FORMAT, Event, order
from quarterdeck.session.events import payload
from quarterdeck.session.state import Session

__all__ = ["Folding", "apply", "fold"]

_Key = tuple[int, str, str, int]


def fold(events: Iterable[Event]) -> Session:
    """Return the session that these events make. Duplicates and order of arrival do not matter."""
    unique = {(event.replica, event.aseq): event for event in events}
    ordered = sorted(unique.values(), key=order)
    heads = _contiguous(ordered)
    session = Session()
    gaps: set[str] = set()
    for event in ordered:
        if event.aseq <= heads.get(event.replica, 0):
            apply(session, event)
        else:
            gaps.add(event.replica)
            if event.kind == "halt.called":
                apply(session, event)
    session.gaps = sorted(gaps)
    return session


def apply(session: Session, event: Event) -> None:
    """Apply one event that comes after all that were applied before. Changes `session` in place.

    Where it changes another step than its own, the kind itself says so (`Session.touch`).
    """
    at = session.clock(event.t)
    if event.v > FORMAT:
        session.unknown_kinds.append(f"{event.kind} (format {event.v})")
    else:
        payload(event).apply(session, event, at)
    session.last = max(session.last, at)
    session.count += 1
    session.lamport = max(session.lamport, event.lamport)
    session.kept.touch(event.step)


class Folding:
    """A fold that goes on: adding the next event costs one step, adding an older one folds again."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """Start from these events."""
        self._events: dict[tuple[str, int], Event] = {}
        self._heads: dict[str, int] = {}
        self._last: _Key | None = None
        self.session = Session()
        self.extend(events)

    def add(self, event: Event) -> None:
        """Take one event, whenever it arrives; twice is once."""
        key = (event.replica, event.aseq)
        if key in self._events:
            return
        self._events[key] = event
        place = order(event)
        follows = event.aseq == self._heads.get(event.replica, 0) + 1 and (self._last is None or place > self._last)
        if follows and not self.session.gaps:
            self._heads[event.replica] = event.aseq
            self._last = place
            apply(self.session, event)
        else:
            self._anew()

    def extend(self, events: Iterable[Event]) -> None:
        """Take many events; in order, each costs one step."""
        for event in events:
            self.add(event)

    def _anew(self) -> None:
        events = self._events.values()
        self.session = fold(events)
        self._heads = _contiguous(events)
        self._last = max(order(event) for event in events)


def _contiguous(events: Iterable[Event]) -> dict[str, int]:
    """How far each replica's chain goes without a hole."""
    numbers: dict[str, set[int]] = {}
    for event in events:
        numbers.setdefault(event.replica, set()).add(event.aseq)
    heads: dict[str, int] = {}
    for replica, have in numbers.items():
        head = 0
        while head + 1 in have:
            head += 1
        heads[replica] = head
    return heads
