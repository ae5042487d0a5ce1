"""Rules for the window: whether the change fits, and whether its rollback fits beside it."""

from __future__ import annotations

from math import ceil

from quarterdeck.procedure.graph import reserve, totals, window_length
from quarterdeck.procedure.rules.base import Lint
from quarterdeck.spans import span

__all__ = ["emergency", "fits"]


def fits(lint: Lint) -> None:
    """Refuse a change that is longer than its window; warn when a full rollback no longer fits."""
    length = window_length(lint.procedure)
    if length is None:
        return
    if length <= 0:
        lint.error("window.end", "the window ends before it begins")
        return
    planned = totals(lint.procedure)
    kept = reserve(lint.procedure, length)
    missing = planned.change + kept - length
    if missing > 0:
        lint.error(
            "window",
            f"the change takes {span(planned.change)} and {span(kept)} are reserved: "
            f"{span(60 * ceil(missing / 60))} more than the window's {span(length)}",
        )
        return
    missing += planned.rollback
    if missing > 0:
        lint.warning(
            "window",
            f"a rollback at the end would not fit: change {span(planned.change)}, rollback "
            f"{span(planned.rollback)}, reserve {span(kept)}; {span(60 * ceil(missing / 60))} are missing",
        )


def emergency(lint: Lint) -> None:
    """Refuse a severity on anything but an emergency."""
    if lint.procedure.severity and lint.procedure.class_ != "emergency":
        lint.error("severity", "`severity` belongs to `class: emergency`")
