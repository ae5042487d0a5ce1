"""The keys that work now, in one or two lines; they come from the command registry, this only shows them.

What the console says to its person stands here instead for some seconds: nothing else is covered by it. Where it is
longer than the pane, the pane grows, and those above it give a line or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from quarterdeck.console.panes.base import Pane, Piece, Row
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events

__all__ = ["FooterKey", "FooterPane"]

MOST = 3
"""Lines that something said takes at most; the log has all of it."""

Key = tuple[str, str, bool]
"""Key, label, whether it is consequential."""


class FooterKey(Message):
    """A key of the footer was clicked."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class FooterPane(Pane):
    """`S start  D done  P pause  n note  ? help`."""

    name_ = "footer"
    bar = True
    keys: reactive[tuple[Key, ...]] = reactive((), layout=False, repaint=False, init=False)
    """(key, label, consequential) in the order of their weight."""

    _grown = 0
    """Lines that it has beyond what the layout gives."""

    def row_count(self, snapshot: Snapshot) -> int:
        """As many lines as the pane has."""
        del snapshot
        return max(1, self.size.height)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """Have room for what is said."""
        if snapshot is not None and self.is_mounted:
            said = len(self._said(snapshot, self.content_width or self.app.size.width))
            self._grow(max(0, said - self._given))
        super().watch_snapshot(snapshot)

    @property
    def _given(self) -> int:
        """Lines that the layout gives it."""
        height = self.styles.height
        return int(height.value) - self._grown if height is not None and height.is_cells else 1

    def _grow(self, lines: int) -> None:
        """Have so many lines more than the layout gives, and all around it that has a height as well."""
        by, self._grown = lines - self._grown, lines
        for node in (self, *self.ancestors) if by else ():
            height = node.styles.height if isinstance(node, Widget) else None
            if height is not None and height.is_cells:
                node.styles.height = int(height.value) + by

    def _said(self, snapshot: Snapshot, width: int) -> list[Row]:
        """What is said, in as many lines as it takes."""
        if snapshot.said is None:
            return []
        text, level = snapshot.said
        sign, badge, role = (
            ("i", "badge-calm", "strong")
            if level == "information"
            else (self.look.glyphs.alert, "badge-warn" if level == "warning" else "halt", "warn")
        )
        lines = wrap(text, max(1, width - 5), most=MOST)
        heads: list[Piece] = [(f" {sign} ", badge), *[("   ", "")] * (len(lines) - 1)]
        return [(head, (" ", ""), (line, role)) for head, line in zip(heads, lines, strict=True)]

    def set_keys(self, keys: Sequence[Key]) -> None:
        """Show these keys."""
        self.keys = tuple(keys)

    def watch_keys(self) -> None:
        """Repaint what changed."""
        self.repaint_changed()

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """Line `y`: whole keys only; those that do not fit are in the help. While something is said, that."""
        if said := self._said(snapshot, width):
            return said[y] if y < len(said) else ()
        flowed = self._flow(width)
        return tuple(piece for _, pieces in flowed[y] for piece in pieces) if y < len(flowed) else ()

    def _flow(self, width: int) -> list[list[tuple[str, list[Piece]]]]:
        rows: list[list[tuple[str, list[Piece]]]] = [[]]
        used = 0
        for key, label, consequential in self.keys:
            shown, word = visible(key, 12), visible(label, 30)
            length = len(shown) + len(word) + 4
            if used + length > width:
                if len(rows) >= max(1, self.size.height):
                    break
                rows.append([])
                used = 0
            role = "key-strong" if consequential else "key"
            rows[-1].append((key, [(" ", ""), (shown, role), (f" {word}  ", "muted")]))
            used += length
        return rows

    def on_click(self, event: events.Click) -> None:
        """Say which key was clicked."""
        if self.snapshot is not None and self.snapshot.said is not None:
            return
        flowed = self._flow(self.content_width)
        if not 0 <= event.y < len(flowed):
            return
        at = 0
        for key, pieces in flowed[event.y]:
            at += sum(len(text) for text, _ in pieces)
            if event.x < at:
                event.stop()
                self.post_message(FooterKey(key))
                return
