"""What a rollback would cost is seen before anything is halted: steps, minutes, people, and why something stays."""

from __future__ import annotations

import night
import pytest
from hands_helm import helm
from test_hands_forms import past_no_return
from test_hands_steps import ANNOUNCED

from quarterdeck.console.panes.rollback import RollbackPane, rollback_rows
from quarterdeck.console.panes.rows import width_of
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
