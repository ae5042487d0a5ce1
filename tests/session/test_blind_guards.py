"""A guard that cannot read what it watches says so, everywhere, and acts where its target asks for it (R13)."""

from __future__ import annotations

import pytest
from sessionbook import LEAD, Book

from quarterdeck.session import intents as wanted
from quarterdeck.session.availability import blind_guards, open_gates
from quarterdeck.session.events import sentence
from quarterdeck.session.guard_watch import GuardWatch
from quarterdeck.session.next_line import next_line

PLAN = """
quarterdeck: 1
id: blind
title: Blind
revision: 1
roles: {lead: {title: Lead, backup: deputy}}
targets:
  api: {type: health_json, url: "http://a/", every: 1s, max_age: 10s}
  here: {type: local, every: 1s, max_age: 10s}
guards: [GUARD]
stages:
  - id: s
    title: S
    steps:
      - {id: a, title: A, duration: 10m, undo: {none: x}, expect_outage: {target: api, max: 1m}}
      - {id: b, title: B, duration: 10m, undo: {none: x}}
"""
MISSPELT = "api.value[checks.queue:dpth.observedValue] > 5"
UNIT = "api.value[checks.memory:utilization.observedValue] > 80%"
VALUES: dict[str, float | str] = {
    "status": "ok",
    "latency": 0.1,
    "value[checks.queue:depth.observedValue]": 3.0,
    "value[checks.memory:utilization.observedValue]": 65.0 * 2**20,
}
UNITS = {"value[checks.memory:utilization.observedValue]": "B"}


class Watched:
    """A session whose guards are judged as the station does, second by second."""

    def __init__(self, when: str, *, target: str = "", more: str = "") -> None:
        guard = f'{{id: g, title: Queue too deep, when: "{when}", action: halt{more}}}'
        text = PLAN.replace("GUARD", guard)
        self.book = Book(text.replace("max_age: 10s}", f"max_age: 10s{target}}}", 1))
        assert self.book.session.plan is not None
        self.watch = GuardWatch(self.book.session.plan)

    def start(self) -> Watched:
        self.read()
        self.book.ask(wanted.StartSession(override="known"))
        return self

    def read(self, values: dict[str, float | str] | None = None, message: str = "") -> None:
        self.watch.take(
            "api", self.book.now, VALUES if values is None else values, units=UNITS, max_age=10, message=message
        )

    def seconds(self, count: int, values: dict[str, float | str] | None = None, *, silent: bool = False) -> list[str]:
        """What was decided in so many seconds, with a reading in each."""
        kinds: list[str] = []
        for _ in range(count):
            self.book.wait(1)
            if not silent:
                self.read(values)
            for intent in self.watch.judge(self.book.session, self.book.now):
                kinds += self.book.ask(intent)
        return kinds

    @property
    def blind(self) -> str:
        return self.book.session.blind.get("g", "")


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (MISSPELT, "is not in what api says; did you mean `api.value[checks.queue:depth.observedValue]`?"),
        (UNIT, "65.0 MiB cannot be compared with 80 %"),
        ("here.cpu > 90%", "here.cpu was never read"),
        (f"{MISSPELT} and api.latency > 5s", "is not in what api says"),
        (f"{MISSPELT} or api.latency > 5s", "is not in what api says"),
        ("api.value[checks.queue:depth.observedValue] == ok", "3 cannot be compared with ok"),
    ],
)
def test_a_guard_that_can_never_fire_is_blind_after_max_age_and_not_before(when: str, why: str) -> None:
    night = Watched(when).start()
    night.seconds(9)
    assert not night.blind
    assert night.seconds(2).count("guard.blind") == 1
    assert why in night.blind
    assert "guard.blind" not in night.seconds(30)


@pytest.mark.parametrize("when", ["api.latency > 5s", "api.status == critical", f"{MISSPELT} or api.latency > 1ms"])
def test_a_guard_that_can_be_judged_is_not_blind(when: str) -> None:
    night = Watched(when).start()
    night.seconds(30)
    assert not night.blind


def test_a_rate_is_not_blind_for_having_one_reading_only() -> None:
    night = Watched("here.cpu > 90% or rate(api.latency, 1m) > 1")
    night.read()
    night.watch.take("here", night.book.now, {"status": "ok"}, max_age=10)
    assert night.watch.judge(night.book.session, night.book.now, at_once=True) == []
    assert not night.watch.undecided(night.book.now)


def test_readings_that_stop_blind_it_and_readings_that_come_again_end_that() -> None:
    night = Watched("api.latency > 5s").start()
    night.seconds(5)
    assert "guard.blind" in night.seconds(12, silent=True)
    assert "api.latency is too old" in night.blind
    assert "guard.sees" in night.seconds(1)
    assert not night.blind


def test_a_status_that_cannot_be_read_blinds_a_guard_and_says_why() -> None:
    night = Watched("api.status == critical").start()
    for _ in range(12):
        night.book.wait(1)
        night.read({"status": "unknown"}, message="this is HTML, no JSON")
        for intent in night.watch.judge(night.book.session, night.book.now):
            night.book.ask(intent)
    assert night.blind == "api.status is unknown: this is HTML, no JSON"


