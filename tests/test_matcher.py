"""The helper that tries people's patterns: what it answers, and that its limit is one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from patience import LONG, SLOW, little_patience

from quarterdeck import matcher
from quarterdeck.matcher import NotSearchedError, TooSlowError, first_match
from quarterdeck.observer.checks.command import OUTPUT_CAP, perfdata
from quarterdeck.procedure import parameters
from quarterdeck.procedure.expectations import MOST_MATCHED, holds
from quarterdeck.procedure.model import Expect, Param
from quarterdeck.procedure.parameters import value_problem


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with little_patience(monkeypatch):
        yield


def test_the_first_text_that_fits_gives_the_match_and_its_groups() -> None:
    assert first_match(r"hello (\d+)(!)?", ["x", "say hello 42", "hello 43"]) == ("hello 42", "42", None)
    assert first_match("z", ["abc"]) is None
    assert first_match("^b", ["a\nb"], flags=re.MULTILINE) == ("b",)
    assert first_match("a", ["ab"], how="fullmatch") is None


@pytest.mark.parametrize("text", ["\udcff", "\0", "é\u2028\n", "x" * 2_000_000])
def test_any_text_goes_to_the_helper_and_back(text: str) -> None:
    assert first_match("(?s).*", [text]) == (text,)


def test_every_pattern_of_re_is_taken() -> None:
    assert first_match(r"(?<=a)(?P<x>b)(?=c)\1?", ["abc"]) == ("b", "b")


@pytest.mark.usefixtures("hurried")
def test_a_pattern_that_takes_too_long_is_given_up_and_says_so() -> None:
    with pytest.raises(TooSlowError, match=r"not searched: the pattern took longer than 0\.005 s"):
        first_match(SLOW, [LONG])
    assert first_match("a", ["a"]) == ("a",)


def test_a_helper_that_was_killed_while_it_waited_is_replaced() -> None:
    first_match("a", ["a"])
    for helper in matcher._idle:
        helper._process.kill()
        helper._process.wait()
    assert first_match("b", ["b"]) == ("b",)


def test_many_threads_ask_at_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: first_match(r"\d+", [f"n{number}"]), range(40)))
    assert answers == [(str(number),) for number in range(40)]


def test_without_a_helper_nothing_is_said_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    matcher._end_all()
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(NotSearchedError, match="no helper process can be started"):
        first_match("a", ["a"])


@pytest.mark.usefixtures("hurried")
def test_an_expectation_that_takes_too_long_is_neither_true_nor_false() -> None:
    with pytest.raises(TooSlowError):
        holds(Expect(op="matches", value=SLOW), LONG[:MOST_MATCHED])


@pytest.mark.usefixtures("hurried")
def test_what_took_too_long_once_is_not_tried_again() -> None:
    expect = Expect(op="matches", value=SLOW)
    with pytest.raises(TooSlowError):
        holds(expect, LONG[:MOST_MATCHED])
    began = time.process_time()
    for _ in range(3):
        with pytest.raises(TooSlowError):
            holds(expect, LONG[:MOST_MATCHED])
    assert time.process_time() - began < matcher.LIMIT


def test_a_parameters_value_that_cannot_be_judged_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise TooSlowError

    monkeypatch.setattr(parameters, "first_match", slow)
    assert "took longer" in value_problem("v", Param(pattern="a"), "a")


@pytest.mark.parametrize("piece", ["'", "a", "a''", "'a'' "])
def test_no_output_of_a_plugin_takes_long_to_read(piece: str) -> None:
    began = time.process_time()
    perfdata(piece * (OUTPUT_CAP // len(piece)))
    assert time.process_time() - began < 5
