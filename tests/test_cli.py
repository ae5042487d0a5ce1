"""The command line: answers, refusals, exit codes; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quarterdeck import __version__
from quarterdeck.cli import _VERBS, build_parser


def run(*words: str, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quarterdeck", *words],
        env={**os.environ, "QUARTERDECK_HOME": str(home)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version(tmp_path: Path) -> None:
    assert run("--version", home=tmp_path).stdout.strip() == f"quarterdeck {__version__}"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "usage"),
        (["frobnicate"], 2, "invalid choice"),
        (["lint"], 2, "PATH"),
        (["lint", "no-such-file.yaml"], 1, "no-such-file.yaml"),
        (["show", "no-such-procedure"], 2, "no-such-procedure"),
        (["show", "demo-database-maintenence"], 2, "demo-database-maintenance"),
        (["status", "nothing"], 2, "nothing"),
        (["halt", "nothing"], 2, "nothing"),
        (["attach", "nothing"], 2, "nothing"),
        (["export", "nothing"], 2, "nothing"),
        (["verify", "no-such-record.jsonl"], 2, "no-such-record.jsonl"),
        (["lead", "no-such-procedure"], 2, "terminal"),
        (["lead", "demo-bad-night", "--headless", "--param", "x"], 2, "name=value"),
        (["lead", "demo-bad-night", "--headless", "--window", "tonight"], 2, "window"),
        (["lead", "demo-bad-night", "--headless", "--window", "2026-11-29T02:00/2026-11-29T04:00"], 2, "no zone"),
        (["lead", "demo-bad-night", "--headless", "--window", "2026-11-29/2026-11-30"], 2, "no zone"),
        (["demo"], 2, "terminal"),
        (["demo", "--auto", "--rows", "3"], 2, "rows"),
        (["demo", "--auto", "--fault", "meteor"], 2, "invalid choice"),
    ],
)
def test_bad_calls_say_what_is_wrong_and_leave_no_traceback(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = run(*words, home=tmp_path)
    assert "Traceback" not in done.stderr + done.stdout
    assert said in done.stderr + done.stdout
    assert done.returncode == code, done.stderr


def test_an_error_of_our_own_is_one_line_and_a_file(tmp_path: Path) -> None:
    code = (
        "import sys, quarterdeck.procedure.verbs as v, quarterdeck.cli as c\n"
        "v.schema = lambda a: 1 / 0\n"
        "sys.exit(c.main(['schema']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "QUARTERDECK_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "ZeroDivisionError" in next((tmp_path / "crashes").iterdir()).read_text()


def test_every_verb_has_its_function_and_its_help() -> None:
    import importlib

    parser = build_parser()
    for verb, known in _VERBS.items():
        assert callable(getattr(importlib.import_module(f"quarterdeck.{known.package}.verbs"), verb))
        with pytest.raises(SystemExit) as left:
            parser.parse_args([verb, "--help"])
        assert left.value.code == 0


def test_a_completion_script_names_the_verbs(tmp_path: Path) -> None:
    assert "demo" in run("--print-completion", "bash", home=tmp_path).stdout


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m quarterdeck schema | head -c 10",
        shell=True, capture_output=True, text=True, check=False,
        env={**os.environ, "QUARTERDECK_HOME": str(tmp_path)},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
