"""A session through a real station, from Start to its end."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.errors import StationError
from quarterdeck.host import Peer
from quarterdeck.session import intents
from quarterdeck.session.events import CommandEnded, payload
from quarterdeck.session.parts import Verdict
from quarterdeck.station.halt_files import file_halt
from quarterdeck.station.station import Station
from quarterdeck.station.wire import server
from quarterdeck.station.wire.protocol import PROTOCOL, Ask, Farewell, Hello, decode_from, encode
from quarterdeck.station.wire.server import Server
from quarterdeck.station.wire.start_station import socket_of

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]


async def test_a_session_runs_from_start_to_its_end(opened: Opened, attach: Attach, home: Path) -> None:
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    assert lead.session.steps["hello"].values == {"n": "42"}
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))
    (home / "go").touch()
    await lead.until(lambda: lead.state("long") == "done")
    await lead.do(intents.StartStep(step="look"))
    await lead.do(intents.FinishStep(step="look"))
    await lead.until(lambda: lead.session.state == "validating")
    await lead.do(intents.EndSession())
    await lead.until(lambda: lead.session.state == "completed")
    blob = lead.session.steps["long"].runs[0].blobs[0]
    assert (folder / "blobs" / blob.sha256).read_text() == "begun\nended\n"
    assert not (folder / lead.session.steps["long"].runs[0].spool).exists()


async def test_events_arrive_once_in_order_and_are_marked_as_saved(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    for number in range(30):
        await lead.do(intents.AddNote(text=f"note {number}"))
    await lead.until(lambda: lead.marks is not None and lead.marks.saved == lead.positions[-1])
    assert [event.aseq for event in lead.events] == list(range(1, len(lead.events) + 1))
    assert lead.positions[-1] == len(lead.events)


async def test_r26_what_was_painted_is_told_to_everybody(opened: Opened, attach: Attach) -> None:
    folder = opened()
    first, second = await attach(folder), await attach(folder)
    await first.client.seen(2)
    await second.until(lambda: second.marks is not None and 2 in second.marks.seen.values())


async def test_r26_a_halt_that_is_shown_already_is_not_said_to_be_saved(opened: Opened) -> None:
    station = Station(opened())
    durable = station.hub.journal.saved
    station.hub.published = durable + 1
    try:
        assert (station.marks().saved, station.marks().shared) == (durable, durable)
    finally:
        await station._close()


async def test_a_console_that_comes_later_gets_the_whole_history(opened: Opened, attach: Attach) -> None:
    folder = opened()
    first = await attach(folder)
    for number in range(900):
        first.client._send(Ask(id=100_000 + number, intent=intents.AddNote(text=str(number))))
    await first.until(lambda: len(first.events) == 902)
    second = await attach(folder)
    await second.until(lambda: len(second.events) == 902)
    assert [event.id for event in second.events] == [event.id for event in first.events]
    assert len(second.positions) > 2, "it came in chunks"


async def test_refusals_say_why(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    early = await lead.ask(intents.StartStep(step="hello"))
    assert early.refusal
    assert not early.events
    await lead.do(intents.StartSession())
    assert "no step" in (await lead.ask(intents.StartStep(step="nothing"))).refusal
    assert "does not start" in (await lead.ask(intents.StartStep(step="look"))).refusal
    assert not list((lead.client.folder / "spool").iterdir()), "a refused start leaves no order"


@pytest.mark.parametrize(
    "forged",
    [
        intents.CommandReturned(step="hello", attempt=1, run="x", exit_code=0),
        intents.VerificationRead(step="hello", attempt=1),
        intents.CrashFound(gap=1.0),
        intents.NoteFact(text="all is well"),
        intents.GuardHolds(guard="x", reason="y"),
    ],
)
async def test_a_console_cannot_speak_for_the_station(forged: Any, opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    assert "only the station" in (await lead.ask(forged)).refusal


@pytest.mark.parametrize("name", ["station", "guard", "file", "Station", " station", ""])
async def test_r18_only_what_the_station_itself_starts_is_called_so(
    name: str, opened: Opened, attach: Attach
) -> None:
    with pytest.raises(StationError, match="No client is called"):
        await attach(opened(), via=name)


async def test_r18_a_person_is_who_the_kernel_says_whatever_is_claimed(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "mallory")
    lead = await attach(opened(), tty="mallory")
    await lead.do(intents.AddNote(text="who am I?"))
    await lead.until(lambda: lead.kinds()[-1] == "note.added")
    author = lead.events[-1].actor
    assert (author.login, author.uid) == (pwd.getpwuid(os.getuid()).pw_name, os.getuid())


async def test_r18_a_connection_of_another_user_is_sent_away(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    station = Station(opened())
    door = Server(station.hub, station, said.append)
    monkeypatch.setattr(server, "peer_of", lambda _: Peer(os.getpid(), os.getuid() + 1))
    await door.open()
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket_of(station.folder)))
        writer.write(encode(Hello(protocol=PROTOCOL)))
        first = decode_from(await asyncio.wait_for(reader.readline(), 10))
        writer.close()
    finally:
        await door.close("the test is over")
        await station._close()
    assert first == Farewell(reason="This session belongs to another user")


async def test_a_halt_from_a_console_is_nobody_elses(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    await lead.do(intents.Halt(nonce="forged", source="guard", guard="api-slow"))
    await lead.until(lambda: "forged" in lead.session.halts)
    mark = lead.session.halts["forged"]
    assert (mark.source, mark.guard) == ("person", "")


async def test_a_halt_file_that_names_the_station_is_not_the_stations(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    file_halt(folder, "forged", reason="because", via="station")
    await lead.until(lambda: "forged" in lead.session.halts)
    called = next(event for event in lead.events if event.kind == "halt.called")
    assert called.actor.via == "file"


async def test_a_console_cannot_bring_its_own_launch(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    forged = intents.Launch(run="mine", argv=("rm", "-rf", "x"))
    await lead.do(intents.StartStep(step="hello", launch=forged))
    await lead.until(lambda: lead.state("hello") == "done")
    assert lead.session.steps["hello"].runs[0].argv[0] == "sh"


async def test_a_file_becomes_evidence(opened: Opened, attach: Attach, tmp_path: Path) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    proof = tmp_path / "proof.txt"
    proof.write_text("it was so")
    await lead.do(intents.AddEvidence(step="hello", path=str(proof)))
    await lead.until(lambda: "evidence.added" in lead.kinds())
    blob = next(event for event in lead.events if event.kind == "evidence.added").blobs[0]
    assert (lead.client.folder / "blobs" / blob.sha256).read_text() == "it was so"
    assert "cannot be" in (await lead.ask(intents.AddEvidence(path=str(tmp_path / "none")))).refusal
    assert "whole path" in (await lead.ask(intents.AddEvidence(path="none"))).refusal


SECRET = """
quarterdeck: 1
id: secretive
title: Uses a secret
revision: 1
params:
  token: {type: string, secret: true}
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
stages:
  - id: work
    title: Work
    steps:
      - id: say
        title: Say it
        kind: command
        duration: 5s
        command: [sh, -c, "echo it is $TOKEN"]
        env: {TOKEN: "${token}"}
        mutates: false
      - id: script
        title: Say it in a script
        kind: command
        duration: 5s
        shell: 'test -n "$token" && echo "same $token"'
        mutates: false
