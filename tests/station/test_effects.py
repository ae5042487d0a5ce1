"""What a step changed that ended badly: its `changed` check says it, or a person is asked; real commands."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from stationkit import SMALL, Lead, station_pid

from quarterdeck.session import intents

Opened = Callable[..., Path]
Attach = Callable[..., Awaitable[Lead]]

LOOKS = """        changed:
          title: the new table
          command: [sh, -c, 'cd "$0"; [ ! -e broken ] || exit 2; [ ! -e made ]; echo $?', "${quarterdeck.home}"]
          expect: {equals: "1"}
        on_halt: terminate
"""
CHECKED = SMALL.replace("        on_halt: terminate\n", LOOKS)


async def halted_while_it_ran(lead: Lead) -> None:
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))
    await lead.client.halt("look")
    await lead.until(lambda: lead.state("long") == "interrupted")


async def test_a_step_whose_check_says_that_nothing_is_changed_asks_nobody(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened(CHECKED))
    await halted_while_it_ran(lead)
    run = lead.session.steps["long"]
    await lead.until(lambda: run.declared)
    assert run.effect == "none"
    said = next(event for event in lead.events if event.kind == "effect.declared")
    assert json.loads(bytes(said.data)) == {"effect": "none", "note": "read the new table: 0"}
    assert said.actor.via == "station"


async def test_what_has_changed_something_is_a_part_so_that_its_undo_is_picked(
    opened: Opened, attach: Attach, home: Path
) -> None:
    (home / "made").touch()
    lead = await attach(opened(CHECKED))
    await halted_while_it_ran(lead)
    await lead.until(lambda: lead.session.steps["long"].declared)
    assert lead.session.steps["long"].effect == "partial"
    await lead.do(intents.RollBack(halts=lead.session.live_halts(), typed="ROLLBACK"))
    refused = await lead.ask(intents.StartStep(step="undo-long"))
    assert "pick first what happens with the undo" in refused.refusal


async def test_a_check_that_cannot_be_read_declares_nothing_and_says_so(
    opened: Opened, attach: Attach, home: Path
) -> None:
    (home / "broken").touch()
    lead = await attach(opened(CHECKED))
    await halted_while_it_ran(lead)
    await lead.until(lambda: any(b"could not be read" in bytes(event.data) for event in lead.events))
    run = lead.session.steps["long"]
    assert (run.effect, run.declared) == ("unknown", False)
    nothing = await lead.ask(intents.DeclareEffect(step="long", effect="none"))
    assert nothing.waivable == "sure"
    await lead.do(intents.DeclareEffect(step="long", effect="none", note="looked", sure=True))


async def test_after_the_crash_of_station_and_command_the_check_is_read_too(opened: Opened, attach: Attach) -> None:
    folder = opened(CHECKED)
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))
    pid = station_pid(folder)
    note = json.loads((folder / "spool" / lead.session.steps["long"].runs[-1].id / "runner.json").read_text())
    os.kill(pid, signal.SIGKILL)
    for who in ("runner", "child"):
        os.kill(note[who]["pid"], signal.SIGKILL)
    await lead.until(lambda: lead.state("long") == "unknown" and lead.session.steps["long"].declared)
    assert lead.session.steps["long"].effect == "none"


async def test_after_a_crash_the_end_of_the_output_is_still_there_to_judge_by(opened: Opened, attach: Attach) -> None:
    folder = opened(SMALL)
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))
    pid = station_pid(folder)
    note = json.loads((folder / "spool" / lead.session.steps["long"].runs[-1].id / "runner.json").read_text())
    await lead.close()
    os.kill(pid, signal.SIGKILL)
    for who in ("runner", "child"):
        os.kill(note[who]["pid"], signal.SIGKILL)
    again = await attach(folder)
    await again.until(lambda: again.state("long") == "unknown")
    await again.until(lambda: any(tail.step == "long" and "begun" in tail.text for tail in again.tails))


GONE = SMALL.replace(
    "        on_halt: terminate\n",
    """        gone: {command: [sh, -c, '[ -e "$0/gone" ]', "${quarterdeck.home}"], title: looked}
        on_halt: terminate
""",
)


@pytest.mark.parametrize("holds", [True, False])
async def test_before_the_undo_of_what_is_not_sure_gone_is_read(
    opened: Opened, attach: Attach, home: Path, holds: bool
) -> None:
    (home / "gone").touch()
    lead = await attach(opened(GONE))
    await halted_while_it_ran(lead)
    await lead.do(intents.DeclareEffect(step="long", effect="partial"))
    if not holds:
        (home / "gone").unlink()
    await lead.do(intents.RollBack(halts=lead.session.live_halts(), typed="ROLLBACK"))
    await lead.do(intents.DecideUndo(step="long", choice="run"))
    await lead.do(intents.RunMine())
    await lead.until(lambda: "command.gone_read" in lead.kinds())
    if holds:
        await lead.until(lambda: lead.state("undo-long") == "done")
    else:
        refused = await lead.ask(intents.StartStep(step="undo-long"))
        assert refused.waivable == "gone"
        assert lead.state("undo-long") == "pending"
