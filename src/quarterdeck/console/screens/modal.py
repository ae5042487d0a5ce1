"""What every screen over the session has: the tick, a halt button of its own, one way to close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen
from textual.widgets import Static

from quarterdeck.console.panes.halt import HaltPane
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.terminal import SparingScreen
from quarterdeck.console.terminal.filters import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from quarterdeck.console.snapshot import Snapshot

__all__ = ["Modal", "Shown"]

Result = TypeVar("Result")

Shown = tuple[str, str]
"""A key as the screen shows it, and what it does there."""


class Modal(SparingScreen, ModalScreen[Result]):
    """A screen over the live one, which goes on living behind it. H and F9 halt from here too."""

    DEFAULT_CSS = """
    Modal HaltPane { height: 1; width: 12; }
    Modal .foot { height: 1; }
    Modal .proposed { height: 1; color: $ink; background: $warning; text-style: bold; }
    Modal .said { height: auto; max-height: 3; text-style: bold; }
    Modal .hint { width: 1fr; height: 1; color: $muted; padding: 0 1; }
    """
    snapshot: reactive[Snapshot | None] = reactive(None, layout=False, repaint=False, always_update=True, init=False)

    _over_keys: tuple[str, str] = ("", "")
    is_closing = False
    """It was answered, left or closed; it only has to vanish yet."""

    survives_halt = False
    """A halt closes every other one: whatever lay over the session, the rollback plan is in front (R1)."""

    @property
    def leads_back(self) -> bool:
        """Whether escape leads back to the session."""
        return any(key == "esc" for key, _ in self.hints())

    def hints(self) -> Sequence[Shown]:
        """Every key that works here, with what it does: what its bar shows, and no other."""
        raise NotImplementedError

    def foot(self) -> Horizontal:
        """The bar at its bottom: the halt button, and the keys."""
        return Horizontal(self.halt_button(), Static(self._said(), classes="hint"), classes="foot")

    def _said(self) -> Content:
        return Content("   ").join(Content.assemble((key, "bold $accent"), f" {does}") for key, does in self.hints())

    def say_hints(self) -> None:
        """Other keys work now."""
        for hint in self.query(".hint").results(Static):
            hint.update(self._said())

    def finish(self, result: Result | None) -> None:
        """Close once: a second answer would close what lies below."""
        if not self.is_closing:
            self.is_closing = True
            self.dismiss(result)

    def render(self) -> RenderableType:
        """The screen below, tinted: Textual loses count of which that is where it remembers one of several."""
        stack = self.app.screen_stack
        below = stack[stack.index(self) - 1] if self in stack[1:] else None
        return BackgroundScreen(below, self.styles.background) if below is not None else super().render()

    def halt_button(self) -> HaltPane:
        """The button, with what is known already."""
        button = HaltPane()
        button.set_reactive(HaltPane.snapshot, self.snapshot)
        if self.snapshot is not None and self.snapshot.others:
            button.styles.width = 12 + len(self.snapshot.session.letters)
        return button

    def lines_over_keys(self, width: int) -> int:
        """Lines that a proposal and what is said take now, in so many cells."""
        proposed, said = self._over_keys
        return bool(proposed) + (min(3, len(wrap(said, width))) if said else 0)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """The halt button; over the keys a guard's proposal, whose banner lies behind, and what is said."""
        if snapshot is None:
            return
        for pane in self.query(HaltPane):
            pane.snapshot = snapshot
        proposed = next((found.reason for found in snapshot.session.open_proposals()), "")
        proposed = f"! HALT PROPOSED: {proposed}" if proposed else ""
        said = snapshot.said
        lines = (proposed, f"{'i' if said.level == 'information' else '!'} {said.text}" if said is not None else "")
        for name, before, now in zip(("proposed", "said"), self._over_keys, lines, strict=True):
            if now != before:
                self.query(f".{name}").remove()
                for foot in self.query(".foot") if now else ():
                    self.mount(Static(plain(now), classes=name), before=foot)
        self._over_keys = lines
