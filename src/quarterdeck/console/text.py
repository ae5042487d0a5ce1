"""The text gate: everything that is not ours goes through here before any widget.

Titles, reasons, output, names and messages come from files, commands and people; a terminal would obey the control
characters in them. `plain` and `cell` (and `visible`, which both use) show control and direction-changing characters
as what they are, cap combining marks and length, and never know markup. Behind it stands the last wall,
`terminal/filters.py`. Never use `textual.markup.escape` instead.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content

__all__ = ["CELL", "PLAIN", "cell", "lines", "plain", "visible"]

CELL = 400
"""Longest text of a cell, in characters; what is beyond is cut with `…`."""
PLAIN = 20_000
"""Longest text of a block."""
MARKS = 3
"""Combining marks that one character may carry."""
TAB = 4

_HARMLESS = re.compile(r"[\x20-\x7e]*")


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
