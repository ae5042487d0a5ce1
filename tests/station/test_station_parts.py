"""The station's parts that need no process of their own."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, cast, get_args

import msgspec
import pytest
from stationkit import Effects
from tests.bench.watched import START, watched_night

from quarterdeck.errors import QuarterdeckError, UsageError
from quarterdeck.logbook.event_store import EventStore
from quarterdeck.logbook.read_only import read_session
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.check import parse
from quarterdeck.procedure.model import Expect, Procedure, Step, Target, VerifyItem
from quarterdeck.session import intents
from quarterdeck.session.event import Actor, Event, Moment
from quarterdeck.session.events import (
    Draft,
    PlanRevised,
    ReplicaBurned,
    SessionOpened,
    SessionStarted,
    StepDone,
    StepGranted,
    StepStarted,
)
from quarterdeck.session.fold import Folding
from quarterdeck.station.commands.values import Values, secret
from quarterdeck.station.commands.verifier import Verifier
from quarterdeck.station.criteria import downtime, judge_all, samples_of
from quarterdeck.station.demo_lease import Lease
from quarterdeck.station.halt_files import HaltFile, file_halt, filed_halts, is_nonce
from quarterdeck.station.hub import Hub
from quarterdeck.station.journal import Journal, Kept
from quarterdeck.station.recent_readings import History
from quarterdeck.station.sessions import plan_hash, read_window

ME = Actor(login="ada", uid=1000, via="console", host="db01")


# ---------------------------------------------------------------- halts


def test_a_halt_file_is_made_once_and_read_back(tmp_path: Path) -> None:
    assert file_halt(tmp_path, "abc", reason="why", login="ada")
    assert not file_halt(tmp_path, "abc", reason="again")
    assert [(halt.nonce, halt.reason) for halt in filed_halts(tmp_path)] == [("abc", "why")]
    assert filed_halts(tmp_path, {"abc"}) == []


@pytest.mark.parametrize("content", [b"not json", b'{"nonce":"other","reason":7}', b"\xff" * 100])
def test_a_damaged_halt_file_is_a_halt_all_the_same(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "halts").mkdir()
    (tmp_path / "halts" / "abc").write_bytes(content)
    assert filed_halts(tmp_path) == [HaltFile("abc")]


def test_an_empty_halt_file_counts_once_it_had_time_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "halts").mkdir()
    path = tmp_path / "halts" / "abc"
    path.touch()
    assert filed_halts(tmp_path) == []
    os.utime(path, (1, 1))
    assert filed_halts(tmp_path) == [HaltFile("abc")]


@pytest.mark.parametrize("name", ["", ".hidden", "../../etc/passwd", "a/b", "a b", "x" * 300])
def test_no_halt_can_be_named_out_of_its_folder(name: str) -> None:
    assert not is_nonce(name)


# ---------------------------------------------------------------- the hub over a log that fails


PROCEDURE = """
quarterdeck: 1
id: tiny
title: Tiny
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
targets:
  api: {type: tcp, host: h, port: "1"}
stages:
  - id: work
    title: Work
    steps:
      - {id: one, title: One, kind: manual, duration: 1s, mutates: false, auto_start: true}
      - id: two
        title: Two
        kind: manual
        duration: 1s
        mutates: false
        expect_outage: {target: api, max: 30s}
criteria:
  - {id: up, title: Up, indicator: downtime, downtime: {targets: [api], max: 5s}}
  - {id: done, title: Done, indicator: data, steps: [one]}
  - {id: fast, title: Fast, indicator: performance, baseline: {metric: api.latency, min_samples: 3}}
