"""The command line: answers, refusals, exit codes; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from quarterdeck import __version__
from quarterdeck.cli import _VERBS, build_parser
from quarterdeck.record.export import export_session


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


ANSWERS = (
    "--version", "--help", "halt --help", "--print-completion bash", "schema", "sessions", "doctor --json",
    "lint good.yaml", "show good.yaml", "status --json", "export -o out --force", "verify record",
)  # fmt: skip


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a state folder in which a session ended, its record, and a procedure."""
    from record_nights import TEXT, whole_night

    folder = tmp_path_factory.mktemp("night")
    session = whole_night(folder / "home").close()
    export_session(session, folder / "record", ("jsonl",))
    (folder / "good.yaml").write_text(TEXT)
    (folder / "bad.yaml").write_text("quarterdeck: 1\n")
    return folder


def ended(words: str, night: Path, stdout: IO[bytes] | int | None, unbuffered: str = "") -> tuple[int, str]:
    """The exit code with this standard output (None: closed), and what stands on stderr."""
    line = f'exec "{sys.executable}" -m quarterdeck {words}' + (" >&-" if stdout is None else "")
    env = {**os.environ, "QUARTERDECK_HOME": str(night / "home"), "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        ["sh", "-c", line], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, cwd=night, env=env,
        timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.decode()


UNWRITTEN = "quarterdeck: The answer cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", ANSWERS)
def test_an_answer_that_cannot_be_written_is_a_failure_in_one_line(words: str, night: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        assert ended(words, night, full) == (1, UNWRITTEN)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert ended(words, night, writer) == (1, ""), "whoever read it has gone"
    finally:
        os.close(writer)
    assert ended(words, night, None)[0] == 0 or words.startswith("doctor"), "closed: the exit code is the answer"


@pytest.mark.parametrize("words", ["--version", "--help", "lint --json good.yaml", "status"])
def test_an_unbuffered_answer_that_cannot_be_written_is_the_same_failure(words: str, night: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        assert ended(words, night, full, "1") == (1, UNWRITTEN)


@pytest.mark.parametrize(("words", "code"), [("", 2), ("frobnicate", 2), ("status nothing", 2), ("lint bad.yaml", 1)])
def test_what_is_wrong_has_its_exit_code_whoever_hears_it(words: str, code: int, night: Path) -> None:
    for stream, unbuffered in ((">/dev/full", ""), (">/dev/full", "1"), ("2>&-", ""), (">/dev/full 2>&1", "1")):
        found, said = ended(f"{words} {stream}", night, subprocess.DEVNULL, unbuffered)
        assert (found, "Traceback" in said) == (code, False), f"{stream} {unbuffered}: {said}"


def test_the_name_of_a_file_in_an_error_cannot_steer_the_terminal(tmp_path: Path) -> None:
    for words in (("verify", "\x1b]2;x\x07.jsonl"), ("show", "\x1b[2J.yaml"), ("status", "\x1b[2J\u202e")):
        done = run(*words, home=tmp_path)
        assert done.returncode in {1, 2}
        assert not set("\x1b\x07\u202e") & set(done.stderr), done.stderr


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m quarterdeck schema | head -c 10",
        shell=True, capture_output=True, text=True, check=False,
        env={**os.environ, "QUARTERDECK_HOME": str(tmp_path)},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
