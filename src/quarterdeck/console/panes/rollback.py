"""What a rollback would be if it were halted now: minutes and people, steps, what stays and why. Read only."""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Piece, Row
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.panes.sheet import Sheet, about_nothing
from quarterdeck.console.rollback_cost import rollback_cost
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.rollback import undecided
from quarterdeck.spans import span
from quarterdeck.text import visible

__all__ = ["RollbackPane", "rollback_rows"]

_MARGIN = 5
"""Cells before a step's title."""


class RollbackPane(Sheet):
    """The list of R7 as it is before anybody needs it."""

    name_ = "rollback"
    heading = "Rollback"

    def made(self, snapshot: Snapshot, width: int) -> list[tuple[str, Row]]:
        """All of it, wrapped."""
        return about_nothing(rollback_rows(snapshot, width))


def rollback_rows(snapshot: Snapshot, width: int) -> list[Row]:
    """All of it in rows of at most `width` cells."""
    session, plan, back = snapshot.session, snapshot.session.plan, snapshot.preview
    rows: list[Row] = []

    def say(text: str, role: str, head: Piece = (" ", ""), indent: int = 1) -> None:
        for number, line in enumerate(wrap(text, max(8, width - indent))):
            rows.append((head if not number else (" " * indent, ""), (line, role)))

    for number, line in enumerate(rollback_cost(session, back, snapshot.clocks, snapshot.off)):
        say(line, "text" if number else "strong")
    if plan is None:
        return rows
    for run in undecided(session):
        say(f"asked first: what {session.name_of(run.id)} changed is not known", "warn")
    if back.items:
        rows.append(EMPTY)
    for number, item in enumerate(back.items, 1):
        head: Piece = (f"{number:>{_MARGIN - 1}} ", "muted")
        title = visible(plan.steps[item.step].title, 200)
        say(f"{title} · {visible(item.owner, 40)} · {span(item.duration)}", "text", head, _MARGIN)
        what = f"undoes {session.name_of(item.undoes)}" if item.undoes else "verifies that it is back"
        asks = "; its owner is asked first" if item.asks else ""
        say(f"{what}{asks}", "muted", (" " * _MARGIN, ""), _MARGIN)
    groups = {
        "stays": {step: plan.steps[step].undo_none for step in back.stays if step in plan.steps},
        "left out": {step: why for step, why in back.left_out.items() if session.steps[step].sequence},
    }
    for heading, found in groups.items():
        if found:
            rows += [EMPTY, ((f" {heading}", "title"),)]
        for step, why in found.items():
            say(f"{session.name_of(step)}: {visible(why, 200)}", "muted", (" " * _MARGIN, ""), _MARGIN)
    if session.rollback is None and not session.past_no_return:
        rows.append(EMPTY)
        say("H halts and shows this plan; then B rolls back.", "muted")
    return rows
