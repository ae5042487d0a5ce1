"""The text gate: everything that is not ours goes through here before any widget, and the last wall behind it.

Titles, reasons, output, names and messages come from files, commands and people; a terminal would obey the control
characters in them. `plain` and `cell` (and `visible`, which both use) show control and direction-changing characters
as what they are, cap combining marks and length, and never know markup. `SanitisingFilter` is the last wall:
whatever a widget drew, no control character leaves for the terminal. Never use `textual.markup.escape` instead.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from rich.text import Text
    from textual.color import Color
    from textual.content import Content

__all__ = ["CELL", "PLAIN", "ColourlessFilter", "SanitisingFilter", "cell", "lines", "plain", "visible"]

CELL = 400
"""Longest text of a cell, in characters; what is beyond is cut with `…`."""
PLAIN = 20_000
"""Longest text of a block."""
MARKS = 3
"""Combining marks that one character may carry."""
TAB = 4

_HARMLESS = re.compile(r"[\x20-\x7e]*")
_NEVER = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
"""What no terminal may get from us: controls, direction and invisible characters, lone surrogates.

The joiners stay in the last wall: they steer nothing, and emoji were measured with them."""


def visible(text: str, limit: int = CELL) -> str:
    """One line, safe to paint: controls and direction changes visible, line breaks as `⏎`, cut at `limit`."""
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    return _visible(text[: limit + 1], limit) if len(text) > limit else _visible(text, limit)


@lru_cache(4096)
def _visible(text: str, limit: int) -> str:
    shown = text if text.isascii() and text.isprintable() else "".join(_characters(text))
    return shown[: limit - 1] + "…" if len(text) > limit or len(shown) > 2 * limit else shown


def _characters(text: str) -> list[str]:
    shown: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category in {"Mn", "Me", "Mc"} and not "\ufe00" <= character <= "\ufe0f":
            marks += 1
            if marks <= MARKS and shown:
                shown.append(character)
            elif marks == MARKS + 1 or not shown:
                shown.append("…")
            continue
        if "\ufe00" <= character <= "\ufe0f":  # variation selectors change a width that was measured without them
            continue
        marks = 0
        shown.append(_one(character, category))
    return shown


def _one(character: str, category: str) -> str:
    code = ord(character)
    if character == "\n":
        return "⏎"
    if character == "\t":
        return " " * TAB
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if category in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}:
        return f"<U+{code:04X}>"
    return " " if category == "Zs" else character


def lines(text: str, limit: int = PLAIN) -> list[str]:
    r"""Cut a block into safe lines: `\n` and `\r\n` break, everything else is made visible.

    A flood is cut at `limit` characters, which the last line says.
    """
    more = len(text) - limit
    if more > 0:
        text = text[:limit]
    found = [visible(line, CELL * 10) for line in text.replace("\r\n", "\n").split("\n")]
    if more > 0:
        found.append(f"… {more:,} characters more")
    return found


def plain(text: str, limit: int = PLAIN) -> Content:
    """Text for a widget that takes `Content` (Static, Label, notifications): never markup."""
    from textual.content import Content

    return Content("\n".join(lines(text, limit)))


def cell(text: str, limit: int = CELL) -> Text:
    """Text for a cell of a table or list that takes a Rich `Text`: one line, never markup."""
    from rich.text import Text

    return Text(visible(text, limit), no_wrap=True, end="")


def _harmless(match: re.Match[str]) -> str:
    return "?" * cell_len(match.group())


class SanitisingFilter(LineFilter):
    """The last wall: no control character and no link leaves for the terminal, whatever a widget drew.

    Widths stay as they were measured. For `App.get_line_filters`.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's interface
        """Return the line without what a terminal would obey."""
        if not any(_NEVER.search(text) or (style is not None and style.link) for text, style, _ in segments):
            return segments
        return [
            Segment(_NEVER.sub(_harmless, text), style.update_link(None) if style and style.link else style)
            for text, style, _ in segments
        ]


class ColourlessFilter(LineFilter):
    """NO_COLOR taken at its word: no colour code at all, only bold, dim, underline and reverse."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's interface
        """Return the line in the terminal's own two colours."""
        return [Segment(text, style.without_color if style else style) for text, style, _ in segments]
