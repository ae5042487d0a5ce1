"""How scalars are written in our documents: durations, truth values, numbers, times, secrets.

Each function takes text and returns a value or None when the text is not of that form; the reader makes the
message. No I/O, no clock.
"""

from __future__ import annotations

import math
import re

__all__ = [
    "DURATION_PATTERN",
    "ID_PATTERN",
    "REFERENCE_PATTERN",
    "TIME_PATTERN",
    "boolean",
    "duration",
    "integer",
    "is_secret_reference",
    "is_time",
    "number",
    "show_duration",
]

DURATION_PATTERN = r"^(?=\d)(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?$"
ID_PATTERN = r"^[a-z0-9_-]+$"
REFERENCE_PATTERN = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+)$"
TIME_PATTERN = (
    r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)"
    r"|window\.(start|end)( ?[+-] ?(\d+(\.\d+)?(ms|[dhms]))+)?)$"
)
_DURATION = re.compile(DURATION_PATTERN, re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.ASCII)
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?"
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


def duration(text: str) -> float | None:
    """Read `90s`, `5m`, `1h30m`, `500ms`, `2d` as seconds; a bare number is no duration."""
    if len(text) > 40 or not _DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _SECONDS[unit] for amount, unit in _DURATION_PART.findall(text))


def show_duration(seconds: float) -> str:
    """Write seconds the way a procedure does: `1h30m`, `90s` as `1m30s`, `0s`; below a second `500ms`."""
    if seconds < 0:
        return "-" + show_duration(-seconds)
    if 0 < seconds < 1:
        return f"{round(seconds * 1000)}ms"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest else ""]
    return "".join(parts) or "0s"


def boolean(text: str) -> bool | None:
    """Read `true`, `false`, `yes`, `no`, and nothing else."""
    return _BOOLEANS.get(text)


def integer(text: str) -> int | None:
    """Read a whole number of at most 18 digits."""
    return int(text) if _INTEGER.fullmatch(text) else None


def number(text: str) -> float | None:
    """Read a finite number; `nan` and `inf` are none."""
    if not re.fullmatch(_NUMBER, text, re.ASCII):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_time(text: str) -> bool:
    """Tell whether a text is an ISO 8601 time with an offset, or one relative to the window."""
    if not re.fullmatch(TIME_PATTERN, text, re.ASCII):
        return False
    if text.startswith("window."):
        return True
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def is_secret_reference(text: str) -> bool:
    """Tell whether a text names where a secret lies (`env:NAME`, `file:PATH`, `keyring:service/user`)."""
    return re.fullmatch(REFERENCE_PATTERN, text, re.ASCII) is not None
