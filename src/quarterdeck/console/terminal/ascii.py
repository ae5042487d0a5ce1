"""For terminals that have only ASCII: every other character becomes one that they have, of the same width.

The panes draw with ASCII signs there; this catches the typography of sentences and what people wrote. Used by the
app as a line filter, behind all others.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

__all__ = ["AsciiFilter", "in_ascii"]

_SIGNS = str.maketrans(
    {
        "·": "-", "…": "~", "–": "-", "—": "-", "“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "×": "x", "→": ">",
        "←": "<", "↑": "^", "↓": "v", "≥": ">", "≤": "<", "✓": "+", "✖": "X", "●": "*", "○": "o", "│": "|", "─": "-",
        "━": "=", "┃": "|", "▌": "|", "█": "#", "⏎": " ", "°": " ", "\u00a0": " ",
        "═": "=", "║": "|", "╔": "+", "╗": "+", "╚": "+", "╝": "+",
    }
)  # fmt: skip


def in_ascii(text: str) -> str:
    """The text in ASCII, cell for cell: accents are dropped, what has no likeness becomes `?`."""
    if text.isascii():
        return text
    return "".join(_one(character) for character in text.translate(_SIGNS))


def _one(character: str) -> str:
    if character.isascii():
        return character
    width = cell_len(character)
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain if len(plain) == width else "?" * width


class AsciiFilter(LineFilter):
    """The last filter of a poor terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line in ASCII."""
        del background
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
