"""Steps of which something holds, kept in an order: which is the first, which are in a list, is one among them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

__all__ = ["Rank", "Ranked"]

Rank = tuple[float, ...]


class Ranked:
    """Steps by rank, the lowest first. To put one costs the same however many there are, but for moving pointers."""

    __slots__ = ("_entries", "_ranks")

    def __init__(self) -> None:
        self._ranks: dict[str, Rank] = {}
        self._entries: list[tuple[Rank, str]] = []

    def put(self, step: str, rank: Rank | None) -> bool:
        """Rank a step, or with None take it out; whether that changed anything."""
        before = self._ranks.get(step)
        if before == rank:
            return False
        if before is not None:
            del self._entries[bisect_left(self._entries, (before, step))]
            del self._ranks[step]
        if rank is not None:
            self._ranks[step] = rank
            entry = (rank, step)
            if not self._entries or entry > self._entries[-1]:
                self._entries.append(entry)
            else:
                insort(self._entries, entry)
        return True

    def __contains__(self, step: object) -> bool:
        return step in self._ranks

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return (step for _, step in self._entries)

    def __reversed__(self) -> Iterator[str]:
        return (step for _, step in reversed(self._entries))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranked) and self._entries == other._entries

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Ranked({self._entries!r})"

    def among(self, steps: Iterable[str]) -> list[str]:
        """Those of these steps that are there, in the order that is kept."""
        return sorted(self._ranks.keys() & steps, key=lambda step: (self._ranks[step], step))

    @property
    def highest(self) -> Rank | None:
        """The rank of the last one; None where there is none."""
        return self._entries[-1][0] if self._entries else None

    def within(self, places: range) -> Iterator[str]:
        """Those whose rank is a place in this range, in order."""
        begin, end = self._bounds(places)
        return (self._entries[at][1] for at in range(begin, end))

    def count(self, places: range) -> int:
        """How many have a place in this range."""
        begin, end = self._bounds(places)
        return end - begin

    def below(self, rank: float) -> int:
        """How many are of a rank below this."""
        return bisect_left(self._entries, ((rank,), ""))

    def _bounds(self, places: range) -> tuple[int, int]:
        return bisect_left(self._entries, ((places.start,), "")), bisect_left(self._entries, ((places.stop,), ""))
