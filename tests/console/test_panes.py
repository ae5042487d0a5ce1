"""The panes as a person meets them: what they say, what a key and a click do, what a tick costs."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import night
import pytest
from harness import Harness
from msgspec.structs import replace
from test_text_gate import NASTY
from textual.geometry import Region
from textual.widgets import Input

from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.log import mark_word
from quarterdeck.console.panes.next_line import fitting
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import LogLine
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.session.next_line import next_line
from quarterdeck.session.plan import build
from quarterdeck.session.state import Session
from quarterdeck.station.wire.protocol import Marks, Tail

LEAD = (120, 36)
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def screen_text(app: Harness) -> str:
    """What stands on the screen, line by line."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    del width, height
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (250, 70), (62, 18)])
async def test_every_state_shows_at_every_size(size: tuple[int, int]) -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=size) as pilot:
        for state in night.STATES:
            snapshot = app.deck.snapshot = night.snapshot(state)
            await pilot.pause()
            shown = screen_text(app)
            assert str(snapshot.session.state).replace("_", " ").upper() in shown
            assert "HALT" in shown or snapshot.session.is_over
            assert snapshot.next_line.text[:20] in shown


async def test_the_lead_sees_what_matters() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    for words in (
        "Database maintenance r3", "RUNNING", "step 7/18", "WINDOW 1:30:00 left", "DECIDE BY",
        "stop now: undo 4 steps",
        "7 Reindex orders", "running", "CPU", "41 %", "82 %!", "orders-api", "118 ms", "warning", "no data 52 s",
        "7 Reindex orders · started on db01", "H HALT", "S start", "waiting for dba: 7 Reindex orders, 9 of 15 min",
        "1 warn, 1 stale, 1 no data, 2 ok", "beside", "scanned 1 244 180", "qa",
    ):  # fmt: skip
        assert words in shown, words


@pytest.mark.parametrize("margin", [600.0, 60.0])
async def test_80_columns_say_what_a_stop_now_costs_in_an_assumed_window_too(margin: float) -> None:
    session = night.snapshot().session
    spare = night.snapshot_of(session).clocks
    window = session.window
    assert spare is not None
    assert window is not None
    session.window = replace(window, assumed=True, end=window.end + margin - spare.margin)
    app = Harness(night.snapshot_of(session))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    line = next(line for line in shown.splitlines() if "WINDOW" in line)
    assert re.search(
        r"WINDOW \S+ ASSUMED │ DECIDE BY \d\d:\d\d in .*(min|s)( SOON)? │ stop( now)?: back \d\d:\d\d \(b\)", line
    ), line


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("assumed", [False, True])
@pytest.mark.parametrize("margin", [20.0, 540.0, 600.0, 5_340.0, 36_000.0])
async def test_the_clocks_name_the_key_that_shows_what_a_rollback_would_cost(
    margin: float, assumed: bool, width: int
) -> None:
    session = night.snapshot().session
    spare, window = night.snapshot_of(session).clocks, session.window
    assert spare is not None
    assert window is not None
    session.window = replace(window, assumed=assumed, end=window.end + margin - spare.margin)
    app = Harness(night.snapshot_of(session))
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        line = next(line for line in screen_text(app).splitlines() if "WINDOW" in line)
        assert re.search(r"stop( now)?: .*back.* \d\d:\d\d \(b\)", line), line
        assert width == 80 or assumed or "let it finish: " in line, "no clock is lost for it"
        app.deck.snapshot = night.snapshot("halted")
        await pilot.pause()
        assert "(b)" not in screen_text(app), "after a halt the plan is in front"


async def test_after_a_halt_the_list_is_the_rollback_plan_in_its_own_colour() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        procedure = app.deck.pane("procedure")
        assert procedure is not None
        before = procedure.styles.border_top
        app.deck.snapshot = night.snapshot("halted")
        await pilot.pause()
        shown = screen_text(app)
        assert "ROLLBACK PLAN · 4 undo + 1 check, 14 min · preview" in shown
        assert "undo of 7 Reindex orders" in shown
        assert "1 Drop the new index" in shown
        assert "11 steps never started" in shown
        assert "changes nothing" in shown
        assert procedure.styles.border_top != before
        assert all(p.styles.border_top[1] == procedure.styles.border_top[1] for p in app.query(Pane) if p.framed)


