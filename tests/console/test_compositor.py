"""What is sent sparingly leaves the terminal with the same screen."""

from __future__ import annotations

from itertools import product
from typing import Any

import night
import pytest
from emulator import Emulator
from hands_helm import helm
from harness import Harness
from test_panes import screen_text
from textual._compositor import Compositor, CompositorUpdate
from textual.app import ComposeResult
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from quarterdeck.console.app import QuarterdeckApp
from quarterdeck.console.deck import Deck
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.terminal import SparingScreen, spare
from quarterdeck.console.terminal.compositor import SparingCompositor, SparingUpdate, _sparing


async def test_the_screen_is_the_same_and_only_changed_cells_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    app = Harness(night.snapshot())
    plain = SparingCompositor.render_partial_update

    def recording(self: SparingCompositor) -> SparingUpdate | None:
        update = plain(self)
        if update is not None:
            sent.append(update.render_segments(app.console))
        return update

    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        terminal = Emulator(120, 36)
        terminal.feed(app.screen._compositor.render_full_update().render_segments(app.console))
        terminal.written = 0
        monkeypatch.setattr(SparingCompositor, "render_partial_update", recording)
        later = changed_a_little()
        app.deck.snapshot = later
        await pilot.pause()
        terminal.feed("".join(sent))
        assert "\n".join(terminal.lines) == screen_text(app)
        assert 0 < terminal.written < 200
        await pilot.press("down")
        await pilot.pause()
        for data in sent[len(sent) - 1 :]:
            terminal.feed(data)
        assert "\n".join(terminal.lines) == screen_text(app)


STYLES = (
    "0", "1", "1;2", "4;7", "37", "37;40", "1;97;101", "38;5;12;48;5;3", "38;2;1;2;3", "48;2;1;2;3",
    "38;2;1;2;3;48;2;4;5;6", "1;38;2;1;2;3;48;2;4;5;6", "38;2;9;2;3;48;2;4;5;6", "38;2;1;2;3;48;2;9;5;6",
)  # fmt: skip


def test_of_a_style_only_what_is_new_is_sent_and_every_cell_has_its_own() -> None:
    marks = (codes for pair in product(STYLES, STYLES) for codes in pair)
    cells = "".join("x" if codes == "0" else f"\x1b[{codes}mx\x1b[0m" for codes in marks)
    whole, sparing = Emulator(2 * len(STYLES) ** 2, 1), Emulator(2 * len(STYLES) ** 2, 1)
    whole.feed(f"\x1b[1;1H{cells}")
    sparing.feed(f"\x1b[1;1H{_sparing(cells)}")
    assert sparing.differences(whole) == []
    assert _sparing("\x1b[1;31;40ma\x1b[0m\x1b[1;32;40mb\x1b[0m") == "\x1b[1;31;40ma\x1b[32mb\x1b[0m"


def changed_a_little() -> Snapshot:
    readings = night.readings()
    import msgspec

    here = readings["here"]
    readings["here"] = msgspec.structs.replace(here, values={**here.values, "cpu": 58.0})
    return night.snapshot(wall=night.T0 + 9, readings=readings)


async def test_a_compositor_that_looks_otherwise_is_left_alone() -> None:
    class Other:
        _compositor = object()

    other = Other()
    spare(other)  # type: ignore[arg-type]  # not a screen, on purpose
    assert type(other._compositor) is object


class Behind(SparingScreen, Screen[None]):
    """The deck, on a screen that lives on behind a modal."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self.deck = deck

    def compose(self) -> ComposeResult:
        yield self.deck


class Front(SparingScreen, ModalScreen[None]):
    CSS = "Front Static { dock: bottom; height: 5; }"

    def compose(self) -> ComposeResult:
        yield Static("a question")


async def test_behind_a_modal_a_tick_sends_only_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Harness(night.snapshot())
    deck = Deck()
    deck.snapshot = night.snapshot()
    async with app.run_test(size=(120, 36)) as pilot:
        await app.push_screen(Behind(deck))
        await pilot.pause()
        await app.push_screen(Front())
        await pilot.pause()
        deck.snapshot = night.snapshot(wall=night.T0 + 8)
        await pilot.pause()
        sent: list[str] = []
        plain = Compositor.render_update

        def recording(self: Compositor, *arguments: Any, **more: Any) -> Any:
            update = plain(self, *arguments, **more)
            if isinstance(update, CompositorUpdate):
                sent.append(update.render_segments(app.console))
            return update

        monkeypatch.setattr(Compositor, "render_update", recording)
        for second in (9, 10):
            deck.snapshot = night.snapshot(wall=night.T0 + second)
            await pilot.pause()
        assert 0 < sum(map(len, sent)) < 1_000


async def test_the_first_frame_is_laid_out_often_and_painted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[str] = []
    plain = QuarterdeckApp._display

    def recording(self: QuarterdeckApp, screen: Screen[Any], renderable: Any) -> None:
        if renderable is not None and not self._batch_count:
            painted.append(type(renderable).__name__)
        plain(self, screen, renderable)

    monkeypatch.setattr(QuarterdeckApp, "_display", recording)
    async with helm():
        assert painted.count("SparingLayout") == 1, painted
        assert painted[0] == "SparingLayout"
