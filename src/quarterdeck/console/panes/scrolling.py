"""Scrolling by rows: keys and wheel move `top`, and nothing is laid out again.

Textual's scroll views keep a virtual size, and a scrollbar widget, whose changes lay out the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.widget import Widget

if TYPE_CHECKING:
    from textual import events

__all__ = ["RowScroller"]

WHEEL = 3
"""Lines that a turn of the mouse wheel scrolls."""
ROLLS = {
    "up": ("roll", -1), "down": ("roll", 1), "pageup": ("roll_page", -1), "pagedown": ("roll_page", 1),
    "home": ("roll_end", -1), "end": ("roll_end", 1),
}  # fmt: skip
"""Keys that are no characters, and so no commands: the action of each."""


class RowScroller(Widget):
    """A widget of more rows than lines: `top` is the first one that is visible."""

    BINDINGS: ClassVar = [
        Binding("k", "roll(-1)", "up", show=False),
        Binding("j", "roll(1)", "down", show=False),
    ]

    top: int = 0
    """The first row that is visible."""

    def count(self) -> int:
        """How many rows there are now."""
        return 0

    def repaint_changed(self) -> None:
        """Refresh what looks otherwise than it is painted."""
        self.refresh()

    def roll_to(self, top: int) -> None:
        """Show from this row on, as far as there are rows."""
        top = max(0, min(top, self.count() - self.size.height))
        if top != self.top:
            self.top = top
            self.repaint_changed()

    def on_key(self, event: events.Key) -> None:
        """Move at once: a key that goes up through all widgets around this one takes longer than its paint."""
        if event.key in ROLLS:
            event.stop()
            action, by = ROLLS[event.key]
            getattr(self, f"action_{action}")(by)

    def action_roll(self, by: int) -> None:
        """Scroll by lines."""
        self.roll_to(self.top + by)

    def action_roll_page(self, by: int) -> None:
        """Scroll by a page."""
        self.roll_to(self.top + by * max(1, self.size.height - 1))

    def action_roll_end(self, by: int) -> None:
        """Scroll to the top or the bottom."""
        self.roll_to(0 if by < 0 else self.count())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines, as terminals do."""
        event.stop()
        self.roll_to(self.top + WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines, as terminals do."""
        event.stop()
        self.roll_to(self.top - WHEEL)
