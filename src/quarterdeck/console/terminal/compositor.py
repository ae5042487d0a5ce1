"""Renders only the lines that changed, and sends only their cells: what matters for keys, for CPU, and over ssh.

Textual 8.2 crops an update's spans at their right end only, so a digit that changes at the end of a line sends the
whole line; it sends all codes of each style; and behind a modal each change sends the whole screen. `spare` makes a
screen crop at both ends and send of a style what the one before it has not, and `SparingScreen` makes one that lives
on behind a modal hand over what changed. Imported by this package's guard: where Textual's compositor looks otherwise
than expected, its own screens are used, which only cost more bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from rich.control import Control
from textual import messages
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen

from quarterdeck.console.terminal.private import needs

if TYPE_CHECKING:
    from rich.console import Console
    from textual._compositor import ReflowResult
    from textual.geometry import Offset, Size
    from textual.strip import Strip
    from textual.widget import Widget

    ScreenBase = Screen[Any]
else:
    ScreenBase = object

__all__ = ["SparingCompositor", "SparingScreen", "SparingUpdate", "spare"]

NARROW = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2319\u23ce\u2500-\u25fc\u2610\u2713-\u2718\u293c]*"
)
"""Text whose characters, frames and signs among them, take one cell each: it may be cut anywhere."""
BATCH = 0.01
"""Seconds until it is looked again whether a batch of changes is over."""

needs(ChopsUpdate, "render_segments", "spans", "chops", "chop_ends")
needs(LayoutUpdate, "render_segments", "strips", "region")
needs(Compositor, "render_full_update", "render_partial_update", "_dirty_regions", "_regions_to_spans", "cuts")
needs(Compositor, "_render_chops", "visible_widgets", "update_widgets", "reflow", "_full_map_invalidated")
needs(App, "_batch_count")
needs(Screen, "_compositor", "_compositor_refresh", "_dirty_widgets", "_refresh_layout")
needs(Screen, "_repaint_required", "_set_dirty")


class SparingUpdate(ChopsUpdate):
    """Textual's partial update, with each span cropped at both of its ends, and few codes."""

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal: move, then the changed cells, for each span."""
        sequences: list[str] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= last or end <= first:
                    continue
                start, stop = _off_the_middle(strip, max(x, first) - x, min(end, last) - x)
                sequences.append(Control.move_to(x + start, y).segment.text)
                sequences.append(_sparing(strip.crop(start, stop).render(console)))
        return "".join(sequences)


class SparingLayout(LayoutUpdate):
    """Textual's whole screen, with as few codes as a terminal needs."""

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal, line by line."""
        sequences: list[str] = []
        for y, line in enumerate(self.strips, self.region.y):
            sequences.append(Control.move_to(self.region.x, y).segment.text)
            sequences.append(_sparing("".join(strip.render(console) for strip in line)))
        return "".join(sequences)


def _sparing(cells: str) -> str:
    """Rendered cells, but of each style only what the one before it has not."""
    sequences: list[str] = []
    codes = "0"
    for part in f"0m{cells}".split("\x1b["):
        wanted, _, text = part.partition("m")
        if text:
            sequences += (_turn(codes, wanted), text)
            codes = wanted
    return "".join((*sequences, _turn(codes, "0")))


_CODE = re.compile(r"[34]8;(?:2;\d+;\d+|5);\d+|\d+")
"""One attribute or one colour."""


@lru_cache(maxsize=1024)
def _turn(codes: str, wanted: str) -> str:
    """What a terminal that writes with these codes is sent to write with the wanted ones; "0" are none."""
    have, want = _CODE.findall(codes), _CODE.findall(wanted)
    if wanted == "0" or not {_kind(code) for code in have if code != "0"} <= {_kind(code) for code in want}:
        return "" if codes == wanted else "\x1b[0m" if wanted == "0" else f"\x1b[0;{wanted}m"
    new = ";".join(code for code in want if code not in have)
    return f"\x1b[{new}m" if new else ""


def _kind(code: str) -> str:
    """What a code takes the place of: another colour, another background, or, an attribute, only itself."""
    if len(code) == 1:
        return code
    return "ink" if code[0] in "39" else "ground" if code[0] == "4" or code[:2] == "10" else code


def _off_the_middle(strip: Strip, start: int, stop: int) -> tuple[int, int]:
    """Both ends of a crop, moved outwards where a wide character lies across: half of one erases the other half."""
    if NARROW.fullmatch(strip.text):
        return start, stop

    def is_across(cell: int) -> bool:
        return strip.crop(0, cell).text + strip.crop(cell).text != strip.text

    return start - is_across(start), stop + is_across(stop)


class SparingCompositor(Compositor):
    """A compositor that renders what is seen, and whose partial updates are sparing.

    It places widgets in a layout and at no other time: what Textual's places in between, because somebody asks where
    a widget stands while one is new, the next layout finds in its place already, and does not paint.
    """

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """As Textual's, which takes the places that it found for preliminary."""
        result = super().reflow(parent, size)
        self._full_map_invalidated = False
        return result

    def update_widgets(self, widgets: set[Widget]) -> None:
        """As Textual's, of those that have a place: the others are painted with their layout."""
        super().update_widgets(widgets & self.visible_widgets.keys())

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """As Textual's, but sparing."""
        update = super().render_full_update(simplify)
        return SparingLayout(update.strips, update.region)

    def render_partial_update(self) -> SparingUpdate | None:
        """As Textual's, but of the dirty lines alone, and of a line only the widgets that are seen in it.

        Textual renders every line of every widget, those behind others too, that lies in one rectangle around all
        that is dirty: a clock at the top and a cursor at the bottom cost as much as the whole screen.
        """
        regions = self._dirty_regions.copy()
        self._dirty_regions.clear()
        if not regions:
            return None
        spans = list(self._regions_to_spans(regions))
        missing: dict[int, set[int]] = {}
        for y, first, last in spans:
            seen = {cut for cut, end in pairwise(self.cuts[y]) if cut < last and end > first}
            missing.setdefault(y, set()).update(seen)
        return SparingUpdate(self._seen(missing), spans, [line[1:] for line in self.cuts])

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        """For whole screens: here, too, only what is seen; whole lines, whatever the crop's columns."""
        lines = (y for y in crop.line_range if is_rendered_line(y))
        chops = self._seen({y: set(self.cuts[y][:-1]) for y in lines})
        return cast("Sequence[Mapping[int, Strip]]", chops)

    def _seen(self, missing: dict[int, set[int]]) -> list[dict[int, Strip | None]]:
        """For each line its cells from cut to cut, as far as they are `missing`, which this empties."""
        cuts = self.cuts
        chops: list[dict[int, Strip | None]] = [dict.fromkeys(line[:-1]) for line in cuts]
        for widget, (region, clip) in self.visible_widgets.items():
            if not missing:
                break
            shown = region.intersection(clip)
            for lines in _runs(missing, shown):
                crop = Region(shown.x - region.x, lines.start - region.y, shown.width, len(lines))
                for y, strip in zip(lines, widget.render_lines(crop), strict=False):
                    inside = [cut for cut in cuts[y] if shown.x <= cut <= shown.right]
                    for cut, part in zip(inside, strip.divide([cut - shown.x for cut in inside[1:]]), strict=False):
                        if cut in missing.get(y, ()):  # painted front to back: the first one is seen
                            missing[y].discard(cut)
                            chops[y][cut] = part
                    if not missing.get(y):
                        missing.pop(y, None)
        return chops


