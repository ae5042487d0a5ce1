"""Nothing that a procedure may say is ignored: each field is read somewhere, or lint refuses it as not supported yet.

A new field fails here until it says where its effect is: the module that acts by it, or shows it to people. That
module must read an attribute of its name. Rules of lint are no effect; nor is what only copies or prints the format.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import fields

import quarterdeck
from quarterdeck.documents.attributes import FILLED_IN, NOT_YET, attributes
from quarterdeck.documents.problems import errors_of
from quarterdeck.procedure import model
from quarterdeck.procedure.check import lint_text
from quarterdeck.procedure.checks import CHECKS
from quarterdeck.procedure.format import SHAPES

SOURCE = Path(quarterdeck.__file__).parent

ACTS: dict[type[Struct], dict[str, str]] = {
    model.Bands: {
        "procedure/metric_names.py": "warning critical clear",
    },
    model.Baseline: {
        "station/criteria.py": "metric statistic",
        "observer/baseline.py": "direction allowed_increase critical_increase min_delta min_samples",
    },
    model.ChecklistItem: {
        "session/rules/session.py": "id",
        "station/monitor.py": "title check",
        "record/report/people.py": "owner",
    },
    model.Criterion: {
        "session/rules/session.py": "id title asked",
        "procedure/paper.py": "indicator",
        "station/criteria.py": "downtime steps baseline condition",
    },
    model.Downtime: {
        "station/criteria.py": "targets max",
    },
    model.Expect: {
        "station/commands/verifier.py": "op",
        "procedure/expectations.py": "value upper",
    },
    model.ExpectOutage: {
        "session/guard_watch.py": "target max",
    },
    model.Grace: {
        "session/guard_watch.py": "after period",
    },
    model.Guard: {
        "session/rules/guard.py": "id action timeout during",
        "session/guard_watch.py": "title when for second_chance grace release",
    },
    model.Link: {
        "console/screens/reader.py": "title url",
    },
    model.OnFail: {
        "session/rules/finish.py": "action retry",
    },
    model.OnHalt: {
        "station/commands/orders.py": "action grace",
    },
    model.Param: {
        "procedure/parameters.py": "type default choices secret ask pattern",
        "procedure/rules/params.py": "required",
    },
    model.Procedure: {
        "station/sessions.py": "id title",
        "station/status.py": "revision",
        "procedure/paper.py": "category cadence class severity description impact services environments",
        "record/report/build.py": "change risks",
        "procedure/secrets.py": "params",
        "session/rules/session.py": "window checklist guards stages criteria",
        "console/commands/plan_change.py": "roles",
        "session/plan.py": "preconditions rollback contingency closing",
        "station/monitor.py": "targets",
        "console/commands/view.py": "links documents",
        "session/rules/time.py": "progress_every",
    },
    model.Progress: {
        "station/executor.py": "command every",
    },
    model.RecordField: {
        "session/rules/plan_change.py": "name",
        "session/rules/proofs.py": "type unit pattern expect title",
    },
    model.Retry: {
        "session/rules/finish.py": "max every",
    },
    model.Risk: {
        "record/report/build.py": "risk likelihood impact mitigation contingency",
    },
    model.Role: {
        "console/screens/reader.py": "title required backup",
    },
    model.Rollback: {
        "session/plan.py": "verify",
    },
    model.SignOff: {
        "session/rules/finish.py": "role different_person of",
        "session/events/step.py": "min",
    },
    model.Stage: {
        "session/plan.py": "id title",
        "session/rules/session.py": "steps",
    },
    model.Step: {
        "session/rules/leftovers.py": "id",
        "session/rules/answer.py": "title",
        "session/rules/command.py": "kind owner mutates gone changed",
        "session/rules/start.py": "duration start_by host point_of_no_return",
        "console/commands/start.py": "instructions",
        "station/commands/orders.py": "command shell cwd become on_crash cleanup stop timeout on_halt",
        "procedure/interpreters.py": "interpreter errexit",
        "station/leftovers.py": "leaves",
        "station/commands/values.py": "env",
        "station/executor.py": "progress",
        "session/rules/finish.py": "verify sign_off skippable on_fail idempotent evidence",
        "session/rules/automatic.py": "auto_start",
        "session/rules/plan_change.py": "record undo",
        "session/availability.py": "after not_before",
        "session/guard_watch.py": "expect_outage",
        "console/commands/view.py": "links",
        "procedure/paper.py": "targets tags",
        "session/next_line/working.py": "question until release",
        "session/rules/poll.py": "roles quorum",
        "session/rules/time.py": "on_timeout",
        "console/commands/questions.py": "criteria",
    },
    model.Target: {
        "observer/checks/__init__.py": "type bands",
        "session/plan.py": "title on_unknown",
        "observer/main.py": "every",
        "observer/sampler.py": "timeout failure_threshold success_threshold retry_interval",
        "procedure/model.py": "max_age",
    },
    model.VerifyItem: {
        "station/commands/verifier.py": "command check gauge value expect within every title",
    },
    model.WindowRule: {
        "session/rules/session.py": "start end reserve warn",
    },
}
"""Part to module to the fields that it acts by, or shows."""

OPTIONS = {
    "observer/checks/local.py": "host mounts",
    "observer/checks/web.py": "url method headers follow_redirects verify certificate proxy connection",
    "observer/checks/http.py": "expect_status expect_body",
    "observer/checks/health_json.py": "words",
    "observer/checks/tcp.py": "host port",
    "observer/checks/command.py": "argv cwd beyond",
}
"""Module to the options of a target that its check acts by."""

PLAN = """
quarterdeck: 1
id: p
title: P
revision: 1
roles: {lead: {title: Lead, backup: deputy}}
stages:
  - id: s
    title: S
    steps:
      - {id: a, title: A, kind: command, duration: 5s, mutates: false, command: ["true"], FIELD: true}
