"""Numbers as the screen's columns show them: clocks, countdowns, short spans, amounts. Pure text."""

from __future__ import annotations

__all__ = ["wrap"]


from rich.cells import cell_len


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


def _head(word: str, width: int) -> int:
    """How many characters of `word` fit into `width` cells, at least one."""
    cells = 0
    for index, character in enumerate(word):
        cells += cell_len(character)
        if cells > width:
            return max(1, index)
    return len(word)
