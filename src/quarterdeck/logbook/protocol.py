"""What a logbook is: something that keeps events, durably, and gives them back.

`MemoryLogbook`, `SqliteLogbook` and `FlightRecorder` each are one; one conformance suite runs against all.
A logbook stores and returns bytes: it must never change, order or judge them (`chain` does).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from quarterdeck.errors import LogbookError

__all__ = [
    "DamageError",
    "ForkError",
    "Head",
    "Logbook",
    "NewerFormatError",
    "RecorderError",
    "SampleBatch",
    "StoredEvent",
]


class StoredEvent(NamedTuple):
    """An event as it is kept."""

    replica: str
    aseq: int
    hash: str
    """`session.event.digest(raw)`."""
    raw: bytes
    """As encoded once; never re-serialised."""


class SampleBatch(NamedTuple):
    """Readings that were taken together, as one JSON array."""

    replica: str
    number: int
    """1, 2, 3, … for each replica."""
    hash: str
    raw: bytes


class Head(NamedTuple):
    """The end of a chain's contiguous part."""

    aseq: int
    hash: str


class RecorderError(LogbookError):
    """A recorder could not write or read; whether the last events are in it is unknown until it is reopened."""

    def __init__(self, message: str, *, full: bool = False, where: str = "") -> None:
        """`full`: for want of room."""
        super().__init__(message, where=where)
        self.full = full


class DamageError(LogbookError):
    """A file's content is not what was written."""


class NewerFormatError(LogbookError):
    """A newer version of Quarterdeck wrote this: it may be read as far as it is understood, not written."""


class ForkError(LogbookError):
    """The same id with other bytes: two histories under one name."""


class Logbook(Protocol):
    """Keeps events durably. One thread uses it at a time."""

    @property
    def name(self) -> str:
        """`logbook` or `recorder`: how health and events call it."""
        ...

    def append(self, events: Sequence[StoredEvent], batches: Sequence[SampleBatch] = ()) -> None:
        """Return when `events` are durable. What it holds already is left out, so that asking twice is harmless.

        Raises `RecorderError` with an unknown outcome: reopen and append again; `ForkError` for another event
        of the same id.
        """
        ...

    def read(self, after: int = 0) -> Iterator[StoredEvent]:
        """Events in order of arrival, from position `after` on."""
        ...

    def chains(self) -> dict[str, Head]:
        """For each replica the end of its contiguous chain."""
        ...

    def holds(self, event: StoredEvent) -> bool:
        """Whether an event of this id is durable here."""
        ...

    def reopen(self) -> None:
        """After a failure: open again, so that `holds` tells the truth. Raises `RecorderError`."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...
