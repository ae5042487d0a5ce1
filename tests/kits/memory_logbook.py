"""A logbook that keeps events in memory: for tests, and as the plainest reading of the protocol.

Must never be used for a session that anybody needs after the process. Called by tests alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quarterdeck.logbook.chain import Held
from quarterdeck.logbook.protocol import ForkError, Head, SampleBatch, StoredEvent

__all__ = ["MemoryLogbook"]


class MemoryLogbook:
    """Events in a list."""

    name = "memory"

    def __init__(self) -> None:
        self._events: list[StoredEvent] = []
        self._by_id: dict[tuple[str, int], StoredEvent] = {}
        self._held = Held()
        self.batches: list[SampleBatch] = []

    def append(self, events: Sequence[StoredEvent], batches: Sequence[SampleBatch] = ()) -> None:
        """Keep `events`; see `Logbook.append`."""
        new = []
        for event in events:
            known = self._by_id.get((event.replica, event.aseq))
            if known is None:
                new.append(event)
            elif known.hash != event.hash:
                raise ForkError(f"Another event is called {event.replica}:{event.aseq} here")
        for event in new:
            self._by_id[event.replica, event.aseq] = event
            self._events.append(event)
            self._held.add(event.replica, event.aseq, event.hash)
        self.batches.extend(batch for batch in batches if batch not in self.batches)

    def read(self, after: int = 0) -> Iterator[StoredEvent]:
        """Events in order of arrival."""
        yield from self._events[after:]

    def chains(self) -> dict[str, Head]:
        """The ends of the contiguous chains."""
        return self._held.heads()

    def holds(self, event: StoredEvent) -> bool:
        """Whether an event of this id is here."""
        return self._held.has(event.replica, event.aseq)

    def reopen(self) -> None:
        """Nothing was closed."""

    def close(self) -> None:
        """Nothing to let go of."""
