"""Verdicts on metrics: when they pass, fail, or prove nothing."""

from __future__ import annotations

import msgspec
import pytest

from quarterdeck.observer.baseline import Series, judge, series, statistic
from quarterdeck.observer.messages import Flag, Health, Reading, Value
from quarterdeck.procedure.model import Baseline

RULE = Baseline(metric="api.latency", statistic="p50", min_samples=10)


def of(value: float, n: int = 100, expected: int = 100, *, sound: bool = True, complete: bool = True) -> Series:
    return Series(values=(value,) * n, expected=expected, sound=sound, complete=complete)


def reading(latency: float | str | None, *flags: Flag) -> Reading:
    values: dict[str, Value] = {} if latency is None else {"latency": latency}
    return Reading(
        target="api",
        at=0,
        boot=0,
        status="ok",
        raw="ok",
        flags=flags,
        values=values,
        interval=5,
        max_age=15,
    )


def test_statistics_are_interpolated() -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    assert statistic(values, "p50") == 2.5
    assert statistic(values, "mean") == 2.5
    assert statistic(values, "p95") == pytest.approx(3.85)
    assert statistic([], "p95") is None


def test_within_the_allowed_increase_passes() -> None:
    found = judge(RULE, of(0.100), of(0.109))
    assert (found.verdict, found.grade) == ("PASS", "ok")
    assert found.ratio == pytest.approx(1.09)
    assert (found.before.n, found.before.coverage, found.before.value) == (100, 1.0, 0.100)


@pytest.mark.parametrize(("after", "grade"), [(0.120, "warning"), (0.151, "critical")])
def test_beyond_it_fails_by_grade(after: float, grade: str) -> None:
    found = judge(RULE, of(0.100), of(after))
    assert (found.verdict, found.grade) == ("FAIL", grade)


def test_a_ratio_alone_is_noise_below_min_delta() -> None:
    rule = msgspec.structs.replace(RULE, min_delta="20ms")
    assert judge(rule, of(0.003), of(0.009)).verdict == "PASS"
    assert judge(rule, of(0.003), of(0.030)).verdict == "FAIL"


def test_better_is_never_a_failure() -> None:
    assert judge(RULE, of(0.100), of(0.010)).verdict == "PASS"


def test_where_higher_is_better_a_fall_fails() -> None:
    rule = msgspec.structs.replace(RULE, direction="higher_is_better")
    assert judge(rule, of(1000), of(2000)).verdict == "PASS"
    assert judge(rule, of(1000), of(800)).grade == "warning"
    assert judge(rule, of(1000), of(400)).grade == "critical"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (of(0.1, n=9, expected=9), of(0.1), "9 samples before Start"),
        (of(0.1), of(0.1, n=89), "89 %"),
        (of(0.1, sound=False), of(0.1), "not sound before Start"),
        (of(0.1), of(0.1, complete=False), "ended early"),
        (of(0.1, n=0), of(0.1), "0 samples"),
        (of(0.0), of(0.1), "min_delta"),
    ],
)
def test_too_little_is_inconclusive_and_says_why(before: Series, after: Series, why: str) -> None:
    found = judge(RULE, before, after)
    assert (found.verdict, found.grade) == ("INCONCLUSIVE", "unknown")
    assert why in found.why


def test_doubt_outranks_a_failure() -> None:
    assert judge(RULE, of(0.1), of(9.9, n=50)).verdict == "INCONCLUSIVE"


def test_a_baseline_of_zero_is_judged_by_min_delta() -> None:
    rule = msgspec.structs.replace(RULE, min_delta="2/s")
    assert judge(rule, of(0.0), of(1.0)).verdict == "PASS"
    assert judge(rule, of(0.0), of(3.0)).verdict == "FAIL"


def test_only_usable_samples_are_collected() -> None:
    told = [reading(0.1), reading(None), reading("word"), reading(float("nan")), reading(0.2, "lagged")]
    told += [reading(0.3, "stale"), reading(0.4, "pending")]
    found = series(told, "latency", span=35, interval=5)
    assert found.values == (0.1, 0.4)
    assert found.coverage == pytest.approx(2 / 7)


def test_an_unsound_observer_makes_a_series_unsound() -> None:
    def health(sound: bool) -> Health:
        return Health(at=0, boot=0, lag=0, skew=0, skipped=0, sound=sound)

    mostly = [health(True)] * 19 + [health(False)]
    assert series([reading(0.1)], "latency", span=5, interval=5, health=mostly).sound
    assert not series([], "latency", span=5, interval=5, health=[health(False), health(True)]).sound
