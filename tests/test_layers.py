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
