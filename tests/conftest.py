"""What holds for every test: nobody's own settings reach it."""

from __future__ import annotations

import os
import tempfile

import pytest

os.environ["QUARTERDECK_CONFIG"] = tempfile.mkdtemp(prefix="qd-config-")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say the seed and the counts of every soak run, whether it passed or failed."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        if getattr(report, "when", "") == "call":
            for name, said in report.user_properties:
                if name == "soak":
                    terminalreporter.write_line(f"soak: {said}")
