"""Everything that is watched, in full: each target's reading, why it is so, and every value with its unit.

The panes of gauges and endpoints have a line for each and cut it; here nothing is. It stands over the session.
"""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Pane, Row
from quarterdeck.console.panes.target_rows import types_of, value_rows, verdict_rows
from quarterdeck.console.snapshot import Snapshot

__all__ = ["WatchedPane"]


class WatchedPane(Pane):
    """A head for each target, its message whole, and a line for each value."""

    name_ = "watched"
    heading = "Watched"
    opens = "target"

    def __init__(self) -> None:
        super().__init__(framed=False)
        self._rows: list[tuple[str, Row]] = []
        """Each with its target; what is between two has none."""

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make all rows: their number depends on what was read."""
        self._rows = []
        for name in types_of(snapshot):
            said = verdict_rows(snapshot, name, max(20, width), self.look.glyphs)
            self._rows += [(name, row) for row in (*said, *value_rows(snapshot, name))]
            self._rows.append(("", EMPTY))
        if not self._rows:
            self._rows.append(("", ((" nothing is watched: the procedure names no targets", "muted"),)))

    def row_count(self, snapshot: Snapshot) -> int:
        """As many as there are values and lines of messages."""
        del snapshot
        return len(self._rows)

    def subject(self, snapshot: Snapshot, y: int) -> str:
        """Its target."""
        del snapshot
        return self._rows[y][0] if y < len(self._rows) else ""

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del snapshot, width
        return self._rows[y][1] if y < len(self._rows) else EMPTY
