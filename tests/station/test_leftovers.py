"""What a command leaves running: told, asked about after a halt, and ended on a person's word alone."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from patience import LONG, SLOW, little_patience

from quarterdeck.procedure.model import Step
from quarterdeck.record.export import export_session
from quarterdeck.runner.processes import process_table
from quarterdeck.session import intents
from quarterdeck.session.events import CommandEnded, LeftEnded, LeftRunning, payload, sentence
from quarterdeck.session.next_line import next_line
from quarterdeck.station.leftovers import declared

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]

TEXT = """
quarterdeck: 1
id: left
title: Left behind
revision: 1
stages:
  - id: s
    title: S
    steps:
      - id: n
        title: Start the app
        kind: command
        duration: 5s
        mutates: false
        shell: |
          begun() { until grep -q sleep "/proc/$1/comm"; do sleep 0.01; done; }
          nohup sleep 301 > /dev/null 2>&1 & begun $!
          nohup sleep 302 > /dev/null 2>&1 & begun $!
        leaves: ["^sleep 302$"]
      - {id: m, title: Look, kind: manual, duration: 5s, mutates: false}
"""


def facts(lead: Any, kind: Any) -> list[Any]:
    return [payload(event) for event in lead.events if event.kind == kind.kind]


def pids(lead: Any) -> tuple[int, int]:
    """Of the undeclared and of the declared process."""
    (ended,) = facts(lead, CommandEnded)
    (left,), (stays,) = ended.left_behind, ended.stays
    return int(left.split()[0]), int(stays.split()[0])


def kill(*numbers: int) -> None:
    for pid in numbers:
        if pid in process_table():
            os.kill(pid, signal.SIGKILL)


async def started(opened: Opened, attach: Attach) -> Any:
    lead = await attach(opened(TEXT))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="n"))
    await lead.until(lambda: lead.state("n") == "done")
    return lead


async def halted(lead: Any) -> None:
    await lead.do(intents.Halt(nonce="h1", reason="look"))
    await lead.until(lambda: facts(lead, LeftRunning) != [])


async def test_what_a_command_leaves_running_is_named_and_what_is_declared_is_told_apart(
    opened: Opened, attach: Attach, tmp_path: Path
) -> None:
    lead = await started(opened, attach)
    left, stays = pids(lead)
    try:
        ended = next(event for event in lead.events if event.kind == "command.ended")
        line = sentence(ended, lead.session.plan)
        assert f"left running: {left} " in line
        assert "sleep 301; stays, as declared" in line
        assert line.endswith("sleep 302")
        assert lead.session.steps["n"].runs[0].stays[0].startswith(f"{stays} ")
        paths = export_session(lead.client.folder, tmp_path / "record", ("md", "html", "json")).paths
        for path in paths:
            said = path.read_text()
            assert "sleep 301" in said.split("left_behind", 1)[-1]
            assert "sleep 302" in said
        assert "left running" in next(path for path in paths if path.suffix == ".md").read_text().lower()
    finally:
        kill(left, stays)


async def test_a_halt_asks_about_it_keeps_nothing_and_ends_nothing(opened: Opened, attach: Attach) -> None:
    lead = await started(opened, attach)
    left, stays = pids(lead)
    try:
        await halted(lead)
        assert lead.session.state == "halted"
        (found,) = facts(lead, LeftRunning)
        assert [process.split()[0] for process in found.processes] == [str(left)], (
            "what is declared is not asked about"
        )
        asked = next_line(lead.session, lead.session.last, lead.client.welcome.you)
        assert asked.question == "left"
        assert "sleep 301" in asked.text
        assert {left, stays} <= process_table().keys()
        await lead.do(intents.AnswerLeft(step="n", choice="leave", note="it is production's"))
        assert next_line(lead.session, lead.session.last, lead.client.welcome.you).question == "what_now"
        await lead.do(intents.GoOn(halts=("h1",), reason="fine"))
        await lead.do(intents.Halt(nonce="h2", reason="again"))
        await lead.do(intents.AddNote(text="later"))
        assert len(facts(lead, LeftRunning)) == 1, "it is answered for"
        assert {left, stays} <= process_table().keys()
        assert (await lead.ask(intents.AnswerLeft(step="n", choice="end"))).refusal
    finally:
        kill(left, stays)


async def test_it_is_ended_on_a_person_s_word_and_what_is_declared_goes_on(opened: Opened, attach: Attach) -> None:
    lead = await started(opened, attach)
    left, stays = pids(lead)
    try:
        await halted(lead)
        await lead.do(intents.AnswerLeft(step="n", choice="end"))
        await lead.until(lambda: facts(lead, LeftEnded) != [])
        assert facts(lead, LeftEnded)[0].remaining == ()
        assert left not in process_table()
        assert stays in process_table()
    finally:
        kill(left, stays)


async def test_a_rollback_waits_for_no_answer(opened: Opened, attach: Attach) -> None:
    lead = await started(opened, attach)
    left, stays = pids(lead)
    try:
        await halted(lead)
        await lead.do(intents.RollBack(halts=("h1",), typed="ROLLBACK"))
    finally:
        kill(left, stays)


async def test_what_has_ended_by_itself_is_not_asked_about(opened: Opened, attach: Attach) -> None:
    lead = await started(opened, attach)
    left, stays = pids(lead)
    watched = os.pidfd_open(left)
    kill(left)
    ended, _, _ = await asyncio.to_thread(select.select, [watched], [], [], 20)
    os.close(watched)
    assert ended
    try:
        await lead.do(intents.Halt(nonce="h1", reason="look"))
        await lead.do(intents.AddNote(text="later"))
        assert facts(lead, LeftRunning) == []
        assert next_line(lead.session, lead.session.last, lead.client.welcome.you).question == "what_now"
    finally:
        kill(stays)


async def test_the_question_is_asked_by_the_station_that_comes_after_a_crash(opened: Opened, attach: Attach) -> None:
    lead = await started(opened, attach)
    left, stays = pids(lead)
    try:
        pid = lead.client.welcome.pid
        os.kill(pid, signal.SIGKILL)
        await lead.until(lambda: lead.client.welcome.pid != pid and "station.restarted" in lead.kinds())
        await halted(lead)
        await lead.do(intents.AnswerLeft(step="n", choice="end"))
        await lead.until(lambda: facts(lead, LeftEnded) != [])
        assert left not in process_table()
    finally:
        kill(left, stays)


async def test_a_console_cannot_say_what_is_left(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened(TEXT))
    await lead.do(intents.StartSession())
    for forged in (
        intents.FindLeft(step="n", run="x", processes=("1 root init",)),
        intents.EndLeft(step="n", run="x"),
    ):
        assert "only the station" in (await lead.ask(forged)).refusal


def test_a_pattern_that_takes_too_long_declares_nothing_and_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(id="a", title="A", kind="command", leaves=(SLOW, "^b"))
    with little_patience(monkeypatch):
        assert not declared(step, LONG)
        assert declared(step, "b" * 60)
