from __future__ import annotations

import pytest

from quarterdeck.procedure.check import lint_text

HEAD = """quarterdeck: 1
id: x
title: X
revision: 1
stages:
  - id: s
    title: S
    steps:
      - {id: a, title: A, kind: command, duration: 5s, timeout: 1m, mutates: false, STEP}
"""


def said(step: str) -> list[str]:
    problems = lint_text(HEAD.replace("STEP", step), "x.yaml")
    assert all(problem.line == 9 for problem in problems if "psql" in problem.message or "trap" in problem.message)
    return [problem.message for problem in problems]


@pytest.mark.parametrize(
    "step",
    [
        'command: [psql, -c, "select 1", -c, "select 2"]',
        'command: [sudo, -n, psql, -Atc, "select 1", "--command=select 2"]',
        "command: [psql, -f, many.sql]",
        'shell: "psql -d shop < many.sql"',
    ],
)
def test_a_psql_that_goes_on_with_its_next_statement_is_warned_of(step: str) -> None:
    assert [message for message in said(step) if "ON_ERROR_STOP" in message]


@pytest.mark.parametrize(
    "step",
    [
        'command: [psql, -c, "select 1"]',
        "command: [psql, -v, ON_ERROR_STOP=1, -f, many.sql]",
        "command: [psql, -l]",
        "shell: \"psql -At -c 'select 1'\"",
    ],
)
def test_one_statement_or_one_that_stops_is_not(step: str) -> None:
    assert not [message for message in said(step) if "ON_ERROR_STOP" in message]


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ("shell: \"trap 'rm -f lock; exit 1' TERM; work\"", "only if the step says `cleanup: true`"),
        ("cleanup: true, shell: \"trap 'rm -f lock' TERM; work\"", "goes on with its next line"),
        ('cleanup: true, shell: "tidy() { rm -f lock; }; trap tidy INT TERM; work"', "goes on with its next line"),
        ("cleanup: true, shell: \"trap 'rm -f lock; exit 1' TERM; work\"", ""),
        ('cleanup: true, shell: "tidy() { rm -f lock; exit 1; }; trap tidy INT TERM; work"', ""),
        ("shell: \"trap 'rm -f lock' EXIT; work\"", "a trap on EXIT runs when the step is terminated only if"),
        ("cleanup: true, shell: \"trap 'rm -f lock' EXIT; work\"", ""),
        ("shell: \"trap '' TERM; work\"", ""),
    ],
)
def test_a_trap_on_term_says_what_becomes_of_it(step: str, part: str) -> None:
    found = [message for message in said(step) if "trap" in message]
    assert len(found) == (1 if part else 0)
    assert all(part in message for message in found)


def test_cleanup_belongs_to_a_command() -> None:
    text = HEAD.replace("kind: command, ", "").replace("timeout: 1m, ", "").replace("STEP", "cleanup: true")
    found = [problem.message for problem in lint_text(text, "x.yaml")]
    assert "`cleanup` belongs to kind command; this step is of kind manual" in found
