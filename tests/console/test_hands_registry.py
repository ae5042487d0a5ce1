"""Footer, palette, help and keymap come from the commands; a person's keymap is validated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fake_station import FakeStation
from hands_helm import helm
from textual.widgets import Static

from quarterdeck.console.commands import all_commands
from quarterdeck.console.commands.base import No
from quarterdeck.console.keys import Keymap, own_keymap
from quarterdeck.console.screens.palette import PaletteScreen
from quarterdeck.errors import DocumentError
from quarterdeck.session import intents

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))

CAPITALS = {
    "halt": "H", "pause": "P", "go_on": "G", "roll_back": "B", "start": "S", "done": "D", "fail": "F", "skip": "K",
    "add_step": "A", "run_mine": "A", "stop_now": "T", "estimate": "E", "dismiss": "X", "letter_r": "R", "leave": "Q",
}  # fmt: skip


def test_every_command_has_an_id_a_title_and_a_help() -> None:
    ids = [command.id for command in all_commands()]
    assert len(ids) == len(set(ids))
    for command in all_commands():
        assert re.fullmatch(r"[a-z_]+", command.id)
        assert command.title
        assert len(command.help) > 20, command.id
        assert not command.place or command.word, command.id


def test_what_has_consequences_has_a_capital() -> None:
    for command in all_commands():
        letter = command.key if len(command.key) == 1 and command.key.isalpha() else ""
        assert not letter or letter.isupper() or command.any_case or command.of_view, command.id
    assert {c.id: c.key for c in all_commands() if c.id in CAPITALS} == CAPITALS


def test_only_commands_that_never_apply_together_share_a_key() -> None:
    shared: dict[str, list[str]] = {}
    for command in all_commands():
        if command.key:
            shared.setdefault(command.key, []).append(command.id)
    assert {key: ids for key, ids in shared.items() if len(ids) > 1} == {"A": ["run_mine", "add_step"]}


async def test_the_footer_shows_the_commands_that_apply_now() -> None:
    async with helm(*RUNNING) as at:
        keys = [(key, word) for key, word, _ in at.app._footer]
        assert ("P", "pause") in keys
        assert ("D", "done") in keys
        assert ("B", "roll back") not in keys
        await at.press("H")
        words = [word for _, word, _ in at.app._footer]
        assert "pause" not in words


async def test_the_palette_lists_only_what_applies_and_finds_it_by_words() -> None:
    async with helm(*RUNNING) as at:
        await at.press("ctrl+p")
        assert isinstance(at.screen, PaletteScreen)
        commands = at.screen._commands
        ids = [commands.picked(number)[1] for number in commands.found]
        assert "done" in ids
        assert "contingency" not in ids
        assert all(not isinstance(at.app.desk.availability(at.app.desk.commands[c]), No) for c in ids)
        await at.write("window longer", enter=False)
        await at.press("escape")


async def test_help_tells_every_command_and_its_key() -> None:
    async with helm(*RUNNING) as at:
        await at.press("?")
        text = str(at.screen.query_one("#text Static", Static).content)
        for command in all_commands():
            assert command.title in text
        assert "F9" in text


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"hal": "J"}, "did you mean halt?"),
        ({"pause": "S"}, "S belongs to start already"),
        ({"pause": "p"}, "a resting hand"),
        ({"pause": "up"}, "up moves in the panes"),
        ({"pause": "no key"}, "is no key"),
        ({"halt": "J"}, "works while you type"),
    ],
)
def test_a_wrong_keymap_is_refused_with_what_is_wrong(own: dict[str, str], said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Keymap(all_commands(), own)
    assert said in " ".join(caught.value.problems)


async def test_a_persons_keymap_works_and_shows_in_the_footer() -> None:
    keymap = Keymap(all_commands(), {"pause": "J", "halt": ["H", "f8"]})
    station = FakeStation()
    async with helm(*RUNNING, station=station, keymap=keymap) as at:
        assert ("J", "pause") in [(key, word) for key, word, _ in at.app._footer]
        await at.press("J")
        assert at.state == "paused"
        await at.press("n", "f8")
        assert at.state == "halting"


def test_a_broken_keymap_file_leaves_the_shipped_keys_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "keymap.yaml").write_text("quarterdeck-settings: 1\nhalzt: J\n")
    keymap, notices = own_keymap(all_commands(), tmp_path)
    assert "did you mean halt?" in notices[0]
    assert keymap.find("H")[0].id == "halt"


def test_keys_may_stand_in_the_settings_too(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("quarterdeck-settings: 1\nkeys:\n  pause: J\n  halt: [H, f9]\n")
    keymap, notices = own_keymap(all_commands(), tmp_path)
    assert notices == []
    assert keymap.find("J")[0].id == "pause"
