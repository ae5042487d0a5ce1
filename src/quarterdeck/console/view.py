"""What changes only the view: the deck and its layouts, reading screens, themes, copying and writing text.

The methods are what `commands/view.py` asks for. Nothing here speaks to the station.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.widget import Widget

from quarterdeck.console import theme
from quarterdeck.console.commands.base import No
from quarterdeck.console.deck import Deck, TabBox
from quarterdeck.console.keys import Keymap
from quarterdeck.console.layout import Layouts
from quarterdeck.console.names import name_of
from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.log import EntryPane, LogPane
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.screens.session import SessionScreen
from quarterdeck.console.store import StationClient, connect
from quarterdeck.console.terminal import job_control
from quarterdeck.console.text_file import new_file
from quarterdeck.text import visible

if TYPE_CHECKING:
    from quarterdeck.console.desk import Desk

__all__ = ["FIRST_PANES", "View", "make_deck", "preload"]


FIRST_PANES = tuple(
    f"quarterdeck.console.panes.{module}"
    for module in ("header", "clocks", "banner", "procedure", "step", "gauges", "endpoints", "log", "next_line")
)
"""What the first frame needs; imported while the station answers."""


def make_deck(layout: str, config: Path | None) -> Deck:
    """The deck in the layout that was asked for; a person's own layouts lie in the config folder."""
    return Deck(Layouts(config / "layouts" if config is not None else None), layout or "lead")


def preload() -> None:
    """Import what the first question needs, now that the first frame is painted."""
    with suppress(OSError, ImportError):  # no descriptor is left: whoever needs one of them says so
        from quarterdeck.console.screens import form_bar, palette, reader, step_reader

        del form_bar, palette, reader, step_reader
    gc.freeze()
    gc.enable()  # `verbs.run_console` disabled it until here


