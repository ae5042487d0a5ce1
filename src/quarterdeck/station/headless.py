"""A session without a screen: intents as JSON lines in, events as JSON lines out, through the same station and rules.

Each line of stdin is an intent (`{"do": "StartStep", "step": "x"}`); they are asked one after the other. Besides
there is `{"do": "wait", "for": "state=halted", "timeout": 60}`, also for `step=ID:STATE` and `event=KIND`; a halt
needs no nonce, and `"halts": "live"` names all live ones. Events go to stdout as they were hashed, once durable;
refusals and troubles to stderr, a JSON object each.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from quarterdeck.errors import StationError
from quarterdeck.session.event import decode
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Intent
from quarterdeck.session.outcomes import DETACHED, exit_code
from quarterdeck.session.state import Session
from quarterdeck.station.stdin import feed_lines
from quarterdeck.station.wire.client import Client, Linked
from quarterdeck.station.wire.protocol import Answered, Farewell, Happened

__all__ = ["run_headless"]

WAIT = 600.0
"""Seconds that a `wait` waits where it names no timeout."""


def run_headless(folder: Path, stdin: int, stdout: BinaryIO, *, via: str = "headless") -> int:
    """Lead the session in `folder` by lines of the descriptor `stdin` until it is over or they end; the exit code."""
    return asyncio.run(_Run(folder, stdout, via).run(stdin))


class _Run:
    def __init__(self, folder: Path, stdout: BinaryIO, via: str) -> None:
        self._folder, self._stdout, self._via = folder, stdout, via
        self._folding = Folding()
        self._kinds: list[str] = []
        self._news = asyncio.Condition()
        self._caught_up = asyncio.Event()
        self._gone = ""
        self._position = 0

    async def run(self, stdin: int) -> int:
        client = await Client.connect(self._folder, via=self._via, own=os.environ)
        _complain(session=self._folder.name, folder=str(self._folder))
        watching = asyncio.create_task(self._watch(client))
        asking = asyncio.create_task(self._ask_all(client, stdin))
        over = asyncio.create_task(self._until(lambda session: session.is_over or bool(self._gone)))
        try:
            await asyncio.wait({asking, over, watching}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done() and asking.exception() is None:  # what was answered may still wait to be read
                await asyncio.wait_for(self._until(lambda _: self._position >= client.position), 5.0)
        finally:
            for task in (asking, over, watching):
                task.cancel()
            done = await asyncio.gather(asking, over, watching, return_exceptions=True)
            await client.leave()
        for trouble in done:
            if isinstance(trouble, BrokenPipeError):
                return DETACHED
            if isinstance(trouble, Exception):
                raise trouble
        if self._gone and not self._session.is_over:
            raise StationError(self._gone, where=str(self._folder))
        return exit_code(self._session.outcome)

    @property
    def _session(self) -> Session:
        return self._folding.session

    async def _watch(self, client: Client) -> None:
        async for frame in client.frames():
            if isinstance(frame, Happened):
                if frame.is_first and self._kinds:
                    _complain(warning="events that were told are not recorded: all are told again from the first")
                    self._folding, self._kinds = Folding(), []
                for raw in frame.events:
                    event = decode(bytes(raw))
                    self._folding.add(event)
                    self._kinds.append(event.kind)
                    self._stdout.write(bytes(raw) + b"\n")
                self._stdout.flush()
                self._position = frame.position
                if frame.caught_up:
                    self._caught_up.set()
                await client.seen(frame.position)
            elif isinstance(frame, Farewell):
                self._gone = frame.reason
            elif isinstance(frame, Linked) and frame.state == "closed":
                self._gone = frame.why
            else:
                continue
            async with self._news:
                self._news.notify_all()

    async def _until(self, holds: Callable[[Session], bool]) -> None:
        async with self._news:
            await self._news.wait_for(lambda: holds(self._session))

    async def _ask_all(self, client: Client, stdin: int) -> None:
        await self._caught_up.wait()
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        feed_lines(stdin, lines.put_nowait)
        number = 0
        while (line := await lines.get()) is not None:
            number += 1
            if line.strip():
                await self._ask(client, line, number)

    async def _ask(self, client: Client, line: bytes, number: int) -> None:
        try:
            wanted = msgspec.json.decode(line)
            if isinstance(wanted, dict) and wanted.get("do") == "wait":
                await self._wait(wanted, number)
                return
            if isinstance(wanted, dict) and wanted.get("do") in {"Halt", "halt"}:
                answered = await client.halt(str(wanted.get("reason", "")))
                if answered is None:
                    _complain(line=number, warning="the station did not confirm; the halt's file is written")
                    return
            else:
                intent: Intent = msgspec.convert(self._named(wanted), Intent)
                answered = await client.ask(intent, WAIT)
        except ValueError as error:
            _complain(line=number, error=f"this is no intent: {error}")
        except StationError as error:
            _complain(line=number, error=str(error))
        else:
            if answered.refusal:
                _tell_refusal(number, answered)

    def _named(self, wanted: Any) -> Any:
        """`"halts": "live"` names every live halt."""
        if isinstance(wanted, dict) and wanted.get("halts") == "live":
            return {**wanted, "halts": list(self._session.live_halts())}
        return wanted

    async def _wait(self, wanted: dict[str, Any], number: int) -> None:
        what, timeout = str(wanted.get("for", "")), wanted.get("timeout", WAIT)
        holds = self._condition(what)
        if holds is None or not isinstance(timeout, int | float):
            _complain(line=number, error="wait for state=WORD, step=ID:STATE or event=KIND, timeout in seconds")
            return
        try:
            await asyncio.wait_for(self._until(holds), timeout)
        except TimeoutError:
            _complain(line=number, error=f"waited {timeout:g} s for {what} in vain; it is {self._session.state}")

    def _condition(self, what: str) -> Callable[[Session], bool] | None:
        kind, _, rest = what.partition("=")
        if kind == "state" and rest:
            return lambda session: session.state == rest or bool(self._gone)
        if kind == "event" and rest:
            already = len(self._kinds)
            return lambda _: rest in self._kinds[already:] or bool(self._gone)
        step, colon, state = rest.rpartition(":")
        if kind == "step" and colon:
            return lambda session: (step in session.steps and session.steps[step].state == state) or bool(self._gone)
        return None


def _complain(**said: object) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody hears it, and the session goes on
        sys.stderr.write(msgspec.json.encode(said).decode() + "\n")
        sys.stderr.flush()


def _tell_refusal(line: int, answered: Answered) -> None:
    said: dict[str, object] = {"line": line, "refused": answered.refusal}
    said |= {name: text for name, text in (("hint", answered.hint), ("waivable", answered.waivable)) if text}
    _complain(**said)