async def test_past_the_point_of_no_return_nobody_says_rollback() -> None:
    snapshot = night.snapshot("halted")
    run = snapshot.session.steps["drop-old"]
    run.state, run.sequence, run.started, run.effect = "done", 12, night.T0 - 100, "full"
    app = Harness(night.snapshot_of(snapshot.session))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    assert "past the point of no return" in shown
    assert "rollback" not in shown.lower().replace("rolls back", "")
    assert "FORWARD MARGIN" in shown


async def test_the_halt_button_is_clicked_and_names_the_key_that_works() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        await pilot.click("HaltPane")
        await pilot.pause()
        assert app.halts == 1
        await app.mount(Input())
        app.query_one(Input).focus()
        await pilot.pause()
        assert "F9 HALT" in screen_text(app)


async def test_arrows_select_steps_and_say_so() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        await pilot.press("down", "down", "up", "home", "end")
        assert app.chosen == ["verify-rows", "restart", "verify-rows", "announce", "recount"]
        await pilot.click("ProcedurePane", offset=(10, 3))
        assert len(app.chosen) == 6


async def test_the_selected_step_shows_its_instructions_and_scrolls_to_all_of_them() -> None:
    app = Harness(night.snapshot("failed", selected="reindex", tails={}))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        pane = app.deck.pane("step")
        assert pane is not None
        pane.focus()
        seen = screen_text(app)
        assert "exit code 1: deadlock detected" in seen
        await pilot.press("end")
        await pilot.pause()
        seen += screen_text(app)
    for words in ("beside", "1. Watch pg_stat_progress_create_index", "select phase", "db01", "Drop the new index"):
        assert words in seen, words


async def test_compact_has_tabs_and_the_log_is_behind_one() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "[1 Procedure]  2 Step " in screen_text(app), "the shown tab is marked without colours too"
        assert "1-4 tabs" in screen_text(app)
        for _ in range(4):  # the third has two panes
            app.deck.next_pane()
            await pilot.pause()
        assert "7 Reindex orders · started on db01" in screen_text(app)
        app.deck.show_pane("step")
        await pilot.pause()
        assert "maintain reindex" in screen_text(app) or "beside" in screen_text(app)


async def test_another_size_gets_the_layout_that_fits() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        assert app.deck.layout_shown is not None
        assert app.deck.layout_shown.name == "lead"
        for size, name in (((80, 24), "compact"), ((60, 20), "small"), ((200, 50), "lead")):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await pilot.pause()
            assert app.deck.layout_shown.name == name
            assert "RUNNING" in screen_text(app)


async def test_a_rollback_that_no_longer_fits_says_by_how_much() -> None:
    snapshot = night.snapshot()
    assert snapshot.clocks is not None
    late = msgspec.structs.replace(snapshot.clocks, decide_in=-540.0, colour="red")
    app = Harness(msgspec.structs.replace(snapshot, clocks=late))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        assert re.search(r"ROLLBACK NO LONGER FITS by 9 min(?! over)", screen_text(app))


@pytest.mark.parametrize(("left", "words"), [(119.0, "in 119 s"), (179.0, "in 2 min"), (9 * 60 + 50.0, "in 9 min")])
async def test_the_time_left_to_decide_is_never_told_as_more_than_it_is(left: float, words: str) -> None:
    snapshot = night.snapshot()
    assert snapshot.clocks is not None
    near = msgspec.structs.replace(snapshot.clocks, decide_in=left, colour="amber")
    app = Harness(msgspec.structs.replace(snapshot, clocks=near))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        assert f"{words} SOON" in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), LEAD])
async def test_while_a_step_still_runs_nothing_says_halted(size: tuple[int, int]) -> None:
    app = Harness(night.snapshot("halting"))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = screen_text(app)
        assert "HALTED" not in shown
        assert re.search(r" HALTING +(by you \d\d:\d\d, )?step 7 still runs", shown)
        app.deck.snapshot = night.snapshot("halted")
        await pilot.pause()
        assert "HALTED" in screen_text(app)
        assert "still runs" not in screen_text(app)


async def test_the_wallboard_counts_no_step_as_done_that_is_undone() -> None:
    snapshot = night.snapshot("rolling_back")
    session = snapshot.session
    assert session.plan is not None
    done = [step for step in session.plan.forward if session.steps[step].state == "done"]
    session.steps[done[0]].undone = True
    session.touch(done[0])
    app = Harness(snapshot, layout="wallboard")
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        assert f"{len(done) - 1} of 18 done   1 undone" in screen_text(app)
        assert "BACK BY" in screen_text(app)
        assert "DECIDE BY" not in screen_text(app), "it is decided"


