"""The measurements can be taken, one row at a time, and say what they should: declared once, as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.measure import Row
from tests.bench.ptyshell import Shell

ROOT = Path(__file__).parents[1]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_each_row_has_a_name_of_its_own() -> None:
    named = [line.removesuffix(" (long)").split(": ") for line in bench("--list").stdout.splitlines()]
    rows = [row for _, row in named]
    assert len(rows) == len({*rows})
    assert not {*rows} & {group for group, _ in named}
    assert {"attach", "lead", "key-scroll-10000", "halt-durable", "append-p50", "steady-cpu"} <= {*rows}


def test_one_row_is_measured_alone_and_a_missed_mark_is_an_exit_code() -> None:
    done = bench("replay-export", "--quick", "--json")
    (row,) = json.loads(done.stdout)
    assert row["row"] == "replay-export"
    assert {"row", "measured", "reference", "ratio", "mark", "met"} <= row.keys()
    assert row["ratio"] == row["measured"] / row["reference"]
    assert row["met"] == (row["ratio"] <= row["mark"])
    assert done.returncode == (0 if row["met"] else 1), done.stderr


def test_a_row_that_nobody_knows_is_refused() -> None:
    done = bench("replays")
    assert done.returncode == 2
    assert "no row is called 'replays' (meant: replay" in done.stderr
    assert "--list names them all" in done.stderr


def test_a_mark_is_met_missed_or_not_known() -> None:
    row = Row(row="r", what="w", ours=3.0, unit="ms", reference=2.0, against="that", mark=1.5)
    assert row.met is True
    assert Row(row="r", what="w", ours=3.1, unit="ms", reference=2.0, against="that", mark=1.5).met is False
    assert Row(row="r", what="w", ours=3.0, unit="ms", mark=2.0).met is False
    assert Row(row="r", what="w", ours=3.0, unit="ms", mark=2.0, missing="it is not installed").met is None
    assert Row(row="r", what="w", ours=None, unit="ms", missing="it is not installed").met is None


def test_a_character_may_come_in_two_reads() -> None:
    slow = "for byte in 'a▌é'.encode(): os.write(1, bytes([byte])); time.sleep(0.02)"
    with Shell([sys.executable, "-c", f"import os, time\n{slow}\ntime.sleep(9)"]) as shell:
        shell.until(lambda grid: grid.has("a▌é"))
