"""A value that a step records is found wherever it stands in its output, and nothing is said of what was cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from quarterdeck.procedure.model import RecordField, Step
from quarterdeck.runner.spool import SpoolWriter
from quarterdeck.session import intents
from quarterdeck.station.commands.recorded import CUT, recorded
from quarterdeck.station.commands.redaction import Redactor

CASE = r"""
quarterdeck: 1
id: field-mid
title: Middle
revision: 1
stages:
  - id: s
    title: S
    steps:
      - id: mid
        title: Mid
        kind: command
        duration: 5s
        mutates: false
        shell: |
          yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -n 60000
          echo rows 7
          yes bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | head -n 60000
        record: [{name: rows, type: integer, pattern: "^rows (\\d+)$"}]
      - id: longline
        title: Long line
        kind: command
        after: []
        duration: 5s
        mutates: false
        shell: "head -c 5000 /dev/zero | tr '\\0' '.'; echo ' total 9'"
        record: [{name: rows, type: integer, pattern: "total (\\d+)$"}]
"""
MIB = 2**20


def found(
    folder: Path,
    content: bytes,
    pattern: str,
    kind: Literal["string", "integer", "number"] = "integer",
    *,
    room: int = 64 * MIB,
    secrets: tuple[str, ...] = (),
) -> tuple[dict[str, str], dict[str, str]]:
    """What a step that records `x` finds in this output."""
    writer = SpoolWriter(folder / "output", head=room // 2, ring=room // 2)
    for start in range(0, len(content), 65536):
        writer.write(content[start : start + 65536])
    writer.close()
    step = Step(id="s", title="S", kind="command", record=(RecordField(name="x", type=kind, pattern=pattern),))
    return recorded(step, folder / "output", Redactor(secrets), whole=not writer.cut)


def test_the_first_line_that_fits_gives_the_value(tmp_path: Path) -> None:
    assert found(tmp_path, b"noise\n12\n13\n", r"^(\d+)$") == ({"x": "12"}, {})
    assert found(tmp_path, b"nothing", r"^(\d+)$") == ({}, {})
    assert found(tmp_path, b"", r"^(\d+)$") == ({}, {})


@pytest.mark.parametrize("place", [0, 1, MIB - 3, MIB, 2 * MIB + 100, 5 * MIB - 8])
@pytest.mark.parametrize("filler", [b"x" * 39 + b"\n", b"x" * 39 + b"\r"])
def test_a_value_is_found_anywhere_in_five_megabytes(tmp_path: Path, place: int, filler: bytes) -> None:
    lines = filler * (5 * MIB // 40)
    at = place - place % 40
    content = lines[:at] + b"rows 7\n" + lines[at:]
    assert found(tmp_path, content, r"^rows (\d+)$") == ({"x": "7"}, {})


def test_a_value_is_found_far_to_the_right(tmp_path: Path) -> None:
    assert found(tmp_path, b"." * 3 * MIB + b" total 9", r"total (\d+)$") == ({"x": "9"}, {})


@pytest.mark.parametrize(
    "line",
    [
        "\x1b[1;32mrows 7\x1b[0m",
        "\x1b[Krows \x1b[38;5;9m7\x1b[m",
        "\x1b]8;;http://h\x1b\\rows\x1b]8;;\x07 7",
        "\x1b(Brows 7",
    ],
)
def test_a_value_is_found_past_colours(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, f"a\n{line}\n".encode(), r"^rows (\d+)$") == ({"x": "7"}, {})


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("rows 1,234,567", "1234567"),
        ("rows 1,234.", "1234"),
        ("rows 1,234, all of them", "1234"),
        ("rows 12’345’678", "12345678"),
        ("rows '12,345'", "12345"),
        ("rows 12\u00a0345", "12345"),
        ("rows 1,234.5", "1234.5"),
        ("rows -1,234", "-1234"),
        ("rows 12,34", "12"),
        ("rows 1234,567", "1234"),
        ("rows 12 345", "12"),
    ],
)
def test_a_number_is_read_without_the_separators_of_its_thousands(tmp_path: Path, line: str, value: str) -> None:
    assert found(tmp_path, line.encode(), r"rows '?(-?\d+(?:\.\d+)?)", "number") == ({"x": value}, {})


def test_a_text_keeps_its_separators_and_a_number_with_its_own_pattern_for_them_is_found_too(tmp_path: Path) -> None:
    assert found(tmp_path, b"rows 1,234\n", r"rows (\S+)", "string") == ({"x": "1,234"}, {})
    assert found(tmp_path, b"rows 1,234\n", r"rows ([\d,]+)$") == ({"x": "1234"}, {})
    assert found(tmp_path, b"id,n\n17,200\n", r"^(\d+),\d+$") == ({"x": "17"}, {})


def test_what_the_spool_had_to_cut_is_said_not_to_be_searched(tmp_path: Path) -> None:
    noise = b"x" * 39 + b"\n"
    cut = noise * 3000 + b"rows 7\n" + noise * 3000
    assert found(tmp_path, cut, r"^rows (\d+)$", room=100_000) == ({}, {"x": CUT})
    assert CUT == "not searched: output was cut"
    kept = cut + b"rows 8\n"
    assert found(tmp_path, kept, r"^rows (\d+)$", room=100_000) == ({"x": "8"}, {})


def test_half_a_line_at_a_cut_gives_no_value(tmp_path: Path) -> None:
    for shift in range(20):
        content = b"\n" * shift + b"rows 123456789\n" * 400
        (tmp_path / str(shift)).mkdir()
        values, _ = found(tmp_path / str(shift), content, r"^(?!rows 123456789$).*?(\d+)$", room=64)
        assert values == {}


def test_a_value_that_is_secret_is_not_recorded(tmp_path: Path) -> None:
    content = b"x" * 2 * MIB + b"\ncode \x1b[1mhush\x1b[0m-hush\n"
    assert found(tmp_path, content, r"^code (\S+)$", "string", secrets=("hush-hush",)) == ({"x": "[redacted]"}, {})
    assert found(tmp_path, content, r"^code (hush)", "string", secrets=("hush-hush",)) == ({}, {})


async def test_the_case_of_the_field_finds_both_of_its_values(opened: Any, attach: Any) -> None:
    lead = await attach(opened(CASE))
    await lead.do(intents.StartSession())
    for step, value in (("mid", "7"), ("longline", "9")):
        await lead.do(intents.StartStep(step=step))
        await lead.until(lambda step=step: lead.state(step) == "done")
        assert lead.session.steps[step].values == {"rows": value}
