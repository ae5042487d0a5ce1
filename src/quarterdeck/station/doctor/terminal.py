"""Doctor's looks at the terminal that it was called in."""

from __future__ import annotations

import codecs
import locale
import os
import sys
from collections.abc import Mapping

from quarterdeck.station.doctor.finding import Finding

__all__ = ["judge_terminal", "terminal"]

COLUMNS, ROWS = 80, 24


def terminal() -> list[Finding]:
    """Kind, colours, size and text of this terminal, if there is one."""
    if not sys.stdout.isatty():
        return [Finding("ok", "Terminal", "none here; the console needs one, headless runs do not")]
    size = os.get_terminal_size()
    return judge_terminal(os.environ, size.columns, size.lines, locale.getpreferredencoding(False))


def judge_terminal(env: Mapping[str, str], columns: int, rows: int, encoding: str) -> list[Finding]:
    """What these say about the console's looks."""
    kind = env.get("TERM", "")
    if kind in {"", "dumb", "unknown"}:
        first = Finding(
            "problem",
            "Terminal",
            f"TERM is {kind or 'not set'}: no screen can be drawn",
            "export TERM=xterm-256color",
        )
    elif env.get("NO_COLOR"):
        first = Finding("ok", "Terminal", f"{kind}, without colour (NO_COLOR)")
    elif env.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        first = Finding("ok", "Terminal", f"{kind}, 16 million colours")
    elif "256" in kind or kind.split("-")[0] in {"kitty", "alacritty", "foot", "wezterm", "ghostty", "tmux"}:
        first = Finding("ok", "Terminal", f"{kind}, 256 colours")
    else:
        first = Finding(
            "warning", "Terminal", f"{kind} promises few colours", "export TERM=xterm-256color, if it can do more"
        )
    return [first, _size(columns, rows), _text(encoding)]


def _size(columns: int, rows: int) -> Finding:
    said = f"{columns}x{rows}"
    if columns < COLUMNS or rows < ROWS:
        return Finding(
            "warning", "Terminal size", f"{said}: the console needs {COLUMNS}x{ROWS}", "make the window larger"
        )
    return Finding("ok", "Terminal size", said)


def _text(encoding: str) -> Finding:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        name = encoding
    if name != "utf-8":
        return Finding("warning", "Terminal text", f"{name}: signs are drawn in ASCII", "export LANG=C.UTF-8")
    return Finding("ok", "Terminal text", "UTF-8")
