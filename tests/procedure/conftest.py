"""The example procedure of the format, and a way to lint a changed copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.documents.problems import Problem
from quarterdeck.procedure.check import lint_text

EXAMPLE = Path(__file__).parent / "example-procedure.yaml"

Changed = Callable[[str, str], list[Problem]]


@pytest.fixture(scope="session")
def example_path() -> Path:
    return EXAMPLE


@pytest.fixture(scope="session")
def example() -> str:
    return EXAMPLE.read_text(encoding="utf-8")


@pytest.fixture
def changed(example: str) -> Changed:
    """Lint the example after replacing one text by another; the replaced text must be there."""

    def lint_changed(old: str, new: str) -> list[Problem]:
        assert old in example, f"the example has no {old!r}"
        return lint_text(example.replace(old, new, 1), "plan.yaml")

    return lint_changed
