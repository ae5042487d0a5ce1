"""The NEXT line: what the session waits for, and which key is yours. Keys stand out; an alarm turns the line red."""

from __future__ import annotations

import re
from collections.abc import Callable

from quarterdeck.console.panes.base import Pane, Piece, Row, fit
from quarterdeck.console.panes.cursor import stands_on_row
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.next_line import next_line
from quarterdeck.text import visible

__all__ = ["NextPane", "fitting"]

_KEY = re.compile(r"(?:(?<=[·:,?] )|(?<=^)|(?<=in the list ))(enter|F\d+|\^p|[A-Zv]) (?=[a-z])")
_ENTER = re.compile(r"(?:(?<=[·:,?] )|(?<=^))enter(?= [a-z])")
NAMES = (0, 40, 28, 20)
"""Characters of a step's name that are tried until all of the sentence stands there; 0: all."""
_BADGES = {"calm": "badge-grey", "asks": "badge-warn", "alarm": "halt"}


class NextPane(Pane):
    """` NEXT  waiting for dba: 7 Reindex orders, 9 of 15 min · then you: S starts 8`."""

    name_ = "next"
    bar = True
    opens = "target"

    _fitted: tuple[Snapshot, tuple[int, int], str, list[str]] | None = None

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
        text, rows = self._fitting(snapshot, width - 8, max(1, self.size.height))
        head: Piece = (" NEXT ", _BADGES[line.level]) if y == 0 else ("      ", "")
        if y >= len(rows):
            return (head,) if y == 0 else ()
        start = sum(len(row) + 1 for row in rows[:y])
        shown = fit(rows[y], width - 8).rstrip().replace("\u00a0", " ")
        clause = len(text.split(" · ", 1)[0]) - start
        return (head, (" ", ""), *_pieces(shown, clause))

    def _fitting(self, snapshot: Snapshot, width: int, height: int) -> tuple[str, list[str]]:
        if self._fitted is not None and self._fitted[0] is snapshot and self._fitted[1] == (width, height):
            return self._fitted[2:]
        elsewhere = stands_on_row(self.screen.focused)
        text, rows = fitting(
            snapshot, width, height, lambda text: self.said(in_the_list(text) if elsewhere else text)
        )
        self._fitted = snapshot, (width, height), text, rows
        return text, rows


def in_the_list(sentence: str) -> str:
    """The sentence while enter is another pane's: `in the list enter answers`."""
    return _ENTER.sub("in the list enter", sentence)


def fitting(snapshot: Snapshot, width: int, height: int, said: Callable[[str], str]) -> tuple[str, list[str]]:
    """The sentence and its lines: steps' names are cut before what is to be done. `said` puts a person's keys in."""
    text, rows = "", list[str]()
    for most in NAMES:
        line = next_line(snapshot.session, snapshot.now, snapshot.me, most=most) if most else snapshot.next_line
        text = visible(said(line.text) + _reads_now(snapshot), 1_000)
        rows = wrap(_KEY.sub("\\1\u00a0", text), width)
        if len(rows) <= height:
            return text, rows
    return text, wrap(_KEY.sub("\\1\u00a0", text), width, most=height)


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
