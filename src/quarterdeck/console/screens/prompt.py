"""One line to type into, at the foot of what it is about: the filter of a pane. Each change is told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.widgets import Input, Static

from quarterdeck.console.screens.form_bar import Line
from quarterdeck.console.screens.modal import Modal, Shown

__all__ = ["Prompt"]

LINES = 2
"""The field, and the line with the halt button and the keys."""
NARROWEST = 34
"""Cells under which the keys would not fit any more."""


class Prompt(Modal[str]):
    """Returns what stands in the field at Enter; nothing at Escape, or where a halt closed it."""

    DEFAULT_CSS = """
    Prompt { background: transparent; }
    Prompt > #prompt { height: 2; background: $surface; }
    Prompt Horizontal { height: 1; }
    Prompt .sign { width: 3; color: $accent; text-style: bold; }
    Prompt .proposed, Prompt .said { display: none; }
    Prompt Line { border: none; height: 1; padding: 0; background: $surface; }
    Prompt Line:focus { border: none; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(
        self, at: Callable[[], Region], text: str, typed: Callable[[str], None], *, enter: str, escape: str
    ) -> None:
        """`at` is the place at whose foot it stands; `typed` is told each change; what Enter and Escape do."""
        super().__init__()
        self._at, self._typed, self._enter, self._escape = at, typed, enter, escape
        self._line = Line(value=text, select_on_focus=True)
        self._box = Vertical(id="prompt")

    def compose(self) -> ComposeResult:
        """The field, the halt button."""
        with self._box:
            with Horizontal():
                yield Static(" /", classes="sign")
                yield self._line
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """Beside the letters that are typed."""
        return ("enter", self._enter), ("esc", self._escape)

    def on_mount(self) -> None:
        """Type at once."""
        self._line.focus()
        self._place()
        self.call_after_refresh(self._place)  # a tab that came to the front for it is laid out by then

    def on_resize(self, event: events.Resize) -> None:
        """The place is elsewhere by now."""
        del event
        self.call_after_refresh(self._place)

    def _place(self) -> None:
        region, size = self._at(), self.app.size
        width = min(size.width, max(NARROWEST, region.width))
        box = self._box.styles
        box.width = width
        box.offset = max(0, min(region.x, size.width - width)), max(0, min(region.bottom, size.height) - LINES)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell it."""
        event.stop()
        self._typed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it."""
        event.stop()
        self.finish(event.value)

    def action_leave(self) -> None:
        """Take it away."""
        self.finish("")
