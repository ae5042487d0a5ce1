"""Bars that ask: fixed letters, a bad value keeps them open, and keys that are faster than they are do no harm."""

from __future__ import annotations

import asyncio

import pytest
from fake_station import ITSELF, FakeStation
from hands_helm import Helm, helm
from textual.widgets import Static

from quarterdeck.console.app import Look
from quarterdeck.console.forms import Form, missing, reason, word
from quarterdeck.console.screens.form_bar import FormBar
from quarterdeck.console.terminal.ascii import in_ascii
from quarterdeck.session import intents
from quarterdeck.station.wire.protocol import Answered

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
ANNOUNCED = (*RUNNING, intents.FinishStep(step="announce"))


def copied() -> FakeStation:
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy")
    return station


def past_no_return() -> FakeStation:
    station = copied()
    station.must(intents.SkipStep(step="switch", reason="not needed"), intents.StartStep(step="ask"))
    station.must(*(intents.AnswerPoll(step="ask", role=role, answer="go") for role in ("lead", "dba")))
    station.must(intents.StartStep(step="drop"))
    station.ends("drop")
    return station


LETTERS = {"B": "roll_back", "U": "undo_step", "G": "go_on", "C": "contingency", "Q": "abandon"}


@pytest.mark.parametrize(("station", "offered"), [(copied, "UBGCQ"), (past_no_return, "GCQ"), (FakeStation, "GQ")])
async def test_what_now_has_the_same_letters_in_every_session(station: type[FakeStation], offered: str) -> None:
    made = station()
    made.halt_elsewhere("look")
    async with helm(station=made) as at:
        await at.press("enter")
        assert at.title == "Halted: what now?"
        assert {choice.key: choice.value for choice in at.form.fields[0].choices} == {
            key: LETTERS[key] for key in offered
        }


@pytest.mark.parametrize(
    ("key", "opens"),
    [("B", "Roll back"), ("b", "Roll back"), ("U", "Undo only"), ("G", "Go on"), ("C", "Contingency"), ("Q", "Aban")],
)
async def test_each_letter_of_what_now_does_what_it_says(key: str, opens: str) -> None:
    made = copied()
    made.halt_elsewhere("look")
    async with helm(station=made) as at:
        await at.press("enter", key)
        assert at.title.startswith(opens)


async def test_digits_pick_nothing_after_a_halt() -> None:
    made = copied()
    made.halt_elsewhere("look")
    async with helm(station=made) as at:
        await at.press("enter", "1", "2", "3")
        assert at.title == "Halted: what now?"


async def test_leaving_has_the_same_letters_whatever_the_session_is() -> None:
    async with helm(*RUNNING) as at:
        await at.press("Q")
        assert [(choice.key, choice.value) for choice in at.form.fields[0].choices] == [
            ("D", "detach"), ("S", "stay"),
        ]  # fmt: skip


@pytest.mark.parametrize("typed", ["ROLLBACK", "rollback", " ROLLBACK ", "ABANDON"])
def test_a_word_that_commits_is_no_reason(typed: str) -> None:
    form = Form("x", "x", fields=(reason(), word("ROLLBACK")))
    name, wrong = missing(form, {"reason": typed, "word": "ROLLBACK"})
    assert name == "reason"
    assert "its own field" in wrong
    assert missing(form, {"reason": "ROLLBACK failed last time", "word": "ROLLBACK"}) == ("", "")


@pytest.mark.parametrize("key", ["B", "G", "U"])
async def test_the_word_typed_where_a_reason_is_asked_is_refused_beside_that_field(key: str) -> None:
    async with helm(station=copied()) as at:
        await at.press("H", key)
        await at.write("ROLLBACK")
        assert at.asks
        assert "its own field" in at.wrong("reason")
        assert not any(mark.reason for mark in at.station.session.halts.values())
        assert at.state == "halted"


async def test_a_word_typed_after_a_refused_key_presses_no_keys() -> None:
    async with helm(station=copied()) as at:
        at.app.desk.refused = float("-inf")
        await at.strike(*"BROLLBACK", "enter")
        assert at.said == ["B: halt first (H): a rollback starts from halted; b shows what it would be"]
        assert not at.app.screen.is_modal
        await at.press("n")
        assert at.title.startswith("Note"), "a moment later keys count again"


async def test_letters_typed_ahead_of_a_form_that_the_station_refuses_press_no_keys() -> None:
    made = copied()
    async with helm(station=made) as at:
        link = at.app.link
        whole = link.ask

        async def late(intent: intents.Intent) -> object:
            made.must(intents.Pause())
            return await whole(intent)

        link.ask = late  # type: ignore[method-assign, assignment]
        await at.strike("P", *"no good")
        assert any("paused already" in said for said in at.said)
        assert not at.app.screen.is_modal


