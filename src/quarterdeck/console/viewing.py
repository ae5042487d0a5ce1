"""What changes only the view: the deck and its layouts, reading screens, themes, copying and writing text.

Called by the app on behalf of the commands of `commands/view.py`. Nothing here speaks to the station.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.widget import Widget

from quarterdeck.console import theme
from quarterdeck.console.deck import Deck
from quarterdeck.console.layouts import Layouts
from quarterdeck.console.panes.base import Pane
from quarterdeck.console.words import name_of

if TYPE_CHECKING:
    from quarterdeck.console.app import QuarterdeckApp

__all__ = ["make_deck", "preload", "show", "show_tab", "tell_notices"]


FIRST_ROOMS = tuple(
    f"quarterdeck.console.panes.{room}"
    for room in ("header", "clocks", "banner", "procedure", "step", "gauges", "endpoints", "log", "next")
)
"""What the first frame needs; imported while the station answers."""


def make_deck(layout: str, config: Path | None) -> Deck:
    """The deck in the layout that was asked for; a person's own layouts lie in the config folder."""
    return Deck(Layouts(config / "layouts" if config is not None else None), layout or "lead")


def tell_notices(app: QuarterdeckApp) -> None:
    """Say once what is wrong with this console's own settings: a broken layout."""
    deck = _deck(app)
    if deck is None:
        return
    notices, deck.layouts.notices = deck.layouts.notices, []
    for notice in notices:
        app.say(notice, "warning")


def _deck(app: QuarterdeckApp) -> Deck | None:
    from quarterdeck.console.screens.session import SessionScreen

    for screen in reversed(app.screen_stack):
        if isinstance(screen, SessionScreen):
            return screen.deck
    return None


def preload() -> None:
    """Import what the first question needs, now that the first frame is painted."""
    from quarterdeck.console.screens import bar, palette, reading

    del bar, palette, reading
    gc.freeze()
    gc.enable()  # `verbs.run_console` disabled it until here


async def show(app: QuarterdeckApp, what: str, argument: str) -> None:
    """Do what a command of the view asks for."""
    await _SHOWS[what](app, argument)


async def _help(app: QuarterdeckApp, _: str) -> None:
    from quarterdeck.console.screens.reading import Reading, help_text

    await app.show_over(Reading("Help", help_text(app)))


async def _open(app: QuarterdeckApp, step: str) -> None:
    from quarterdeck.console.screens.reading import StepReading

    step = step or app.snapshot().selected
    if app.link.session.plan is None or step not in app.link.session.plan.steps:
        app.say("There is no step to open: the plan is not here yet")
        return
    await app.show_over(StepReading(step, name_of(app.link.session, step)))


async def _contacts(app: QuarterdeckApp, _: str) -> None:
    from quarterdeck.console.screens.reading import Reading, contacts_text

    await app.show_over(Reading("Contacts", contacts_text(app)))


async def _links(app: QuarterdeckApp, _: str) -> None:
    from quarterdeck.console.screens.reading import Reading, links_text

    await app.show_over(Reading("Links and documents", links_text(app)))


async def _palette(app: QuarterdeckApp, _: str) -> None:
    from quarterdeck.console.screens.palette import PaletteScreen

    picked = await app.show_over(PaletteScreen(app))
    if picked:
        await app.perform(picked)


async def _layout(app: QuarterdeckApp, _: str) -> None:
    deck = _deck(app)
    if deck is not None:
        app.say(f"Layout: {deck.cycle()}")
        app.tick()


async def _theme(app: QuarterdeckApp, _: str) -> None:
    from quarterdeck.console.commands.view import pick_theme

    current = theme.look_of(app).palette.name
    answers = await app.fill(pick_theme(theme.NAMES, current))
    if answers is not None:
        theme.dress(app, answers["theme"], ascii_glyphs=app.asked.ascii)
        deck = _deck(app)
        if deck is not None:
            deck.redress()


async def _next_pane(app: QuarterdeckApp, _: str) -> None:
    deck = _deck(app)
    if deck is not None:
        deck.next_pane()


def show_tab(app: QuarterdeckApp, number: int) -> None:
    """Where panes are tabs: the one with this number."""
    from quarterdeck.console.deck import TabBox

    for box in app.screen.query(TabBox):
        if 0 < number <= len(box.titles):
            box.show(number - 1)


async def _follow(app: QuarterdeckApp, _: str) -> None:
    app.picked = ""
    app.tick()


def _text(app: QuarterdeckApp) -> str:
    """The selected text, else all of the focused pane."""
    chosen = app.screen.get_selected_text()
    if chosen:
        return chosen
    focused: Widget | None = app.screen.focused
    if isinstance(focused, Pane) and focused.snapshot is not None:
        width = focused.content_width
        rows = (
            focused.row(focused.snapshot, y, width) for y in range(min(focused.row_count(focused.snapshot), 5_000))
        )
        return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)
    return ""


async def _copy(app: QuarterdeckApp, _: str) -> None:
    if found := _text(app):
        app.copy_to_clipboard(found)
        app.say("Sent to the terminal's clipboard (OSC 52). If it is not there: w writes it to a file")
    else:
        app.say("Select text with the mouse first, or move to a pane with tab", "warning")


async def _write(app: QuarterdeckApp, _: str) -> None:
    found = _text(app)
    if not found:
        app.say("Select text with the mouse first, or move to a pane with tab", "warning")
        return
    path = Path.cwd() / f"quarterdeck-{time.strftime('%H%M%S')}.txt"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(found + "\n")
    except OSError as error:
        app.say(f"{path} cannot be written: {error.strerror}", "error")
    else:
        app.say(f"Written to {path}")


async def _suspend(app: QuarterdeckApp, _: str) -> None:
    app.action_suspend_process()


_SHOWS: dict[str, Callable[[Any, str], Coroutine[Any, Any, None]]] = {
    "help": _help,
    "open": _open,
    "contacts": _contacts,
    "links": _links,
    "palette": _palette,
    "layout": _layout,
    "theme": _theme,
    "next_pane": _next_pane,
    "follow": _follow,
    "copy": _copy,
    "write": _write,
    "suspend": _suspend,
}
