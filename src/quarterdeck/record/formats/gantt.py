"""The whole night as pictures: a ribbon that shows at a glance how it went, and a bar for each step.

Pure: material in, SVG text out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quarterdeck.record.formats import escape
from quarterdeck.record.formats.svg import Frame, axis, element, line, overlays, rect, text, title
from quarterdeck.record.report.model import Material, Span, StepRow

__all__ = ["gantt", "ribbon"]

WIDTH = 1040.0
_LABELS = 330.0
_ROW = 21.0
_HEAD = 22.0
_LONGER = 1.5
"""The picture reaches to the planned end where that is at most this factor longer than what was worked."""
_WORDS = {
    "preconditions": "Preconditions",
    "undo": "Rollback",
    "verify": "Rollback",
    "contingency": "Contingency",
    "closing": "Closing",
}


def gantt(material: Material) -> str:
    """A row for each step: planned above, forecast as a bracket, actual below; halts and pauses over all."""
    if material.span.start is None or not material.steps:
        return ""
    rows = _rows(material.steps)
    frame = _frame(material)
    height = _HEAD + sum(_ROW for _ in rows) + 24
    bottom = height - 20
    parts = [
        *overlays(frame, material.marks, _HEAD - 4, bottom),
        axis(frame, _HEAD - 4, bottom, most=9),
    ]
    y = _HEAD
    for row in rows:
        parts.append(_group(row, y) if isinstance(row, str) else _bar(row, frame, y))
        y += _ROW
    parts += _moments(material, frame, _HEAD - 4, bottom)
    label = f"{len(material.steps)} steps from {escape.clock(frame.start)} to {escape.clock(frame.end)} UTC"
    return element(
        "svg", "".join(parts), viewBox=f"0 0 {WIDTH:.0f} {height:.0f}", class_="gantt", role="img", aria_label=label
    )


def _rows(steps: Sequence[StepRow]) -> list[StepRow | str]:
    """Steps with a heading before each group."""
    rows: list[StepRow | str] = []
    group = ""
    for step in steps:
        heading = _WORDS.get(step.part, step.stage or "Steps")
        if heading != group:
            rows.append(heading)
            group = heading
        rows.append(step)
    return rows


def _frame(material: Material) -> Frame:
    """From a little before Start to the end, or to the planned end where that is not far beyond."""
    begin, end = material.span.start or 0.0, material.span.end or 1.0
    length = max(end - begin, 1.0)
    firsts = [row.actual.start for row in material.steps if row.actual.start is not None]
    start = max(min([begin, *firsts]), begin - 0.2 * length)
    planned = [row.planned.end for row in material.steps if row.planned.end is not None and row.attempts]
    latest = max([end, *(at for at in planned if at - start <= _LONGER * (end - start))])
    return Frame(_LABELS, WIDTH - 8, start, max(latest, start + 1.0))


def _group(heading: str, y: float) -> str:
    return text(2, y + 14, heading, class_="group") + line(2, y + 19, WIDTH - 8, y + 19, class_="rule")


def _bar(row: StepRow, frame: Frame, y: float) -> str:
    name = row.title if len(row.title) <= 44 else f"{row.title[:43]}…"
    label = text(30, y + 14, name, class_="label" if row.actual.start is not None else "label idle")
    hint = title(
        f"{row.number} {row.title}: {row.word}. {_span('planned', row.planned)}{_span('actual', row.actual)}"
    )
    parts = [text(24, y + 14, row.number, class_="label no", text_anchor="end"), label]
    if row.no_return:
        parts.append(line(_LABELS, y + 0.5, WIDTH - 8, y + 0.5, class_="noreturn"))
    parts += _planned(row, frame, y)
    tone = f"a-{row.tone}" if row.part not in {"undo", "verify"} or row.tone != "good" else "a-back"
    if row.actual.end is not None and row.actual.end < frame.start:
        parts.append(text(_LABELS + 1, y + 16, "‹", class_="tick beyond"))
        return element("g", hint + "".join(parts))
    for attempt in row.attempts:
        if attempt.span.start is not None:
            end = attempt.span.end if attempt.span.end is not None else frame.end
            last = attempt is row.attempts[-1]
            width = max(frame.x(end) - frame.x(attempt.span.start), 2.0)
            kind = tone if last else "a-bad"
            parts.append(rect(frame.x(attempt.span.start), y + 8, width, 9, class_=kind, rx=1.5))
    if not row.attempts and row.actual.start is not None:
        end = row.actual.end if row.actual.end is not None else row.actual.start
        width = max(frame.x(end) - frame.x(row.actual.start), 2.0)
        parts.append(rect(frame.x(row.actual.start), y + 8, width, 9, class_=tone, rx=1.5))
    return element("g", hint + "".join(parts))


def _planned(row: StepRow, frame: Frame, y: float) -> Iterator[str]:
    """The plan as a thin bar, the forecast as a bracket; an arrow where the plan lies beyond the picture."""
    plan, forecast = row.planned, row.forecast
    if plan.start is not None and plan.end is not None:
        if plan.start < frame.end:
            width = frame.x(plan.end) - frame.x(plan.start)
            yield rect(frame.x(plan.start), y + 3, max(width, 1.5), 3, class_="planned")
        if plan.end > frame.end:
            yield text(frame.right + 6, y + 8, "›", class_="tick beyond", text_anchor="end")
    if forecast.start is not None and forecast.end is not None and forecast.start < frame.end:
        x1, x2 = frame.x(forecast.start), frame.x(forecast.end)
        yield element("path", d=f"M{x1:.1f},{y + 19} v-4 M{x1:.1f},{y + 17} H{x2:.1f} M{x2:.1f},{y + 19} v-4",
                      class_="forecast")  # fmt: skip


def _span(name: str, span: Span) -> str:
    if span.start is None:
        return ""
    return f"{name} {escape.clock(span.start)} to {escape.clock(span.end) or '…'} UTC. "


def _moments(material: Material, frame: Frame, top: float, bottom: float) -> Iterator[str]:
    """Start, halts, the commit of the rollback, the end and the window's end as lines with their names."""
    names = {"start": "start", "halt": "HALT", "rollback": "ROLLBACK", "end": "end", "window_end": "window's end"}
    free = {1: -1e9}
    for mark in material.marks:
        if mark.kind not in names or not frame.holds(mark.at):
            continue
        x = frame.x(mark.at)
        yield line(x, top, x, bottom, class_=f"l-{mark.kind}")
        width = 6.6 * len(names[mark.kind])
        if x > free[1]:
            anchor = "end" if x + width > frame.right else "start"
            yield text(x, top - 5, names[mark.kind], class_=f"tick t-{mark.kind}", text_anchor=anchor)
            free[1] = x + width


