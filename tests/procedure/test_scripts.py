"""Scripts of `shell:`: which program runs them, and whether they stop at the first line that fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from quarterdeck.procedure.check import lint_text, parse, recompile
from quarterdeck.procedure.editions import NEWEST, as_of
from quarterdeck.procedure.interpreters import named, script_command, script_manner
from quarterdeck.procedure.model import Procedure, Step

KITS = Path(__file__).parents[1] / "kits"


def text(fields: str, kind: str = "command") -> str:
    return f"""
quarterdeck: 1
id: scripts
title: Scripts
revision: 1
params: {{which: {{default: bash}}}}
stages:
  - id: s
    title: S
    steps:
      - {{id: a, title: A, kind: {kind}, duration: 5s, mutates: false, {fields}}}
"""


def step(fields: str) -> Step:
    loaded = parse(text(fields), path="plan.yaml")
    assert loaded.procedure is not None, loaded.problems
    return loaded.procedure.stages[0].steps[0]


def problems(fields: str, kind: str = "command") -> list[str]:
    return [problem.message for problem in lint_text(text(fields, kind), "plan.yaml")]


def test_a_script_stops_at_its_first_failing_line_unless_it_says_otherwise() -> None:
    assert script_command(step('shell: "false"')) == ("/bin/sh", "-e", "-c")
    assert script_command(step('shell: "false", errexit: false')) == ("/bin/sh", "-c")


@pytest.mark.parametrize(
    ("interpreter", "expected"),
    [
        ("bash", ("bash", "-e", "-c")),
        ("/usr/bin/env bash", ("/usr/bin/env", "bash", "-e", "-c")),
        ("busybox sh", ("busybox", "sh", "-e", "-c")),
        ("/opt/x/zsh", ("/opt/x/zsh", "-e", "-c")),
        ("${which}", ("bash", "-e", "-c")),
        ("python3", ("python3", "-c")),
        ("perl", ("perl", "-e")),
    ],
)
def test_the_interpreter_is_chosen_and_only_a_shell_is_given_errexit(
    interpreter: str, expected: tuple[str, ...]
) -> None:
    assert script_command(step(f'shell: "exit 0", interpreter: "{interpreter}"')) == expected


@pytest.mark.parametrize("interpreter", ["", "bash", "dash", "/usr/bin/env bash"])
@pytest.mark.parametrize("written", [True, False])
def test_the_real_shell_does_what_the_plan_says(interpreter: str, written: bool, tmp_path: Path) -> None:
    script = Step(id="a", title="A", shell='false\ntouch "$0/after"; true', interpreter=interpreter, errexit=written)
    done = subprocess.run([*script_command(script), script.shell, str(tmp_path)], check=False)
    assert (done.returncode != 0, (tmp_path / "after").exists()) == (written, not written)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('command: ["true"], errexit: false', "`errexit` speaks of a script; this step has no `shell`"),
        ('command: ["true"], interpreter: bash', "`interpreter` speaks of a script; this step has no `shell`"),
        ("shell: print(1), interpreter: python3, errexit: true", "`python3` is no shell and knows no errexit"),
        ('shell: "true", interpreter: "${a.shell}"', "the interpreter cannot be a recorded value"),
        ('shell: "true", leaves: ["(a+)+"]', "repeats a repeat"),
    ],
)
def test_lint_refuses_what_would_do_nothing(fields: str, message: str) -> None:
    assert any(message in problem for problem in problems(fields))


@pytest.mark.parametrize("key", ["interpreter: bash", "errexit: true", "leaves: [sleep]"])
def test_lint_refuses_a_script_s_words_at_a_step_that_is_no_command(key: str) -> None:
    assert any("belongs to kind command" in problem for problem in problems(key, "manual"))


def test_errexit_false_may_be_written_where_it_says_nothing_new() -> None:
    found = problems("shell: print(1), interpreter: python3, errexit: false")
    assert not any("errexit" in problem for problem in found)


def test_people_read_which_shell_and_which_manner() -> None:
    assert script_manner(step('shell: "false"')) == "/bin/sh, stops at the first line that fails"
    assert script_manner(step('shell: "false", interpreter: bash, errexit: false')).startswith("bash, goes on")
    assert script_manner(step("shell: print(1), interpreter: python3")) == "python3"
    assert named("") == "sh"


def test_a_plan_of_0_1_0_keeps_what_it_was_compiled_to() -> None:
    worked_by = msgspec.json.decode((KITS / "plan-of-0.1.0.json").read_bytes(), type=Procedure)
    assert script_command(worked_by.stages[0].steps[0]) == ("/bin/sh", "-c")
    assert script_command(worked_by.stages[0].steps[0].undo[0]) == ("/bin/sh", "-c")
    anew = recompile((KITS / "plan-of-0.1.0.yaml").read_text(), {})
    assert anew is not None
    assert anew.edition == NEWEST
    assert anew != worked_by
    assert as_of(anew, 0) == worked_by
    assert as_of(anew, NEWEST) == anew
