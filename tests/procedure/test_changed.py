"""`changed`: what cannot be read must never be taken for "nothing was changed"."""

from __future__ import annotations

import pytest

from quarterdeck.procedure.check import lint_text, parse

PLAN = """
quarterdeck: 1
id: changes
title: Changes
revision: 1
roles:
  lead: {{title: Lead, backup: dba}}
  dba: {{title: DBA}}
targets:
  here: {{type: local}}
  api: {{type: http, url: "http://127.0.0.1:1/"}}
guards:
  - {{id: up, title: Up, when: "api.status == critical", action: warn}}
  - {{id: full, title: Full, when: "here.memory > 90%", action: warn}}
stages:
  - id: work
    title: Work
    steps:
      - id: copy
        title: Copy
        duration: 5s
        undo: {{none: It stays}}
        {says}
"""
COMMAND = "kind: command, command: [copy]".replace(", ", "\n        ")


@pytest.mark.parametrize(
    "check",
    [
        "{command: [count], expect: {gt: 0}}",
        "{command: [count], expect: {matches: table}}",
        "{gauge: here.memory, expect: {gt: 50%}}",
    ],
)
def test_a_check_that_reads_something_is_taken(check: str) -> None:
    text = PLAN.format(says=f"{COMMAND}\n        changed: {check}")
    assert lint_text(text, "plan.yaml") == []
    procedure = parse(text, path="plan.yaml").procedure
    assert procedure is not None
    step = procedure.stages[0].steps[0]
    assert step.changed is not None
    assert step.reads == (step.changed,)


@pytest.mark.parametrize(
    ("says", "what"),
    [
        (f"{COMMAND}\n        changed: {{command: [count]}}", "a command that fails would mean"),
        (
            f"{COMMAND}\n        changed: {{command: [count], expect: {{exit_code: 0}}}}",
            "a command that fails would mean",
        ),
        (f"{COMMAND}\n        changed: {{check: api}}", "a target that does not answer would mean"),
        (
            f"{COMMAND}\n        mutates: false\n        changed: {{command: [c], expect: {{gt: 0}}}}",
            "nobody is asked",
        ),
        (f"{COMMAND}\n        changed: {{gauge: nowhere.memory, expect: {{gt: 50%}}}}", "nowhere"),
        ("kind: manual\n        changed: {command: [count], expect: {gt: 0}}", "changed"),
    ],
)
def test_a_check_that_could_take_silence_for_nothing_is_refused(says: str, what: str) -> None:
    found = [problem for problem in lint_text(PLAN.format(says=says), "plan.yaml") if problem.level == "error"]
    assert any(what in problem.message for problem in found), found


def test_a_plan_without_it_compiles_as_it_did() -> None:
    procedure = parse(PLAN.format(says=COMMAND), path="plan.yaml").procedure
    assert procedure is not None
    assert procedure.stages[0].steps[0].changed is None
