"""Keys on steps: start bars, forms, reasons, refusals, polls, proposals, what no plan foresaw."""

from __future__ import annotations

from fake_station import ITSELF, FakeStation
from hands_helm import helm

from quarterdeck.console.commands.start import _back_afterwards
from quarterdeck.console.panes.banner import Trouble, troubles
from quarterdeck.console.panes.endpoints import roll_up
from quarterdeck.console.panes.gauges import GaugesPane
from quarterdeck.observer.messages import Reading
from quarterdeck.session import intents

START = (intents.StartSession(),)
RUNNING = (*START, intents.StartStep(step="announce"))
ANNOUNCED = (*RUNNING, intents.FinishStep(step="announce"))


def switched() -> FakeStation:
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy")
    station.must(intents.StartStep(step="switch"))
    return station


def polled(station: FakeStation) -> None:
    station.must(
        intents.AddEvidence(step="switch", text="x"),
        intents.FinishStep(step="switch", values={"rows": "1"}),
        intents.StartStep(step="ask"),
    )


async def test_s_starts_the_session_in_planning() -> None:
    async with helm() as at:
        await at.press("S")
        assert at.title == "Start: Night work"
        await at.press("enter")
        assert at.state == "running"


async def test_s_starts_what_changes_nothing_at_once() -> None:
    async with helm(*START) as at:
        await at.press("S")
        assert at.step("announce") == "running"


async def test_s_opens_the_start_bar_of_what_changes_something() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("S")
        assert at.step("copy") == "pending"
        assert at.form.large == "ada@db01"
        lines = "\n".join(at.form.lines)
        for part in ("cp a 'b [/red] c'", "about 3 min", "rollback afterwards needs 60 s", "API slow"):
            assert part in lines
        await at.press("enter")
        assert at.step("copy") == "running"


async def test_the_start_bar_counts_the_undo_of_a_step_that_was_tried_before_once() -> None:
    async with helm(*ANNOUNCED) as at:
        at.station.must(intents.StartStep(step="copy"))
        at.station.ends("copy", 3)
        at.station.must(intents.DeclareEffect(step="copy", effect="full", sure=True, note="all rows are there"))
        await at.settle()
        assert at.step("copy") == "failed"
        plan = at.station.session.plan
        assert plan is not None
        assert "needs 60 s of work" in _back_afterwards(at.app.desk.situation, plan.steps["copy"])


async def test_escape_leaves_the_start_bar_and_nothing_starts() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("S", "escape")
        assert at.step("copy") == "pending"
        assert not at.asks


async def test_a_start_that_the_guard_refuses_offers_a_waiver() -> None:
    station = FakeStation()
    station.must(*ANNOUNCED)
    station.wall += 22 * 60
    async with helm(station=station) as at:
        await at.press("S")
        lines = "\n".join(at.form.lines)
        await at.press("enter")
        assert "WAIVER a reason is asked for next: after this step a rollback needs " in lines
        assert at.title == "The window is too short: start 2 Copy the table all the same?"
        await at.write("the owner agreed")
        assert at.step("copy") == "running"
        assert any("start_guard" in str(d) or d.why == "the owner agreed" for d in at.station.session.deviations)


async def test_d_says_done() -> None:
    async with helm(*RUNNING) as at:
        await at.press("D")
        assert at.step("announce") == "done"


async def test_d_asks_for_values_and_evidence_that_are_missing() -> None:
    async with helm(station=switched()) as at:
        await at.press("D")
        assert [field.name for field in at.form.fields] == ["value:rows", "evidence"]
        await at.write("214")
        await at.write("saw it in the back office")
        run = at.station.session.steps["switch"]
        assert (run.state, run.values, run.evidence) == ("done", {"rows": "214"}, ["saw it in the back office"])


async def test_f_asks_for_the_reason() -> None:
    async with helm(*RUNNING) as at:
        await at.press("F", "enter")
        assert at.step("announce") == "running", "a reason is needed"
        await at.write("nobody answers")
        assert at.step("announce") == "failed"


async def test_k_skips_only_what_may_be_skipped_and_says_why_not() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("K")
        assert at.step("copy") == "pending"
        assert any(toast.startswith("K: ") for toast in at.said)
        at.station.must(intents.StartStep(step="copy"))
        at.station.ends("copy")
        await at.settle()
        await at.press("K")
        await at.write("not needed tonight")
        assert at.step("switch") == "skipped"


async def test_a_refused_key_says_why_in_a_toast_and_in_the_log() -> None:
    async with helm(*RUNNING) as at:
        await at.press("B")
        assert at.said[-1] == "B: halt first (H): a rollback starts from halted; b shows what it would be"
        assert at.log[-1] == at.said[-1]


