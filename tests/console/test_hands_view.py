"""Leaving, drafts, swallowing, crashes, a station that goes."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
from fake_station import SESSION, FakeStation
from hands_helm import helm
from msgspec.structs import replace
from textual.widgets import Input

from quarterdeck.console.app import Look, QuarterdeckApp
from quarterdeck.console.commands.base import Command
from quarterdeck.console.deck import TabBox
from quarterdeck.console.panes.base import Pane
from quarterdeck.console.screens.form_bar import FormBar
from quarterdeck.console.screens.reader import LiveReader
from quarterdeck.console.store import LOST
from quarterdeck.console.verbs import farewell
from quarterdeck.host import Clocks
from quarterdeck.observer.messages import Reading
from quarterdeck.session import intents
from quarterdeck.station.wire.client import Linked

RUNNING = (intents.StartSession(), intents.StartStep(step="announce"))
COPYING = (*RUNNING, intents.FinishStep(step="announce"), intents.StartStep(step="copy"))


async def test_tab_and_digits_say_why_they_do_nothing() -> None:
    async with helm(*RUNNING, size=(60, 20)) as at:
        await at.press("tab")
        assert at.said[-1] == "60x20 has room for one pane: 80x24 shows the others in tabs"
        await at.press("2")
        assert at.said[-1] == "60x20 has room for one pane: 80x24 shows the others in tabs"
    async with helm(*RUNNING) as at:
        await at.press("2")
        assert at.said[-1] == "No tabs here: tab goes to the next pane"
        said = len(at.said)
        await at.press("tab")
        assert len(at.said) == said
    async with helm(*RUNNING, size=(80, 24)) as at:
        await at.press("7")
        assert at.said[-1] == "The tabs are 1 to 4"


async def test_q_asks_what_of_a_live_session_and_says_how_to_come_back() -> None:
    async with helm(*RUNNING) as at:
        await at.press("Q")
        assert f"quarterdeck attach {SESSION}" in at.form.fields[0].choices[0].detail
        await at.press("D")
    assert at.station.left is False
    assert at.app.return_value == 3
    said = farewell(at.app.link.session, detached=at.app.desk.detached)
    assert said == f"The session goes on. Come back with: quarterdeck attach {SESSION}"


async def test_q_leaves_a_session_that_is_not_live_at_once() -> None:
    async with helm() as at:
        await at.press("Q")
    assert at.station.left is False
    said = farewell(at.app.link.session, detached=at.app.desk.detached)
    assert said == f"Nothing of it has been started. Come back with: quarterdeck attach {SESSION}"


async def test_letters_are_swallowed_after_events_closed_a_bar_until_nobody_typed_for_a_second() -> None:
    async with helm(*COPYING) as at:
        await at.press("E")
        await at.write("1", enter=False)
        at.station.ends("copy")
        await at.settle()
        assert not at.asks
        await at.strike("P")
        await at.settle()
        assert at.state == "running"
        at.app.keys._swallow_since = time.monotonic() - 1.1
        await at.press("P")
        assert at.state == "paused"


async def test_halt_is_not_swallowed() -> None:
    async with helm(*COPYING) as at:
        await at.press("E")
        at.station.ends("copy")
        await at.settle()
        await at.strike("H")
        await at.settle()
        assert at.state == "halted"


async def test_a_draft_is_there_again_when_the_bar_opens_again() -> None:
    async with helm(*COPYING) as at:
        await at.press("T")
        await at.write("the table is wro", enter=False)
        assert isinstance(at.screen, FormBar)
        at.app.keys._close(at.screen, "for this test")
        at.app.keys._swallow_since = None
        await at.settle()
        assert not at.asks
        await at.press("T")
        await at.write("ng")
        assert at.asked(intents.StopCommand)[0].reason == "the table is wrong"


async def test_everything_watched_stands_in_full_and_lives_on() -> None:
    why = "says fail; postgres unreachable; " + "; ".join(f"node{number} fail: no answer" for number in range(12))
    values: dict[str, float | str] = {
        "latency": 0.118, "connect": 0.0031, "tls": 0.0124, "code": 503.0, "value[checks.db.status]": "fail",
        "value[checks.db.observedValue]": 0.95, "status": "critical",
    }  # fmt: skip
    reading = Reading(
        target="api", at=time.time(), boot=Clocks().boot(), status="critical", raw="critical", values=values,
        units={"value[checks.db.observedValue]": "s"}, message=why, interval=2.0, max_age=6.0,
    )  # fmt: skip
    async with helm(*RUNNING) as at:
        await at.reads(reading)
        await at.press("m")
        assert isinstance(at.screen, LiveReader)
        shown = lines(at.screen.pane)
        assert any(re.match(r" \S api  critical, \d s old, http$", line) for line in shown)
        assert why in " ".join(line.strip() for line in shown)
        told = dict(
            re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in shown if re.match(r"   \S+ {2,}\S", line)
        )
        assert told == {
            "latency": "118 ms", "connect": "3.1 ms", "tls": "12.4 ms", "code": "503 Service Unavailable",
            "checks.db.status": "fail", "checks.db.observedValue": "950 ms",
        }  # fmt: skip
        await at.reads(replace(reading, status="ok", raw="ok", message="", values={"latency": 0.05}))
        assert any(" api  ok, " in line for line in lines(at.screen.pane))
        await at.press("escape")
        assert not isinstance(at.screen, LiveReader)


def lines(pane: Pane) -> list[str]:
    """A pane's rows as text, those beyond its end too."""
    assert pane.snapshot is not None
    count = pane.row_count(pane.snapshot)
    return ["".join(text for text, _ in pane.row(pane.snapshot, y, 80)) for y in range(count)]


