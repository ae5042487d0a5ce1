"""What each format must escape, and times, spans, sizes and numbers as reports write them. Pure.

`markdown_text` takes away every meaning that Markdown and HTML would see; `cell` makes a CSV cell that no spreadsheet
takes for a formula. Times are in UTC, the local offset beside them.
"""

from __future__ import annotations

import datetime as dt
import re

from quarterdeck.procedure.quantities import Quantity, show
from quarterdeck.record.report.model import Span
from quarterdeck.spans import measured
from quarterdeck.text import block, in_full

__all__ = [
    "cell",
    "clock",
    "date",
    "difference",
    "fenced",
    "long_time",
    "markdown_text",
    "metric",
    "number",
    "offset",
    "short_time",
    "size",
    "took",
]


def _moment(at: float, minutes: int = 0) -> dt.datetime:
    """Far away times (a broken clock) stay printable."""
    low, high = -62_135_596_800 + 86_400, 253_402_300_799 - 86_400
    return dt.datetime.fromtimestamp(min(max(at, low), high), dt.timezone(dt.timedelta(minutes=minutes)))


def offset(minutes: int) -> str:
    """`+01:00`."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def date(at: float | None) -> str:
    """`2026-11-29`, in UTC."""
    return "" if at is None else f"{_moment(at):%Y-%m-%d}"


def clock(at: float | None) -> str:
    """`02:14:09`, in UTC."""
    return "" if at is None else f"{_moment(at):%H:%M:%S}"


def short_time(at: float | None, minutes: int) -> str:
    """`01:14:09 UTC (02:14:09 +01:00)`; the bracket only where the offset is not zero."""
    if at is None:
        return ""
    local = f" ({_moment(at, minutes):%H:%M:%S} {offset(minutes)})" if minutes else ""
    return f"{_moment(at):%H:%M:%S} UTC{local}"


def long_time(at: float | None, minutes: int) -> str:
    """`2026-11-29 01:14:09 UTC (02:14:09 +01:00)`; the local date too where it is another one."""
    if at is None:
        return ""
    utc, local = _moment(at), _moment(at, minutes)
    shown = f"{local:%H:%M:%S}" if local.date() == utc.date() else f"{local:%Y-%m-%d %H:%M:%S}"
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC" + (f" ({shown} {offset(minutes)})" if minutes else "")


def took(seconds: float | None) -> str:
    """A span as it was measured; nothing where there is none."""
    return "" if seconds is None else measured(seconds)


def difference(actual: Span, planned: float) -> str:
    """How much longer (`+12 s`) or shorter than planned a step took; empty where one is not known."""
    if actual.seconds is None or planned <= 0:
        return ""
    more = actual.seconds - planned
    return "as planned" if abs(more) < 1 else f"{'+' if more > 0 else '-'}{measured(abs(more))}"


def metric(name: str) -> str:
    """A metric's name without what all of its kind have: `checks.orders:queryLatency` for `value[…]`."""
    return name[6:-1] if name.startswith("value[") and name.endswith("]") else name


def size(count: int) -> str:
    """`412 B`, `2.0 MiB`."""
    return show(Quantity(float(count), "B"))


def number(value: float | None, unit: str) -> str:
    """A reading with its unit."""
    return "unknown" if value is None else show(Quantity(value, unit))


_MEANT = re.compile(r"[\\`*_\[\]#|~$]")
"""What Markdown gives a meaning to, in the middle of a line too."""
_ADDRESS = re.compile(r":(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.", re.IGNORECASE)
"""What makes a link of an address without any brackets."""
_LEADING = re.compile(r"^(\s*)([-+=]|\d{1,9}(?=[.)](?:\s|$)))")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def markdown_text(text: str) -> str:
    """Text that no Markdown reads as anything but text; one line."""
    shown = in_full(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    shown = _MEANT.sub(lambda match: f"\\{match[0]}", shown)
    shown = _ADDRESS.sub(lambda match: f"&#{ord(match[0])};", shown)
    return _LEADING.sub(_leading, shown)


def _leading(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}\\" if match[2].isdigit() else f"{match[1]}\\{match[2]}"


def fenced(text: str, language: str = "text") -> str:
    """A code block whose fence the text cannot end."""
    shown = block(text)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def cell(text: str) -> str:
    """A CSV cell that is no formula anywhere: one that would be begins with an apostrophe. The writer quotes it."""
    return f"'{in_full(text)}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else in_full(text)
