"""The record as one HTML page: self-contained, without script, in light, dark and on paper.

Everything that is not ours passes the text gate and is escaped, whatever a template writes: `finalize` and autoescape
see to it. Called by `export`.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from quarterdeck import __version__
from quarterdeck.record import words
from quarterdeck.record.charts import metric_chart, status_strip
from quarterdeck.record.gantt import gantt, ribbon
from quarterdeck.record.material import Material
from quarterdeck.text import block, in_full

__all__ = ["encode_html"]


def encode_html(material: Material) -> bytes:
    """Render the page."""
    environment = Environment(
        loader=PackageLoader("quarterdeck.record"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    minutes = material.offset
    environment.filters |= {
        "at": lambda at: words.short_time(at, minutes),
        "when": lambda at: words.long_time(at, minutes),
        "clock": words.clock,
        "date": words.date,
        "offset": words.offset,
        "took": words.took,
        "size": words.size,
        "number": words.number,
        "metric": words.metric,
        "difference": words.difference,
        "block": lambda text: Markup(escape(block(text))),  # noqa: S704 - escaped
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


def _finalize(value: Any) -> Any:
    """Make visible what is hidden in a text; what is markup already was made by us."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else in_full(value)
