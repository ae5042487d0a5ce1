"""A small app that shows the deck with a made-up night: for pictures, and for the tests of the panes.

`python tests/console/harness.py STATE COLUMNSxLINES FILE.svg [THEME] [ascii] [LAYOUT]` draws a picture.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from textual.app import App, ComposeResult
from textual.filter import LineFilter

from quarterdeck.console.deck import Deck
from quarterdeck.console.layout import Layouts
from quarterdeck.console.panes.halt import HaltPressed
from quarterdeck.console.panes.procedure import StepSelected
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.terminal.ascii import AsciiFilter
from quarterdeck.console.theme import NAMES, Look, dress, filters

KEYS = (
    ("P", "pause", True), ("S", "start", True), ("D", "done", True), ("F", "fail", True), ("K", "skip", True),
    ("n", "note", False), ("v", "verify", False), ("enter", "open", False), ("?", "help", False),
    ("^p", "palette", False),
)  # fmt: skip


class Harness(App[None]):
    """Deck and nothing else."""

    look: Look
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, snapshot: Snapshot, *, theme: str = "night", ascii_glyphs: bool = False, layout: str = "lead",
        layouts: Layouts | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        dress(self, theme, ascii_glyphs=ascii_glyphs)
        self.deck = Deck(layouts or Layouts(), layout)
        self.deck.set_keys(KEYS)
        self.deck.snapshot = snapshot
        self.first = snapshot
        self.halts = 0
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.deck

    def get_line_filters(self) -> Sequence[LineFilter]:
        found = [*super().get_line_filters(), *filters(self.look)]
        return [*found, AsciiFilter()] if self.look.glyphs.name == "ascii" else found

    def on_halt_pressed(self, _message: HaltPressed) -> None:
        self.halts += 1

    def on_step_selected(self, message: StepSelected) -> None:
        self.chosen.append(message.step)


async def _draw(arguments: list[str]) -> None:
    import night

    state, size, path = arguments[:3]
    width, height = (int(part) for part in size.split("x"))
    theme = next((word for word in arguments[3:] if word in NAMES), "night")
    layout = next((word for word in arguments[3:] if word in {"lead", "assignee", "wallboard", "compact"}), "lead")
    snapshot: Snapshot = night.snapshot(state)
    app = Harness(snapshot, theme=theme, ascii_glyphs="ascii" in arguments, layout=layout)
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        for word in arguments[3:]:
            if word.startswith("press:"):
                await pilot.press(*word.removeprefix("press:").split(","))
        await pilot.pause()
        app.save_screenshot(path)


def main(arguments: list[str]) -> None:
    asyncio.run(_draw(arguments))


_: Any = None

if __name__ == "__main__":
    main(sys.argv[1:])
