r"""The text gate: what people, files and programs wrote, made safe to show, with nothing hidden. Pure.

Every layer calls it before such text meets a terminal, a page or a message; screen and record show the same.
`visible` makes one line that is cut, `in_full` one line uncut, `block` several lines. What a text becomes:

- `\r\n` is `\n`: a line break, in one line ` ⏎ `. A `\r` alone is `␍`, like every ASCII control: `␛`, `␡`.
- A tab is four spaces, every other space one.
- What has no picture is named: `<U+202E>`. Those are C1 controls, characters that change direction or join, private
  and unassigned ones, lone surrogates, and fillers and selectors that are letters or marks by name only.
- A character carries at most three marks; a flood is cut with `…`. The selectors between text and emoji are left out:
  they only change a width that was measured without them.

What went through once comes out of it again as it is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["CELL", "PLAIN", "block", "in_full", "visible"]


CELL = 400
"""Longest text of a cell, in characters; what is beyond is cut with `…`."""
PLAIN = 20_000
"""Longest block on a screen."""
MARKS = 3
"""Combining marks that one character may carry."""

_HARMLESS = re.compile(r"[\x20-\x7e]*")
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\U000e0100-\U000e01ef]")
"""Marks and letters that have no picture."""
_NAMED = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def visible(text: str, limit: int = CELL) -> str:
    """One line of at most `limit` characters; what is longer ends with `…`."""
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    text = text.replace("\r\n", "\n")
    return _cut(text[: limit + 1], limit)


@lru_cache(4096)
def _cut(text: str, limit: int) -> str:
    shown = in_full(text)
    return shown[: limit - 1] + "…" if max(len(text), len(shown)) > limit else shown


def in_full(text: str) -> str:
    """One line, uncut."""
    return " ⏎ ".join(_lines(text))


def block(text: str, limit: int | None = None) -> str:
    """Several lines; with a `limit` in characters, a last line says how many were cut off."""
    more = 0 if limit is None else len(text) - limit
    shown = "\n".join(_lines(text[:limit]))
    return f"{shown}\n… {more:,} characters more" if more > 0 else shown


def _lines(text: str) -> list[str]:
    if _HARMLESS.fullmatch(text):
        return [text]
    return [_line(line) for line in text.replace("\r\n", "\n").split("\n")]


def _line(line: str) -> str:
    if _HARMLESS.fullmatch(line):
        return line
    shown: list[str] = []
    marks = 0
    for character in line:
        if "\ufe00" <= character <= "\ufe0f":
            continue
        category = unicodedata.category(character)
        if category[0] != "M" or _UNSEEN.match(character):
            marks = 0
            shown.append(_one(character, category))
            continue
        marks += 1
        if marks <= MARKS and shown:
            shown.append(character)
        elif marks == MARKS + 1 or not shown:
            shown.append("…")
    return "".join(shown)


def _one(character: str, category: str) -> str:
    code = ord(character)
    if character == "\t":
        return "    "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if category in _NAMED or _UNSEEN.match(character):
        return f"<U+{code:04X}>"
    return " " if category == "Zs" else character
