"""Screens to read: help, contacts, links, everything watched. Escape closes them.

H halts from them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.target import TargetPane
from quarterdeck.console.screens.modal import Modal, Shown
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.terminal.filters import plain
from quarterdeck.session.event import Actor
from quarterdeck.session.state import Session
from quarterdeck.text import visible

__all__ = ["LiveReader", "Reader", "TargetReader", "contacts_text", "help_text", "links_text"]


class _Box(Modal[None]):
    """A box over the live screen, with the halt button in its bottom line."""

    DEFAULT_CSS = """
    _Box { align: center middle; background: $background 60%; }
    _Box > #box { width: 100%; max-width: 120; height: 90%;
                    border: round $frame; background: $surface; padding: 0 1; }
    _Box #title { text-style: bold; height: 1; color: $strong; }
    _Box #text { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close", show=False),
        Binding("enter", "enter", "close", show=False),
    ]

    def __init__(self, title: str, body: Widget) -> None:
        super().__init__()
        self._heading, self._body = title, body

    def compose(self) -> ComposeResult:
        """Title, body, halt button."""
        with Vertical(id="box"):
            yield Static(plain(self._heading), id="title")
            yield self._body
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """No command works here: what is read may be of another step than the one that is worked on by now."""
        return ("esc", "back"), ("up down", "scroll")

    def action_close(self) -> None:
        """Back."""
        self.finish(None)

    def action_enter(self) -> None:
        """Back, where there is nothing to open."""
        self.action_close()


class Reader(_Box):
    """A text."""

    def __init__(self, title: str, text: Content) -> None:
        super().__init__(title, VerticalScroll(Static(text), id="text"))


class LiveReader(_Box):
    """A pane over the session, live."""

    def __init__(self, title: str, pane: Pane) -> None:
        self.pane = pane
        self.pane.id = "text"
        super().__init__(title, self.pane)

    def compose(self) -> ComposeResult:
        """With what is known already."""
        if self.snapshot is not None:
            self.pane.set_reactive(Pane.snapshot, self.snapshot)
        yield from super().compose()

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """The same tick."""
        super().watch_snapshot(snapshot)
        if snapshot is not None and self.is_mounted:
            self.pane.snapshot = snapshot

    def on_mount(self) -> None:
        """It scrolls with the keys."""
        self.pane.focus()

    def hints(self) -> Sequence[Shown]:
        """What opens, too."""
        return (*super().hints(), ("enter", "open")) if self.pane.opens else super().hints()

    def action_enter(self) -> None:
        """What the cursor stands on; where nothing opens, back."""
        if self.pane.opens:
            self.pane.action_open()
        else:
            self.action_close()


class TargetReader(LiveReader):
    """One target in full, as wide as a chart of it needs."""

    DEFAULT_CSS = """
    TargetReader > #box { max-width: 180; height: 96%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,shift+tab", "choose(-1)", "previous metric", show=False),
        Binding("right,tab", "choose(1)", "next metric", show=False),
    ]

    def __init__(self, target: str) -> None:
        self.target = TargetPane(target)
        super().__init__("Target", self.target)

    def hints(self) -> Sequence[Shown]:
        """What the chart shows can be chosen."""
        return ("esc", "back"), ("left right", "metric"), ("up down", "scroll")

    def action_choose(self, by: int) -> None:
        """Another metric."""
        self.target.choose(by)


def help_text(commands: Iterable[tuple[str, str, str, str]], columns: int) -> Content:
    """Every command: its keys, title, help, and why it does not apply now, for a terminal of so many columns."""
    width = max(20, min(columns * 9 // 10, 110) - 20)
    parts: list[Content] = []
    for keys, title, told, because in commands:
        not_now = f"  (not now: {visible(because, 160)})" if because else ""
        parts.append(Content.assemble((f"{keys:<12}", "bold $accent"), (title, "bold"), (not_now, "$muted")))
        parts += [Content(f"{'':12}{line}") for line in wrap(told, width)]
    parts.append(
        Content("\nSmall letters of what matters only say which key it is. Keys can be changed: keymap.yaml")
    )
    return Content("\n").join(parts)


def contacts_text(session: Session, me: Actor) -> Content:
    """Roles, who stands in, and who is here."""
    rows = [f"lead         {session.lead or '?'} (here: {me.login}@{me.host})"]
    if session.plan is not None:
        for name, role in session.plan.procedure.roles.items():
            backup = f", backup: {role.backup}" if role.backup else ""
            need = "" if role.required else " (optional)"
            rows.append(f"{name:<12} {role.title}{need}{backup}")
    rows += ["", "Telephone numbers come with the site file."]
    return plain("\n".join(rows))


def links_text(session: Session, selected: str) -> Content:
    """Links and documents of the procedure, and of the step that is selected."""
    plan = session.plan
    if plan is None:
        return plain("")
    found = [*plan.procedure.links, *plan.procedure.documents]
    step = plan.steps.get(selected)
    if step is not None:
        found += step.links
    return plain("\n".join(f"{link.title}\n  {link.url}" for link in found))
