"""Long nights in which much was watched: written through the real logbook, as a station writes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from quarterdeck import __version__
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.observer.messages import Reading, Status
from quarterdeck.procedure.check import parse
from quarterdeck.session import events as e
from quarterdeck.session.event import Actor, Moment
from quarterdeck.session.events import Draft
from quarterdeck.station.monitor import BATCH_EVERY
from quarterdeck.station.sessions import plan_hash

SESSION = "2026-11-29-watched-night-kfwz"
START = 1_796_000_400.0
ADA = Actor("ada", 1000, role="lead", host="db01")
BOOT = 5_000.0
STEPS = 12
"""Done one after the other; each one's end names the batches of its time."""


def _text(endpoints: int) -> str:
    targets = "".join(
        f'  api-{n}: {{type: http, url: "http://127.0.0.1:1/{n}", every: 5s}}\n' for n in range(endpoints)
    )
    steps = "".join(
        f"      - {{id: part-{n}, title: Part {n}, duration: 30m, mutates: false}}\n" for n in range(STEPS)
    )
    return (
        "quarterdeck: 1\nid: watched-night\ntitle: A night with much to watch\nrevision: 1\n"
        "roles:\n  lead: {title: Lead, backup: dba}\n  dba: {title: DBA, backup: lead}\n"
        f"targets:\n{targets}"
        f"stages:\n  - id: all\n    title: All of it\n    owner: lead\n    steps:\n{steps}"
    )


def watched_night(home: Path, endpoints: int, batches: int) -> Path:
    """A session that ended: so many endpoints, each read once in every batch of 5 s; its folder.

    Latencies wander, have spikes, and every endpoint breaks and flutters now and then. Always the same.
    """
    now = START - 60.0

    def moment() -> Moment:
        return Moment(now, "boot", int((now - START + BOOT) * 1e9), 60, "CET")

    folder = home / "sessions" / SESSION
    log = SessionLog.open(folder, session_id=SESSION, actor=ADA, moment=moment)
    text = _text(endpoints)
    loaded = parse(text, path="watched-night.yaml")
    assert loaded.procedure is not None, loaded.problems
    digest = plan_hash(text, {}, {})

    def put(*what: e.Payload, step: str = "", attempt: int = 0) -> None:
        log.append([Draft(each, step, attempt) for each in what], ADA, digest).durable.result(60)

    compiled = msgspec.Raw(msgspec.json.encode(loaded.procedure))
    opened = e.SessionOpened(title="A night", procedure="watched-night", lead="ada", version=__version__)
    put(opened, e.PlanRevised(text=text, path="watched-night.yaml", hash=digest, compiled=compiled))
    now = START
    put(e.SessionStarted(start=START, end=START + 30_000, reserve=600, warn=900))
    watched = _batches(endpoints, batches)
    for number in range(STEPS):
        step = f"part-{number}"
        put(e.StepGranted(to="ada"), e.StepStarted(watch=log.watch({})), step=step, attempt=1)
        for readings in islice(watched, batches // STEPS):
            now += BATCH_EVERY
            log.append_samples(readings)
        put(e.StepDone(watch=log.watch({})), step=step, attempt=1)
    put(e.SessionEnded(outcome="completed"))
    log.close()
    return folder


def _batches(endpoints: int, batches: int) -> Iterator[list[Reading]]:
    chance = random.Random(7)
    usual = [chance.uniform(0.005, 0.2) for _ in range(endpoints)]
    for number in range(batches // STEPS * STEPS):
        readings = []
        for endpoint in range(endpoints):
            phase = (number + 37 * endpoint) % 1440
            status: Status = "critical" if phase < 24 else "warning" if phase < 300 and number % 3 == 0 else "ok"
            latency = usual[endpoint] * (1.0 + 0.1 * chance.random()) * (40.0 if phase == 700 else 1.0)
            at = START + number * BATCH_EVERY + endpoint * BATCH_EVERY / endpoints
            readings.append(
                Reading(
                    target=f"api-{endpoint}", at=at, boot=at - START + BOOT, status=status, raw=status,
                    values={"latency": latency, "code": 200.0 if status != "critical" else 503.0, "status": status},
                    message="" if status == "ok" else "slower than 0.5 s", took=latency, interval=5.0, max_age=15.0,
                )
            )  # fmt: skip
        yield readings