async def test_small_letters_only_say_which_key_it_is() -> None:
    async with helm(*RUNNING) as at:
        for key in "hpsdfkagtex":
            await at.press(key)
        assert at.station.asked == []
        assert not at.asks
        assert at.said[0] == "press capital H to HALT"
        assert len(at.said) == 11


async def test_harmless_letters_work_in_both_cases() -> None:
    for key in ("n", "N"):
        async with helm(*RUNNING) as at:
            await at.press(key)
            await at.write("all calm")
            assert at.asked(intents.AddNote)[0].text == "all calm"


async def test_the_same_key_within_half_a_second_is_ignored() -> None:
    async with helm(*RUNNING) as at:
        at.app.keys._last.clear()
        await at.strike("P", "P")
        await at.settle()
        assert len(at.asked(intents.Pause)) == 1
        assert not any(toast.startswith("P:") for toast in at.said)


async def test_r_only_says_which_keys_there_are() -> None:
    async with helm(*RUNNING) as at:
        await at.press("R")
        assert at.said == ["G goes on, B rolls back"]
        assert at.station.asked == []


async def test_ctrl_c_only_says_so() -> None:
    async with helm(*RUNNING) as at:
        await at.press("ctrl+c")
        assert "Q leaves, H halts" in at.said[0]
        assert at.app.is_running


async def test_pause_and_go_on() -> None:
    async with helm(*RUNNING) as at:
        await at.press("P")
        assert at.state == "paused"
        await at.press("G")
        assert at.state == "running"


async def test_t_stops_a_command_with_a_reason() -> None:
    async with helm(*ANNOUNCED, intents.StartStep(step="copy")) as at:
        await at.press("T")
        await at.write("wrong table")
        assert at.station.session.steps["copy"].stop_asked


async def test_an_estimate_is_a_span() -> None:
    async with helm(*ANNOUNCED, intents.StartStep(step="copy")) as at:
        await at.press("E")
        await at.write("soon")
        assert at.asks, "soon is no span"
        for _ in range(4):
            await at.press("backspace")
        await at.write("9m")
        assert at.station.session.steps["copy"].estimate == (at.station.now, 540)


async def test_the_poll_is_answered_role_by_role() -> None:
    station = switched()
    station.must(
        intents.AddEvidence(step="switch", text="x"), intents.FinishStep(step="switch", values={"rows": "1"})
    )
    station.must(intents.StartStep(step="ask"))
    async with helm(station=station) as at:
        await at.press("enter")
        assert at.title == "May the old table go?"
        assert at.form.large == "lead?"
        await at.press("g")
        assert at.form.large == "dba?"
        await at.press("c")
        assert at.asks, "go with a comment needs one"
        await at.write("keep the dump")
        assert at.step("ask") == "done"
        answers = at.station.session.polls["ask"].answers
        assert answers["dba"].comment == "keep the dump"


async def test_a_poll_that_a_halt_voids_closes_its_bar() -> None:
    station = switched()
    station.must(
        intents.AddEvidence(step="switch", text="x"), intents.FinishStep(step="switch", values={"rows": "1"})
    )
    station.must(intents.StartStep(step="ask"))
    async with helm(station=station) as at:
        await at.press("enter")
        assert at.asks
        at.station.halt_elsewhere()
        await at.settle()
        assert not at.asks


async def test_x_dismisses_a_proposal_with_a_reason() -> None:
    station = FakeStation()
    station.must(*RUNNING)
    station.do(intents.GuardHolds(guard="slow", reason="API slow: 912 ms", value=912.0), ITSELF)
    assert station.session.proposals["slow"].state == "open"
    async with helm(station=station) as at:
        await at.press("X")
        assert "API slow: 912 ms" in at.form.lines
        await at.write("that is the backup")
        assert at.station.session.proposals["slow"].state == "dismissed"


async def test_a_step_is_added_with_its_undo() -> None:
    async with helm(*RUNNING) as at:
        await at.press("A")
        await at.write("Raise the limit")
        await at.write("sysctl -w a=1")
        await at.press("2", "enter", "2")
        await at.write("Lower it again")
        await at.press("enter")
        await at.write("the limit is too low")
        assert at.station.session.added[0][0].owner == "dba"
        added = at.station.session.added
        assert [step.title for step, _ in added] == ["Raise the limit"]
        assert added[0][0].command == ("sysctl", "-w", "a=1")
        assert added[0][0].undo[0].instructions == "Lower it again"


async def test_the_window_is_extended() -> None:
    async with helm(*RUNNING) as at:
        window = at.station.session.window
        assert window is not None
        await at.press("ctrl+p")
        await at.write("extend")
        await at.write("+30m")
        await at.press("enter")
        await at.write("the copy is slow")
        longer = at.station.session.window
        assert longer is not None
        assert longer.end == window.end + 1800


