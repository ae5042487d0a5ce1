"""What the console says to its person: where the keys are listed, over nothing else, and in the log."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
import night
import pytest
from hands_helm import Helm, helm
from harness import Harness
from test_filters import COPYING
from test_layout import GOOD
from test_panes import screen_text

from quarterdeck.console.layout import Layouts
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.snapshot import Said
from quarterdeck.session import intents

LONG = "; ".join(["8 Verify row counts cannot start: 7 Reindex orders is running since 01:51, by dba at db01"] * 2)


def lines(at: Helm) -> list[str]:
    """What stands on the screen, without the log: that says it as well, below what it had."""
    rows = screen_text(cast("Harness", at.app)).splitlines()
    deck = at.app.view.deck
    log = deck.pane("log") if deck is not None else None
    if log is not None and log.size:
        region = log.region
        for y in region.line_range:
            rows[y] = rows[y][: region.x] + " " * region.width + rows[y][region.right :]
    return rows


async def said(at: Helm, text: str) -> list[str]:
    at.app.desk.say(text, "warning")
    at.app.tick()
    await at.settle()
    return lines(at)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)])
async def test_what_is_said_covers_nothing_but_the_keys_and_goes_again(size: tuple[int, int]) -> None:
    async with helm(*COPYING, size=size) as at:
        for halted in (False, True):
            if halted:
                await at.press("H")
                await at.settle()
            before = lines(at)
            after = await said(at, "It is not so")
            assert after[:-1] == before[:-1], "plan, clocks, NEXT and HALT are where they were"
            assert "! It is not so" in after[-1].replace("  ", " ")
            after = await said(at, LONG)
            grown = 2 if size[0] == 120 else 3
            assert " NEXT " in after[-grown - 2]
            assert "HALT" in "\n".join(after[-grown - 2 :])
            assert LONG[:20] in after[-grown]
            assert before[0] == after[0]
            selected = [line.rstrip("▐ ") for line in before if line.lstrip("║").startswith("▌")]
            assert all(any(line.startswith(row) for line in after) for row in selected), "it stays in sight"
            at.app.desk.hush()
            at.app.tick()
            await at.settle()
            assert lines(at) == before


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_halt_clears_what_is_said_and_the_log_keeps_all_of_it(elsewhere: bool) -> None:
    async with helm(*COPYING, size=(80, 24)) as at:
        await said(at, LONG)
        if elsewhere:
            at.station.must(intents.Halt(nonce="n1", reason="smoke"))
            at.app.tick()
        else:
            await at.press("H")
        await at.settle()
        assert at.state in {"halting", "halted"}
        assert not any(LONG[:20] in line for line in lines(at))
        assert LONG in at.said


async def test_it_is_shown_as_long_as_it_takes_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with helm() as at:
        clock = [1000.0]
        monkeypatch.setattr("quarterdeck.console.desk.time.monotonic", lambda: clock[0])
        for text, seconds in (("short", 7), (LONG, len(LONG) / 15)):
            at.app.desk.say(text, "warning")
            clock[0] += seconds - 0.1
            assert at.app.desk.told == Said(text, "warning")
            clock[0] += 0.2
            assert at.app.desk.told is None


async def test_over_the_session_it_stands_above_the_keys_of_what_lies_there_and_hides_no_field() -> None:
    async with helm(*COPYING, size=(60, 18)) as at:
        for key, size in (("A", (60, 18)), ("?", (60, 18)), ("ctrl+p", (60, 18)), ("ctrl+p", (90, 24))):
            await at.pilot.resize_terminal(*size)
            await at.press(key)
            await at.settle()
            over = at.screen
            assert isinstance(over, Modal), key
            after = await said(at, f"Something else happened: {LONG}")
            (told,), (foot,) = over.query(".said"), over.query(".foot")
            assert told.region.bottom == foot.region.y, key
            assert "HALT" in after[foot.region.y], f"{key}: the button and the keys are in sight"
            assert "! Something else happened" in after[told.region.y]
            focused = over.focused
            if focused is not None:
                assert focused.region.y < told.region.y, key
            for body in over.query("#body"):
                assert body.region.bottom <= told.region.y, f"{key}: what scrolls ends above it"
            at.app.desk.hush()
            at.app.tick()
            await at.settle()
            assert not over.query(".said")
            await at.press("escape")
            await at.settle()


async def test_a_layout_of_ones_own_without_a_line_of_keys_says_it_at_its_foot(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    app = Harness(night.snapshot(), layouts=Layouts(tmp_path), layout="mine")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before = screen_text(app).splitlines()
        app.deck.snapshot = msgspec.structs.replace(night.snapshot(), said=Said("It is not so", "error"))
        await pilot.pause()
        await pilot.pause()
        after = screen_text(app).splitlines()
        assert "! It is not so" in after[-1].replace("  ", " ")
        assert after[-2].split() == before[-1].split()
        app.deck.snapshot = night.snapshot()
        await pilot.pause()
        await pilot.pause()
        assert screen_text(app).splitlines() == before
