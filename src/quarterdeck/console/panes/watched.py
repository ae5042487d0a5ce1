"""Everything that is watched, in full: each target's reading, why it is so, and every value with its unit.

The panes of gauges and endpoints have a line for each and cut it; here nothing is. It stands over the session.
"""

from __future__ import annotations

from quarterdeck.console.panes.base import EMPTY, Row
from quarterdeck.console.panes.sheet import Sheet, about_nothing
from quarterdeck.console.panes.target_rows import types_of, value_rows, verdict_rows
from quarterdeck.console.snapshot import Snapshot

__all__ = ["WatchedPane"]


class WatchedPane(Sheet):
    """A head for each target, its message whole, and a line for each value."""

    name_ = "watched"
    heading = "Watched"
    opens = "target"

    def made(self, snapshot: Snapshot, width: int) -> list[tuple[str, Row]]:
        """A block for each target; what is between two is about none."""
        rows: list[tuple[str, Row]] = []
        for name in types_of(snapshot):
            said = verdict_rows(snapshot, name, width, self.look.glyphs)
            rows += [(name, row) for row in (*said, *value_rows(snapshot, name))]
            rows.append(("", EMPTY))
        return rows or about_nothing([((" nothing is watched: the procedure names no targets", "muted"),)])
