"""The NEXT line: what the session waits for, and which key is yours. Keys stand out; an alarm turns the line red."""

from __future__ import annotations

import re

from quarterdeck.console.panes.base import Pane, Piece, Row, fit
from quarterdeck.console.panes.columns import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.text import visible

__all__ = ["NextPane"]

_KEY = re.compile(r"(?:(?<=[·:,?] )|(?<=^))(enter|F9|[A-Zv])(?= [a-z])")
_BADGES = {"calm": "badge-grey", "asks": "badge-warn", "alarm": "halt"}


class NextPane(Pane):
    """` NEXT  waiting for dba: 7 Reindex orders, 9 of 15 min · then you: S starts 8`."""

    name_ = "next"
    bar = True

    def row_count(self, snapshot: Snapshot) -> int:
        """As many lines as the pane has."""
        del snapshot
        return max(1, self.size.height)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """Line `y` of the wrapped sentence."""
        line = snapshot.next_line
        height = max(1, self.size.height)
        text = visible(line.text, 1_000)
        rows = wrap(text, width - 8, most=height)
        badge = _BADGES[line.level]
        head: Piece = (" NEXT ", badge) if y == 0 else ("      ", "")
        if y >= len(rows):
            return (head,) if y == 0 else ()
        return (head, (" ", ""), *self._pieces(fit(rows[y], width - 8).rstrip()))

    def _pieces(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        at = 0
        for match in _KEY.finditer(text):
            pieces.append((text[at : match.start()], "strong" if not at else "text"))
            pieces.append((match.group(), "key-strong"))
            at = match.end()
        pieces.append((text[at:], "text"))
        return [piece for piece in pieces if piece[0]]
