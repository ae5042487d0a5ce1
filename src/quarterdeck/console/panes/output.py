"""A command's whole output, however long: scrolled by its lines, searched, with their numbers.

It holds only the pages that are on the screen (`station.commands.pages`); where a line is among all, and what is
found, is counted beside (`console.output_index`). Its last row says what is shown. It follows the end of what still
grows, until somebody scrolls away from it.
"""

from __future__ import annotations

import asyncio
import time

from textual.message import Message

from quarterdeck.console.output_index import Place, Search, Tally
from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row, justified, width_of
from quarterdeck.console.panes.rows import wrap
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.wrapped_pages import Spot, WrappedPages
from quarterdeck.station.commands.pages import Pages
from quarterdeck.text import visible

__all__ = ["OutputPane"]

SLICE = 0.04
"""Seconds that counting goes on between two looks at the screen."""
AT_ONCE = 2
"""Pages that are counted before the first frame."""
NARROWEST = 8
"""Cells for text beside the line numbers."""


class OutputPane(Pane):
    """Give it pages with `show`."""

    class Turned(Message):
        """It follows or stands still, or a match was found: other keys work now."""

    name_ = "output"
    heading = "Output"

    def __init__(self) -> None:
        super().__init__(framed=False)
        self.pages: Pages | None = None
        self.search: Search | None = None
        self.follows = True
        """It shows the end of what still grows."""
        self.why = ""
        """Why there is nothing to show, or not all of it."""
        self.whose = ""
        """Which attempt it is, and how that ended."""
        self._at = Spot(0, 0)
        """What stands in its first row."""
        self._lines: Tally | None = None
        self._match: Place | None = None
        self._wanted: bool | None = None
        """A match is looked for: forward, or back (True)."""
        self._became = ""
        """What became of the last search."""
        self._counting = False
        self._spots: list[Spot] = []
        self._spots_for: tuple[object, ...] = ()

    # -- what the reader does

    def show(self, pages: Pages | None, why: str = "", *, stay: bool = False) -> None:
        """Show this output from now on, at its end; without one say why. A search goes on in it.

        `stay`: it is the same output, kept elsewhere: whoever read in it goes on reading there.
        """
        text = self.search.text if self.search is not None else ""
        line = self._number_of(self._at) if stay and not self.follows else None
        self.pages, self.why = pages, why
        self._lines = Tally(pages, pages.lines_on) if pages is not None else None
        self._match, self._wanted, self._became = None, None, ""
        self.follows = True
        self.search = Search(pages, text, pages.last) if pages is not None and text else None
        self._to_end()
        if line is not None:
            self._move_to(self._spot_of(line))
        self._go_on_counting()
        self.repaint_changed()

    def _number_of(self, spot: Spot) -> int | None:
        """The number of a line among all, from 0 on; None while those before it are not counted."""
        if self.pages is None or self._lines is None:
            return None
        before = self._lines.until(spot.page)
        lines = self.pages.lines(spot.page)[: spot.line + 1]
        return None if before is None else before + max((line.number for line in lines), default=0)

    def _spot_of(self, number: int) -> Spot:
        """Where the line with this number stands, or the last one."""
        pages = self.pages
        for page in pages.numbers() if pages is not None else ():
            assert pages is not None
            for index, line in enumerate(pages.lines(page)):
                if line.number == number:
                    return Spot(page, index)
            number -= pages.lines_on(page)
        return self._end

    def find(self, text: str) -> None:
        """Look for a text, from what is on the screen on; nothing ends a search."""
        self._match, self._wanted, self._became = None, None, ""
        self.search = Search(self.pages, text, self._at.page) if self.pages is not None and text else None
        if self.search is not None:
            self.again(back=False)
        self.repaint_changed()

    def again(self, *, back: bool) -> None:
        """To the next match, or the one before."""
        if self.search is None:
            return
        self._wanted = back
        self._go()
        self._go_on_counting()
        self.repaint_changed()

    @property
    def is_looking(self) -> bool:
        """Whether a match is still looked for."""
        return self._wanted is not None

    @property
    def can_follow(self) -> bool:
        """Whether more may come, and its end is not followed."""
        return self.pages is not None and self.pages.is_growing and not self.follows

    def text_upto(self, most: int) -> tuple[str, int]:
        """What stands before the screen's end, `most` characters of whole lines at most, and how many of them."""
        wrapped = self._wrapped
        if wrapped is None:
            return "", 0
        found: list[str] = []
        size = 0
        spot = self._last_visible()
        while spot is not None:
            text = wrapped.text(spot)[-most:]
            if size + len(text) >= most and found:
                break
            found.append(text)
            size += len(text.encode(errors="replace")) + 1
            spot = wrapped.previous_line(spot)
        return "\n".join(reversed(found)), len(found)

    # -- the tick

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """See what came."""
        del snapshot, width
        if not self._counting:
            self._look()
            self._go_on_counting()
        elif self.follows:
            self._to_end()

    def _look(self) -> None:
        if self.pages is not None and self.pages.look():
            for tally in self._tallies():
                tally.look()
        if self.follows:
            self._to_end()
        elif self._wrapped is not None:
            self._at = self._wrapped.inside(self._at)

    def _tallies(self) -> list[Tally]:
        found = [self.search.tally] if self.search is not None else []
        return found + ([self._lines] if self._lines is not None else [])

    def _advance(self) -> bool:
        until = time.monotonic() + SLICE
        return all(tally.advance(until) for tally in self._tallies() if not tally.is_complete)

    def _go_on_counting(self) -> None:
        if self._counting or self.pages is None or all(tally.is_complete for tally in self._tallies()):
            return
        if self.pages.last < AT_ONCE:
            while not self._advance():
                pass
            self._go()
        elif self.is_attached:
            self._counting = True
            self.run_worker(self._count(), group="counting", name="counting")

    async def _count(self) -> None:
        """Beside the screen, a slice at a time: what it has to look at again it does between two of them."""
        try:
            while not await asyncio.to_thread(self._advance):
                self._go()
                self._look()
                self.repaint_changed()
        finally:
            self._counting = False
        self._go()
        self._turn()

    def _go(self) -> None:
        """To the match that is looked for, once it is known."""
        if self.search is None or self._wanted is None:
            return
        back = self._wanted
        start = self._match
        if start is None:
            start = Place(self._at.page, self._at.line, -1)
        found = self.search.next(start, back=back)
        if found is None:
            return
        self._wanted = None
        if found.place is None:
            self._became = "not found"
            return
        end = "beginning" if back else "end"
        other = "end" if back else "beginning"
        self._became = f"past the {end}, on from the {other}" if found.wrapped else ""
        self._match = found.place
        self._show_line(found.place)

    def _show_line(self, place: Place) -> None:
        """Bring a line on the screen; where it is there, nothing moves."""
        wrapped, spot, last = self._wrapped, Spot(place.page, place.line), self._last_visible()
        if self._at <= spot and last is not None and (spot.page, spot.line) < (last.page, last.line):
            self.follows = False
            return
        if wrapped is not None:
            self._move_to(wrapped.up(spot, self._height // 3))

    # -- moving

    @property
    def _height(self) -> int:
        """Rows of text: one is the line that says what is shown."""
        return max(1, self.size.height - 1)

    def roll_to(self, top: int) -> None:
        """Scroll by so many rows: `top` stays 0, since nobody knows how many there are."""
        wrapped = self._wrapped
        if wrapped is not None:
            self._move_to(wrapped.down(self._at, top) if top > 0 else wrapped.up(self._at, -top), follow=top > 0)
            self._turn()

    def _turn(self) -> None:
        self.repaint_changed()
        self.post_message(self.Turned())

    def action_roll_end(self, by: int) -> None:
        """To the beginning, or to the end and with it."""
        if by < 0:
            self._move_to(Spot(0, 0))
        else:
            self.follows = True
            self._to_end()
        self._turn()

    def _move_to(self, spot: Spot, *, follow: bool = False) -> None:
        end = self._end
        self._at = min(self._wrapped.inside(spot), end) if self._wrapped is not None else end
        self.follows = follow and self._at == end

    def _to_end(self) -> None:
        self._at = self._end

    @property
    def _end(self) -> Spot:
        """The first row where the last one is at the bottom."""
        return self._wrapped.end(self._height) if self._wrapped is not None else Spot(0, 0)

    @property
    def _wrapped(self) -> WrappedPages | None:
        """The pages in rows, at the width that there is now."""
        return WrappedPages(self.pages, max(1, self.content_width - self._gutter)) if self.pages is not None else None

    def _last_visible(self) -> Spot | None:
        spots = self._visible()
        return spots[-1] if spots else None

    def title_of(self, snapshot: Snapshot) -> str:
        """Beside the tabs."""
        del snapshot
        return self.whose

    # -- rows

    def row_count(self, snapshot: Snapshot) -> int:
        """As many as there is room for."""
        del snapshot
        return self.size.height

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del snapshot
        if y >= self._height:
            return self._standing(width)
        if self.pages is None or not self.pages.size:
            told = wrap(f"{self.why or 'it printed nothing so far'}", max(1, width - 2))
            return ((f" {told[y]}", "muted"),) if y < len(told) else EMPTY
        spots = self._visible()
        wrapped = self._wrapped
        return self._text(wrapped, spots[y]) if wrapped is not None and y < len(spots) else EMPTY

    def _visible(self) -> list[Spot]:
        """What stands in each row of text."""
        wrapped = self._wrapped
        key = (self._at, self._height, wrapped, self.pages.size if self.pages is not None else 0)
        if key != self._spots_for:
            self._spots_for = key
            self._spots = wrapped.rows(self._at, self._height) if wrapped is not None else []
        return self._spots

    def _text(self, wrapped: WrappedPages, spot: Spot) -> Row:
        """The line's number, and a row of its text with what was found in it."""
        line, shown = wrapped.pages.lines(spot.page)[spot.line], wrapped.text(spot)
        begin, end = wrapped.cuts(spot)[spot.row]
        before = self._lines.until(spot.page) if self._lines is not None and line.number >= 0 else None
        number = "" if spot.row or line.number < 0 else "·" if before is None else f"{before + line.number + 1}"
        pieces: list[Piece] = [(f"{number:>{self._gutter - 1}} ", "faint")] if self._gutter else []
        if self.search is None:
            return (*pieces, (shown[begin:end], "text"))
        at = begin
        for nth, match in enumerate(self.search.pattern.finditer(shown)):
            first, last = max(at, match.start()), min(end, match.end())
            if first < last:
                here = self._match == Place(spot.page, spot.line, nth)
                pieces += [(shown[at:first], "text"), (shown[first:last], "badge-warn" if here else "badge-grey")]
                at = last
        return (*pieces, (shown[at:end], "text"))

    @property
    def _gutter(self) -> int:
        """Cells of the line numbers."""
        pages, lines = self.pages, self._lines
        if pages is None or lines is None:
            return 0
        digits = len(str(lines.total if lines.is_complete else pages.size // 40))
        return max(3, digits) + 1 if self.content_width - digits - 1 >= NARROWEST else 0

    def _standing(self, width: int) -> Row:
        """The line that says what is shown: the search or whether it follows, and how far down."""
        pages, lines = self.pages, self._lines
        if pages is None or lines is None or not pages.size:
            return EMPTY
        left: list[Piece] = [(" ", "")]
        if self.search is not None:
            left += self._found_so_far(self.search)
        elif self.why:
            left.append((self.why, "warn"))
        elif pages.is_growing:
            left.append(("follows the end", "ok") if self.follows else ("stands still: End follows", "warn"))
        last = self._last_visible()
        right = ""
        if last is not None:
            before = lines.until(last.page)
            page = pages.lines(last.page)
            number = max((line.number for line in page[: last.line + 1]), default=-1) + 1
            if before is None or not lines.is_complete:
                right = f"counting lines, {lines.share:.0%} "
            else:
                right = f"line {before + number:,} of {lines.total:,} "
        row = justified(tuple(left), ((right, "muted"),), width)
        gap = width - width_of(row)
        return (*row, (" " * gap, "")) if gap > 0 else row

    def _found_so_far(self, search: Search) -> list[Piece]:
        text = f"“{visible(search.text, 30)}” "
        total, done = search.tally.total, search.tally.is_complete
        rank = search.rank(self._match) if self._match is not None else None
        if self.is_looking:
            said = f"searching, {search.tally.share:.0%}"
        elif self._match is None:
            said = self._became or f"{total:,} found"
        elif done:
            said = f"{rank:,} of {total:,}" if rank is not None else f"{total:,} found"
        else:
            which = f"{rank:,}" if rank is not None else "?"
            said = f"{which} of {total:,} so far, {search.tally.share:.0%}"
        pieces: list[Piece] = [(text, "accent"), (said, "strong")]
        if self._match is not None and self._became:
            pieces.append((f" · {self._became}", "warn"))
        return pieces