async def test_when_the_station_is_gone_keys_say_so() -> None:
    async with helm(*RUNNING) as at:
        at.app.link.take(Linked("closed", "it left"))
        await at.settle()
        await at.press("P")
        assert "the station is gone" in at.said[-1]
        assert at.snapshot.contact == "lost"


async def test_an_exception_in_a_handler_leaves_a_file_and_one_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))

    class Broken(Command):
        """Breaks, for a test of what is left."""

        id = "broken"
        title = "Break"
        of_view = True

        async def run(self, desk: object) -> None:
            del desk
            raise ZeroDivisionError("secret-free")

    async def leads() -> None:
        async with helm(*RUNNING) as at:
            apps.append(at.app)
            at.app.keys.start(Broken())
            await at.settle()

    apps: list[QuarterdeckApp] = []
    with pytest.raises(Exception, match="secret-free"):
        await leads()
    app = apps[0]
    assert app.crash is not None
    assert f"quarterdeck attach {SESSION}" in app.crash.line
    assert app.crash.path is not None
    assert "ZeroDivisionError" in app.crash.path.read_text()
    assert "Traceback" not in capsys.readouterr().err


async def test_what_was_painted_is_said_to_the_station() -> None:
    async with helm(*RUNNING) as at:
        assert at.station.painted == len(at.station.events)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50), (40, 10), (1, 1)])
async def test_every_size_shows_something_and_halts(size: tuple[int, int]) -> None:
    async with helm(*RUNNING, station=FakeStation(), size=size) as at:
        await at.press("H")
        assert at.state == "halting"


async def test_a_start_bar_at_80x24_shows_where_it_runs_and_its_halt_button() -> None:
    async with helm(*RUNNING, intents.FinishStep(step="announce"), size=(80, 24)) as at:
        await at.press("S")
        region = at.screen.query_one("#large").region
        assert region.height >= 1
        assert region.bottom <= 24
        foot = at.screen.query_one(".foot").region
        assert foot.bottom <= 24
        assert foot.height == 1


async def test_a_long_form_at_80x24_scrolls_and_keeps_its_halt_button() -> None:
    async with helm(*RUNNING, size=(80, 24)) as at:
        await at.press("A")
        assert at.screen.query_one(".foot").region.bottom <= 24
        for name in at.screen.query(Input):
            name.focus()
            await at.settle()
            assert name.region.bottom <= 23


async def test_enter_alone_in_the_palette_never_halts() -> None:
    async with helm(*RUNNING) as at:
        await at.press("ctrl+p", "enter")
        assert at.asked(intents.Halt) == []


async def test_numbers_show_the_tabs_of_a_small_terminal() -> None:
    async with helm(*RUNNING, size=(80, 24)) as at:
        await at.press("4")
        assert at.screen.query_one(TabBox).shown == 3


async def test_a_poor_terminal_gets_nothing_but_ascii() -> None:
    async with helm(*RUNNING, intents.FinishStep(step="announce"), look=Look(ascii=True)) as at:
        at.app.desk.say("Caf\u00e9 \u00b7 \u201cquoted\u201d \u2192 \u6f22")
        for keys in ("S", "escape", "?", "escape", "ctrl+p"):
            await at.press(keys)
            lines = at.screen._compositor.render_full_update().render_segments(at.app.console)
            assert not [character for character in lines if not character.isascii()]


async def test_letters_never_overtake_a_backspace() -> None:
    async with helm(*RUNNING) as at:
        await at.press("n")
        await at.strike(*"abc", *["backspace"] * 3, *"ROLLBACKK", "backspace")
        assert at.screen.query_one(Input).value == "ROLLBACK"


async def test_enter_saves_what_was_typed_before_it() -> None:
    async with helm(*RUNNING) as at:
        await at.press("n")
        await at.strike(*"calm", "enter")
        assert at.asked(intents.AddNote)[0].text == "calm"


async def test_what_is_typed_ahead_of_a_bar_presses_no_keys() -> None:
    async with helm(*RUNNING, intents.FinishStep(step="announce")) as at:
        await at.strike("S", "P", "K", "A")
        assert at.title == "Start 2 Copy the table"
        assert at.asked(intents.Pause) == []


@pytest.mark.parametrize(("typed", "title"), [("n", "Note"), ("no", "")])
async def test_a_key_that_comes_while_a_command_is_on_its_way_counts_when_it_is_through_a_word_does_not(
    typed: str, title: str
) -> None:
    async with helm(*RUNNING) as at:
        link, may_answer = at.app.link, asyncio.Event()
        whole = link.ask

        async def late(intent: intents.Intent) -> object:
            answer = await whole(intent)
            await may_answer.wait()
            return answer

        link.ask = late  # type: ignore[method-assign, assignment]
        await at.strike("P")
        assert at.asked(intents.Pause)
        await at.strike(*typed)
        assert not at.app.screen.is_modal
        may_answer.set()
        await at.settle()
        assert at.app.screen.is_modal == bool(title)
        assert at.title.startswith(title)


async def test_what_a_station_takes_back_is_gone_from_the_screen_and_the_log_says_so() -> None:
    async with helm(*RUNNING) as at:
        kept = len(at.station.events)
        at.station.must(intents.Pause(reason="a phantom"), intents.AddNote(text="said on it"))
        await at.settle()
        assert (at.app.link.session.state, at.app.link.position) == ("paused", kept + 2)
        at.station.take_back(kept)
        await at.settle()
        assert (at.app.link.session.state, at.app.link.position) == ("running", kept)
        said = [line.text for line in at.app.link.log]
        assert not [text for text in said if "phantom" in text or "said on it" in text]
        assert said[-1] == LOST
        assert not [line.text for line in at.snapshot.log if "phantom" in line.text], "nor on the screen"
        await at.press("P")
        assert at.state == "paused", "it goes on"
