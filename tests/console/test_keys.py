"""Every key comes from the keymap, and one key makes one tick."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace

import pytest
from fake_station import FakeStation
from hands_helm import helm
from textual.widgets import Input

from quarterdeck.console import app as app_module
from quarterdeck.console.app import QuarterdeckApp
from quarterdeck.console.commands import all_commands
from quarterdeck.console.commands.base import Command, Desk
from quarterdeck.console.keys import Keymap
from quarterdeck.console.panes.halt import HaltPane
from quarterdeck.console.panes.next_line import NextPane
from quarterdeck.console.screens.palette import PaletteScreen
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.errors import DocumentError
from quarterdeck.session import intents
from quarterdeck.station.wire.protocol import Marks, Standing

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
ANNOUNCED = (*RUNNING, intents.FinishStep(step="announce"))
OWN = {"halt": ["H", "f8"], "pause": "f9", "leave": ["Q", "f7"]}


async def test_a_key_that_somebody_took_from_halt_does_what_it_says_and_no_more() -> None:
    async with helm(*RUNNING, keymap=Keymap(all_commands(), OWN)) as at:
        await at.press("f9")
        assert at.state == "paused"
        assert at.asked(intents.Halt) == []


async def test_a_key_that_was_taken_from_halt_does_not_halt_from_a_text_field() -> None:
    async with helm(*RUNNING, keymap=Keymap(all_commands(), OWN)) as at:
        await at.press("n", "f9", "ctrl+backslash")
        assert at.asked(intents.Halt) == []
        await at.press("f8")
        assert len(at.asked(intents.Halt)) == 1


async def test_every_key_of_the_keymap_for_text_fields_works_in_one() -> None:
    async with helm(*RUNNING, keymap=Keymap(all_commands(), OWN)) as at:
        await at.press("n", "f7")
        assert at.title.startswith("Leave")


async def test_the_halt_button_says_the_keys_of_the_keymap() -> None:
    async with helm(*RUNNING, keymap=Keymap(all_commands(), {"halt": ["J", "f8"]})) as at:
        button = at.screen.query_one(HaltPane)
        assert button.label(at.snapshot)[0] == "J HALT"
        await at.press("n")
        assert at.screen.query_one(HaltPane).label(at.snapshot)[0] == "F8 HALT"


async def test_sentences_name_the_persons_own_keys() -> None:
    keymap = Keymap(all_commands(), {"go_on": "J", "done": "Y", "halt": ["M", "f8"], "start": "L"})
    async with helm(*RUNNING, keymap=keymap) as at:
        pane = next(iter(at.screen.query(NextPane)))
        assert "Y says done" in "".join(text for text, _ in pane.row(at.snapshot, 0, 110))
        await at.press("P", "L")
        assert at.said[-1] == "L: paused: J goes on"
        await at.press("P")
        assert at.said[-1] == "P: paused already; J goes on"
        await at.press("R")
        assert at.said[-1] == "J goes on, B rolls back"
        await at.press("ctrl+c")
        assert at.said[-1] == "Ctrl+C does nothing here: Q leaves, M halts, y copies"


async def test_keys_that_changed_places_are_each_named_once() -> None:
    async with helm(*RUNNING, keymap=Keymap(all_commands(), {"go_on": "P", "pause": "G"})) as at:
        await at.press("G", "G")
        assert at.state == "paused"
        assert at.said[-1] == "G: paused already; P goes on"


def test_a_key_of_its_own_is_not_the_other_case_of_a_harmless_one_as_well() -> None:
    keymap = Keymap(all_commands(), {"start": "L"})
    assert [command.id for command in keymap.find("L")] == ["start"]
    assert [command.id for command in keymap.find("l")] == ["layout"]


def test_a_sentence_keeps_letters_that_are_no_keys() -> None:
    keymap = Keymap(all_commands(), {"roll_back": "J"})
    assert keymap.said("“Plan B is better” runs · B rolls back, H halts (B)") == (
        "“Plan B is better” runs · J rolls back, H halts (J)"
    )
    assert Keymap(all_commands()).said("B rolls back") == "B rolls back"


def test_a_key_that_two_commands_share_is_renamed_only_where_both_were() -> None:
    assert Keymap(all_commands(), {"run_mine": "J"}).said("A runs mine") == "A runs mine"


async def test_a_capital_that_halts_picks_no_answer_of_a_bar() -> None:
    keymap = Keymap(all_commands(), {"halt": ["N", "f8"]})
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy")
    station.must(intents.StartStep(step="switch"), intents.AddEvidence(step="switch", text="seen"))
    station.must(intents.FinishStep(step="switch", values={"rows": "3"}), intents.StartStep(step="ask"))
    async with helm(station=station, keymap=keymap) as at:
        await at.press("enter")
        assert at.form.large == "lead?"
        await at.press("N")
        assert at.state == "halted"
        assert at.asked(intents.AnswerPoll) == []


def test_an_urgent_command_keeps_a_key_for_text_fields_whatever_its_id() -> None:
    class Siren(Command):
        """Sounds the siren, from everywhere, for a test of what is urgent."""

        id = "siren"
        title = "Siren"
        everywhere = ("f6",)
        urgent = True

        async def run(self, desk: Desk) -> None:
            desk.halt()

    with pytest.raises(DocumentError) as caught:
        Keymap([Siren()], {"siren": "J"})
    assert caught.value.problems == ("siren: needs a key that works while you type, such as f6",)


async def test_arrows_move_in_the_palette_and_between_the_fields_of_a_bar() -> None:
    async with helm(*RUNNING) as at:
        await at.press("ctrl+p")
        assert isinstance(at.screen, PaletteScreen)
        await at.press("down")
        assert at.screen._at == 1
        await at.press("up", "up")
        assert at.screen._at == len(at.screen._found) - 1
        await at.press("escape", "A")
        field = at.screen.focused
        assert isinstance(field, Input)
        await at.press("down")
        assert at.screen.focused is not field


async def test_r23_whoever_presses_keys_is_there_and_that_is_said_once_in_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(app_module, "time", SimpleNamespace(monotonic=lambda: now))
    async with helm(*RUNNING) as at:
        assert at.station.pressed == 0, "a console is no person"
        await at.press("down", "up", "down")
        assert at.station.pressed == 1
        now += 9.9
        await at.press("up")
        assert at.station.pressed == 1
        now += 0.2
        await at.press("down", "up")
        assert at.station.pressed == 2


class Talkative(FakeStation):
    """Says after everything who has seen it and how it is, as a station does."""

    async def seen(self, position: int) -> None:
        await super().seen(position)
        self.more()

    async def present(self) -> None:
        await super().present()
        self.more()

    def more(self) -> None:
        count = len(self.events)
        self._queue.put_nowait(Marks(saved=count, shared=count, seen={"lead": self.painted}))
        self._queue.put_nowait(Standing(recorders={"logbook": "ok", "recorder": "ok"}))

    def _append(self, *arguments: object, **more: object) -> None:
        super()._append(*arguments, **more)  # type: ignore[arg-type]  # as they come
        self.more()


class Beats:
    """Counts snapshots, and lets a test wait for the console's beats; the clocks never tick by themselves."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.made = 0
        self._left = 0
        self._through = asyncio.Event()
        whole, beat = QuarterdeckApp.snapshot, QuarterdeckApp._on_beat

        def snapshot(app: QuarterdeckApp) -> Snapshot:
            self.made += 1
            return whole(app)

        def on_beat(app: QuarterdeckApp) -> None:
            beat(app)
            self._left -= 1
            if self._left <= 0:
                self._through.set()

        patch.setattr(app_module, "CLOCKS", math.inf)
        patch.setattr(app_module, "TICK", 0.05)
        patch.setattr(QuarterdeckApp, "snapshot", snapshot)
        patch.setattr(QuarterdeckApp, "_on_beat", on_beat)

    async def pass_by(self, count: int = 3) -> None:
        """So many beats."""
        self._left = count
        self._through.clear()
        async with asyncio.timeout(45):
            await self._through.wait()


@pytest.mark.parametrize(
    ("key", "ticks"),
    [
        ("down", 1), ("up", 1), ("escape", 1), ("l", 1),
        ("S", 1), ("P", 1), ("K", 0), ("n", 0), ("?", 0), ("tab", 0), ("p", 1), ("D", 1),
    ],
)  # fmt: skip
async def test_a_key_makes_one_tick_however_much_the_station_says_of_it(
    key: str, ticks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What opens a bar or a screen makes none: it shows what the last tick showed."""
    beats = Beats(monkeypatch)
    switched = (*ANNOUNCED, intents.StartStep(step="copy"))
    station = Talkative()
    station.must(*switched)
    station.ends("copy")
    if key == "S":  # a poll starts without a bar
        station.must(intents.StartStep(step="switch"), intents.AddEvidence(step="switch", text="seen"))
        station.must(intents.FinishStep(step="switch", values={"rows": "3"}))
    async with helm(station=station) as at:
        await beats.pass_by()
        before = beats.made
        await at.press(key)
        await beats.pass_by()
        assert beats.made - before == ticks
