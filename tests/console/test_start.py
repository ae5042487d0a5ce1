"""What a start costs, by counts: whole screens, bytes, and what is imported before the first frame stands."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fake_station import FakeStation
from rich.color import ColorSystem
from rich.console import RenderableType
from textual._compositor import CompositorUpdate, LayoutUpdate
from textual.screen import Screen

from quarterdeck.console.app import QuarterdeckApp
from quarterdeck.session import intents

MOST = 35_000
"""Bytes to a terminal of 200x50 until the first frame stands."""
PROCEDURE = "\n".join(
    (
        "quarterdeck: 1", "id: long", "title: A long night", "revision: 1", "roles:",
        "  lead: {title: Lead, backup: dba}", "  dba: {title: DBA, backup: lead}", "stages:",
        "  - id: all", "    title: All", "    owner: dba", "    steps:",
        *(f"      - {{id: step-{n}, title: Step number {n}, duration: 1m, mutates: false}}" for n in range(300)),
    )
)  # fmt: skip


async def test_a_start_sends_one_whole_screen_of_at_most_35_kb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.console.app.FIRST_WAIT", 10.0)
    sent: list[tuple[type, int]] = []
    station = FakeStation(PROCEDURE)
    station.must(intents.StartSession())
    app = QuarterdeckApp(station.connect)
    app.console._color_system = ColorSystem.TRUECOLOR
    display = app._display

    def recording(screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, CompositorUpdate):
            sent.append((type(renderable), len(renderable.render_segments(app.console).encode())))
        display(screen, renderable)

    monkeypatch.setattr(app, "_display", recording)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        while not sent:
            await pilot.pause(0.02)
        await pilot.pause(0.1)  # whatever a start would send again comes within some beats of a sixtieth of a second
        assert sum(issubclass(kind, LayoutUpdate) for kind, _ in sent) == 1, sent
        assert sum(size for _, size in sent) <= MOST, sent
        assert app.link.caught_up.is_set()


LATER = (
    "yaml", "jinja2", "httpx", "psutil", "sqlite3",
    *(f"quarterdeck.{name}" for name in (
        "console.finder", "console.output_index", "console.panes.attempts", "console.panes.output",
        "console.panes.rollback", "console.panes.sessions", "console.panes.target", "console.panes.wallboard",
        "console.panes.watched", "console.plain", "console.screens.form_bar", "console.screens.palette",
        "console.screens.prompt", "console.screens.reader", "console.screens.step_reader", "console.screens.switcher",
        "console.wrapped_pages", "demo", "documents.strict_yaml", "logbook.sqlite", "procedure.check", "record",
        "station.sessions", "station.station",
    )),
)  # fmt: skip
"""What a first frame does without: it is imported by the verb, the view or the key that needs it."""


def test_what_a_first_frame_does_without_is_not_imported_before_it() -> None:
    code = (
        "import sys\nfrom importlib import import_module\nimport quarterdeck.console.verbs\n"
        "from quarterdeck.console.app import QuarterdeckApp\nfrom quarterdeck.console.view import FIRST_PANES\n"
        "for name in FIRST_PANES: import_module(name)\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert set(LATER) & loaded == set()
    assert "quarterdeck.console.panes.procedure" in loaded
