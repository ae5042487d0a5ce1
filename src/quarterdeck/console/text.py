"""The text gate: everything that is not ours goes through here before any widget.

Titles, reasons, output, names and messages come from files, commands and people; a terminal would obey the control
characters in them. `plain` and `cell` (and `visible`, which both use) show control and direction-changing characters
as what they are, cap combining marks and length, and never know markup. Behind it stands the last wall,
`terminal/filters.py`. Never use `textual.markup.escape` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quarterdeck.text import CELL, PLAIN, block, visible

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content

__all__ = ["cell", "plain"]


def plain(text: str, limit: int = PLAIN) -> Content:
    """Text for a widget that takes `Content` (Static, Label, notifications): never markup."""
    from textual.content import Content

    return Content(block(text, limit))


def cell(text: str, limit: int = CELL) -> Text:
    """Text for a cell of a table or list that takes a Rich `Text`: one line, never markup."""
    from rich.text import Text

    return Text(visible(text, limit), no_wrap=True, end="")
