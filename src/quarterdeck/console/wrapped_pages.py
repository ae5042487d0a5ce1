"""The rows of a long output at a width, found from one to the next: nobody knows how many there are.

A page of it has lines, a line has one row or more; a spot names one row.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from quarterdeck.station.commands.pages import Pages
from quarterdeck.text import in_full

__all__ = ["Spot", "WrappedPages", "cuts"]


class Spot(NamedTuple):
    """A row: the page, which of its lines (or pieces of one), which row of that."""

    page: int
    line: int
    row: int = 0


class WrappedPages(NamedTuple):
    """Pages in rows of at most `width` cells."""

    pages: Pages
    width: int

    def text(self, spot: Spot) -> str:
        """The whole line, as it is shown."""
        return in_full(self.pages.lines(spot.page)[spot.line].text)

    def cuts(self, spot: Spot) -> list[tuple[int, int]]:
        """Where the rows of a line begin and end."""
        return cuts(self.text(spot), self.width)

    def end(self, height: int) -> Spot:
        """The first of `height` rows of which the last is the last of all."""
        last = self._last_line(self.pages.last)
        return self.up(self._last_row(last), height - 1) if last is not None else Spot(0, 0)

    def inside(self, spot: Spot) -> Spot:
        """The same row, or what has come in its place."""
        lines = self.pages.lines(spot.page)
        if not lines:
            return self.next_line(spot) or self.previous_line(spot) or Spot(0, 0)
        if spot.line >= len(lines):
            spot = Spot(spot.page, len(lines) - 1)
        return spot._replace(row=min(spot.row, len(self.cuts(spot)) - 1))

    def down(self, spot: Spot, rows: int) -> Spot:
        """So many rows further, or the last one."""
        while rows > 0:
            left = len(self.cuts(spot)) - 1 - spot.row
            if rows <= left:
                return spot._replace(row=spot.row + rows)
            following = self.next_line(spot)
            if following is None:
                return spot._replace(row=spot.row + max(0, left))
            rows -= left + 1
            spot = following
        return spot

    def up(self, spot: Spot, rows: int) -> Spot:
        """So many rows back, or the first one."""
        while rows > 0:
            if rows <= spot.row:
                return spot._replace(row=spot.row - rows)
            before = self.previous_line(spot)
            if before is None:
                return spot._replace(row=0)
            rows -= spot.row + 1
            spot = self._last_row(before)
        return spot

    def rows(self, first: Spot, height: int) -> list[Spot]:
        """The rows from `first` on, `height` at most."""
        found: list[Spot] = []
        spot: Spot | None = first if self.pages.lines(first.page) else self.next_line(first)
        while spot is not None and len(found) < height:
            until = min(len(self.cuts(spot)), spot.row + height - len(found))
            found += [spot._replace(row=row) for row in range(spot.row, until)]
            spot = self.next_line(spot)
        return found

    def next_line(self, spot: Spot) -> Spot | None:
        """The first row of the line after; None after the last."""
        if spot.line + 1 < len(self.pages.lines(spot.page)):
            return Spot(spot.page, spot.line + 1)
        page = self.pages.after(spot.page)
        while page is not None and not self.pages.lines(page):
            page = self.pages.after(page)
        return Spot(page, 0) if page is not None else None

    def previous_line(self, spot: Spot) -> Spot | None:
        """The first row of the line before; None before the first."""
        if spot.line > 0:
            return Spot(spot.page, spot.line - 1)
        page = self.pages.before(spot.page)
        return self._last_line(page) if page is not None else None

    def _last_line(self, page: int) -> Spot | None:
        """The last line of this page, or of the nearest one before it that has any."""
        found: int | None = page
        while found is not None and not self.pages.lines(found):
            found = self.pages.before(found)
        return Spot(found, len(self.pages.lines(found)) - 1) if found is not None else None

    def _last_row(self, spot: Spot) -> Spot:
        return spot._replace(row=len(self.cuts(spot)) - 1)


def cuts(text: str, width: int) -> list[tuple[int, int]]:
    """Where rows of at most `width` cells begin and end in a line; one empty row for an empty line."""
    if text.isascii():
        return [(at, min(len(text), at + width)) for at in range(0, max(1, len(text)), width)]
    found: list[tuple[int, int]] = []
    begin = cells = 0
    for at, character in enumerate(text):
        wide = cell_len(character)
        if cells + wide > width and at > begin:
            found.append((begin, at))
            begin, cells = at, 0
        cells += wide
    found.append((begin, len(text)))
    return found
