"""Screens to read: help, contacts, links, everything of one step. Escape closes them; H halts from them too."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from quarterdeck.console.commands.base import No
from quarterdeck.console.panes.step import StepPane
from quarterdeck.console.screens.over import Over
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.text import plain, visible

if TYPE_CHECKING:
    from quarterdeck.console.app import QuarterdeckApp

__all__ = ["Reading", "StepReading", "contacts_text", "help_text", "links_text"]


class _Box(Over[None]):
    """A box over the live screen, with the halt button in its bottom line."""

    DEFAULT_CSS = """
    _Box { align: center middle; background: $background 60%; }
    _Box > #box { width: 90%; max-width: 110; height: 90%;
                    border: round $frame; background: $surface; padding: 0 1; }
    _Box #title { text-style: bold; height: 1; color: $strong; }
    _Box #text { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "close", "close", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._heading = title

    def compose(self) -> ComposeResult:
        """Title, body, halt button."""
        with Vertical(id="box"):
            yield Static(plain(self._heading), id="title")
            yield from self.body()
            with Horizontal(classes="foot"):
                yield self.halt_button()
                yield Static(Content.assemble(("esc", "bold $accent"), " back   arrows scroll"), classes="hint")

    def body(self) -> ComposeResult:
        """What there is to read."""
        raise NotImplementedError

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)


class Reading(_Box):
    """A text."""

    def __init__(self, title: str, text: Content) -> None:
        super().__init__(title)
        self._content = text

    def body(self) -> ComposeResult:
        """It scrolls."""
        with VerticalScroll(id="text"):
            yield Static(self._content)


class StepReading(_Box):
    """Everything of one step, live."""

    def __init__(self, step: str, title: str) -> None:
        """`step` is its id."""
        super().__init__(title)
        self.step = step

    def body(self) -> ComposeResult:
        """The step pane, large, for this step whatever is selected."""
        pane = StepPane(framed=False)
        pane.id = "text"
        if self.snapshot is not None:
            pane.set_reactive(StepPane.snapshot, self._chosen(self.snapshot))
        yield pane

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """The same tick, with this step selected."""
        super().watch_snapshot(snapshot)
        if snapshot is not None:
            for pane in self.query(StepPane):
                pane.snapshot = self._chosen(snapshot)

    def _chosen(self, snapshot: Snapshot) -> Snapshot:
        return msgspec.structs.replace(snapshot, selected=self.step)

    def on_mount(self) -> None:
        """Show what is known already."""
        for pane in self.query(StepPane):
            found: Widget = pane
            found.focus()


def help_text(app: QuarterdeckApp) -> Content:
    """Every command with its key, and why it does not apply now."""
    situation = app.situation
    width = max(20, min(app.size.width * 9 // 10, 110) - 20)
    parts: list[Content] = []
    for command in app.keymap_.commands:
        keys = app.keymap_.keys_of(command) or "^p"
        answer = app.availability(command, situation)
        not_now = f"  (not now: {visible(answer.because, 160)})" if isinstance(answer, No) else ""
        parts.append(Content.assemble((f"{keys:<12}", "bold $accent"), (command.title, "bold"), (not_now, "$muted")))
        parts += [Content(f"{'':12}{line}") for line in wrap(command.help, width)]
    parts.append(
        Content("\nSmall letters of what matters only say which key it is. Keys can be changed: keymap.yaml")
    )
    return Content("\n").join(parts)


def contacts_text(app: QuarterdeckApp) -> Content:
    """Roles, who stands in, and who is here."""
    session = app.link.session
    rows = [f"lead         {session.lead or '?'} (here: {app.link.me.login}@{app.link.me.host})"]
    if session.plan is not None:
        for name, role in session.plan.procedure.roles.items():
            backup = f", backup: {role.backup}" if role.backup else ""
            need = "" if role.required else " (optional)"
            rows.append(f"{name:<12} {role.title}{need}{backup}")
    rows += ["", "Telephone numbers come with the site file."]
    return plain("\n".join(rows))


def links_text(app: QuarterdeckApp) -> Content:
    """Links and documents of the procedure, and of the step that is selected."""
    plan = app.link.session.plan
    if plan is None:
        return plain("")
    found = [*plan.procedure.links, *plan.procedure.documents]
    step = plan.steps.get(app.situation.selected or app.situation.named)
    if step is not None:
        found += step.links
    return plain("\n".join(f"{link.title}\n  {link.url}" for link in found))
