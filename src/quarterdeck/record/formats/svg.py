"""What all pictures share: a scale of time, an axis with times, and SVG that no text can break out of.

Pictures have no colours of their own: classes, which the page's style colours for light, dark and paper. Pure. Called
by `charts` and `gantt`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from quarterdeck.record.formats import escape
from quarterdeck.record.report.model import Mark
from quarterdeck.text import in_full

__all__ = [
    "Frame",
    "axis",
    "curve",
    "element",
    "line",
    "nice_ticks",
    "overlays",
    "rect",
    "scale",
    "text",
    "time_ticks",
    "title",
]

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between the times of an axis."""


_SIZES = {
    "s": (("h", 7200.0, 3600.0), ("min", 300.0, 60.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3), ("µs", 0.0, 1e-6)),
    "B": (
        ("TiB", 2.0**40, 2.0**40),
        ("GiB", 2.0**30, 2.0**30),
        ("MiB", 2.0**20, 2.0**20),
        ("KiB", 2.0**10, 2.0**10),
        ("B", 0.0, 1.0),
    ),
}
"""For each base unit its sizes: name, from which value on, how many of the base unit it is."""


class Frame(Struct, frozen=True):
    """Where times lie: from `start` to `end` (seconds) over `left` to `right` (units of the picture)."""

    left: float
    right: float
    start: float
    end: float

    def x(self, at: float) -> float:
        """The place of a time, kept within the picture."""
        share = (at - self.start) / max(self.end - self.start, 1e-9)
        return self.left + (self.right - self.left) * min(1.0, max(0.0, share))

    def holds(self, at: float) -> bool:
        """Whether a time lies in the picture."""
        return self.start <= at <= self.end


def element(name: str, content: str = "", /, **attributes: float | str) -> str:
    """One SVG element; attribute names lose a trailing `_` and write `-` for `_`, numbers have two decimals."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"' for key, value in attributes.items()
    )
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def _attribute(value: float | str) -> str:
    if isinstance(value, str):
        return html.escape(in_full(value))
    return f"{value:.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else "0"


def text(x: float, y: float, content: str, **attributes: float | str) -> str:
    """A line of text."""
    return element("text", html.escape(in_full(content)), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What shows when the pointer rests, and what a screen reader says."""
    return element("title", html.escape(in_full(content)))


def rect(x: float, y: float, width: float, height: float, hint: str = "", **attributes: float | str) -> str:
    """A rectangle, at least a hair wide."""
    shown: dict[str, float | str] = {"x": x, "y": y, "width": max(width, 0.5), "height": max(height, 0.0)}
    return element("rect", title(hint) if hint else "", **shown, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: float | str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def curve(points: Sequence[tuple[float, float]]) -> str:
    """A path's `d` through points, relative and in tenths of a unit: curves are most of a page's bytes."""
    tenths = [(round(10 * x), round(10 * y)) for x, y in points]
    steps = [place - before for one, other in pairwise(tenths) for before, place in zip(one, other, strict=True)]
    (x, y), rest = tenths[0], " ".join(map(_tenth, steps)).replace(" -", "-")
    return f"M{_tenth(x)} {_tenth(y)}l{rest}"


def _tenth(count: int) -> str:
    return ("-" if count < 0 else "") + (f"{abs(count) / 10:g}".removeprefix("0") or "0")


def time_ticks(start: float, end: float, most: int) -> Iterator[tuple[float, str]]:
    """Round times between two, at most so many, with what to write at them (UTC)."""
    length = max(end - start, 1e-9)
    step = next(
        (each for each in _STEPS if length / each <= most), _STEPS[-1] * math.ceil(length / _STEPS[-1] / most)
    )
    at = math.ceil(start / step) * step
    while at <= end:
        shown = escape.clock(at)
        yield float(at), shown if step < 60 else shown[:5]
        at += step


def axis(frame: Frame, top: float, bottom: float, most: int = 8) -> str:
    """Thin lines at round times, the times below them."""
    parts = []
    for at, shown in time_ticks(frame.start, frame.end, most):
        x = frame.x(at)
        parts.append(line(x, top, x, bottom, class_="grid"))
        anchor = "start" if x < frame.left + 16 else "end" if x > frame.right - 16 else "middle"
        parts.append(text(x, bottom + 12, shown, class_="tick", text_anchor=anchor))
    return "".join(parts)


def overlays(frame: Frame, marks: Sequence[Mark], top: float, bottom: float) -> Iterator[str]:
    """Tints over the times of halts, pauses and rollback."""
    for mark in marks:
        if mark.kind not in {"halt", "pause", "rollback"} or mark.until is None:
            continue
        if mark.until >= frame.start and mark.at <= frame.end:
            left, right = frame.x(mark.at), frame.x(mark.until)
            hint = f"{mark.kind}: {mark.text}"
            yield rect(left, top, right - left, bottom - top, hint, class_=f"m-{mark.kind}")


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values between two."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((power * each for each in (1, 2, 2.5, 5, 10) if power * each >= raw), power * 10)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def scale(low: float, high: float, unit: str) -> list[tuple[float, str]]:
    """Round values between two, in the size of their unit that suits `high`, and what to write at them."""
    base, rate = (unit[:-2], "/s") if unit == "B/s" else (unit, "")
    name, factor = unit, 1.0
    for candidate, least, divisor in _SIZES.get(base, ()):
        if max(abs(low), abs(high)) >= least:
            name, factor = f"{candidate}{rate}", divisor
            break
    values = nice_ticks(low / factor, high / factor)
    step = min((b - a for a, b in pairwise(values)), default=abs(values[0]) if values else 1.0)
    decimals = min(6, max(0, math.ceil(-math.log10(step) - 1e-9))) if step > 0 else 0
    if abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:
        decimals += 1  # steps of 2.5
    return [(value * factor, f"{value:,.{decimals}f} {name}".strip() if value else "0") for value in values]
