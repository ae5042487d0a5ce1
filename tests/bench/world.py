"""A world to measure in: a state folder of its own, sessions of any length, and nothing left running.

Makes no measurement. Called by every room that needs a session.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import msgspec

from quarterdeck.logbook.lock import is_held
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.procedure.check import parse
from quarterdeck.procedure.model import Procedure, Stage
from quarterdeck.session.event import Actor
from quarterdeck.session.events import Draft, PlanRevised, SessionOpened
from quarterdeck.session.intents import Intent, StartSession
from quarterdeck.station.journal import moment
from quarterdeck.station.sessions import plan_hash, read_window
from quarterdeck.station.wire.client import Client

__all__ = ["ME", "compiled", "draining", "procedure", "put", "session", "started", "station_pid", "world"]

ME = Actor(login="ada", uid=os.getuid(), via="console", host="bench")
IN_A_STAGE = 25


@contextlib.contextmanager
def world() -> Iterator[Path]:
    """A fresh state folder; afterwards no station of it is left."""
    home = Path(tempfile.mkdtemp(prefix="qdb-"))
    names = ("QUARTERDECK_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "QUARTERDECK_LINGER")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names[:3], str(home)), QUARTERDECK_LINGER="5")
    try:
        yield home
    finally:
        for folder in (home / "sessions").glob("*"):
            if (pid := station_pid(folder)) and pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(home, ignore_errors=True)


def procedure(steps: int, *, endpoints: Sequence[str] = (), every: str = "5s", gauges: bool = False) -> str:
    """A procedure of so many manual steps in stages of 25, which watches this host and these URLs."""
    lines = [
        "quarterdeck: 1", "id: bench", "title: A procedure to measure with", "revision: 1",
        "roles:", "  lead: {title: Lead, backup: dba}", "  dba: {title: DBA, required: true, backup: lead}",
    ]  # fmt: skip
    if endpoints or gauges:
        lines.append("targets:")
        lines += ["  here: {type: local, every: 1s}"] if gauges else []
        lines += [f'  endpoint-{n}: {{type: http, url: "{url}", every: {every}}}' for n, url in enumerate(endpoints)]
    lines.append("stages:")
    for number in range(1, steps + 1):
        if number % IN_A_STAGE == 1:
            stage = number // IN_A_STAGE + 1
            lines += [f"  - id: stage-{stage}", f"    title: Stage {stage}", "    owner: dba", "    steps:"]
        lines.append(f"      - {{id: step-{number}, title: Step number {number}, duration: 1m, mutates: false}}")
    return "\n".join(lines) + "\n"


def compiled(steps: int, *, endpoints: Sequence[str] = (), every: str = "5s", gauges: bool = False) -> Procedure:
    """The same, compiled. More steps than a file may have are made from its first ones."""
    found = parse(procedure(IN_A_STAGE, endpoints=endpoints, every=every, gauges=gauges), path="bench.yaml").procedure
    assert found is not None
    model = found.stages[0].steps[0]
    numbers = range(1, steps + 1)
    made = [msgspec.structs.replace(model, id=f"step-{n}", title=f"Step number {n}") for n in numbers]
    parts = [made[at : at + IN_A_STAGE] for at in range(0, steps, IN_A_STAGE)]
    stages = tuple(Stage(id=f"stage-{n}", title=f"Stage {n}", steps=tuple(part)) for n, part in enumerate(parts, 1))
    return msgspec.structs.replace(found, stages=stages)


def opening(plan: Procedure, *, window: str = "20h") -> list[Draft]:
    """The first events of a session of this plan."""
    planned = read_window(window)
    digest = plan_hash(plan.id, {}, planned)
    raw = msgspec.Raw(msgspec.json.encode(plan))
    return [
        Draft(SessionOpened(title=plan.title, procedure=plan.id, lead=ME.login)),
        Draft(PlanRevised(text="", path="bench.yaml", window=planned, hash=digest, compiled=raw)),
    ]


def put(log: SessionLog, drafts: Sequence[Draft]) -> None:
    """Append many events, durably, in groups."""
    futures = [log.append(drafts[at : at + 500], ME, "bench").durable for at in range(0, len(drafts), 500)]
    for future in futures:
        future.result()


def session(home: Path, plan: Procedure, name: str = "bench") -> Path:
    """Open a session of a plan; its folder."""
    folder = home / "sessions" / f"2026-11-29-{name}-kfwz"
    log = SessionLog.open(folder, session_id=folder.name, actor=ME, moment=moment)
    put(log, opening(plan))
    log.close()
    return folder


@contextlib.asynccontextmanager
async def started(folder: Path, *intents: Intent) -> AsyncIterator[Client]:
    """A verb's connection to the session's station, which is started and asked to start the session."""
    client = await Client.connect(folder, via="cli", watching=False)
    try:
        for intent in (StartSession(override="measuring"), *intents):
            answer = await client.ask(intent)
            assert not answer.refusal, answer
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def draining(client: Client) -> AsyncIterator[None]:
    """Throw away what a station says."""

    async def drain() -> None:
        async for _ in client.frames():
            pass

    task = asyncio.create_task(drain())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def station_pid(folder: Path) -> int:
    """The process that owns a session; 0 where none does."""
    if not is_held(folder / "lock"):
        return 0
    return int((folder / "lock").read_text().strip() or 0)
