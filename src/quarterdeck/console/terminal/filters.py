"""Text for Textual's widgets, made safe first, and the last wall behind whatever they draw.

`plain` passes everything through the text gate and never knows markup. `SanitisingFilter` is the last wall: no
control character leaves for the terminal. Never use `textual.markup.escape` instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content
from textual.filter import LineFilter

from quarterdeck.text import PLAIN, block

if TYPE_CHECKING:
    from textual.color import Color

__all__ = ["ColourlessFilter", "SanitisingFilter", "plain"]

_NEVER = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
"""What no terminal may get from us: controls, direction and invisible characters, lone surrogates.

The joiners stay: they steer nothing, and emoji were measured with them."""


def plain(text: str, limit: int = PLAIN) -> Content:
    """Text for a widget that takes `Content` (Static, Label, notifications): never markup."""
    return Content(block(text, limit))


def _harmless(match: re.Match[str]) -> str:
    return "?" * cell_len(match.group())


class SanitisingFilter(LineFilter):
    """The last wall: no control character and no link leaves for the terminal, whatever a widget drew.

    Widths stay as they were measured. For `App.get_line_filters`.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's interface
        """Return the line without what a terminal would obey."""
        if not any(_NEVER.search(text) or (style is not None and style.link) for text, style, _ in segments):
            return segments
        return [
            Segment(_NEVER.sub(_harmless, text), style.update_link(None) if style and style.link else style)
            for text, style, _ in segments
        ]


class ColourlessFilter(LineFilter):
    """NO_COLOR taken at its word: no colour code at all, only bold, dim, underline and reverse."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's interface
        """Return the line in the terminal's own two colours."""
        return [Segment(text, style.without_color if style else style) for text, style, _ in segments]
