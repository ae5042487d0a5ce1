"""A chart for each metric: the line over time, bands, where steps began, halts, expected outages, and the statuses.

Pure: material in, SVG text out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quarterdeck.record.formats import escape
from quarterdeck.record.formats.svg import Frame, axis, curve, element, line, overlays, rect, scale, text, title
from quarterdeck.record.report.model import Health, Mark, Series, TargetHealth

__all__ = ["metric_chart", "status_strip"]

WIDTH, HEIGHT = 520.0, 158.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 512.0, 18.0, 136.0
_UNDER = {"unknown": (), "ok": ("warning", "critical"), "warning": ("critical",), "critical": ()}
"""Each status, and those that are painted over it later."""
_TOLD = 40
"""Stretches of a strip up to which each says when it was."""
_NEAR = 2.5
"""A band is drawn into the picture when it lies within this factor of what was read; else it would flatten it."""


def metric_chart(health: Health, target: TargetHealth, series: Series, marks: Sequence[Mark]) -> str:
    """One metric over the whole session."""
    frame = _frame(health, _LEFT, _RIGHT)
    low, high = _range(series)
    parts = [
        rect(_LEFT, _TOP, _RIGHT - _LEFT, _BOTTOM - _TOP, class_="plot"),
        *_zones(frame, series, low, high),
        *_outages(frame, target, _TOP, _BOTTOM),
        *overlays(frame, marks, _TOP, _BOTTOM),
        axis(frame, _TOP, _BOTTOM, most=6),
        *_scale(series, low, high),
        *_boundaries(frame, health, _TOP, _BOTTOM),
        *_lines(frame, series, low, high),
        *_moments(frame, marks, _TOP, _BOTTOM),
    ]
    label = f"{series.metric} of {target.title}, {escape.number(series.low, series.unit)} to "
    label += escape.number(series.high, series.unit)
    return element(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        class_="chart",
        role="img",
        aria_label=label,
    )


def status_strip(health: Health, target: TargetHealth, marks: Sequence[Mark]) -> str:
    """The statuses of a target as one strip, over the time axis of the charts below it."""
    frame = _frame(health, 2.0, 1038.0)
    parts = [rect(2, 4, 1036, 16, class_="s-unknown")]
    shown = [each for each in target.statuses if each[1] >= frame.start and each[0] <= frame.end]
    lulls = f", but for lulls below {escape.took(target.lull)}" if target.lull else ""
    parts += _each_told(frame, shown, lulls) if len(shown) <= _TOLD else _together(frame, shown, lulls)
    parts += _outages(frame, target, 1, 23)
    parts += _boundaries(frame, health, 0, 24, numbers=False)
    parts += _moments(frame, marks, 0, 24, labels=False)
    return element("svg", "".join(parts), viewBox="0 0 1040 24", class_="strip", role="img", aria_label="statuses")


def _each_told(frame: Frame, stretches: Sequence[tuple[float, float, str]], lulls: str) -> Iterator[str]:
    """A rectangle for each stretch, which says when it was."""
    for begin, end, word in stretches:
        hint = f"{word}, {escape.clock(begin)} to {escape.clock(end)} UTC, {escape.took(end - begin)}"
        hint += lulls if word != "ok" else ""
        yield rect(frame.x(begin), 4, frame.x(end) - frame.x(begin), 16, hint, class_=f"s-{word}")


def _together(frame: Frame, stretches: Sequence[tuple[float, float, str]], lulls: str) -> Iterator[str]:
    """One shape for each status, in whole units, which goes on under what is worse."""
    for known, worse in _UNDER.items():
        own = [each for each in stretches if each[2] == known]
        runs: list[tuple[float, float]] = []
        for begin, end, word in stretches:
            goes_on = bool(runs) and runs[-1][1] == begin
            if word == known or (goes_on and word in worse):
                runs.append((runs.pop()[0] if goes_on else begin, end))
        if own:
            spans = [(frame.x(begin), frame.x(end) - frame.x(begin)) for begin, end in runs]
            d = "".join(f"M{x:.0f} 4h{max(width, 1):.0f}v16H{x:.0f}z" for x, width in spans)
            hint = f"{known}, {len(own)} times from {escape.clock(own[0][0])} to {escape.clock(own[-1][1])} UTC"
            hint += lulls if known != "ok" else ""
            yield element("path", title(hint), d=d, class_=f"s-{known}")


def _frame(health: Health, left: float, right: float) -> Frame:
    start, end = health.span.start or 0.0, health.span.end or 1.0
    return Frame(left, right, start, max(end, start + 1.0))


def _range(series: Series) -> tuple[float, float]:
    """From zero where the values reach well down; else close around them, so that a small change can be seen."""
    low, high = series.low, series.high
    for band in (series.warning, series.critical):
        if band is not None and high > 0 and high / _NEAR <= band <= high * _NEAR:
            high, low = max(high, band), min(low, band)
    spread = high - low
    base = 0.0 if low >= 0 and spread > 0.25 * high else low - 0.15 * (spread or 1.0)
    if series.unit == "%" and low >= 0:
        base = max(base, 0.0)
    return base, high + 0.1 * (high - base or 1.0)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low or 1.0)
    return _BOTTOM - (_BOTTOM - _TOP) * min(1.0, max(0.0, share))


def _scale(series: Series, low: float, high: float) -> Iterator[str]:
    """Three or four round values at the left."""
    for value, shown in scale(low, high, series.unit):
        y = _y(value, low, high)
        yield line(_LEFT, y, _RIGHT, y, class_="grid")
        yield text(_LEFT - 5, y + 3.5, shown, class_="tick", text_anchor="end")


def _zones(frame: Frame, series: Series, low: float, high: float) -> Iterator[str]:
    """The bands, as far as they lie in the picture: a tint beyond them, and a line."""
    bands = (("warning", series.warning), ("critical", series.critical))
    known = [(name, band) for name, band in bands if band is not None]
    lower_is_worse = len(known) == 2 and known[1][1] < known[0][1]
    for name, band in known:
        if not low <= band <= high:
            continue
        y = _y(band, low, high)
        top, bottom = (y, _BOTTOM) if lower_is_worse else (_TOP, y)
        yield rect(frame.left, top, frame.right - frame.left, bottom - top, class_=f"z-{name}")
        yield line(frame.left, y, frame.right, y, class_=f"b-{name}")
        shown = f"{name} {escape.number(band, series.unit)}"
        below = name == "warning" and y < _BOTTOM - 12
        yield text(frame.right - 3, y + (9 if below else -3), shown, class_=f"tick t-{name}", text_anchor="end")


def _outages(frame: Frame, target: TargetHealth, top: float, bottom: float) -> Iterator[str]:
    for begin, end, step in target.expected:
        if end >= frame.start and begin <= frame.end:
            hint = f"expected outage of {target.title} by {step}, at most {escape.took(end - begin)}"
            yield rect(frame.x(begin), top, frame.x(end) - frame.x(begin), bottom - top, hint, class_="outage")


def _boundaries(frame: Frame, health: Health, top: float, bottom: float, *, numbers: bool = True) -> Iterator[str]:
    """A thin line where each step began, with its number where there is room."""
    free = frame.left - 1.0
    for at, number, _ in health.boundaries:
        if not frame.holds(at):
            continue
        x = frame.x(at)
        yield line(x, top, x, bottom, class_="step")
        width = 5.5 * len(number)
        if numbers and x - width / 2 > free:
            yield text(x, top - 4, number, class_="tick number", text_anchor="middle")
            free = x + width / 2 + 3


def _moments(frame: Frame, marks: Sequence[Mark], top: float, bottom: float, *, labels: bool = True) -> Iterator[str]:
    for mark in marks:
        if mark.kind in {"halt", "rollback"} and frame.holds(mark.at):
            x = frame.x(mark.at)
            yield line(x, top, x, bottom, class_=f"l-{mark.kind}")
            if labels and mark.kind == "halt":
                yield text(x - 3, bottom - 4, "HALT", class_="tick t-halt", text_anchor="end")


def _lines(frame: Frame, series: Series, low: float, high: float) -> Iterator[str]:
    """The line, broken where nothing sound was read; a single reading is a dot."""
    piece: list[tuple[float, float]] = []
    for at, value in (*series.points, (series.points[-1][0], None)):
        if value is not None:
            piece.append((frame.x(at), _y(value, low, high)))
            continue
        if len(piece) == 1:
            ((x, y),) = piece
            yield element("circle", cx=round(x, 1), cy=round(y, 1), r=2.0, class_="dot")
        elif piece:
            d = curve(piece)
            yield element("path", d=f"{d}V{_BOTTOM:g}H{piece[0][0]:.1f}z", class_="area")
            yield element("path", d=d, class_="line")
        piece = []
