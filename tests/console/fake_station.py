"""A station in memory: the real rules and the real fold, without processes, sockets or disk.

Its clock stands still until a test moves it. A command ends when the test says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from quarterdeck import __version__
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.check import parse
from quarterdeck.procedure.model import Procedure
from quarterdeck.session import intents
from quarterdeck.session.decide import Refusal, decide
from quarterdeck.session.event import Actor, Blob, Event, Moment, encode, order
from quarterdeck.session.events import Draft, PlanRevised, SessionOpened
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Intent
from quarterdeck.session.rules.automatic import due
from quarterdeck.session.state import Session
from quarterdeck.station.wire.protocol import Answered, Happened, Sampled, Standing, Tail, Welcome

SESSION = "2026-11-29-night-kfwz"
LEAD = Actor(login="ada", uid=1000, host="db01", role="lead")
ITSELF = Actor(login="ada", uid=1000, host="db01", role="station", via="station")

PROCEDURE = """
quarterdeck: 1
id: night
title: Night work
revision: 1
roles:
  lead: {title: Lead, required: true, backup: dba}
  dba: {title: Database administrator, required: true, backup: lead}
targets:
  here: {type: local}
  api: {type: http, url: "http://127.0.0.1:1/"}
guards:
  - {id: slow, title: API slow, when: "api.latency > 800ms", action: propose_halt}
stages:
  - id: one
    title: Prepare
    owner: lead
    steps:
      - {id: announce, title: Announce the start, kind: manual, duration: 2m, mutates: false}
      - id: copy
        title: Copy the table
        kind: command
        duration: 3m
        command: [cp, a, "b [/red] c"]
        undo: [{id: uncopy, title: Remove the copy, kind: command, duration: 1m, command: [rm, b]}]
      - id: switch
        title: Switch over by hand
        kind: manual
        duration: 4m
        skippable: true
        record: [{name: rows, type: integer}]
        evidence: text
        undo: [{id: unswitch, title: Switch back by hand, kind: manual, duration: 2m}]
      - id: ask
        title: Go or no-go
        kind: poll
        duration: 3m
        question: May the old table go?
        roles: [lead, dba]
        timeout: 5m
      - id: drop
        title: Drop the old table
        kind: command
        duration: 1m
        point_of_no_return: true
        command: [drop, a]
        undo: {none: It is gone}
closing:
  - {id: look, title: Look once more, kind: manual, duration: 1m, mutates: false}
contingency:
  - {id: rebuild, title: Build it anew, kind: manual, duration: 9m}
criteria:
  - {id: up, title: API is there, indicator: functionality, condition: "api.status == ok"}
  - {id: users, title: Users are content, indicator: satisfaction, asked: lead}
