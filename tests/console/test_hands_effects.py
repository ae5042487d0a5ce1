"""What a step changed is not said by a slip: what there is to judge by, what follows, and nothing asked once more."""

from __future__ import annotations

import pytest
from fake_station import ITSELF, PROCEDURE, FakeStation
from hands_helm import Helm, helm

from quarterdeck.session import intents
from quarterdeck.session.parts import Proof
from quarterdeck.session.rollback import preview

ANNOUNCED = (intents.StartSession(), intents.StartStep(step="announce"), intents.FinishStep(step="announce"))
OUTPUT = "\n".join(f"row {number} copied" for number in range(1, 40))


def cut_short() -> FakeStation:
    """A copy that wrote for 15 s until a halt ended it."""
    station = FakeStation()
    launch = intents.Launch(run="run-copy")
    station.must(*ANNOUNCED, intents.StartStep(step="copy", launch=launch))
    station.wall += 15
    station.halt_elsewhere("look")
    station.ends("copy", exit_code=-1, outcome="terminated", ended_by="halt")
    return station


async def asked(at: Helm) -> None:
    at.station.tails("copy", OUTPUT)
    await at.settle()
    at.app.tick()
    await at.press("enter")
    assert at.title == "2 Copy the table: did it change anything?"


async def test_the_question_shows_what_there_is_to_judge_by() -> None:
    async with helm(station=cut_short()) as at:
        await asked(at)
        assert at.form.lines == (
            "ended   ended by the halt, after 15 s",
            "ran     cp a 'b [/red] c'",
            "output  its end:",
            *(f"  | row {number} copied" for number in range(35, 40)),
        )


async def test_each_answer_says_what_follows_from_it_for_the_rollback() -> None:
    async with helm(station=cut_short()) as at:
        await asked(at)
        assert [(choice.label, choice.detail) for choice in at.form.fields[0].choices] == [
            ("nothing", "its undo leaves the rollback (Remove the copy): nothing is left to undo"),
            ("part of it", "you pick how it is undone: Remove the copy, by hand, or not"),
            ("all of it", "the rollback runs: Remove the copy"),
            ("don't know", "it stays in the rollback, which then needs your waiver"),
        ]


@pytest.mark.parametrize("keys", ["1", "2", "3", "4", "1 enter", "1 x y z enter", "1 enter 1 enter enter"])
async def test_no_slip_of_a_few_keys_declares_an_effect(keys: str) -> None:
    """But for Enter behind a pick of what keeps the undo in the rollback."""
    async with helm(station=cut_short()) as at:
        await asked(at)
        await at.press(*keys.split())
        run = at.station.session.steps["copy"]
        assert (run.effect, run.declared) == ("unknown", False)
        assert [item.step for item in preview(at.station.session).items] == ["uncopy"]


async def test_nothing_is_asked_once_more_with_how_it_is_known_and_a_typed_word() -> None:
    async with helm(station=cut_short()) as at:
        await asked(at)
        await at.press("1", "enter")
        assert at.title == "“Copy the table” ran for 15 s: is it sure that it changed nothing?"
        assert at.form.lines[-1] == "its undo leaves the rollback (Remove the copy): nothing is left to undo"
        assert "  | row 39 copied" in at.form.lines
        await at.press("enter", *"NOTHING", "enter")
        assert "its own field" in at.wrong("note")
        for _ in "NOTHING":
            await at.press("backspace")
        await at.write("counted: no row is there")
        await at.write("nothing")
        assert at.asks
        await at.write("NOTHING")
        run = at.station.session.steps["copy"]
        assert (run.effect, run.declared) == ("none", True)
        assert "2 Copy the table changed nothing: counted: no row is there" in at.log


async def test_leaving_the_second_question_declares_nothing() -> None:
    async with helm(station=cut_short()) as at:
        await asked(at)
        await at.press("1", "enter", "escape")
        assert not at.asks
        assert at.station.session.steps["copy"].effect == "unknown"


async def test_nothing_of_a_command_that_never_began_is_not_asked_twice() -> None:
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy", launch=intents.Launch(run="run-copy")))
    station.ends("copy", exit_code=-1, outcome="not_found")
    async with helm(station=station) as at:
        await at.press("enter", "1", "enter")
        assert at.station.session.steps["copy"].effect == "none"


WATCHED = PROCEDURE.replace(
    'command: [cp, a, "b [/red] c"]\n',
    'command: [cp, a, "b [/red] c"]\n        gone: {command: [idle], expect: {exit_code: 0}}\n',
)