"""


def holding(folder: Path, text: bytes) -> list[Path]:
    """Files that hold a text."""
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


async def test_a_secret_reaches_its_command_and_nothing_that_is_kept(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("QD_TEST_TOKEN", "canary-4711")
    folder = opened(SECRET, params={"token": "env:QD_TEST_TOKEN"})
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    for step in ("say", "script"):
        await lead.do(intents.StartStep(step=step))
        await lead.until(lambda step=step: lead.state(step) == "done")
    blob = lead.session.steps["script"].runs[0].blobs[0]
    assert (folder / "blobs" / blob.sha256).read_text() == "same [redacted]\n"
    assert not holding(home, b"canary-4711")
    assert not any("canary-4711" in tail.text for tail in lead.tails)


async def test_a_secret_that_is_missing_refuses_the_start(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened(SECRET, params={"token": "env:QD_TEST_NOT_SET"}))
    await lead.do(intents.StartSession())
    assert "env:QD_TEST_NOT_SET" in (await lead.ask(intents.StartStep(step="say"))).refusal
    assert lead.state("say") == "pending"


KINDS = """
quarterdeck: 1
id: kinds
title: Every kind
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
targets:
  here: {type: local, every: 1s}
checklist:
  - {id: roomy, title: Room on the disk, check: {gauge: "here.storage[/].free", expect: {gte: 1 B}}}
