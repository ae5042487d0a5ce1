"""The text gate of the record: what people and programs wrote, made safe to show, with nothing hidden.

Control characters, characters that change direction and invisible ones are shown as what they are; floods of
combining marks are cut. `markdown_text` also takes away every meaning that Markdown and HTML would see; `cell` makes
a CSV cell that no spreadsheet takes for a formula. Pure. Called by the formats.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["block", "cell", "fenced", "markdown_text", "visible"]

MARKS = 3
"""Combining marks that one character may carry."""
_HARMLESS = re.compile(r"[\x20-\x7e]*")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
_MEANT = re.compile(r"[\\`*_\[\]#|~$]")
"""What Markdown gives a meaning to, in the middle of a line too."""
_ADDRESS = re.compile(r":(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.", re.IGNORECASE)
"""What makes a link of an address without any brackets."""
_LEADING = re.compile(r"^(\s*)([-+=]|\d{1,9}(?=[.)](?:\s|$)))")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def visible(text: str, *, breaks: str = " ⏎ ") -> str:
    """One line: line breaks as `breaks`, everything invisible made visible."""
    if _HARMLESS.fullmatch(text):
        return text
    return breaks.join(_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def block(text: str) -> str:
    """Several lines, each as `visible` makes it."""
    return visible(text, breaks="\n")


def _line(line: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in line:
        category = unicodedata.category(character)
        if category in {"Mn", "Me", "Mc"}:
            marks += 1
            if marks <= MARKS and shown:
                shown.append(character)
            elif marks == MARKS + 1 or not shown:
                shown.append("…")
            continue
        marks = 0
        shown.append(_one(character, category))
    return "".join(shown)


def _one(character: str, category: str) -> str:
    code = ord(character)
    if character == "\t":
        return "    "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if category in _INVISIBLE:
        return f"<U+{code:04X}>"
    return " " if category == "Zs" else character


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
