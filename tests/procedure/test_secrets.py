"""A command gets the secrets that it names, no others; a reference that nothing can follow is refused at once."""

from __future__ import annotations

import pytest

from quarterdeck.procedure.check import lint_text
from quarterdeck.procedure.model import Param, Procedure, Progress, Stage, Step, VerifyItem
from quarterdeck.procedure.secrets import how_to_set, named_secrets, references_of, variables_of

PROCEDURE = Procedure(
    id="p",
    title="P",
    revision=1,
    params={"c": Param(secret=True), "token": Param(secret=True), "none": Param(secret=True), "open": Param()},
    values={"c": "env:FIELD_SECRET", "token": "file:/run/token", "open": "env:NOT_SECRET"},
)


def step(**fields: object) -> Step:
    return Step(id="a", title="A", kind="command", **fields)  # type: ignore[arg-type]  # the fields of one case


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"shell": "rm -f made"}, ()),
        ({"shell": "psql -c 'select 1'; cc -c x.c; echo $cc ${c_1}"}, ()),
        ({"shell": "login --password $c"}, ("c",)),
        ({"shell": 'curl -H "X: ${token:-}" -d "${c}"'}, ("c", "token")),
        ({"shell": "echo ${#token}", "interpreter": "bash"}, ("token",)),
        ({"shell": "import os; os.environ['token']", "interpreter": "python3"}, ("token",)),
        ({"shell": "print $ENV{c}", "interpreter": "perl"}, ("c",)),
        ({"shell": "true", "env": {"C": "${c}"}}, ("c",)),
        ({"command": ("true",), "env": {"C": "$${c}"}}, ()),
        (
            {"command": ("true",), "env": {"K": "env:KUBECONFIG", "F": "file:/run/x"}},
            ("env:KUBECONFIG", "file:/run/x"),
        ),
        ({"command": ("true",), "env": {"REPO": "file:///srv/repo", "X": "env: x"}}, ()),
        ({"command": ("login", "${token}")}, ("token",)),
        ({"command": ("true",), "stop": ("kill", "${c}")}, ("c",)),
        ({"command": ("true",), "progress": Progress(command=("ask", "${c}"))}, ("c",)),
        ({"command": ("true",), "verify": (VerifyItem(command=("ask", "${c}")),)}, ("c",)),
        ({"command": ("true",), "gone": VerifyItem(command=("ask", "${token}"))}, ("token",)),
        ({"command": ("echo", "${open}", "${none}")}, ()),
    ],
)
def test_a_secret_is_named_where_a_command_of_the_step_can_get_it(
    fields: dict[str, object], named: tuple[str, ...]
) -> None:
    assert named_secrets(PROCEDURE, step(**fields)) == named


def test_only_secret_parameters_are_references_and_only_variables_travel() -> None:
    assert references_of(PROCEDURE) == {"c": "env:FIELD_SECRET", "token": "file:/run/token"}
    assert variables_of(PROCEDURE) == ("FIELD_SECRET",)


def test_people_are_told_what_to_set_and_how() -> None:
    assert how_to_set("env:FIELD_SECRET") == "export FIELD_SECRET, then attach from that shell"
    assert "/run/token readable" in how_to_set("file:/run/token")


TEXT = """
quarterdeck: 1
id: p
title: P
revision: 1
params:
  c: {{type: string, secret: true, default: "{default}"}}
targets:
  db: {{type: postgres, dsn: "{dsn}", query: "select 1"}}
stages:
  - id: s
    title: S
    steps:
      - {{id: a, title: A, kind: command, duration: 5s, mutates: false, env: {{TOKEN: "{token}"}}, command: [ls]}}
"""


@pytest.mark.parametrize("place", ["default", "dsn", "token"])
def test_lint_refuses_a_keyring_where_it_stands(place: str) -> None:
    plain = dict.fromkeys(("default", "dsn", "token"), "env:GOOD")
    assert not [p for p in lint_text(TEXT.format(**plain), "p.yaml") if "keyring" in p.message]
    found = [p for p in lint_text(TEXT.format(**plain | {place: "keyring:a/b"}), "p.yaml") if "keyring" in p.message]
    assert [(p.level, "not supported yet" in p.message) for p in found] == [("error", True)]
    expected = next(n for n, line in enumerate(TEXT.splitlines(), 1) if f"{{{place}}}" in line)
    assert found[0].line == expected


def test_a_reference_in_a_steps_environment_travels_as_that_of_a_parameter_does() -> None:
    plan = Procedure(
        id="p", title="P", revision=1, stages=(Stage(id="s", title="S", steps=(step(env={"K": "env:KUBE"}),)),)
    )
    assert references_of(plan) == {"env:KUBE": "env:KUBE"}
    assert variables_of(plan) == ("KUBE",)
