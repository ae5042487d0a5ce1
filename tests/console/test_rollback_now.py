"""What a rollback would cost is seen before anything is halted: steps, minutes, people, and why something stays."""

from __future__ import annotations

import re
from datetime import datetime

import night
import pytest
from hands_helm import helm
from msgspec import structs
from test_hands_forms import past_no_return
from test_hands_steps import ANNOUNCED

from quarterdeck.console.panes.rollback import RollbackPane, rollback_rows
from quarterdeck.console.panes.rows import width_of
from quarterdeck.console.rollback_cost import against_window
from quarterdeck.console.screens.reader import LiveReader
from quarterdeck.session import intents


@pytest.mark.parametrize("width", [38, 76, 116, 246])
def test_it_says_steps_minutes_people_and_why_and_fits(width: int) -> None:
    snapshot = night.snapshot()
    rows = rollback_rows(snapshot, width)
    assert all(width_of(row) <= width for row in rows)
    told = " ".join("".join(text for text, _ in row).strip() for row in rows)
    for part in ("4 undo + 1 check: 14 min of work + 5 min for people", "back by", "people: dba 3, sysadmin 2",
                 "Drop the new index · dba · 60 s", "undoes 7 Reindex orders", "left out", "changes nothing",
                 "then B rolls back"):  # fmt: skip
        assert part in told
    assert told.startswith("4 undo + 1 check")


def test_the_margin_adds_up_to_the_second_and_names_the_reserve() -> None:
    session = night.snapshot().session
    clocks, window = night.snapshot_of(session).clocks, session.window
    assert clocks is not None
    assert window is not None
    for spare in (-(7 * 60 + 20), -41, 41, 7 * 60 + 20):
        moved = structs.replace(clocks, window_end=clocks.stop_now_back + 90 + spare, reserve=90.0)
        told = against_window(clocks.stop_now_back, moved, 0)
        found = re.fullmatch(
            r"back by (\S+); window ends (\S+), less 90 s reserve: (\d+ (?:s|min)) (TOO LATE|to spare)", told
        )
        assert found is not None, told
        back, end = (datetime.strptime(found[part], "%H:%M:%S") for part in (1, 2))  # noqa: DTZ007 (a difference)
        assert (end - back).total_seconds() - 90 == spare
        assert found[3] == {-440: "8 min", -41: "41 s", 41: "41 s", 440: "7 min"}[spare]
        assert (found[4] == "to spare") == (spare > 0)
    without = structs.replace(clocks, reserve=0.0)
    assert "reserve" not in against_window(clocks.stop_now_back, without, 0)


async def test_b_shows_it_while_nothing_is_halted_and_a_halt_turns_to_the_plan() -> None:
    async with helm(*ANNOUNCED, intents.StartStep(step="copy")) as at:
        at.station.ends("copy")
        await at.settle()
        await at.press("b")
        assert isinstance(at.screen, LiveReader)
        assert isinstance(at.screen.pane, RollbackPane)
        await at.press("H")
        assert not isinstance(at.screen, LiveReader)
        await at.press("escape", "b")
        assert not isinstance(at.screen, LiveReader)
        assert at.said[-1] == "b: the list shows it; B rolls back"


@pytest.mark.parametrize("keys", ["b", "?", "m", "ctrl+p", "i 1"])
async def test_what_lies_over_the_session_leaves_no_half_words_beside_it(keys: str) -> None:
    async with helm(*ANNOUNCED, size=(80, 24)) as at:
        await at.press(*keys.split())
        box = at.screen.query_one("#box")
        assert (box.region.x, box.region.width) == (0, 80)


async def test_after_a_rollback_it_names_no_key_that_does_nothing() -> None:
    async with helm(*ANNOUNCED, intents.StartStep(step="copy")) as at:
        at.station.ends("copy")
        at.station.halt_elsewhere("look")
        at.station.must(intents.RollBack(halts=at.station.session.live_halts(), typed="ROLLBACK"))
        await at.press("b")
        assert at.said[-1] == "b: the rollback is committed: the list shows it"
        await at.press("R")
        assert at.said[-1] == "G goes on"
        at.station.halt_elsewhere("again")
        await at.press("P")
        assert at.said[-1] == "P: paused already; G goes on"
        at.station.must(intents.GoOn(halts=at.station.session.live_halts(), reason="seen"))
        at.station.must(intents.StartStep(step="uncopy"))
        at.station.ends("uncopy")
        await at.settle()
        assert at.station.session.phase == "validating"
        await at.press("b")
        assert at.said[-1] == "b: the rollback is committed: it is through"
        assert not any("B rolls back" in said for said in at.said)


async def test_past_the_point_of_no_return_it_says_so() -> None:
    async with helm(station=past_no_return()) as at:
        await at.press("b")
        assert at.said[-1] == "b: past the point of no return nothing is rolled back"


async def test_the_palette_finds_it_first() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("ctrl+p")
        await at.write("rollb")
        assert isinstance(at.screen, LiveReader)
        assert isinstance(at.screen.pane, RollbackPane)