"""


def procedure(text: str = PROCEDURE) -> Procedure:
    loaded = parse(text, path="tiny.yaml")
    assert loaded.procedure is not None, loaded.problems
    return loaded.procedure


class Book(Journal):
    """A log in memory that can be told to fail."""

    def __init__(self) -> None:
        self.kept = EventStore()
        self.failing = False
        self.durable = 0
        self.seconds = 1000.0

    @property
    def events(self) -> EventStore:
        return self.kept

    def folding(self) -> Folding:
        return Folding(self.kept.events(), self.kept.events)

    @property
    def saved(self) -> int:
        return self.durable

    @property
    def read_only(self) -> str:
        return ""

    @property
    def is_doubtful(self) -> bool:
        return self.failing

    async def refuses(self, *, urgent: bool) -> str:  # noqa: ARG002 - as the real one
        return "logbook: no room" if self.failing else ""

    def show(self, end: int) -> None:
        """It has no file."""

    def take_back(self, begin: int, why: str) -> ReplicaBurned | None:
        self.kept.drop(begin)
        return ReplicaBurned(old="r", last=begin, why=why)

    def append(self, drafts: Any, by: Actor, plan: str, *, urgent: bool) -> Kept:  # noqa: ARG002 - as the real one
        self.seconds += 1.0
        made = []
        for draft in drafts:
            new = event(len(self.kept) + 1, self.seconds, draft, by)
            self.kept.append(new, msgspec.json.encode(new))
            made.append(new)
        return Kept(made, len(self.kept), asyncio.ensure_future(self._durable()))

    async def _durable(self) -> str:
        await asyncio.sleep(0)
        if self.failing:
            return "logbook: no room"
        self.durable = len(self.kept)
        return ""


def drafts() -> list[Draft]:
    compiled = msgspec.Raw(msgspec.json.encode(procedure()))
    return [
        Draft(SessionOpened(title="Tiny", procedure="tiny")),
        Draft(PlanRevised(text=PROCEDURE, hash="h", compiled=compiled)),
    ]


CLAIMS: dict[str, dict[str, Any]] = {
    "FindLeft": {"step": "one", "run": "x"},
    "EndLeft": {"step": "one", "run": "x"},
    "CommandReturned": {"step": "one", "attempt": 1, "run": "x"},
    "VerificationRead": {"step": "one", "attempt": 1},
    "ChangeRead": {"step": "one", "attempt": 1, "proof": {"title": "t", "ok": True}},
    "ProveGone": {"step": "one", "proof": {"title": "t", "ok": True}},
    "WaitOver": {"step": "one"},
    "GuardBlinded": {"guard": "x", "why": "y"},
    "GuardHolds": {"guard": "x", "reason": "y"},
    "GuardReleased": {"guard": "x"},
    "GuardSighted": {"guard": "x"},
    "CrashFound": {"gap": 1.0},
    "NoteFact": {"text": "all is well"},
    "NoteClockStep": {"by": 1.0},
    "NoteRecorder": {"recorder": "logbook", "state": "lost"},
}
"""What each of the station's own intents needs to be one."""


async def hub(tmp_path: Path) -> tuple[Hub, Book, Effects]:
    book, effects = Book(), Effects()
    await book.append(drafts(), ME, "", urgent=False).durable
    made = Hub(tmp_path, book, ME)
    made.executor, made.watch, made.verdicts = effects, effects.watch, effects.verdicts
    made.look = effects.look
    return made, book, effects


@pytest.mark.parametrize("via", ["console", "station", "guard"])
async def test_nobody_at_a_connection_states_what_only_the_station_can(tmp_path: Path, via: str) -> None:
    made, book, _ = await hub(tmp_path)
    somebody = Actor(login="ada", uid=1000, via=via)
    for own in [intent for intent in get_args(intents.Intent) if not intent.of_people]:
        said = {"do": own.__name__} | CLAIMS.get(own.__name__, {})
        forged = cast("intents.Intent", msgspec.convert(said, own))
        assert (await made.ask(forged, somebody)).refusal == "only the station itself says that"
    assert len(book.events) == len(drafts())


async def test_nothing_comes_of_a_start_that_could_not_be_recorded(tmp_path: Path) -> None:
    decider, book, effects = await hub(tmp_path)
    await decider.ask(intents.StartSession(), ME)
    started = asyncio.create_task(decider.ask(intents.StartStep(step="one"), ME))
    await asyncio.sleep(0)
    book.failing = True
    answered = await started
    assert "NOT RECORDED" in answered.refusal
    assert effects.discarded == ["one"]
    assert "step.started" not in [event.kind for event, _ in book.kept]
    assert decider.session.steps["one"].state == "pending"
    book.failing = False
    await decider.ask(intents.AddNote(text="room again"), ME)
    assert "step.started" not in effects.reacted


async def test_without_a_recorder_nothing_starts_and_halt_still_works(tmp_path: Path) -> None:
    decider, book, _ = await hub(tmp_path)
    await decider.ask(intents.StartSession(), ME)
    book.failing = True
    assert "NOT RECORDED" in (await decider.ask(intents.StartStep(step="one"), ME)).refusal
    answered = await decider.ask(intents.Halt(nonce="aa", reason="full"), ME)
    assert not answered.refusal
    assert "NOT RECORDED" in answered.hint
    assert decider.session.state == "halted"
    assert decider.published == len(book.kept), "everybody sees it at once"
    assert (tmp_path / "halts" / "aa").exists()


