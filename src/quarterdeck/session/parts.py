"""The small parts that several kinds of events carry; below the session's state, which holds them too."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct, field

__all__ = ["Effect", "Proof", "UndoItem", "Verdict", "Watch", "gravest"]


Effect = Literal["none", "partial", "full", "unknown"]
"""What is there of a step's change, from the lightest to the gravest."""


def gravest(*effects: Effect) -> Effect:
    """The gravest of them: what a rollback has to reckon with."""
    return max(effects, key=get_args(Effect).index)


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


class Verdict(Struct, frozen=True, omit_defaults=True):
    """A criterion's end: PASS, FAIL or INCONCLUSIVE with its evidence."""

    id: str
    title: str
    verdict: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    evidence: str = ""
