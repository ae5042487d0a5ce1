"""The list of steps in lines: what goes on below, how wide columns are, and when any of it is worked out anew."""

from __future__ import annotations

import msgspec
import night
import pytest
from harness import Harness
from test_sizes import LONG, WIDE, long_night

from quarterdeck.console.panes import procedure_lines
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.panes.procedure_lines import Lines, texts
from quarterdeck.console.panes.procedure_rows import ProcedureRows, procedure_rows
from quarterdeck.console.panes.rows import hung
from quarterdeck.console.snapshot import Snapshot

NOTHING = ProcedureRows((), "forward", {})


def lines_of(snapshot: Snapshot, width: int = 57, height: int = 17, before: Lines | None = None) -> Lines:
    listing = procedure_rows(snapshot, before.listing if before else NOTHING)
    return Lines.of(snapshot, listing, width, height, before)


def said(snapshot: Snapshot, lines: Lines, step: str) -> list[tuple[str, str]]:
    plan, row = snapshot.session.plan, lines.listing.rows[step]
    assert plan is not None
    return texts(plan, lines.listing.entries[row], lines.columns, lines.tags, lines.most(row))


def later(snapshot: Snapshot, step: str, **changes: object) -> Snapshot:
    """The next event: something of a step is otherwise now."""
    run = snapshot.session.steps[step]
    for name, value in changes.items():
        setattr(run, name, value)
    return msgspec.structs.replace(snapshot, count=snapshot.count + 1)


def test_a_title_goes_on_below_with_all_the_width_and_is_cut_only_behind_two_lines() -> None:
    snapshot = night.snapshot()
    lines = lines_of(snapshot)
    assert [title for title, _ in said(snapshot, lines, "search")] == ["Search for yesterday's", "orders in the shop"]
    long = long_night("running")
    first, second = (title for title, _ in said(long, lines_of(long), "announce"))
    assert LONG.startswith(f"{first} {second.removesuffix('…')}")
    assert len(second) == 57 - 6


def test_where_the_pane_has_empty_lines_a_title_takes_them() -> None:
    long = long_night("running")
    lines = lines_of(long, height=200)
    assert " ".join(title for title, _ in said(long, lines, "announce")) == LONG
    assert lines.count == lines.wanted
    one_missing = lines_of(long, height=lines.wanted - 1)
    assert one_missing.count in {lines.wanted - 1, lines.wanted - 2}, "all but one text is whole"


def test_a_long_owner_goes_on_below_itself() -> None:
    long = long_night("running")
    assert "".join(owner for _, owner in said(long, lines_of(long), "freeze")) == "database-administrator"
    assert lines_of(night.snapshot()).columns.owner == 1 + len("sysadmin")


def test_a_wide_stage_title_is_whole_where_it_has_the_cells() -> None:
    """`阶段一 ✅` was `阶段…` in a pane of 55 free cells."""
    assert hung("阶段一 ✅", 55, 55) == ["阶段一 ✅"]
    snapshot = long_night("running")
    plan, lines = snapshot.session.plan, lines_of(snapshot)
    assert plan is not None
    heading = next(entry for entry in lines.listing.entries if entry.kind == "heading" and WIDE in entry.text)
    assert [text for text, _ in texts(plan, heading, lines.columns, {}, 2)] == [heading.text]


def test_why_something_is_not_undone_stands_beside_it_or_below_it_and_whole() -> None:
    snapshot = night.snapshot("halted")
    assert said(snapshot, lines_of(snapshot), "announce") == [("Announce start to all channels", "changes nothing")]
    long = long_night("halted")
    lines = lines_of(long, height=100)
    stays = next(entry for entry in lines.listing.entries if entry.kind == "left_out" and entry.step == "announce")
    parts = said(long, lines, "announce")
    assert " ".join(title for title, _ in parts if title) == LONG
    assert " ".join(why for _, why in parts if why) == stays.text


def test_columns_are_as_wide_as_what_stands_in_them() -> None:
    halted = lines_of(night.snapshot("halted")).columns
    assert halted.word == 1 + len("asks"), "nothing runs in a preview"
    assert halted.time == 1 + len("9m")
    assert lines_of(night.snapshot("planned")).columns.word <= 1 + len("done")
    assert lines_of(night.snapshot(), width=120).columns.when > 0
    assert lines_of(night.snapshot(), width=37).columns.owner == 0


def test_no_column_moves_while_work_goes_on_and_none_gets_narrower() -> None:
    snapshot = night.snapshot()
    lines = lines_of(snapshot)
    for state in ("verifying", "done", "failed", "skipped", "interrupted"):
        snapshot = later(snapshot, "reindex", state=state)
        again = lines_of(snapshot, before=lines)
        assert again is lines, state
    longer = later(snapshot, "reindex", state="running", started=night.T0 - 6000)
    wider = lines_of(longer, before=lines)
    assert wider.columns.time == lines.columns.time + 1, "1h40 needs a cell more"
    assert lines_of(later(longer, "reindex", started=night.T0 - 60), before=wider) is wider


def test_a_second_attempt_is_told_behind_the_title() -> None:
    snapshot = later(night.snapshot(), "search", attempt=2)
    assert said(snapshot, lines_of(snapshot), "search")[-1][0] == "orders in the shop (2)"


def test_each_line_belongs_to_the_row_that_begins_at_or_above_it() -> None:
    lines = lines_of(long_night("halted"))
    for row in range(len(lines.listing.entries)):
        assert {lines.row(line) for line in range(lines.first(row), lines.first(row + 1))} == {row}
    assert lines.first(len(lines.listing.entries)) == lines.count


def test_with_10_000_steps_a_tick_and_a_key_work_out_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = night.snapshot(repeat=556)
    lines = lines_of(snapshot)
    assert len(lines.listing.rows) > 10_000
    monkeypatch.setattr(procedure_lines, "_standing", None)
    tick = msgspec.structs.replace(snapshot, now=snapshot.now + 1, selected="search")
    assert lines_of(tick, before=lines) is lines


def test_what_is_cut_says_so_and_a_single_line_is_cut_too() -> None:
    assert hung("one two three", 4, 6, 2) == ["one", "two t…"]
    assert hung("one two three", 4, 6, 1) == ["one…"]
    assert hung("  ", 4, 6) == [""]


async def test_a_click_on_either_line_of_a_step_selects_it_and_room_is_given_back_only_after_a_rest() -> None:
    long = long_night("halted")
    app = Harness(long)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        pane, step = app.deck.pane("procedure"), app.deck.pane("step")
        assert isinstance(pane, ProcedurePane)
        assert step is not None
        row = next(row for row, entry in enumerate(pane.listing.entries) if entry.step == "announce")
        for line in range(pane.lines.first(row), pane.lines.first(row + 1)):
            pane.selected = ""
            await pilot.click(ProcedurePane, offset=(10, 1 + line - pane.top))
            assert pane.selected == "announce", line
        low = step.size.height

        async def shows(selected: str, after: float) -> int:
            app.deck.snapshot = msgspec.structs.replace(long, selected=selected, boot=long.boot + after)
            await pilot.pause()
            await pilot.pause()
            assert step is not None
            return step.size.height

        high = await shows("reindex", 1)
        assert high > low, "a step with more to say has the room at once"
        assert await shows("drop-new", 2) == high, "a look at another one moves no frame"
        assert await shows("drop-new", 2 + 2.5) == low