async def test_a_halt_is_shown_before_it_is_durable(tmp_path: Path) -> None:
    decider, book, _ = await hub(tmp_path)
    shown: list[int] = []
    decider.on_published = lambda: shown.append(book.durable)
    before = book.durable
    await decider.ask(intents.Halt(nonce="aa"), ME)
    assert shown[0] == before


async def test_a_halt_with_an_impossible_name_halts_under_another(tmp_path: Path) -> None:
    decider, _, _ = await hub(tmp_path)
    await decider.ask(intents.Halt(nonce="../../x"), ME)
    (nonce,) = decider.session.live_halts()
    assert is_nonce(nonce)
    assert (tmp_path / "halts" / nonce).exists()


async def test_a_halt_whose_file_cannot_be_made_stops_commands_by_hand(tmp_path: Path) -> None:
    decider, _, effects = await hub(tmp_path)
    (tmp_path / "halts").write_text("in the way")
    answered = await decider.ask(intents.Halt(nonce="aa"), ME)
    assert not answered.refusal
    assert "could not be made" in answered.hint
    assert effects.by_hand
    assert decider.session.live_halts() == ("aa",)


async def test_a_halt_file_that_is_still_being_written_is_not_forgotten(tmp_path: Path) -> None:
    decider, _, _ = await hub(tmp_path)
    (tmp_path / "halts").mkdir()
    path = tmp_path / "halts" / "late"
    path.touch()
    await decider.take_filed_halts()
    assert not decider.session.live_halts()
    with path.open("w") as file:  # the folder's own time does not change any more
        file.write('{"nonce":"late","reason":"written late"}')
    await decider.take_filed_halts()
    assert decider.session.halts["late"].reason == "written late"


async def test_what_happens_by_itself_does_and_what_is_refused_waits(tmp_path: Path) -> None:
    decider, _, _ = await hub(tmp_path)
    await decider.ask(intents.StartSession(), ME)
    await decider.do_what_is_due()
    assert decider.session.steps["one"].state == "running"


# ---------------------------------------------------------------- readings, verdicts


def reading(target: str, at: float, status: Any = "ok", **values: Any) -> Reading:
    return Reading(target=target, at=at, boot=at, status=status, raw=status, values=values, interval=1.0, max_age=3.0)


def event(number: int, at: float, draft: Draft, by: Actor = ME) -> Event:
    return Event(
        v=1,
        session="s",
        replica="r",
        aseq=number,
        prev="",
        lamport=number,
        kind=draft.data.kind,
        actor=by,
        t=Moment(wall=at),
        data=msgspec.Raw(msgspec.json.encode(draft.data)),
        step=draft.step,
        attempt=draft.attempt,
    )


def session(*more: tuple[float, Draft]) -> Any:
    dated = [*((900.0, draft) for draft in drafts()), *more]
    return Folding(event(number, at, draft) for number, (at, draft) in enumerate(dated, 1)).session


STARTED = (1000.0, Draft(SessionStarted(start=1000.0, end=2000.0, reserve=100.0, warn=100.0)))


def test_downtime_counts_critical_outside_expected_outages() -> None:
    outage = (1010.0, Draft(StepGranted(), "two", 1)), (1010.0, Draft(StepStarted(), "two", 1))
    made = session(STARTED, *outage)
    readings = [reading("api", at, "critical" if 1005 <= at < 1050 else "ok") for at in range(1000, 1100)]
    down, watched = downtime(made, "api", readings, 1000.0, 1100.0)
    assert down == pytest.approx(5 + 10)  # 1005 to 1010, and 1040 to 1050: the step may break it for 30 s
    assert watched == pytest.approx(100.0)


