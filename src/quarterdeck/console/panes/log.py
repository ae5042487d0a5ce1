"""The log: what happened, told, newest at the bottom; and whether it is saved, shared and seen, in words (R26).

Append-only: wrapped rows are made once for each line and width. It follows the end until somebody scrolls up.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import LogLine
from quarterdeck.spans import second
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events

    from quarterdeck.station.wire.protocol import Marks

__all__ = ["LogPane", "mark_word"]

ROLES = {"info": "text", "notice": "strong", "warning": "warn", "alarm": "critical"}
QUIET = frozenset({"step.granted"})
"""Kinds that say nothing to a person beside the next line, which says `started`; the record keeps them."""

_PATH = re.compile(r"(?<=\s)~?/\S{20,}$")
WHOLE = "\0"
"""Before a row that begins at the pane's left edge; the gate lets no such character through."""

MOST = 4
"""Rows that one entry may take."""


def mark_word(position: int, marks: Marks | None) -> str:
    """What is proven of an event: `sending`, `saved`, `shared`, `seen by all`, `seen by all but qa`."""
    if marks is None or not position:
        return ""
    if position > marks.saved:
        return "sending"
    if not marks.seen:
        return "saved" if position > marks.shared or not marks.shared else "shared"
    if position > marks.shared:
        return "saved"
    missing = [who for who, until in marks.seen.items() if until < position]
    if not missing:
        return "seen by all"
    if len(missing) == len(marks.seen):
        return "shared"
    return f"seen by all but {', '.join(sorted(missing)[:3])}"


class LogPane(Pane):
    """`02:14:07 dba      7 Reindex orders started`."""

    name_ = "log"
    heading = "Log"

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self._index: list[tuple[int, int]] = []
        """Row to (line of the log, row within it)."""
        self._lines = 0
        self._width = 0
        self._source: object = None
        self._wrapped: dict[int, list[str]] = {}
        self._follows = True

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Take in the new lines."""
        log = snapshot.log
        fresh = self._source is not log
        if width != self._width or fresh:
            self._index.clear()
            self._wrapped.clear()
            self._lines, self._width = 0, width
        self._source = log
        if len(log) == self._lines:
            return
        for number in range(self._lines, len(log)):
            if log[number].kind in QUIET and log[number].level == "info":
                continue
            rows = self._rows_of(visible(log[number].text, 1_000))
            self._wrapped[number] = rows
            self._index += [(number, part) for part in range(len(rows))]
        self._lines = len(log)
        if self._follows:
            self.top = max(0, len(self._index) - self.size.height)

    def _rows_of(self, text: str) -> list[str]:
        """The text below itself; a long path at its end on rows of its own, whole, from the pane's left edge."""
        path = _PATH.search(text)
        if path is None or len(text) <= self._text_width:
            return wrap(text, max(8, self._text_width), MOST)
        rows = wrap(text[: path.start()].rstrip(), max(8, self._text_width), MOST)
        return rows + [WHOLE + part for part in wrap(path[0], max(8, self._width - 2))]

    def roll_to(self, top: int) -> None:
        """Whoever scrolls up reads, and is not pulled away; at the end it follows again."""
        super().roll_to(top)
        self._follows = self.top >= len(self._index) - self.size.height

    def reveal(self, number: int) -> None:
        """Bring a line of the log to the pane's middle, by its number in the log."""
        self.roll_to(bisect_left(self._index, (number, 0)) - self.size.height // 2)

    def on_resize(self, event: events.Resize) -> None:
        """Another size: stay at the end if it was there."""
        if self._follows:
            self.top = max(0, len(self._index) - self.size.height)
        super().on_resize(event)

    @property
    def _head(self) -> int:
        return 19 if self._width >= 50 else 6

    @property
    def _text_width(self) -> int:
        return self._width - self._head - 1

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return len(self._index)

    def title_of(self, snapshot: Snapshot) -> str:
        """Says when something is not saved yet."""
        marks = snapshot.marks
        if marks is not None and snapshot.log and snapshot.log[-1].position > marks.saved:
            return "Log · not saved yet"
        return "Log"

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """Time and author on the first row of a line, its text below each other."""
        if y >= len(self._index):
            return EMPTY
        number, part = self._index[y]
        line = snapshot.log[number]
        rows = self._wrapped[number]
        head: list[Piece]
        whole = rows[part].startswith(WHOLE)
        if whole:
            head = [(" ", "")]
        elif part:
            head = [(" " * self._head, "")]
        elif self._head > 6:
            head = [(f" {second(line.at, snapshot.off)} ", "faint"), (f"{visible(line.who, 40)[:8]:<9}", "muted")]
        else:
            head = [(f"{second(line.at, snapshot.off)[:5]} ", "faint")]
        row: list[Piece] = [*head, (rows[part].removeprefix(WHOLE), ROLES[line.level])]
        if part == len(rows) - 1 and not whole:
            row += self._mark(snapshot, line, number, width - self._head - len(rows[part]))
        return tuple(row)

    def _mark(self, snapshot: Snapshot, line: LogLine, number: int, room: int) -> list[Piece]:
        word = mark_word(line.position, snapshot.marks)
        last = number == self._index[-1][0]
        if len(word) + 3 > room:
            word = word.replace("seen by all but", "not")
        if not word or len(word) + 3 > room:
            return []
        settled = word in {"saved", "shared", "seen by all"}
        if settled and not last:
            return []
        return [(f" {self.look.glyphs.dot} {word}", "faint" if settled else "warn")]
