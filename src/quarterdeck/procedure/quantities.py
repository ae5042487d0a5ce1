"""Numbers with units: what thresholds, conditions and expectations compare.

Every quantity is kept in the base unit of its family: bytes in `B`, times in `s`, shares in `%`, rates in
`/s` and `B/s`, plain numbers in the empty unit. Only quantities of one base unit can be compared;
everything else is unknown at run time and an error in lint (observation.md).
"""

from __future__ import annotations

import math
import re

from msgspec import Struct

from quarterdeck.documents.kinds import duration, show_duration

__all__ = ["QUANTITY_PATTERN", "UNITS", "Quantity", "as_quantity", "parse_quantity", "show"]

UNITS: dict[str, tuple[str, float]] = {
    "": ("", 1.0),
    "%": ("%", 1.0),
    "B": ("B", 1.0),
    "kB": ("B", 1e3),
    "MB": ("B", 1e6),
    "GB": ("B", 1e9),
    "TB": ("B", 1e12),
    "KiB": ("B", 2.0**10),
    "MiB": ("B", 2.0**20),
    "GiB": ("B", 2.0**30),
    "TiB": ("B", 2.0**40),
    "us": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "s": ("s", 1.0),
    "m": ("s", 60.0),
    "h": ("s", 3600.0),
    "d": ("s", 86400.0),
    "/s": ("/s", 1.0),
    "B/s": ("B/s", 1.0),
    "kB/s": ("B/s", 1e3),
    "MB/s": ("B/s", 1e6),
    "GB/s": ("B/s", 1e9),
    "KiB/s": ("B/s", 2.0**10),
    "MiB/s": ("B/s", 2.0**20),
    "GiB/s": ("B/s", 2.0**30),
    "days": ("s", 86400.0),
}
"""Unit as written: base unit, and how many of the base unit it is."""

QUANTITY_PATTERN = (
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
    r"(?: ?(?:%|[kKMGT]i?B(?:/s)?|B(?:/s)?|/s|days|us|ms|[smhd])(?![\w/]))?"
)
"""A number with an optional unit, as the tokens of a condition have it."""
_PARTS = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([%/A-Za-z]*)", re.ASCII)


class Quantity(Struct, frozen=True, gc=False):
    """A finite number in a base unit (`B`, `s`, `%`, `/s`, `B/s`, or empty)."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return show(self)


def parse_quantity(text: str) -> Quantity:
    """Read `5 GiB`, `800ms`, `90%`, `12/s`, `1h30m`, `42`; raise ValueError with what is wrong."""
    stripped = text.strip()
    match = _PARTS.fullmatch(stripped) if len(stripped) <= 60 else None
    if match is None:
        seconds = duration(stripped)
        if seconds is not None:
            return Quantity(seconds, "s")
        raise ValueError(f"{stripped[:40]!r} is not a number")
    known = UNITS.get(match[2])
    if known is None:
        raise ValueError(f"{match[2][:20]!r} is no unit (%, B, KiB, MiB, GiB, ms, s, m, h, /s, MiB/s)")
    value = float(match[1]) * known[1]
    if not math.isfinite(value):
        raise ValueError(f"{stripped[:40]!r} is too large")
    return Quantity(value, known[0])


def as_quantity(text: str) -> Quantity | None:
    """Read a quantity, or None where the text is none (empty, NaN, a word)."""
    try:
        return parse_quantity(text)
    except ValueError:
        return None


def show(quantity: Quantity) -> str:
    """Write a quantity for people: `5.0 GiB`, `412 ms`, `1h30m`, `91 %`, `12/s`."""
    value, unit = quantity.value, quantity.unit
    if unit == "s":
        if abs(value) < 1:
            return f"{_short(value * 1000)} ms"
        return f"{_short(value)} s" if abs(value) < 120 else show_duration(value)
    if unit in {"B", "B/s"}:
        rate = unit[1:]
        for name, size in (("TiB", 2.0**40), ("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10)):
            if abs(value) >= size:
                return f"{value / size:.1f} {name}{rate}"
        return f"{_short(value)} B{rate}"
    return f"{_short(value)}{' %' if unit == '%' else unit}"


def _short(value: float) -> str:
    """At most three significant decimals, no exponent for everyday sizes, whole numbers whole."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"
