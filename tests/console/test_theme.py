"""Every palette knows every role; what a poor terminal gets; graphs."""

from __future__ import annotations

import re
from pathlib import Path

import night
import pytest
from harness import Harness

from quarterdeck.console import glyphs, theme
from quarterdeck.console.glyphs import ASCII, UNICODE, graph
from quarterdeck.console.panes.procedure import STATE_ROLES
from quarterdeck.console.panes.procedure_lines import STATE_WORDS
from quarterdeck.console.theme import NAMES, Look, frame_of, wants_ascii, wants_no_color

PANES = Path(theme.__file__).parent / "panes"


@pytest.mark.parametrize("name", NAMES)
def test_every_palette_knows_every_role_and_nothing_blinks(name: str) -> None:
    look = Look(theme._PALETTES[name], UNICODE)
    roles = set(theme._roles(theme._PALETTES["night"]))
    assert set(theme._roles(look.palette)) == roles
    for role in roles:
        style = look.style(f"{role}+cursor")
        assert not style.blink
        if not look.palette.colours:
            assert style.color is None
            assert style.bgcolor is None


def test_an_unknown_role_is_an_error_of_ours() -> None:
    with pytest.raises(KeyError):
        Look(theme.NIGHT, UNICODE).style("pink")


def test_every_state_has_a_sign_a_word_and_a_role() -> None:
    for signs in (UNICODE, ASCII):
        assert set(signs.steps) == set(STATE_ROLES) == set(STATE_WORDS)
        assert all(len(sign) == 1 for sign in (*signs.steps.values(), *signs.status.values()))
    assert all(sign.isascii() for sign in (*ASCII.steps.values(), *ASCII.status.values(), ASCII.hatch, ASCII.cursor))
    unlike = {"done_manually", "granted"}  # told apart by their words
    assert len({sign for state, sign in UNICODE.steps.items() if state not in unlike}) == len(UNICODE.steps) - 2


def test_the_frame_changes_on_halt_and_on_rollback() -> None:
    for name in set(NAMES) - {"mono", "terminal"}:
        palette = theme._PALETTES[name]
        frames = {frame_of(palette, state) for state in ("running", "halted", "rolling_back", "paused")}
        assert len(frames) == 4


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"LANG": "en_US.UTF-8", "TERM": "xterm"}, False),
        ({"LANG": "C", "TERM": "xterm"}, True),
        ({"LC_ALL": "de_DE.ISO-8859-1", "LANG": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "xterm", "QUARTERDECK_ASCII": "1"}, True),
    ],
)
def test_poor_terminals_get_ascii(environment: dict[str, str], wanted: bool) -> None:
    assert wants_ascii(environment) is wanted


def test_no_color_counts_when_it_says_something() -> None:
    assert [wants_no_color({"NO_COLOR": value}) for value in ("1", "")] == [True, False]
    assert not wants_no_color({})


def test_graphs_are_as_wide_as_asked_and_show_the_latest_at_the_right() -> None:
    values = [0.0] * 20 + [1.0]
    for style in ("braille", "block", "ascii"):
        for count in (0, 1, 5, 21):
            assert len(graph(values[:count], 8, style)) == 8
    assert graph([0.0, 1.0], 4, "block", 0, 1) == "  ▁█"
    assert graph([0.0, 1.0], 4, "ascii", 0, 1) == "  _@"
    assert graph([1.0, 1.0], 1, "braille", 0, 1) == "⣿"
    assert graph([5.0] * 4, 2, "braille", 0, 1) == "⣿⣿"


async def test_a_look_can_be_changed_while_it_runs() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        before = app.export_screenshot()
        theme.dress(app, "contrast", ascii_glyphs=True)
        app.deck.redress()
        await pilot.pause()
        after = app.export_screenshot()
    assert theme.NIGHT.ok in before
    assert theme.CONTRAST.ok in after
    assert "╭" in before
    assert "╭" not in after


def test_panes_ask_for_roles_and_never_for_colours() -> None:
    for path in PANES.glob("*.py"):
        assert not re.search(r"#[0-9a-f]{6}\b", path.read_text()), path.name


def test_our_own_typography_is_spelled_in_ascii() -> None:
    assert glyphs.UNICODE.spell("a · b") == "a · b"
    assert glyphs.ASCII.spell("a · b… “c”") == 'a - b~ "c"'
