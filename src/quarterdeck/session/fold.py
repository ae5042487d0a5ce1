"""What events mean: `fold(set of events) -> Session`, a pure function, whatever order they arrive in.

Events are applied in their one order (`event.order`), each chain only as far as it is without a hole. A halt
behind a hole counts all the same: a gap freezes forward work and never hides a halt.

What a kind does to the session stands with the kind in `session.events`; here is only which events count, and in
what order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from quarterdeck.session.event import FORMAT, Event, order
from quarterdeck.session.events import KINDS, Payload, Unknown, payload
from quarterdeck.session.state import Session

__all__ = ["Folding", "apply", "fold"]


def fold(events: Iterable[Event]) -> Session:
    """Return the session that these events make. Duplicates and order of arrival do not matter."""
    return Folding(events).session


def apply(session: Session, event: Event) -> None:
    """Apply one event that comes after all that were applied before. Changes `session` in place.

    Where it changes another step than its own, the kind itself says so (`Session.touch`). What is only reported
    changes nothing, and its payload is not even read.
    """
    at = session.clock(event.t)
    if event.v > FORMAT:
        session.unknown_kinds.append(f"{event.kind} (format {event.v})")
    elif KINDS.get(event.kind, Unknown).apply is not Payload.apply:
        payload(event).apply(session, event, at)
    if at > session.last:
        session.last = at
    session.count += 1
    if event.lamport > session.lamport:
        session.lamport = event.lamport
    session.kept.touch(event.step)


class Folding:
    """A fold that goes on: adding the next event costs one step, adding an older one folds again."""

    def __init__(self, events: Iterable[Event] = (), everything: Callable[[], Iterable[Event]] | None = None) -> None:
        """Start from these events. `everything` gives all that were added so far; without it they are kept here."""
        self._kept: list[Event] | None = [] if everything is None else None
        self._everything = everything or (lambda: self._kept or ())
        self._count = 0
        """How many were taken."""
        self._last: Event | None = None
        self._heads: dict[str, int] = {}
        self.session = Session()
        self.extend(events)

    def add(self, event: Event) -> None:
        """Take one event, whenever it arrives; twice is once."""
        self.extend((event,))

    def has(self, event: str) -> bool:
        """Whether the event of this id was taken, and all before it of its replica."""
        replica, _, aseq = event.rpartition(":")
        return int(aseq) <= self._heads.get(replica, 0)

    def extend(self, events: Iterable[Event]) -> None:
        """Take many events; in order, each costs one step."""
        kept, heads, session, last = self._kept, self._heads, self.session, self._last
        aside: list[Event] = []
        for event in events:
            aseq, head = event.aseq, heads.get(event.replica, 0)
            if aseq <= head:
                continue
            late = last is not None and event.lamport <= last.lamport and order(event) < order(last)
            if late or aside or session.gaps or aseq != head + 1:
                aside.append(event)
                continue
            if kept is not None:
                kept.append(event)
            heads[event.replica] = aseq
            last = event
            self._count += 1
            apply(session, event)
        self._last = last
        if aside:
            self._anew(aside)

    def _anew(self, more: list[Event]) -> None:
        """Fold all of them in their order, each chain as far as it is without a hole."""
        unique = {(event.replica, event.aseq): event for event in (*more, *self._everything())}
        if len(unique) == self._count:
            return
        ordered = sorted(unique.values(), key=order)
        self._count, self._last = len(ordered), ordered[-1]
        if self._kept is not None:
            self._kept = ordered
        self._heads = heads = _contiguous(ordered)
        self.session = session = Session()
        gaps: set[str] = set()
        for event in ordered:
            if event.aseq <= heads[event.replica]:
                apply(session, event)
            else:
                gaps.add(event.replica)
                if event.kind == "halt.called":
                    apply(session, event)
        session.gaps = sorted(gaps)


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
