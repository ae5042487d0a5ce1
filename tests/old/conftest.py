"""The folders of 0.1.0, each as a copy that a test may change."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

OLD = Path(__file__).parent / "0.1.0"


@pytest.fixture
def old() -> Path:
    """What 0.1.0 wrote; never changed."""
    return OLD


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Copy a night's state folder and make it this test's; returns the session's folder."""
    runtime = Path(tempfile.mkdtemp(prefix="qdo-", dir="/tmp"))
    home = tmp_path / "home"

    def copy(night: str) -> Path:
        shutil.copytree(OLD / night / "home", home)
        for path in (home, *home.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        (folder,) = (home / "sessions").iterdir()
        return folder

    monkeypatch.setenv("QUARTERDECK_HOME", str(home))
    monkeypatch.setenv("QUARTERDECK_LINGER", "30")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield copy
    shutil.rmtree(runtime, ignore_errors=True)
