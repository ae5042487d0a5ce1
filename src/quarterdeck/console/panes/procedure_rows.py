"""What stands in which row of the step list: the forward plan, or the rollback plan once somebody halted.

Worked out when the session's plan or mode changes, not each tick; what a filter leaves of it, when something
happened. Pure; called by the procedure pane and by tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_
from typing import Literal

from msgspec import Struct

from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.plan import Plan
from quarterdeck.session.state import Session

__all__ = ["Entry", "Mode", "ProcedureRows", "matching", "mode_of", "procedure_rows"]

NEVER = "never started"
"""As `session.rollback` says it: these are counted, not listed."""

Mode = Literal["forward", "preview", "rollback", "undo", "frozen", "contingency"]


class Entry(Struct, frozen=True):
    """One row."""

    kind: Literal["heading", "step", "stays", "left_out", "note", "item", "gate", "gap"]
    step: str = ""
    number: int = 0
    text: str = ""
    """Of a heading, or why something is not undone."""
    prefix: str = ""
    owner: str = ""
    """Where it is not the step's own (an undo step has the owner of what it undoes)."""
    asks: bool = False
    item: str = ""
    """Id of a checklist item."""


class ProcedureRows(Struct, frozen=True, eq=False):
    """All rows, and where each step stands."""

    entries: tuple[Entry, ...]
    mode: Mode
    rows: dict[str, int]
    key: tuple[object, ...] = ()
    """What it was made from: of the very same things no new one is needed."""

    def count(self) -> int:
        """How many rows a filter can find: steps and items of the checklist."""
        return sum(1 for entry in self.entries if entry.step or entry.item)


def mode_of(session: Session) -> Mode:
    """Which list is in force."""
    if session.rollback is not None and session.phase == "rolling_back":
        return "rollback"
    if session.undoing:
        return "undo"
    if session.live_halts() and session.rollback is None and session.phase in {"running", "validating"}:
        return "frozen" if session.past_no_return else "preview"
    return "contingency" if session.phase == "contingency" else "forward"


def procedure_rows(snapshot: Snapshot, before: ProcedureRows) -> ProcedureRows:
    """The list that is in force now; `before` itself where nothing changed that it shows."""
    session, plan = snapshot.session, snapshot.session.plan
    if plan is None:
        return ProcedureRows((), "forward", {})
    mode = mode_of(session)
    preview = snapshot.preview if mode == "preview" else None
    shown = {"preview": preview, "rollback": session.rollback, "undo": session.undo_items}.get(mode)
    key: tuple[object, ...] = (mode, session.phase, plan, shown)
    if len(key) == len(before.key) and all(map(is_, key, before.key)):
        return before
    if preview is not None:
        entries = _undo(plan, preview.items, preview.stays, preview.left_out)
    elif mode == "rollback" and session.rollback is not None:
        entries = _undo(plan, session.rollback.items, session.rollback.stays, session.rollback.left_out)
    elif mode == "undo":
        entries = _undo(plan, session.undo_items, (), {})
    else:
        entries = _forward(plan, session, mode)
    rows = {entry.step: y for y, entry in enumerate(entries) if entry.step}
    return ProcedureRows(tuple(entries), mode, rows, key)


def _undo(plan: Plan, items: Sequence[UndoItem], stays: tuple[str, ...], left_out: dict[str, str]) -> list[Entry]:
    entries: list[Entry] = []
    undone, verifying = "", False
    for number, item in enumerate(items, 1):
        if item.undoes != undone or not item.undoes:
            undone = item.undoes
            if item.undoes in plan.steps:
                entries.append(Entry("heading", text=f"undo of {plan.name_of(item.undoes)}"))
            elif not verifying:
                verifying = True
                entries.append(Entry("heading", text="verify that it is back"))
        if item.step in plan.steps:
            entries.append(Entry("step", item.step, number, owner=item.owner, asks=item.asks))
    if not items:
        entries.append(Entry("heading", text="nothing has to be undone"))
    if stays:
        entries += [Entry("gap"), Entry("heading", text="stays as it is")]
        entries += [Entry("stays", step, text=plan.steps[step].undo_none) for step in stays if step in plan.steps]
    if left_out:
        entries += [Entry("gap"), Entry("heading", text="left out")]
        known = {step: why for step, why in left_out.items() if step in plan.steps}
        entries += [Entry("left_out", step, text=why) for step, why in known.items() if why != NEVER]
        never = sum(1 for why in known.values() if why == NEVER)
        if never:
            entries.append(Entry("note", text=f"{never} step{'' if never == 1 else 's'} never started"))
    return entries


