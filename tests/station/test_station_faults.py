"""What a station survives: killed, hung, slow consoles, a second one, nobody there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from stationkit import SMALL, station_pid

from quarterdeck.errors import StationError
from quarterdeck.logbook.lock import is_held
from quarterdeck.session import intents
from quarterdeck.station.halt_files import file_halt
from quarterdeck.station.wire.blocking_client import ask_once, history_of
from quarterdeck.station.wire.client import Client
from quarterdeck.station.wire.protocol import Ask, Farewell, Happened, Hello, decode_from, encode
from quarterdeck.station.wire.start_station import answers, socket_of, start_station

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]


async def gone(pid: int, seconds: float = 45.0) -> None:
    """Wait until a process that is not our child has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{pid} lives")


async def there(path: Path, seconds: float = 45.0) -> None:
    """Wait until a file that another process makes is there."""
    async with asyncio.timeout(seconds):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
            await asyncio.sleep(0.01)


async def long_running(lead: Any) -> None:
    """Start the session's long command, and see it work."""
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))


async def test_kill_9_of_the_station_in_mid_command_loses_nothing(opened: Opened, attach: Attach, home: Path) -> None:
    folder = opened()
    lead = await attach(folder)
    await long_running(lead)
    acknowledged = [
        event for number in range(20) for event in (await lead.do(intents.AddNote(text=str(number)))).events
    ]
    pid = lead.client.welcome.pid
    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    await lead.until(lambda: lead.client.welcome.pid != pid and "station.restarted" in lead.kinds())
    assert time.monotonic() - killed_at < 5.0
    assert set(acknowledged) <= {event.id for event in lead.events}
    assert len({event.id for event in lead.events}) == len(lead.events), "only what is new came again"
    assert lead.session.state == "paused"
    assert lead.state("long") == "running"
    (home / "go").touch()
    await lead.until(lambda: lead.state("long") == "done")
    assert lead.session.state == "paused"
    started = [event for event in lead.events if event.kind == "step.started" and event.step == "long"]
    assert len(started) == 1, "nothing is run again by itself"
    copy = history_of(folder)
    assert [event.id for event in copy.events] == [event.id for event in lead.events]


async def test_a_command_that_ended_while_no_station_lived_is_recorded(
    opened: Opened, attach: Attach, home: Path
) -> None:
    folder = opened()
    first = await attach(folder)
    await long_running(first)
    run = first.session.steps["long"].runs[-1].id
    pid = first.client.welcome.pid
    await first.close()
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    (home / "go").touch()
    await there(folder / "spool" / run / "result.json")
    second = await attach(folder)
    await second.until(lambda: second.state("long") == "done")
    restarted = next(event for event in second.events if event.kind == "station.restarted")
    assert b'"long":"finished"' in bytes(restarted.data)


async def test_a_command_whose_runner_died_with_the_station_is_unknown(opened: Opened, attach: Attach) -> None:
    folder = opened()
    first = await attach(folder)
    await long_running(first)
    run = first.session.steps["long"].runs[-1].id
    pid = first.client.welcome.pid
    await first.close()
    os.kill(pid, signal.SIGKILL)
    note = (folder / "spool" / run / "runner.json").read_text()
    for who in ("runner", "child"):
        os.kill(json.loads(note)[who]["pid"], signal.SIGKILL)
    await gone(pid)
    second = await attach(folder)
    await second.until(lambda: second.state("long") == "unknown")
    assert second.session.steps["long"].effect == "unknown"
    assert second.session.state == "paused"


async def test_the_progress_of_a_command_is_asked_again_after_kill_9(opened: Opened, attach: Attach) -> None:
    asks = '        progress: {command: [echo, "40"], every: 1s}\n        on_halt: terminate\n'
    folder = opened(SMALL.replace("        on_halt: terminate\n", asks))
    first = await attach(folder)
    await long_running(first)
    pid = first.client.welcome.pid
    await first.close()
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    second = await attach(folder)
    await second.until(lambda: any(tail.percent == 40 for tail in second.tails))


