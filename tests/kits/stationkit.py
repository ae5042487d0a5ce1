"""What tests with real stations share: a procedure, a console that remembers everything, and an end to all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.logbook.lock import is_held
from quarterdeck.session import intents
from quarterdeck.session.event import Event, decode
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Intent
from quarterdeck.session.state import Session
from quarterdeck.station.commands.redaction import Redactor
from quarterdeck.station.wire.client import Client, Linked
from quarterdeck.station.wire.protocol import Answered, Farewell, Happened, Marks, Sampled, Standing, Tail

SMALL = """
quarterdeck: 1
id: small
title: A small procedure
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
stages:
  - id: work
    title: Work
    steps:
      - id: hello
        title: Say hello
        kind: command
        duration: 10s
        command: [sh, -c, "echo hello 42"]
        mutates: false
        record: [{name: n, type: integer, pattern: "hello (\\\\d+)"}]
      - id: long
        title: Take long
        kind: command
        duration: 60s
        command:
          - sh
          - -c
          - 'echo begun; while [ ! -e "$0" ]; do sleep 0.05; done; echo ended'
          - ${quarterdeck.home}/go
        on_halt: terminate
        undo:
          - {id: undo-long, title: Undo it, kind: command, duration: 5s, command: ["true"], idempotent: true}
      - id: look
        title: Look
        kind: manual
        duration: 5s
        mutates: false
"""


class Lead:
    """A console in a test: everything that its station said, and what became of the session."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.folding = Folding()
        self.events: list[Event] = []
        self.positions: list[int] = []
        self.begun_again = 0
        """How often its station took back something that it had shown."""
        self.links: list[Linked] = []
        self.tails: list[Tail] = []
        self.samples: list[Sampled] = []
        self.marks: Marks | None = None
        self.standing: Standing | None = None
        self.farewell = ""
        self._news = asyncio.Condition()
        self._pump = asyncio.create_task(self._take())

    @property
    def session(self) -> Session:
        return self.folding.session

    def state(self, step: str) -> str:
        return self.session.steps[step].state

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    async def _take(self) -> None:
        async for frame in self.client.frames():
            match frame:
                case Happened():
                    if frame.is_first and self.events:
                        self.begun_again += 1
                        self.folding, self.events = Folding(), []
                    for raw in frame.events:
                        event = decode(bytes(raw))
                        self.events.append(event)
                        self.folding.add(event)
                    self.positions.append(frame.position)
                case Linked():
                    self.links.append(frame)
                case Tail():
                    self.tails.append(frame)
                case Sampled():
                    self.samples.append(frame)
                case Marks():
                    self.marks = frame
                case Standing():
                    self.standing = frame
                case Farewell():
                    self.farewell = frame.reason
                case _:
                    pass
            async with self._news:
                self._news.notify_all()

    async def until(self, holds: Callable[[], bool], seconds: float = 45.0) -> None:
        """Wait for something that the station says."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(holds)
        except TimeoutError:
            pytest.fail(f"waited in vain; it is {self.session.state}, {self.kinds()[-8:]}, {self.links[-3:]}")

    async def ask(self, intent: Intent) -> Answered:
        return await self.client.ask(intent, 45.0)

    async def do(self, intent: Intent) -> Answered:
        """Ask what must not be refused."""
        answered = await self.ask(intent)
        assert not answered.refusal, f"{intent}: {answered.refusal}"
        return answered

    async def close(self) -> None:
        await self.client.close()
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)


class Effects:
    """Hears what the hub wants done."""

    def __init__(self) -> None:
        self.reacted: list[str] = []
        self.discarded: list[str] = []
        self.by_hand = False

    def redactor(self) -> Redactor:
        return Redactor()

    def trial(self, intent: intents.StartStep) -> intents.StartStep:
        return intent

    def prepare(self, intent: intents.StartStep) -> intents.StartStep:
        return intent

    def discard(self, intent: intents.StartStep) -> None:
        self.discarded.append(intent.step)

    def verify(self, step: str) -> None:  # noqa: ARG002
        return None

    def halt_by_hand(self) -> None:
        self.by_hand = True

    def watch(self) -> None:
        return None

    def verdicts(self) -> tuple[()]:
        return ()

    def react(self, events: list[Event]) -> None:
        self.reacted += [event.kind for event in events]

    async def look(self) -> None:
        """Nothing is watched."""


def station_pid(session: Path) -> int:
    """The process that owns a session, 0 where none does."""
    if not is_held(session / "lock"):
        return 0
    return int((session / "lock").read_text().strip() or 0)


def end_everything(session: Path) -> None:
    """Kill the session's station and commands."""
    pids = [station_pid(session)]
    for note in session.glob("spool/*/runner.json"):
        said = json.loads(note.read_text())
        pids += [
            said[who]["pid"]
            for who in ("child", "runner")
            if said.get(who) and not (note.parent / "result.json").exists()
        ]
    for pid in pids:
        if pid > 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
