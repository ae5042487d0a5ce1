"""The text gate of the record: what people and programs wrote, made safe to show, with nothing hidden.

Control characters, characters that change direction and invisible ones are shown as what they are; floods of
combining marks are cut. `markdown_text` also takes away every meaning that Markdown and HTML would see; `cell` makes
a CSV cell that no spreadsheet takes for a formula. Pure. Called by the formats.
"""

from __future__ import annotations

import re

from quarterdeck.text import block
from quarterdeck.text import in_full as visible

__all__ = ["cell", "fenced", "markdown_text"]

_MEANT = re.compile(r"[\\`*_\[\]#|~$]")
"""What Markdown gives a meaning to, in the middle of a line too."""
_ADDRESS = re.compile(r":(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.", re.IGNORECASE)
"""What makes a link of an address without any brackets."""
_LEADING = re.compile(r"^(\s*)([-+=]|\d{1,9}(?=[.)](?:\s|$)))")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def markdown_text(text: str) -> str:
    """Text that no Markdown reads as anything but text; one line."""
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
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
    return f"'{visible(text)}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else visible(text)
