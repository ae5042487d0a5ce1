"""The selected step: what to do, what runs, what was read, what is asked, and the live end of its output.

The upper part scrolls; while a command has output, its last lines stand below and stay.
"""

from __future__ import annotations

from rich.cells import cell_len

from quarterdeck.console.panes.base import EMPTY, Pane, Row
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.panes.step_details import details
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.text import visible

__all__ = ["StepPane"]

TAIL_SHARE = 0.45
FRAME = 4
"""Cells of a row that a frame's title does not have: its ends, and the mark of the pane that has the keys."""
TAB = 24
"""Cells of a title that the line of tabs has room for."""
OUTPUT = 10
"""Lines that the output is worth, with its heading."""
TAIL_CHARACTERS = 6_000
"""As much of the output's end as can be on any screen."""


class StepPane(Pane):
    """Instructions whole, command, proofs, values, output."""

    name_ = "step"
    heading = "Step"

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self._rows: list[Row] = []
        self._shown = ""
        self._tail: list[Row] = []
        self._tail_key: tuple[object, ...] = ()

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make the rows of the step; another step begins at its top."""
        step = snapshot.selected
        width = max(10, width)
        self._rows = [*self._whole_title(snapshot, step, width), *details(snapshot, step, width, self.look)]
        self._take_tail(snapshot, step, width)
        if step != self._shown:
            self._shown, self.top = step, 0

    def _whole_title(self, snapshot: Snapshot, step: str, width: int) -> list[Row]:
        """The title in rows of its own, where the frame or the tab has no room for it."""
        plan = snapshot.session.plan
        if plan is None or step not in plan.steps:
            return []
        title, said = visible(plan.steps[step].title, 300), self.title_of(snapshot)
        room, said = (width - FRAME, said) if self.framed else (TAB, title)
        whole = said.endswith(title) and cell_len(said) <= room
        return [] if whole else [((f" {line}", "strong"),) for line in wrap(title, width - 1)]

    def _take_tail(self, snapshot: Snapshot, step: str, width: int) -> None:
        tail = snapshot.tails.get(step)
        key = (
            (step, tail.run, tail.total, tail.percent, tail.line, width, self.size.height, len(self._rows))
            if tail
            else (step,)
        )
        if key == self._tail_key:
            return
        self._tail_key = key
        height = self.size.height
        room = max(3, int(height * TAIL_SHARE), height - len(self._rows)) if tail and height >= 7 else 0
        if tail is None or not room:
            self._tail = []
            return
        rule = self.look.glyphs.rule
        percent = f" {tail.percent:.0f} %" if tail.percent is not None else ""
        said = f" {visible(tail.line, 60)}" if tail.line else ""
        head = f"{rule} output{percent}{said} "
        shown: list[str] = []
        for line in tail.text[-TAIL_CHARACTERS:].rstrip("\n").split("\n")[-room:]:
            shown += wrap(visible(line.rsplit("\r", 1)[-1] if line.strip("\r") else "", 500), width - 1)
        rows: list[Row] = [((head, "title"), (rule * max(0, width - len(head)), "frame"))]
        rows += [((" " + line, "code"),) for line in shown[-(room - 1) :]]
        self._tail = rows

    def row_count(self, snapshot: Snapshot) -> int:
        """The details, and room for the output that stands over their end."""
        del snapshot
        return len(self._rows) + len(self._tail)

    def tab_label(self, snapshot: Snapshot) -> str:
        """`Step 7`, `Undo of 7`."""
        head, numbered, _ = self.title_of(snapshot).partition(" · ")
        return head if numbered else ""

    def wanted_rows(self, snapshot: Snapshot) -> int:
        """The details, and as much output as is worth a look: the same from its first line on."""
        return len(self._rows) + (OUTPUT if snapshot.selected in snapshot.tails else 0)

    def title_of(self, snapshot: Snapshot) -> str:
        """The step's number and name."""
        plan = snapshot.session.plan
        if plan is None or snapshot.selected not in plan.steps:
            return "Step"
        place = plan.places[snapshot.selected]
        title = visible(plan.steps[snapshot.selected].title, 80)
        match place.part:
            case "stages":
                return f"Step {place.number} · {title}"
            case "undo":
                return f"Undo of {place.number} · {title}"
        return title

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """A line of the details, or of the output where that stands."""
        del snapshot, width
        height = self.size.height
        line = y - self.top
        first = height - len(self._tail)
        if self._tail and line >= first:
            return self._tail[line - first] if line - first < len(self._tail) else EMPTY
        return self._rows[y] if y < len(self._rows) else EMPTY

    def _row(self, snapshot: Snapshot, y: int, width: int, count: int) -> Row:
        """As every pane; but the output stands at the bottom, however few rows there are."""
        del count
        return self.row(snapshot, y, width)
