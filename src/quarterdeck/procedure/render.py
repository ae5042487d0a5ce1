"""Blocks of a document for paper, as plain text or as Markdown.

All text is a stranger's: control characters are escaped, and in Markdown whatever could be markup, so that a
title cannot become a link or an image.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from quarterdeck.text import printable

__all__ = ["Block", "markdown", "plain"]

WIDTH = 96
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


class Block(Struct, frozen=True):
    """A piece of the document."""

    kind: Literal["heading", "fact", "text", "item", "step", "detail", "code", "quote"]
    text: str
    level: int = 0
    label: str = ""


def plain(blocks: Iterable[Block]) -> str:
    """Return the blocks as text of 96 columns."""
    lines: list[str] = []
    for block in blocks:
        lines += _plain_block(block)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _plain_block(block: Block) -> list[str]:
    text = " ".join(printable(" ".join(block.text.split())).split())
    label = f"{block.label}: " if block.label else ""
    if block.kind == "heading":
        line = {1: "=", 2: "-"}.get(block.level, "")
        return ["", text.upper() if block.level == 1 else text, *([line * min(len(text), WIDTH)] if line else [])]
    if block.kind == "code":
        return [f"        $ {line}" for line in _lines(block.text)]
    if block.kind == "quote":
        return [wrapped for line in _lines(block.text) for wrapped in _wrapped(line, "      | ", "      | ")]
    if block.kind == "step":
        return ["", *_wrapped(_step_title(block.text), "", "       ")]
    if block.kind == "detail":
        return _wrapped(label + text, "      ", "        ")
    if block.kind == "item":
        return _wrapped(printable(block.text), "- ", "  ")
    return _wrapped(label + text, "", "  " if label else "")


def _step_title(text: str) -> str:
    return printable(text.replace("\n", " "))


def _lines(text: str) -> list[str]:
    return [printable(line.replace("\t", "    ")) for line in text.rstrip("\n").split("\n")]


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    wrapped = textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return wrapped or [first]


def markdown(blocks: Iterable[Block]) -> str:
    """Return the blocks as Markdown."""
    lines: list[str] = []
    before = ""
    for block in blocks:
        if block.kind == "fact" and before not in {"fact", ""}:
            lines.append("")
        lines += _markdown_block(block)
        before = block.kind
    text = "\n".join(lines).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def _markdown_block(block: Block) -> list[str]:
    text = _escaped(" ".join(block.text.split()))
    label = f"**{block.label}:** " if block.label else ""
    if block.kind == "heading":
        return ["", f"{'#' * block.level} {text}", ""]
    if block.kind == "code":
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
        return ["", *(f"      {line}" for line in (fence, *_lines(block.text), fence)), ""]
    if block.kind == "quote":
        return ["", *(f"      > {line.replace('<', '&lt;')}" for line in _lines(block.text)), ""]
    if block.kind == "step":
        ticked = block.text.removeprefix("[ ] ")
        return ["", f"- [ ] **{_escaped(' '.join(ticked.split()))}**"]
    if block.kind == "detail":
        return [f"    - {label}{text}"]
    if block.kind == "item":
        ticked = block.text.removeprefix("[ ] ")
        box = "[ ] " if ticked != block.text else ""
        return [f"- {box}{_escaped(' '.join(ticked.split()))}"]
    if block.kind == "fact":
        return [f"- {label}{text}"]
    return ["", text, ""]


def _escaped(text: str) -> str:
    """Escape what Markdown or HTML would take for markup."""
    return _MARKUP.sub(r"\\\1", printable(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")
