"""As much of a terminal as the console uses: cells with their style, wide characters, a size that changes."""

from __future__ import annotations

import re

from rich.cells import cell_len

__all__ = ["Emulator"]

_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(\n)|([^\x1b\n]+)")
_STALE = ("\N{REPLACEMENT CHARACTER}", "")
"""What a terminal shows where it grew: nothing that the console may rely on."""
_REST = ""
"""The second cell of a wide character."""

Cell = tuple[str, str]


def _turned(style: str, codes: str) -> str:
    """A style with these codes on top, in one order: what several may hold at once, a colour, a background."""
    have = style.split()
    for code in re.findall(r"[34]8;(?:2;\d+;\d+|5);\d+|\d+", codes) or ["0"]:
        kept = [other for other in have if other != code and (_kind(other) != _kind(code) or not _kind(code))]
        have = [] if code == "0" else [*kept, code]
    return " ".join(sorted(have, key=lambda code: (_kind(code), code)))


def _kind(code: str) -> int:
    """0 of an attribute, 1 of a colour, 2 of a background."""
    number = int(code.partition(";")[0])
    return 1 if number // 10 in {3, 9} else 2 if number // 10 in {4, 10} else 0


class Emulator:
    """A screen of `width` times `height` cells; a cell is its character and the codes of its style."""

    def __init__(self, width: int, height: int) -> None:
        self.width = self.height = 0
        self.rows: list[list[Cell]] = []
        self.written = 0
        """Characters that were written so far."""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """What fits stays at its place."""
        kept = [row[:width] + [_STALE] * (width - len(row)) for row in self.rows[:height]]
        self.rows = kept + [[_STALE] * width for _ in range(height - len(kept))]
        self.width, self.height = width, height

    def feed(self, data: str) -> None:
        """Write what a program sent. AssertionError where it is nothing that the console may send."""
        x = y = at = 0
        style = ""
        for token in _TOKEN.finditer(data):
            assert token.start() == at, f"not for a screen: {data[at : at + 40]!r}"
            at = token.end()
            if token[1]:
                y, x = int(token[1]) - 1, int(token[2]) - 1
            elif token[3] is not None:
                style = _turned(style, token[3])
            elif token[5]:
                x = self._write(x, y, token[5], style)
        assert at == len(data), f"not for a screen: {data[at : at + 40]!r}"

    def _write(self, x: int, y: int, text: str, style: str) -> int:
        if text.isascii() and y < self.height and x + len(text) <= self.width:
            self.written += len(text)
            self._break(x, y)
            self._break(x + len(text), y)
            self.rows[y][x : x + len(text)] = [(character, style) for character in text]
            return x + len(text)
        for character in text:
            wide = cell_len(character)
            self.written += 1
            if y >= self.height or x + wide > self.width:
                continue
            if not wide:
                at = x - 2 if self.rows[y][x - 1][0] == _REST else x - 1
                self.rows[y][at] = (self.rows[y][at][0] + character, self.rows[y][at][1])
                continue
            self._break(x, y)
            self._break(x + wide, y)
            self.rows[y][x] = (character, style)
            if wide == 2:
                self.rows[y][x + 1] = (_REST, style)
            x += wide
        return x

    def _break(self, x: int, y: int) -> None:
        """A wide character that loses a half is gone."""
        if 0 < x < self.width and self.rows[y][x][0] == _REST:
            self.rows[y][x - 1] = (" ", self.rows[y][x - 1][1])
            self.rows[y][x] = (" ", self.rows[y][x][1])

    @property
    def lines(self) -> list[str]:
        """The text of each line."""
        return ["".join(character for character, _ in row) for row in self.rows]

    def differences(self, other: Emulator) -> list[str]:
        """Where two screens differ: a sentence for each line."""
        found = []
        for y, (ours, theirs) in enumerate(zip(self.rows, other.rows, strict=True)):
            if ours == theirs:
                continue
            cells = [x for x, (one, two) in enumerate(zip(ours, theirs, strict=True)) if one != two]
            found.append(
                f"line {y}, cells {cells[0]} to {cells[-1]}:\n  shown  {self.lines[y]}\n  wanted {other.lines[y]}"
                + (f"\n  styles {ours[cells[0]]} {theirs[cells[0]]}" if self.lines[y] == other.lines[y] else "")
            )
        return found