CONSOLE = """
import asyncio, sys
from pathlib import Path
from quarterdeck.session.intents import AddNote
from quarterdeck.station.wire.client import Client

async def main():
    client = await Client.connect(Path(sys.argv[1]))
    await client.ask(AddNote(text="I was here"))
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_kill_9_of_a_console_changes_nothing(opened: Opened, attach: Attach, home: Path) -> None:
    folder = opened()
    argv = [sys.executable, "-c", CONSOLE, str(folder)]
    console = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert console.stdout is not None
    await console.stdout.readline()
    lead = await attach(folder)
    await long_running(lead)
    pid = lead.client.welcome.pid
    console.kill()
    await console.wait()
    await lead.until(lambda: lead.standing is not None and lead.standing.consoles == 1)
    (home / "go").touch()
    await lead.until(lambda: lead.state("long") == "done")
    assert lead.client.welcome.pid == pid
    assert lead.session.state == "running"


async def test_halt_works_within_a_second_while_the_station_hangs(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    await long_running(lead)
    run = lead.session.steps["long"].runs[-1].id
    os.kill(lead.client.welcome.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        halting = asyncio.create_task(lead.client.halt("it hangs", timeout=2.0))
        await there(folder / "spool" / run / "result.json")
        took = time.monotonic() - began
        assert await halting is None, "nobody confirmed"
        assert took < 2.0  # the mark is a second; another second for a loaded machine
        await lead.until(lambda: lead.client.state == "hung", 8)
    finally:
        os.kill(lead.client.welcome.pid, signal.SIGCONT)
    await lead.until(lambda: lead.client.state != "hung" and lead.session.state == "halted")
    called = [event for event in lead.events if event.kind == "halt.called"]
    assert len(called) == 1
    assert lead.session.steps["long"].state == "interrupted"


async def test_a_hung_station_keeps_no_verb_waiting(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    os.kill(lead.client.welcome.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(StationError, match="did not answer"):
            await asyncio.to_thread(ask_once, folder, intents.AddNote(text="x"), timeout=1.0)
        assert time.monotonic() - began < 3.0
    finally:
        os.kill(lead.client.welcome.pid, signal.SIGCONT)


async def test_a_halt_that_was_filed_while_nobody_lived_counts_at_the_start(opened: Opened, attach: Attach) -> None:
    folder = opened()
    file_halt(folder, "0123456789abcdef", reason="not tonight")
    lead = await attach(folder)
    await lead.until(lambda: lead.session.live_halts() == ("0123456789abcdef",))
    assert lead.session.halts["0123456789abcdef"].reason == "not tonight"
    assert "halt" in (await lead.ask(intents.StartSession())).refusal


async def test_a_halt_file_stops_a_living_station_within_a_second(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    await long_running(lead)
    file_halt(folder, "feedbeef", reason="seen from elsewhere")
    await lead.until(lambda: bool(lead.session.live_halts()), 2.0)
    await lead.until(lambda: lead.session.state == "halted")


async def test_a_console_that_never_reads_keeps_nobody_waiting(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    frozen = socket.socket(socket.AF_UNIX)
    frozen.connect(str(socket_of(folder)))
    frozen.sendall(encode(Hello(protocol=1)))
    text = "x" * 4000
    slowest = 0.0
    for number in range(400):
        began = time.monotonic()
        if number % 20 == 0:
            await lead.do(intents.AddNote(text=text))
            slowest = max(slowest, time.monotonic() - began)
        else:
            lead.client._send(Ask(id=10_000 + number, intent=intents.AddNote(text=text)))
    await lead.until(lambda: lead.kinds().count("note.added") == 400)
    assert slowest < 2.0

    def read_all() -> int:
        frozen.settimeout(10)
        seen = 0
        with frozen, frozen.makefile("rb") as stream:
            for line in stream:
                frame = decode_from(line)
                if isinstance(frame, Happened):
                    seen = frame.position
                    if seen == len(lead.events):
                        break
        return seen

    assert await asyncio.to_thread(read_all) == len(lead.events), "it gets all when it reads again"


async def test_a_console_that_asks_and_never_reads_is_left(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)

    def flood() -> bool:
        flooding = socket.socket(socket.AF_UNIX)
        flooding.settimeout(10)
        flooding.connect(str(socket_of(folder)))
        flooding.sendall(encode(Hello(protocol=1, watching=False)))
        line = encode(Ask(id=1, intent=intents.StartStep(step="nothing" * 50)))
        try:
            for _ in range(60_000):
                flooding.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            return True
        finally:
            flooding.close()
        return False

    assert await asyncio.to_thread(flood)
    await lead.do(intents.AddNote(text="still here"))


async def test_two_stations_for_one_session_become_one(opened: Opened) -> None:
    folder = opened()
    await asyncio.gather(*(asyncio.to_thread(start_station, folder) for _ in range(3)))
    assert answers(folder)
    first = station_pid(folder)
    assert first
    await asyncio.to_thread(start_station, folder)
    assert station_pid(folder) == first


async def test_a_station_leaves_when_nothing_needs_it(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_LINGER", "0.2")
    folder = opened()
    lead = await attach(folder)
    pid = lead.client.welcome.pid
    await lead.client.leave()
    await gone(pid)
    assert not is_held(folder / "lock")
    assert not socket_of(folder).exists()
    answered = await asyncio.to_thread(ask_once, folder, intents.AddNote(text="back"))
    assert answered.events, "and comes back on demand"


async def test_a_station_never_leaves_a_live_session(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_LINGER", "0.1")
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    pid = lead.client.welcome.pid
    await lead.client.leave()
    await asyncio.sleep(2.5)
    assert station_pid(folder) == pid


async def test_ending_from_a_console_ends_the_station_at_once(opened: Opened, attach: Attach) -> None:
    lead = await attach(opened())
    pid = lead.client.welcome.pid
    await lead.client.leave(end=True)
    await gone(pid, 5)


async def test_sighup_does_not_end_it_and_sigterm_ends_it_well(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder, start=False) if answers(folder) else await attach(folder)
    pid = lead.client.welcome.pid
    os.kill(pid, signal.SIGHUP)
    await lead.do(intents.AddNote(text="still here"))
    lead.client._start = False
    os.kill(pid, signal.SIGTERM)
    await lead.until(lambda: bool(lead.farewell))
    await gone(pid)


async def test_another_protocol_is_told_which_version_to_use(opened: Opened, attach: Attach) -> None:
    folder = opened()
    await attach(folder)
    reader, writer = await asyncio.open_unix_connection(str(socket_of(folder)))
    writer.write(encode(Hello(protocol=99)))
    frame = decode_from(await reader.readline())
    writer.close()
    assert isinstance(frame, Farewell)
    assert "use Quarterdeck" in frame.reason


async def test_rubbish_on_the_socket_harms_nobody(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    for rubbish in (b"\xff\xfe\n", b"{}\n", b'{"f":"Ask","id":1}\n', b"x" * 200_000 + b"\n"):
        reader, writer = await asyncio.open_unix_connection(str(socket_of(folder)))
        writer.write(rubbish)
        assert isinstance(decode_from(await reader.readline()), Farewell)
        writer.close()
    lead.client._line.writer.write(b"no frame\n")
    await lead.do(intents.AddNote(text="still here"))


async def test_without_a_station_nobody_starts_one_unasked(opened: Opened) -> None:
    folder = opened()
    with pytest.raises(StationError, match="No station"):
        await Client.connect(folder, start=False)
    assert station_pid(folder) == 0


async def test_a_folder_that_is_no_session_is_refused(home: Path) -> None:
    with pytest.raises(StationError):
        await Client.connect(home / "sessions" / "nothing-here" / "x")


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
async def test_kill_9_at_random_times_loses_nothing_acknowledged(opened: Opened, attach: Attach, rounds: int) -> None:
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    chance = random.Random(rounds)
    acknowledged: set[str] = set()

    async def note_on_and_on() -> None:
        number = 0
        while True:
            number += 1
            try:
                acknowledged.update((await lead.ask(intents.AddNote(text=str(number)))).events)
            except StationError:
                await asyncio.sleep(0.02)

    noting = asyncio.create_task(note_on_and_on())
    for _ in range(rounds):
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        pid = lead.client.welcome.pid
        os.kill(pid, signal.SIGKILL)
        await lead.until(lambda pid=pid: lead.client.welcome.pid != pid and lead.client.state == "connected")
    noting.cancel()
    await asyncio.gather(noting, return_exceptions=True)
    await lead.do(intents.AddNote(text="the last"))
    assert acknowledged <= {event.id for event in lead.events}
    assert [event.aseq for event in lead.events] == list(range(1, len(lead.events) + 1)), "one chain without a hole"
    assert lead.kinds().count("station.restarted") == rounds
    assert lead.session.state == "paused"


async def test_out_of_file_descriptors_refuses_visitors_and_keeps_the_session(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    crowd = []
    resource.prlimit(lead.client.welcome.pid, resource.RLIMIT_NOFILE, (64, 64))
    for _ in range(80):
        visitor = socket.socket(socket.AF_UNIX)
        visitor.setblocking(False)
        with contextlib.suppress(OSError):
            visitor.connect(str(socket_of(folder)))
        crowd.append(visitor)
    await lead.do(intents.AddNote(text="still recorded"))
    answered = await lead.client.halt("a crowd")
    assert answered is not None
    assert lead.session.state == "halted"
    for visitor in crowd:
        visitor.close()
    second = await attach(folder)
    assert second.session.state == "halted"


async def test_a_demo_whose_terminal_vanished_is_abandoned_and_one_that_was_left_is_kept(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_LINGER", "0.5")
    folder = opened(purpose="demo")
    lead = await attach(folder)
    await long_running(lead)
    await lead.client.leave()
    await asyncio.sleep(2.0)
    second = await attach(folder)
    assert second.session.state == "running", "somebody who says goodbye comes back"
    pid = second.client.welcome.pid
    await second.client.close()
    await gone(pid, 20)
    told = await asyncio.to_thread(history_of, folder, start=True)
    assert told.events[-1].kind == "session.abandoned"


async def test_a_demo_that_is_ended_from_its_console_is_halted_and_abandoned(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_LINGER", "0.5")
    folder = opened(purpose="demo")
    lead = await attach(folder)
    await long_running(lead)
    pid = lead.client.welcome.pid if lead.client.welcome else 0
    await lead.client.leave(end=True)
    await gone(pid, 20)
    told = await asyncio.to_thread(history_of, folder, start=True)
    assert [event.kind for event in told.events].count("halt.called") == 1
    assert told.events[-1].kind == "session.abandoned"
