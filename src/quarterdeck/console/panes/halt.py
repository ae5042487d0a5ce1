"""The halt button: always there, always clickable, and it says which key works now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message
from textual.reactive import reactive

from quarterdeck.console.panes.base import Pane, Row, fit
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events
    from textual.widget import Widget

__all__ = ["HaltPane", "HaltPressed"]

_TYPING = frozenset({"Input", "TextArea", "MaskedInput"})


KEYS = ("H", "F9")
"""Those that are shipped: without a text field, and in one."""


def keys_of(app: object) -> tuple[str, str]:
    """The keys that halt, by the keymap of this app; the shipped ones where it has none."""
    found = getattr(app, "halt_keys", KEYS)
    return found if isinstance(found, tuple) else KEYS


class HaltPressed(Message):
    """The button was pressed. Exempt from every debounce."""


class HaltPane(Pane):
    """`H HALT`, or `F9 HALT` while a text field has the focus; the keys are those of the app's keymap."""

    name_ = "halt"
    bar = True
    first = True
    typing: reactive[bool] = reactive(False, layout=False, repaint=False, init=False)
    """Whether letters go into a text field now."""

    DEFAULT_CSS = """
    HaltPane { width: 12; pointer: pointer; }
    """

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return max(1, self.size.height)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """The label in the button's middle line; of several sessions the name of the one that it halts, below it."""
        label, role = self.label(snapshot)
        named = visible(snapshot.session.letters, 20) if snapshot.others and not snapshot.session.is_over else ""
        middle = (self.size.height - 1) // 2
        if named and self.size.height == 1:
            label, named = f"{label} {named}", ""
        said = {middle: label, middle + 1: named}.get(y, "")
        return ((fit(said.center(width), width), role),)

    def label(self, snapshot: Snapshot) -> tuple[str, str]:
        """What it says, and in which role."""
        if snapshot.session.is_over:
            return "over", "badge-grey"
        key = keys_of(self.app)[self.typing]
        if snapshot.halt_unconfirmed:
            return f"{key} HALT ?", "halt"
        if snapshot.halt_sent and not snapshot.session.live_halts():
            return "HALT sent", "halt"
        if not snapshot.session.live_halts():
            return f"{key} HALT", "halt"
        return ("HALTING" if snapshot.session.running() else "HALTED"), "halt"

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """A modal over this screen may have the text field."""
        del snapshot, width
        if self.is_mounted:
            self._focus_moved(self.app.focused)

    def on_mount(self) -> None:
        """Follow the focus, so that the right key is on the button at once."""
        self.watch(self.screen, "focused", self._focus_moved, init=True)

    def _focus_moved(self, focused: Widget | None) -> None:
        self.typing = focused is not None and any(kind.__name__ in _TYPING for kind in type(focused).__mro__)

    def watch_typing(self) -> None:
        """Say the key that works now."""
        self.repaint_changed()

    def on_click(self, event: events.Click) -> None:
        """Halt."""
        event.stop()
        self.post_message(HaltPressed())