"""


class FakeStation:
    """What `station.wire.client.Client` looks like from the console, and a whole station behind it."""

    def __init__(
        self, text: str = PROCEDURE, *, wall: float = 1_800_000_000.0, folder: Path = Path("/nowhere")
    ) -> None:
        self.folder = folder
        self.wall = wall
        self.folding = Folding()
        self.events: list[Event] = []
        self.asked: list[Intent] = []
        self.silent = False
        """A hung station: it answers nothing."""
        self.left: bool | None = None
        self.painted = 0
        self.pressed = 0
        """How often it heard that somebody presses keys."""
        self.unset: dict[str, str] = {}
        """Secrets that it cannot read."""
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        loaded = parse(text, path="night.yaml")
        assert loaded.procedure is not None, loaded.problems
        self._append(SessionOpened(title=loaded.procedure.title, procedure=loaded.procedure.id, lead="ada"))
        self._append(PlanRevised(text=text, hash="h", compiled=msgspec.Raw(msgspec.json.encode(loaded.procedure))))
        self.procedure: Procedure = loaded.procedure

    # -- what a test does

    @property
    def session(self) -> Session:
        return self.folding.session

    @property
    def now(self) -> float:
        return self.session.clock(self._moment())

    def do(self, intent: Intent, by: Actor = LEAD) -> Answered:
        """Something happens: by a person elsewhere, or by the station itself."""
        answer = decide(self.session, intent, by, self.now)
        if isinstance(answer, Refusal):
            return Answered(id=0, refusal=answer.why, hint=answer.hint, waivable=answer.waivable)
        before = len(self.events)
        self._record(answer, by)
        happened = tuple(event.id for event in self.events[before:])
        self._automatic()
        return Answered(id=0, events=happened)

    def must(self, *wanted: Intent) -> None:
        for intent in wanted:
            answer = self.do(intent)
            assert not answer.refusal, (intent, answer)

    def ends(self, step: str, exit_code: int = 0, **more: Any) -> None:
        """A command comes to its end."""
        run = self.session.steps[step]
        returned = intents.CommandReturned(
            step=step, attempt=run.attempt, run=run.runs[-1].id, exit_code=exit_code, **more
        )
        self.do(returned, ITSELF)

    def halt_elsewhere(self, reason: str = "") -> None:
        self.must(intents.Halt(nonce=f"there-{len(self.events)}", reason=reason))

    def reads(self, *readings: Reading) -> None:
        self._queue.put_nowait(Sampled(readings=list(readings)))

    def take_back(self, kept: int) -> None:
        """All but the first events could not be recorded."""
        del self.events[kept:]
        self.folding = Folding(self.events)
        raws = [msgspec.Raw(encode(event)) for event in self.events]
        self._queue.put_nowait(Happened(events=raws, position=kept, history=True))

    def tails(self, step: str, text: str) -> None:
        self._queue.put_nowait(Tail(step=step, run="r", text=text, total=len(text)))

    # -- what the console does

    async def connect(self) -> FakeStation:
        self._queue = asyncio.Queue()
        self._queue.put_nowait(
            Welcome(
                protocol=1, version=__version__, session=SESSION, folder=str(self.folder), replica="r1", you=LEAD,
                pid=1, wall=self.wall,
            )
        )  # fmt: skip
        self._queue.put_nowait(
            Happened(
                events=[msgspec.Raw(encode(event)) for event in self.events], position=len(self.events), history=True
            )
        )
        self._queue.put_nowait(Standing(recorders={"logbook": "ok", "recorder": "ok"}, unset=self.unset))
        return self

    async def ask(self, intent: Intent, timeout: float = 10.0) -> Answered:  # noqa: ASYNC109 - as the client has it
        if self.silent:
            await asyncio.sleep(timeout)
        self.asked.append(intent)
        return self.do(intent)

    async def halt(
        self,
        reason: str = "",
        *,
        nonce: str = "",
        timeout: float = 3.0,  # noqa: ASYNC109, ARG002
    ) -> Answered | None:
        self.asked.append(intents.Halt(nonce=nonce or "here", reason=reason))
        if self.silent:
            return None
        return self.do(intents.Halt(nonce=nonce or f"here-{len(self.events)}", reason=reason))

    async def frames(self) -> AsyncIterator[Any]:
        while (frame := await self._queue.get()) is not None:
            yield frame

    async def seen(self, position: int) -> None:
        self.painted = position

    async def present(self) -> None:
        self.pressed += 1

    async def leave(self, *, end: bool = False) -> None:
        self.left = end

    # -- inside

    def _moment(self) -> Moment:
        return Moment(wall=self.wall)

    def _automatic(self) -> None:
        for _ in range(20):
            wanted = due(self.session, self.now)
            before = len(self.events)
            for intent in wanted:
                answer = decide(self.session, intent, ITSELF, self.now)
                if not isinstance(answer, Refusal):
                    self._record(answer, ITSELF)
            if len(self.events) == before:
                return

    def _record(self, drafts: list[Draft], by: Actor) -> None:
        for draft in drafts:
            self._append(draft.data, draft.step, draft.attempt, by, draft.blobs)
            self._verified(draft)

    def _verified(self, draft: Draft) -> None:
        """Steps without verifications count as verified at once, as the station says."""
        step = self.session.plan.steps.get(draft.step) if self.session.plan and draft.step else None
        if draft.data.kind in {"step.reported", "command.ended"} and step is not None and not step.verify:
            run = self.session.steps[draft.step]
            if run.state == "verifying":
                read = intents.VerificationRead(step=draft.step, attempt=run.attempt)
                answer = decide(self.session, read, ITSELF, self.now)
                if not isinstance(answer, Refusal):
                    self._record(answer, ITSELF)

    def _append(
        self, data: Any, step: str = "", attempt: int = 0, by: Actor = LEAD, blobs: tuple[Blob, ...] = ()
    ) -> None:
        number = len(self.events) + 1
        event = Event(
            v=1, session=SESSION, replica="r1", aseq=number, prev="", lamport=number, kind=data.kind, actor=by,
            t=self._moment(), data=msgspec.Raw(msgspec.json.encode(data)), step=step, attempt=attempt,
            blobs=blobs,
        )  # fmt: skip
        assert not self.events or order(event) > order(self.events[-1])
        self.events.append(event)
        self.folding.add(event)
        self._queue.put_nowait(Happened(events=[msgspec.Raw(encode(event))], position=number))