async def test_the_wallboard_shows_big_clocks() -> None:
    app = Harness(night.snapshot(), layout="wallboard")
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    assert "WINDOW LEFT" in shown
    assert "█▀█" in shown
    assert "2 ok" in shown


async def test_no_color_sends_no_colour() -> None:
    app = Harness(night.snapshot("halted"), theme="mono")
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        styles = {segment.style for strip in strips for segment in strip if segment.style}
        assert not [style for style in styles if style.color or style.bgcolor]
        assert any(style.reverse for style in styles)


async def test_ascii_sends_ascii() -> None:
    app = Harness(night.snapshot("halted"), ascii_glyphs=True)
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        assert screen_text(app).isascii()


async def test_a_tick_repaints_only_the_cells_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = night.snapshot()
    app = Harness(first)
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        cells: list[Region] = []
        plain = Pane.refresh

        def counting(pane: Pane, *regions: Region, **more: Any) -> Pane:
            cells.extend(regions or [pane.size.region])
            return plain(pane, *regions, **more)

        monkeypatch.setattr(Pane, "refresh", counting)
        app.deck.snapshot = first
        await pilot.pause()
        assert not cells
        app.deck.snapshot = night.snapshot(wall=night.T0 + 8)
        await pilot.pause()
        assert [(region.width, region.height) for region in cells] == [(1, 1)]


