"""The record as Markdown, for tickets that render it; what is not ours is escaped. Called by `export`."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from quarterdeck import __version__
from quarterdeck.record import words
from quarterdeck.record.gate import fenced, markdown_text
from quarterdeck.record.material import Material

__all__ = ["encode_markdown"]


_UNITS = frozenset({"", "%", "B", "s", "/s", "B/s"})
"""Ours; an endpoint may say anything."""


class Raw(str):
    """Text that is Markdown already."""

    __slots__ = ()


def encode_markdown(material: Material) -> bytes:
    """Render the report."""
    # Autoescape would escape for HTML: here `finalize` escapes whatever an expression gives, for Markdown.
    environment = Environment(  # noqa: S701 - see above
        loader=PackageLoader("quarterdeck.record"),
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    minutes = material.offset
    environment.filters |= {
        "at": lambda at: Raw(words.short_time(at, minutes)),
        "when": lambda at: Raw(words.long_time(at, minutes)),
        "clock": lambda at: Raw(words.clock(at)),
        "offset": lambda east: Raw(words.offset(east)),
        "took": lambda seconds: Raw(words.took(seconds)),
        "size": lambda count: Raw(words.size(count)),
        "number": lambda value, unit: Raw(words.number(value, unit)) if unit in _UNITS else words.number(value, unit),
        "code": lambda text, language="text": Raw(fenced(text, language)),
        "own": Raw,
    }
    rendered = environment.get_template("record.md.j2").render(m=material, version=__version__)
    return (re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n").encode("utf-8", "replace")


def _finalize(value: Any) -> Any:
    """Escape everything that is not ours already."""
    return value if isinstance(value, Raw) else markdown_text(str(value))
