from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from quarterdeck.documents.nodes import Mapping, Scalar, Sequence
from quarterdeck.documents.problems import Problem, UnreadableError
from quarterdeck.documents.strict_yaml import Limits, compose, read_text, read_tree
from quarterdeck.errors import DocumentError


@pytest.fixture(params=["C scanner", "pure Python"])
def scanner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test holds for both scanners of PyYAML."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml, "__with_libyaml__", False)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    return str(request.param)


def refused(text: str) -> Problem:
    problems: list[Problem] = []
    assert compose(text, "plan.yaml", problems) is None
    assert len(problems) == 1
    return problems[0]


HOSTILE = [
    ("an alias bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, 4, "anchors"),
    ("an alias", "a: *b\n", 1, 4, "aliases"),
    ("depth 500 in brackets", "[" * 500 + "]" * 500, 1, 51, "nested deeper than 50"),
    ("depth 500 by indentation", "\n".join("  " * i + f"k{i}:" for i in range(500)), 50, 99, "nested deeper than 50"),
    ("depth 500 in dashes", "- " * 500, 1, 101, "nested deeper than 50"),
    ("a tag", "a: !!python/object/apply:os.system [ls]\n", 1, 4, "tags"),
    ("a control character", "a: b\nc: \x1b[2J\n", 2, 4, "U+001B"),
    ("a NUL by escape", 'a: "\\0"\n', 1, 4, "NUL"),
    ("a text that turns direction", "a: b\u202ec\n", 1, 5, "U+202E"),
    ("a line break that only YAML knows", "a: b\u2028c: d\n", 1, 5, "U+2028"),
    ("two documents", "a: 1\n---\nb: 2\n", 2, 1, "a second document begins"),
    ("nothing", "", 1, 1, "empty"),
    ("a comment alone", "# nothing\n", 1, 1, "empty"),
    ("a tab for indentation", "a:\n\tb: c\n", 2, 1, "a tab cannot stand here"),
    ("a colon in a text", "a: b: c\n", 1, 5, "put a text that holds it in quotes"),
    ("a bracket never closed", "a: [b, c\nd: e\n", 2, 2, "brackets"),
    ("a list as a key", "? [a]\n: b\n", 1, 3, "a key must be text"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_hostile_yaml_gets_one_clear_error(scanner: str, text: str, line: int, column: int, message: str) -> None:
    problem = refused(text)
    assert message in problem.message
    assert problem.line == line
    if scanner == "C scanner":
        assert problem.column == column
    assert str(problem).startswith(f"plan.yaml:{problem.line}:{problem.column}: error: ")
    assert str(problem).isprintable()


@pytest.mark.parametrize(
    "text",
    ["[" + "a," * 500_000 + "]", "- a\n" * 250_000, "\n".join(f"k{i}: 1" for i in range(90_000)), "[" * 1_000_000],
    ids=["a flat list", "a list of lines", "many keys", "brackets"],
)
def test_a_mebibyte_of_small_values_is_refused_in_under_a_second(text: str) -> None:
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    begun = time.process_time()
    refused(text)
    assert time.process_time() - begun < 1


def test_duplicate_keys_are_all_said_with_their_first_line(scanner: str) -> None:
    problems: list[Problem] = []
    compose("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n", "plan.yaml", problems)
    assert [(problem.line, problem.message) for problem in problems] == [
        (3, "the key `a` stands twice; first at line 1"),
        (4, "the key `d` stands twice; first at line 4"),
    ]


@pytest.mark.parametrize("written", ["no", "12:30", "1.10", "0x1F", "null", "~", "2026-05-02", "1e3", "0777", "on"])
def test_scalars_stay_as_written(scanner: str, written: str) -> None:
    root = compose(f"a: {written}\n", "plan.yaml", [])
    assert isinstance(root, Mapping)
    value = root.get("a")
    assert isinstance(value, Scalar)
    assert value.text == written
    assert (value.line, value.column, value.plain) == (1, 4, True)


def test_a_tree_keeps_places_and_order(scanner: str) -> None:
    root = compose('b: [x, "y z"]\na:\n  - |\n    two\n    lines\n', "plan.yaml", [])
    assert isinstance(root, Mapping)
    assert list(root.entries) == ["b", "a"]
    first, second = root.get("b"), root.get("a")
    assert isinstance(first, Sequence)
    assert isinstance(second, Sequence)
    assert [item.text for item in first.items if isinstance(item, Scalar)] == ["x", "y z"]
    assert (second.items[0].line, second.items[0].column) == (3, 5)


def test_a_hundred_megabytes_are_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    begun = time.perf_counter()
    with pytest.raises(DocumentError) as caught:
        read_text(path)
    assert time.perf_counter() - begun < 0.5
    assert "104,857,600 bytes" in caught.value.message


def test_a_file_just_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"#" * 101)
    with pytest.raises(DocumentError, match="at most 100"):
        read_text(path, Limits(size=100))


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"a: b\nc: d\xff\n", "2:5", "byte 0xff is not UTF-8"),
        (b"\xff\xfea\x00:\x00", "1:1", "not UTF-8"),
        ("a: Größe\nb: \u00e9".encode("latin-1"), "1:6", "not UTF-8"),
    ],
)
def test_other_encodings_are_refused_where_they_begin(
    tmp_path: Path, content: bytes, place: str, message: str
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_text(path)
    assert message in caught.value.message
    assert str(caught.value.problem).startswith(f"{path}:{place}: error: ")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_bytes("\ufeffa: b\n".encode())
    assert read_text(path) == "a: b\n"


def test_a_folder_a_pipe_and_nothing_are_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, message in (
        (tmp_path, "is a folder"),
        (pipe, "no regular file"),
        (tmp_path / "none.yaml", "there is no such file"),
        (Path("/dev/zero"), "no regular file"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(DocumentError, match=message):
            read_text(path)


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("a: b")
    path.chmod(0)
    with as_nobody(), pytest.raises(DocumentError, match="Permission denied"):
        read_text(path)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Root reads everything: be somebody else for a moment."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_hostile_file_name_steers_no_terminal(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        read_text(tmp_path / "a\x1b[2J\nb.yaml")
    assert all(line.isprintable() for line in caught.value.problems)
    assert str(caught.value).isprintable()


def test_read_tree_raises_with_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("a: 1\na: 2\na: 3\n")
    with pytest.raises(DocumentError) as caught:
        read_tree(path)
    assert len(caught.value.problems) == 2
