"""What is counted of an output, page by page: its lines, and where a text stands in it.

Counting goes on beside the screen, for as long as it is given time, and can end at any moment; what was counted of a
page holds until that page changes. Nothing here knows a screen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from quarterdeck.station.commands.pages import Line, Pages

__all__ = ["Found", "Place", "Search", "Tally"]


class Place(NamedTuple):
    """Where a match stands: the page, which of its lines, which of the matches in that."""

    page: int
    line: int
    nth: int = 0


class Found(NamedTuple):
    """The next match; `place` None where there is none. `wrapped`: it went on at the other end."""

    place: Place | None
    wrapped: bool = False


class Tally:
    """A number for each page."""

    def __init__(self, pages: Pages, count: Callable[[int], int], first: int = 0) -> None:
        """`count` gives a page's number; it begins with page `first`, and goes on at page 0 after the last one."""
        self._pages, self._count = pages, count
        self._of: dict[int, int] = {}
        self._loose: set[int] = set()
        """Pages that were counted before they were settled."""
        self._before: dict[int, int] = {}
        """What `until` found."""
        self._next: int | None = first
        self._epoch = pages.epoch

    def look(self) -> None:
        """Forget what may not hold any more, after the pages looked how long they are by now."""
        if self._pages.epoch != self._epoch:
            self._epoch = self._pages.epoch
            self._of.clear()
        for page in self._loose:
            self._of.pop(page, None)
        self._loose.clear()
        self._before.clear()
        self._next = self._open()

    def advance(self, until: float) -> bool:
        """Count until that moment (`time.monotonic`), one page at least; whether all pages are counted."""
        while self._next is not None:
            page = self._next
            if not self._pages.is_settled(page):
                self._loose.add(page)
            self._of[page] = self._count(page)
            self._next = following if (following := self._pages.after(page)) not in self._of else None
            self._next = self._open() if self._next is None else self._next
            if time.monotonic() >= until:
                break
        return self._next is None

    def _open(self) -> int | None:
        return next((page for page in self._pages.numbers() if page not in self._of), None)

    @property
    def is_complete(self) -> bool:
        """Whether all pages are counted."""
        return self._next is None

    @property
    def share(self) -> float:
        """How much of it is counted, 0 to 1."""
        return 1.0 if self._next is None else len(self._of) / (self._pages.last + 1)

    @property
    def total(self) -> int:
        """Of all pages that are counted."""
        return sum(self._of.values())

    def of(self, page: int) -> int | None:
        """Of this page; None while it is not counted."""
        return self._of.get(page)

    def until(self, page: int) -> int | None:
        """Of all pages before this one; None while one of them is not counted."""
        if page in self._before:
            return self._before[page]
        found = 0
        for earlier in self._pages.numbers():
            if earlier >= page:
                break
            count = self._of.get(earlier)
            if count is None:
                return None
            found += count
        self._before[page] = found
        return found


class Search:
    """Where a text stands: small letters find capitals too, a text with a capital only itself."""

    def __init__(self, pages: Pages, text: str, first: int = 0) -> None:
        """It looks from page `first` on."""
        self.text = text
        self.pattern = re.compile(re.escape(text), re.IGNORECASE if text == text.lower() else 0)
        self._pages = pages
        self.tally = Tally(pages, self._count, first)

    def in_line(self, line: Line) -> int:
        """How often it stands in a line."""
        return sum(1 for _ in self.pattern.finditer(line.text))

    def _count(self, page: int) -> int:
        text = self._pages.text(page)
        return sum(map(self.in_line, self._pages.lines_of(page, text))) if self.pattern.search(text) else 0

    def places(self, page: int) -> list[Place]:
        """Where it stands on a page."""
        return [
            Place(page, number, nth)
            for number, line in enumerate(self._pages.lines(page))
            for nth in range(self.in_line(line))
        ]

    def next(self, place: Place, *, back: bool = False) -> Found | None:
        """The match after `place` (before it), around the end if need be; None while that is not known yet."""
        for here in self.places(place.page)[:: -1 if back else 1]:
            if (here < place) if back else (here > place):
                return Found(here)
        step, wrapped = (self._pages.before if back else self._pages.after), False
        page: int | None = place.page
        while True:
            page = step(page) if page is not None else None
            if page is None:
                if wrapped:
                    return Found(None)
                page, wrapped = (self._pages.last if back else 0), True
            count = self.tally.of(page)
            if count is None:
                return None
            found = self.places(page)[:: -1 if back else 1] if count else []
            if found:
                return Found(found[0], wrapped)
            if wrapped and page == place.page:
                return Found(None)

    def rank(self, place: Place) -> int | None:
        """Which one of all it is, from 1 on; None while those before it are not counted."""
        before = self.tally.until(place.page)
        return None if before is None else before + sum(here <= place for here in self.places(place.page))
