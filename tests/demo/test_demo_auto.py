"""`demo --auto`: the same session without a terminal, end to end, through the real station and rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = "20000"


def auto(home: Path, *options: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quarterdeck", "demo", "--auto", "--rows", ROWS, *options],
        env={**os.environ, "QUARTERDECK_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def receipts(output: str) -> tuple[int, int]:
    found = re.search(r"([\d,]+) acknowledged orders, ([\d,]+) missing", output)
    assert found, output
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_the_good_night_completes_and_every_order_is_found(home: Path, tmp_path: Path) -> None:
    done = auto(home, "--out", str(tmp_path / "record"))
    assert done.returncode == 0, done.stdout + done.stderr
    orders, missing = receipts(done.stdout)
    assert orders > 20
    assert missing == 0
    assert "COMPLETED" in done.stdout
    assert {path.suffix for path in (tmp_path / "record").iterdir()} >= {".jsonl", ".json", ".md", ".html"}
    checked = subprocess.run(
        [sys.executable, "-m", "quarterdeck", "verify", str(tmp_path / "record")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_bad_night_is_seen_by_its_guard_and_rolled_back(home: Path) -> None:
    done = auto(home, "--bad-night", "--rows", "200000")
    assert done.returncode == 10, done.stdout + done.stderr
    assert "PROPOSES A HALT" in done.stdout
    assert re.search(r"PROPOSES A HALT: .*: [\d.]+ m?s, above 80 ms", done.stdout), "it shows its data point"
    assert receipts(done.stdout)[1] == 0


SOAK = pytest.mark.soak
"""What the suite shows elsewhere: a guard of the latency (the bad night), the undo of each step (`no_loss`)."""
STEPS = ["backup", "archive", "delete", "build-new", "drop-old", "vacuum", "analyze", "shop-after"]


@pytest.mark.parametrize("step", ["restart", *(pytest.param(step, marks=SOAK) for step in STEPS)])
def test_a_halt_after_a_step_rolls_back_without_losing_an_order(home: Path, step: str) -> None:
    done = auto(home, "--halt-after", step, timeout=300)
    assert done.returncode == 10, done.stdout + done.stderr
    assert receipts(done.stdout)[1] == 0


@pytest.mark.parametrize("fault", [pytest.param("slow", marks=SOAK), "errors", "disk", "step"])
def test_what_is_broken_ends_in_a_rollback(home: Path, fault: str) -> None:
    done = auto(home, "--fault", fault)
    assert done.returncode in {10, 11}, done.stdout + done.stderr
    assert "HALT" in done.stdout
    assert receipts(done.stdout)[1] == 0


def test_an_unknown_step_is_refused_before_anything_starts(home: Path) -> None:
    done = auto(home, "--halt-after", "delet")
    assert done.returncode == 2
    assert "delete" in done.stderr
    assert not (home / "demos").exists()
