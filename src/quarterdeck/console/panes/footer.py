"""The keys that work now, in one or two lines. They come from the command registry; this only shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message
from textual.reactive import reactive

from quarterdeck.console.panes.base import Pane, Piece, Row
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events

__all__ = ["FooterKey", "FooterPane"]

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

    def row_count(self, snapshot: Snapshot) -> int:
        """As many lines as the pane has."""
        del snapshot
        return max(1, self.size.height)

    def set_keys(self, keys: Sequence[Key]) -> None:
        """Show these keys."""
        self.keys = tuple(keys)

    def watch_keys(self) -> None:
        """Repaint what changed."""
        self.repaint_changed()

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """Line `y`: whole keys only; those that do not fit are in the help."""
        del snapshot
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