"""


@cache
def read_in(module: str) -> frozenset[str]:
    """The names of attributes that a module reads."""
    tree = ast.parse((SOURCE / module).read_text())
    return frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))


@pytest.mark.parametrize("part", SHAPES)
def test_every_field_of_a_part_has_a_place_that_reads_it(part: type[Struct]) -> None:
    claimed = {key: module for module, keys in ACTS.get(part, {}).items() for key in keys.split()}
    named = {key: it.name for key, it in attributes(part).items() if not {FILLED_IN, NOT_YET} & set(it.marks)}
    assert set(claimed) == set(named), "where is its effect? or mark it NOT_YET, and lint refuses it"
    for key, module in claimed.items():
        assert named[key] in read_in(module), f"{module} reads no {named[key]}"


def test_every_option_of_a_check_is_read_by_it() -> None:
    claimed = {(module, key) for module, keys in OPTIONS.items() for key in keys.split()}
    for module, key in claimed:
        assert key in read_in(module), f"{module} reads no {key}"
    known = {name for check in CHECKS.values() if check.watched for name in attributes(check)}
    assert {key for _, key in claimed} == known


def test_every_part_of_the_model_is_looked_at() -> None:
    parts = {found for name in model.__all__ if isinstance(found := getattr(model, name), type)}
    assert {part for part in parts if issubclass(part, Struct)} - {model.NewStep} == set(SHAPES)


LATER = [(part, it.key) for part in SHAPES for it in attributes(part).values() if NOT_YET in it.marks]


@pytest.mark.parametrize(("part", "key"), LATER)
def test_what_is_not_supported_yet_is_refused_where_it_stands(part: type[Struct], key: str) -> None:
    assert part is model.Step, "a rule for it is missing"
    [problem] = errors_of(lint_text(PLAN.replace("FIELD", key), "p"))
    assert problem.message == f"`{key}` is not supported yet"
    assert lint_text(PLAN.replace("FIELD: true", f"{key}: false"), "p") == []
    assert key in {field.encode_name for field in fields(model.Step)}