def _forward(plan: Plan, session: Session, mode: Mode) -> list[Entry]:
    entries: list[Entry] = []
    if plan.procedure.checklist and session.phase == "planned":
        entries.append(Entry("heading", text="Checklist"))
        entries += [
            Entry("item", text=item.title, owner=item.owner, item=item.id) for item in plan.procedure.checklist
        ]
    if plan.preconditions and session.phase == "planned":
        entries.append(Entry("heading", text="Before Start"))
        entries += [Entry("step", step, 0) for step in plan.preconditions]
    stage = None
    for step in plan.forward:
        place = plan.places[step]
        if place.stage != stage:
            stage = place.stage
            entries.append(Entry("heading", text=stage or "Steps"))
        if plan.steps[step].point_of_no_return:
            entries.append(Entry("gate", text="point of no return"))
        entries.append(Entry("step", step, place.number, prefix="+ " if place.added else ""))
    if plan.contingency and (mode in {"contingency", "frozen"} or session.contingency_started):
        shown = [Entry("heading", text="Contingency")]
        shown += [Entry("step", step, number) for number, step in enumerate(plan.contingency, 1)]
        entries = shown + entries if mode == "contingency" else entries + shown
    if plan.closing:
        entries.append(Entry("heading", text="Closing"))
        entries += [Entry("step", step, 0) for step in plan.closing]
    return entries


def matching(plan: Plan, listing: ProcedureRows, text: str, state_of: Callable[[Entry], str]) -> ProcedureRows:
    """The rows in which each word of `text` stands, in any order and case, under the headings that they stand under.

    A word stands in a step's title, owner, tags, id, heading, why it is not undone, or in what `state_of` says, which
    is asked last and only where it matters; digits are also its number. Of `a|b` one is enough.
    """
    words = [word for word in text.casefold().split() if word.strip("|")]
    found: list[Entry] = []
    heading, above = "", list[Entry]()
    for entry in listing.entries:
        if not (entry.step or entry.item):
            if entry.kind == "heading":
                heading, above = entry.text.casefold(), []
            if entry.kind in {"heading", "gate"}:
                above.append(entry)
            continue
        said = f"{heading} {_said(plan, entry)}"
        rest = [word for word in words if not _one_in(word, said) and _number(plan, entry) not in _either(word)]
        if not rest or (entry.step and _all_in(rest, state_of(entry))):
            found += [*above, entry]
            above = []
        else:
            above = [each for each in above if each.kind == "heading"]  # the gate stands before its step
    rows = {entry.step: y for y, entry in enumerate(found) if entry.step}
    return ProcedureRows(tuple(found or [Entry("note", text="nothing matches")]), listing.mode, rows, listing.key)


def _said(plan: Plan, entry: Entry) -> str:
    step = plan.steps.get(entry.step)
    own = f"{step.title} {'' if entry.owner else step.owner} {' '.join(step.tags)} {step.id}" if step else ""
    return f"{entry.text} {entry.owner} {entry.item} {own}".casefold()


def _number(plan: Plan, entry: Entry) -> str:
    """As it stands before the title."""
    place = plan.places.get(entry.step)
    return str(entry.number or (place.number if place and entry.kind in {"stays", "left_out"} else ""))


def _all_in(words: list[str], said: str) -> bool:
    said = said.casefold()
    return all(_one_in(word, said) for word in words)


def _one_in(word: str, said: str) -> bool:
    return any(part in said for part in _either(word))


def _either(word: str) -> list[str]:
    return [part for part in word.split("|") if part]
