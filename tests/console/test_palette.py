"""The palette on the screen: it finds commands, steps, targets and log entries alike, and goes there."""

from __future__ import annotations

import pytest
from hands_helm import Helm, helm
from textual.widgets import Static

from quarterdeck.console.panes.log import LogPane
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.screens.palette import PaletteScreen
from quarterdeck.console.screens.reader import LiveReader
from quarterdeck.console.screens.step_reader import StepReader
from quarterdeck.session import intents

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
SIZES = [(40, 12), (60, 20), (80, 24), (120, 36), (250, 70)]


def lines(at: Helm) -> list[str]:
    return ["".join(part.text for part in strip) for strip in at.screen._compositor.render_strips()]


async def look_for(at: Helm, typed: str) -> None:
    await at.press("ctrl+p")
    assert isinstance(at.screen, PaletteScreen)
    await at.write(typed, enter=False)


def sections(at: Helm) -> dict[str, list[str]]:
    """What is found, by its heading."""
    assert isinstance(at.screen, PaletteScreen)
    found = at.screen._found._sections
    return {section.title: [section.row(number)[1] for number in section.found] for section in found}


async def test_a_word_finds_commands_steps_targets_and_log_entries_each_under_its_heading() -> None:
    async with helm(*RUNNING, intents.AddNote(text="the copy is on its way")) as at:
        await look_for(at, "copy")
        found = sections(at)
        assert list(found)[:3] == ["Commands", "Steps", "Log"]
        assert found["Commands"][0] == "Copy to the clipboard"
        assert found["Steps"][0] == "2 Copy the table"
        assert any("Remove the copy" in name for name in found["Steps"])
        assert "the copy is on its way" in found["Log"][0]
        shown = "\n".join(lines(at))
        assert "Steps · 2" in shown
        assert f"1 of {len(at.screen._found)}" in shown  # type: ignore[attr-defined]
        await at.press("escape")
        await look_for(at, "api http")
        assert sections(at) == {"Targets": ["api"]}
        await at.press("escape")
        await look_for(at, "able")
        assert next(iter(sections(at))) == "Steps", "a command that only its help names comes last"
        await at.press("escape")
        await look_for(at, "o")
        assert next(iter(sections(at))) == "Commands", "of equals the commands come first"


async def test_a_step_is_selected_and_read_with_the_second_enter() -> None:
    async with helm(*RUNNING) as at:
        await look_for(at, "drop old")
        assert "Enter selects it in the list" in str(at.screen.query_one("#told", Static).content)
        await at.press("enter")
        pane = at.app.query_one(ProcedurePane)
        assert (pane.selected, pane.has_focus) == ("drop", True)
        await at.press("enter")
        assert isinstance(at.screen, StepReader)
        assert at.screen.step == "drop"


async def test_a_target_opens_and_a_log_entry_is_brought_into_view() -> None:
    notes = [intents.AddNote(text=f"note {number:02}") for number in range(60)]
    async with helm(*RUNNING, *notes) as at:
        await look_for(at, "api http")
        await at.press("enter")
        assert isinstance(at.screen, LiveReader)
        await at.press("escape")
        assert "note 07" not in "\n".join(lines(at))
        await look_for(at, "note 07")
        await at.press("tab", "enter") if "Log" not in [*sections(at)][:1] else await at.press("enter")
        assert at.app.query_one(LogPane).has_focus
        assert "note 07" in "\n".join(lines(at))


async def test_enter_never_halts_before_the_halt_was_named() -> None:
    async with helm(*RUNNING) as at:
        for typed in ("", "s", "a", "e"):
            await look_for(at, typed)
            assert isinstance(at.screen, PaletteScreen)
            hit = at.screen._found.hit(0)
            assert hit.section.picked(hit.number) != ("command", "halt"), typed
            await at.press("escape")
        await look_for(at, "without a question")
        assert "HALT" not in str(sections(at))
        await at.press("escape")
        await look_for(at, "halt")
        await at.press("enter")
        assert len(at.asked(intents.Halt)) == 1


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_picked_row_the_halt_button_and_what_enter_does_are_seen_at_every_size(
    size: tuple[int, int],
) -> None:
    async with helm(*RUNNING, size=size) as at:
        await at.press("ctrl+p")
        assert isinstance(at.screen, PaletteScreen)
        for keys in ("", "pagedown", "pagedown", "tab", "up", "pageup"):
            if keys:
                await at.press(keys)
            hit = at.screen._found.hit(at.screen._at)
            shown = lines(at)
            name = hit.section.row(hit.number)[1][: size[0] - 20]
            assert any(name in line for line in shown), (keys, name, shown)
            assert any("HALT" in line for line in shown)
            assert any(f"{at.screen._at + 1} of " in line for line in shown)


async def test_hundreds_of_steps_scroll_under_their_heading() -> None:
    async with helm(*RUNNING) as at:
        await at.press("ctrl+p")
        assert isinstance(at.screen, PaletteScreen)
        last = len(at.screen._found) - 1
        await at.press("up")
        assert at.screen._at == last
        await at.press("down", "tab")
        heading = at.screen._found.at_row(at.screen._found.row_of(at.screen._at) - 1)
        assert getattr(heading, "title", "") == "Steps"
