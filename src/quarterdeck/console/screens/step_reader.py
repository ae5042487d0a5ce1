"""Everything of one step: what to do and what was read, its attempts, and all that each of them printed.

It stands over the whole screen and goes on with the session. What an attempt printed is read from the session's own
files, redacted (`station.commands.pages`); where this console may not read them it says so, and shows the live end
that the station sends. H halts from here too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from quarterdeck.console.commands.base import Level
from quarterdeck.console.deck import TabBox
from quarterdeck.console.layout import PaneNode, Tabs
from quarterdeck.console.panes.attempts import AttemptsPane
from quarterdeck.console.panes.base import Pane, RowOpened
from quarterdeck.console.panes.output import OutputPane
from quarterdeck.console.panes.step import StepPane
from quarterdeck.console.screens.modal import Modal, Shown
from quarterdeck.console.screens.prompt import Prompt
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.terminal.filters import plain
from quarterdeck.console.text_file import new_file
from quarterdeck.errors import QuarterdeckError
from quarterdeck.session.state import Run
from quarterdeck.station.commands.pages import KeptText, Pages

__all__ = ["COPIED", "StepReader"]

COPIED = 72_000
"""Bytes that are copied at most: in base64 more than that is over the limit of common terminals."""
STEP, ATTEMPTS, OUTPUT = range(3)


class StepReader(Modal[None]):
    """One step, whatever is selected."""

    DEFAULT_CSS = """
    StepReader { background: $background; }
    StepReader > #title { text-style: bold; height: auto; max-height: 3; color: $strong; background: $surface;
                          padding: 0 1; }
    StepReader > TabBox { height: 1fr; }
    StepReader .foot { height: auto; max-height: 4; background: $surface; }
    StepReader .hint { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", show=False),
        Binding("tab", "part(1)", show=False),
        Binding("shift+tab", "part(-1)", show=False),
        *(Binding(str(number + 1), f"show_part({number})", show=False) for number in range(3)),
        Binding("left", "attempt(-1)", show=False),
        Binding("right", "attempt(1)", show=False),
        Binding("enter", "read", show=False),
        Binding("slash", "search", show=False),
        Binding("n", "again(False)", show=False),
        Binding("N", "again(True)", show=False),
        Binding("y", "copy", show=False),
        Binding("w", "write", show=False),
    ]

    def __init__(
        self,
        step: str,
        title: str,
        read: Callable[[Run], Pages],
        say: Callable[[str, Level], None],
        *,
        output: bool = False,
    ) -> None:
        """`step` is its id; `read` opens what a run printed, or raises why not; `output`: that first."""
        super().__init__()
        self.step, self._title, self._read, self._say = step, title, read, say
        self.details, self.attempts, self.output = StepPane(framed=False), AttemptsPane(), OutputPane()
        self._parts: list[Pane] = [self.details, self.attempts, self.output]
        titles = ("Step", "Attempts", "Output")
        self._box = TabBox(Tabs(tuple(PaneNode("", title=title) for title in titles)), [*self._parts])
        self._wants_output = output
        self._picked = -1
        """Which attempt's output is shown, from 0 on; -1: the last one's, also when there is another one."""
        self._shown: tuple[object, ...] = ()
        """Which output is shown, in which state."""
        self._hints: Sequence[Shown] = ()

    def compose(self) -> ComposeResult:
        """The title whole, the parts, the halt button; with what is known already."""
        if self.snapshot is not None:
            self._take_output(self.snapshot)
            run = self._run
            if self._wants_output or (run is not None and self.output.pages is not None):
                self._box.set_reactive(TabBox.shown, OUTPUT)
            for pane in (self._box.line, *self._parts):
                pane.set_reactive(Pane.snapshot, self._chosen(self.snapshot))
        yield Static(plain(self._title), id="title")
        yield self._box
        self._hints = self.hints()
        yield self.foot()

    def on_mount(self) -> None:
        """It scrolls with the keys."""
        self._parts[self._box.shown].focus()

    # -- the tick

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """The same tick."""
        super().watch_snapshot(snapshot)
        if snapshot is None or not self.is_mounted:
            return
        self._take_output(snapshot)
        chosen = self._chosen(snapshot)
        for pane in (self._box.line, *self._parts):
            pane.snapshot = chosen
        self._say_keys()

    def _chosen(self, snapshot: Snapshot) -> Snapshot:
        """This step's; its output has a part of its own."""
        return replace(snapshot, selected=self.step, tails={})

    @property
    def _runs(self) -> list[Run]:
        """Attempts that had a command."""
        run = self.snapshot.session.steps.get(self.step) if self.snapshot is not None else None
        return run.runs if run is not None else []

    @property
    def _run(self) -> Run | None:
        """The attempt that is picked, else the last one."""
        runs = self._runs
        return runs[self._picked if self._picked < len(runs) else -1] if runs else None

    def _take_output(self, snapshot: Snapshot) -> None:
        """Open the output that is to be shown, where it is another one by now, or may be read only now."""
        run = self._run
        if run is None or not run.id:
            self._show_output(
                (), None, "no command: it prints nothing" if run is not None else "it was not started yet"
            )
            return
        tail = snapshot.tails.get(self.step)
        known = tail if tail is not None and tail.run == run.id and not (run.sealed or run.withheld) else None
        key = (run.id, run.outcome, run.blobs, run.sealed, run.withheld)
        if key == self._shown[:5] and (run.outcome or len(self._shown) == len(key)):
            return
        try:
            self._show_output(key, self._read(run), "")
        except QuarterdeckError as error:
            why = str(error)
            pages = Pages(KeptText(known.text), None, over=True) if known is not None else None
            if (*key, why, known) != self._shown:
                self._show_output((*key, why, known), pages, why)

    def _show_output(self, key: tuple[object, ...], pages: Pages | None, why: str) -> None:
        if pages is None and not key and self._shown == () and self.output.why == why:
            return
        same = bool(key) and key[:1] == self._shown[:1]
        self._shown = key
        runs, run = self._runs, self._run
        number = runs.index(run) + 1 if run is not None else 0
        ending = f": {run.ending}" if run is not None and run.ending else ""
        self.output.whose = f"attempt {number} of {len(runs)}{ending}" if run is not None and run.id else ""
        self.output.show(pages, why, stay=same)

    # -- keys

    def hints(self) -> Sequence[Shown]:
        """What works in the part that is shown, as it is now."""
        found: list[Shown] = []
        part, output = self._box.shown, self.output
        if part == OUTPUT:
            found.append(("esc", "stop" if output.is_looking else "clear" if output.search is not None else "back"))
            if output.search is not None:
                found.append(("n N", "next, before"))
            if output.can_follow:
                found.append(("end", "follow"))
        else:
            found.append(("esc", "back"))
        if output.pages is not None:
            found.insert(1, ("/", "search" if part == OUTPUT else "search its output"))
        if part == ATTEMPTS and self._runs:
            found.append(("enter", "its output"))
        if part == OUTPUT and len(self._runs) > 1:
            found.append(("left right", "attempt"))
        if part != OUTPUT or output.pages is not None:
            found += [("y", "copy"), ("w", "write")]
        return [*found, ("tab", "part"), ("up down", "attempt" if part == ATTEMPTS else "scroll")]

    def _say_keys(self) -> None:
        hints = self.hints()
        if hints != self._hints:
            self._hints = hints
            self.say_hints()

    def on_output_pane_turned(self) -> None:
        """It follows, or stands still; it found something."""
        self._say_keys()

    def action_back(self) -> None:
        """End the search, else close."""
        if self._box.shown == OUTPUT and self.output.search is not None:
            self.output.find("")
            self._say_keys()
        else:
            self.finish(None)

    def action_part(self, by: int) -> None:
        """The next part."""
        self.action_show_part((self._box.shown + by) % len(self._parts))

    def action_show_part(self, number: int) -> None:
        """One of the parts."""
        self._box.show(number)
        self._say_keys()

    def action_attempt(self, by: int) -> None:
        """The attempt before or after."""
        runs, run = self._runs, self._run
        if self._box.shown != OUTPUT or run is None or self.snapshot is None:
            return
        number = runs.index(run) + by
        if 0 <= number < len(runs):
            self._pick(number)

    def _pick(self, number: int) -> None:
        self._picked = number if number < len(self._runs) - 1 else -1
        self.watch_snapshot(self.snapshot)

    def action_read(self) -> None:
        """What the attempt under the cursor printed."""
        if self._box.shown == ATTEMPTS:
            self.attempts.action_open()

    def on_row_opened(self, event: RowOpened) -> None:
        """An attempt was opened: its output."""
        event.stop()
        self._pick(int(event.subject))
        self.action_show_part(OUTPUT)

    async def action_search(self) -> None:
        """Ask what to look for in the output, from any part."""
        if self.output.pages is None:
            return
        self.action_show_part(OUTPUT)
        before = self.output.search.text if self.output.search is not None else ""
        region = self.region
        await self.app.push_screen(
            Prompt(lambda: region, before, lambda _: None, enter="search", escape="leave"), self._search
        )

    def _search(self, text: str | None) -> None:
        if text:
            self.output.find(text)
        self._say_keys()

    def action_again(self, back: bool) -> None:
        """The next match, or the one before."""
        if self._box.shown == OUTPUT:
            self.output.again(back=back)
            self._say_keys()

    # -- taking text away

    def action_copy(self) -> None:
        """What is selected, else what is in this part, to the terminal's clipboard."""
        chosen = self.get_selected_text()
        if chosen:
            told = "the selected text"
        elif self._box.shown == OUTPUT:
            chosen, lines = self.output.text_upto(COPIED)
            told = f"{lines:,} lines up to the end of the screen" if lines else ""
        else:
            chosen = self._parts[self._box.shown].text()
            told = "this part"
        if not chosen:
            self._say("There is nothing to copy here", "warning")
            return
        self.app.copy_to_clipboard(chosen)
        self._say(
            f"Sent {told} to the terminal's clipboard (OSC 52). If it is not there: w writes all", "information"
        )

    def action_write(self) -> None:
        """All that is in this part, into a new file."""
        name = "quarterdeck"
        if self._box.shown != OUTPUT:
            text = self._parts[self._box.shown].text() + "\n"
            self.app.run_worker(self._write(name, iter([text.encode(errors="replace")])), group="write")
            return
        run = self._run
        if run is None or self.output.pages is None:
            self._say(f"There is nothing to write: {self.output.why}", "warning")
            return
        try:
            pages = self._read(run)
        except QuarterdeckError:
            pages = self.output.pages
        self.app.run_worker(self._write(f"{name}-{run.id}", self._contents(pages)), group="write")

    def _contents(self, pages: Pages) -> Iterator[bytes]:
        app = self.app
        for page in pages.numbers():
            if not app.is_running:
                raise OSError(0, "this console has left")
            yield pages.content(page)

    async def _write(self, name: str, content: Iterator[bytes]) -> None:
        began = time.monotonic()
        try:
            path = await asyncio.to_thread(new_file, name, content)
        except OSError as error:
            self._say(f"It cannot be written: {error.strerror}", "error")
            return
        took = time.monotonic() - began
        size = path.stat().st_size
        self._say(f"Written to {path} ({size:,} bytes{f', {took:.0f} s' if took > 1 else ''})", "information")