def ribbon(material: Material) -> str:
    """The night in one strip: work, pauses, halts, rollback and closing, each as wide as it took."""
    begin, end = material.span.start, material.span.end
    if begin is None or end is None:
        return ""
    frame = Frame(1, WIDTH - 1, begin, max(end, begin + 1.0))
    parts = [rect(1, 18, WIDTH - 2, 24, class_="r-idle", rx=4)]
    phases = list(_phases(material, begin, end))
    for kind, start, until, hint in phases:
        width = frame.x(until) - frame.x(start)
        whole = f"{hint}, {escape.took(until - start)}"
        parts.append(rect(frame.x(start), 18, width, 24, whole, class_=f"r-{kind}"))
        shown = next((each for each in (whole, hint) if width > 6.4 * len(each) + 8), "")
        if shown:
            parts.append(text(frame.x(start) + width / 2, 34, shown, class_="r-text", text_anchor="middle"))
    halts = [mark for mark in material.marks if mark.kind == "halt" and frame.holds(mark.at)]
    for mark in halts:
        x = frame.x(mark.at)
        parts.append(line(x, 14, x, 46, class_="l-halt"))
    if halts:
        x = frame.x(halts[0].at)
        anchor = "end" if x > WIDTH / 2 else "start"
        parts.append(text(x, 10, f"HALT {escape.clock(halts[0].at)}", class_="tick t-halt", text_anchor=anchor))
    parts.append(text(1, 58, f"{escape.clock(begin)} UTC", class_="tick"))
    parts.append(text(WIDTH - 1, 58, f"{escape.clock(end)} UTC", class_="tick", text_anchor="end"))
    return element(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {WIDTH:.0f} 62",
        class_="ribbon",
        role="img",
        aria_label="; ".join(f"{hint} {escape.took(until - start)}" for _, start, until, hint in phases),
    )


def _phases(material: Material, begin: float, end: float) -> Iterator[tuple[str, float, float, str]]:
    """Work, rollback, contingency and closing one after the other, then what lay over them."""
    back = material.rollback.at if material.rollback is not None else None
    closing = [r.actual.start for r in material.steps if r.part == "closing" and r.actual.start is not None]
    rescue = [r.actual.start for r in material.steps if r.part == "contingency" and r.actual.start is not None]
    last = min(closing, default=end)
    turn = back if back is not None else min(rescue, default=last)
    yield "work", begin, turn, "work"
    if back is not None:
        yield "rollback", back, last, "rollback"
    elif rescue:
        yield "contingency", turn, last, "contingency"
    if closing:
        yield "closing", last, end, "closing"
    for mark in material.marks:
        if mark.kind in {"pause", "halt"}:
            until = mark.until if mark.until is not None else end
            yield mark.kind, mark.at, until, "halted" if mark.kind == "halt" else "paused"
