"""The log: what happened, newest at the bottom; and whether it is saved, shared and seen, in words (R26).

Rows are made once for each entry and width, and again where an entry grows. It follows its end, also while it is
filtered, until somebody moves up. An entry opens, with every event of it in full.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from quarterdeck.console.log_entries import LogEntries, LogEntry
from quarterdeck.console.panes.base import Pane, Piece, Row, fit, width_of
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.panes.sheet import Sheet, about_nothing
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.spans import hour, second
from quarterdeck.text import in_full, visible

if TYPE_CHECKING:
    from textual import events

    from quarterdeck.console.store import LogLine
    from quarterdeck.station.wire.protocol import Marks

__all__ = ["EntryPane", "LogPane", "mark_word"]

ROLES = {"info": "text", "notice": "strong", "warning": "warn", "alarm": "critical"}
_PATH = re.compile(r"(?<=\s)~?/\S{20,}$")
UNSAVED = "sending"
"""The mark that is said whatever else has to be cut for it."""
SETTLED = frozenset({"saved", "shared", "seen by all"})
"""Marks that say nothing is amiss."""
WHOLE = "\0"
"""Before a row that begins at the pane's left edge; the gate lets no such character through."""

WHO = {90: 8, 64: 7, 46: 5, 0: 0}
"""Cells of who it was, by the cells that a row has at least."""
SECONDS = 90
"""Cells from which on a row has the seconds; all of them have the minute."""
SHORTEST = 10
"""Cells of a step's number and title that are left where the rest of its entry is to fit on one row."""
MOST, FEW = 4, 2
"""Rows that one entry may take; and one of several calm events, whose rest is read where it is opened."""


def mark_word(position: int, marks: Marks | None) -> str:
    """What is proven of an event: `sending`, `saved`, `shared`, `seen by all`, `seen by all but qa`."""
    if marks is None or not position:
        return ""
    if position > marks.saved:
        return UNSAVED
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
    """`02:14 dba      7 Reindex orders · done after 9 min, 1 check`."""

    name_ = "log"
    heading = "Log"
    filterable = True
    opens = "entry"

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self.entries = LogEntries()
        self._index: list[tuple[int, int]] = []
        """Row to (entry, row within it), of the entries that match the filter."""
        self._begins: list[int] = []
        """Entry to its first row; to that of the next one where the filter hides it."""
        self._wrapped: dict[int, list[str]] = {}
        self._made_for: tuple[int, str] = (0, "")
        """Width and filter."""
        self._source: object = None
        self._follows = True

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Take in what is new."""
        log = snapshot.log
        if self._source is not log:
            self._source, self.entries, self._made_for = log, LogEntries(), (0, "")
        first = self.entries.take(log)
        if self._made_for != (width, self.filter_text):
            self._made_for, first = (width, self.filter_text), 0
            self._wrapped.clear()
        elif first == len(self.entries.all):
            return
        self._lay(first, width)
        if self._follows:
            self._to_end()

    def _lay(self, first: int, width: int) -> None:
        """Make the rows of this entry and of all that follow."""
        words = self.filter_text.casefold().split()
        del self._index[self._begins[first] if first < len(self._begins) else len(self._index) :]
        del self._begins[first:]
        for number in range(first, len(self.entries.all)):
            entry = self.entries.all[number]
            self._begins.append(len(self._index))
            self._wrapped.pop(number, None)
            if entry.matches(words):
                rows = self._wrapped[number] = _rows(entry, width - self._head - 1, width)
                self._index += [(number, part) for part in range(len(rows))]

    def _to_end(self) -> None:
        self.top = max(0, len(self._index) - self.size.height)
        if self.cursor and self._index:
            self.cursor = str(self._index[-1][0])

    def filter_by(self, text: str) -> None:
        """Show only the entries that match; a filter follows the end."""
        self._follows = self._follows or text != self.filter_text
        super().filter_by(text)

    def roll_to(self, top: int) -> None:
        """Whoever scrolls up reads, and is not pulled away; at the end it follows again."""
        super().roll_to(top)
        self._see_whether_at_end()

    def reveal(self, number: int) -> None:
        """Put the cursor on the entry of a line of the log, by its number in the log, and bring it to the middle."""
        snapshot, place = self.snapshot, self.entries.places[number]
        if place not in self._wrapped:
            self.filter_by("")
        if snapshot is not None:
            self._stand_on(self._begins[place])
            self.roll_to(self._begins[place] - self.size.height // 2)

    def _stand_on(self, y: int) -> None:
        """The same where the cursor moves up from the last entry."""
        super()._stand_on(y)
        self._see_whether_at_end()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Without the focus nobody reads where the cursor stood; with it, it begins at the end that is followed."""
        super().watch_has_focus(has_focus)
        if has_focus and self._follows:
            self._to_end()
        elif not self._hidden:
            self._see_whether_at_end()

    def on_hide(self) -> None:
        """Whoever read further up has left it: opened again it shows its end, with what came since."""
        super().on_hide()
        self._follows = True

    def on_show(self) -> None:
        """Shown again, at its end, unless an entry was looked for by then."""
        super().on_show()
        if self._follows:
            self._to_end()
            self.repaint_changed()

    def _see_whether_at_end(self) -> None:
        reads = self.standing() not in {"", str(self._index[-1][0]) if self._index else ""}
        self._follows = not reads and self.top >= len(self._index) - self.size.height

    def on_resize(self, event: events.Resize) -> None:
        """Another size: stay at the end if it was there."""
        if self._follows:
            self._to_end()
        super().on_resize(event)

    @property
    def _head(self) -> int:
        return 7 + self._who + bool(self._who) + 3 * (self._made_for[0] >= SECONDS)

    @property
    def _who(self) -> int:
        return next(cells for least, cells in WHO.items() if self._made_for[0] >= least)

    def row_count(self, snapshot: Snapshot) -> int:
        """Those of what matches; one that says that nothing does."""
        del snapshot
        return len(self._index) or int(bool(self.filter_text.strip()))

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """Its entry."""
        del snapshot
        return str(self._index[y][0]) if y < len(self._index) else ""

    def home(self, count: int) -> int:
        """The newest."""
        return max(0, count - 1)

    def title_of(self, snapshot: Snapshot) -> str:
        """Says when something is not saved yet, and what it is filtered by."""
        marks = snapshot.marks
        unsaved = marks is not None and snapshot.log and snapshot.log[-1].position > marks.saved
        title = "Log · not saved yet" if unsaved else "Log"
        return self.filtered_title(title, len(self._wrapped), len(self.entries.all))

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """Time and author on the first row of an entry, its text below each other."""
        if y >= len(self._index):
            return ((" nothing matches", "muted"),)
        number, part = self._index[y]
        entry, rows = self.entries.all[number], self._wrapped[number]
        head: list[Piece]
        whole = rows[part].startswith(WHOLE)
        if whole:
            head = [(" ", "")]
        elif part:
            head = [(" " * self._head, "")]
        else:
            time = (second if self._made_for[0] >= SECONDS else hour)(entry.at, snapshot.off)
            who = "" if entry.who == "station" else fit(visible(entry.who, 40), self._who)
            head = [(f" {time} ", "faint"), (f"{who:<{self._head - len(time) - 2}}", "muted")]
        text, mark = rows[part].removeprefix(WHOLE), list[Piece]()
        if part == len(rows) - 1 and not whole:
            room = width - self._head
            mark = self._mark(snapshot, entry, number, room - cell_len(text))
            if not mark and mark_word(entry.position, snapshot.marks) == UNSAVED:
                mark = self._mark(snapshot, entry, number, room)
                text = fit(text, room - width_of(tuple(mark))).rstrip()
        return (*head, (text, ROLES[entry.level]), *mark)

    def _mark(self, snapshot: Snapshot, entry: LogEntry, number: int, room: int) -> list[Piece]:
        word = mark_word(entry.position, snapshot.marks)
        last = number == self._index[-1][0]
        if len(word) + 3 > room:
            word = word.replace("seen by all but", "not")
        if not word or len(word) + 3 > room:
            return []
        settled = word in SETTLED
        if settled and not last:
            return []
        return [(f" {self.look.glyphs.dot} {word}", "faint" if settled else "warn")]


