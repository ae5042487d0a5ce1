"""What all panes share: rows of styled pieces, painted by the Line API, and only where they changed.

A pane says how many rows it has and what stands in row `y`, as a tuple of `(text, role)` pieces. This module turns
rows into strips, remembers what is painted, and on a new snapshot refreshes the cells that differ, nothing else:
an update that changes no size never lays out again. Panes have no timers and no animation; the app's tick drives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from quarterdeck.console.theme import Look, frame_of, look_of

if TYPE_CHECKING:
    from textual import events
    from textual.selection import Selection

    from quarterdeck.console.snapshot import Snapshot

__all__ = ["EMPTY", "Pane", "Piece", "Row", "fit", "justified", "width_of"]

Piece = tuple[str, str]
"""Text that went through the gate, and its role in the palette (`ok`, `muted+cursor`)."""

Row = tuple[Piece, ...]

EMPTY: Row = ()

GAP = 10
"""Unchanged cells between two changes that are cheaper to send again than to jump over."""

CACHE = 512
"""Strips that a pane keeps."""


def width_of(row: Row) -> int:
    """Cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """Cut or pad a text to exactly `width` cells."""
    if width <= 0:
        return ""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        while text and cell_len(text) > width - 1:
            text = text[: max(0, len(text) - max(1, (cell_len(text) - width + 1) // 2))]
        text += ellipsis
        length = cell_len(text)
    gap = " " * (width - length)
    return gap + text if right else text + gap


def justified(left: Row, right: Row, width: int) -> Row:
    """A row with something at both ends; what is on the right wins."""
    space = width - width_of(right)
    gap = space - width_of(left)
    if gap >= 0:
        return (*left, (" " * gap, ""), *right)
    kept: list[Piece] = []
    for text, role in left:
        if space <= 0:
            break
        kept.append((fit(text, min(space, cell_len(text))), role))
        space -= cell_len(text)
    return (*kept, *right)


class Pane(ScrollView):
    """Base of all panes: give it a snapshot, it paints what changed.

    Subclasses write `row_count(snapshot)` and `row(snapshot, y, width)`; the row's text must have gone through the
    gate. `name_` is what layouts call it.
    """

    DEFAULT_CSS = """
    Pane { background: $background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }
    Pane.-bar { overflow-y: hidden; }
    """

    name_: ClassVar[str] = ""
    heading: ClassVar[str] = ""
    """Title in the frame; empty for a bar without one."""
    bar: ClassVar[bool] = False
    """A bar: no frame, no focus, never scrolls."""
    follows_state: ClassVar[bool] = True
    """The frame changes its colour with the session's state."""

    snapshot: reactive[Snapshot | None] = reactive(None, layout=False, repaint=False, always_update=True, init=False)
    """The tick that is shown; the app (or the deck) sets it."""

    auto_links = reactive(False)

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        """`options` are those of the layout; `framed` False leaves the frame away (a tab has its own line)."""
        super().__init__(classes="-bar" if self.bar else None)
        self.options = options or {}
        self.framed = bool(self.heading) if framed is None else framed
        self.can_focus = not self.bar
        self._painted: dict[int, Row] = {}
        self._strips: dict[tuple[Row, int], Strip] = {}
        self._styles_of: dict[str, Style] = {}
        self._dressed: tuple[str, str, str, bool] | None = None
        self._missed = False
        self._hidden = False
        self._taken_width = -1
        if self.framed:  # from the start, so that the first snapshot finds the width that stays
            self.styles.border = ("round", "grey")
        self.most = 0
        """As high as its rows, up to so many lines with the frame; 0: as high as the layout says."""

    # -- what a pane writes

    def row_count(self, snapshot: Snapshot) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """What stands in row `y` of `width` cells."""
        raise NotImplementedError

    def title_of(self, snapshot: Snapshot) -> str:
        """The frame's title now, through the gate."""
        del snapshot
        return self.heading

    def before_paint(self, snapshot: Snapshot) -> None:
        """Work out once a tick what all rows need."""

    # -- painting

    @property
    def look(self) -> Look:
        """Palette and signs of the app."""
        return look_of(self.app)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """Repaint what changed; a hidden pane waits until it is shown."""
        if snapshot is None or not self.is_mounted:
            return
        if self._hidden or not self.size:
            self._missed = True
            return
        self.take(snapshot)

    def take(self, snapshot: Snapshot) -> None:
        """Show this snapshot."""
        self._missed = False
        self._taken_width = self.content_width
        self.before_paint(snapshot)
        self._dress(snapshot)
        count = self.row_count(snapshot)
        if not self.bar and self.virtual_size.height != count:
            self.virtual_size = Size(self.size.width, count)
        if self.most:
            self._fit_rows(count)
        self.repaint_changed()

    def _fit_rows(self, count: int) -> None:
        """As high as its rows: the one layout that a tick may cause, and only when their number changes."""
        wanted = min(self.most, max(0 if self.bar else 1, count) + (2 if self.framed else 0))
        height = self.styles.height
        if height is None or height.value != wanted:
            self.styles.height = wanted

    def repaint_changed(self) -> None:
        """Refresh the visible cells that differ from what is painted."""
        snapshot = self.snapshot
        if snapshot is None:
            return
        width, top = self.content_width, self.scroll_offset.y
        for line in range(self.scrollable_content_region.height):
            before = self._painted.get(line)
            if before is None:
                continue  # never painted: Textual paints it anyway
            after = self._row(snapshot, top + line, width)
            if after != before:
                self.refresh(*self._changed(line, before, after))

    def _changed(self, line: int, before: Row, after: Row) -> list[Region]:
        """The cells of a line that differ."""
        old, new = _cells(before), _cells(after)
        if old is None or new is None:
            return [Region(0, line, self.size.width, 1)]
        longest = max(len(old), len(new))
        old += [(" ", "")] * (longest - len(old))
        new += [(" ", "")] * (longest - len(new))
        spans: list[tuple[int, int]] = []
        for x, (one, other) in enumerate(zip(old, new, strict=True)):
            if one == other:
                continue
            if spans and x - spans[-1][1] < GAP:
                spans[-1] = (spans[-1][0], x + 1)
            else:
                spans.append((x, x + 1))
        return [Region(start, line, end - start, 1) for start, end in spans]

    @property
    def content_width(self) -> int:
        """Cells that a row has."""
        return self.scrollable_content_region.width

    def _row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        return self.row(snapshot, y, width) if 0 <= y < self.row_count(snapshot) else EMPTY

    def render_line(self, y: int) -> Strip:
        """Paint a line (Textual calls this for those that it has to)."""
        width = self.content_width
        snapshot = self.snapshot
        if width != self._taken_width and snapshot is not None and width > 0:
            # A scrollbar came or went since the rows were made.
            self._taken_width = width
            self.before_paint(snapshot)
            self.call_next(self._take_again)
        row = EMPTY if snapshot is None else self._row(snapshot, y + self.scroll_offset.y, width)
        self._painted[y] = row
        strip = self._strip(row, width)
        selection = self.text_selection
        if selection is not None:
            strip = self._with_selection(strip, selection, y + self.scroll_offset.y)
        return strip.apply_offsets(0, y + self.scroll_offset.y) if not self.bar else strip

    def _take_again(self) -> None:
        if self.snapshot is not None:
            self.take(self.snapshot)

    def _strip(self, row: Row, width: int) -> Strip:
        key = (row, width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= CACHE:
                self._strips.clear()
            glyphs = self.look.glyphs
            segments = [Segment(glyphs.spell(text), self._style(role)) for text, role in row if text]
            strip = Strip(segments).adjust_cell_length(width, self._style(""))
            self._strips[key] = strip
        return strip

    def _style(self, role: str) -> Style:
        style = self._styles_of.get(role)
        if style is None:
            base = self.rich_style
            style = self._styles_of[role] = base + self.look.style(role) if role else base + self.look.style("text")
        return style

    def _with_selection(self, strip: Strip, selection: Selection, y: int) -> Strip:
        span = selection.get_span(y)
        if span is None:
            return strip
        start, end = span
        length = strip.cell_length
        end = length if end == -1 else min(end, length)
        marked = strip.crop(start, end).apply_style(Style(reverse=True))
        return Strip.join([strip.crop(0, start), marked, strip.crop(end, length)])

    def notify_style_update(self) -> None:
        """Forget styles that were made with the old background."""
        super().notify_style_update()
        self.forget()

    def forget(self) -> None:
        """Forget everything painted: the look or the size changed."""
        self._styles_of.clear()
        self._strips.clear()
        self._painted.clear()

    def _dress(self, snapshot: Snapshot) -> None:
        """Frame, title and their colours; set only when they change, since that paints the whole pane."""
        look, state = self.look, str(snapshot.session.state)
        title = self.title_of(snapshot) if self.framed else ""
        wanted = (look.palette.name + look.glyphs.name, state, title, self.has_focus)
        if wanted == self._dressed:
            return
        if self._dressed is not None and wanted[0] != self._dressed[0]:
            self.forget()
            self.refresh()
        self._dressed = wanted
        if not self.framed:
            return
        colour = frame_of(look.palette, state if self.follows_state else "")
        focused = self.has_focus and colour == look.palette.frame
        halted = state in {"halting", "halted", "rolling_back", "rollback_paused"}
        border = look.glyphs.heavy if halted else look.glyphs.border
        self.styles.border = (border, look.palette.accent if focused else colour)  # type: ignore[assignment]
        self.styles.border_title_color = look.palette.title if colour == look.palette.frame else colour
        self.styles.border_title_style = "bold"
        self.border_title = Content(look.glyphs.spell(title))
        self.styles.scrollbar_size_vertical = 0 if look.glyphs.name == "ascii" else 1

    # -- Textual's calls

    def on_resize(self, event: events.Resize) -> None:
        """A new size, or shown for the first time: everything is painted anew."""
        del event
        self._painted.clear()
        self._strips.clear()
        if self.snapshot is not None:
            self.take(self.snapshot)
        self.refresh()

    def on_hide(self) -> None:
        """Behind another tab: ticks pass by."""
        self._hidden = True

    def on_show(self) -> None:
        """Shown again after other tabs: catch up."""
        self._hidden = False
        if self._missed and self.snapshot is not None:
            self.take(self.snapshot)
            self.refresh()

    def on_focus(self) -> None:
        """The frame says where the keys go."""
        if self.snapshot is not None:
            self._dress(self.snapshot)

    def on_blur(self) -> None:
        """The frame says where the keys go."""
        if self.snapshot is not None:
            self._dress(self.snapshot)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse selected, as it is on screen."""
        snapshot = self.snapshot
        if snapshot is None:
            return None
        width = self.content_width
        count = min(self.row_count(snapshot), 5_000)
        text = "\n".join("".join(piece for piece, _ in self._row(snapshot, y, width)).rstrip() for y in range(count))
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint what is selected now."""
        del selection
        self.refresh()


def _cells(row: Row) -> list[tuple[str, str]] | None:
    """One entry for each cell; None where a character is not one cell wide."""
    found: list[tuple[str, str]] = []
    for text, role in row:
        if not text.isascii() and cell_len(text) != len(text):
            return None
        found += [(character, role) for character in text]
    return found
