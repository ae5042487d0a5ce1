"""Every size from 40x12 to 250x70: nothing is cut that has room, nothing overlaps, what matters is there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, cycle

import msgspec
import night
from harness import Harness
from test_panes import screen_text

from quarterdeck.console.panes.base import Pane
from quarterdeck.console.panes.procedure import ProcedurePane
from quarterdeck.console.panes.rows import width_of
from quarterdeck.console.panes.step import StepPane
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.event import Actor
from quarterdeck.session.plan import build

SIZES = [(width, height) for width in (40, 60, 80, 100, 120, 160, 250) for height in (12, 20, 24, 36, 50, 70)]
LONG = (
    "Rebuild the index of the orders table beside the old one, with the shop's writers going on, and swap their names"
)
WIDE = "阶段一 ✅ 数据库的维护工作在夜间进行"


def long_night(state: str) -> Snapshot:
    """A night whose titles, owners, stages, reasons and messages are long, and wide."""
    made = night.session()
    assert made.plan is not None
    procedure = made.plan.procedure
    titles = (LONG, WIDE * 2, "Drain", f"Drain, then {LONG}")
    stages = tuple(
        msgspec.structs.replace(
            stage,
            title=f"{stage.title} {WIDE}" if number % 2 else f"{stage.title}: {LONG}",
            steps=tuple(
                msgspec.structs.replace(
                    step,
                    title=titles[(number + at) % 4],
                    owner="database-administrator" if at == 1 else step.owner,
                    undo_none=f"nothing to take back: {LONG.lower()}" if step.undo_none else "",
                )
                for at, step in enumerate(stage.steps)
            ),
        )
        for number, stage in enumerate(procedure.stages)
    )
    made.plan = build(msgspec.structs.replace(procedure, stages=stages), "x")
    night._STATES[state](made, night.T0)
    message = "its certificate, issued by the company's own authority, ends in 2 days; the chain has two more of them"
    bad = {
        name: msgspec.structs.replace(reading, message=message if reading.status != "ok" else "")
        for name, reading in night.readings().items()
    }
    bad["here"] = msgspec.structs.replace(
        bad["here"], status="warning", message=message, values={**bad["here"].values, "container": 1.0}
    )
    found = night.snapshot_of(made, readings=bad, read_only=f"another one writes here: {LONG}")
    return msgspec.structs.replace(found, me=Actor("dana", role="lead", host="ops1.maintenance.example.org"))


def shown(app: Harness) -> list[Pane]:
    return [pane for pane in app.query(Pane) if pane.size and pane.is_on_screen]


def wrongs(app: Harness, snapshot: Snapshot) -> Iterator[str]:
    text = screen_text(app)
    panes = shown(app)
    for one, other in combinations(panes, 2):
        if one.region.overlaps(other.region):
            yield f"{one} lies over {other}"
    for pane in panes:
        if not app.screen.region.contains_region(pane.region):
            yield f"{pane} is not all on the screen"
        for line in range(pane.size.height):
            row = pane._whole(snapshot, line, pane.row_count(snapshot), pane.size)
            if width_of(row) > pane.size.width:
                yield f"line {line} of {pane} is too wide: {row}"
    if "HALT" not in text and not snapshot.session.is_over:
        yield "no HALT"
    if snapshot.next_line.text[:8] not in text:
        yield f"no next line: {snapshot.next_line.text}"
    yield from _in_the_list(app, snapshot)


def _in_the_list(app: Harness, snapshot: Snapshot) -> Iterator[str]:
    pane = app.deck.pane("procedure")
    if not isinstance(pane, ProcedurePane) or pane not in shown(app):
        return
    lines = [
        "".join(part for part, _ in pane.row(snapshot, y, pane.content_width))
        for y in range(pane.top, min(pane.lines.count, pane.top + pane.size.height))
    ]
    if snapshot.selected and not any(line.startswith("▌") for line in lines):
        yield f"the selected step is out of sight: {lines}"
    room = pane.size.height - pane.lines.count
    cut = [line for line in lines if "…" in line]
    if room > 0 and cut:
        yield f"{room} lines are empty, and these are cut: {cut}"
    step = app.deck.pane("step")
    if isinstance(step, StepPane) and step in shown(app) and (room < 0 or cut):
        spare = step.size.height - step.wanted_rows(snapshot)
        if spare > 0:
            yield f"the step has {spare} lines that the list needs: {room}, {cut}"


def later(snapshot: Snapshot, seconds: float) -> Snapshot:
    """The same on clocks that went on: what gives room back has rested by then."""
    readings = {
        name: msgspec.structs.replace(reading, boot=reading.boot + seconds)
        for name, reading in snapshot.readings.items()
    }
    return msgspec.structs.replace(snapshot, boot=snapshot.boot + seconds, readings=readings)


async def test_nothing_is_cut_or_hidden_that_has_room_at_any_size() -> None:
    app = Harness(night.snapshot())
    found = []
    others = cycle(("running", "rolling_back", "proposal", "over", "halted", "planned"))
    async with app.run_test(size=(120, 36)) as pilot:
        for number, size in enumerate(SIZES, 1):
            await pilot.resize_terminal(*size)
            other = next(others)
            made = {"long": long_night("running"), "long, halted": long_night("halted"), other: night.snapshot(other)}
            for part, (name, plain) in enumerate(made.items(), 1):
                app.deck.snapshot = snapshot = later(plain, 100 * number + 20 * part)
                await pilot.pause()
                await pilot.pause()
                found += [f"{name} at {size[0]}x{size[1]}: {wrong}" for wrong in wrongs(app, snapshot)]
    assert not found, "\n".join(found)


async def test_what_was_cut_beside_empty_cells_is_whole() -> None:
    snapshot = long_night("running")
    selected = msgspec.structs.replace(snapshot, selected="announce")
    app = Harness(snapshot)
    async with app.run_test(size=(250, 70)) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert "/var/lib/pgsql" in text, "a gauge's label"
        assert "dana@ops1.maintenance.example.org" in text, "a host in the header"
        await pilot.resize_terminal(120, 36)
        app.deck.snapshot = selected
        await pilot.pause()
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert " Database maintenance r3 " in lines[0], "a host's domain goes before the title does"
        assert "lead dana@ops1 " in lines[0]
        said = " ".join(" ".join(lines[2:5]).split())
        assert f"READ ONLY: another one writes here: {LONG}" in said, "a trouble, in two lines"
        left = " ".join(" ".join(line[:62] for line in lines).replace("│", " ").replace("▐", " ").split())
        assert f"{LONG}" in left, "the title of the selected step, in its pane"
        right = " ".join(" ".join(line[62:] for line in lines).replace("│", " ").replace("▐", " ").split())
        assert "its certificate, issued by the company's own authority, ends in 2 days; the chain has two" in right
