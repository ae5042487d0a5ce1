"""The session's screen: the deck of panes in the layout that is shown, and nothing of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen

from quarterdeck.console.deck import Deck
from quarterdeck.console.panes.footer import Key
from quarterdeck.console.terminal import SparingScreen

if TYPE_CHECKING:
    from quarterdeck.console.snapshot import Snapshot

__all__ = ["SessionScreen"]


class SessionScreen(SparingScreen, Screen[None]):
    """Shows a session. The app gives it each tick."""

    DEFAULT_CSS = "SessionScreen { layers: base; overflow: hidden; }"
    AUTO_FOCUS = ""

    def __init__(self, deck: Deck) -> None:
        """`deck` holds the panes."""
        super().__init__()
        self.deck = deck
        self._keys: tuple[Key, ...] = ()
        self._latest: Snapshot | None = None

    def compose(self) -> ComposeResult:
        """The deck."""
        yield self.deck

    def on_mount(self) -> None:
        """A tick may have come before there were panes: show it once they are there."""
        self.call_after_refresh(self._again)

    def _again(self) -> None:
        if self._latest is not None:
            self.deck.snapshot = self._latest

    def begin(self, snapshot: Snapshot, keys: tuple[Key, ...]) -> None:
        """What is known before there is anything to paint on: the first frame shows it."""
        self._latest, self._keys = snapshot, keys
        self.deck.set_reactive(Deck.snapshot, snapshot)
        self.deck.set_keys(keys)

    def take(self, snapshot: Snapshot, keys: tuple[Key, ...]) -> None:
        """Show a tick."""
        self._latest = self.deck.snapshot = snapshot
        if keys != self._keys:
            self._keys = keys
            if self.is_active:
                self.deck.set_keys(keys)

    def on_screen_suspend(self) -> None:
        """Something lies over it, whose own bar shows the keys that work there: this one's would be none of them."""
        self.deck.set_keys(())

    def on_screen_resume(self) -> None:
        """In front again."""
        self.deck.set_keys(self._keys)
