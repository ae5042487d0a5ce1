"""Bands, repetition, flapping, age: pure rules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.observer.checks.base import SettingError
from quarterdeck.observer.messages import Flag, Reading, Status
from quarterdeck.observer.status import (
    History,
    Levels,
    Rule,
    advance,
    band,
    flags_of,
    flapping_share,
    freshness,
    levels_of,
    target_levels,
    worst,
)
from quarterdeck.procedure.model import Bands, Target

STATUSES: tuple[Status, ...] = ("ok", "warning", "critical", "unknown")
LATENCY = Levels(warning=0.4, critical=0.8, clear=0.3)


def run(*raws: Status, rule: Rule | None = None) -> list[tuple[Status, bool]]:
    history, seen = History(), []
    for raw in raws:
        history = advance(history, raw, rule or Rule())
        seen.append((history.status, history.pending))
    return seen


def test_a_value_at_its_level_is_in_breach() -> None:
    assert band(0.39, LATENCY) == "ok"
    assert band(0.4, LATENCY) == "warning"
    assert band(0.8, LATENCY) == "critical"


def test_a_breach_ends_only_beyond_clear() -> None:
    assert band(0.35, LATENCY, "ok") == "ok"
    assert band(0.35, LATENCY, "warning") == "warning"
    assert band(0.35, LATENCY, "critical") == "warning"
    assert band(0.29, LATENCY, "critical") == "ok"


def test_lower_is_worse_where_the_levels_fall() -> None:
    free = levels_of("storage[/].free", Bands(warning="10 GiB", critical="5 GiB", clear="12 GiB"))
    assert free.falling
    assert band(6 * 2.0**30, free) == "warning"
    assert band(11 * 2.0**30, free, "warning") == "warning"
    assert band(5 * 2.0**30, free) == "critical"


def test_one_level_alone_goes_by_what_the_metric_declares() -> None:
    bands = {"storage[/].free": Bands(critical="5 GiB"), "storage[/].used": Bands(critical="90%")}
    levels = target_levels(Target(type="local", bands=bands))
    assert levels["storage[/].free"].falling
    assert not levels["storage[/].used"].falling


@pytest.mark.parametrize(
    "bands",
    [
        Bands(warning="fast"),
        Bands(warning="400ms", critical="90%"),
        Bands(warning="400ms", critical="300ms", clear="350ms"),
    ],
)
def test_bands_that_make_no_sense_are_refused(bands: Bands) -> None:
    with pytest.raises(SettingError):
        levels_of("latency", bands)


@pytest.mark.parametrize("value", [None, "word", math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_unknown(value: float | str | None) -> None:
    assert band(value, LATENCY) == "unknown"


def test_the_gravest_status_wins() -> None:
    assert worst(["ok", "unknown", "warning"]) == "unknown"
    assert worst(["unknown", "critical"]) == "critical"
    assert worst([]) == "ok"


def test_one_failure_is_pending_and_two_are_confirmed() -> None:
    assert run("ok", "critical", "critical") == [("ok", False), ("ok", True), ("critical", False)]


def test_one_good_result_ends_a_failure() -> None:
    assert run("critical", "critical", "ok")[-1] == ("ok", False)


def test_a_recovery_may_need_several_good_results() -> None:
    rule = Rule(failure_threshold=1, success_threshold=3)
    seen = run("critical", "ok", "ok", "ok", rule=rule)
    assert seen == [("critical", False), ("critical", True), ("critical", True), ("ok", False)]


def test_an_unknown_is_shown_at_once() -> None:
    assert run("ok", "unknown") == [("ok", False), ("unknown", True)]


def test_one_unknown_amid_a_failure_does_not_end_it() -> None:
    assert run("critical", "critical", "unknown", "critical")[-1] == ("critical", False)


def test_failures_and_unknowns_in_turn_are_never_ok() -> None:
    seen = run("ok", "critical", "unknown", "critical", "unknown", "critical")
    assert all(status != "ok" for status, _ in seen[2:])


def test_the_first_bad_result_is_not_confirmed_yet() -> None:
    assert run("critical") == [("unknown", True)]
    assert run("critical", "critical")[-1] == ("critical", False)


def test_changing_each_time_is_flapping_and_stops_only_well_below() -> None:
    history = History()
    rule = Rule(failure_threshold=1)
    flips: tuple[Status, ...] = ("ok", "critical") * 11
    for raw in flips:
        history = advance(history, raw, rule)
    assert "flapping" in flags_of(history)
    shares = []
    while history.flapping:
        history = advance(history, "ok", rule)
        shares.append(flapping_share(history.recent))
    assert shares[-1] < 0.2 <= shares[-2]


def test_a_single_change_is_no_flapping() -> None:
    history = History()
    raws: tuple[Status, ...] = ("ok",) * 20 + ("critical",) * 10
    for raw in raws:
        history = advance(history, raw, Rule(1, 1))
        assert not history.flapping


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_unknown_never_counts_as_ok(raws: list[Status], failures: int, successes: int) -> None:
    history = History()
    for raw in raws:
        before, history = history, advance(history, raw, Rule(failures, successes))
        if raw == "unknown":
            assert history.status == "unknown"
        if history.status == "ok" and before.status not in ("ok", "unknown"):
            assert raw == "ok"
        assert len(history.recent) <= 21


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=60), st.integers(1, 4))
def test_a_status_repeated_often_enough_is_confirmed(raws: list[Status], threshold: int) -> None:
    history = History()
    for raw in raws + [raws[-1]] * threshold:
        history = advance(history, raw, Rule(threshold, threshold))
    assert history.status == raws[-1]
    assert not history.pending


def test_age_turns_a_number_dim_then_hatched_then_withdrawn() -> None:
    assert freshness(7.5, 5) == "fresh"
    assert freshness(7.6, 5) == "aging"
    assert freshness(15.1, 5) == "stale"
    assert freshness(25.1, 5) == "withdrawn"


def test_what_is_not_stale_yet_is_not_withdrawn() -> None:
    assert freshness(50, 5, 60) == "aging"
    assert freshness(61, 5, 60) == "withdrawn"
    assert freshness(11, 5, 10) == "stale"


def test_a_verification_relies_on_a_settled_ok_only() -> None:
    def reading(status: Status, raw: Status, *flags: Flag) -> Reading:
        return Reading(
            target="t",
            at=0,
            boot=0,
            status=status,
            raw=raw,
            flags=flags,
            interval=5,
            max_age=15,
        )

    assert reading("ok", "ok").is_ok
    assert not reading("ok", "critical", "pending").is_ok
    assert not reading("ok", "ok", "stale").is_ok
    assert not reading("unknown", "unknown").is_ok