def test_within_grace_and_expected_outages_a_guard_is_not_called_blind() -> None:
    night = Watched("api.latency > 5s", more=", grace: {after: b, period: 30s}").start()
    night.book.ask(wanted.StartStep(step="a"))
    night.seconds(55, {"status": "critical"})
    assert not night.blind
    night.seconds(20, {"status": "critical"})
    assert "is not in what api says" in night.blind
    night.seconds(1)
    night.book.ask(wanted.FinishStep(step="a"))
    night.book.ask(wanted.StartStep(step="b"))
    night.seconds(29, {"status": "critical"})
    assert not night.blind
    night.seconds(12, {"status": "critical"})
    assert night.blind


@pytest.mark.parametrize("when", ["api.latency > 5s", MISSPELT])
def test_on_unknown_pauses_the_forward_plan_after_max_age_and_going_on_takes_an_override(when: str) -> None:
    night = Watched(when, target=", on_unknown: pause").start()
    assert "session.paused" not in night.seconds(9, {"status": "unknown"})
    assert night.seconds(12, {"status": "unknown"}).count("session.paused") == 1
    assert night.book.state == "paused"
    assert "api must be known: api." in night.book.session.pause_reason
    refusal = night.book.refused(wanted.GoOn())
    assert (refusal.waivable, "api must be known" in refusal.why) == ("override", True)
    night.book.ask(wanted.GoOn(override="we look at it by hand"))
    assert "session.paused" not in night.seconds(30, {"status": "unknown"})


def test_on_unknown_needs_no_guard_and_lets_go_when_the_target_is_known_again() -> None:
    night = Watched("here.cpu > 90%", target=", on_unknown: pause").start()
    night.watch.take("here", night.book.now, {"cpu": 1.0}, max_age=1000)
    assert "session.paused" in night.seconds(12, {"status": "unknown"})
    night.seconds(1)
    night.book.ask(wanted.GoOn())
    assert night.book.state == "running"


def test_on_unknown_is_calm_in_an_expected_outage_and_only_warns_in_a_rollback() -> None:
    night = Watched("here.cpu > 90%", target=", on_unknown: pause").start()
    night.book.ask(wanted.StartStep(step="a"))
    assert "session.paused" not in night.seconds(50, {"status": "unknown"})
    night.book.ask(wanted.FinishStep(step="a"))
    night.book.halt("n1", "slow")
    night.book.roll_back()
    assert "session.paused" not in night.seconds(30, {"status": "unknown"})


def test_start_asks_for_each_blind_guard_by_name_and_accepting_it_is_a_deviation() -> None:
    night = Watched(MISSPELT)
    night.read()
    for intent in night.watch.judge(night.book.session, night.book.now, at_once=True):
        night.book.ask(intent)
    [gate] = open_gates(night.book.session, night.book.now)
    assert gate.startswith("guard “Queue too deep” is blind: api.value[checks.queue:dpth")
    assert night.book.refused(wanted.StartSession()).waivable == "override"
    night.book.ask(wanted.StartSession(override="the queue is watched by hand"))
    [deviation] = night.book.session.deviations
    assert (deviation.weight, gate in deviation.what, deviation.why) == (
        "exception",
        True,
        "the queue is watched by hand",
    )


def test_a_guard_that_is_overridden_by_name_opens_the_gate() -> None:
    night = Watched(MISSPELT)
    night.seconds(12)
    night.book.ask(wanted.OverrideGuard(guard="g", reason="the metric was renamed"))
    assert open_gates(night.book.session, night.book.now) == []
    assert blind_guards(night.book.session, night.book.now) == []


def test_next_and_log_say_it_and_the_record_keeps_it() -> None:
    night = Watched(MISSPELT).start()
    night.seconds(12)
    assert next_line(night.book.session, night.book.now, LEAD).text.startswith("BLIND: Queue too deep · ")
    said = [sentence(event, night.book.session.plan) for event in night.book.events if event.kind == "guard.blind"]
    assert said[0].startswith("guard g IS BLIND: api.value[checks.queue:dpth.observedValue] is not in")
    assert [d.what for d in night.book.session.deviations if "blind" in d.what] == ["guard g was blind"]


def test_a_guard_looks_back_as_far_as_it_says() -> None:
    night = Watched("max(api.latency, 3h) > 5s").start()
    night.read({"status": "ok", "latency": 6.0})
    night.book.wait(2.9 * 3600)
    night.read({"status": "ok", "latency": 0.1})
    assert [type(intent).__name__ for intent in night.watch.judge(night.book.session, night.book.now)] == [
        "GuardHolds"
    ]
    night.book.wait(0.2 * 3600)
    night.read({"status": "ok", "latency": 0.1})
    assert night.watch.judge(night.book.session, night.book.now) == []


def test_a_guard_over_two_targets_is_calm_while_one_of_them_is_expected_to_be_out() -> None:
    night = Watched("api.latency > 5s or here.cpu > 90%").start()
    night.book.ask(wanted.StartStep(step="a"))
    for _ in range(50):
        night.watch.take("here", night.book.now + 1, {"cpu": 1.0}, max_age=10)
        assert "guard.blind" not in night.seconds(1, {"status": "critical"})


def test_what_was_accepted_at_start_is_not_asked_for_again_until_it_was_seen() -> None:
    night = Watched("api.latency > 5s", target=", on_unknown: pause")
    night.seconds(12, {"status": "unknown"})
    night.book.ask(wanted.StartSession(override="we look at it by hand"))
    assert "session.paused" not in night.seconds(30, {"status": "unknown"})
    night.seconds(1)
    assert "session.paused" in night.seconds(12, {"status": "unknown"})
