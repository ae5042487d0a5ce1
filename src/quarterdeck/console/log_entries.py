"""Entries of the log: what happened together, told in one line that can be opened.

A step's end is four events within a second or two, a halt and what it stopped are six: a tired person wants one line
of each. Which events belong together, and what each adds to an entry that is about another, an event says itself
(`session.events`). Pure, and append-only like the lines: nothing is left out, no line stands in two entries. An entry
is as loud as its loudest line, and is about the first of those; where none asks for attention, about the last line.
The log pane calls it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

from quarterdeck.session.events import Level

if TYPE_CHECKING:
    from quarterdeck.console.store import LogLine

__all__ = ["LogEntries", "LogEntry"]

TOGETHER = 5.0
"""Seconds from an entry's last line within which the next one still belongs to it."""
LONGEST = 60.0
"""Seconds that an entry may span."""
NEAR = 20
"""Entries from the end that may still grow: what is above has scrolled away from who reads."""
MOST = 40
"""Lines of an entry."""

LOUDNESS: dict[Level, int] = {level: loud for loud, level in enumerate(get_args(Level))}


class LogEntry:
    """Lines of the log that happened together, in their order, at least one."""

    __slots__ = ("_searched", "lines", "name", "words")

    def __init__(self, line: LogLine) -> None:
        self.lines = [line]
        self.name = line.name
        """Number and title of the step that it is about; empty where the words say it, or it is about none."""
        self.words = line.brief or line.text
        """What happened, in one line."""
        self._searched = ""

    @property
    def at(self) -> float:
        """When it began: wall clock, epoch seconds."""
        return self.lines[0].at

    @property
    def who(self) -> str:
        """The first one who is not the station itself."""
        return next((line.who for line in self.lines if line.who != "station"), "station")

    @property
    def level(self) -> Level:
        """That of its loudest line."""
        return max((line.level for line in self.lines), key=LOUDNESS.__getitem__)

    @property
    def position(self) -> int:
        """That of its latest event, of which the least is proven (`Marks`); 0 where none is recorded."""
        return max(line.position for line in self.lines)

    def grow(self, line: LogLine) -> None:
        """Take one more line."""
        self.lines.append(line)
        self._searched = ""
        lines, loudest = self.lines, self.level
        about = next(each for each in lines if each.level == loudest) if LOUDNESS[loudest] > 1 else lines[-1]
        self.name = about.name
        if not any(each.step or each.kind != about.kind for each in lines):
            self.words = _merged([each.brief for each in lines])
            return
        said, step = [about.brief], about.step
        for each in lines:
            if each is about or not each.adds or any(each.adds in part for part in said):
                continue
            said.append(f"{each.name}: {each.adds}" if each.name and each.step != step else each.adds)
            step = each.step
        self.words = said[0] + "".join(
            f"{';' if ': ' in before + after else ','} {after}" for before, after in pairwise(said)
        )

    def matches(self, words: Sequence[str]) -> bool:
        """Whether each of these (casefolded), or of `a|b` one, stands in its lines: step, person, kind, level, text.

        A number stands there as a whole one: `7` is not in `17`.
        """
        if not words:
            return True
        self._searched = self._searched or " ".join(
            f"{line.text} {line.step} {line.who} {line.login} {line.kind} {line.level} {line.also}"
            for line in self.lines
        ).casefold()  # fmt: skip
        return all(
            any(
                re.search(rf"(?<!\d){part}(?!\d)", self._searched) if part.isdecimal() else part in self._searched
                for part in word.split("|")
                if part
            )
            for word in words
            if word.strip("|")
        )


def _merged(texts: list[str]) -> str:
    """What they say alike once: `guard a, b IS BLIND: no reading`."""
    rows = [text.split(" ") for text in dict.fromkeys(texts)]
    if len(rows) == 1:
        return f"{texts[0]}, {len(texts)} times"
    shortest = min(map(len, rows)) - 1
    head = next((n for n in range(shortest) if len({row[n] for row in rows}) > 1), shortest)
    tail = next((n for n in range(shortest - head) if len({row[-1 - n] for row in rows}) > 1), shortest - head)
    middle = ", ".join(" ".join(row[head : len(row) - tail]) for row in rows)
    return " ".join([*rows[0][:head], middle, *rows[0][len(rows[0]) - tail :]])


class LogEntries:
    """A log's lines, folded into entries; each line costs the same, however long the log is."""

    def __init__(self) -> None:
        self.all: list[LogEntry] = []
        self.places: list[int] = []
        """Of each line of the log: the place of its entry."""
        self._open: dict[str, int] = {}
        """Name of an entry to its place."""

    def take(self, log: Sequence[LogLine]) -> int:
        """Take in what was appended to this log; returns the place of the first entry that is new or has grown."""
        first = len(self.all)
        for number in range(len(self.places), len(log)):
            self.places.append(self._take(log[number]))
            first = min(first, self.places[-1])
        return first

    def _take(self, line: LogLine) -> int:
        place = next((found for name in line.entries if self._takes(found := self._open.get(name, -1), line)), -1)
        if place >= 0:
            self.all[place].grow(line)
        else:
            place = len(self.all)
            self.all.append(LogEntry(line))
        if line.entries:
            self._open[line.entries[-1]] = place
        return place

    def _takes(self, place: int, line: LogLine) -> bool:
        if place < max(0, len(self.all) - NEAR):
            return False
        lines = self.all[place].lines
        close = abs(line.at - lines[-1].at) <= TOGETHER and abs(line.at - lines[0].at) <= LONGEST
        return close and len(lines) < MOST
