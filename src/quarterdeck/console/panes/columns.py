"""Numbers as the screen's columns show them: clocks, countdowns, short spans, amounts. Pure text."""

from __future__ import annotations

__all__ = ["amount", "countdown", "hour", "second", "short", "span", "stretch", "wrap"]

from datetime import datetime, timedelta, timezone

from rich.cells import cell_len

from quarterdeck.session.told import span


def hour(at: float, off: int) -> str:
    """The time of day, `02:49`; `off` is minutes east of UTC."""
    minutes = int(at // 60) + off
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def second(at: float, off: int) -> str:
    """The time of day with seconds, `02:49:07`."""
    return f"{hour(at, off)}:{int(at) % 60:02d}"


def stretch(start: str, end: str, off: int) -> str:
    """From one ISO time to another as people say it: `Mon 30 Nov 01:00 to 03:30`; what is no time stays as it is."""
    zone = timezone(timedelta(minutes=off))
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
