"""What a test needs of the machine: without it the test is skipped loudly, but never in CI, where nothing skips."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ["needs"]


def needs(*tools: str) -> None:
    """Skip where a program is missing; `root` stands for being root. In CI that is a failure."""
    missing = [tool for tool in tools if not (os.geteuid() == 0 if tool == "root" else shutil.which(tool))]
    if not missing:
        return
    if os.environ.get("QUARTERDECK_CI"):
        pytest.fail(f"CI has no {', '.join(missing)}")
    pytest.skip(f"needs {', '.join(missing)}")
