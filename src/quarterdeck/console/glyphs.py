"""The signs of the screen: one for each state, with a word beside it, in Unicode and in plain ASCII.

A state is always a sign and a word and a colour, so that it is clear without colours and on poor terminals.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

__all__ = ["ASCII", "UNICODE", "Glyphs", "graph"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = "_.-=+*#@"
_LEFT = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT = (0x00, 0x80, 0xA0, 0xB0, 0xB8)


class Glyphs(Struct, frozen=True):
    """A set of signs; every one is one cell wide."""

    name: str
    steps: dict[str, str]
    """State of a step to its sign."""
    status: dict[str, str]
    """Status of a target to its sign."""
    graph: str
    """`braille`, `block` or `ascii`."""
    bar: str
    """Full and empty cell of a bar."""
    hatch: str
    """In front of and behind a stale value."""
    cursor: str
    dot: str
    alert: str
    rule: str
    dash: str
    """A line that is only a limit."""
    tick: str
    open_box: str
    ellipsis: str
    border: str
    """Textual's name of the frame."""
    heavy: str
    """The frame of an alarm."""
    focus: str
    """In front of the title of the pane that has the keys."""
    focused: str
    """Its frame."""
    none: str
    thumb: str
    """Where the visible rows are among all."""
    undone: str
    """A step that was done and then taken back."""

    def spell(self, text: str) -> str:
        """Our own typographic signs as this set has them; letters of any script stay."""
        return text if self.name != "ascii" or text.isascii() else text.translate(_SPELLED)


_SPELLED = str.maketrans({"·": "-", "…": "~", "│": "|", "–": "-", "—": "-", "•": "*", "⏎": "/", "“": '"', "”": '"'})

UNICODE = Glyphs(
    name="unicode",
    steps={
        "pending": "·", "blocked": "◌", "available": "○", "claimed": "◔", "granted": "◔", "running": "▶",
        "verifying": "◎", "done": "✓", "done_manually": "✓", "skipped": "⤼", "failed": "✖", "interrupted": "◧",
        "unknown": "?",
    },
    status={"ok": "●", "warning": "▲", "critical": "✖", "unknown": "?", "withdrawn": "◌", "expected": "◇"},
    graph="braille",
    bar="█░",
    hatch="░░",
    cursor="▌",
    dot="·",
    alert="!",
    rule="─",
    dash="┄",
    tick="✓",
    open_box="☐",
    ellipsis="…",
    border="round",
    heavy="heavy",
    focus="▸",
    focused="double",
    none="–",
    thumb="▐",
    undone="↶",
)  # fmt: skip

ASCII = Glyphs(
    name="ascii",
    steps={
        "pending": ".", "blocked": ":", "available": "o", "claimed": "c", "granted": "c", "running": ">",
        "verifying": "@", "done": "+", "done_manually": "+", "skipped": "/", "failed": "X", "interrupted": "!",
        "unknown": "?",
    },
    status={"ok": "*", "warning": "^", "critical": "X", "unknown": "?", "withdrawn": ".", "expected": "~"},
    graph="ascii",
    bar="#.",
    hatch="::",
    cursor=">",
    dot="-",
    alert="!",
    rule="-",
    dash="-",
    tick="+",
    open_box="_",
    ellipsis="~",
    border="ascii",
    heavy="ascii",
    focus=">",
    focused="double",
    none="-",
    thumb="#",
    undone="u",
)  # fmt: skip


def graph(values: Sequence[float], cells: int, style: str, low: float = 0.0, high: float | None = None) -> str:
    """Draw the last values as `cells` cells of braille (two values a cell), blocks or ASCII.

    The scale goes from `low` to `high`, or to the greatest value shown; a value above `high` is drawn full.
    """
    wanted = cells * 2 if style == "braille" else cells
    shown = list(values)[-wanted:]
    if not shown:
        return " " * cells
    top = high if high is not None else max(shown)
    reach = top - low
    scaled = [0.0 if reach <= 0 else min(1.0, max(0.0, (value - low) / reach)) for value in shown]
    if style == "braille":
        heights = [0] * (wanted - len(scaled)) + [max(1, round(share * 4)) for share in scaled]
        pairs = zip(heights[::2], heights[1::2], strict=True)
        drawn = "".join(chr(0x2800 + _LEFT[left] + _RIGHT[right]) for left, right in pairs)
        return drawn.replace("\u2800", " ")
    levels = _BLOCKS if style == "block" else _ASCII_LEVELS
    return "".join(levels[min(7, int(share * 8))] for share in scaled).rjust(cells)
