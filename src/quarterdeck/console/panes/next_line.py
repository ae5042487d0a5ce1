"""The NEXT line: what the session waits for, and which key is yours. Keys stand out; an alarm turns the line red."""

from __future__ import annotations

import re

from quarterdeck.console.panes.base import Pane, Piece, Row, fit
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.text import visible

__all__ = ["NextPane"]

_KEY = re.compile(r"(?:(?<=[·:,?] )|(?<=^))(enter|F\d+|\^p|[A-Zv]) (?=[a-z])")
_BADGES = {"calm": "badge-grey", "asks": "badge-warn", "alarm": "halt"}


class NextPane(Pane):
    """` NEXT  waiting for dba: 7 Reindex orders, 9 of 15 min · then you: S starts 8`."""

    name_ = "next"
    bar = True
    opens = "target"

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """The target that it is about, where it is about one."""
        from quarterdeck.console.subjects import asked_about

        del y
        return next(iter(asked_about(snapshot.session, snapshot.next_line.step, snapshot.now)), "")

    def row_count(self, snapshot: Snapshot) -> int:
        """As many lines as the pane has."""
        del snapshot
        return max(1, self.size.height)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        line = snapshot.next_line
        text = visible(self.said(line.text) + _reads_now(snapshot), 1_000)
        rows = wrap(_KEY.sub("\\1\u00a0", text), width - 8, most=max(1, self.size.height))
        head: Piece = (" NEXT ", _BADGES[line.level]) if y == 0 else ("      ", "")
        if y >= len(rows):
            return (head,) if y == 0 else ()
        start = sum(len(row) + 1 for row in rows[:y])
        shown = fit(rows[y], width - 8).rstrip().replace("\u00a0", " ")
        clause = len(text.split(" · ", 1)[0]) - start
        return (head, (" ", ""), *_pieces(shown, clause))


def _reads_now(snapshot: Snapshot) -> str:
    """Of an open proposal: what its guard would read at this moment, since the reason's number is of then."""
    if snapshot.next_line.question != "proposal":
        return ""
    from quarterdeck.console.panes.banner import reads_now

    said = reads_now(snapshot)
    return f" · now {said}" if said else ""


def _pieces(text: str, clause: int) -> list[Piece]:
    """The first clause (so many characters) strong, keys standing out."""
    pieces: list[Piece] = []
    at = 0
    for match in [*_KEY.finditer(text), None]:
        until = match.start() if match else len(text)
        middle = min(max(clause, at), until)
        pieces += [(text[at:middle], "strong"), (text[middle:until], "text")]
        if match:
            pieces.append((match.group(1), "key-strong"))
            at = match.end(1)
    return [piece for piece in pieces if piece[0]]
