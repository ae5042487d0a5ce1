"""Times and spans of time as people read them: in sentences, in columns, and as they type them. Pure.

Every layer may call it; it knows no plan, no session and no clock.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from math import floor

from quarterdeck.errors import UsageError

__all__ = [
    "DURATION_PATTERN",
    "amount",
    "countdown",
    "duration",
    "hour",
    "left",
    "measured",
    "of_planned",
    "parse_span",
    "second",
    "short",
    "span",
    "stretch",
    "written",
    "zone",
]

DURATION_PATTERN = r"^(?=\d)(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?$"
_DURATION = re.compile(DURATION_PATTERN, re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.ASCII)
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def span(seconds: float) -> str:
    """A span in a sentence: `45 s`, `9 min`, `1 h 20 min`. Whoever calls says which way a negative one goes."""
    seconds = abs(seconds)
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def left(seconds: float) -> str:
    """What is left until a deadline, never more than there is: `66 s`, `9 min`; of what is missing, never less."""
    whole = abs(floor(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = abs(floor(seconds / 60))
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 90 else f"{hours} h {rest} min" if rest else f"{hours} h"


def of_planned(spent: float, planned: float) -> str:
    """Two spans in a sentence, their unit once: `9 of 15 min`, `45 s of 9 min`; with no plan the first alone."""
    if not planned:
        return span(spent)
    first, _, unit = span(spent).partition(" ")
    whole = span(planned)
    return f"{first if whole.partition(' ')[2] == unit else f'{first} {unit}'} of {whole}"


def measured(seconds: float) -> str:
    """What was measured, for tables and messages: `0 s`, `16 ms`, `4.2 s`, `45 s`, `9 min 30 s`, `1 h 20 min`."""
    sign, length = ("-" if seconds < 0 else ""), abs(seconds)
    if length == 0:
        return "0 s"
    if length < 1:
        return f"{sign}{max(1, round(length * 1000))} ms"
    if length < 10:
        return f"{sign}{length:.1f} s"
    whole = round(length)
    if whole < 100:
        return f"{sign}{whole} s"
    if whole < 3600:
        return f"{sign}{whole // 60} min {whole % 60} s" if whole % 60 else f"{sign}{whole // 60} min"
    hours, minutes = divmod(round(length / 60), 60)
    return f"{sign}{hours} h {minutes} min" if minutes else f"{sign}{hours} h"


def written(seconds: float) -> str:
    """As a procedure writes it, to the millisecond: `1h30m`, `1m30s`, `1.5s`, `500ms`, `0s`."""
    thousandths = round(abs(seconds) * 1000)
    if 0 < thousandths < 1000:
        return f"{'-' if seconds < 0 else ''}{thousandths}ms"
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest / 1000:g}s" if rest else ""]
    return ("-" if seconds < 0 else "") + ("".join(parts) or "0s")


def parse_span(text: str) -> float:
    """Seconds of `90s`, `9m`, `9 min`, `1h30m`; a bare number is minutes. UsageError for anything else."""
    rest = text.strip().lower().replace(" ", "").replace("min", "m")
    if not rest:
        raise UsageError("a span is missing", hint="like 9m, 90s or 1h30m")
    seconds = duration(rest) if rest[-1].isalpha() else duration(f"{rest}m")
    if seconds is None:
        raise UsageError(f"{text!r} is no span of time", hint="like 9m, 90s or 1h30m")
    return seconds


def duration(text: str) -> float | None:
    """Read what `written` writes (and days) as seconds; a bare number is no duration."""
    if len(text) > 40 or not _DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _SECONDS[unit] for amount, unit in _DURATION_PART.findall(text))


def hour(at: float, off: int) -> str:
    """The time of day, `02:49`; `off` is minutes east of UTC, and whoever shows it names that `zone` once."""
    minutes = int(at // 60) + off
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def second(at: float, off: int) -> str:
    """The time of day with seconds, `02:49:07`."""
    return f"{hour(at, off)}:{int(at) % 60:02d}"


def zone(off: int) -> str:
    """The name of the clock that is `off` minutes east of UTC: `UTC`, `UTC+01:00`."""
    return "UTC" if off == 0 else f"UTC{'-' if off < 0 else '+'}{abs(off) // 60:02d}:{abs(off) % 60:02d}"


def stretch(start: str, end: str, off: int) -> str:
    """From one ISO time to another as people say it: `Mon 30 Nov 01:00 to 03:30`; what is no time stays as it is."""
    here = timezone(timedelta(minutes=off))
    try:
        first, last = (datetime.fromisoformat(text).astimezone(here) for text in (start, end))
    except ValueError:
        return f"{start} to {end}"
    same = first.date() == last.date()
    return f"{first:%a %d %b %H:%M} to {last.strftime('%H:%M' if same else '%a %d %b %H:%M')}"


def countdown(seconds: float) -> str:
    """`1:12:40`, `4:09`, `0:07`; a negative one has its sign."""
    whole = int(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{sign}{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{sign}{rest // 60}:{rest % 60:02d}"


def short(seconds: float) -> str:
    """A span in at most four cells: `40s`, `9m`, `1h20`, `12h`, `5d`."""
    if seconds < 99.5 and round(seconds) != 60:
        return f"{round(seconds)}s"
    minutes = round(seconds / 60)
    if minutes < 600:
        return f"{minutes}m" if minutes < 100 else f"{minutes // 60}h{minutes % 60:02d}"
    hours = round(seconds / 3600)
    return f"{hours}h" if hours < 96 else f"{round(seconds / 86400)}d"


def amount(metric: str, value: float) -> str:
    """A metric's value with its unit: `41 %`, `118 ms`, `3.1 GiB`, `12 MiB/s`."""
    name = metric.rsplit(".", 1)[-1]
    if name in {"cpu", "memory", "swap", "used"}:
        return f"{value:.0f} %"
    if name == "latency":
        return f"{value * 1000:.0f} ms" if value < 9.9995 else f"{value:.1f} s"
    if name in {"free", "reserved", "total"}:
        return _bytes(value)
    if name in {"disk_read", "disk_write", "net_in", "net_out"}:
        return f"{_bytes(value)}/s"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def _bytes(value: float) -> str:
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            shown = value / size
            return f"{shown:.1f} {unit}" if shown < 9.95 else f"{shown:.0f} {unit}"
    return f"{value:.0f} B"