def test_what_was_kept_of_a_quiet_target_is_one_reading_and_counts_as_all_of_them(tmp_path: Path) -> None:
    """Else the end of a long night would fill its station's memory."""
    folder = watched_night(tmp_path, 3, 600)
    found = samples_of(folder, {"api-0": (), "api-1": ("latency",)})
    assert (len(found["api-0"]), len(found["api-1"])) == (185, 600)
    assert {*found["api-1"][0].values} == {"latency"}
    made = session((START, Draft(SessionStarted(start=START, end=START + 9e3, reserve=100.0, warn=100.0))))
    every = [
        reading
        for batch in read_session(folder).samples
        for reading in msgspec.json.decode(batch.raw, type=list[Reading])
        if reading.target == "api-0"
    ]
    assert len(every) == 600
    for kept in (found["api-0"], every):
        assert downtime(made, "api-0", kept, START, START + 3e3) == pytest.approx((120.0, 3000.0))


def test_a_reboot_in_the_night_does_not_mix_what_was_read_before_it_with_what_came_after(tmp_path: Path) -> None:
    folder = tmp_path / "sessions" / "2026-11-29-booted-again-kfwz"
    log = SessionLog.open(folder, session_id=folder.name, actor=ME, moment=lambda: Moment(wall=1000.0))
    for at in range(1000, 1200, 2):
        up = at - 995.0 if at < 1100 else at - 1099.0  # seconds since the boot: the host starts anew
        status: Any = "critical" if 1040 <= at < 1050 else "ok"
        log.append_samples([msgspec.structs.replace(reading("api", float(at), status, latency=0.1), boot=up)])
    log.close()
    kept = samples_of(folder, {"api": ("latency",)})["api"]
    assert downtime(session(STARTED), "api", kept, 1000.0, 1200.0) == pytest.approx((10.0, 200.0))


def test_unknown_and_missing_readings_are_no_uptime() -> None:
    made = session(STARTED)
    sparse = [reading("api", at, "unknown" if at % 20 else "ok") for at in range(1000, 1100)]
    verdict = judge_all(made, {"api": sparse}, 1100.0, lambda _: None)[0]
    assert verdict.verdict == "INCONCLUSIVE"


def test_every_criterion_gets_a_verdict_with_its_evidence() -> None:
    done = [(1010.0, Draft(StepGranted(), "one", 1)), (1010.0, Draft(StepStarted(), "one", 1))]
    made = session(STARTED, *done, (1020.0, Draft(StepDone(), "one", 1)))
    readings = [reading("api", at, latency=0.01 if at < 1010 else 0.05) for at in range(950, 1100)]
    up, steps, fast = judge_all(made, {"api": readings}, 1100.0, lambda _: None)
    assert (up.verdict, steps.verdict, fast.verdict) == ("PASS", "PASS", "FAIL")
    assert "0 ms" in up.evidence or "0 s" in up.evidence
    assert steps.evidence == "one done"
    assert "latency" in fast.evidence


def test_a_criterion_whose_step_never_ran_is_inconclusive() -> None:
    assert judge_all(session(STARTED), {}, 1100.0, lambda _: None)[1].verdict == "INCONCLUSIVE"


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_stale_reading_is_unknown() -> None:
    clock = Clock()
    history = History(clock)
    history.watch({"api": Target(type="tcp")})
    assert history.status("api")[0] is None
    history.take(reading("api", 99.0, latency=0.2))
    assert history.status("api")[0] is True
    assert str(history.value("api.latency")) == "200 ms"
    clock.at = 103.0
    assert history.status("api")[0] is None
    assert history.value("api.latency") is None
    assert history.snapshot() == {"api.status": "unknown", "api.latency": None}


async def verify(item: VerifyItem, history: History | None = None, *, fresh: bool = False) -> Any:
    verifier = Verifier(history or History(Clock()), Values(Path("/h"), {}))
    step = Step(id="one", title="One")
    return await verifier.item(session(STARTED), step, item, {"PATH": "/usr/bin:/bin", "HOME": "/"}, fresh=fresh)


@pytest.mark.parametrize(
    ("argv", "expect", "ok"),
    [
        (("true",), None, True),
        (("false",), None, False),
        (("echo", "t"), Expect(op="equals", value="t"), True),
        (("echo", "f"), Expect(op="equals", value="t"), False),
        (("sh", "-c", "echo t; exit 1"), Expect(op="equals", value="t"), None),
        (("true",), Expect(op="gte", value="1"), None),
        (("/no/such/thing",), None, None),
        (("echo", "${nothing.known}"), None, None),
    ],
)
async def test_a_command_verifies_and_what_cannot_be_read_is_unknown(argv: Any, expect: Any, ok: bool | None) -> None:
    assert (await verify(VerifyItem(command=argv, expect=expect))).ok is ok


