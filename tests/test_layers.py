"""The walls of the house, asked of a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "httpx", "psutil", "sqlite3", "asyncio", "yaml", "jinja2")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["fold", "decide", "rules.automatic", "forecast", "rollback", "guard_watch"])
def test_the_rule_book_loads_no_screen_no_network_and_no_database(module: str) -> None:
    heavy = loaded_by(f"import quarterdeck.session.{module}") & set(HEAVY)
    assert heavy <= {"yaml"}


def test_version_is_answered_before_argparse_is_imported() -> None:
    code = "import sys; sys.argv=['quarterdeck','--version']\nfrom quarterdeck.cli import main\nmain()"
    assert not loaded_by(code) & {"argparse", "msgspec", *HEAVY}


def test_only_verbs_with_a_screen_import_textual() -> None:
    for package in ("procedure", "station", "record"):
        assert "textual" not in loaded_by(f"import quarterdeck.{package}.verbs")


@pytest.mark.parametrize(
    ("modules", "own"),
    [
        ("station.__main__, quarterdeck.station.station", {"asyncio", "sqlite3"}),
        ("observer.main, quarterdeck.observer.checks.local, quarterdeck.observer.checks.tcp", {"asyncio", "psutil"}),
        (
            "console.verbs, quarterdeck.console.app, quarterdeck.console.screens.step_reader",
            {"asyncio", "textual", "rich"},
        ),
    ],
    ids=["station", "observer", "console"],
)
def test_a_process_of_the_night_keeps_in_memory_only_what_it_works_with(modules: str, own: set[str]) -> None:
    assert loaded_by(f"import quarterdeck.{modules}") & set(HEAVY) == own
