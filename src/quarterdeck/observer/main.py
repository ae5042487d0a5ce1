"""The observer process: reads what to watch on its standard input, writes readings to its standard output.

It ends when its input ends, that is with its station, however that died. It has no files, no sockets of its own
and no state that outlives it. Standard output belongs to the frames: whatever else prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import msgspec

from quarterdeck.errors import QuarterdeckError
from quarterdeck.host import Clocks
from quarterdeck.observer.checks.base import Context
from quarterdeck.observer.messages import FromObserver, Health, Reading, ToObserver, Watch
from quarterdeck.observer.pipe import encode, frames
from quarterdeck.observer.sampler import MAX_LAG, Sampler

__all__ = ["BEAT", "HEALTH_EVERY", "Pulse", "Watcher", "main"]

BEAT = 0.2
"""Seconds between two beats by which the loop measures its own lateness."""
HEALTH_EVERY = 2.0
"""Seconds between two health messages."""
_BACKLOG = 4 * 1024 * 1024
"""Bytes that may wait for a station that does not read; beyond it readings are dropped and counted."""
_SPREAD = 0.02
"""Seconds between the first samples of two targets, until they fill their interval."""
_MOST_THREADS = 256
_CLOCK_STEP = 0.5
"""Seconds of skew from which on the wall clock has stepped."""


class _Threads(ThreadPoolExecutor):
    """For what may hang: resolvers, files on dead mounts. Many, and nobody waits for them at the end."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - the pool's own
        """Leave those that hang behind."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class Pulse:
    """Measures how late the loop is, by a beat that it expects of itself."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._expected = self._loop.time() + BEAT
        self._late: deque[tuple[float, float]] = deque()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(max(0.0, self._expected - self._loop.time()))
            now = self._loop.time()
            self._late.append((now, max(0.0, now - self._expected)))
            while self._late and self._late[0][0] < now - 120:
                self._late.popleft()
            self._expected = now + BEAT

    def forgive(self) -> None:
        """Begin again after work that is known to hold up the loop (loading a type of check)."""
        self._expected = self._loop.time() + BEAT

    def worst_since(self, moment: float) -> float:
        """Worst lateness in seconds since a moment of the loop's clock, the beat that is overdue included."""
        worst = max(0.0, self._loop.time() - self._expected)
        for at, late in reversed(self._late):
            if at < moment:
                break
            worst = max(worst, late)
        return worst


class Watcher:
    """What is watched now, and the way out for what comes of it."""

    def __init__(self, out: asyncio.WriteTransport, clocks: Clocks) -> None:
        self._out, self._clocks = out, clocks
        self._pulse = Pulse()
        self._samplers: dict[str, tuple[Sampler, asyncio.Task[None]]] = {}
        self._others: set[asyncio.Task[None]] = set()
        self._dropped = 0
        self._begin(self._pulse.run())
        self._begin(self._tell_health())

    def _begin(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    def send(self, message: FromObserver) -> None:
        """Write a message unless the station has stopped reading."""
        if self._out.is_closing():
            return
        if isinstance(message, Reading) and self._out.get_write_buffer_size() > _BACKLOG:
            self._dropped += 1
            return
        self._out.write(encode(message))

    async def receive(self, message: ToObserver) -> None:
        """Do what the station says."""
        await self._watch(message)

    async def _watch(self, watch: Watch) -> None:
        """Let go what changed or went, begin what is new; the others go on undisturbed."""
        contexts = {name: _context(name, watch.metrics) for name in watch.targets}
        ended = []
        for name, (sampler, task) in list(self._samplers.items()):
            if watch.targets.get(name) != sampler.target or contexts[name].metrics != sampler.context.metrics:
                task.cancel()
                ended.append(task)
                del self._samplers[name]
        await asyncio.gather(*ended, return_exceptions=True)
        new = [name for name in watch.targets if name not in self._samplers]
        for index, name in enumerate(new):
            target = watch.targets[name]
            sampler = Sampler(contexts[name], target, send=self.send, lag=self._pulse, clocks=self._clocks)
            phase = min(target.every, len(new) * _SPREAD) * index / len(new)
            sampler.set_up()
            self._samplers[name] = sampler, asyncio.create_task(sampler.run(phase), name=f"watch {name}")
        self._pulse.forgive()

    async def _tell_health(self) -> None:
        loop = asyncio.get_running_loop()
        drift = self._clocks.wall() - self._clocks.boot()
        while True:
            since = loop.time()
            await asyncio.sleep(HEALTH_EVERY)
            lag = self._pulse.worst_since(since)
            now_drift = self._clocks.wall() - self._clocks.boot()
            skew, drift = now_drift - drift, now_drift
            skipped, dropped, self._dropped = 0, self._dropped, 0
            for sampler, _ in self._samplers.values():
                skipped += sampler.skipped
                sampler.skipped = 0
            self.send(
                Health(
                    at=self._clocks.wall(),
                    boot=self._clocks.boot(),
                    lag=lag,
                    skew=skew,
                    skipped=skipped,
                    dropped=dropped,
                    sound=lag <= MAX_LAG and abs(skew) < _CLOCK_STEP and not dropped,
                )
            )

    async def close(self) -> None:
        """Stop everything."""
        tasks = [task for _, task in self._samplers.values()] + list(self._others)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _context(name: str, metrics: tuple[str, ...]) -> Context:
    mine = f"{name}."
    return Context(name=name, metrics=tuple(metric[len(mine) :] for metric in metrics if metric.startswith(mine)))


async def _observe(out_descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(_Threads(_MOST_THREADS))
    stream = asyncio.StreamReader(limit=1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), sys.stdin)
    out, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(out_descriptor, "wb"))
    watcher = Watcher(out, Clocks())
    decoder = msgspec.msgpack.Decoder(ToObserver)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    reading = asyncio.ensure_future(_receive(watcher, stream, decoder))
    stopping = asyncio.ensure_future(ended.wait())
    await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait_for(watcher.close(), 1.0)
    if reading.done():
        reading.result()


async def _receive(
    watcher: Watcher, stream: asyncio.StreamReader, decoder: msgspec.msgpack.Decoder[ToObserver]
) -> None:
    async for message in frames(stream, decoder):
        await watcher.receive(message)


def main() -> None:
    """Observe until the input ends. Leaves without waiting for threads that hang on a dead mount."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.dup(1)
    os.dup2(2, 1)
    code = 0
    try:
        asyncio.run(_observe(out))
    except TimeoutError:
        code = 1
    except QuarterdeckError as error:
        sys.stderr.write(f"observer: {error}\n")
        code = 1
    sys.stderr.flush()
    os._exit(code)