def _runs(missing: Mapping[int, set[int]], shown: Region) -> Iterator[range]:
    """The lines of a widget's visible region in which some cell is wanted of it, as runs of neighbours."""
    begin = end = -1
    for y in sorted(y for y in missing if shown.y <= y < shown.bottom):
        if not any(shown.x <= cut < shown.right for cut in missing[y]):
            continue
        if y != end:
            if begin >= 0:
                yield range(begin, end)
            begin = y
        end = y + 1
    if begin >= 0:
        yield range(begin, end)


class SparingScreen(ScreenBase):
    """Mixed into a screen: sparing in front, and behind a modal too."""

    is_held = False
    """Whether nothing of it is painted until `release`: it is laid out several times while it is put together."""

    def on_mount(self) -> None:
        """Crop at both ends."""
        spare(self)

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """As Textual's, which breaks on a click at a widget that is removed and still stands on the screen."""
        widget, offset = super().get_widget_and_offset_at(x, y)
        return (widget, offset) if widget is not None and widget.is_attached else (None, None)

    def _compositor_refresh(self) -> None:
        """Behind a modal: only the changed cells of what is above it are painted again, screen by screen.

        Textual's own also marks this whole screen dirty, so that each tick would send all of it. And the one above is
        not asked to `refresh`: a screen that is forgets which of its own widgets were to be painted.
        """
        if self.app._batch_count:  # Textual would draw it, throw it away, and forget what was to be painted
            self.set_timer(BATCH, self._compositor_refresh)
            return
        if self.is_held:
            return
        self._compositor.update_widgets(
            self._dirty_widgets
        )  # it may be later than Textual thinks, which forgets them
        stack = self.app.screen_stack
        if self not in stack[:-1]:
            super()._compositor_refresh()
            return
        changed = self._compositor._dirty_regions
        if changed:
            above = stack[stack.index(self) + 1]
            above._set_dirty(*changed)
            above.post_message(messages.Update(above))
            changed.clear()
        self._dirty_widgets.clear()

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        """As Textual's, which paints all of it a second time where a repaint was asked for as well."""
        if self._repaint_required:
            self._repaint_required = False
            self._dirty_widgets.add(self)
        super()._refresh_layout(size, scroll)

    def release(self) -> None:
        """Paint all of it, now that it is put together."""
        if self.is_held:
            self.is_held = False
            self._compositor.update_widgets({self})
            self._compositor_refresh()


def spare(screen: Screen[Any]) -> None:
    """Make this screen's updates sparing."""
    compositor = getattr(screen, "_compositor", None)
    if type(compositor) is Compositor:
        compositor.__class__ = SparingCompositor
