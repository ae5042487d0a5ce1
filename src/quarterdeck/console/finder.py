"""Finding by typed words among thousands of names: which fit, and in which order. Pure; the palette's.

Every word has to stand somewhere in the name. What begins with all that was typed comes first, then what has each
word at the start of one of its own, then the rest; equals keep their order. A search runs over plain strings that
were made once, and one that goes on from the last looks only through what that found.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

__all__ = ["Found", "Hit", "Section"]

_BREAKS = "-_/.:,;()[]{}<>\"'=+*#@&|!?\u00b7\u2026\u201c\u201d\t"
"""Between words; `orders-api` is two of them, typed and found alike."""


def _folded(text: str) -> str:
    """As it is searched, with blanks between words; a pattern takes ten times as long over a megabyte."""
    text = text.casefold()
    for sign in _BREAKS:
        text = text.replace(sign, " ")
    return text


def _names(texts: Sequence[str]) -> list[str]:
    """What is searched, each with a blank before its first word."""
    whole = "\n ".join(texts)
    if whole.count("\n") >= len(texts):
        whole = "\n ".join(text.replace("\n", " ") for text in texts)
    return _folded(f" {whole}").split("\n") if texts else []


def _in_front(first: list[int], all_of_them: list[int]) -> list[int]:
    """All of them, with the first ones before the others."""
    if not first or len(first) == len(all_of_them):
        return all_of_them
    known = set(first)
    return first + [number for number in all_of_them if number not in known]


class Section:
    """Things of one kind under one heading: `found` are their numbers, best first."""

    def __init__(
        self,
        title: str,
        texts: Sequence[str],
        row: Callable[[int], tuple[str, str]],
        told: Callable[[int], str],
        picked: Callable[[int], tuple[str, str]],
    ) -> None:
        """`texts` are searched; by number, `row` is a mark and a name, `told` what Enter does, `picked` its id."""
        self.title, self.row, self.told, self.picked = title, row, told, picked
        self._kind = title.casefold().removesuffix("s")
        """The word that all of them fit: `step 10` is the step, whatever else its name says."""
        self._names = _names(texts)
        self._all = list(range(len(self._names)))
        self._typed, self._fitting = "", self._all
        self.found = self._all
        self.begins = True
        """Whether one has every word at the start of one of its own."""

    def find(self, typed: str) -> None:
        """Find what fits what is typed."""
        lead = " ".join(_folded(typed).split())
        names, words = self._names, [word for word in lead.split() if word != self._kind]
        lead = " ".join(words)
        fitting = self._fitting if lead.startswith(self._typed) else self._all
        for word in words:
            fitting = [number for number in fitting if word in names[number]]
        self._typed, self._fitting = lead, fitting
        begun = fitting
        for word in words:
            start = f" {word}"
            begun = [number for number in begun if start in names[number]]
        self.begins = bool(begun)
        start = f" {lead}"
        first = [number for number in begun if names[number].startswith(start)] if words else []
        self.found = _in_front(first, _in_front(begun, fitting))


class Hit(NamedTuple):
    """One thing that was found."""

    section: Section
    number: int


class Found:
    """What all sections found, as one list with a heading before each section that found something."""

    def __init__(self, sections: Sequence[Section]) -> None:
        """`sections` were asked."""
        self._sections = [section for section in sections if section.found]
        self._ends = list(accumulate(len(section.found) for section in self._sections))

    def __len__(self) -> int:
        """How many hits there are."""
        return self._ends[-1] if self._ends else 0

    @property
    def rows(self) -> int:
        """Hits and headings."""
        return len(self) + len(self._sections)

    def hit(self, at: int) -> Hit:
        """The hit with this number, from 0."""
        which = bisect_right(self._ends, at)
        section = self._sections[which]
        return Hit(section, section.found[at - self._ends[which] + len(section.found)])

    def row_of(self, at: int) -> int:
        """The row in which a hit stands."""
        return at + bisect_right(self._ends, at) + 1

    def at_row(self, row: int) -> int | Section:
        """The hit of a row, or the section whose heading it is."""
        for which, (section, end) in enumerate(zip(self._sections, self._ends, strict=True)):
            first = end - len(section.found) + which
            if row == first:
                return section
            if row <= first + len(section.found):
                return row - which - 1
        return len(self) - 1

    def next_section(self, at: int, by: int) -> int:
        """The first hit of the section after (or before) that of a hit, around the end."""
        which = (bisect_right(self._ends, at) + by) % len(self._sections)
        return self._ends[which] - len(self._sections[which].found)
