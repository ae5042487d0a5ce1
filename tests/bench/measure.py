"""What a measurement says: a row of the table; and the few helpers that every measurement uses.

Marks are ratios to a reference that is taken in the same run, side by side, since absolute times mean nothing on a
machine with other load; only where a mark is absolute (memory, bytes) is there none. It knows of nothing measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from msgspec import Struct

__all__ = ["Measurement", "Row", "interleaved", "p50", "p99", "table"]


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table."""

    row: str
    """Its name, as it is asked for."""
    what: str
    ours: float | None
    """None where it could not be taken; `missing` says why."""
    unit: str
    """Of `ours` and `reference`: ms, s, MB, kB/s, …"""
    reference: float | None = None
    """What it is held against, measured in the same run; None where the mark is absolute."""
    against: str = ""
    """What the reference is."""
    mark: float | None = None
    """At most this ratio, or, without a reference, at most this much of `unit`; None: no mark, told for interest."""
    missing: str = ""
    """Why something that it needs is not there: nobody knows then whether the mark is met."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by theirs."""
        return self.ours / self.reference if self.reference and self.ours is not None else None

    @property
    def met(self) -> bool | None:
        """Whether the mark is met; None where there is none, or nothing to hold it against."""
        ratio = self.ratio
        if self.mark is None:
            return None
        if self.reference is not None:
            return None if ratio is None else ratio <= self.mark
        return None if self.missing or self.ours is None else self.ours <= self.mark

    def told(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "row": self.row, "what": self.what, "measured": self.ours, "unit": self.unit, "reference": self.reference,
            "against": self.against, "ratio": self.ratio, "mark": self.mark, "met": self.met,
            "note": self.missing or self.note,
        }  # fmt: skip


class Measurement(NamedTuple):
    """Rows that are taken together, and how."""

    rows: tuple[str, ...]
    """Their names; it yields these, in this order."""
    take: Callable[[bool], list[Row]]
    """Takes them; True: few rounds, to see that it works."""
    long: bool = False
    """Whether it takes more than a minute: it is left out unless it is asked for."""


def p50(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds; the greatest of fewer."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def interleaved(rounds: int, *works: Callable[[], object]) -> list[list[float]]:
    """Seconds of each piece of work, taken turn and turn about, so that other load hits all alike.

    The order within a round turns too. A first round warms up and does not count.
    """
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        turn = number % len(works)
        for index in [*range(turn, len(works)), *range(turn)]:
            begin = time.perf_counter()
            works[index]()
            if number:
                taken[index].append(time.perf_counter() - begin)
    return taken


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def table(rows: Sequence[Row]) -> str:
    """All rows under a heading, in columns."""
    lines = [("row", "measured", "reference", "ratio", "mark", "", "")]
    for row in rows:
        ratio, met = row.ratio, row.met
        mark = "" if row.mark is None else f"<= {row.mark:g}" + ("" if row.against else f" {row.unit}")
        verdict = "" if row.mark is None else "NOT KNOWN" if met is None else "met" if met else "NOT MET"
        told = f"{_number(row.reference, row.unit)} {row.against}".strip()
        note = "; ".join(filter(None, (row.what, row.missing, row.note)))
        shown = "" if ratio is None else f"{ratio:.2f}"
        lines.append((row.row, _number(row.ours, row.unit), told, shown, mark, verdict, note))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    shown_lines = []
    for line in lines:
        cells = [text.ljust(width) for text, width in zip(line[:6], widths, strict=True)]
        shown_lines.append("  ".join([*cells, line[6]]).rstrip())
    return "\n".join(shown_lines)
