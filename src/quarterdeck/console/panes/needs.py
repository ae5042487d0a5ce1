"""The line of a terminal that is too small: what is needed, and how large this one is."""

from __future__ import annotations

from quarterdeck.console.panes.base import Pane, Row, fit
from quarterdeck.console.snapshot import Snapshot

__all__ = ["NeedsPane"]


class NeedsPane(Pane):
    """`80x24 is needed to see everything; this is 62x20`, with the state."""

    name_ = "needs"
    bar = True

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return 1

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del y
        size = self.app.size
        state = str(snapshot.session.state).replace("_", " ").upper()
        return ((fit(f" {state} · 80x24 shows everything, this is {size.width}x{size.height}", width), "badge-warn"),)
