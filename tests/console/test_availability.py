"""Commands ask the rule book whether they are available: what is offered is not refused, what is not is."""

from __future__ import annotations

import pytest
from fake_station import ITSELF, PROCEDURE, FakeStation
from hands_helm import Helm, helm

from quarterdeck.console.commands import all_commands
from quarterdeck.console.commands.base import No
from quarterdeck.session import intents
from quarterdeck.session.intents import Intent

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
ANNOUNCED = (*RUNNING, intents.FinishStep(step="announce"))
CHECKED = PROCEDURE.replace("stages:", "checklist: [{id: backup, title: The backup is fresh}]\nstages:", 1)


def offered(at: Helm) -> set[str]:
    """Ids of the commands that apply now."""
    desk = at.app.desk
    return {command.id for command in all_commands() if not isinstance(desk.availability(command), No)}


def why_not(at: Helm, command: str) -> str:
    answer = at.app.desk.availability(at.app.desk.commands[command])
    assert isinstance(answer, No)
    return answer.because


def passed() -> FakeStation:
    """A station whose point of no return has started, and was halted without a reason."""
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy")
    station.must(intents.StartStep(step="switch"), intents.AddEvidence(step="switch", text="seen"))
    station.must(intents.FinishStep(step="switch", values={"rows": "3"}), intents.StartStep(step="ask"))
    station.must(*(intents.AnswerPoll(step="ask", role=role, answer="go") for role in ("lead", "dba")))
    station.must(intents.StartStep(step="drop"))
    station.ends("drop")
    station.halt_elsewhere()
    return station


async def test_no_rollback_is_offered_past_the_point_of_no_return_before_the_reason_is_given_either() -> None:
    async with helm(station=passed()) as at:
        assert why_not(at, "roll_back") == "the point of no return is passed"
        assert "contingency" in offered(at)


async def test_a_rollback_is_offered_before_the_reason_is_given_since_its_bar_asks_for_it() -> None:
    async with helm(*ANNOUNCED) as at:
        at.station.halt_elsewhere()
        await at.settle()
        assert "roll_back" in offered(at)


async def test_a_session_that_is_over_can_be_reviewed_and_sealed() -> None:
    async with helm(*ANNOUNCED, intents.Abandon(reason="the disk broke", handover="dba")) as at:
        assert "review" in offered(at)
        await at.press("ctrl+p")
        await at.write("seal")
        await at.write("buy better disks")
        assert at.state == "closed"
        assert why_not(at, "review") == "the session is not at that point"


async def test_an_item_that_start_overrode_can_be_ticked_afterwards() -> None:
    async with helm(intents.StartSession(override="it is urgent"), station=FakeStation(CHECKED)) as at:
        assert "tick" in offered(at)
        at.station.must(intents.TickItem(item="backup"))
        await at.settle()
        assert why_not(at, "tick") == "every item is ticked"


async def test_a_halted_plan_does_not_offer_its_start() -> None:
    async with helm() as at:
        assert "start" in offered(at)
        at.station.halt_elsewhere("not tonight")
        await at.settle()
        assert why_not(at, "start") == "a halt is live: answer it first (enter)"


FINISHED: tuple[Intent, ...] = (*ANNOUNCED, intents.Abandon(reason="why", handover="who"))


@pytest.mark.parametrize("done", [(), RUNNING, ANNOUNCED, (*ANNOUNCED, intents.Pause()), FINISHED])
@pytest.mark.parametrize("halted", [False, True])
async def test_what_the_keys_offer_the_rules_let_happen(done: tuple[Intent, ...], halted: bool) -> None:
    """For the commands that act at once, so that nothing is left to be asked."""
    async with helm(*done) as at:
        if halted and not at.station.session.is_over:
            at.station.halt_elsewhere()
            await at.settle()
        acts: dict[str, Intent] = {
            "halt": intents.Halt(nonce="x"), "pause": intents.Pause(), "end_session": intents.EndSession(),
            "run_mine": intents.RunMine(), "stop_mine": intents.RunMine(stop=True),
        }  # fmt: skip
        situation = at.app.desk.situation
        for command, intent in acts.items():
            if command in offered(at):
                assert situation.refusal(intent) is None, command
            elif command not in {"run_mine", "stop_mine"}:
                assert situation.refusal(intent) is not None, command


async def test_a_guards_override_is_offered_while_it_holds() -> None:
    async with helm(*RUNNING) as at:
        at.station.do(intents.GuardHolds(guard="slow", reason="API slow: 912 ms", value=912.0), ITSELF)
        await at.settle()
        assert {"override_guard", "dismiss"} <= offered(at)
