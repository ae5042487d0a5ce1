"""Times and spans of time as people read them: in sentences, in columns, and as they type them. Pure.

Every layer may call it; it knows no plan, no session and no clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from quarterdeck.errors import UsageError

__all__ = ["amount", "clock", "countdown", "hour", "parse_span", "second", "short", "span", "stretch"]


def span(seconds: float) -> str:
    """A span in a sentence: `45 s`, `9 min`, `1 h 20 min`, `2 h`; a negative one is `9 min over`."""
    if seconds < 0:
        return f"{span(-seconds)} over"
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def clock(at: float) -> str:
    """The time of day on this terminal's clock: `02:49`. `at` is epoch seconds."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M")


def parse_span(text: str) -> float:
    """Seconds of `90s`, `9m`, `1h30m`; a bare number is minutes. UsageError for anything else."""
    rest, total, number = text.strip().lower().replace(" ", "").replace("min", "m"), 0.0, ""
    if not rest:
        raise UsageError("a span is missing", hint="like 9m, 90s or 1h30m")
    for character in rest:
        if character.isdigit() or character == ".":
            number += character
        elif number and character in "hms" and number.count(".") < 2 and number != ".":
            total += float(number) * {"h": 3600, "m": 60, "s": 1}[character]
            number = ""
        else:
            raise UsageError(f"{text!r} is no span of time", hint="like 9m, 90s or 1h30m")
    if number:
        if rest != number or number.count(".") > 1 or number == ".":
            raise UsageError(f"{text!r} is no span of time", hint="like 9m, 90s or 1h30m")
        total = float(number) * 60
    return total


def hour(at: float, off: int) -> str:
    """The time of day, `02:49`; `off` is minutes east of UTC."""
    minutes = int(at // 60) + off
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def second(at: float, off: int) -> str:
    """The time of day with seconds, `02:49:07`."""
    return f"{hour(at, off)}:{int(at) % 60:02d}"


def stretch(start: str, end: str, off: int | None = None) -> str:
    """From one ISO time to another as people say it: `Mon 30 Nov 01:00 to 03:30`; what is no time stays as it is.

    `off` is minutes east of UTC; without it, this machine's zone.
    """
    zone = None if off is None else timezone(timedelta(minutes=off))
    try:
        first, last = (datetime.fromisoformat(text).astimezone(zone) for text in (start, end))
    except ValueError:
        return f"{start} to {end}"
    same = first.date() == last.date()
    return f"{first:%a %d %b %H:%M} to {last.strftime('%H:%M' if same else '%a %d %b %H:%M')}"


def countdown(seconds: float) -> str:
    """`1:12:40`, `4:09`, `0:07`; a negative one has its sign."""
    sign = "-" if seconds < 0 else ""
    whole = int(abs(seconds))
    hours, rest = divmod(whole, 3600)
    if hours:
        return f"{sign}{hours}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{sign}{rest // 60}:{rest % 60:02d}"


def short(seconds: float) -> str:
    """A span in at most four cells: `40s`, `9m`, `1h20`."""
    if seconds < 99.5 and round(seconds) != 60:
        return f"{round(seconds)}s"
    minutes = round(seconds / 60)
    return f"{minutes}m" if minutes < 100 else f"{minutes // 60}h{minutes % 60:02d}"


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
