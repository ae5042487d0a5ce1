"""A made-up but realistic night for looking at the panes: an order database's index is rebuilt.

`snapshot(state)` gives a snapshot in one of several states; sessions are built by hand here, so that a look does
not depend on the rules.
"""

# ruff: noqa: E501 - a table of made-up steps, a line each
from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec import structs
from msgspec.structs import replace

from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.console.store import Link, LogLine, StationClient, log_line
from quarterdeck.observer.messages import Health, Reading, Status
from quarterdeck.procedure.model import (
    Bands,
    Expect,
    ExpectOutage,
    Guard,
    Procedure,
    RecordField,
    Role,
    Rollback,
    SignOff,
    Stage,
    Step,
    Target,
    VerifyItem,
)
from quarterdeck.session.event import Actor, Event, Moment
from quarterdeck.session.events import KINDS
from quarterdeck.session.parts import Proof
from quarterdeck.session.plan import build
from quarterdeck.session.rollback import preview
from quarterdeck.session.state import (
    Answer,
    Deviation,
    HaltMark,
    Poll,
    Proposal,
    RollbackRun,
    Run,
    Session,
    StepRun,
    Window,
)
from quarterdeck.station.wire.protocol import Marks, Sampled, Standing, Tail

T0 = 1_796_004_000.0  # 2026-11-30 02:00 UTC
ME = Actor(login="dana", role="lead", host="ops1")


def _step(identity: str, title: str, owner: str, minutes: float, kind: str = "command", **more: Any) -> Step:
    more.setdefault("mutates", kind in {"command", "manual"})
    if kind == "command":
        more.setdefault("command", ("maintain", identity, "--database", "orders"))
    return Step(id=identity, title=title, owner=owner, duration=minutes * 60, kind=kind, **more)  # type: ignore[arg-type]


def _undo(identity: str, title: str, owner: str, minutes: float) -> tuple[Step, ...]:
    return (_step(identity, title, owner, minutes, idempotent=True),)


REINDEX = """Build the new index **beside** the old one; writers go on.

1. Watch `pg_stat_progress_create_index` in the second terminal
2. Locks on *orders* longer than 5 s: call **Ines** (DBA on call)

```
select phase, blocks_done, blocks_total from pg_stat_progress_create_index;
```
"""


