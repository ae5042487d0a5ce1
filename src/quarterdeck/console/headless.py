"""A session without a screen: intents as JSON lines on stdin, events on stdout, verbatim.

So that anything can be scripted on the same core. An answer that is a refusal goes to stdout as well, as an object
with `refused`. Ends when the session is over, or when stdin ends (detached while live).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import BinaryIO

import msgspec

from quarterdeck.console.connection import StationClient
from quarterdeck.console.plain import DETACHED, OUTCOMES
from quarterdeck.errors import StationError
from quarterdeck.session.event import decode
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Halt, Intent
from quarterdeck.station.halting import new_nonce
from quarterdeck.station.protocol import Farewell, Happened

__all__ = ["run_headless"]

_intents = msgspec.json.Decoder(Intent)


def run_headless(connect: Callable[[], Awaitable[StationClient]]) -> int:
    """Run it; the exit code says how the session ended, 3 where it goes on without us."""
    return asyncio.run(_run(connect))


async def _run(connect: Callable[[], Awaitable[StationClient]]) -> int:
    client = await connect()
    folding = Folding()
    over = asyncio.Event()
    out = sys.stdout.buffer
    print(f"session {client.folder.name}", file=sys.stderr)  # noqa: T201 - which session it is, beside the events

    async def tell() -> None:
        async for frame in client.frames():
            if isinstance(frame, Happened):
                for raw in frame.events:
                    _line(out, bytes(raw))
                    folding.add(decode(bytes(raw)))
                if folding.session.is_over:
                    over.set()
            elif isinstance(frame, Farewell):
                over.set()

    telling = asyncio.create_task(tell(), name="tell")
    obeying = asyncio.create_task(_obey(client, out), name="obey")
    ended = asyncio.create_task(over.wait(), name="over")
    try:
        done, _ = await asyncio.wait({obeying, ended, telling}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        if obeying in done and not over.is_set():  # stdin ended: what was asked last may still end it
            await asyncio.wait({ended}, timeout=1.0)
    finally:
        for task in (telling, obeying, ended):
            task.cancel()
        await asyncio.gather(telling, obeying, ended, return_exceptions=True)
        await client.leave()
    session = folding.session
    return OUTCOMES.get(session.outcome, 0) if session.is_over else DETACHED


async def _obey(client: StationClient, out: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if not line.strip():
            continue
        try:
            intent = _intents.decode(line)
        except msgspec.DecodeError as error:
            _line(
                out,
                msgspec.json.encode({"refused": f"no intent: {error}", "line": line.decode(errors="replace")[:200]}),
            )
            continue
        if isinstance(intent, Halt) and not intent.nonce:
            intent = Halt(nonce=new_nonce(), reason=intent.reason)
        try:
            answer = await client.ask(intent)
        except StationError as error:
            _line(out, msgspec.json.encode({"refused": error.message, "hint": error.hint}))
            continue
        if answer.refusal:
            refused = {"refused": answer.refusal, "hint": answer.hint, "waivable": answer.waivable}
            _line(out, msgspec.json.encode(refused))


def _line(out: BinaryIO, content: bytes) -> None:
    out.write(content + b"\n")
    out.flush()
