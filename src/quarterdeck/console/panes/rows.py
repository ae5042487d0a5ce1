"""Rows of styled pieces, the one thing that panes write; lines cut to a width; which cells of a line differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from os.path import commonprefix

from rich.cells import cell_len
from textual.geometry import Region

__all__ = ["EMPTY", "Piece", "Row", "changed", "fit", "hung", "justified", "marked", "width_of", "wrap"]

Piece = tuple[str, str]
"""Text that went through the gate, and its role in the palette (`ok`, `muted+cursor`)."""

Row = tuple[Piece, ...]

EMPTY: Row = ()

GAP = 10
"""Unchanged cells between two changes that are cheaper to send again than to jump over."""


def width_of(row: Row) -> int:
    """Cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """Cut or pad a text to exactly `width` cells."""
    if width <= 0:
        return ""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        while text and cell_len(text) > width - 1:
            text = text[: max(0, len(text) - max(1, (cell_len(text) - width + 1) // 2))]
        text += ellipsis
        length = cell_len(text)
    gap = " " * (width - length)
    return gap + text if right else text + gap


def justified(left: Row, right: Row, width: int) -> Row:
    """A row with something at both ends; what is on the right wins."""
    space = width - width_of(right)
    gap = space - width_of(left)
    if gap >= 0:
        return (*left, (" " * gap, ""), *right)
    kept: list[Piece] = []
    for text, role in left:
        if space <= 0:
            break
        kept.append((fit(text, min(space, cell_len(text))), role))
        space -= cell_len(text)
    return (*kept, *right)


def marked(row: Row, width: int, sign: str) -> Row:
    """A row that the cursor stands on: its sign in the first cell, where that is free, and its colour behind all."""
    first = row[0][0] if row else ""
    head: Row = ((sign, "accent"),) if first[:1] in {"", " "} else ()
    rest = ((first[len(head) :], row[0][1]), *row[1:]) if row else ()
    gap = " " * (width - width_of(head) - width_of(rest))
    return (*head, *((text, f"{role}+cursor" if role else "cursor") for text, role in (*rest, (gap, "")) if text))


def changed(line: int, width: int, before: Row, after: Row) -> list[Region]:
    """The cells of a line that differ."""
    if not (_is_narrow(before) and _is_narrow(after)):
        return [Region(0, line, width, 1)]
    spans: list[tuple[int, int]] = []
    for start, end in _differences(before, after):
        if spans and start - spans[-1][1] < GAP:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return [Region(start, line, end - start, 1) for start, end in spans]


def _is_narrow(row: Row) -> bool:
    """Whether each character is one cell wide."""
    return all(text.isascii() or cell_len(text) == len(text) for text, _ in row)


def _differences(before: Row, after: Row) -> Iterator[tuple[int, int]]:
    """Where they differ, from cell to cell: of pieces that begin and end alike, then of all that is left."""
    x = at = 0
    for (old, old_role), (new, new_role) in zip(before, after, strict=False):
        if len(old) != len(new):
            break
        if new and old_role != new_role:
            yield x, x + len(new)
        elif old != new:
            first = len(commonprefix((old, new)))  # noqa: RUF071 - of characters, indeed
            last = len(new) - len(commonprefix((old[:first:-1], new[:first:-1])))  # noqa: RUF071
            yield x + first, x + last
        x, at = x + len(new), at + 1
    left = ([(character, role) for text, role in row[at:] for character in text] for row in (before, after))
    for offset, (one, other) in enumerate(zip_longest(*left, fillvalue=(" ", ""))):
        if one != other:
            yield x + offset, x + offset + 1


def wrap(text: str, width: int, most: int = 1_000) -> list[str]:
    """Break a line at spaces into lines of at most `width` cells; a word that is longer is cut in pieces."""
    if width <= 0:
        return []
    if (len(text) if text.isascii() else cell_len(text)) <= width:
        return [text]
    found: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            found.append(line)
        rest = word
        while cell_len(rest) > width:
            cut = _head(rest, width)
            found.append(rest[:cut])
            rest = rest[cut:]
        line = rest
        if len(found) >= most:
            break
    found.append(line)
    if len(found) > most:
        found = found[:most]
        found[-1] = found[-1][: max(0, width - 1)] + "…"
    return found


def hung(text: str, first: int, rest: int, most: int = 1_000, ellipsis: str = "…") -> list[str]:
    """Break a text into a line of at most `first` cells and others of `rest`; cut what is too long."""
    left = text.strip()
    found: list[str] = []
    while left and len(found) < most - 1:
        line = wrap(left, max(1, rest if found else first))[0]
        found.append(line)
        left = left[len(line) :].lstrip(" ")
    if left or not found:
        width = max(1, rest if found else first)
        found.append(fit(left, min(width, cell_len(left)), ellipsis=ellipsis))
    return found


def _head(word: str, width: int) -> int:
    """How many characters of `word` fit into `width` cells, at least one."""
    cells = 0
    for index, character in enumerate(word):
        cells += cell_len(character)
        if cells > width:
            return max(1, index)
    return len(word)
