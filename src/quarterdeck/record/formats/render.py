"""The record as one HTML page and as Markdown, both from templates.

The page is self-contained, without script, in light, dark and on paper. Everything that is not ours passes the text
gate and is escaped, whatever a template writes: `finalize` and autoescape see to it.
"""

from __future__ import annotations

import re
from typing import Any

import markupsafe
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from quarterdeck import __version__
from quarterdeck.record.formats import escape
from quarterdeck.record.formats.charts import metric_chart, status_strip
from quarterdeck.record.formats.escape import fenced, markdown_text
from quarterdeck.record.formats.gantt import gantt, ribbon
from quarterdeck.record.report.model import Material
from quarterdeck.text import block, in_full

__all__ = ["encode_html", "encode_markdown"]


def encode_html(material: Material) -> bytes:
    """Render the page."""
    environment = Environment(
        loader=PackageLoader("quarterdeck.record"),
        autoescape=True,
        finalize=_finalize_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    minutes = material.offset
    environment.filters |= {
        "at": lambda at: escape.short_time(at, minutes),
        "when": lambda at: escape.long_time(at, minutes),
        "clock": escape.clock,
        "date": escape.date,
        "offset": escape.offset,
        "took": escape.took,
        "size": escape.size,
        "number": escape.number,
        "metric": escape.metric,
        "difference": escape.difference,
        "block": lambda text: Markup(markupsafe.escape(block(text))),  # noqa: S704 - escaped
    }
    # Pictures escape every text that goes into them.
    environment.globals |= {
        "gantt": lambda: Markup(gantt(material)),  # noqa: S704
        "ribbon": lambda: Markup(ribbon(material)),  # noqa: S704
        "chart": lambda target, series: Markup(metric_chart(material.health, target, series, material.marks)),  # noqa: S704
        "strip": lambda target: Markup(status_strip(material.health, target, material.marks)),  # noqa: S704
    }
    page = environment.get_template("record.html.j2").render(m=material, version=__version__)
    return page.encode("utf-8", "replace")


def _finalize_html(value: Any) -> Any:
    """Make visible what is hidden in a text; what is markup already was made by us."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else in_full(value)


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
        finalize=_finalize_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    minutes = material.offset
    environment.filters |= {
        "at": lambda at: Raw(escape.short_time(at, minutes)),
        "when": lambda at: Raw(escape.long_time(at, minutes)),
        "clock": lambda at: Raw(escape.clock(at)),
        "offset": lambda east: Raw(escape.offset(east)),
        "took": lambda seconds: Raw(escape.took(seconds)),
        "size": lambda count: Raw(escape.size(count)),
        "number": lambda value, unit: (
            Raw(escape.number(value, unit)) if unit in _UNITS else escape.number(value, unit)
        ),
        "code": lambda text, language="text": Raw(fenced(text, language)),
        "own": Raw,
    }
    rendered = environment.get_template("record.md.j2").render(m=material, version=__version__)
    return (re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n").encode("utf-8", "replace")


def _finalize_markdown(value: Any) -> Any:
    """Escape everything that is not ours already."""
    return value if isinstance(value, Raw) else markdown_text(str(value))
