"""The rollback, computed from what was really done (R6 to R9), live, before it is needed.

Pure readings of a session: what would be undone now, what stays, what is left out and why, how long it takes.
`forecast` makes the clocks from it, `rules.rollback` freezes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from quarterdeck.procedure.model import Step
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.state import Session, StepRun

__all__ = [
    "LETTERS", "Preview", "due_item", "due_items", "latest", "letters", "listed", "next_item", "preview", "undecided",
    "undo_items",
]  # fmt: skip

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, so that no word comes out."""


class Preview(Struct, frozen=True):
    """What a rollback would do if it were committed now."""

    items: tuple[UndoItem, ...]
    stays: tuple[str, ...]
    """Steps with an effect whose undo is `none`, as planned."""
    left_out: dict[str, str]
    """Forward steps that are not in the list, to why."""
    seconds: float
    """Planned durations of the items, as a sum, since a rollback is serial."""
    letters: str = ""
    steps: int = 0
    """How many undo steps (without the verification)."""

    @property
    def parts(self) -> str:
        """How many of which, for people: `3 undo + 2 checks`."""
        checks = len(self.items) - self.steps
        also = f" + {checks} check{'' if checks == 1 else 's'}" if checks else ""
        return f"{self.steps} undo{also}"


def listed(session: Session) -> list[StepRun]:
    """Forward steps whose effect is not none, by latest start, newest first (R7)."""
    return [session.steps[identity] for identity in reversed(session.index.changed)]


def latest(session: Session) -> StepRun | None:
    """The first of them, or None: the one that is undone alone."""
    step = next(reversed(session.index.changed), "")
    return session.steps[step] if step else None


def undo_items(session: Session, run: StepRun) -> tuple[UndoItem, ...]:
    """The undo steps of one step, in written order; what is partial or unknown asks its owner first (R6)."""
    assert session.plan is not None
    step = session.plan.steps[run.id]
    asks = run.effect in {"partial", "unknown"}
    return tuple(UndoItem(undo.id, run.id, undo.owner or step.owner, undo.duration, asks) for undo in step.undo)


def preview(session: Session) -> Preview:
    """The list of R7, inline form, as it would be frozen now; worked out anew where something of it has changed."""
    index = session.index
    if index.preview is None:
        index.preview = _preview(session)
    found: Preview = index.preview
    return found


def _preview(session: Session) -> Preview:
    if session.plan is None:
        return Preview((), (), {}, 0.0)
    items: list[UndoItem] = []
    stays: list[str] = []
    left_out: dict[str, str] = {}
    for run in listed(session):
        undo = undo_items(session, run)
        items.extend(undo)
        if not undo:
            stays.append(run.id)
    for identity in session.plan.forward:
        run = session.steps[identity]
        if run.effect == "none" or run.undone:
            left_out[identity] = _why_left_out(session.plan.steps[identity], run)
    if items or stays:
        for identity in session.plan.verify:
            step = session.plan.steps[identity]
            items.append(UndoItem(identity, "", step.owner or "lead", step.duration))
    seconds = sum(item.duration for item in items)
    steps = sum(1 for item in items if item.undoes)
    return Preview(tuple(items), tuple(stays), left_out, seconds, letters(tuple(items)), steps)


def _why_left_out(step: Step, run: StepRun) -> str:
    if run.undone or run.undone_alone:
        return "undone already"
    if run.sequence == 0:
        return "never started"
    if not step.mutates:
        return "changes nothing"
    return "declared: changed nothing"


def letters(items: tuple[UndoItem, ...]) -> str:
    """Four letters made from the list's hash, to be read over a telephone (R25)."""
    number = int.from_bytes(hashlib.sha256("\n".join(i.step for i in items).encode()).digest()[:8], "big")
    word = ""
    for _ in range(4):
        number, rest = divmod(number, len(LETTERS))
        word += LETTERS[rest]
    return word


def undecided(session: Session) -> list[StepRun]:
    """Forward steps whose effect is unknown and not declared: they keep a rollback from being committed (R6)."""
    index = session.index
    found = [session.steps[identity] for identity in reversed(index.changed.among(index.unknown))]
    return [run for run in found if not run.declared]


def due_items(session: Session) -> Sequence[UndoItem]:
    """The undo list in force: the committed one, or the one of `undo this step`."""
    if session.rollback is not None:
        return session.rollback.items
    return session.undo_items if session.undoing else ()


def due_item(session: Session, step: str) -> UndoItem | None:
    """What a step is in the undo list in force; None where it does not stand there."""
    if session.rollback is not None:
        return session.index.due.get(step)
    return next((item for item in due_items(session) if item.step == step), None)


def next_item(session: Session) -> UndoItem | None:
    """The first item of the list in force that is not finished; the next never starts over a failed one (R9)."""
    places = session.in_force if session.rollback is None else session.index.parts["due"]
    step = next(session.index.unfinished.within(places), "") if due_items(session) else ""
    return due_item(session, step)
