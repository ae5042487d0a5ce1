"""What holds for every test: nobody's own settings reach it."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import settings

# The suite tries the same examples each time, so that it fails for a change and not for a draw.
# `make hunt` draws new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("hunt", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile("steady")

os.environ["QUARTERDECK_CONFIG"] = tempfile.mkdtemp(prefix="qd-config-")
os.environ.pop("PYTHONUNBUFFERED", None)  # with it, what a full disk leaves in a stream never changes an exit code


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say the seed and the counts of every soak run, whether it passed or failed."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        if getattr(report, "when", "") == "call":
            for name, said in report.user_properties:
                if name == "soak":
                    terminalreporter.write_line(f"soak: {said}")