class View:
    """`commands.base.View`, on the screen."""

    def __init__(self, app: App[Any], desk: Desk, keymap: Keymap, *, ascii_glyphs: bool = False) -> None:
        """`app` has the screens and the clipboard; `ascii_glyphs`: the terminal has nothing else."""
        self._app, self._desk, self._keymap = app, desk, keymap
        self._ascii = ascii_glyphs

    @property
    def deck(self) -> Deck | None:
        """The panes of the session; None while there is no screen of it."""
        for screen in reversed(self._app.screen_stack):
            if isinstance(screen, SessionScreen):
                return screen.deck
        return None

    def tell_notices(self) -> None:
        """Say once what is wrong with this console's own settings: a broken layout."""
        deck = self.deck
        if deck is None:
            return
        notices, deck.layouts.notices = deck.layouts.notices, []
        for notice in notices:
            self._desk.say(notice, "warning")

    # -- reading

    async def help(self) -> None:
        """Every key and what it does."""
        from quarterdeck.console.screens.reader import Reader, help_text

        rows = [
            (self._keymap.keys_of(command) or "^p", command.title, command.help, self._not_now(command.id))
            for command in self._keymap.commands
        ]
        await self._desk.show_over(Reader("Help", help_text(rows, self._app.size.width)))

    def _not_now(self, command: str) -> str:
        answer = self._desk.availability(self._keymap.by_id[command])
        return self._keymap.said(answer.because) if isinstance(answer, No) else ""

    async def open(self, step: str) -> None:
        """Everything of one step; without one, of the step that is shown."""
        await self._read(step, output=False)

    async def output(self, step: str) -> None:
        """All that a step's command printed."""
        await self._read(step, output=True)

    async def _read(self, step: str, *, output: bool) -> None:
        from quarterdeck.console.screens.step_reader import StepReader

        desk, session = self._desk, self._desk.link.session
        if not step and desk.shown is not None:
            step = desk.shown.selected
        if session.plan is None or step not in session.plan.steps:
            desk.say("There is no step to open: the plan is not here yet")
            return
        await desk.show_over(StepReader(step, name_of(session, step), desk.link.output, desk.say, output=output))

    async def open_row(self) -> bool:
        """What the cursor stands on in the focused pane; False where it stands on nothing that opens."""
        pane = self._app.screen.focused
        subject = pane.standing() if isinstance(pane, Pane) else ""
        if isinstance(pane, Pane) and subject:
            await self.open_subject(pane.opens, subject)
        return bool(subject)

    async def open_subject(self, kind: str, subject: str) -> None:
        """What a row of a pane is about, in full; `kind` is the pane's `opens`."""
        match kind:
            case "target":
                await self.target(subject)
            case "entry":
                await self._entry(int(subject))
            case _:
                raise ValueError(f"nothing opens a {kind}")

    async def target(self, target: str) -> None:
        """One target in full."""
        from quarterdeck.console.screens.reader import TargetReader

        await self._desk.show_over(TargetReader(target))

    async def _entry(self, number: int) -> None:
        """An entry of the log with every event of it."""
        from quarterdeck.console.screens.reader import LiveReader

        pane = self.deck.pane("log") if self.deck is not None else None
        if isinstance(pane, LogPane):
            entry = pane.entries.all[number]
            await self._desk.show_over(LiveReader(visible(entry.name or entry.words, 90), EntryPane(entry)))

    async def contacts(self) -> None:
        """Who has which role."""
        from quarterdeck.console.screens.reader import Reader, contacts_text

        link = self._desk.link
        await self._desk.show_over(Reader("Contacts", contacts_text(link.session, link.me)))

    async def links(self) -> None:
        """Links and documents of the procedure and of the selected step."""
        from quarterdeck.console.screens.reader import Reader, links_text

        situation = self._desk.situation
        named = situation.selected or situation.named
        await self._desk.show_over(Reader("Links and documents", links_text(situation.session, named)))

    async def watched(self) -> None:
        """Every target's reading in full."""
        from quarterdeck.console.panes.watched import WatchedPane
        from quarterdeck.console.screens.reader import LiveReader

        await self._desk.show_over(LiveReader("Watched", WatchedPane()))

    async def rollback_now(self) -> None:
        """What a rollback would be if it were halted now."""
        from quarterdeck.console.panes.rollback import RollbackPane
        from quarterdeck.console.screens.reader import LiveReader

        await self._desk.show_over(LiveReader("Rollback, if it were halted now", RollbackPane()))

    async def palette(self) -> None:
        """Everything that can be done now, and every step, target and log entry, by name."""
        from quarterdeck.console.screens import palette

        possible = [c for c in self._keymap.commands if c.in_palette and not self._not_now(c.id)]
        shown = self._desk.shown
        kinds = (palette.sessions_in, palette.steps_in, palette.targets_in, palette.log_in)
        others = [kind(shown) for kind in kinds] if shown is not None else []
        commands = palette.commands_in(possible, self._keymap.key_of)
        picked = await self._desk.show_over(palette.PaletteScreen(commands, others))
        if picked is not None:
            await self._reach(*picked)

    async def sessions(self, chosen: str = "") -> None:
        """The open sessions of this host; `chosen` is the id of one that is shown at once."""
        from quarterdeck.console.screens.switcher import Switcher

        desk = self._desk
        client = await desk.show_over(Switcher(self._station_of, chosen, at_once=bool(chosen)))
        if client is not None and (why := desk.switch(client)):
            await client.leave()
            desk.say(f"Not shown: {why}", "warning")

    async def _station_of(self, session: str) -> StationClient:
        """Reach the station of another session of this home, starting it where there is none."""
        folder = self._desk.link.folder
        assert folder is not None, "it has neighbours"
        return await connect(folder.parent / session)

    async def _reach(self, kind: str, identity: str) -> None:
        """Do, select or open what the palette found."""
        match kind:
            case "command":
                await self._desk.perform(identity)
            case "step":
                self._desk.picked = identity
                pane = self._bring("procedure")
                self._desk.tick()
                if isinstance(pane, ProcedurePane):
                    pane.call_after_refresh(pane.reveal, identity)
            case "target":
                await self.target(identity)
            case "session":
                await self.sessions(identity)
            case "log":
                pane = self._bring("log")
                if isinstance(pane, LogPane):
                    pane.call_after_refresh(pane.reveal, int(identity))

    def _bring(self, name: str) -> Pane | None:
        """A pane to the front, with the focus; None where the layout has none of that name."""
        deck = self.deck
        if deck is None:
            return None
        deck.show_pane(name)
        found = deck.pane(name)
        if found is None:
            self._desk.say(f"This layout has no {name}: {self._key('layout')} shows another")
        return found

    # -- panes and colours

    async def layout(self) -> None:
        """The next layout."""
        deck = self.deck
        if deck is not None:
            self._desk.say(f"Layout: {deck.cycle()}")
            self._desk.tick()

    async def theme(self) -> None:
        """Other colours."""
        from quarterdeck.console.commands.view import pick_theme

        current = theme.look_of(self._app).palette.name
        answers = await self._desk.fill(pick_theme(theme.NAMES, current))
        if answers is not None:
            theme.dress(self._app, answers["theme"], ascii_glyphs=self._ascii)
            deck = self.deck
            if deck is not None:
                deck.redress()

    async def next_pane(self) -> None:
        """The next pane, or tab."""
        deck = self.deck
        if deck is not None and not deck.next_pane():
            self._desk.say(self._too_small() or f"This layout has one pane: {self._key('layout')} shows another")

    def show_tab(self, number: int) -> None:
        """Where panes are tabs: the one with this number; else why there is none."""
        box = next(iter(self._app.screen.query(TabBox)), None)
        if box is None:
            self._desk.say(self._too_small() or f"No tabs here: {self._key('next_pane')} goes to the next pane")
        elif 0 < number <= len(box.titles):
            box.show(number - 1)
        else:
            self._desk.say(f"The tabs are 1 to {len(box.titles)}")

    def _too_small(self) -> str:
        """What a small terminal has no room for; nothing where it has."""
        width, height = self._app.size
        small = width < 80 or height < 24
        return f"{width}x{height} has room for one pane: 80x24 shows the others in tabs" if small else ""

    def _key(self, command: str) -> str:
        return self._keymap.key_of(self._keymap.by_id[command])

    def unpick(self) -> None:
        """The list follows the session again."""
        self._desk.picked = ""
        pane = self.deck.pane("procedure") if self.deck is not None else None
        if isinstance(pane, ProcedurePane):
            pane.follow()

    def show_plan(self) -> None:
        """The list in front, following the session: in a halt it is the rollback plan."""
        self.unpick()
        deck = self.deck
        if deck is not None:
            deck.filter_nothing()
            deck.show_pane("procedure")

    async def filter(self) -> None:
        """Only the rows of the focused pane, else of the list, that match what is typed at its foot."""
        from quarterdeck.console.screens.prompt import Prompt

        deck = self.deck
        pane = deck.filterable() if deck is not None else None
        if deck is None or pane is None:
            self._desk.say("There is no list to filter here", "warning")
            return
        name = pane.name_  # another layout, for another size, has another pane of this name
        kept = await self._desk.show_over(
            Prompt(
                lambda: deck.place_of(name), pane.filter_text, lambda text: deck.filter(name, text),
                enter="keep", escape="all rows",
            )
        )  # fmt: skip
        deck.filter(name, kept or "", kept=bool(kept))

    async def follow(self) -> None:
        """Let the list follow the session again, with all of its rows."""
        self.unpick()
        deck = self.deck
        if deck is not None:
            deck.filter_nothing()
        self._desk.tick()

    # -- taking text away

    def _text(self) -> str:
        """The selected text, else all of the focused pane."""
        chosen = self._app.screen.get_selected_text()
        if chosen:
            return chosen
        focused: Widget | None = self._app.screen.focused
        return focused.text() if isinstance(focused, Pane) else ""

    async def copy(self) -> None:
        """Text to the terminal's clipboard."""
        if found := self._text():
            self._app.copy_to_clipboard(found)
            self._desk.say("Sent to the terminal's clipboard (OSC 52). If it is not there: w writes it to a file")
        else:
            self._desk.say("Select text with the mouse first, or move to a pane with tab", "warning")

    async def write(self) -> None:
        """Text to a file."""
        found = self._text()
        if not found:
            self._desk.say("Select text with the mouse first, or move to a pane with tab", "warning")
            return
        try:
            path = new_file("quarterdeck", [f"{found}\n".encode(errors="replace")])
        except OSError as error:
            self._desk.say(f"It cannot be written: {error.strerror}", "error")
        else:
            self._desk.say(f"Written to {path}")

    async def suspend(self) -> None:
        """Into the background."""
        job_control.stop(self._app)
