"""One zone a screen, and it is named: a console far from its station mixes no two clocks."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import msgspec
import pytest
from fake_station import LEAD, FakeStation
from hands_helm import helm
from test_hands_scripts import Paper

from quarterdeck.console.commands.plan_change import parse_time
from quarterdeck.console.panes.header import HeaderPane
from quarterdeck.console.plain import PlainDesk
from quarterdeck.session import intents
from quarterdeck.spans import hour

HERE = 180
"""Minutes east of UTC of this console; the station of these tests writes UTC."""


@pytest.fixture(autouse=True)
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process in a zone three hours east."""
    monkeypatch.setenv("TZ", "FAR-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def begun() -> FakeStation:
    made = FakeStation()
    made.must(intents.StartSession())
    return made


def hours(text: str) -> set[str]:
    return set(re.findall(r"\b\d\d:\d\d\b", text))


async def test_header_log_and_bars_of_a_screen_have_its_zone_and_the_header_names_it() -> None:
    made = begun()
    window = made.session.window
    assert window is not None
    ends = {hour(window.start, HERE), hour(window.end, HERE)}
    async with helm(station=made) as at:
        snapshot = at.snapshot
        assert snapshot.off == HERE
        (said,) = [line.text for line in snapshot.log if line.kind == "session.started"]
        assert hours(said) == ends
        for width in (80, 120):
            row = "".join(text for text, _ in at.app.screen.query_one(HeaderPane).row(snapshot, 0, width))
            assert row.rstrip().endswith("UTC+03:00")
        await at.press("ctrl+p")
        await at.write("extend")
        assert hours(at.title) == {hour(window.end, HERE)}


async def test_what_is_typed_into_a_bar_is_read_in_the_zone_of_the_screen() -> None:
    noon = 1_800_000_000.0 // 86_400 * 86_400 + 43_200
    assert parse_time("15:00", noon, HERE) == noon
    assert hour(parse_time("2026-11-29T02:00", noon, HERE), 0) == "23:00"
    assert hour(parse_time("2026-11-29T02:00Z", noon, HERE), 0) == "02:00"


async def test_plain_mode_names_its_zone_first_and_keeps_to_it() -> None:
    made, out = begun(), Paper()
    window = made.session.window
    assert window is not None
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    running = asyncio.create_task(PlainDesk(made.connect, out).run(lines.get))
    await out.shows("NEXT: ")
    lines.put_nowait(None)
    await running
    said = out.getvalue().splitlines()
    assert said[0] == "Times are UTC+03:00."
    (started,) = [line for line in said if "window" in line]
    assert hours(started) <= {hour(made.wall, HERE), hour(window.start, HERE), hour(window.end, HERE)}


async def test_two_consoles_of_one_login_are_told_apart_by_their_terminals() -> None:
    made = begun()
    first, second = (msgspec.structs.replace(LEAD, tty=f"/dev/pts/{number}") for number in (3, 7))
    async with helm(station=made) as at:
        made.do(intents.AddNote(text="from the first"), first)
        made.do(intents.AddNote(text="from the second"), second)
        made.do(intents.AddNote(text="once more"), first)
        await at.settle()
        said = [line.text for line in at.snapshot.log if line.kind == "note.added"]
    assert "pts" not in said[0], "there was no other yet"
    assert said[1].endswith("(pts/7)")
    assert said[2].endswith("(pts/3)")
