"""The palette: everything that can be done now, by name. What does not apply is not in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from quarterdeck.console.commands.base import Command
from quarterdeck.console.screens.form_bar import Line
from quarterdeck.console.screens.modal import Modal, Shown

__all__ = ["PaletteScreen", "matches"]

ROWS = 14
AROUND = 8
"""Lines of the box beside them."""


def matches(typed: str, command: Command) -> bool:
    """Whether every word that was typed stands in the command's title, id or help, in any order."""
    where = f"{command.title} {command.id.replace('_', ' ')} {command.help}".lower()
    return all(part in where for part in typed.lower().split())


class PaletteScreen(Modal[str]):
    """Returns the id of the picked command; empty where it was left."""

    DEFAULT_CSS = """
    PaletteScreen { align: center top; background: $background 60%; }
    PaletteScreen > #box { width: 84; max-width: 96%; height: auto; max-height: 90%; margin-top: 2;
                           border: round $accent; background: $surface; padding: 0 1; }
    PaletteScreen Line { border: none; height: 1; padding: 0; background: $surface; }
    PaletteScreen Line:focus { border: none; }
    PaletteScreen #rows { height: auto; margin-top: 1; }
    PaletteScreen #told { height: 2; color: $muted; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, possible: Sequence[Command], key_of: Callable[[Command], str]) -> None:
        """`possible` are the commands that apply; `key_of` says the key to show for one."""
        super().__init__()
        self._key_of = key_of
        self._all = list(possible)
        self._all.sort(key=lambda command: command.urgent)  # never what Enter alone would do
        self._found = self._all
        self._at = 0
        self._line, self._rows, self._told = (
            Line(placeholder="what to do …"),
            Static("", id="rows"),
            Static("", id="told"),
        )

    def compose(self) -> ComposeResult:
        """A field, what is found, what it does, the halt button."""
        with Vertical(id="box"):
            yield self._line
            yield self._rows
            yield self._told
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """Beside the letters that are typed."""
        return ("enter", "do it"), ("up down", "move"), ("esc", "leave")

    def on_mount(self) -> None:
        """Type at once."""
        self._line.focus()
        self._paint()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find."""
        event.stop()
        self._found = [command for command in self._all if matches(event.value, command)]
        typed = event.value.lower()
        self._found.sort(key=lambda command: (typed not in command.title.lower(), command.urgent))
        self._at = 0
        self._paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it."""
        event.stop()
        if self._found:
            self.finish(self._found[self._at].id)

    def on_key(self, event: events.Key) -> None:
        """Arrows move."""
        if event.key in {"up", "down"} and self._found:
            event.stop()
            self._at = (self._at + (1 if event.key == "down" else -1)) % len(self._found)
            self._paint()

    def _paint(self) -> None:
        top, most = self._window()
        rows = []
        for number, command in enumerate(self._found[top : top + most], top):
            row = Content.assemble((f" {self._key_of(command):<7}", "bold $accent"), f"{command.title} ")
            rows.append(row.stylize("reverse") if number == self._at else row)
        self._rows.update(Content("\n").join(rows) if rows else Content("nothing by that name"))
        told = self._found[self._at].help if self._found else ""
        self._told.update(Content(told))

    def _window(self) -> tuple[int, int]:
        """The first command that is listed, and how many there is room for over the bar."""
        most = max(1, min(ROWS, (self.app.size.height - 2) * 9 // 10 - AROUND))
        return max(0, min(self._at - most // 2, len(self._found) - most)), most

    def on_resize(self) -> None:
        """Another size has room for another number."""
        self._paint()

    def on_click(self, event: events.Click) -> None:
        """Pick with the mouse."""
        if event.widget is self._rows:
            number = self._window()[0] + event.y
            if 0 <= number < len(self._found):
                event.stop()
                self.finish(self._found[number].id)

    def action_leave(self) -> None:
        """Leave."""
        self.finish("")