async def test_a_wrong_done_is_corrected() -> None:
    station = switched()
    async with helm(station=station) as at:
        await at.press("ctrl+p")
        await at.write("correct")
        assert at.title == "Correct: which one?"
        await at.press("1")
        assert at.title == "Correct 2 Copy the table: done, effect full"
        await at.press("3", "2")
        await at.write("it was the wrong table")
        assert "corrected" in " ".join(d.what for d in at.station.session.deviations)


async def test_s_is_not_offered_while_a_halt_is_live() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("H", "S")
        assert at.said[-1] == "S: a halt is live: answer it first (enter)"


async def test_d_on_a_failed_step_says_that_it_was_done_by_hand() -> None:
    async with helm(*ANNOUNCED, intents.StartStep(step="copy")) as at:
        at.station.ends("copy", exit_code=1)
        await at.settle()
        await at.press("D")
        assert at.title == "2 Copy the table: done by hand"
        await at.write("copied it with rsync")
        assert at.step("copy") == "done_manually"


async def test_done_by_hand_asks_what_was_done() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("ctrl+p")
        await at.write("done by hand")
        await at.write("copied it with rsync, counted the rows")
        assert at.step("copy") == "done_manually"


async def test_a_failed_step_is_retried_once_its_effect_is_known() -> None:
    async with helm(*ANNOUNCED, intents.StartStep(step="copy")) as at:
        at.station.ends("copy", exit_code=1)
        await at.settle()
        await at.press("ctrl+p")
        await at.write("retry")
        assert "did it change anything" in at.title
        await at.press("1", "enter")
        await at.write("counted the rows: none")
        await at.write("NOTHING")
        assert at.title == "Start 2 Copy the table (attempt 2)"
        await at.press("enter")
        assert (at.step("copy"), at.station.session.steps["copy"].attempt) == ("running", 2)


async def test_text_of_a_procedure_is_never_markup() -> None:
    async with helm(*ANNOUNCED) as at:
        await at.press("S")
        assert any("[/red]" in line for line in at.form.lines)
        assert at.app.is_running


async def test_a_blind_guard_is_not_shown_as_watching_in_any_place() -> None:
    async with helm(*ANNOUNCED) as at:
        plan = at.snapshot.session.plan
        assert plan is not None
        [guard] = [guard for guard in plan.procedure.guards if guard.title == "API slow"]
        at.station.must(intents.GuardBlinded(guard=guard.id, why="api.latency was never read"))
        await at.settle()
        assert at.snapshot.next_line.text.startswith("BLIND: API slow · ")
        blind = Trouble("BLIND GUARD  API slow: api.latency was never read", "", "badge-warn", "slow")
        assert blind in troubles(at.snapshot)
        assert roll_up(at.snapshot)["guard blind"] == 1
        assert GaugesPane().title_of(at.snapshot).endswith(" · 1 guard blind")
        await at.press("S")
        assert "BLIND  guard API slow: api.latency was never read" in at.form.lines
        assert not any(line.startswith("watch") and "API slow" in line for line in at.form.lines)


async def test_the_palette_withholds_a_sealed_output_with_a_reason_and_only_while_one_is_sealed() -> None:
    station = FakeStation()
    station.must(*ANNOUNCED, intents.StartStep(step="copy"))
    station.ends("copy", sealed="output is sealed: nobody knows its secrets")
    async with helm(station=station, size=(80, 24)) as at:
        assert any("output is sealed" in line for line in at.log)
        await at.press("ctrl+p")
        await at.write("withhold")
        assert "delete its sealed output unread?" in at.title
        await at.press("enter")
        assert not at.asked(intents.WithholdOutput), "without a reason nothing is deleted"
        await at.write("its secret is changed")
        (asked,) = at.asked(intents.WithholdOutput)
        assert asked.reason == "its secret is changed"
        assert any("withheld for good" in line for line in at.log)
        await at.press("ctrl+p")
        await at.write("withhold")
        assert len(at.asked(intents.WithholdOutput)) == 1
        assert not at.asks


async def test_the_bar_before_start_shows_what_each_guard_reads_or_why_it_reads_nothing() -> None:
    async with helm() as at:
        await at.press("S")
        [watch] = [line for line in at.form.lines if line.startswith("watch")]
        assert "API slow (api.latency was never read)" in watch
        await at.press("escape")
        boot = at.app.desk.situation.boot
        values: dict[str, float | str] = {"latency": 0.118, "status": "ok"}
        await at.reads(
            Reading(target="api", at=0.0, boot=boot, status="ok", raw="ok", values=values, interval=5, max_age=600)
        )
        await at.press("S")
        [watch] = [line for line in at.form.lines if line.startswith("watch")]
        assert "API slow (api.latency is 118 ms)" in watch
