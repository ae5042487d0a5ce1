"""What a metric was over the whole session, in bounded memory: the longer it is, the coarser it gets.

The console keeps one for each metric that it heard of. Times are seconds of any one clock that only goes on. Pure.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MOST", "Series", "Span"]

MOST = 360
"""Stretches of a series at most: with 24 bytes each, a metric takes 9 KiB however long a session is."""
FIRST = 1.0
"""Seconds of a stretch while there are few."""


class Span(NamedTuple):
    """The lowest and the highest value of a stretch of time."""

    low: float
    high: float


class Series:
    """Lowest and highest values of stretches of time, oldest first. Two neighbours become one where it gets full."""

    __slots__ = ("_high", "_low", "_places", "width")

    def __init__(self) -> None:
        self.width = FIRST
        """Seconds of a stretch now."""
        self._places, self._low, self._high = array("q"), array("d"), array("d")

    def __len__(self) -> int:
        return len(self._places)

    def take(self, at: float, value: float) -> None:
        """Take a value; one that is older than the newest counts for that one's stretch."""
        place = int(at // self.width)
        if self._places and place <= self._places[-1]:
            self._low[-1], self._high[-1] = min(self._low[-1], value), max(self._high[-1], value)
            return
        self._places.append(place)
        self._low.append(value)
        self._high.append(value)
        if len(self._places) > MOST:
            self._halve()

    def _halve(self) -> None:
        """Stretches twice as long, until half of the room is free."""
        while len(self._places) > MOST // 2:
            old = list(zip(self._places, self._low, self._high, strict=True))
            self.width *= 2
            self._places, self._low, self._high = array("q"), array("d"), array("d")
            for place, low, high in old:
                if self._places and self._places[-1] == place // 2:
                    self._low[-1], self._high[-1] = min(self._low[-1], low), max(self._high[-1], high)
                else:
                    self._places.append(place // 2)
                    self._low.append(low)
                    self._high.append(high)

    def begin(self) -> float | None:
        """When the first stretch begins; None where there is none."""
        return self._places[0] * self.width if self._places else None

    def spans(self) -> Iterator[tuple[float, Span]]:
        """All stretches: when each begins, and its values."""
        for place, low, high in zip(self._places, self._low, self._high, strict=True):
            yield place * self.width, Span(low, high)

    def columns(self, since: float, until: float, count: int, lasts: float) -> list[Span | None]:
        """The time from `since` to `until` in `count` columns; None where nothing was read.

        A value stands for `lasts` seconds after its stretch, since what is read each half minute has no gaps between.
        """
        if not self._places or until <= since or count <= 0:
            return [None] * count
        step = (until - since) / count
        found: list[Span | None] = []
        for number in range(count):
            start = since + number * step
            first = bisect_right(self._places, int(start // self.width) - 1)
            behind = bisect_left(self._places, math.ceil((start + step) / self.width))
            if first < behind:
                found.append(Span(min(self._low[first:behind]), max(self._high[first:behind])))
            elif first and start - (self._places[first - 1] + 1) * self.width <= lasts:
                found.append(Span(self._low[first - 1], self._high[first - 1]))
            else:
                found.append(None)
        return found