@pytest.mark.parametrize(
    ("expect", "ok"),
    [
        (Expect(op="matches", value="first"), True),
        (Expect(op="matches", value="last"), None),
        (Expect(op="equals", value="first"), None),
    ],
)
async def test_a_verification_of_output_that_was_cut_says_so(expect: Expect, ok: bool | None) -> None:
    long = ("sh", "-c", "echo first; yes | head -c 1100000; echo last")
    proof = await verify(VerifyItem(command=long, expect=expect))
    assert proof.ok is ok
    assert ok or proof.read == "not searched: output was cut"


async def test_a_verification_tries_until_it_holds(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    asyncio.get_running_loop().call_later(0.3, flag.touch)
    proof = await verify(VerifyItem(command=("ls", str(flag)), within=10.0, every=0.1))
    assert proof.ok is True


async def test_a_check_counts_only_a_reading_from_after_the_step() -> None:
    boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    history = History(lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    history.watch({"api": Target(type="tcp")})
    history.take(reading("api", boot))
    item = VerifyItem(check="api")

    def now_down() -> None:
        later = time.clock_gettime(time.CLOCK_BOOTTIME)
        history.take(msgspec.structs.replace(reading("api", later, "critical"), max_age=60.0))

    asyncio.get_running_loop().call_later(0.3, now_down)
    assert (await verify(item, history, fresh=True)).ok is False


# ---------------------------------------------------------------- secrets, windows, leases


def test_secrets_are_found_by_reference_and_never_named_by_value(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("hush\n")
    assert secret("env:A", {"A": "x"}) == "x"
    assert secret(f"file:{tmp_path}/s", {}) == "hush"
    for bad in ("env:NONE", "file:/no/such", "keyring:a/b"):
        with pytest.raises(QuarterdeckError):
            secret(bad, {})


def test_the_plan_s_hash_depends_on_text_parameters_and_window() -> None:
    hashes = {
        plan_hash("t", {}, {}),
        plan_hash("u", {}, {}),
        plan_hash("t", {"a": "b"}, {}),
        plan_hash("t", {}, {"end": "x"}),
    }
    assert len(hashes) == 4
    assert plan_hash("t", {"a": "1", "b": "2"}, {}) == plan_hash("t", {"b": "2", "a": "1"}, {})


def test_a_window_is_written_as_times_or_spans() -> None:
    assert read_window("") == {}
    whole = read_window("2026-11-29T02:00+01:00/2026-11-29T04:00+01:00")
    assert whole == {"start": "2026-11-29T02:00:00+01:00", "end": "2026-11-29T04:00:00+01:00"}
    for text in ("15m", "now/15m", "now/+15m"):
        ends = {name: datetime.fromisoformat(value) for name, value in read_window(text, now=1e9).items()}
        assert (ends["end"] - ends["start"]).total_seconds() == 900
    for bad in ("soon", "2026-11-29T04:00+01:00/2026-11-29T02:00+01:00", "15m/now", "/"):
        with pytest.raises(UsageError):
            read_window(bad)


def test_a_lease_is_renewed_while_somebody_is_there_or_has_said_goodbye(tmp_path: Path) -> None:
    made = session(STARTED)
    made.purpose, made.params = "demo", {"home": str(tmp_path)}
    keep, lease = tmp_path / "keep", Lease()
    lease.renew(made, 0.0, watched=False)
    assert not keep.exists(), "a terminal that vanished keeps nothing"
    lease.renew(made, 1.0, watched=True)
    assert keep.exists()
    keep.unlink()
    lease.somebody_left(20.0, saying_so=True)
    lease.renew(made, 21.0, watched=False)
    assert keep.exists()
    lease.end(made)
    assert (tmp_path / "stop").exists()


def test_a_recorder_that_is_lost_and_comes_back_is_told_once_each() -> None:
    class Log:
        states: ClassVar = {"logbook": "ok", "recorder": "ok"}

        def health(self) -> dict[str, str]:
            return dict(self.states)

    keeping = Journal(cast("SessionLog", Log()))
    assert keeping.changed_recorders() == {}
    Log.states["recorder"] = "no space left"
    assert keeping.changed_recorders() == {"recorder": "no space left"}
    assert keeping.changed_recorders() == {}
    Log.states["recorder"] = "ok"
    assert keeping.changed_recorders() == {"recorder": "ok"}
