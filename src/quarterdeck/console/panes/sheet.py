"""A pane that is read from top to bottom: all its rows are made at each tick, since their number is not known."""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.console.panes.base import EMPTY, Pane, Row
from quarterdeck.console.snapshot import Snapshot

__all__ = ["Sheet", "about_nothing"]

NARROWEST = 20
"""Cells that rows are made for at least."""


def about_nothing(rows: Iterable[Row]) -> list[tuple[str, Row]]:
    """Rows of which none is to be opened."""
    return [("", row) for row in rows]


class Sheet(Pane):
    """Subclasses write `made`. It stands without a frame, over the session or as a part of what does."""

    def __init__(self) -> None:
        super().__init__(framed=False)
        self._made: list[tuple[str, Row]] = []

    def made(self, snapshot: Snapshot, width: int) -> list[tuple[str, Row]]:  # noqa: ARG002 - the default has none
        """All rows for `width` cells, each with what it is about, where that is to be opened."""
        return []

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make them."""
        self._made = self.made(snapshot, max(NARROWEST, width))

    def row_count(self, snapshot: Snapshot) -> int:
        """As many as were made."""
        del snapshot
        return len(self._made)

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """What row `y` is about."""
        del snapshot
        return self._made[y][0] if y < len(self._made) else ""

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """As it was made."""
        del snapshot, width
        return self._made[y][1] if y < len(self._made) else EMPTY
