"""The row `procedures` of the faults: each with a control that shows what happens without our reader."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarterdeck.documents.problems import errors_of
from quarterdeck.documents.strict_yaml import Limits, read_text
from quarterdeck.errors import DocumentError
from quarterdeck.procedure.check import lint, lint_text, parse
from quarterdeck.procedure.paper import on_paper

EXAMPLE = (Path(__file__).parent / "example-procedure.yaml").read_text(encoding="utf-8")
LINES = EXAMPLE.split("\n")
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
DEEP = "quarterdeck: 1\nid: " + "[" * 500 + "]" * 500


def leaves(value: object, most: int) -> int:
    """Count the leaves that somebody who walks over the value would visit, up to `most`."""
    count, left = 0, [value]
    while left and count < most:
        current = left.pop()
        if isinstance(current, list):
            left += current
        else:
            count += 1
    return count


def test_an_alias_bomb_is_refused_where_it_begins() -> None:
    begun = time.process_time()
    [problem] = lint_text("quarterdeck: 1\n" + BOMB, "bomb.yaml")
    assert str(problem).startswith("bomb.yaml:2:5: error: anchors")
    assert time.process_time() - begun < 1


def test_control_plain_yaml_takes_an_alias_bomb() -> None:
    assert leaves(yaml.safe_load(BOMB)["a29"], 100_000) >= 100_000


def test_depth_500_is_refused_where_it_gets_too_deep() -> None:
    begun = time.process_time()
    [problem] = lint_text(DEEP, "deep.yaml")
    assert str(problem) == "deep.yaml:2:54: error: nested deeper than 50 levels"
    assert time.process_time() - begun < 1


def test_control_plain_yaml_breaks_at_depth_500() -> None:
    with pytest.raises(RecursionError):
        yaml.safe_load(DEEP)


def test_a_hundred_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    begun = time.perf_counter()
    with pytest.raises(DocumentError, match="104,857,600 bytes; a document may have at most 1,048,576"):
        lint(path)
    assert time.perf_counter() - begun < 1


def test_control_without_the_size_limit_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (2 * 1024 * 1024))
    assert len(read_text(path, Limits(size=4 * 1024 * 1024))) == 2 * 1024 * 1024


def test_duplicate_keys_are_refused() -> None:
    found = errors_of(lint_text(EXAMPLE + "\nrevision: 4\n", "plan.yaml"))
    assert [problem.message for problem in found] == ["the key `revision` stands twice; first at line 5"]


def test_control_plain_yaml_takes_the_last_of_two_keys() -> None:
    assert yaml.safe_load("a: 1\na: 2\n") == {"a": 2}


@pytest.mark.parametrize(("written", "plainly"), [("no", False), ("12:30", 750), ("1.10", 1.1)])
def test_no_and_12_30_and_1_10_stay_text(written: str, plainly: object) -> None:
    loaded = parse(EXAMPLE.replace("change: CHG-1042", f"change: {written}"), path="plan.yaml")
    assert loaded.procedure is not None
    assert loaded.procedure.change == written
    assert yaml.safe_load(f"a: {written}") == {"a": plainly}, "the control: plain YAML makes something else of it"


WORDS = [
    "[]",
    "{}",
    '""',
    "null",
    "-1",
    "[a, b]",
    "{a: b}",
    "${x}",
    "${count.rows}",
    "5",
    "5m",
    "[[1]]",
    "no",
    "[{}]",
]


@st.composite
def broken(draw: st.DrawFn) -> str:
    """The example after a few careless edits."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["delete", "swap", "value", "repeat"])):
            case "delete":
                del lines[at]
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "value":
                lines[at] = lines[at].split(":", 1)[0] + ": " + draw(st.sampled_from(WORDS))
            case _:
                lines.insert(at, draw(st.sampled_from(LINES)))
    return "\n".join(lines)


@given(broken())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_careless_edit_breaks_lint_or_paper(text: str) -> None:
    for problem in lint_text(text, "plan.yaml"):
        assert str(problem).isprintable()
        assert problem.line >= 1
        assert problem.column >= 1
    loaded = parse(text, path="plan.yaml")
    assert (loaded.procedure is None) == bool(errors_of(loaded.problems))
    if loaded.procedure is not None:
        assert on_paper(loaded.procedure)
        assert on_paper(loaded.procedure, as_markdown=True)