async def test_before_an_undo_is_picked_its_bar_says_what_gone_has_read() -> None:
    station = FakeStation(WATCHED)
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy", exit_code=1)
    station.must(intents.DeclareEffect(step="copy", effect="partial"))
    station.halt_elsewhere("look")
    station.must(intents.RollBack(halts=station.session.live_halts(), typed="ROLLBACK"))
    async with helm(station=station) as at:
        await at.press("S")
        assert at.title == "2 Copy the table changed part: its undo?", "S asks what nothing runs without"
        assert at.form.lines[-1] == "Whether its command is gone is being read."
        await at.press("escape")
        station.do(intents.ProveGone(step="copy", proof=Proof("idle", False, "1 runs")), ITSELF)
        await at.settle()
        await at.press("enter")
        assert at.form.lines[-1] == "Its command is NOT proven gone: idle: 1 runs"
        await at.press("1")
        assert at.asked(intents.DecideUndo)
        await at.press("S", "enter")
        assert at.title == "What it undoes is not proven gone: start Remove the copy all the same?"
        await at.write("killed it by hand")
        assert at.step("uncopy") == "running"


REPEATED = PROCEDURE.replace(
    'command: [cp, a, "b [/red] c"]\n', 'command: [cp, a, "b [/red] c"]\n        idempotent: true\n'
)


def twice(said: str) -> FakeStation:
    """A copy that failed twice; `said` is what somebody declared of the first attempt."""
    station = FakeStation(REPEATED)
    station.must(*ANNOUNCED)
    for number in (1, 2):
        station.must(intents.StartStep(step="copy", launch=intents.Launch(run=f"run-{number}")))
        station.wall += 15
        station.ends("copy", exit_code=1)
        if number == 1:
            station.must(intents.DeclareEffect(step="copy", effect=said, note="looked", sure=True))  # type: ignore[arg-type]  # one of its words
    return station


async def test_the_question_says_which_attempt_it_is_about_and_what_earlier_ones_left() -> None:
    async with helm(station=twice("partial")) as at:
        assert "did 2 Copy the table (attempt 2) change anything?" in at.snapshot.next_line.text
        await at.press("enter")
        assert at.title == "2 Copy the table (attempt 2): did it change anything?"
        assert at.form.lines[0] == "before  an earlier attempt changed a part, and that is not undone"
        offers = {choice.label: choice.detail for choice in at.form.fields[0].choices}
        assert offers["nothing"] == "what the earlier attempt changed stays in the rollback"
        assert "its undo leaves the rollback" in offers["nothing, nor did any earlier attempt"]
        await at.press("1", "enter")
        assert not at.asks, "nothing leaves the rollback by it"
        assert [item.step for item in preview(at.station.session).items] == ["uncopy"]


async def test_that_no_attempt_changed_anything_is_asked_once_more_and_typed() -> None:
    async with helm(station=twice("partial")) as at:
        await at.press("enter", "5", "enter")
        assert "is it sure that it changed nothing in all its attempts?" in at.title
        await at.write("counted: no row is there")
        await at.write("NOTHING")
        assert not preview(at.station.session).items


async def test_where_an_earlier_attempt_left_nothing_there_is_no_more_to_ask() -> None:
    async with helm(station=twice("none")) as at:
        await at.press("enter")
        assert at.title == "2 Copy the table (attempt 2): did it change anything?"
        assert len(at.form.fields[0].choices) == 4


@pytest.mark.parametrize(("effect", "asks"), [("partial", True), ("full", False)])
async def test_what_commits_a_rollback_says_which_undo_asks(effect: str, asks: bool) -> None:
    station = cut_short()
    station.must(intents.DeclareEffect(step="copy", effect=effect))  # type: ignore[arg-type]
    async with helm(station=station) as at:
        await at.press("B")
        line = next(line for line in at.form.lines if "Remove the copy" in line)
        assert ("ASKS first" in line) is asks
        assert line.startswith("  1 Remove the copy  lead  60 s  (undoes 2 Copy the table)")


async def test_the_bar_of_a_retry_says_which_attempt_it_starts() -> None:
    async with helm(station=twice("none")) as at:
        await at.press("enter", "2", "enter")
        await at.press("S")
        assert at.title == "Start 2 Copy the table (attempt 3)"
    station = FakeStation(REPEATED)
    station.must(*ANNOUNCED)
    async with helm(station=station) as at:
        await at.press("S")
        assert at.title == "Start 2 Copy the table"
