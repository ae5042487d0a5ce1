"""How all is that is watched, and which pane has the keys: in sight in every tab, at every size, in every look."""

from __future__ import annotations

import msgspec
import night
import pytest
from harness import Harness
from test_panes import screen_text

from quarterdeck.console import theme
from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.endpoints import condition, counted, worst
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import LogLine


def read(snapshot: Snapshot, target: str, status: str) -> Snapshot:
    """The same moment, with this target read so, just now."""
    reading = msgspec.structs.replace(snapshot.readings["here"], target=target, status=status)
    return msgspec.structs.replace(snapshot, readings={**snapshot.readings, target: reading})


def all_ok() -> Snapshot:
    snapshot = night.snapshot()
    for name in snapshot.readings:
        snapshot = read(snapshot, name, "ok")
    return snapshot


def restarting(seconds: float) -> Snapshot:
    """The step that expects an outage of its API runs since so many seconds."""
    made = night.session()
    assert made.plan is not None
    step = next(step for step in made.plan.steps.values() if step.expect_outage)
    made.steps[step.id].state, made.steps[step.id].started = "running", night.T0 - seconds
    return read(night.snapshot_of(made, readings=all_ok().readings), "orders-api", "critical")


# -- which one is worst


def test_the_worst_target_is_named_with_how_many_more_are_not_well() -> None:
    assert worst(all_ok()) is None
    snapshot = night.snapshot()
    assert worst(snapshot) == ("search", "warn", 2)
    assert worst(read(snapshot, "billing", "unknown")) == ("billing", "unknown", 2)
    assert worst(read(snapshot, "checkout", "critical")) == ("checkout", "critical", 3)


def test_a_host_counts_as_a_service_does() -> None:
    snapshot = read(all_ok(), "here", "critical")
    assert worst(snapshot) == ("here", "critical", 0)
    assert counted(snapshot) == {"critical": 1, "ok": 5}


def test_what_a_running_step_expects_does_not_cry_until_it_is_overdue() -> None:
    assert condition(restarting(10), "orders-api") == "expected"
    assert worst(restarting(10)) is None
    assert counted(restarting(10)) == {"expected": 1, "ok": 5}
    assert worst(restarting(100)) == ("orders-api", "critical", 0)


def test_what_was_not_read_yet_is_counted_and_does_not_cry() -> None:
    snapshot = msgspec.structs.replace(all_ok(), readings={})
    assert worst(snapshot) is None
    assert counted(snapshot) == {"no data": 6}


# -- in sight

TABS = ("1 ", "2 ", "3 Watch ", "4 Log")


async def test_whatever_tab_is_shown_the_line_has_all_of_them_the_roll_up_and_the_header_the_worst() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=(80, 24)) as pilot:
        box = app.deck._tab_box()
        assert box is not None
        for state in ("critical", "halted", "rolling_back", "planned", "over"):
            app.deck.snapshot = read(night.snapshot(state), "checkout", "critical")
            for tab in range(4):
                box.show(tab)
                await pilot.pause()
                header, _, *rows = screen_text(app).splitlines()
                line = next(row for row in rows if "3 Watch" in row)
                assert all(name in line for name in TABS), (state, line)
                assert "1 critical" in line
                assert " ok" in line, (state, line)
                assert f"[{tab + 1} " in line, "the shown one is marked without colours too"
                assert "checkout critical +3" in header, (state, header)
        app.deck.snapshot = night.snapshot("halted")
        await pilot.pause()
        assert " 1 ROLLBACK PLAN   2 Undo of 7   3 Watch 1 warn, " in screen_text(app)
        app.deck.snapshot = all_ok()
        await pilot.pause()
        header, _, line, *_ = screen_text(app).splitlines()
        assert "3 Watch 6 ok" in line
        assert " ok" not in header, "nothing is said of what is well"


async def test_a_tab_opens_where_its_label_is_clicked_however_long_the_others_are() -> None:
    app = Harness(night.snapshot("halted"))
    async with app.run_test(size=(80, 24)) as pilot:
        box = app.deck._tab_box()
        assert box is not None
        for number, name in ((3, "4 Log"), (1, "2 Undo"), (2, "3 Watch"), (0, "1 ROLLBACK")):
            await pilot.pause()
            line = screen_text(app).splitlines()[2]
            await pilot.click("TabLine", offset=(line.index(name) + 2, 0))
            assert box.shown == number


async def test_the_log_says_which_warnings_came_since_it_was_read() -> None:
    app = Harness(night.snapshot())
    async with app.run_test(size=(80, 24)) as pilot:
        box = app.deck._tab_box()
        assert box is not None
        await pilot.pause()
        assert " 4 Log  " in screen_text(app), "what was there when the console opened is no news"
        new = [LogLine(night.T0, "guard", "slow", "warning"), LogLine(night.T0, "dba", "fine")]
        own = LogLine(night.T0, "here", "S: not now", "warning", kind="notice")
        app.deck.snapshot = night.snapshot(log=[*night.log(), *new, own])
        await pilot.pause()
        assert "4 Log 1 ! " in screen_text(app)
        box.show(3)
        await pilot.pause()
        box.show(0)
        await pilot.pause()
        assert " 4 Log  " in screen_text(app)


async def test_a_small_terminal_keeps_the_halt_button_a_line_of_keys_and_the_worst_target() -> None:
    app = Harness(night.snapshot("critical"))
    async with app.run_test(size=(60, 20)) as pilot:
        for size in ((79, 23), (60, 20), (50, 15), (40, 12)):
            await pilot.resize_terminal(*size)
            for state in ("critical", "halted"):
                app.deck.snapshot = read(night.snapshot(state), "checkout", "critical")
                await pilot.pause()
                first, *_, last = screen_text(app).splitlines()
                assert "checkout critical" in first, size
                assert str(app.deck.snapshot.session.state).upper() in first
                assert "P pause   S start" in last, size
                assert "HALT" in screen_text(app)
        app.deck.snapshot = all_ok()
        await pilot.pause()
        assert "6 ok" in screen_text(app).splitlines()[0]


# -- which pane has the keys


@pytest.mark.parametrize("ascii_glyphs", [False, True], ids=["unicode", "ascii"])
async def test_the_focused_pane_has_a_sign_and_a_frame_of_its_own_in_every_look(ascii_glyphs: bool) -> None:
    app = Harness(night.snapshot(), ascii_glyphs=ascii_glyphs)
    async with app.run_test(size=(120, 36)) as pilot:
        sign = app.look.glyphs.focus
        for name in ("mono",) if ascii_glyphs else theme.NAMES:
            theme.dress(app, name, ascii_glyphs=ascii_glyphs)
            app.deck.redress()
            for state in ("running", "halted"):
                app.deck.snapshot = night.snapshot(state)
                for pane in ("log", "endpoints", "procedure"):
                    app.deck.show_pane(pane)
                    await pilot.pause()
                    framed = [each for each in app.query(Pane) if each.framed]
                    signed = [each for each in framed if str(each.border_title).startswith(f"{sign} ")]
                    assert [each.name_ for each in signed] == [pane], (name, state)
                    others = {each.styles.border_top[0] for each in framed if each is not signed[0]}
                    assert signed[0].styles.border_top[0] not in others, (name, state)
        shown = screen_text(app)
    assert ("+= > ROLLBACK PLAN" if ascii_glyphs else "╔═ ▸ ROLLBACK PLAN") in shown.replace(
        "╔═", "+=" if ascii_glyphs else "╔═"
    )
