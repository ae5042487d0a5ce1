"""The deck: the tree of panes that a layout asks for, fed by one snapshot a tick.

The app composes one `Deck`, sets `deck.snapshot`, `deck.set_keys(…)` and `deck.use(name)`; nothing else knows which
panes there are. A terminal that gets smaller or larger gets the layout that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from quarterdeck.console.layout import Box, Layout, Layouts, PaneNode, Part, Size, Tabs
from quarterdeck.console.panes.base import Pane, Piece, Row, fit, width_of
from quarterdeck.console.panes.endpoints import CONDITIONS, counted, sign_of
from quarterdeck.console.panes.header import badge_of
from quarterdeck.console.terminal import spare

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.css.scalar import Scalar
    from textual.geometry import Region

    from quarterdeck.console.glyphs import Glyphs
    from quarterdeck.console.snapshot import Snapshot

__all__ = ["Deck", "LayoutChanged", "TabBox", "compose"]

_PANES = {
    "header": ("header", "HeaderPane"),
    "clocks": ("clocks", "ClocksPane"),
    "bigclocks": ("wallboard", "BigClocksPane"),
    "banner": ("banner", "BannerPane"),
    "procedure": ("procedure", "ProcedurePane"),
    "step": ("step", "StepPane"),
    "gauges": ("gauges", "GaugesPane"),
    "endpoints": ("endpoints", "EndpointsPane"),
    "rollup": ("wallboard", "RollupPane"),
    "log": ("log", "LogPane"),
    "next": ("next_line", "NextPane"),
    "halt": ("halt", "HaltPane"),
    "footer": ("footer", "FooterPane"),
    "needs": ("header", "NeedsPane"),
}
"""Pane to its module and class: imported when a layout asks for it."""

REST = 2.0
"""Seconds that a pane has less to show before it gives room back: a look at another step moves no frame."""

FIRST = "procedure"
"""The pane that has the focus first."""


class LayoutChanged(Message):
    """Another layout is shown; `layout` may be a smaller one than was asked for."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout


class Sharing(Vertical):
    """A column whose panes give back what they do not need of their shares to those that have more to show."""

    def __init__(self, *parts: Widget, room: int) -> None:
        """`room`: about how many lines it will have."""
        super().__init__(*parts)
        self._panes = [part for part in parts if isinstance(part, Pane) and not part.most]
        self._room = room
        self._held: dict[Pane, tuple[int, float]] = {}
        """What each pane was given room for, and when it needed that last."""

    def share(self, snapshot: Snapshot) -> None:
        """As high as what they show where all of it fits, the last one with the rest; else none higher than that."""
        wanted = [self._wanted(pane, snapshot) for pane in self._panes]
        fits = sum(wanted) <= (self.size.height or self._room)
        for pane, lines in zip(self._panes, wanted, strict=True):
            last = pane is self._panes[-1]
            least, most = (None if last or not fits else lines), (None if last and fits else lines)
            if _cells(pane.styles.min_height) != least:
                pane.styles.min_height = least
            if _cells(pane.styles.max_height) != most:
                pane.styles.max_height = most

    def _wanted(self, pane: Pane, snapshot: Snapshot) -> int:
        """More at once, less only where it rested."""
        wanted = max(1, pane.wanted_rows(snapshot)) + (2 if pane.framed else 0)
        held, at = self._held.get(pane, (0, 0.0))
        if wanted >= held or snapshot.boot - at > REST:
            held = wanted
        self._held[pane] = held, snapshot.boot if wanted >= held else at
        return held


def _cells(height: Scalar | None) -> int | None:
    return int(height.value) if height is not None else None


class Grown(NamedTuple):
    """What a layout became."""

    panes: list[tuple[Pane, int]]
    """With the width of each."""
    columns: list[Sharing]


def compose(layout: Layout, width: int = 0, height: int = 0) -> tuple[Widget, Grown]:
    """The tree of widgets of a layout on a terminal of this size, and what is in it."""
    grown = Grown([], [])
    root = layout.root if layout.has("footer") else Box("column", (layout.root, PaneNode("footer", Size("cells", 0))))
    return _build(root, "column", grown, (width, height)), grown