@pytest.mark.parametrize("repeat", [1, 56, 556])
async def test_the_step_list_costs_the_same_with_ten_thousand_steps(
    repeat: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = night.snapshot(repeat=repeat)
    app = Harness(snapshot)
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        pane = app.deck.pane("procedure")
        assert isinstance(pane, ProcedurePane)
        assert len(pane.listing.rows) >= 18 * repeat
        made = 0
        plain = ProcedurePane.row

        def counting(self: ProcedurePane, shown: Snapshot, y: int, width: int) -> Any:
            nonlocal made
            made += 1
            return plain(self, shown, y, width)

        monkeypatch.setattr(ProcedurePane, "row", counting)
        await pilot.press("down")
        assert made <= 3 * pane.size.height
        made = 0
        app.deck.snapshot = snapshot
        await pilot.pause()
        assert made <= 2 * pane.size.height


async def test_a_long_log_is_wrapped_once_and_follows_its_end() -> None:
    lines = [LogLine(night.T0, "dba", f"line {n} " + "word " * 20, "info", n) for n in range(2_000)]
    app = Harness(night.snapshot(log=lines))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        pane = app.deck.pane("log")
        assert pane is not None
        assert "line 1999" in screen_text(app)
        pane.focus()
        await pilot.press("pageup")
        await pilot.pause()
        assert "line 1999" not in screen_text(app)
        lines.append(LogLine(night.T0, "dba", "the newest", "info", 2_000))
        app.deck.snapshot = night.snapshot(log=lines)
        await pilot.pause()
        assert "the newest" not in screen_text(app)
        await pilot.press("end")
        await pilot.pause()
        assert "the newest" in screen_text(app)


def test_r26_an_event_is_never_said_to_be_more_than_is_proven() -> None:
    marks = Marks(saved=10, shared=8, seen={"dba": 8, "qa": 6})
    assert [mark_word(position, marks) for position in (11, 10, 8, 6)] == [
        "sending", "saved", "seen by all but qa", "seen by all",
    ]  # fmt: skip
    assert mark_word(3, None) == ""
    alone = Marks(saved=9, shared=9)
    assert [mark_word(position, alone) for position in (10, 9)] == ["sending", "shared"]


def nasty(text: str) -> Snapshot:
    """A night in which everything that people, files and commands write is this text."""
    plain = night.snapshot("running")
    assert plain.session.plan is not None
    procedure = plain.session.plan.procedure

    def dirty(step: Step) -> Step:
        return msgspec.structs.replace(
            step, title=text, instructions=text, command=(text,), owner="dba", undo_none=text, question=text
        )

    stages = tuple(
        msgspec.structs.replace(stage, title=text, steps=tuple(map(dirty, stage.steps))) for stage in procedure.stages
    )
    bad: Procedure = msgspec.structs.replace(procedure, title=text, stages=stages)
    session = plain.session
    session.plan = build(bad, "x")
    run = session.steps["reindex"]
    run.reason = text
    run.claimed_by = text
    session.pause_reason = text
    readings = {
        name: msgspec.structs.replace(reading, message=text, status="warning", raw="warning")
        for name, reading in night.readings().items()
    }
    readings["here"] = Reading(
        target="here", at=0, boot=5000, status="ok", raw="ok", interval=1, max_age=3,
        values={f"storage[{text[:2_000]}].used": 50.0, "cpu": 1.0},
    )  # fmt: skip
    log = [LogLine(night.T0, text, text, "alarm", n) for n in range(5)]
    tail = Tail(step="reindex", run="r", text=text, total=1, line=text, percent=1.0)
    return night.snapshot_of(session, readings=readings, log=log, tails={"reindex": tail}, read_only=text)


@pytest.mark.parametrize(("size", "shown"), [(LEAD, "rta 0.81 ms pl 0 %"), ((250, 70), "rta 0.81 ms pl 0 % zone U")])
async def test_a_plugins_perfdata_stands_where_a_latency_would(size: tuple[int, int], shown: str) -> None:
    values: dict[str, float | str] = {"value[rta]": 0.00081, "value[pl]": 0.0, "value[zone]": "U", "run_time": 1.026}
    units = {"value[rta]": "s", "value[pl]": "%"}
    plain = night.readings()
    readings = {**plain, "orders-api": msgspec.structs.replace(plain["orders-api"], values=values, units=units)}
    app = Harness(night.snapshot(readings=readings, history={"orders-api.value[rta]": (0.1, 0.5, 0.1)}))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        [row] = [line for line in screen_text(app).splitlines() if "orders-api" in line]
    assert shown in row
    assert size == LEAD or re.search("[\u2801-\u28ff]", row), (
        "its graph is that of the first value, where there is room"
    )
    assert "1.0" not in row, "the time that the plugin ran is no latency"


@pytest.mark.parametrize("opened", [True, False])
async def test_the_poll_that_opened_a_connection_shows_what_that_took(opened: bool) -> None:
    values: dict[str, float | str] = {"latency": 0.118, **({"connect": 0.003, "tls": 0.012} if opened else {})}
    plain = night.readings()
    readings = {**plain, "orders-api": msgspec.structs.replace(plain["orders-api"], values=values)}
    app = Harness(night.snapshot(readings=readings))
    async with app.run_test(size=(250, 70)) as pilot:
        await pilot.pause()
        [row] = [line for line in screen_text(app).splitlines() if "orders-api" in line]
    assert "118 ms" in row
    assert ("connect 3 ms, tls 12 ms" in row) is opened


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"storage[/].read_only": 1.0}, "71 % ro"),
        ({"storage[/].inodes": 100.0}, "100 % ino"),
        ({"storage[/].inodes": 70.0, "storage[/].read_only": 0.0}, "71 % "),
        ({"container": 1.0}, "container without limits: the numbers are its host's"),
        (
            {"container": 1.0, "cpu_limit": 1.5, "memory_limit": 2.0**31},
            "container's share of CPU 1.5 cores, MEM 2.0 GiB; rest: host's",
        ),
    ],
)
async def test_gauges_say_what_a_number_leaves_out(values: dict[str, float], shown: str) -> None:
    plain = night.readings()
    here = msgspec.structs.replace(plain["here"], values={**plain["here"].values, **values})
    app = Harness(night.snapshot(readings={**plain, "here": here}))
    async with app.run_test(size=(150, 40)) as pilot:
        await pilot.pause()
        assert shown in screen_text(app)


@pytest.mark.parametrize("layout", ["lead", "wallboard", "compact"])
async def test_hostile_text_in_every_pane_stays_text(layout: str) -> None:
    app = Harness(night.snapshot(), layout=layout)
    async with app.run_test(size=LEAD) as pilot:
        for name, text in NASTY.items():
            app.deck.snapshot = nasty(text)
            await pilot.pause()
            if layout == "compact":
                app.deck.next_pane()
                await pilot.pause()
            shown = screen_text(app)
            assert not STEERS.search(shown), name
            assert "link=" not in shown or "[link=" in shown


async def test_text_is_selected_with_the_mouse() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        await pilot.mouse_down("LogPane", offset=(20, 6))
        await pilot.hover("LogPane", offset=(50, 6))
        await pilot.mouse_up("LogPane", offset=(50, 6))
        await pilot.pause()
        chosen = app.screen.get_selected_text()
        assert chosen
        assert chosen.strip() in screen_text(app)


