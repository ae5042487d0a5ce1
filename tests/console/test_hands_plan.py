"""What the list shows when it becomes another one: a rollback plan begins at its top, wherever the list stood."""

from __future__ import annotations

import pytest
from fake_station import FakeStation
from hands_helm import Helm, helm

from quarterdeck.console.app import ALONE
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.session import intents

STEPS = 30
LONG = f"""
quarterdeck: 1
id: long
title: Long work
revision: 1
roles:
  lead: {{title: Lead, required: true, backup: dba}}
  dba: {{title: Database administrator, required: true, backup: lead}}
stages:
  - id: one
    title: Prepare
    owner: lead
    steps:
{
    "".join(
        f'''
      - id: s{n}
        title: Change part {n}
        kind: {"command" if n == STEPS // 2 else "manual"}
        {"command: [change]" if n == STEPS // 2 else ""}
        duration: 1m
        undo: [{{id: u{n}, title: Take part {n} back, kind: manual, duration: 1m}}]'''
        for n in range(1, STEPS + 1)
    )
}
"""


def halfway(text: str = LONG) -> FakeStation:
    """Half of the steps are done, and the next one, a command, runs."""
    station = FakeStation(text)
    station.must(intents.StartSession())
    for n in range(1, STEPS // 2):
        station.must(intents.StartStep(step=f"s{n}"), intents.FinishStep(step=f"s{n}"))
    station.must(intents.StartStep(step=f"s{STEPS // 2}", launch=intents.Launch(run="r")))
    return station


def plan(at: Helm) -> ProcedurePane:
    deck = at.app.view.deck
    pane = deck.pane("procedure") if deck is not None else None
    assert isinstance(pane, ProcedurePane)
    return pane


def first_line(at: Helm) -> str:
    return "".join(segment.text for segment in plan(at).render_line(0))


async def scroll(at: Helm) -> None:
    """To the end of the list, as the mouse wheel does: what is selected stays."""
    pane = plan(at)
    pane.roll_to(pane.count())
    at.app.tick()
    await at.settle()
    assert pane.top > 0


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=str)
@pytest.mark.parametrize("way", ["wheel", "end", "runs", "elsewhere", "another tab"])
async def test_the_plan_begins_at_its_top_however_the_list_was_scrolled(way: str, size: tuple[int, int]) -> None:
    async with helm(station=halfway(), size=size) as at:
        if way != "runs":
            at.station.ends(f"s{STEPS // 2}")
            await at.settle()
        if way == "end":
            await at.press("end")
        else:
            await scroll(at)
        if way == "another tab":
            await at.press("4")
        if way == "elsewhere":
            at.station.halt_elsewhere("look")
            await at.settle()
        else:
            await at.press("H")
        assert first_line(at).startswith("─ undo of "), plan(at).text()
        if way == "runs":
            at.station.ends(f"s{STEPS // 2}", exit_code=-1, outcome="terminated", ended_by="halt")
            await at.settle()
            assert first_line(at).startswith("─ undo of ")


async def test_the_committed_rollback_and_the_plan_after_going_on_begin_where_they_are_worked_on() -> None:
    async with helm(station=halfway()) as at:
        at.station.ends(f"s{STEPS // 2}")
        await at.press("H")
        await scroll(at)
        at.station.must(intents.GiveReason(reason="look"))
        at.station.must(intents.GoOn(halts=at.station.session.live_halts(), reason="seen"))
        await at.settle()
        assert any(f"Change part {STEPS // 2 + 1} " in line for line in shown(at)), "the next step is in sight"
        await at.press("H")
        await scroll(at)
        at.station.must(intents.GiveReason(reason="look"))
        at.station.must(intents.RollBack(halts=at.station.session.live_halts(), typed="ROLLBACK"))
        await at.settle()
        assert first_line(at).startswith(f"─ undo of {STEPS // 2}")


async def test_a_step_that_stays_as_it_is_does_not_scroll_the_plan_but_is_found_by_name() -> None:
    station = halfway(
        LONG.replace(
            f"[{{id: u{STEPS // 2}, title: Take part {STEPS // 2} back, kind: manual, duration: 1m}}]",
            "{none: it is gone}",
        )
    )
    async with helm(station=station) as at:
        await at.press("H")
        assert first_line(at).startswith("─ undo of ")
        at.station.ends(f"s{STEPS // 2}", exit_code=-1, outcome="terminated", ended_by="halt")
        await at.settle()
        assert at.snapshot.selected == f"s{STEPS // 2}", "it is asked about"
        assert first_line(at).startswith("─ undo of ")
        await at.press("ctrl+p")
        await at.write(f"Change part {STEPS // 2}")
        await at.settle()
        assert any(f"Change part {STEPS // 2} " in line for line in shown(at)[2:])


async def test_the_list_follows_again_when_the_step_that_was_moved_to_has_ended() -> None:
    async with helm(station=halfway()) as at:
        here, after = f"s{STEPS // 2}", f"s{STEPS // 2 + 1}"
        await at.press("down", "up")
        assert at.app.desk.picked == at.snapshot.selected == here
        at.station.ends(here)
        await at.settle()
        assert at.app.desk.picked == ""
        assert at.snapshot.selected == plan(at).selected == after
        await at.press("up")
        assert at.snapshot.selected == here, "what had ended before is read"
        at.station.must(intents.StartStep(step=after))
        await at.settle()
        assert at.snapshot.selected == plan(at).selected == here


async def test_the_list_follows_again_when_another_step_is_started_here() -> None:
    station = halfway()
    station.ends(f"s{STEPS // 2}")
    async with helm(station=station) as at:
        done, after = "s2", f"s{STEPS // 2 + 1}"
        await at.press("home", "down")
        assert at.snapshot.selected == done
        await at.press("S")
        if at.asks:
            await at.press("enter")
        assert at.step(after) == "running"
        assert at.app.desk.picked == ""
        assert at.snapshot.selected == plan(at).selected == after
        await at.press("home", "down")
        at.station.must(intents.FinishStep(step=after), intents.StartStep(step=f"s{STEPS // 2 + 2}"))
        await at.settle()
        assert at.snapshot.selected == done, "who reads is not pulled away by what others start"


async def test_the_list_follows_again_after_a_minute_without_a_hand() -> None:
    async with helm(station=halfway()) as at:
        await at.press("end")
        at.app.tick()
        assert at.snapshot.selected == f"s{STEPS}"
        at.app._touched -= ALONE
        at.app.tick()
        await at.settle()
        assert at.snapshot.selected == plan(at).selected == f"s{STEPS // 2}"
        assert any(line.startswith("▌") and f"Change part {STEPS // 2} " in line for line in shown(at))


async def test_the_list_follows_after_escape_however_fast_it_came() -> None:
    async with helm(station=halfway()) as at:
        await at.strike("down", "escape")
        assert at.snapshot.selected == plan(at).selected == f"s{STEPS // 2}"


def shown(at: Helm) -> list[str]:
    pane = plan(at)
    return ["".join(segment.text for segment in pane.render_line(y)) for y in range(pane.size.height)]
