"""The switcher: the open sessions of this host, live, to show another one on this console.

Enter reaches that session's station first; until it answered, the session on screen stays, and H halts that one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.sessions import SessionPicked, SessionsPane
from quarterdeck.console.screens.modal import Modal, Shown
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import StationClient
from quarterdeck.console.terminal.filters import plain
from quarterdeck.errors import QuarterdeckError
from quarterdeck.text import visible

__all__ = ["Switcher"]

AROUND = 6
"""Lines of the box beside the sessions."""


class Switcher(Modal[StationClient]):
    """Returns the station of the session that was picked, reached; nothing where it was left."""

    DEFAULT_CSS = """
    Switcher { align: center top; background: $background 60%; }
    Switcher > #box { width: 100%; max-width: 120; height: auto; max-height: 100%; margin-top: 1;
                      border: round $accent; background: $surface; padding: 0 1; }
    Switcher #title { text-style: bold; height: 1; color: $strong; }
    Switcher SessionsPane { background: $surface; }
    Switcher #told { height: 1; color: $muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "stay", show=False),
        Binding("enter", "switch", show=False),
    ]

    def __init__(self, reach: Callable[[str], Awaitable[StationClient]], chosen: str = "", *, at_once: bool = False):
        """`reach` reaches a session's station by its id; `at_once`: the chosen one, without a further key."""
        super().__init__()
        self._reach, self._at_once = reach, at_once
        self.pane = SessionsPane(chosen)
        self._told = Static("", id="told")
        self._reaching = ""

    def compose(self) -> ComposeResult:
        """The sessions, what is being done, the halt button."""
        if self.snapshot is not None:
            self.pane.set_reactive(Pane.snapshot, self.snapshot)
        with Vertical(id="box"):
            yield Static("Sessions of this host. H halts the one on screen, and no other", id="title")
            yield self.pane
            yield self._told
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """Every key that works here."""
        return ("enter", "show it"), ("up down", "move"), ("esc", "stay")

    def on_mount(self) -> None:
        """The list has the keys."""
        self.on_resize()
        self.pane.focus()
        self.call_after_refresh(self.pane.choose, self.pane.chosen)
        if self._at_once:
            self.action_switch()

    def on_resize(self, event: events.Resize | None = None) -> None:
        """As high as the sessions need, and no higher than there is room for."""
        del event
        self.pane.most = max(1, self.app.size.height - AROUND - 1)
        if self.snapshot is not None:
            self.pane.snapshot = self.snapshot

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """The same tick."""
        super().watch_snapshot(snapshot)
        if snapshot is not None and self.is_mounted:
            self.pane.snapshot = snapshot

    def on_session_picked(self, event: SessionPicked) -> None:
        """With the mouse."""
        event.stop()
        self.action_switch()

    def action_switch(self) -> None:
        """Reach the chosen session; the one on screen needs no reaching."""
        if self.snapshot is not None:
            self.pane.settle(self.snapshot)  # the key may come before anything is painted
        chosen = self.pane.chosen
        if self.snapshot is None or chosen == self.snapshot.session.id:
            self.finish(None)
        elif chosen != self._reaching:
            self._reaching = chosen
            self._told.update(plain(f"reaching {visible(chosen, 80)} …"))
            self.run_worker(self._go(chosen), group="reach", exclusive=True)

    async def _go(self, chosen: str) -> None:
        try:
            client = await self._reach(chosen)
        except (QuarterdeckError, OSError) as error:
            self._reaching = ""
            why = error.message if isinstance(error, QuarterdeckError) else str(error)
            self._told.update(plain(f"Not shown: {why}. From a shell: quarterdeck halt {chosen.rpartition('-')[2]}"))
            return
        if self.is_closing:
            await client.leave()
        self.finish(client)

    def action_stay(self) -> None:
        """Stay with the session on screen."""
        self.finish(None)
