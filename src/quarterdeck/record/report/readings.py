"""The readings of a session in order of session time, a few batches at a time.

Most batches follow on each other; those of another replica or boot may not, so each is read for its times first.
Must never hold more readings than lie in batches that overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import heappop, heappush

import msgspec
from msgspec import Struct

from quarterdeck.observer.messages import Reading
from quarterdeck.record.report.model import Span
from quarterdeck.record.report.story import Story
from quarterdeck.session.event import Moment

__all__ = ["Readings"]

_decoder = msgspec.json.Decoder(list[Reading])


class _Begin(Struct, frozen=True, order=True):
    """When a batch's first reading was taken, session time."""

    at: float
    batch: int


class Readings:
    """All readings of a session; what cannot be read is left out."""

    def __init__(self, story: Story) -> None:
        self._samples, self._clock = story.copy.samples, story.session.clock
        self._boots = _boots(story)
        self._begins: list[_Begin] = []
        ends = [math.inf, -math.inf]
        for index in range(len(self._samples)):
            times = [at for at, _ in self._batch(index)]
            if times:
                self._begins.append(_Begin(min(times), index))
                ends = [min(ends[0], *times), max(ends[1], *times)]
        self._begins.sort()
        self.span = Span(*ends) if self._begins else Span()
        """Of the first and the last one, session time."""

    def __iter__(self) -> Iterator[Reading]:
        """In order; `at` is session time."""
        waiting: list[tuple[float, int, int, Reading]] = []
        for begin in self._begins:
            while waiting and waiting[0][0] < begin.at:
                yield _at_its_time(*heappop(waiting))
            for place, (at, reading) in enumerate(self._batch(begin.batch)):
                heappush(waiting, (at, begin.batch, place, reading))
        while waiting:
            yield _at_its_time(*heappop(waiting))

    def _batch(self, index: int) -> Iterator[tuple[float, Reading]]:
        """Its readings with their session times."""
        batch = self._samples[index]
        boot = self._boots.get((batch.replica, batch.number), self._boots.get((batch.replica, 0), ""))
        for item in _items(batch.raw):
            yield self._clock(Moment(item.at, boot, int(item.boot * 1e9))), item


def _at_its_time(at: float, _batch: int, _place: int, reading: Reading) -> Reading:
    return msgspec.structs.replace(reading, at=at)


def _items(raw: bytes) -> Iterator[Reading]:
    try:
        yield from _decoder.decode(raw)
    except ValueError:
        yield from _what_can_be_read(raw)


def _what_can_be_read(raw: bytes) -> Iterator[Reading]:
    try:
        pieces = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except ValueError:
        return
    for piece in pieces:
        try:
            yield msgspec.json.decode(piece, type=Reading)
        except ValueError:
            continue  # another kind of message, or one of a newer version


def _boots(story: Story) -> dict[tuple[str, int], str]:
    """In which boot each batch was taken: that of the event which names it; number 0 is for those that none names."""
    boots: dict[tuple[str, int], str] = {}
    named: dict[str, int] = {}
    for told in story.told:
        replica = told.event.replica
        boots[replica, 0] = told.event.t.boot
        watch = getattr(told.what, "watch", None)
        if watch is not None:
            first = named.get(replica, 0) + 1
            named[replica] = first + watch.batches - 1
            boots |= dict.fromkeys([(replica, number) for number in range(first, first + watch.batches)],
                                   told.event.t.boot)  # fmt: skip
    return boots
