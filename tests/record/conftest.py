"""One whole night, written once; tests that change something take a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from record_nights import whole_night

from quarterdeck.record.export import export_session


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a session that ended."""
    return whole_night(tmp_path_factory.mktemp("finished")).close()


@pytest.fixture
def record(finished: Path, tmp_path: Path) -> Path:
    """Its record's lines, in a folder of their own."""
    return export_session(finished, tmp_path / "record", ("jsonl",)).paths[0]
