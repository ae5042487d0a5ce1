"""Halt from everywhere, and what follows it, one question at a time."""

from __future__ import annotations

import sys

import pytest
from fake_station import ITSELF, FakeStation
from hands_helm import helm

from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.halt import HaltPane
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session import intents

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
COPIED = (*RUNNING, intents.FinishStep(step="announce"), intents.StartStep(step="copy"))


def copied() -> FakeStation:
    station = FakeStation()
    station.must(*COPIED)
    station.ends("copy")
    return station


async def test_h_halts_at_once_without_a_question() -> None:
    async with helm(*RUNNING) as at:
        await at.press("H")
        assert at.state == "halting"
        assert at.title == ""


async def test_h_halts_although_no_file_can_be_opened_to_import_what_asks_for_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with helm(*RUNNING) as at:
        monkeypatch.setitem(sys.modules, "quarterdeck.console.screens.form_bar", None)
        await at.press("H")
        assert at.state == "halting"
        await at.settle()
        assert at.app.crash is None


async def test_a_halt_is_on_its_way_before_anything_is_painted_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with helm(*RUNNING) as at:
        sent: list[bool] = []
        tick = at.app.tick

        def ticks() -> None:
            sent.append(intents.Halt in {type(intent) for intent in at.station.asked})
            tick()

        monkeypatch.setattr(at.app, "tick", ticks)
        await at.press("H")
        assert sent
        assert all(sent)


async def test_a_halt_from_elsewhere_is_painted_before_the_rest_of_its_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    async with helm(*RUNNING) as at:
        taken: list[str] = []
        take = Pane.take

        def takes(pane: Pane, snapshot: Snapshot) -> None:
            taken.append(pane.name_)
            take(pane, snapshot)

        monkeypatch.setattr(Pane, "take", takes)
        at.station.halt_elsewhere("smoke")
        await at.settle()
        assert set(taken[:2]) == {"header", "halt"}
        assert {"procedure", "log"} <= set(taken[2:])
        assert taken.count("procedure") == 1


@pytest.mark.parametrize("opened", ["?", "ctrl+p", "n", "enter", "c", "S", "E", "A", "Q"])
async def test_f9_halts_from_every_screen_and_modal(opened: str) -> None:
    async with helm(*RUNNING, intents.FinishStep(step="announce")) as at:
        if opened == "E":
            at.station.must(intents.StartStep(step="copy"))
            await at.settle()
        await at.press(opened)
        assert at.app.screen.is_modal, "the modal is open"
        await at.press("f9")
        assert at.state in {"halting", "halted"}


@pytest.mark.parametrize("opened", ["?", "enter", "c", "S", "Q"])
async def test_h_halts_from_every_modal_without_a_text_field(opened: str) -> None:
    async with helm(*RUNNING, intents.FinishStep(step="announce")) as at:
        await at.press(opened, "H")
        assert at.state == "halted"


async def test_every_modal_has_a_halt_button_that_can_be_clicked() -> None:
    for opened in ("?", "ctrl+p", "n", "enter", "S"):
        async with helm(*RUNNING, intents.FinishStep(step="announce")) as at:
            await at.press(opened)
            assert await at.pilot.click(at.app.screen.query_one(HaltPane))
            await at.settle()
            assert at.state == "halted", opened


async def test_the_button_of_the_session_can_be_clicked() -> None:
    async with helm(*RUNNING) as at:
        await at.pilot.click(at.app.screen.query_one(HaltPane))
        await at.settle()
        assert at.state == "halting"


async def test_a_letter_h_in_a_text_field_is_text() -> None:
    async with helm(*RUNNING) as at:
        await at.press("n", "H")
        assert at.state == "running"
        assert at.title.startswith("Note")


async def test_the_third_key_halts_too() -> None:
    async with helm(*RUNNING) as at:
        await at.press("n", "ctrl+backslash")
        assert at.state == "halting"


async def test_halt_is_exempt_from_the_debounce() -> None:
    async with helm(*RUNNING) as at:
        await at.strike("H", "H", "H")
        await at.settle()
        assert len(at.asked(intents.Halt)) == 3, "later ones second it"


async def test_a_halt_that_nobody_confirms_says_so_and_what_to_do() -> None:
    async with helm(*RUNNING) as at:
        at.station.silent = True
        await at.press("H")
        at.app.tick()
        assert "quarterdeck status" in at.snapshot.halt_unconfirmed


async def test_unconfirmed_never_comes_back_once_the_halt_was_taken_and_answered() -> None:
    async with helm(intents.StartSession()) as at:
        at.station.silent = True
        await at.press("H")
        nonce = at.app.link.halts[-1].nonce
        at.station.silent = False
        at.station.must(intents.Halt(nonce=nonce))
        await at.settle()
        assert not at.app.link.halt_unconfirmed()
        at.station.must(intents.GoOn(halts=(nonce,), reason="a false alarm"))
        await at.settle()
        assert not at.app.link.session.live_halts()
        assert not at.app.link.halt_unconfirmed()
        assert not at.app.link.halt_sent()


async def test_a_halt_closes_what_was_being_asked_and_keeps_the_draft() -> None:
    async with helm(*COPIED) as at:
        await at.press("E")
        await at.write("12m", enter=False)
        at.station.halt_elsewhere()
        await at.settle()
        assert not at.asks
        assert any("a halt came" in toast for toast in at.said)
        assert at.app.desk.drafts["estimate:copy"] == {"rest": "12m"}


