"""The station's end of the observer: starts the process, tells it what to watch, hands on what it says.

If the process dies or falls silent it is started again, which is told as a finding. Everything runs in the
caller's asyncio loop, and the callback is called there; it must return soon. Must never sample anything itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from quarterdeck.errors import StationError
from quarterdeck.host import Clocks
from quarterdeck.observer.messages import Finding, FromObserver, Health, Reading, Watch
from quarterdeck.observer.pipe import FrameError, encode, frames
from quarterdeck.procedure.model import Target
from quarterdeck.text import visible

__all__ = ["SILENCE", "Observer"]

SILENCE = 15.0
"""Seconds without any message after which the process counts as hung; its health comes every 2 s."""
_FIRST_PAUSE, _LAST_PAUSE = 0.2, 5.0
"""Seconds before it is started again; doubles while it dies within a minute."""

_GRACE = 1.0
"""Seconds from the end of its input to SIGKILL."""
Ending = Literal["observer_died", "observer_hung", "observer_back"]

_decoder: msgspec.msgpack.Decoder[FromObserver] = msgspec.msgpack.Decoder(FromObserver)


class Observer:
    """One observer process, kept alive."""

    def __init__(
        self,
        receive: Callable[[Reading | Health | Finding], None],
        *,
        command: tuple[str, ...] = (sys.executable, "-m", "quarterdeck.observer"),
        clocks: Clocks | None = None,
        silence: float = SILENCE,
    ) -> None:
        """`receive` gets each message, in the loop; `command` and `silence` are for tests."""
        self._receive, self._command, self._silence = receive, command, silence
        self._clocks = clocks or Clocks()
        self._watch = Watch(targets={})
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._complaint = ""

    @property
    def pid(self) -> int | None:
        """The process's number while it runs."""
        return self._process.pid if self._process is not None else None

    async def start(self, targets: Mapping[str, Target], metrics: tuple[str, ...] = ()) -> None:
        """Start watching. Raises `StationError` where no process can be started at all.

        `metrics` are the metrics that guards, criteria and verifications use, with their target
        (`here.storage[/srv].free`), so that what they need is sampled.
        """
        if self._keeper is not None:
            raise StationError("the observer was started already")
        self._watch = Watch(targets=dict(targets), metrics=metrics)
        try:
            await self._spawn()
        except OSError as error:
            raise StationError(f"the observer cannot be started: {error.strerror}") from error
        self._keeper = asyncio.create_task(self._keep(), name="observer")

    async def change(self, targets: Mapping[str, Target], metrics: tuple[str, ...] = ()) -> None:
        """Watch these from now on; targets that stay as they are go on undisturbed."""
        self._watch = Watch(targets=dict(targets), metrics=metrics)
        self._write(self._watch)

    async def stop(self) -> None:
        """End the process; returns when it is gone."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        await self._end()

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
        self._write(self._watch)

    def _write(self, message: msgspec.Struct) -> None:
        """Without a living process nothing is lost: the next one gets everything at its start."""
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(encode(message))

    async def _keep(self) -> None:
        """Hand on messages; start the process again whenever it ends, less and less eagerly."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            began = loop.time()
            what = await self._listen()
            await self._end()
            self._tell(*what)
            pause = _FIRST_PAUSE if loop.time() - began > 60 else min(pause * 2, _LAST_PAUSE)
            await asyncio.sleep(pause)
            try:
                await self._spawn()
            except OSError as error:
                self._tell("observer_died", f"The observer cannot be started again: {error.strerror}")
                continue
            self._tell("observer_back", "The observer was started again")

    async def _listen(self) -> tuple[Ending, str]:
        """Hand on what the process says until it ends; why it ended."""
        process = self._process
        if process is None or process.stdout is None or process.stderr is None:
            return "observer_died", "The observer is not running"
        tail = asyncio.create_task(_tail(process.stderr))
        messages = frames(process.stdout, _decoder)
        try:
            while True:
                async with asyncio.timeout(self._silence):
                    message = await anext(messages)
                self._receive(message)
        except StopAsyncIteration:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 2.0)
            said = await asyncio.wait_for(tail, 2.0) if process.returncode is not None else ""
            return "observer_died", f"The observer ended ({_ending(process.returncode)}){said and ': ' + said}"
        except TimeoutError:
            return "observer_hung", f"The observer said nothing for {self._silence:g} s and was ended"
        except FrameError as error:
            return "observer_died", f"The observer was ended: {error.message}"
        finally:
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)

    def _tell(self, what: Ending, text: str) -> None:
        self._receive(Finding(at=self._clocks.wall(), boot=self._clocks.boot(), what=what, text=text))

    async def _end(self) -> None:
        """Close the process's input; kill it if that does not end it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        ended = asyncio.ensure_future(_ended(process))
        done, _ = await asyncio.wait({ended}, timeout=_GRACE)
        if not done:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        await ended


async def _ended(process: Process) -> None:
    """Wait for the end of a process; asyncio sees it only when its pipes are read to their end."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    await asyncio.gather(*(_tail(stream) for stream in streams))
    await process.wait()


def _ending(code: int | None) -> str:
    if code is None:
        return "it did not say how"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last line of a stream when it ends, printable and short; reads all of it so that nobody blocks."""
    last = b""
    while chunk := await stream.read(65536):
        last = (last + chunk)[-2000:]
    lines = last.decode(errors="replace").strip().splitlines()
    return visible(lines[-1], 200) if lines else ""
