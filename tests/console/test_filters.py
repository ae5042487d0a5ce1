"""`/`: only the rows that match; what they match by, and what takes a filter away."""

from __future__ import annotations

import night
from fake_station import PROCEDURE, FakeStation
from hands_helm import Helm, helm

from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.panes.procedure_rows import Entry, ProcedureRows, matching, procedure_rows
from quarterdeck.console.screens.prompt import Prompt
from quarterdeck.session import intents

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
COPYING = (*RUNNING, intents.FinishStep(step="announce"), intents.StartStep(step="copy"))


def found(text: str, state: str = "running", **states: str) -> ProcedureRows:
    """What `text` leaves of the list of a night, whose steps are in `states`, and are asked for no other one's."""
    snapshot = night.snapshot(state)
    plan = snapshot.session.plan
    assert plan is not None
    whole = procedure_rows(snapshot, ProcedureRows((), "forward", {}))
    return matching(plan, whole, text, lambda entry: states.get(entry.step, "") if states else refused(entry))


def refused(entry: Entry) -> str:
    raise AssertionError(f"the state of {entry.step} is asked, and no word needs it")


def steps(rows: ProcedureRows) -> list[str]:
    return [entry.step for entry in rows.entries if entry.step]


def test_a_step_is_found_by_words_of_its_title_in_any_order_and_case() -> None:
    assert steps(found("ORDERS reind", x="y")) == ["reindex"]


def test_a_step_is_found_by_owner_and_state_together_and_a_word_that_it_has_asks_no_state() -> None:
    assert steps(found("sysadmin running", reindex="running", drain="running")) == ["drain"]
    assert steps(found("e")) == steps(found("")), "every step of the night has an e somewhere"


def test_digits_find_a_step_by_its_number() -> None:
    numbers = {entry.number for entry in found("7", x="y").entries if entry.step and "7" not in entry.text}
    assert 7 in numbers
    assert 17 not in numbers
    assert 8 not in numbers


def test_one_of_the_words_that_a_bar_parts_is_enough_and_a_bar_alone_asks_nothing() -> None:
    either = set(steps(found("reindex|drop", x="y")))
    assert either == {*steps(found("reindex", x="y")), *steps(found("drop", x="y"))}
    assert steps(found("reindex|", x="y")) == steps(found("reindex", x="y"))
    assert steps(found("|", x="y")) == steps(found("", x="y"))


def test_headings_stand_over_what_is_found_and_no_others_and_where_each_step_stands_is_known() -> None:
    rows = found("reindex orders", x="y")
    assert [entry.kind for entry in rows.entries] == ["heading", "step"]
    assert rows.rows == {"reindex": 1}
    assert [entry.text for entry in found("zzz", x="y").entries] == ["nothing matches"]


def test_the_point_of_no_return_is_said_over_its_step_alone() -> None:
    kinds = [entry.kind for entry in found("drop", x="y").entries if entry.kind != "heading"]
    assert kinds[kinds.index("gate") + 1] == "step"
    assert "gate" not in [entry.kind for entry in found("reindex", x="y").entries]


def test_an_undo_is_found_by_what_it_undoes_and_what_is_left_out_by_why() -> None:
    assert "unarchive" in steps(found("archive orders", "halted", x="y"))
    rows = found("changes nothing", "halted", x="y")
    assert {entry.kind for entry in rows.entries} == {"heading", "left_out"}


def pane(at: Helm) -> ProcedurePane:
    deck = at.app.view.deck
    assert deck is not None
    there = deck.pane("procedure")
    assert isinstance(there, ProcedurePane)
    return there


async def test_what_is_typed_filters_at_once_enter_keeps_it_and_the_title_says_so() -> None:
    text = PROCEDURE.replace("title: Copy the table", "title: Copy the table\n        tags: [risky, nightly]")
    async with helm(*COPYING, station=FakeStation(text)) as at:
        whole = steps(pane(at).listing)
        await at.press("/")
        assert isinstance(at.screen, Prompt)
        await at.write("riSky", enter=False)
        assert steps(pane(at).listing) == ["copy"]
        box, frame = at.screen.query_one("#prompt").region, pane(at).region
        assert (box.bottom, box.x) == (frame.bottom, frame.x), "it stands at the foot of its pane"
        await at.press("enter")
        assert not isinstance(at.screen, Prompt)
        assert str(pane(at).border_title) == f"▸ Procedure · 1 of {len(whole)} match “riSky”"
        assert pane(at).selected == "copy"
        await at.press("/")
        await at.press("backspace", "y", "escape")
        assert steps(pane(at).listing) == whole
        assert str(pane(at).border_title) == "▸ Procedure"


async def test_what_is_typed_into_a_filter_that_is_opened_again_replaces_it_and_arrows_edit_it() -> None:
    async with helm(*COPYING) as at:
        await at.press("/")
        await at.write("anno")
        await at.press("/", "c", "o", "p")
        assert pane(at).filter_text == "cop"
        await at.press("enter", "/", "right", "y", "enter")
        assert pane(at).filter_text == "copy"


async def test_a_state_is_filtered_by_as_it_is_and_the_list_follows_it() -> None:
    async with helm(*COPYING) as at:
        await at.press("/")
        await at.write("running")
        assert steps(pane(at).listing) == ["copy"]
        at.station.ends("copy")
        await at.settle()
        at.app.tick()
        await at.settle()
        assert steps(pane(at).listing) == []
        await at.press("escape")
        assert len(steps(pane(at).listing)) > 3, "escape shows all rows again"


async def test_the_cursor_goes_to_what_is_left() -> None:
    async with helm(*COPYING) as at:
        await at.press("/")
        await at.write("no-go")
        assert pane(at).selected == "ask"
        await at.press("down")
        assert pane(at).selected == "ask"


async def test_a_halt_takes_filters_away_whether_they_are_typed_or_kept() -> None:
    async with helm(*COPYING) as at:
        await at.press("/")
        await at.write("announce")
        await at.press("/", "x", "f9")
        assert not isinstance(at.screen, Prompt)
        assert pane(at).filter_text == ""
        assert "uncopy" in steps(pane(at).listing)
        await at.press("/")
        await at.write("remove copy")
        assert steps(pane(at).listing) == ["uncopy"], "the rollback plan is filtered as well"
        assert str(pane(at).border_title).startswith("▸ ROLLBACK PLAN · 1 of ")


async def test_a_filter_outlives_another_size_and_its_list_comes_to_the_front() -> None:
    async with helm(*COPYING) as at:
        await at.press("/")
        await at.write("table", enter=False)
        await at.pilot.resize_terminal(80, 24)
        await at.settle()
        await at.write(" copy")
        assert steps(pane(at).listing) == ["copy"]
        await at.press("3", "/")
        await at.settle()
        box, frame = at.screen.query_one("#prompt").region, pane(at).region
        assert box.bottom == frame.bottom > 10
        assert box.width == frame.width == 80
