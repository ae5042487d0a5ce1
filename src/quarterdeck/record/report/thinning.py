"""What a picture needs of a night: no more points than it has places for, and no peak lost.

Few points stay as they are. Of more, each of the picture's columns keeps its lowest and its highest, at their own
times; of a strip of statuses what is worse stays, and lulls shorter than a column go. Pure; takes one at a time, in
order of time, and must never hold more than it gives.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from quarterdeck.observer.messages import Status
from quarterdeck.record.report.model import Span

__all__ = ["POINTS", "WORST_FIRST", "Curve", "Strip"]

WORST_FIRST: tuple[Status, ...] = ("critical", "warning", "unknown", "ok")

POINTS = 360
"""Points, or stretches, up to which all stay. Columns of a strip; a curve has half as many, each of two points."""

Point = tuple[float, float | None]
"""When and what; None ends a line."""
Stretch = tuple[float, float, Status]
"""From, until, status."""


class Curve:
    """One metric over time."""

    def __init__(self, span: Span) -> None:
        """`span`: the time that the picture shows."""
        self._start, self._width = span.start or 0.0, (span.seconds or 1.0) / (POINTS // 2)
        self._all: list[Point] | None = []
        self._thinned: list[Point] = []
        self._column = -1
        self._low: tuple[float, float] | None = None
        self._high: tuple[float, float] | None = None
        self._end: Point | None = None
        """Where a line ends in the column for the first time."""

    def add(self, point: Point) -> None:
        """The next point."""
        if self._all is None:
            self._take(point)
            return
        self._all.append(point)
        if len(self._all) > POINTS:
            for each in self._all:
                self._take(each)
            self._all = None

    def points(self) -> tuple[Point, ...]:
        """All, or at most about `POINTS`."""
        return tuple(self._all if self._all is not None else [*self._thinned, *self._of_column()])

    def _take(self, point: Point) -> None:
        column = int((point[0] - self._start) / self._width)
        if column != self._column:
            self._thinned += self._of_column()
            self._column, self._low, self._high, self._end = column, None, None, None
        at, value = point
        if value is None:
            self._end = self._end or point
            return
        if self._low is None or value < self._low[1]:
            self._low = at, value
        if self._high is None or value > self._high[1]:
            self._high = at, value

    def _of_column(self) -> list[Point]:
        kept = dict.fromkeys((self._low, self._high, self._end))
        return sorted((point for point in kept if point is not None), key=lambda point: point[0])


class Strip:
    """The statuses of one target."""

    def __init__(self, span: Span) -> None:
        """`span`: the time that the picture shows."""
        self.lull: float | None = None
        """Seconds below which lulls are left out; None: none is."""
        self._column = (span.seconds or 1.0) / POINTS
        self._all: list[Stretch] | None = []
        self._layers: dict[Status, list[Stretch]] = {}

    def add(self, stretch: Stretch) -> None:
        """The next stretch."""
        if self._all is None:
            self._take(stretch)
            return
        self._all.append(stretch)
        if len(self._all) > POINTS:
            self.lull = self._column
            for each in self._all:
                self._take(each)
            self._all = None

    def stretches(self) -> tuple[Stretch, ...]:
        """In order; where lulls are left out, what is worse counts."""
        if self._all is not None:
            return tuple(self._all)
        found: list[Stretch] = []
        ends = sorted({at for layer in self._layers.values() for stretch in layer for at in stretch[:2]})
        for begin, end in pairwise(ends):
            word = next((word for word in WORST_FIRST if self._holds(word, begin)), None)
            if word is None:
                continue
            goes_on = bool(found) and found[-1][1:] == (begin, word)
            found.append((found.pop()[0] if goes_on else begin, end, word))
        return tuple(found)

    def _holds(self, word: Status, at: float) -> bool:
        layer = self._layers.get(word, [])
        place = bisect_right(layer, at, key=lambda stretch: stretch[0])
        return place > 0 and layer[place - 1][1] > at

    def _take(self, stretch: Stretch) -> None:
        begin, end, word = stretch
        layer = self._layers.setdefault(word, [])
        if layer and begin - layer[-1][1] < self._column:
            layer[-1] = (layer[-1][0], end, word)
        else:
            layer.append(stretch)