def procedure(repeat: int = 1) -> Procedure:
    """18 steps in four stages; `repeat` times as many."""
    chain: list[str] = []

    def chained(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        made = []
        for step in steps:
            after = (chain[-1],) if chain else ()
            chain.append(step.id)
            made.append(_with_after(step, after))
        return tuple(made)

    prepare = (
        _step("announce", "Announce start to all channels", "lead", 3, "manual", mutates=False),
        _step(
            "freeze",
            "Freeze deployments",
            "sysadmin",
            2,
            "manual",
            undo=_undo("thaw", "Allow deployments again", "sysadmin", 1),
        ),
        _step("backup", "Online backup, read it back", "dba", 12, mutates=False),
        _step(
            "count", "Count the orders", "dba", 1, mutates=False, record=(RecordField(name="rows", type="integer"),)
        ),
    )
    change = (
        _step(
            "archive",
            "Archive orders older than 7 years",
            "dba",
            8,
            undo=_undo("unarchive", "Re-insert archived orders", "dba", 9),
        ),
        _step(
            "drain",
            "Drain reporting jobs",
            "sysadmin",
            4,
            undo=_undo("undrain", "Start reporting jobs", "sysadmin", 2),
        ),
        _step(
            "reindex",
            "Reindex orders",
            "dba",
            15,
            instructions=REINDEX,
            host=("db01",),
            timeout=2400,
            verify=(
                VerifyItem(title="new index is valid", command=("psql",), expect=Expect(op="equals", value="t")),
            ),
            undo=_undo("drop-new", "Drop the new index", "dba", 1),
        ),
        _step("verify-rows", "Verify row counts", "dba", 5, "check", verify=(VerifyItem(value="rows"),)),
        _step(
            "restart",
            "Restart the order API",
            "sysadmin",
            2,
            expect_outage=ExpectOutage(target="orders-api", max=90),
            undo_none="a restart leaves nothing behind",
        ),
        _step(
            "search",
            "Search for yesterday's orders in the shop",
            "qa",
            4,
            "manual",
            mutates=False,
            record=(RecordField(name="seconds", type="number", unit="s"),),
        ),
    )
    finish = (
        _step(
            "poll-drop",
            "Go or no-go for dropping the old index",
            "lead",
            3,
            "poll",
            roles=("lead", "dba", "qa"),
            question="May the old index go? After it there is no way back but a new build.",
        ),
        _step(
            "drop-old",
            "Drop the old index",
            "dba",
            1,
            point_of_no_return=True,
            sign_off=SignOff(role="qa", different_person=True),
            undo_none="the old index can only be built anew",
        ),
        _step("vacuum", "VACUUM orders", "dba", 6, undo_none="nothing to undo"),
        _step("analyze", "ANALYZE orders", "dba", 2, undo_none="nothing to undo"),
    )
    back = (
        _step("thaw-jobs", "Start reporting jobs again", "sysadmin", 2),
        _step("thaw-deploys", "Allow deployments", "sysadmin", 1, "manual"),
        _step("compare", "Compare latency with the baseline", "qa", 5, "check"),
        _step("announce-end", "Announce the end", "lead", 2, "manual", mutates=False),
    )
    stages = [
        Stage(id="prepare", title="Prepare", steps=chained(prepare)),
        Stage(id="change", title="Change", steps=chained(change)),
        Stage(id="finish", title="Finish", steps=chained(finish)),
        Stage(id="back", title="Back to normal", steps=chained(back)),
    ]
    for number in range(1, repeat):
        more = tuple(
            _step(f"more-{number}-{i}", f"Check shard {number}.{i}", "dba", 1, mutates=False) for i in range(18)
        )
        stages.append(Stage(id=f"more-{number}", title=f"Shard {number}", steps=chained(more)))
    return Procedure(
        id="rebuild-orders-index",
        title="Database maintenance",
        revision=3,
        roles={role: Role(title=role) for role in ("lead", "dba", "sysadmin", "qa")},
        targets={
            "here": Target(
                type="local",
                bands={
                    "storage[/var/lib/pgsql].used": Bands(warning="80 %", critical="90 %"),
                    "cpu": Bands(warning="85 %", critical="95 %"),
                },
            ),
            "orders-api": Target(type="health_json"),
            "search": Target(type="http"),
            "checkout": Target(type="http"),
            "billing": Target(type="http"),
            "replica-lag": Target(type="command"),
        },
        guards=(
            Guard(
                id="api-slow",
                title="Order API too slow",
                when="p95(orders-api.latency, 1m) > 800ms",
                action="propose_halt",
            ),
        ),
        preconditions=(_step("go", "Go or no-go for the change", "lead", 5, "poll", roles=("lead", "dba", "qa")),),
        stages=tuple(stages),
        rollback=Rollback(verify=(_step("still-there", "The old index is valid", "dba", 1, "check"),)),
        contingency=(_step("rebuild", "Build the old index anew", "dba", 15),),
        closing=(_step("recount", "No order is missing", "dba", 1, mutates=False),),
    )


def _with_after(step: Step, after: tuple[str, ...]) -> Step:
    import msgspec

    return msgspec.structs.replace(step, after=after)


def session(repeat: int = 1) -> Session:
    """Step 7 of 18 runs, nine minutes in."""
    plan = build(procedure(repeat), "abcd1234")
    made = Session(
        id="2026-11-30-rebuild-orders-index-kfwz",
        title="Database maintenance",
        plan=plan,
        phase="running",
        lead="dana",
        window=Window(T0 - 3600, T0 + 5400, 600, 900),
        started=T0 - 2900,
        count=40,
    )
    made.steps = {step: StepRun(id=step) for step in plan.steps}
    at = T0 - 2900.0
    for number, step in enumerate(plan.forward[:6], 1):
        run = made.steps[step]
        spent = plan.steps[step].duration * (0.7 + 0.09 * number)
        run.state, run.attempt, run.sequence, run.started, run.ended = "done", 1, number, at, at + spent
        run.effect = "full" if plan.steps[step].mutates else "none"
        run.claimed_by = "ines" if plan.steps[step].owner == "dba" else "omar"
        run.runs = [Run(1, host="db01", exit_code=0)]
        at += spent + 40
    made.steps["count"].values = {"rows": "2041877"}
    running = made.steps["reindex"]
    running.state, running.attempt, running.sequence, running.started = "running", 1, 7, T0 - 562
    running.effect, running.claimed_by = "unknown", "ines"
    running.runs = [Run(1, host="db01")]
    made.starts = 7
    go = made.steps["go"]
    go.state, go.started, go.ended, go.sequence = "done", T0 - 3200, T0 - 3000, 0
    return made


def readings(now: float = 5000.0) -> dict[str, Reading]:
    """One of each condition."""

    def reading(target: str, status: Status, age: float = 1.0, interval: float = 5.0, **values: Any) -> Reading:
        message = values.pop("message", "")
        return Reading(
            target=target,
            at=T0 - age,
            boot=now - age,
            status=status,
            raw=status,
            values=values,
            interval=interval,
            max_age=3 * interval,
            message=message,
        )

    here = {
        "cpu": 41.0, "memory": 63.0, "load1": 2.41, "storage[/].used": 71.0, "storage[/var/lib/pgsql].used": 82.4,
        "disk_read": 12.6e6, "disk_write": 48.1e6, "net_in": 3.2e6, "net_out": 9.9e6,
    }  # fmt: skip
    return {
        "here": reading("here", "ok", 0.4, 1.0, **here),
        "orders-api": reading("orders-api", "ok", 2.0, latency=0.118),
        "search": reading("search", "warning", 2.0, latency=0.9, message="slower than 400 ms"),
        "checkout": reading("checkout", "ok", 9.0, latency=0.062),
        "billing": reading("billing", "ok", 18.0, latency=0.081),
        "replica-lag": reading("replica-lag", "unknown", 52.0, message="timed out"),
    }


def history() -> dict[str, tuple[float, ...]]:
    """Curves for the graphs."""

    def wave(low: float, high: float, pace: float) -> tuple[float, ...]:
        return tuple(low + (high - low) * (0.5 + 0.5 * math.sin(i / pace)) for i in range(60))

    return {
        "here.cpu": wave(12, 62, 4), "here.memory": wave(60, 64, 9), "here.load1": wave(0.8, 2.6, 6),
        "here.storage[/].used": wave(70, 71, 30), "here.storage[/var/lib/pgsql].used": wave(78, 82, 30),
        "here.disk_read": wave(0, 14e6, 3), "here.disk_write": wave(10e6, 60e6, 5), "here.net_in": wave(1e6, 4e6, 4),
        "here.net_out": wave(4e6, 11e6, 7), "orders-api.latency": wave(0.09, 0.13, 3),
        "search.latency": wave(0.2, 0.95, 8), "checkout.latency": wave(0.05, 0.07, 3),
        "billing.latency": wave(0.07, 0.09, 3),
    }  # fmt: skip


def told(
    number: int,
    at: float,
    by: str,
    kind: str,
    step: str = "",
    *,
    attempt: int = 1,
    made: Session | None = None,
    **what: Any,
) -> LogLine:
    """An event of the night, `at` seconds from its T0, as the line of the log with this number; `by` is a role, or the station or a guard."""
    via = by if by in {"station", "guard"} else "console"
    actor = Actor(_LOGINS.get(by, ME.login), via=via, role=by if via == "console" else "lead")
    data = msgspec.Raw(msgspec.json.encode(msgspec.convert(what, KINDS[kind])))
    event = Event(
        1, "s", "r", number, "", number, kind, actor, Moment(T0 + at), data, step=step, attempt=attempt if step else 0
    )
    return log_line(event, number, made or session(), 0)


_LOGINS = {"dba": "ines", "qa": "olga", "sysadmin": "tom"}


def log() -> list[LogLine]:
    """Some events of each weight."""
    made = session()
    checked = {"ok": True, "proofs": ({"title": "backup opens", "ok": True, "read": "ok"},)}
    events: list[tuple[float, str, str, str, dict[str, Any]]] = [
        (
            -2900,
            "lead",
            "session.started",
            "",
            {"start": T0 - 3600, "end": T0 + 5400, "reserve": 900.0, "warn": 600.0},
        ),
        (-2760, "lead", "step.done", "announce", {}),
        (-2700, "sysadmin", "step.started", "freeze", {}),
        (-2570, "sysadmin", "step.done", "freeze", {}),
        (-2500, "dba", "step.started", "backup", {"host": "db01"}),
        (-1990, "dba", "command.ended", "backup", {"run": "r", "exit_code": 0, "seconds": 510.0}),
        (-1988, "station", "step.verified", "backup", checked),
        (-1988, "station", "step.done", "backup", {}),
        (-1980, "dba", "step.done", "count", {"values": {"rows": "2041877"}}),
        (
            -1700,
            "guard",
            "guard.warned",
            "",
            {"guard": "disk-low", "reason": "/var/lib/pgsql is 82 % full, above 80 %"},
        ),
        (-1400, "dba", "step.done", "archive", {}),
        (-1120, "sysadmin", "note.added", "drain", {"text": "two jobs had to be stopped by hand, see ticket 4411"}),
        (-900, "sysadmin", "step.done", "drain", {}),
        (-562, "dba", "step.started", "reindex", {"host": "db01"}),
        (-120, "qa", "note.added", "", {"text": "search feels slow since 02:50, watching it"}),
    ]
    return [told(n, at, by, kind, step, made=made, **what) for n, (at, by, kind, step, what) in enumerate(events, 1)]


def snapshot(state: str = "running", *, repeat: int = 1, **more: Any) -> Snapshot:
    """The night in a state: running, proposal, paused, halting, halted, rolling_back, poll, failed, over, planned."""
    made = session(repeat)
    now = T0
    _STATES[state](made, now)
    more.setdefault("selected", "")
    read = readings()
    if state == "critical":
        read["checkout"] = structs.replace(read["checkout"], status="critical", message="connection refused")
    arguments: dict[str, Any] = {
        "now": now, "wall": now + 7, "boot": 5000.0, "readings": read, "history": history(),
        "bases": {"orders-api.latency": 0.104, "search.latency": 0.21, "checkout.latency": 0.060},
        "log": log(), "marks": Marks(saved=15, shared=15, seen={"dba": 15, "qa": 14}),
        "standing": Standing(
            recorders={"logbook": "ok", "recorder": "ok"},
            observer=Health(at=now, boot=5000, lag=0.001, skew=0, skipped=0, sound=True),
        ),
        "tails": {
            "reindex": Tail(
                step="reindex", run="x", percent=61.0, line="building index: scanning table", total=4096,
                text='INFO:  building index "orders_created_new"\nINFO:  scanned 1 244 180 of 2 041 877 rows\nINFO:  waiting for 1 older snapshot\nINFO:  phase building index: scanning table\n',
            )
        },
    }  # fmt: skip
    return snapshot_from(made, **{**arguments, **more})


def _nothing(made: Session, now: float) -> None:
    del made, now


def _proposal(made: Session, now: float) -> None:
    reason = "Order API too slow: p95(orders-api.latency, 1m) is 912 ms, above 800 ms"
    made.proposals["api-slow"] = Proposal("api-slow", reason, now - 20, now + 100, 0.912)


def _paused(made: Session, now: float) -> None:
    made.paused, made.paused_at, made.paused_by, made.pause_reason = True, now - 75, "dana", "search is slow, looking"


def _halting(made: Session, now: float) -> None:
    made.halts["n1"] = HaltMark("n1", "dana", now - 8, "person")


def _halted(made: Session, now: float) -> None:
    run = made.steps["reindex"]
    run.state, run.ended, run.reason = "interrupted", now - 60, "ended by the halt"
    run.effect, run.declared = "partial", True
    made.halts["n1"] = HaltMark("n1", "dana", now - 70, "person", reason="latency rises, orders pile up")


def _asked(made: Session, now: float) -> None:
    _halted(made, now)
    made.steps["reindex"].effect, made.steps["reindex"].declared = "unknown", False


def _rolling_back(made: Session, now: float) -> None:
    _halted(made, now)
    made.halts["n1"].answered = True
    found = preview(made)
    made.phase = "rolling_back"
    made.rollback = RollbackRun(now - 50, "dana", list(found.items), found.stays, found.left_out, "KFWZ", ("r", 40))
    made.steps["reindex"].undo_choice = "run"
    done, runs = (made.steps[item.step] for item in found.items[:2])
    done.state, done.started, done.ended, done.sequence = "done", now - 45, now - 20, 8
    runs.state, runs.started, runs.sequence = "running", now - 15, 9


def _poll(made: Session, now: float) -> None:
    for number, step in enumerate(("reindex", "verify-rows", "restart", "search"), 7):
        run = made.steps[step]
        run.state, run.effect, run.sequence, run.started, run.ended = "done", "full", number, now - 600, now - 300
    poll = made.steps["poll-drop"]
    poll.state, poll.started, poll.sequence = "running", now - 40, 11
    answers = {"dba": Answer("go", "index is valid", "ines", now - 20)}
    made.polls["poll-drop"] = Poll("poll-drop", 1, now - 40, answers)


def _failed(made: Session, now: float) -> None:
    run = made.steps["reindex"]
    run.state, run.ended, run.reason = "failed", now - 10, "exit code 1: deadlock detected"
    run.effect, run.declared = "none", True
    run.proofs = (Proof("new index is valid", False, "f"),)


def _over(made: Session, now: float) -> None:
    made.phase, made.outcome, made.ended = "ended", "completed_with_exceptions", now - 30
    made.deviations.append(Deviation("exception", "step skipped", "dana", now - 900, "not needed tonight"))


def _planned(made: Session, now: float) -> None:
    fresh = session()
    made.phase, made.started, made.window = "planned", None, None
    made.steps = {step: StepRun(id=step) for step in fresh.steps}
    del now


_STATES = {
    "running": _nothing, "proposal": _proposal, "paused": _paused, "halting": _halting, "halted": _halted,
    "asked": _asked, "rolling_back": _rolling_back, "poll": _poll, "failed": _failed, "over": _over,
    "planned": _planned, "critical": _nothing,
}  # fmt: skip
STATES = tuple(_STATES)


def second(state: str = "proposal") -> Snapshot:
    """Another team's session of the same night, as a console beside it sees it."""
    shown = snapshot(state)
    plan = shown.session.plan
    assert plan is not None
    titled = structs.replace(plan.procedure, title="Move the receipts to the new cluster")
    shown.session.id = "2026-11-30-move-receipts-bwtx"
    shown.session.plan = structs.replace(plan, procedure=titled)
    return shown


SEARCH = Target(
    type="http",
    options={
        "url": "https://search.example/orders?key=4711",
        "headers": ["Authorization: Bearer env:SEARCH_TOKEN", "Accept: application/json"],
        "expect_status": "200",
    },
    every=5.0,
    bands={"latency": Bands(warning="400 ms", critical="800 ms", clear="300 ms")},
)
SLOW = Guard(
    id="search-slow",
    title="Search too slow",
    when="p95(search.latency, 1m) > 800ms",
    action="propose_halt",
    for_=60.0,
)


def slow_search(hours: float = 0.92) -> Snapshot:
    """The night with a search that got slow while 7 was reindexing, as a console heard of it for so many hours."""
    made = session()
    plan = made.plan
    assert plan is not None
    targets = {**plan.procedure.targets, "search": SEARCH}
    made.plan = build(replace(plan.procedure, targets=targets, guards=(*plan.procedure.guards, SLOW)), plan.hash)
    why = "Search too slow: p95(search.latency, 60 s) is 1.2 s, above 800 ms"
    made.proposals["search-slow"] = Proposal("search-slow", why, T0 - 40, T0 + 80, 1.2)
    link = link_of(made)
    link.readings |= readings()
    del link.readings["search"]
    for n in range(int(hours * 720), -1, -1):
        at = T0 - 2 - n * 5
        slow = max(0.0, min(1.0, (at - T0 + 420) / 240))
        latency = 0.21 + 0.03 * math.sin(n / 3) + slow * (0.8 + 0.2 * math.sin(n / 2))
        status: Status = "critical" if latency >= 0.8 else "warning" if latency >= 0.4 else "ok"
        reading = Reading(
            target="search", at=at, boot=5000 - (T0 - at), status=status, raw=status, interval=5.0, max_age=15.0,
            values={"latency": latency, "code": 200.0, "cert_days": 61.2, "status": status}, took=latency,
            message="" if status == "ok" else f"latency {status}",
        )  # fmt: skip
        link.take(Sampled(readings=[reading]))
    link.bases["search.latency"] = 0.21
    return Snapshot.of(link, Instant(T0, T0 + 7, 5000.0))


def snapshot_of(made: Session, **more: Any) -> Snapshot:
    """A snapshot of this session, with the night's readings and log."""
    arguments: dict[str, Any] = {
        "now": T0, "wall": T0 + 7, "boot": 5000.0, "readings": readings(), "history": history(), "log": log(),
    }  # fmt: skip
    return snapshot_from(made, **{**arguments, **more})


def snapshot_from(
    made: Session, *, now: float, wall: float, boot: float = 0.0, selected: str = "", **known: Any
) -> Snapshot:
    """A snapshot of a link that is live and knows all this."""
    link = link_of(made)
    for name, value in known.items():
        assert hasattr(link, name), name
        setattr(link, name, value)
    return Snapshot.of(link, Instant(now, wall, boot), selected=selected)


def link_of(made: Session) -> Link:
    """A link that knows this session, and is live."""

    async def nowhere() -> StationClient:
        raise ConnectionError("this link is for looking only")

    link = Link(nowhere, lambda _: None)
    link.folding.session, link.me, link.state, link.off = made, ME, "live", 0
    return link
