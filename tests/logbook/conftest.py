"""Nights to write to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from logbook_nights import Night


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    found = Night(tmp_path / "home")
    yield found
    found.close()


@pytest.fixture
def nights() -> Iterator[Callable[[Path], Night]]:
    """Makes further nights, closed at the end."""
    made: list[Night] = []

    def make(home: Path) -> Night:
        made.append(Night(home))
        return made[-1]

    yield make
    for each in made:
        each.close()
