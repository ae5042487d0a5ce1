"""A screen for the tests: what a terminal of 120x36 would show for the bytes that it got, and what it was told to do.

It knows exactly the sequences that a Textual console needs. Everything else lands in `strange`, so that a test can
say: no other order reached the terminal, whoever wrote it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

__all__ = ["Screen"]

_TOKEN = re.compile(
    r"\x1b\[(?P<arguments>[0-?]*)(?P<between>[ -/]*)(?P<order>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b\x9c]*)(?:\x07|\x1b\\)"
    r"|\x1b(?P<short>[ -/]*[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
_LONGEST = 4096
"""Characters that a sequence may have; a longer one is no sequence."""
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Screen:
    """The cells, the modes, and every order that is none of a console's."""

    def __init__(self, columns: int, rows: int) -> None:
        self.modes: dict[str, bool] = {}
        """Private modes (`1049`, `25`, `1000`, …) that were set or reset, and how they stand."""
        self.strange: list[str] = []
        """Orders, control and invisible characters that no console of ours sends."""
        self.colours = 0
        """Orders that chose a colour."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._pending = ""
        self._column = self._row = 0
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Become another size, empty."""
        self.columns, self.rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]

    @property
    def lines(self) -> list[str]:
        """What stands there, row by row."""
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        """What stands there."""
        return "\n".join(self.lines)

    def feed(self, data: bytes) -> None:
        """Take what the console wrote."""
        text = self._pending + self._decoder.decode(data)
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                if len(text) - at < _LONGEST:
                    break  # the rest of a sequence may come
                self.strange.append(text[at : at + 40])
                at += 1
                continue
            at = found.end()
            self._take(found)
        self._pending = text[at:]

    def _take(self, found: re.Match[str]) -> None:
        if found["text"] is not None:
            self._write(found["text"])
        elif found["control"] is not None:
            self._control(found["control"])
        elif found["order"] is not None:
            self._order(found["arguments"], found["between"] + found["order"], found.group())
        elif found["osc"] is None or not found["osc"].startswith("22;"):  # 22: the mouse pointer's shape
            self.strange.append(found.group())

    def _write(self, text: str) -> None:
        self.strange += _INVISIBLE.findall(text)
        for character in text:
            if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
                continue
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self._row < self.rows and self._column < self.columns:
                self._cells[self._row][self._column] = character
                if width == 2 and self._column + 1 < self.columns:
                    self._cells[self._row][self._column + 1] = ""
            self._column += width

    def _control(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._row += 1
        elif character != "\a":  # the bell rings
            self.strange.append(character)

    def _order(self, arguments: str, order: str, whole: str) -> None:
        numbers = [int(number) if number.isdigit() else 0 for number in arguments.strip("?<=>").split(";")]
        if order == "m":
            self.colours += _is_coloured(numbers)
        elif order in {"H", "f"}:
            line, column = [*numbers, 0][:2]
            self._row, self._column = max(line, 1) - 1, max(column, 1) - 1
        elif order in {"h", "l"} and arguments.startswith("?"):
            self.modes.update({str(number): order == "h" for number in numbers})
        elif order == "J" and numbers[0] in {2, 3}:
            self.resize(self.columns, self.rows)
        elif order not in {"$p", "u"}:  # asks for a mode; the keyboard's protocol
            self.strange.append(whole)


def _is_coloured(numbers: list[int]) -> bool:
    return any((30 <= number <= 49 and number not in {39, 49}) or 90 <= number <= 107 for number in numbers)
