"""The measurements can be taken: one quick one, as people call it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_measurement_prints_its_row() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "replay", "--quick"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    heading, first, *_ = done.stdout.splitlines()
    assert heading.split()[:3] == ["what", "ours", "reference"]
    assert first.startswith("station takes up")
    assert "read and decode" in first