def make_pane(name: str, options: dict[str, str] | None = None, *, framed: bool | None = None) -> Pane:
    """A pane by the name that layouts use. Raises `KeyError` for a name that there is not."""
    place, kind = _PANES[name]
    module = import_module(f"quarterdeck.console.panes.{place}")
    pane: Pane = getattr(module, kind)(options, framed=framed)
    return pane


def _build(part: Part, way: str, grown: Grown, size: tuple[int, int], *, framed: bool | None = None) -> Widget:
    widget: Widget
    width, height = size
    if isinstance(part, PaneNode):
        widget = pane = make_pane(part.pane, part.options, framed=framed)
        grown.panes.append((pane, width))
    elif isinstance(part, Tabs):
        parts = [_build(item, "column", grown, (width, height - 1), framed=_tab_frame(item)) for item in part.items]
        widget = box = TabBox(part, parts)
        grown.panes.append((box.line, width))
    else:
        row = part.way == "row"
        along = _shares(part.items, width if row else height)
        sizes = [(cells, height) if row else (width, cells) for cells in along]
        items = [_build(item, part.way, grown, each) for item, each in zip(part.items, sizes, strict=True)]
        shares = [item for item in part.items if item.size.kind == "fr"]
        if not row and len(shares) > 1 and all(isinstance(item, PaneNode) for item in shares):
            room = sum(cells for cells, item in zip(along, part.items, strict=True) if item in shares)
            widget = column = Sharing(*items, room=room)
            grown.columns.append(column)
        else:
            widget = Horizontal(*items) if row else Vertical(*items)
    _resize(widget, part.size, way)
    return widget


def _shares(items: Sequence[Part], room: int) -> list[int]:
    """How wide (or high) the parts will be: good enough to make the first rows before anything is laid out."""
    fixed = [
        int(item.size.value) if item.size.kind == "cells" else int(room * item.size.value / 100)
        for item in items
        if item.size.kind in {"cells", "percent"}
    ]
    shares = sum(item.size.value for item in items if item.size.kind == "fr") or 1.0
    rest = max(0, room - sum(fixed))
    found = []
    for item in items:
        if item.size.kind == "cells":
            found.append(int(item.size.value))
        elif item.size.kind == "percent":
            found.append(int(room * item.size.value / 100))
        else:
            found.append(int(rest * item.size.value / shares))
    return found


def _tab_frame(item: Part) -> bool | None:
    """A pane that fills a tab has the tab's title and needs no frame."""
    return False if isinstance(item, PaneNode) else None


def _resize(widget: Widget, size: Size, way: str) -> None:
    """Along the box's way the size that is asked for, across it all there is."""
    along: str | int
    match size.kind:
        case "cells":
            along = int(size.value)
        case "percent":
            along = f"{size.value:g}%"
        case "fit":
            if isinstance(widget, Pane):
                widget.most, widget.most_percent = size.most or 100, size.most_percent
            along = 3 if isinstance(widget, Pane) and not widget.bar else 0
        case _:
            along = f"{size.value:g}fr"
    if way == "row":
        widget.styles.width, widget.styles.height = along, "100%"
    else:
        widget.styles.height, widget.styles.width = along, "100%"


_LOUD = {
    "halting": "critical",
    "halted": "critical",
    "rolling_back": "rollback",
    "rollback_paused": "rollback",
    "paused": "warn",
    "contingency": "warn",
}
"""States that colour the line of tabs as they colour frames."""


def _rolled(counts: dict[str, int], glyphs: Glyphs, roll: str) -> str:
    """`1 critical, 1 warn, 5 ok`, `1 critical, 1 more, 5 ok`, or in signs."""
    if roll == "signs":
        return " ".join(f"{sign_of(word, glyphs)}{count}" for word, count in counts.items())
    if roll == "worst" and len(counts) > 2:
        gravest, fine = next(iter(counts)), counts.get("ok", 0)
        more = sum(counts.values()) - counts[gravest] - fine
        counts = {gravest: counts[gravest], "more": more, "ok": fine}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


