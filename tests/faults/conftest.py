"""A night for each test of a fault: its own state folder, real processes, and nothing left running."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultkit import Night


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A state folder; afterwards everything of it is ended, and what should have ended by itself is a failure."""
    runtime = Path(tempfile.mkdtemp(prefix="qdf-", dir="/tmp"))
    home = tmp_path / "home"
    home.mkdir()
    found = Night(home, runtime, tmp_path)
    for name, value in found.env.items():
        if name.startswith(("QUARTERDECK_", "XDG_")):
            monkeypatch.setenv(name, value)
    yield found
    try:
        found.end()
    finally:
        shutil.rmtree(runtime, ignore_errors=True)
