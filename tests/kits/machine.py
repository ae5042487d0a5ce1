"""What a test takes from outside: programs, without which it is skipped loudly but never in CI, and a seed."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ["needs", "seed_of_run"]


def needs(*tools: str) -> None:
    """Skip where a program is missing; `root` stands for being root. In CI that is a failure."""
    missing = [tool for tool in tools if not (os.geteuid() == 0 if tool == "root" else shutil.which(tool))]
    if not missing:
        return
    if os.environ.get("QUARTERDECK_CI"):
        pytest.fail(f"CI has no {', '.join(missing)}")
    pytest.skip(f"needs {', '.join(missing)}")


def seed_of_run() -> str:
    """What the random choices of a test are drawn from: the same each time, or `QUARTERDECK_SEED` (`make hunt`)."""
    return os.environ.get("QUARTERDECK_SEED") or "steady"