class TabLine(Pane):
    """The titles of the tabs, in one line."""

    bar = True

    DEFAULT_CSS = """
    TabLine { height: 1; }
    """

    def __init__(self, box: TabBox) -> None:
        super().__init__()
        self.box = box
        self._labels: list[Row] = []
        self._rest = ""
        """What the shown pane's title says beyond its label."""

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return 1

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Name the tabs: as fully as there is room for."""
        self._labels, self._rest = [], ""
        for roll, named in (("all", True), ("worst", True), ("worst", False), ("signs", False), ("", False)):
            self._labels = [
                self.box.label(snapshot, number, self.look.glyphs, roll, named=named)
                for number in range(len(self.box.titles))
            ]
            self._rest = self.box.rest(snapshot, named=named)
            if sum(width_of(label) + 5 for label in self._labels) <= width + 1:
                return

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """The titles; the shown one stands out, a changed state colours the line."""
        del y
        state = str(snapshot.session.state)
        pieces: list[Piece] = []
        for number, label in enumerate(self._labels):
            if number == self.box.shown:
                name = "".join(text for text, _ in label)
                pieces.append((f"[{number + 1} {name}]", badge_of(state) if state in _LOUD else "badge-calm"))
            else:
                pieces += [(f" {number + 1} ", "muted"), *label, (" ", "")]
            pieces.append((" ", ""))
        said = self._rest
        used = width_of(tuple(pieces))
        room = width - used - 4
        if said and room > 12:
            said = fit(said, min(room, cell_len(said)), ellipsis=self.look.glyphs.ellipsis)
            pieces += [(f"{self.look.glyphs.rule} ", "frame"), (f"{said} ", _LOUD.get(state, "title"))]
            used += cell_len(said) + 3
        return (*pieces, (self.look.glyphs.rule * max(0, width - used), "frame"))

    def on_click(self, event: events.Click) -> None:
        """Show the tab that was clicked."""
        at = 0
        for number, label in enumerate(self._labels):
            at += width_of(label) + 5
            if event.x < at:
                self.box.show(number)
                return


class TabBox(Vertical):
    """Panes behind each other."""

    shown: reactive[int] = reactive(0, init=False)

    def __init__(self, tabs: Tabs, parts: list[Widget]) -> None:
        super().__init__()
        self.titles = [item.title for item in tabs.items]
        self._parts = parts
        self.line = TabLine(self)
        self._read: int | None = None
        """Lines of the log when it was in front last; None before there were any."""

    def compose(self) -> ComposeResult:
        """The line of titles, then the parts, of which one is shown."""
        yield self.line
        for number, part in enumerate(self._parts):
            part.display = number == self.shown
            part.styles.height = "1fr"
            yield part

    def label(self, snapshot: Snapshot, number: int, glyphs: Glyphs, roll: str, *, named: bool) -> Row:
        """What tab `number` is called: as its pane is at this moment, and how the targets are that it shows.

        `roll` says them all in words, the worst in words, or all in signs; without `named` the layout's title stays.
        """
        part = self._parts[number]
        title = (part.tab_label(snapshot) if named and isinstance(part, Pane) else "") or self.titles[number]
        names = {pane.name_ for pane in self._panes(number)}
        pieces: list[Piece] = [(title, "muted")]
        if roll and names & {"gauges", "endpoints", "rollup"} and (counts := counted(snapshot)):
            gravest = next(iter(counts))
            pieces.append((f" {_rolled(counts, glyphs, roll)}", CONDITIONS[gravest] if gravest != "ok" else "muted"))
        if named and "log" in names and (unread := self._unread(snapshot, number)):
            pieces.append((f" {unread} {glyphs.alert}", "warn"))
        return tuple(pieces)

    def rest(self, snapshot: Snapshot, *, named: bool) -> str:
        """What the title of the shown pane says beyond its label."""
        part = self._parts[self.shown]
        said = part.title_of(snapshot) if isinstance(part, Pane) else ""
        if not isinstance(part, Pane) or said == part.heading:
            return ""
        return said.removeprefix(part.tab_label(snapshot)).lstrip(" ,·") if named else said

    def _panes(self, number: int) -> list[Pane]:
        return [pane for pane in self._parts[number].walk_children(with_self=True) if isinstance(pane, Pane)]

    def _unread(self, snapshot: Snapshot, number: int) -> int:
        """Warnings that came to the log since it was in front; what this console itself said does not count."""
        log = snapshot.log
        if number == self.shown or self._read is None or len(log) < self._read:
            self._read = len(log) if snapshot.contact == "ok" else None
        new = log[self._read :] if self._read is not None else ()
        return sum(line.level != "info" and line.kind != "notice" for line in new)

    def show(self, number: int) -> None:
        """Show this tab."""
        self.shown = number % len(self._parts)

    def show_pane(self, name: str) -> bool:
        """Show the tab in which this pane is; False where it is in none."""
        for number, part in enumerate(self._parts):
            if any(isinstance(pane, Pane) and pane.name_ == name for pane in part.walk_children(with_self=True)):
                self.show(number)
                return True
        return False

    def watch_shown(self) -> None:
        """Show one part; it catches up by itself."""
        for number, part in enumerate(self._parts):
            part.display = number == self.shown
        if (snapshot := self.line.snapshot) is not None:
            self.line.take(snapshot)
        self._focus(self._panes_shown())

    def next_pane(self) -> bool:
        """Put the focus on the next pane of the shown tab; False behind its last one."""
        panes = self._panes_shown()
        at = next((n for n, pane in enumerate(panes) if pane.has_focus), -1)
        return self._focus(panes[at + 1 :])

    def _panes_shown(self) -> list[Pane]:
        """Those of the shown tab that can have the focus and have something to show."""
        nodes = self._parts[self.shown].walk_children(with_self=True)
        panes = [node for node in nodes if isinstance(node, Pane) and node.can_focus]
        return [pane for pane in panes if pane.snapshot is None or not pane.is_vacant(pane.snapshot)] or panes

    def _focus(self, panes: list[Pane]) -> bool:
        for pane in panes[:1]:
            pane.focus(scroll_visible=False)
        return bool(panes)


class Deck(Vertical):
    """The whole screen but modals."""

    snapshot: reactive[Snapshot | None] = reactive(None, layout=False, repaint=False, always_update=True, init=False)
    """The tick that is shown: set it, and every pane paints what changed."""

    DEFAULT_CSS = """
    Deck { background: $background; width: 100%; height: 100%; }
    """

    def __init__(self, layouts: Layouts | None = None, name: str = "lead") -> None:
        super().__init__()
        self.layouts = layouts or Layouts()
        self.wanted = name
        self.layout_shown: Layout | None = None
        self._keys: tuple[tuple[str, str, bool], ...] = ()
        self._panes: list[Pane] = []
        self._box: TabBox | None = None
        self._sharing: list[Sharing] = []

    # -- what the app calls

    def set_keys(self, keys: Sequence[tuple[str, str, bool]]) -> None:
        """The keys that work now: (key, label, consequential), in the order of their weight."""
        self._keys = tuple(keys)
        box = self._box
        shown = list(self._keys)
        if box is not None and shown:  # behind the keys that act, before those that only look
            at = next((n for n, (_, _, acts) in enumerate(shown) if not acts), len(shown))
            shown.insert(at, (f"1-{len(box.titles)}", "tabs", False))
        for pane in self._panes:
            setter = getattr(pane, "set_keys", None)
            if setter is not None:
                setter(tuple(shown))

    def show_first(self, snapshot: Snapshot) -> None:
        """Show what of a tick must not wait for the rest of it: that a halt was called, or is answered."""
        for pane in self._panes:
            if pane.first:
                pane.snapshot = snapshot

    def use(self, name: str) -> None:
        """Show this layout, or the smaller one that it names where the terminal is too small."""
        self.wanted = name
        self._fit()

    def cycle(self) -> str:
        """Show the next layout; its name."""
        names = self.layouts.names()
        at = names.index(self.wanted) if self.wanted in names else -1
        self.use(names[(at + 1) % len(names)])
        return self.wanted

    def next_pane(self) -> bool:
        """Put the focus on the next pane, or show the next tab; False where there is one pane only."""
        box = self._tab_box()
        if box is None:
            self.screen.focus_next(Pane)
            return sum(pane.can_focus for pane in self._panes) > 1
        if not box.next_pane():
            box.show(box.shown + 1)
        return True

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front where it is behind a tab, and put the focus on it."""
        box = self._tab_box()
        if box is not None:
            box.show_pane(name)
        found = self.pane(name)
        if found is not None and found.can_focus:
            found.focus(scroll_visible=False)

    def pane(self, name: str) -> Pane | None:
        """The pane of this name, where the layout has it."""
        return next((pane for pane in self._panes if pane.name_ == name), None)

    # -- filters

    def filterable(self) -> Pane | None:
        """The focused pane where it can be filtered, else the list, in front and with the focus."""
        focused = self.screen.focused
        if isinstance(focused, Pane) and focused.filterable:
            return focused
        self.show_pane(FIRST)
        return self.pane(FIRST)

    def filter(self, name: str, text: str, *, kept: bool = False) -> None:
        """Show only the rows of a pane that match; `kept`: it was typed to its end."""
        pane = self.pane(name)
        if pane is not None:
            pane.filter_by(text)
            if kept:
                pane.filter_kept()

    def filter_nothing(self) -> None:
        """All rows of all panes."""
        for pane in self._panes:
            pane.filter_by("")

    def place_of(self, name: str) -> Region:
        """Where a pane stands on the screen, with its frame."""
        pane = self.pane(name)
        return pane.region if pane is not None else self.region

    def redress(self) -> None:
        """The look changed (`theme.dress`): paint everything again."""
        for pane in self._panes:
            pane.forget()
            pane.refresh()
        if self.snapshot is not None:
            self.watch_snapshot(self.snapshot)

    # -- the tree

    def compose(self) -> ComposeResult:
        """The tree of the layout that fits."""
        size = self.app.size
        self.layout_shown = self.layouts.fitting(self.wanted, size.width, size.height)
        yield self._grow(self.layout_shown)

    def _grow(self, layout: Layout) -> Widget:
        """Make the panes, with the tick that is there already: so the first frame is laid out and painted once."""
        tree, grown = compose(layout, self.app.size.width, self.app.size.height)
        filters = {pane.name_: pane.filter_text for pane in self._panes}
        self._panes, self._sharing = [pane for pane, _ in grown.panes], grown.columns
        self._box = next((pane.box for pane in self._panes if isinstance(pane, TabLine)), None)
        self.set_keys(self._keys)
        for pane, width in grown.panes:
            pane.expects_focus = pane.name_ == FIRST
            pane.filter_text = filters.get(pane.name_, "")
            if self.snapshot is not None:
                pane.expect(self.snapshot, width)
        self._share()
        return tree

    def on_resize(self, event: events.Resize) -> None:
        """Another size may need another layout."""
        del event
        self._fit()
        self._share()

    def _fit(self) -> None:
        size = self.app.size
        layout = self.layouts.fitting(self.wanted, size.width, size.height)
        if layout == self.layout_shown or not self.is_mounted:
            return
        self.layout_shown = layout
        self.call_next(self._replace, layout)

    async def _replace(self, layout: Layout) -> None:
        async with self.batch():
            await self.remove_children()
            await self.mount(self._grow(layout))
        self._focus_first()
        self.post_message(LayoutChanged(layout))

    def on_mount(self) -> None:
        """The list has the focus first; the screen sends what changed and no more."""
        spare(self.screen)
        self._focus_first()

    def _focus_first(self) -> None:
        first = self.pane(FIRST)
        if first is not None and first.can_focus:
            first.focus(scroll_visible=False)

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """Hand the tick to all panes, as one update of the screen."""
        if not self._panes:
            return  # not composed yet: `_grow` takes it
        with self.app.batch_update():
            for pane in self._panes:
                pane.snapshot = snapshot
            self._share()

    def _share(self) -> None:
        if self.snapshot is not None:
            for column in self._sharing:
                column.share(self.snapshot)

    def _tab_box(self) -> TabBox | None:
        return next(iter(self.query(TabBox)), None)
