"""The references: the least that Textual can do. `python -m tests.bench.minimal_app [text|list STEPS|repaint]`.

`text` shows one line; `list` is a bare Line-API list with a cursor; `repaint` paints all of 200x50 anew at each key.
Uses nothing of Quarterdeck, on purpose.
"""

from __future__ import annotations

import sys

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

READY = "minimal app is ready"
CURSOR = "▌"


class Text(App[None]):
    """One line."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield Static(READY)


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """A list with a cursor, as large as the console's: a key repaints the two lines that changed, or scrolls by one.

    Without the arrows of a scroll view: those would scroll at every key as well, with an animation.
    """

    DEFAULT_CSS = "Lines { width: 100; height: 28; }"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.at = 0
        self.virtual_size = Size(90, count)

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        if number >= self.count:
            return Strip.blank(self.size.width, self.rich_style)
        chosen = number == self.at
        style = self.rich_style + Style(bgcolor="blue") if chosen else self.rich_style
        text = f"{CURSOR if chosen else ' '} {number + 1:>5} Step number {number + 1} "
        return Strip([Segment(text, style), Segment("dba  1m".rjust(60), style)]).adjust_cell_length(
            self.size.width, style
        )

    def on_key(self, event: events.Key) -> None:
        by = {"up": -1, "down": 1}.get(event.key, 0)
        before, self.at = self.at, max(0, min(self.count - 1, self.at + by))
        top, height = self.scroll_offset.y, self.size.height
        for number in (before, self.at):
            self.refresh(Region(0, number - top, self.size.width, 1))
        if self.at >= top + height:
            self.scroll_to(y=self.at - height + 1, animate=False, force=True)
        elif self.at < top:
            self.scroll_to(y=self.at, animate=False, force=True)


class ListApp(App[None]):
    """The list and nothing else."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def compose(self) -> ComposeResult:
        yield Lines(self.count)


class Full(ScrollView, can_focus=True):
    """Text in every cell, another one after each key."""

    number = 0

    def render_line(self, y: int) -> Strip:
        words = f"repaint {self.number} of line {y} "
        words = (words * (self.size.width // len(words) + 1))[: self.size.width]
        parts = [words[at : at + 10] for at in range(0, len(words), 10)]
        colours = ("red", "green", "yellow", "cyan", "white")
        return Strip(
            [Segment(part, self.rich_style + Style(color=colours[at % 5])) for at, part in enumerate(parts)]
        ).adjust_cell_length(self.size.width, self.rich_style)

    def on_key(self) -> None:
        self.number += 1
        self.refresh()


class FullApp(App[None]):
    """The full screen and nothing else."""

    ENABLE_COMMAND_PALETTE = False

    def compose(self) -> ComposeResult:
        yield Full()


def main() -> None:
    """Run the one that was asked for."""
    which = sys.argv[1] if len(sys.argv) > 1 else "text"
    apps: dict[str, App[None]] = {"list": ListApp(int(sys.argv[2]) if which == "list" else 0), "repaint": FullApp()}
    apps.get(which, Text()).run()


if __name__ == "__main__":
    main()
