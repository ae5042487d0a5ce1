"""One target in full: how it is and why, and every value with its unit. It stands over the session."""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Pane, Row
from quarterdeck.console.panes.target_rows import targets_of, value_rows, verdict_rows
from quarterdeck.console.snapshot import Snapshot

__all__ = ["TargetPane"]


class TargetPane(Pane):
    """What is known of one target."""

    name_ = "target"
    heading = "Target"

    def __init__(self, target: str) -> None:
        super().__init__(framed=False)
        self.target = target
        self._rows: list[Row] = []

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make all rows: their number depends on what was read."""
        kind = targets_of(snapshot).get(self.target, "")
        self._rows = [
            *verdict_rows(snapshot, self.target, kind, max(20, width), self.look.glyphs),
            *value_rows(snapshot, self.target, kind),
        ]

    def row_count(self, snapshot: Snapshot) -> int:
        """As many as there is to say."""
        del snapshot
        return len(self._rows)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del snapshot, width
        return self._rows[y] if y < len(self._rows) else EMPTY
