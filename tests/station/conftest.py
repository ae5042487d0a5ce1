"""Real stations for the tests: a home of its own, short socket paths, and nothing left running."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from stationkit import SMALL, Lead, end_everything

from quarterdeck.station.sessions import open_session, read_window
from quarterdeck.station.wire.client import Client


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder; afterwards no station and no command of it is left."""
    runtime = Path(tempfile.mkdtemp(prefix="qdt-", dir="/tmp"))
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("QUARTERDECK_HOME", str(folder))
    monkeypatch.setenv("QUARTERDECK_LINGER", "30")
    yield folder
    for session in (folder / "sessions").glob("*"):
        end_everything(session)
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def opened(home: Path, tmp_path: Path) -> Callable[..., Path]:
    """Opens a session of a procedure's text; gives its folder."""

    def open_it(text: str = SMALL, **options: object) -> Path:
        path = tmp_path / "procedure.yaml"
        path.write_text(text)
        options.setdefault("window", read_window("1h"))
        return open_session(path, home=home, **options)  # type: ignore[arg-type]  # passed through

    return open_it


@pytest.fixture
async def attach() -> AsyncIterator[Callable[..., Awaitable[Lead]]]:
    """Attaches consoles to a session's folder."""
    leads: list[Lead] = []

    async def attach_to(folder: Path, **options: object) -> Lead:
        lead = Lead(await Client.connect(folder, **options))  # type: ignore[arg-type]  # passed through
        leads.append(lead)
        await lead.until(lambda: bool(lead.positions))
        return lead

    yield attach_to
    for lead in leads:
        await lead.close()
