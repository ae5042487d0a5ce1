"""The rollback, computed from what was really done (R6 to R9), live, before it is needed.

Pure readings of a session: what would be undone now, what stays, what is left out and why, how long it takes.
`forecast` makes the clocks from it, `rules.rollback` freezes it.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct

from quarterdeck.procedure.model import Step
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.state import FINISHED, Session, StepRun

__all__ = ["LETTERS", "Preview", "due_items", "letters", "listed", "next_item", "preview", "undecided", "undo_items"]

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

    @property
    def steps(self) -> int:
        """How many undo steps (without the verification)."""
        return sum(1 for item in self.items if item.undoes)

    @property
    def parts(self) -> str:
        """How many of which, for people: `3 undo + 2 checks`."""
        checks = len(self.items) - self.steps
        also = f" + {checks} check{'' if checks == 1 else 's'}" if checks else ""
        return f"{self.steps} undo{also}"


def listed(session: Session) -> list[StepRun]:
    """Forward steps whose effect is not none, by latest start, newest first (R7)."""
    if session.plan is None:
        return []
    runs = [session.steps[i] for i in session.plan.forward]
    touched = [run for run in runs if run.effect != "none" and not run.undone]
    return sorted(touched, key=lambda run: (run.started or 0.0, run.sequence), reverse=True)


def undo_items(session: Session, run: StepRun) -> tuple[UndoItem, ...]:
    """The undo steps of one step, in written order; what is partial or unknown asks its owner first (R6)."""
    assert session.plan is not None
    step = session.plan.steps[run.id]
    asks = run.effect in {"partial", "unknown"}
    return tuple(UndoItem(undo.id, run.id, undo.owner or step.owner, undo.duration, asks) for undo in step.undo)


def preview(session: Session) -> Preview:
    """Compute the list of R7, inline form, as it would be frozen now."""
    return session.memo.of("preview", session.plan, lambda: _preview(session))


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
    return Preview(tuple(items), tuple(stays), left_out, sum(item.duration for item in items), letters(tuple(items)))


def _why_left_out(step: Step, run: StepRun) -> str:
    if run.undone:
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
    return [run for run in listed(session) if run.effect == "unknown" and not run.declared]


def due_items(session: Session) -> tuple[UndoItem, ...]:
    """The undo list in force: the committed one, or the one of `undo this step`."""
    if session.rollback is not None:
        return tuple(session.rollback.items)
    return session.undo_items if session.undoing else ()


def next_item(session: Session) -> UndoItem | None:
    """The first item of the list in force that is not finished; the next never starts over a failed one (R9)."""
    for item in due_items(session):
        if session.steps[item.step].state not in FINISHED:
            return item
    return None
