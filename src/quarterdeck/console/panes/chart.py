"""A metric over time as rows of cells: its area, what status each moment had, and which steps ran meanwhile. Pure.

All of it stands on the same columns: a cell is one stretch of the time from `since` to `until`, session seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from quarterdeck.console.glyphs import Glyphs
from quarterdeck.console.panes.rows import Piece, Row, fit
from quarterdeck.console.series import Span
from quarterdeck.spans import hour

__all__ = ["Bar", "area", "lanes", "merged", "times"]

_LEFT, _RIGHT = (0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8)
"""Dots of braille, from the ground up."""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:|#"
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
"""Seconds between two times on an axis."""
_APART = 12
"""Cells between two times at least."""


class Bar(NamedTuple):
    """A step on the axis: from its first column to its last."""

    name: str
    first: int
    last: int
    is_open: bool
    """It has not ended, so that nothing closes it."""
    role: str


def area(columns: Sequence[Span | None], rows: int, style: str, high: float, *, lower: bool = False) -> list[str]:
    """Draw columns from 0 to `high` as lines from the top; braille takes two columns a cell.

    A column is as high as its highest value, or with `lower` as its lowest: what is worse is never hidden.
    """
    dots = {"braille": 4, "block": 8}.get(style, 4)
    heights = []
    for column in columns:
        value = 0.0 if column is None else column.low if lower else column.high
        share = min(1.0, max(0.0, value / high)) if high > 0 else 0.0
        heights.append(0 if column is None else max(1, round(share * rows * dots)))
    lines = []
    for row in range(rows - 1, -1, -1):
        levels = [min(dots, max(0, height - row * dots)) for height in heights]
        if style == "braille":
            pairs = zip(levels[::2], levels[1::2], strict=True)
            lines.append("".join(chr(0x2800 + _LEFT[one] + _RIGHT[two]) for one, two in pairs).replace("\u2800", " "))
        else:
            lines.append("".join((_BLOCKS if style == "block" else _ASCII)[level] for level in levels))
    return lines


def merged(cells: Iterable[Piece]) -> Row:
    """Cells as a row: neighbours of one role are one piece."""
    found: list[Piece] = []
    for text, role in cells:
        if found and found[-1][1] == role:
            found[-1] = (found[-1][0] + text, role)
        else:
            found.append((text, role))
    return tuple(found)


def lanes(bars: Iterable[Bar], width: int, most: int, glyphs: Glyphs) -> tuple[list[Row], int]:
    """Steps above each other where they ran beside each other, `├7──┤`; and how many found no place."""
    begins, ends, rule = ("|", "|", "-") if glyphs.name == "ascii" else ("├", "┤", "─")
    free = [0] * most
    cells: list[list[Piece]] = [[(" ", "")] * width for _ in range(most)]
    left_out = 0
    for bar in bars:
        last = min(width - 1, max(bar.last, bar.first + cell_len(bar.name)))
        first = max(0, min(bar.first, width - 1 - cell_len(bar.name)))
        lane = next((lane for lane in range(most) if free[lane] <= first), -1)
        if lane < 0 or last < first:
            left_out += 1
            continue
        free[lane] = last + 1
        inner = last - first - (0 if bar.is_open else 1)
        text = fit(bar.name, max(cell_len(bar.name), inner)).replace(" ", rule)
        drawn = fit(begins + text + ("" if bar.is_open or inner < cell_len(bar.name) else ends), last - first + 1)
        cells[lane][first : last + 1] = [(character, bar.role) for character in drawn]
    used = [lane for lane in range(most) if free[lane]]
    return [merged(cells[lane]) for lane in used], left_out


def times(since: float, until: float, width: int, off: int) -> str:
    """The times below the columns, each beginning where it is: `02:00       02:15`; `off` as in `spans.hour`."""
    span = until - since
    step = next((step for step in _STEPS if span / step * _APART <= width), _STEPS[-1])
    line = ""
    at = -(-(since + off * 60) // step) * step - off * 60
    while at <= until:
        column = int((at - since) / span * width) if span > 0 else 0
        if column >= len(line) and column + 5 <= width:
            line = f"{line:<{column}}{hour(at, off)} "
        at += step
    return line.rstrip()
