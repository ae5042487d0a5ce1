"""The observer as the station has it: a real process, its life and its death; and the schedule inside it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec
import pytest

from quarterdeck.errors import StationError
from quarterdeck.host import Clocks
from quarterdeck.observer import main
from quarterdeck.observer.client import Observer
from quarterdeck.observer.main import BEAT, Pulse
from quarterdeck.observer.messages import Finding, FromObserver, Health, Reading, Watch
from quarterdeck.observer.pipe import FrameError, encode, frames
from quarterdeck.procedure.model import Target

if TYPE_CHECKING:
    from tests.observer.conftest import Server, Watching

T = TypeVar("T")
HERE = Target(type="local", every=0.1)


class Station:
    """Keeps what an observer says and waits for what it should say."""

    def __init__(self) -> None:
        self.messages: list[Reading | Health | Finding] = []
        self._new = asyncio.Event()

    def receive(self, message: Reading | Health | Finding) -> None:
        self.messages.append(message)
        self._new.set()

    async def wait_for(self, kind: type[T], matches: Callable[[T], bool] = lambda _: True) -> T:
        """The first message of a kind that matches, from the first one ever on."""
        seen = 0
        async with asyncio.timeout(45):
            while True:
                for message in self.messages[seen:]:
                    seen += 1
                    if isinstance(message, kind) and matches(message):
                        return message
                self._new.clear()
                await self._new.wait()


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
async def observer(station: Station) -> AsyncIterator[Observer]:
    made = Observer(station.receive)
    yield made
    await made.stop()


async def test_readings_and_health_come_up(observer: Observer, station: Station, server: Server) -> None:
    await observer.start({"here": HERE, "api": Target(type="http", options={"url": server.url()})})
    here = await station.wait_for(Reading, lambda reading: "cpu" in reading.values)
    api = await station.wait_for(Reading, lambda reading: reading.target == "api")
    health = await station.wait_for(Health)
    assert here.target == "here"
    assert api.status == "ok"
    assert abs(api.at - time.time()) < 60
    assert abs(health.skew) < 0.1


async def test_a_target_that_is_set_up_wrongly_reads_as_unknown(observer: Observer, station: Station) -> None:
    await observer.start({"odd": Target(type="htttp"), "here": HERE})
    odd = await station.wait_for(Reading, lambda reading: reading.target == "odd")
    assert odd.status == "unknown"
    assert "did you mean http" in odd.message
    await station.wait_for(Reading, lambda reading: reading.target == "here")


async def test_targets_change_while_it_runs(observer: Observer, station: Station, server: Server) -> None:
    api = Target(type="http", options={"url": server.url()}, every=0.1)
    await observer.start({"api": api})
    await station.wait_for(Reading, lambda reading: reading.target == "api")
    pid = observer.pid
    await observer.change({"api": api, "here": HERE})
    await station.wait_for(Reading, lambda reading: reading.target == "here")
    assert server.connections == 1
    await observer.change({"here": HERE})
    count = len(server.heads)
    await station.wait_for(Health)
    seen = len(station.messages)
    await asyncio.sleep(0.3)
    assert len(server.heads) <= count + 1
    assert not [m for m in station.messages[seen:] if isinstance(m, Reading) and m.target == "api"]
    assert observer.pid == pid


DEAD_RESOLVER = """
import socket, time
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: time.sleep(60) if "dead" in str(host) else real(host, *rest, **more)
from quarterdeck.observer.main import main
main()
"""


async def test_a_resolver_that_hangs_holds_up_neither_other_targets_nor_the_end(server: Server) -> None:
    dead = {
        f"dead{number}": Target(type="http", options={"url": f"http://dead{number}.example/"}, every=0.1, timeout=0.2)
        for number in range(12)
    }
    patient = Target(type="http", options={"url": server.url()}, every=0.1, timeout=20, max_age=20)
    asking = {**dead, "api": patient}
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DEAD_RESOLVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdin is not None
    assert run.stdout is not None
    run.stdin.write(encode(Watch(targets=asking)))
    late: dict[str, int] = dict.fromkeys(dead, 0)
    well = 0
    async with asyncio.timeout(45):
        async for message in frames(run.stdout, msgspec.msgpack.Decoder(FromObserver)):
            if isinstance(message, Reading) and message.target in late:
                assert message.message == f"not done within 200 ms (looking up {message.target}.example)"
                late[message.target] += 1
            elif isinstance(message, Reading):
                assert message.raw == "ok"
                well += all(count >= 2 for count in late.values())
            if well >= 2:
                break
    run.stdin.close()
    assert await asyncio.wait_for(run.wait(), 30) == 0


async def test_killed_it_is_started_again_and_that_is_a_finding(observer: Observer, station: Station) -> None:
    await observer.start({"here": HERE})
    await station.wait_for(Reading)
    first = observer.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    died = await station.wait_for(Finding)
    assert died.what == "observer_died"
    assert "signal 9" in died.text
    await station.wait_for(Finding, lambda finding: finding.what == "observer_back")
    station.messages.clear()
    fresh = Station()
    observer._receive = fresh.receive
    await fresh.wait_for(Reading)
    assert observer.pid != first


async def test_silent_it_is_ended_and_started_again(station: Station) -> None:
    observer = Observer(station.receive, silence=3.0)
    await observer.start({"here": HERE})
    await station.wait_for(Reading)
    assert observer.pid is not None
    os.kill(observer.pid, signal.SIGSTOP)
    assert (await station.wait_for(Finding)).what == "observer_hung"
    await station.wait_for(Finding, lambda finding: finding.what == "observer_back")
    await observer.stop()


async def test_one_that_cannot_start_says_why(station: Station) -> None:
    with pytest.raises(StationError, match="cannot be started"):
        await Observer(station.receive, command=("/nowhere/python",)).start({})


async def test_one_that_dies_at_once_tells_its_last_words(station: Station) -> None:
    observer = Observer(station.receive, command=("sh", "-c", "echo no module >&2; exit 1"))
    await observer.start({})
    assert (await station.wait_for(Finding)).text == "The observer ended (exit code 1): no module"
    await observer.stop()


async def test_one_that_speaks_nonsense_is_ended(station: Station) -> None:
    observer = Observer(station.receive, command=("sh", "-c", "trap '' TERM PIPE; exec yes nonsense"))
    await observer.start({})
    assert "too long" in (await station.wait_for(Finding)).text
    await observer.stop()
    assert observer.pid is None


async def test_stopping_leaves_no_process(observer: Observer, station: Station) -> None:
    await observer.start({"here": HERE})
    await station.wait_for(Reading)
    pid = observer.pid
    assert pid is not None
    await observer.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_ends_with_its_station() -> None:
    command = [sys.executable, "-m", "quarterdeck.observer"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        child.stdin.write(encode(Watch(targets={"here": HERE})))
        child.stdin.flush()
        assert child.stdout.read(4)
        child.stdin.close()
        assert child.wait(5) == 0


def test_without_an_http_check_httpx_is_not_loaded() -> None:
    code = "import sys, quarterdeck.observer.main, quarterdeck.observer.checks.local;"
    code += "print('httpx' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_httpx_comes_without_its_command_line() -> None:
    code = "import sys; from quarterdeck.observer.checks.web import load_httpx; load_httpx();"
    code += "print({'rich', 'click', 'pygments', 'httpx._main'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


# frames


async def test_frames_survive_any_cutting() -> None:
    message = Health(at=1, boot=2, lag=0, skew=0, skipped=0, sound=True)
    stream = asyncio.StreamReader()
    whole = encode(message) * 3
    for index in range(0, len(whole), 7):
        stream.feed_data(whole[index : index + 7])
    stream.feed_data(b"\0\0\0\x05ha")
    stream.feed_eof()
    decoder: msgspec.msgpack.Decoder[FromObserver] = msgspec.msgpack.Decoder(FromObserver)
    assert [one async for one in frames(stream, decoder)] == [message] * 3


@pytest.mark.parametrize("said", [b"\xff\xff\xff\xff", b"\0\0\0\x01\xc1", b"\0\0\0\x01\x80"])
async def test_what_is_no_frame_is_an_error(said: bytes) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(said)
    stream.feed_eof()
    decoder: msgspec.msgpack.Decoder[FromObserver] = msgspec.msgpack.Decoder(FromObserver)
    with pytest.raises(FrameError):
        async for _ in frames(stream, decoder):
            pass


# the schedule


async def test_a_slow_answer_skips_ticks_and_keeps_the_rate(server: Server, watching: Watching) -> None:
    open_now = most = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.5)
        open_now -= 1
        await server.answer()(reader, writer, head)

    server.handler = slow
    watched = watching(Target(type="http", options={"url": server.url()}, every=0.2, max_age=10))
    told = [await watched.next() for _ in range(3)]
    assert most == 1
    assert all(reading.raw == "ok" and reading.skipped >= 2 for reading in told)
    assert watched.sampler.skipped == sum(reading.skipped for reading in told)
    begun = [reading.boot - reading.took for reading in told]
    assert begun[1] - begun[0] == pytest.approx(0.2 * (1 + told[0].skipped), abs=0.1)
    assert begun[2] - begun[1] == pytest.approx(0.2 * (1 + told[1].skipped), abs=0.1)


async def test_a_pending_failure_is_asked_again_sooner(server: Server, watching: Watching) -> None:
    server.handler = server.answer(code=500)
    target = Target(type="http", options={"url": server.url()}, every=30, retry_interval=0.1)
    watched = watching(target)
    first, second = await watched.next(), await watched.next()
    assert (first.status, first.flags) == ("unknown", ("pending",))
    assert second.status == "critical"


async def test_a_sample_under_way_for_too_long_makes_its_target_stale(server: Server, watching: Watching) -> None:
    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _head: str) -> None:
        await asyncio.sleep(60)

    server.handler = hang
    target = Target(type="http", options={"url": server.url()}, every=0.1, max_age=0.2, timeout=0.5)
    watched = watching(target)
    stale, late = await watched.next(), await watched.next()
    assert (stale.status, "stale" in stale.flags) == ("unknown", True)
    assert late.raw == "critical"


async def test_what_is_taken_under_lag_is_marked(server: Server, watching: Watching) -> None:
    target = Target(type="http", options={"url": server.url()})
    assert (await watching(target).next()).flags == ()
    watched = watching(target)
    watched.lag.late = 0.2
    assert (await watched.next()).flags == ("lagged",)


async def test_a_check_that_breaks_is_unknown_and_goes_on(watching: Watching) -> None:
    watched = watching(Target(type="local", every=0.05))

    async def broken() -> None:
        raise RuntimeError("secret text")

    watched.sampler._check.sample = broken  # type: ignore[union-attr, method-assign]
    for _ in range(2):
        told = await watched.next()
        assert (told.status, told.message) == ("unknown", "the check itself failed (RuntimeError)")


async def test_the_pulse_feels_a_loop_that_was_held_up() -> None:
    pulse = Pulse()
    running = asyncio.create_task(pulse.run())
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(BEAT * 1.2)
    assert pulse.worst_since(began) < 0.1
    time.sleep(BEAT + 0.15)  # noqa: ASYNC251 - the hold-up itself
    assert pulse.worst_since(began) > 0.1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert pulse.worst_since(began) > 0.1
    running.cancel()


# its own soundness


class Out:
    """A pipe to a station that may have stopped reading."""

    def __init__(self) -> None:
        self.waiting = 0
        self.frames: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)

    async def health(self) -> Health:
        """The next health that is told."""
        decoder: msgspec.msgpack.Decoder[FromObserver] = msgspec.msgpack.Decoder(FromObserver)
        self.frames.clear()
        async with asyncio.timeout(45):
            while True:
                for frame in self.frames:
                    message = decoder.decode(frame[4:])
                    if isinstance(message, Health):
                        return message
                await asyncio.sleep(0.01)


async def test_a_wall_clock_that_steps_makes_the_observer_unsound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "HEALTH_EVERY", 0.1)
    step = 0.0
    out = Out()
    watcher = main.Watcher(cast("asyncio.WriteTransport", out), Clocks(wall=lambda: time.time() + step))
    assert abs((await out.health()).skew) < 0.1
    step = 3600.0
    health = await out.health()
    while abs(health.skew) < 1:
        health = await out.health()
    assert health.skew == pytest.approx(3600, abs=1)
    assert not health.sound
    assert abs((await out.health()).skew) < 0.1
    await watcher.close()


async def test_a_station_that_does_not_read_costs_readings_not_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "HEALTH_EVERY", 0.1)
    out = Out()
    out.waiting = 2**30
    watcher = main.Watcher(cast("asyncio.WriteTransport", out), Clocks())
    await watcher.receive(Watch(targets={"odd": Target(type="odd", every=0.02)}))
    health = await out.health()
    while not health.dropped:
        health = await out.health()
    assert not health.sound
    await watcher.close()
