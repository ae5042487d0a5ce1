"""What every kind of event has in common, and the small parts that several kinds carry."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct, field

from quarterdeck.session.event import Event

Effect = Literal["none", "partial", "full", "unknown"]

KINDS: dict[str, type[Payload]] = {}
"""Every kind that this version knows, by its name in the logbook."""


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all payloads."""

    kind: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the kind."""
        super().__init_subclass__(**options)
        if cls.__dict__.get("kind"):
            KINDS[cls.kind] = cls


class Unknown(Payload, frozen=True, kw_only=True):
    """A kind of a newer version: kept, forwarded, shown with a banner."""


class Watch(Struct, frozen=True, omit_defaults=True):
    """What was observed up to an event: the digest of the samples since the last one, and all values then."""

    digest: str = ""
    batches: int = 0
    snapshot: dict[str, float | str | None] = field(default_factory=dict)
    """Metric name to value; None where it was unknown."""


class Proof(Struct, frozen=True, omit_defaults=True):
    """What one verify item read."""

    title: str
    ok: bool | None
    """None: unreadable, which is not verified."""
    read: str = ""


class UndoItem(Struct, frozen=True, omit_defaults=True):
    """One row of the rollback list."""

    step: str
    """Id of the undo (or rollback verification) step."""
    undoes: str = ""
    """Id of the step that it undoes; empty for verification."""
    owner: str = "lead"
    duration: float = 0.0
    asks: bool = False
    """The effect was partial or unknown: the owner picks run, by hand or not needed first (R6)."""


def payload(event: Event) -> Payload:
    """Decode what happened; a kind of a newer version gives `Unknown`."""
    kind = KINDS.get(event.kind)
    return Unknown() if kind is None else msgspec.json.decode(event.data, type=kind)


class Verdict(Struct, frozen=True, omit_defaults=True):
    """A criterion's end: PASS, FAIL or INCONCLUSIVE with its evidence."""

    id: str
    title: str
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    evidence: str = ""
