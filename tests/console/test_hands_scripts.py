"""Scripts and secrets as a person meets them: the start bar, the banner, the preview of a rollback, plain mode."""

from __future__ import annotations

import asyncio
import io

from fake_station import ITSELF, FakeStation
from hands_helm import helm

from quarterdeck.console.panes.banner import Trouble, troubles
from quarterdeck.console.panes.step_details import details
from quarterdeck.console.plain import PlainDesk
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.store import LOST
from quarterdeck.console.theme import look_of
from quarterdeck.session import intents

TEXT = """
quarterdeck: 1
id: scripts
title: Scripts and secrets
revision: 1
params:
  token: {type: string, secret: true, default: "env:OPS_TOKEN"}
  spare: {type: string, secret: true, default: "env:OPS_SPARE"}
stages:
  - id: one
    title: One
    steps:
      - id: pack
        title: Pack the archive
        kind: command
        duration: 1m
        shell: "tar czf a.tgz a"
        interpreter: bash
        undo: [{id: unpack, title: Unpack it, kind: command, duration: 1m, shell: "login $token; rm a.tgz"}]
      - id: send
        title: Send it
        kind: command
        duration: 1m
        shell: "send --token $token a.tgz"
        errexit: false
        undo: {none: It is sent}
"""
MISSING = "secret token is not set"
HINT = "export OPS_TOKEN, then attach from that shell"


class Paper(io.StringIO):
    """What plain mode prints, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    def write(self, text: str) -> int:
        self.news.set()
        return super().write(text)

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(45):
            while text not in self.getvalue():
                self.news.clear()
                await self.news.wait()


def station(**unset: str) -> FakeStation:
    made = FakeStation(TEXT)
    made.unset = unset
    return made


async def test_the_start_bar_says_which_shell_and_whether_it_stops_at_a_failing_line() -> None:
    made = station()
    made.must(intents.StartSession())
    async with helm(station=made) as at:
        await at.press("S")
        assert "runs   bash: tar czf a.tgz a" in at.form.lines
        assert "script bash, stops at the first line that fails" in at.form.lines
        await at.press("enter")
        made.ends("pack")
        await at.settle()
        await at.press("S")
        assert "script /bin/sh, goes on after a line that fails" in at.form.lines
        assert "gets   the secret token" in at.form.lines


async def test_the_start_bar_says_what_is_not_set_and_not_handed_over() -> None:
    made = station(spare="env:OPS_SPARE")
    made.must(intents.StartSession())
    async with helm(station=made) as at:
        await at.press("S")
        assert "not    the secret spare: it is not set, and the script does not name it" in at.form.lines
        assert troubles(at.snapshot) == [], "nothing that is planned names it"


async def test_what_later_steps_and_undos_need_is_said_at_once_and_before_start() -> None:
    async with helm(station=station(token="env:OPS_TOKEN")) as at:
        assert Trouble(f"{MISSING}: Unpack it and 1 more need it", HINT, "badge-warn") in troubles(at.snapshot)
        await at.press("S")
        assert at.title == "Start: Scripts and secrets"
        assert any(line.startswith(f"MISSING {MISSING}") and line.endswith(HINT) for line in at.form.lines)


async def test_the_preview_of_a_rollback_says_what_its_undos_need() -> None:
    made = station(token="env:OPS_TOKEN")
    made.must(intents.StartSession(), intents.StartStep(step="pack"))
    made.ends("pack")
    made.halt_elsewhere("look")
    async with helm(station=made) as at:
        assert any(found.what.startswith(MISSING) for found in troubles(at.snapshot))
        await at.press("B")
        assert f"MISSING {MISSING}: Unpack it needs it · {HINT}" in at.form.lines


async def test_nothing_is_said_of_a_secret_that_nothing_will_need_any_more() -> None:
    made = station(token="env:OPS_TOKEN")
    made.must(intents.StartSession(), intents.Halt(nonce="h", reason="over"))
    made.must(intents.Abandon(reason="over", handover="nobody", halts=("h",)))
    async with helm(station=made) as at:
        assert troubles(at.snapshot) == []


def left_running() -> FakeStation:
    made = station()
    made.must(intents.StartSession(), intents.StartStep(step="pack"))
    made.ends("pack", left_behind=("301 ada sleep 301",), stays=("302 ada nginx: master",))
    return made


def found(made: FakeStation) -> None:
    made.halt_elsewhere("look")
    run = made.session.steps["pack"].runs[-1]
    made.do(intents.FindLeft(step="pack", run=run.id, processes=run.left), ITSELF)


async def test_what_a_command_left_running_is_asked_before_what_now_and_answered_by_enter() -> None:
    made = left_running()
    found(made)
    async with helm(station=made) as at:
        assert "1 Pack the archive left 301 ada sleep 301 running" in at.snapshot.next_line.text
        await at.press("enter")
        assert at.title == "1 Pack the archive left something running. Leave it or end it?"
        assert at.form.lines == ("301 ada sleep 301",)
        await at.press("1")
        await at.write("it is production's")
        assert made.asked[-1] == intents.AnswerLeft(step="pack", choice="leave", note="it is production's")
        assert at.title == "Halted: what now?"


async def test_a_rollback_is_offered_while_what_was_left_is_not_answered() -> None:
    made = left_running()
    found(made)
    async with helm(station=made) as at:
        await at.press("B")
        assert at.title.startswith("Roll back: from here")


async def test_the_detail_of_a_step_names_what_it_left_running_and_what_stays() -> None:
    made = left_running()
    async with helm(station=made) as at:
        assert rows(at.snapshot, "left") == "301 ada sleep 301 (when its command ended)"
        assert rows(at.snapshot, "stays") == "302 ada nginx: master (as declared)"
        found(made)
        await at.settle()
        assert "not answered" in rows(at.snapshot, "left")
        made.must(intents.AnswerLeft(step="pack", choice="end", note="a test's"))
        await at.settle()
        assert rows(at.snapshot, "left") == "301 ada sleep 301 (is being ended: a test's)"


def rows(snapshot: Snapshot, label: str) -> str:
    """What stands beside a label in the detail of the first step."""
    for row in details(snapshot, "pack", 110, look_of(None)):
        text = "".join(piece for piece, _ in row)
        if text.strip().startswith(label):
            return text.strip().removeprefix(label).strip()
    return ""


async def test_plain_mode_says_what_is_missing_once() -> None:
    made, out = station(token="env:OPS_TOKEN"), Paper()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    running = asyncio.create_task(PlainDesk(made.connect, out).run(lines.get))
    await out.shows(MISSING)
    made.must(intents.AddNote(text="something else happens"))
    await out.shows("something else happens")
    lines.put_nowait(None)
    await running
    assert out.getvalue().count(MISSING) == 1
    assert HINT in out.getvalue()


async def test_plain_mode_tells_again_what_is_left_where_a_station_takes_back_what_it_told() -> None:
    made, out = FakeStation(), Paper()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    running = asyncio.create_task(PlainDesk(made.connect, out).run(lines.get))
    made.must(intents.AddNote(text="this stays"))
    kept = len(made.events)
    made.must(intents.AddNote(text="a phantom"))
    await out.shows("a phantom")
    made.take_back(kept)
    await out.shows(LOST)
    made.must(intents.AddNote(text="the end"))
    await out.shows("the end")
    lines.put_nowait(None)
    await running
    again = out.getvalue().partition(LOST)[2]
    assert "this stays" in again
    assert "a phantom" not in again