async def test_the_focus_goes_from_pane_to_pane() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        seen = []
        for _ in range(5):
            assert isinstance(app.focused, Pane)
            seen.append(app.focused.name_)
            app.deck.next_pane()
            await pilot.pause()
    assert seen == ["procedure", "step", "gauges", "endpoints", "log"]


async def test_a_terminal_with_nothing_to_show_says_so() -> None:
    empty = Session(id="x", title="Nothing yet")
    app = Harness(night.snapshot_of(empty, readings={}, log=[]))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    assert "waiting for the plan" in shown
    assert "no step is selected" in shown


async def test_where_nothing_is_watched_one_line_says_so() -> None:
    made = night.session()
    assert made.plan is not None
    made.plan = build(msgspec.structs.replace(made.plan.procedure, targets={}), "abcd1234")
    app = Harness(night.snapshot_of(made))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        shown = screen_text(app)
        log = app.deck.pane("log")
        assert log is not None
        assert log.region.y == 3, "the log has the room of the empty boxes"
        assert "nothing is watched: the procedure names no targets" in shown
        assert "This host" not in shown
        app.deck.snapshot = night.snapshot()
        await pilot.pause()
        assert "CPU" in screen_text(app), "they come back with a plan that watches something"


async def test_a_long_path_in_the_log_stands_whole_from_the_edge() -> None:
    path = "/home/dana/.local/share/quarterdeck/sessions/2026-11-30-rebuild-orders-index-kfwz/record/night.html"
    app = Harness(night.snapshot_of(night.session(), log=[LogLine(night.T0, "here", f"The record is here: {path}")]))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        log = app.deck.pane("log")
        assert log is not None
        assert log.snapshot is not None
        rows = ["".join(text for text, _ in log.row(log.snapshot, y, log.content_width)) for y in range(3)]
    assert rows[0].endswith("The record is here:")
    assert "".join(row.strip() for row in rows[1:]) == path


async def test_a_step_shows_what_was_recorded_and_what_starts_by_itself() -> None:
    made = night.session()
    assert made.plan is not None
    step = msgspec.structs.replace(
        made.plan.steps["verify-rows"], auto_start=True, instructions="${count.rows} before, ${search.seconds} now"
    )
    made.plan.steps["verify-rows"] = step
    app = Harness(night.snapshot_of(made, selected="verify-rows"))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    assert "2041877 before, ‹seconds of 10 Search" in shown
    assert "starts   by itself" in shown
    assert re.search(r"8 Verify row counts +by itself", shown)


async def test_a_proposal_says_the_keys_first_and_what_is_read_now() -> None:
    app = Harness(night.snapshot("proposal"))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = " ".join(screen_text(app).split())
    assert "HALT PROPOSED · H halts · X dismisses · else it pauses in" in shown
    assert "now 118 ms" in shown


async def test_at_the_end_a_step_is_still_selected() -> None:
    made = night.session()
    for run in made.steps.values():
        run.state = "done"
        run.started = run.started or night.T0
    made.phase = "ended"
    assert night.snapshot_of(made).selected


async def test_after_a_rollback_the_closing_steps_are_counted_and_the_margin_is_theirs() -> None:
    snapshot = night.snapshot("halted")
    session = snapshot.session
    session.halts.clear()
    session.phase, session.closing_from = "validating", "rollback"
    app = Harness(night.snapshot_of(session))
    async with app.run_test(size=LEAD) as pilot:
        await pilot.pause()
        shown = screen_text(app)
    assert "0/1 closing steps" in shown
    assert "CLOSING MARGIN" in shown
    assert "FORWARD MARGIN" not in shown
    assert "/18" not in shown


def test_the_next_line_cuts_a_steps_name_before_the_key() -> None:
    made = night.snapshot("asked")
    plan = made.session.plan
    assert plan is not None
    step = plan.steps[made.next_line.step]
    long = replace(step, title="Reindex orders beside the old index, table by table, while the writers go on as ever")
    made.session.plan = replace(plan, steps={**plan.steps, step.id: long})
    made = replace(made, next_line=next_line(made.session, made.now, made.me))
    text, rows = fitting(made, 62, 2, str)
    assert len(rows) == 2
    assert "Reindex ord" in text
    assert "…" in text
    assert " ".join(rows).replace("\u00a0", " ").endswith("enter answers")