stages:
  - id: work
    title: Work
    steps:
      - id: until
        title: Wait for the window
        kind: wait
        duration: 1s
        until: window.start+1s
        auto_start: true
      - id: until-calm
        title: Wait for the host
        kind: wait
        duration: 1s
        until: here.memory <= 100%
        auto_start: true
      - id: check
        title: Look at the host
        kind: check
        duration: 5s
        verify: [{check: here, within: 10s, every: 1s}, {gauge: here.memory, expect: {lte: 100%}}]
        auto_start: true
      - id: flaky
        title: Succeed the second time
        kind: command
        duration: 5s
        command: [sh, -c, "test -e $0 || { touch $0; exit 3; }", "${quarterdeck.home}/flag"]
        mutates: false
        on_fail: {retry: {max: 2, every: 0.2s}}
        verify: [{command: [cat, "${quarterdeck.home}/flag"], expect: {equals: ""}}]
        auto_start: true
criteria:
  - {id: up, title: The host stayed up, indicator: downtime, downtime: {targets: [here], max: 0s}}
  - {id: worked, title: It worked, indicator: data, steps: [flaky]}
  - {id: users, title: Nobody complained, indicator: satisfaction, asked: lead}
"""


async def test_waits_checks_retries_and_checklist_items_go_by_themselves(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened(KINDS))
    await lead.until(lambda: "roomy" in lead.session.ticks)
    await lead.do(intents.StartSession())
    await lead.until(lambda: lead.session.state == "validating")
    assert lead.session.steps["flaky"].attempt == 2
    assert [proof.ok for proof in lead.session.steps["check"].proofs] == [True, True]
    await lead.do(intents.AnswerCriterion(criterion="users", satisfied=True, note="asked three"))
    await lead.do(intents.EndSession(verdicts=(Verdict("x", "x", "PASS"),)))  # not for a console to say
    await lead.until(lambda: lead.session.is_over)
    assert [verdict.verdict for verdict in lead.session.verdicts] == ["PASS", "PASS", "PASS"]
    started = next(event for event in lead.events if event.kind == "step.done" and event.step == "check")
    watch = getattr(payload(started), "watch", None)
    assert watch is not None
    assert "here.memory" in watch.snapshot


FAR = """
quarterdeck: 1
id: far
title: A far side
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
stages:
  - id: work
    title: Work
    steps:
      - id: far
        title: Work far away
        kind: command
        duration: 60s
        command: [sleep, "60"]
        on_halt: terminate
        progress: {command: [echo, "40"], every: 1s}
        stop: [touch, "${quarterdeck.home}/stopped"]
        gone: {command: [ls, "${quarterdeck.home}/stopped"]}
        undo: {none: nothing is left}
"""


async def test_stop_ends_the_far_side_and_gone_proves_it(opened: Opened, attach: Attach, home: Path) -> None:
    lead = await attach(opened(FAR))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="far"))
    await lead.until(lambda: any(tail.percent == 40 for tail in lead.tails))
    await lead.do(intents.StopCommand(step="far"))
    await lead.until(lambda: lead.state("far") == "interrupted")
    assert (home / "stopped").exists()
    ended = next(event for event in lead.events if event.kind == "command.ended")
    said = payload(ended)
    assert isinstance(said, CommandEnded)
    assert said.gone is not None
    assert said.gone.ok is True
    assert not lead.session.steps["far"].unproven


async def test_a_client_that_was_stopped_is_not_taken_for_the_end_of_its_work(
    opened: Opened, attach: Attach, tmp_path: Path
) -> None:
    client = tmp_path / "ssh"
    client.write_text("#!/bin/sh\nexec sleep 60\n")
    client.chmod(0o755)
    step = FAR.replace('[sleep, "60"]', f"[{client}, db02, work]")
    folder = opened("\n".join(line for line in step.split("\n") if "stop:" not in line and "gone:" not in line))
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="far"))
    await lead.until(lambda: any(tail.percent == 40 for tail in lead.tails))
    await lead.client.halt("enough")
    await lead.until(lambda: lead.state("far") == "interrupted")
    assert lead.session.state == "halting"
    assert lead.session.steps["far"].reason == "ended by the halt; local client stopped, remote state unknown"
    await lead.do(intents.DeclareGone(step="far", note="looked on db02"))
    assert lead.session.state == "halted"