async def test_a_note_survives_a_halt() -> None:
    async with helm(*RUNNING) as at:
        await at.press("n")
        await at.write("half a note", enter=False)
        at.station.halt_elsewhere()
        await at.settle()
        assert at.title.startswith("Note")


async def test_after_a_halt_enter_asks_one_question_after_the_other() -> None:
    station = copied()
    station.must(intents.StartStep(step="switch"))
    async with helm(station=station) as at:
        await at.press("H", "enter")
        assert "how far was it" in at.title
        await at.press("2")
        assert at.station.session.steps["switch"].question_at_halt, "a pick alone says nothing"
        await at.press("enter")
        assert at.station.session.steps["switch"].effect == "partial"
        assert at.title == "Halted. Why?"
        await at.write("disk is full")
        assert at.station.session.halts[next(iter(at.station.session.halts))].reason == "disk is full"
        assert at.title == "Halted: what now?"
        labels = [option.label for option in at.form.fields[0].choices]
        assert labels[0].startswith("undo only 3 Switch over by hand")
        assert labels[1].startswith("roll back all: 2 undo")
        assert f", {at.form.fields[0].choices[1].detail}" in at.snapshot.next_line.text, "as NEXT says it"
        assert "go on (lands in paused)" in labels
        assert all(option.detail for option in at.form.fields[0].choices), "each with its minutes"


async def test_an_unknown_effect_is_asked_for() -> None:
    async with helm(*COPIED) as at:
        at.station.ends("copy", exit_code=1)
        await at.settle()
        await at.press("H", "enter")
        assert at.title == "2 Copy the table: did it change anything?"
        await at.press("2")
        await at.write("looked: half of it is there")
        run = at.station.session.steps["copy"]
        assert (run.effect, run.declared) == ("partial", True)


async def test_rollback_needs_the_typed_word_and_never_enter_alone() -> None:
    async with helm(station=copied()) as at:
        await at.press("H", "B")
        assert "locked for good" in at.title
        await at.write("wrong index dropped")
        await at.write("rollback")
        assert at.station.session.rollback is None
        assert at.asks
        await at.press("enter")
        assert at.station.session.rollback is None
        await at.write("ROLLBACK")
        assert at.state == "rolling_back"


async def test_the_rollback_bar_says_what_is_undone_how_long_and_what_is_left_of_the_window() -> None:
    async with helm(station=copied()) as at:
        await at.press("H", "B")
        lines = "\n".join(at.form.lines)
        assert "Remove the copy" in lines
        assert "1 undo: 60 s of work + 4 min for people, to decide and for each start" in lines
        assert "begun now: back by " in lines
        assert "people: " in lines
        assert "to spare" in lines


async def test_run_mine_runs_the_undo_steps() -> None:
    async with helm(station=copied()) as at:
        await at.press("H", "B")
        await at.write("because")
        await at.write("ROLLBACK")
        await at.press("A")
        assert at.title.startswith("Run 1 undo step")
        await at.press("enter")
        assert at.step("uncopy") == "running"


async def test_go_on_after_a_halt_asks_why_and_lands_in_paused() -> None:
    async with helm(station=copied()) as at:
        await at.press("H", "G")
        await at.write("false alarm")
        assert at.state == "paused"
        await at.press("G")
        assert at.state == "running"


async def test_undo_only_the_last_step_makes_it_available_again() -> None:
    async with helm(station=copied()) as at:
        await at.press("H", "U")
        assert at.title == "Undo only 2 Copy the table"
        await at.write("copied the wrong one")
        assert at.station.session.undoing == "copy"
        await at.press("S", "enter")
        at.station.ends("uncopy")
        await at.settle()
        assert at.station.session.undoing == ""
        assert at.state == "paused"


async def test_abandon_asks_for_a_hand_over_and_a_typed_word() -> None:
    async with helm(station=copied()) as at:
        await at.press("H")
        await at.press("ctrl+p")
        await at.write("abandon")
        assert at.title.startswith("Abandon")
        await at.write("the disk broke")
        await at.write("dba buys a new one")
        await at.write("ABANDON")
        assert at.state == "abandoned"


async def test_an_answer_from_elsewhere_closes_the_question() -> None:
    async with helm(station=copied()) as at:
        await at.press("H", "enter")
        assert at.title == "Halted. Why?"
        at.station.must(intents.GiveReason(reason="said elsewhere"))
        await at.settle()
        assert at.title != "Halted. Why?"


async def test_going_on_while_a_guard_still_holds_offers_its_override() -> None:
    station = FakeStation()
    station.must(*RUNNING)
    station.do(intents.GuardHolds(guard="slow", reason="API slow: 912 ms", value=912.0), ITSELF)
    station.must(intents.DismissProposal(guard="slow", reason="known"), intents.Pause())
    async with helm(station=station) as at:
        await at.press("G")
        assert any("API slow: 912 ms" in line for line in (at.title, *at.form.lines))
        await at.write("the backup runs")
        assert at.state == "running"
        assert "the backup runs" in [deviation.why for deviation in at.station.session.deviations]
