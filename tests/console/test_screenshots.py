"""The pictures in `screenshots/`: what the panes look like, held against what was looked at and found good.

`QUARTERDECK_REDRAW=1 python -m pytest tests/console/test_screenshots.py` draws them anew; then look at them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import night
import pytest
from harness import Harness
from msgspec import structs
from msgspec.structs import replace
from textual.widgets import Input

from quarterdeck.console.commands import all_commands
from quarterdeck.console.keys import shown as key
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.screens.palette import PaletteScreen, commands_in, log_in, sessions_in, steps_in, targets_in
from quarterdeck.console.screens.reader import TargetReader
from quarterdeck.console.screens.step_reader import StepReader
from quarterdeck.console.screens.switcher import Switcher
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import StationClient
from quarterdeck.errors import StationError
from quarterdeck.session.state import Run
from quarterdeck.station.commands.pages import KeptText, Pages

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "screenshots"


@pytest.fixture
def redraw() -> bool:
    """Whether the pictures are drawn anew instead of held against."""
    return os.environ.get("QUARTERDECK_REDRAW") == "1"


LOOKS = {
    "lead-running": ("running", (120, 36), "night", "lead", False),
    "lead-guard-proposal": ("proposal", (120, 36), "night", "lead", False),
    "lead-halted-rollback-preview": ("halted", (120, 36), "night", "lead", False),
    "lead-rolling-back": ("rolling_back", (120, 36), "night", "lead", False),
    "lead-wide": ("running", (200, 50), "night", "lead", False),
    "lead-no-color": ("halted", (120, 36), "mono", "lead", False),
    "lead-colour-blind-safe": ("proposal", (120, 36), "safe", "lead", False),
    "lead-high-contrast": ("running", (120, 36), "contrast", "lead", False),
    "lead-terminal-16": ("proposal", (120, 36), "terminal", "lead", False),
    "lead-ascii": ("running", (120, 36), "mono", "lead", True),
    "compact-80x24": ("running", (80, 24), "night", "compact", False),
    "compact-80x24-critical": ("critical", (80, 24), "night", "compact", False),
    "small-60x20": ("critical", (60, 20), "night", "compact", False),
    "compact-80x24-halted": ("halted", (80, 24), "night", "compact", False),
}


@pytest.mark.parametrize("name", LOOKS)
async def test_it_looks_as_it_was_found_good(name: str, redraw: bool) -> None:
    state, size, theme, layout, ascii_glyphs = LOOKS[name]
    app = Harness(night.snapshot(state), theme=theme, ascii_glyphs=ascii_glyphs, layout=layout)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        drawn = app.export_screenshot(title="Quarterdeck")
    _held(drawn, name, redraw)


async def test_a_steps_reader_looks_as_it_was_found_good(redraw: bool) -> None:
    """The second attempt runs, and a text is looked for in what it printed."""
    snapshot = night.snapshot("running")
    first = Run(1, "reindex-1", "dana", snapshot.now - 900, snapshot.now - 600, ending="ended with code 1")
    second = Run(2, "reindex-2", "dana", snapshot.now - 300)
    step = replace(snapshot.session.steps["reindex"], runs=[first, second], attempt=2)
    session = replace(snapshot.session, steps={**snapshot.session.steps, "reindex": step})
    snapshot = replace(snapshot, session=session)
    printed = "".join(f"02:{n // 60:02d}:{n % 60:02d} page {n} of orders_by_customer\n" for n in range(1, 900))
    reader = StepReader(
        "reindex", session.name_of("reindex"), lambda _: Pages(KeptText(printed), None, over=False), lambda *_: None
    )
    reader.set_reactive(Modal.snapshot, snapshot)
    app = Harness(snapshot)
    async with app.run_test(size=(120, 36)) as pilot:
        await app.push_screen(reader)
        reader.output.find("page 88")
        reader.action_again(back=False)
        await pilot.pause()
        drawn = app.export_screenshot(title="Quarterdeck")
    _held(drawn, "lead-step-reader", redraw)


def _held(drawn: str, name: str, redraw: bool) -> None:
    """Hold a picture against the one that was found good."""
    picture = PICTURES / f"{name}.svg"
    if redraw:
        picture.write_text(drawn)
    assert drawn == picture.read_text(), "it looks different: draw it anew, and look at it"


async def _reach(session: str) -> StationClient:
    raise StationError(f"nobody reaches {session} in a picture")


def _switcher(shown: Snapshot) -> Modal[Any]:
    del shown
    return Switcher(_reach)


def _palette(shown: Snapshot) -> Modal[Any]:
    commands = commands_in(all_commands(), lambda command: key(command.key))
    others = [kind(shown) for kind in (sessions_in, steps_in, targets_in, log_in)]
    return PaletteScreen(commands, others)


OVER: dict[str, tuple[Callable[[Snapshot], Modal[Any]], str]] = {
    "lead-switcher": (_switcher, ""),
    "lead-palette": (_palette, "ord"),
}


@pytest.mark.parametrize("name", OVER)
async def test_what_lies_over_it_looks_as_it_was_found_good(name: str, redraw: bool) -> None:
    made, typed = OVER[name]
    shown = structs.replace(night.snapshot("running"), others=(night.second(),))
    app = Harness(shown)
    async with app.run_test(size=(120, 36)) as pilot:
        over = made(shown)
        over.set_reactive(Modal.snapshot, shown)
        await app.push_screen(over)
        await pilot.pause()
        for field in over.query(Input):
            field.cursor_blink = False
            field.value = typed
        await pilot.pause()
        drawn = app.export_screenshot(title="Quarterdeck")
    _held(drawn, name, redraw)


async def test_a_bad_targets_screen_looks_as_it_was_found_good(redraw: bool) -> None:
    snapshot = night.slow_search()
    app = Harness(snapshot)
    async with app.run_test(size=(120, 48)) as pilot:
        screen = TargetReader("search")
        screen.set_reactive(Modal.snapshot, snapshot)
        await app.push_screen(screen)
        await pilot.pause()
        drawn = app.export_screenshot(title="Quarterdeck")
    _held(drawn, "lead-target", redraw)


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium: the record is not looked at in a browser")
def test_the_record_shows_in_a_browser(tmp_path: Path, redraw: bool) -> None:
    """A real night's record, as a picture; kept in `screenshots/` when they are drawn anew."""
    home = {**os.environ, "QUARTERDECK_HOME": str(tmp_path / "home")}
    night_ = subprocess.run(
        [sys.executable, "-m", "quarterdeck", "demo", "--auto", "--rows", "20000", "--halt-after", "drop-old",
         "--out", str(tmp_path / "record")],
        env=home, capture_output=True, check=False, timeout=110, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert night_.returncode == 10, night_.stdout + night_.stderr
    page = next((tmp_path / "record").glob("*.html"))
    shot = tmp_path / "record.png"
    assert BROWSER is not None
    subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
         "--window-size=1200,1600", f"--screenshot={shot}", page.as_uri()],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert shot.stat().st_size > 30_000, "the page is empty"
    if redraw:
        shutil.copy(shot, PICTURES / "record-in-a-browser.png")
