"""What all panes share: rows of styled pieces, painted by the Line API, and only where they changed.

A pane says how many rows it has and what stands in row `y`, as a tuple of `(text, role)` pieces. This module turns
rows into strips, remembers what is painted, and on a new snapshot refreshes the cells that differ, nothing else:
an update that changes no size never lays out again. Panes have no timers and no animation; the app's tick drives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from quarterdeck.console.panes.cursor import RowCursor, RowOpened
from quarterdeck.console.panes.rows import EMPTY, Piece, Row, changed, fit, justified, marked, width_of
from quarterdeck.console.theme import NIGHT, Look, frame_of, look_of
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events
    from textual.selection import Selection

    from quarterdeck.console.snapshot import Snapshot

__all__ = ["EMPTY", "Pane", "Piece", "Row", "RowOpened", "fit", "justified", "width_of"]

KEPT = 2
"""Strips that a pane keeps for each of its lines: a row that comes again comes soon, or never."""
LEAST = 8
"""Lines for which it keeps them at least."""

SELECTABLE = 5_000
"""Rows of a pane that the mouse can select over."""


class Pane(RowCursor):
    """Base of all panes: give it a snapshot, it paints what changed.

    Subclasses write `row_count(snapshot)` and `row(snapshot, y, width)`; the row's text must have gone through the
    gate. `name_` is what layouts call it. It scrolls by itself (`top`), with a mark in its last column: no virtual
    size and no scrollbar widgets, so that more rows never lay out the screen again.
    """

    DEFAULT_CSS = """
    Pane { background: $background; overflow: hidden hidden; }
    """

    name_: ClassVar[str] = ""
    heading: ClassVar[str] = ""
    """Title in the frame; empty for a bar without one."""
    bar: ClassVar[bool] = False
    """A bar: no frame, no focus, never scrolls."""
    first: ClassVar[bool] = False
    """It says that a halt was called, and is painted before all others then."""
    follows_state: ClassVar[bool] = True
    """The frame changes its colour with the session's state."""
    filterable: ClassVar[bool] = False
    """It shows only the rows that match `filter_text`, where that is not empty."""

    auto_links = reactive(False)

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        """`options` are those of the layout; `framed` False leaves the frame away (a tab has its own line)."""
        super().__init__()
        self.options = options or {}
        self.framed = bool(self.heading) if framed is None else framed
        self.can_focus = not self.bar
        self.most = 0
        """As high as its rows, up to so many lines with the frame; 0: as high as the layout says."""
        self.most_percent = False
        """`most` is per cent of the terminal's lines."""
        self.expects_focus = False
        """It gets the focus first: it is dressed so from the start."""
        self.filter_text = ""
        """What is typed to find rows; empty where all are shown."""
        self._painted: dict[int, Row] = {}
        self._coming: dict[int, Row] = {}
        """Lines that were found to differ, until they are painted."""
        self._strips: dict[tuple[Row, int], Strip] = {}
        self._styles_of: dict[str, Style] = {}
        self._base = Style.null()
        self._dressed: tuple[str, str, str, bool] | None = None
        self._taken: Snapshot | None = None
        """The tick that was shown last."""
        self._place: tuple[object, ...] = ()
        """Where its rows stood then."""
        self._missed = False
        self._hidden = False
        self._taken_width = -1
        if self.framed:  # from the start, so that the first layout is the one that stays
            self.styles.border = ("round", NIGHT.frame)
            self.border_title = Content(self.heading)

    # -- what a pane writes

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:  # noqa: ARG002 - the default looks at nothing
        """What stands in row `y` of `width` cells."""
        return EMPTY

    def title_of(self, snapshot: Snapshot) -> str:
        """The frame's title now, through the gate."""
        del snapshot
        return self.heading

    def tab_label(self, snapshot: Snapshot) -> str:  # noqa: ARG002 - the default looks at nothing
        """What a tab with it is called now, as its title begins; empty: as the layout says."""
        return ""

    def is_vacant(self, snapshot: Snapshot) -> bool:  # noqa: ARG002 - the default looks at nothing
        """Whether it has nothing to show and never will: where the layout lets it fit its rows, it has no frame."""
        return False

    def wanted_rows(self, snapshot: Snapshot) -> int:
        """How many lines it could fill: what a column gives it at most, where another pane has more to show."""
        return self.row_count(snapshot)

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Work out once a tick what all rows of this width need."""

    def restless(self, before: Snapshot, snapshot: Snapshot) -> Sequence[int] | None:  # noqa: ARG002 - the default
        """Its lines that may look otherwise than at the tick before; None: any.

        Asked after `before_paint`, and only while the rows stand where they stood.
        """
        return None

    def text(self) -> str:
        """All its rows as text, `SELECTABLE` at most."""
        snapshot = self.snapshot
        if snapshot is None:
            return ""
        width, count = self.content_width, self.row_count(snapshot)
        rows = (self._row(snapshot, y, width, count) for y in range(min(count, SELECTABLE)))
        return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)

    # -- filtering

    def filter_by(self, text: str) -> None:
        """Show only the rows that match; all of them where `text` is empty."""
        if text != self.filter_text:
            self.filter_text = text
            self.top = 0
            self.watch_snapshot(self.snapshot)

    def filter_kept(self) -> None:
        """The filter was typed to its end, and stays."""

    def filtered_title(self, title: str, found: int, of: int) -> str:
        """A title that says the filter, behind its first words: a narrow frame cuts the rest."""
        if not self.filter_text.strip():
            return title
        name, dot, rest = title.partition(" · ")
        return f"{name} · {found} of {of} match “{visible(self.filter_text.strip(), 40)}”{dot}{rest}"

    # -- taking a tick

    @property
    def look(self) -> Look:
        """Palette and signs of the app."""
        return look_of(self.app)

    def said(self, sentence: str) -> str:
        """A sentence that names keys, with the person's own where the app has a keymap."""
        found: str = getattr(self.app, "said", str)(sentence)
        return found

    @property
    def content_width(self) -> int:
        """Cells that a row has; the last column of what scrolls is its mark's."""
        return self._width_in(self.size)

    def _width_in(self, size: Size) -> int:
        return max(0, size.width - (0 if self.bar else 1))

    def expect(self, snapshot: Snapshot, width: int) -> None:
        """Before it is mounted: the first snapshot, and the outer width that the layout will give."""
        self.set_reactive(Pane.snapshot, snapshot)
        inner = width - (2 if self.framed else 0) - (0 if self.bar else 1)
        self.before_paint(snapshot, max(1, inner))
        self._taken_width = max(1, inner)
        if self.most:
            self._fit_rows(self.row_count(snapshot), snapshot)
        self._dress(snapshot)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """Repaint what changed; a hidden pane waits until it is shown."""
        if snapshot is None or not self.is_mounted:
            return
        if self.most and not self.size and not self.is_vacant(snapshot):
            self.before_paint(snapshot, max(1, self._taken_width))
            self._fit_rows(self.row_count(snapshot), snapshot)  # grow again, from no height at all
        if self._hidden or not self.size:
            self._missed = True
            return
        self.take(snapshot)

    def take(self, snapshot: Snapshot) -> None:
        """Show this snapshot."""
        self._missed = False
        self._taken_width = self.content_width
        self.before_paint(snapshot, self._taken_width)
        self._dress(snapshot)
        count = self.row_count(snapshot)
        if self.most:
            self._fit_rows(count, snapshot)
        self.top = max(0, min(self.top, count - self.size.height))
        self._keep_cursor(snapshot, count)
        before, self._taken = self._taken, snapshot
        place, self._place = self._place, (self.size, self.top, count, self.standing())
        lines = self.restless(before, snapshot) if before is not None and place == self._place else None
        if lines is None:
            self.repaint_changed()
        elif lines:
            self.repaint_changed(*lines)

    def _fit_rows(self, count: int, snapshot: Snapshot) -> None:
        """As high as its rows: the one layout that a tick may cause, and only when their number changes."""
        most = self.most * self.app.size.height // 100 if self.most_percent else self.most
        wanted = min(most, max(0 if self.bar else 1, count) + (2 if self.framed else 0))
        if self.is_vacant(snapshot):
            wanted = count
            if self.framed and self.styles.border_top[0]:
                self.styles.border = ("none", NIGHT.frame)
                self._dressed = None  # the frame comes back with something to show
        height = self.styles.height
        if height is None or height.value != wanted:
            self.styles.height = wanted

    # -- painting

    def repaint_changed(self, *lines: int) -> None:
        """Refresh the visible cells that differ from what is painted; in these lines only, where some are named."""
        snapshot = self.snapshot
        if snapshot is None:
            return
        count, size = self.row_count(snapshot), self.size  # asked once: Textual looks a widget's size up in its map
        regions = []
        for line in lines or range(size.height):
            before = self._painted.get(line)
            if before is None:
                continue  # never painted: Textual paints it anyway
            after = self._whole(snapshot, line, count, size)
            self._coming.pop(line, None)
            if after != before:
                self._coming[line] = after
                regions += changed(line, size.width, before, after)
        if regions:
            self.refresh(*regions)

    def _row(self, snapshot: Snapshot, y: int, width: int, count: int) -> Row:
        """Row `y`; nothing beyond the last one."""
        return self.row(snapshot, y, width) if 0 <= y < count else EMPTY

    def _whole(self, snapshot: Snapshot, line: int, count: int, outer: Size) -> Row:
        """What stands in this line of the pane: the row, and the mark of the scroll where there is one."""
        width, height = self._width_in(outer), outer.height
        row = self._row(snapshot, self.top + line, width, count)
        here = self.standing() if self.top + line < count else ""
        if here and self.subject(snapshot, self.top + line) == here:
            row = marked(row, width, self.look.glyphs.cursor)
        if self.bar or count <= height:
            return row
        gap = width - width_of(row)
        if gap < 0:
            return row
        first = round((height - 1) * self.top / max(1, count - height))
        size = max(1, height * height // count)
        start = min(height - size, max(0, first - size // 2)) if self.top + height < count else height - size
        start = 0 if self.top == 0 else start
        mark = (self.look.glyphs.thumb, "frame") if start <= line < start + size else (" ", "")
        return (*row, (" " * gap, ""), mark)

    def render_line(self, y: int) -> Strip:
        """Paint a line (Textual calls this for those that it has to)."""
        snapshot, size = self.snapshot, self.size
        width, inner = size.width, self._width_in(size)
        if snapshot is not None and inner != self._taken_width > 0:
            self._taken_width = inner
            self.before_paint(snapshot, inner)
            self._coming.clear()
        row = EMPTY
        if snapshot is not None:
            row = self._coming.pop(y, EMPTY) or self._whole(snapshot, y, self.row_count(snapshot), size)
        self._painted[y] = row
        strip = self._strip(row, width)
        if self.bar:
            return strip
        selection = self.text_selection
        if selection is not None:
            strip = self._with_selection(strip, selection, y + self.top)
        return strip.apply_offsets(0, y + self.top)

    def _strip(self, row: Row, width: int) -> Strip:
        key = (row, width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= KEPT * max(self.size.height, LEAST):
                self._strips.clear()
            glyphs = self.look.glyphs
            segments = [Segment(glyphs.spell(text), self._style(role)) for text, role in row if text]
            strip = Strip(segments).adjust_cell_length(width, self._style("")).simplify()
            self._strips[key] = strip
        return strip

    def _style(self, role: str) -> Style:
        style = self._styles_of.get(role)
        if style is None:
            if not self._styles_of:
                self._base = self.rich_style
            style = self._styles_of[role] = self._base + self.look.style(role or "text")
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
        """Forget styles that were made with another background."""
        super().notify_style_update()
        if getattr(self, "_styles_of", None) and self.rich_style != self._base:
            self.forget()
            self.refresh()

    def forget(self) -> None:
        """Forget everything painted: the look or the size changed."""
        self._styles_of.clear()
        self._strips.clear()
        self._painted.clear()
        self._coming.clear()

    def _dress(self, snapshot: Snapshot) -> None:
        """Frame, title and their colours; set only when they change, since that paints the whole pane."""
        look, state = self.look, str(snapshot.session.state)
        title = self.title_of(snapshot) if self.framed else ""
        chosen = self.has_focus or self.expects_focus
        wanted = (look.palette.name + look.glyphs.name, state, title, chosen)
        before, self._dressed = self._dressed, wanted
        if wanted == before:
            return
        if before is not None and wanted[0] != before[0]:
            self.forget()
            self.refresh()
        if not self.framed or (self.most and self.is_vacant(snapshot)):
            self._dressed = wanted if not self.framed else None
            return
        if before is None or before[:2] != wanted[:2] or before[3] != wanted[3]:
            colour = frame_of(look.palette, state if self.follows_state else "")
            calm = colour == look.palette.frame
            halted = state in {"halting", "halted", "rolling_back", "rollback_paused"}
            border = look.glyphs.focused if chosen else look.glyphs.heavy if halted else look.glyphs.border
            self.styles.border = (border, look.palette.accent if chosen and calm else colour)  # type: ignore[assignment]
            self.styles.border_title_color = look.palette.title if calm else colour
            self.styles.border_title_style = "bold"
        if before is None or before != wanted:
            self.border_title = Content(f"{look.glyphs.focus} " * chosen + look.glyphs.spell(title))

    # -- Textual's calls

    def on_resize(self, event: events.Resize) -> None:
        """Another size: Textual painted it by now; take what depends on the size."""
        del event
        if self.snapshot is not None:
            self.take(self.snapshot)

    def on_hide(self) -> None:
        """Behind another tab: ticks pass by."""
        self._hidden = True

    def on_show(self) -> None:
        """Shown again after other tabs: catch up."""
        self._hidden = False
        if self._missed and self.snapshot is not None:
            self.take(self.snapshot)

    def watch_has_focus(self, has_focus: bool) -> None:
        """The frame says where the keys go, and the cursor."""
        super().watch_has_focus(has_focus)
        self.expects_focus = False
        snapshot = self.snapshot
        if snapshot is not None:
            self._dress(snapshot)
            if self.opens:
                self._keep_cursor(snapshot, self.row_count(snapshot))
                self.repaint_changed()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse selected, as it is on screen."""
        return (selection.extract(self.text()), "\n") if self.snapshot is not None else None

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint what is selected now."""
        del selection
        self.refresh()
