"""A pattern and a text that take longer than a limit made small: harmless, just long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from quarterdeck import matcher

__all__ = ["LONG", "LONG_COMMAND", "SLOW", "little_patience"]

SLOW = "(?:[ab](?=.)){60}z"
"""Looks at sixty characters from every place of the text."""
LONG = "a" * 2_000_000
LONG_COMMAND = "yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -n LINES"
"""Writes so many lines of it."""


@contextmanager
def little_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Helpers, and those of stations that are started meanwhile, give up after 5 ms of processor time."""
    matcher._end_all()
    monkeypatch.setenv("QUARTERDECK_PATTERN_LIMIT", "0.005")
    yield
    monkeypatch.delenv("QUARTERDECK_PATTERN_LIMIT")
    matcher._end_all()
