"""The text gate: what people, files and programs wrote, made safe to show, with nothing hidden. Pure.

Control characters, characters that change direction and invisible ones are shown as what they are; floods of
combining marks are cut. Every layer may call it, before text meets a terminal, a page or a message.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["CELL", "PLAIN", "block", "in_full", "lines", "printable", "visible"]


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


def printable(text: str) -> str:
    """Escape what is not printable, so that a name or value stays on its line and steers no terminal."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text.encode("utf-8", "backslashreplace").decode("utf-8")
    )


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def in_full(text: str, *, breaks: str = " ⏎ ") -> str:
    """One line: line breaks as `breaks`, everything invisible made visible."""
    if _HARMLESS.fullmatch(text):
        return text
    return breaks.join(_line_in_full(line) for line in text.replace("\r\n", "\n").split("\n"))


def block(text: str) -> str:
    """Several lines, each as `in_full` makes it."""
    return in_full(text, breaks="\n")


def _line_in_full(line: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in line:
        category = unicodedata.category(character)
        if category in {"Mn", "Me", "Mc"}:
            marks += 1
            if marks <= MARKS and shown:
                shown.append(character)
            elif marks == MARKS + 1 or not shown:
                shown.append("…")
            continue
        marks = 0
        shown.append(_one_in_full(character, category))
    return "".join(shown)


def _one_in_full(character: str, category: str) -> str:
    code = ord(character)
    if character == "\t":
        return "    "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if category in _INVISIBLE:
        return f"<U+{code:04X}>"
    return " " if category == "Zs" else character