@pytest.mark.parametrize("key", ["S", "D", "F", "K", "E", "T", "A", "U", "B", "G", "X", "n", "Q", "enter", "v"])
@pytest.mark.parametrize("halted", [False, True])
async def test_keys_faster_than_a_form_never_break_it(key: str, halted: bool) -> None:
    station = copied()
    station.must(intents.StartStep(step="switch"))
    async with helm(station=station) as at:
        if halted:
            await at.press("H")
        at.app.post_message(at.key(key))
        for _ in range(4):
            at.app.post_message(at.key("enter"))
            at.app.post_message(at.key("1"))
            await asyncio.sleep(0)
        await at.settle()
        assert at.app.crash is None
        assert at.app.is_running


async def test_a_value_of_the_wrong_type_is_said_beside_its_field_and_the_form_stays() -> None:
    station = copied()
    station.must(intents.StartStep(step="switch"))
    async with helm(station=station) as at:
        await at.press("D")
        await at.write("many")
        assert "'many' is no integer" in at.wrong("value:rows")
        assert at.step("switch") == "running"
        for _ in "many":
            await at.press("backspace")
        await at.write("214")
        await at.write("seen in the back office")
        assert at.step("switch") == "done"


async def test_what_the_station_refuses_is_said_in_the_form_which_keeps_what_was_typed() -> None:
    station = copied()
    station.must(intents.StartStep(step="switch"))
    async with helm(station=station) as at:
        await at.press("F")
        whole = station.do
        station.do = lambda *_: Answered(id=0, refusal="both recorders are red", hint="halt works")  # type: ignore[method-assign]
        await at.write("the shop is down")
        assert at.asks
        assert at.wrong("reason") == "both recorders are red · halt works"
        station.do = whole  # type: ignore[method-assign]
        await at.press("enter")
        assert at.step("switch") == "failed"
        assert station.session.steps["switch"].reason == "the shop is down"


async def test_a_bar_whose_own_answer_answers_it_does_not_say_that_something_closed_it() -> None:
    async with helm(*RUNNING) as at:
        await at.press("F")
        await at.write("nobody answers")
        assert at.step("announce") == "failed"
        assert not any(said.startswith("Closed") for said in at.said)


async def test_a_proposal_leaves_a_bar_the_keys_that_work_in_it() -> None:
    async with helm(*RUNNING) as at:
        await at.press("F")
        at.station.do(intents.GuardHolds(guard="slow", reason="API slow: 912 ms", value=912.0), ITSELF)
        await at.settle()
        shown = [str(line.render()) for line in at.screen.query(Static)]
        assert "! HALT PROPOSED: API slow: 912 ms" in shown
        assert "enter it failed   esc leave" in shown
        at.station.must(intents.DismissProposal(guard="slow", reason="known"))
        await at.settle()
        assert not any("PROPOSED" in str(line.render()) for line in at.screen.query(Static))


def given_up() -> FakeStation:
    """A copy that failed: what it changed is asked, with a note."""
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy", exit_code=1)
    return station


async def test_what_is_typed_after_a_pick_never_changes_it_and_a_key_alone_is_no_text() -> None:
    async with helm(station=given_up()) as at:
        await at.press("enter", *"23")
        bar = at.screen
        assert isinstance(bar, FormBar)
        assert bar.answers == {"effect": "partial", "note": "3"}
        await at.press("enter")
        assert "key of an answer above" in at.wrong("note")
        assert at.station.session.steps["copy"].effect == "unknown", "nothing was said yet"
        await at.press("up", "3")
        assert bar.answers == {"effect": "full", "note": "3"}
        await at.press(*"40 of 900", "enter")
        assert str(at.station.session.steps["copy"].effect) == "full"


async def test_a_digit_that_is_asked_for_is_typed() -> None:
    station = copied()
    station.must(intents.StartStep(step="switch"), intents.FailStep(step="switch", reason="no"))
    async with helm(station=station) as at:
        at.app.desk.picked = "switch"
        at.app.desk.beside(at.app.desk.perform("correct"), name="correct")
        await at.settle()
        await at.press(*"242")
        assert isinstance(at.screen, FormBar)
        assert at.screen.answers == {"state": "done", "effect": "full", "value:rows": "2", "reason": ""}


@pytest.mark.parametrize("look", [Look(), Look(ascii=True), Look(theme="mono")], ids=["night", "ascii", "mono"])
async def test_the_field_with_the_focus_is_marked_and_the_bar_says_where_tab_goes(look: Look) -> None:
    sign = "|" if look.ascii else "▌"

    def marked(at: Helm) -> list[str]:
        """What stands behind the mark."""
        rows = ["".join(part.text for part in strip) for strip in at.screen._compositor.render_strips()]
        rows = [in_ascii(row) if look.ascii else row for row in rows]
        return [row[2:].strip() for row in rows if row.startswith(f" {sign}")]

    async with helm(station=given_up(), look=look) as at:
        await at.press("enter")
        assert [row.split("  ")[0].lstrip("> ") for row in marked(at)] == ["1", "2", "3", "4"]
        assert "tab next field" in str(at.screen.query_one(".hint", Static).render())
        await at.press("tab")
        assert marked(at) == ["How do you know? (may stay empty)", ""]
        assert "tab first field" in str(at.screen.query_one(".hint", Static).render())
        await at.press("tab")
        assert len(marked(at)) == 4