def _rows(entry: LogEntry, width: int, whole: int) -> list[str]:
    """An entry on one row where that fits, its step's title shortened before it takes more.

    A long path at its end stands on rows of its own, of `whole` cells, from the pane's left edge.
    """
    name, words = visible(entry.name, 200), visible(entry.words, 1_000)
    text = f"{name} · {words}" if name else words
    width = max(8, width)
    room = width - cell_len(f" · {words}")
    if name and SHORTEST <= room < cell_len(name):
        return [f"{fit(name, room).rstrip()} · {words}"]
    path = _PATH.search(text)
    if path is not None and len(text) > width:
        rows = wrap(text[: path.start()].rstrip(), width, MOST)
        return rows + [WHOLE + part for part in wrap(path[0], max(8, whole - 2))]
    return wrap(text, width, FEW if len(entry.lines) > 1 and entry.level in {"info", "notice"} else MOST)


class EntryPane(Sheet):
    """Every event of one entry in full: when to the second, who, its sentence, what is proven of it."""

    def __init__(self, entry: LogEntry) -> None:
        super().__init__()
        self.entry = entry

    def made(self, snapshot: Snapshot, width: int) -> list[tuple[str, Row]]:
        """Two or more for each event: it may still grow, and more is proven of it."""
        return about_nothing(row for line in self.entry.lines for row in self._rows_of(line, snapshot, width))

    def _rows_of(self, line: LogLine, snapshot: Snapshot, width: int) -> list[Row]:
        login = f", {visible(line.login, 40)}" if line.login not in {"", line.who} else ""
        mark = mark_word(line.position, snapshot.marks)
        head: Row = (
            (f" {second(line.at, snapshot.off)} ", "text"),
            (f"{visible(line.who, 40)}{login}", "muted"),
            (f" {self.look.glyphs.dot} {mark}" if mark else "", "faint" if mark in SETTLED else "warn"),
        )
        text = wrap(in_full(line.text), max(8, width - 3))
        return [head, *((("   ", ""), (part, ROLES[line.level])) for part in text)]
