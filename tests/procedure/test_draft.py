from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from quarterdeck.documents.strict_yaml import Limits
from quarterdeck.errors import DocumentError
from quarterdeck.procedure.check import load, parse
from quarterdeck.procedure.model import OnHalt, Procedure, Step

SMALL = """\
quarterdeck: 1
id: small
title: Small
revision: 1
roles: {lead: {title: Lead, required: true, backup: dba}, dba: {title: DBA, required: true}}
stages:
  - id: one
    title: One
    owner: dba
    steps:
      - {id: a, title: A, duration: 1m, undo: [{id: ua, title: UA, duration: 30s}, {id: ub, title: UB, duration: 5s}]}
      - {id: b, title: B, duration: 1m, owner: lead, kind: note}
  - id: two
    title: Two
    steps:
      - {id: c, title: C, duration: 1m, mutates: false}
      - {id: d, title: D, duration: 1m, mutates: false, after: [a]}
closing:
  - {id: e, title: E, duration: 1m, undo: {none: it is a note}}
  - {id: f, title: F, duration: 1m, kind: check, verify: [{command: ["true"]}]}
"""


def small(old: str = "", new: str = "", **params: str) -> Procedure:
    loaded = parse(SMALL.replace(old, new) if old else SMALL, path="small.yaml", params=params)
    assert loaded.procedure is not None, "\n".join(map(str, loaded.problems))
    return loaded.procedure


def steps(procedure: Procedure) -> dict[str, Step]:
    found = {step.id: step for stage in procedure.stages for step in stage.steps}
    found |= {undo.id: undo for step in list(found.values()) for undo in step.undo}
    return found | {step.id: step for step in procedure.closing}


def test_the_example_is_read_whole(example_path: Path) -> None:
    procedure = load(example_path)
    assert (procedure.id, procedure.revision, procedure.class_) == ("rebuild-orders-index", 3, "minor")
    assert procedure.values == {"database": "shop", "host": "db01", "api": "http://127.0.0.1:8080"}
    assert procedure.targets["orders-api"].options == {"url": "http://127.0.0.1:8080/health"}
    assert procedure.targets["orders-api"].bands["latency"].clear == "300ms"
    assert procedure.guards[0].for_ == 30.0
    assert procedure.preconditions[0].poll_timeout == 300.0
    create = steps(procedure)["create"]
    assert create.command[2] == "shop"
    assert create.host == ("db01",)
    assert create.on_halt.action == "terminate"
    assert create.gone is not None
    assert create.progress is not None
    assert create.undo[0].owner == "dba"
    assert steps(procedure)["restart"].undo_none == "A restart leaves nothing behind"
    assert procedure.closing[0].record[0].expect is not None
    assert procedure.closing[0].record[0].expect.value == "${count.rows}"
    assert procedure.criteria[2].baseline is not None


def test_a_procedure_survives_json(example_path: Path) -> None:
    procedure = load(example_path)
    assert msgspec.json.decode(msgspec.json.encode(procedure), type=Procedure) == procedure


def test_a_step_follows_the_one_before_it_also_over_stages() -> None:
    found = steps(small())
    assert [found[name].after for name in "abcd"] == [(), ("a",), ("b",), ("a",)]
    assert (found["e"].after, found["f"].after) == ((), ("e",))
    assert (found["ua"].after, found["ub"].after) == ((), ("ua",))


def test_owners_come_from_the_stage_and_the_undone_step() -> None:
    found = steps(small())
    assert [found[name].owner for name in ("a", "b", "c", "ua", "ub", "e")] == [
        "dba",
        "lead",
        "lead",
        "dba",
        "dba",
        "lead",
    ]


def test_what_mutates_finishes_and_what_does_not_is_terminated() -> None:
    found = steps(small())
    assert [found[name].mutates for name in "abcf"] == [True, False, False, False]
    assert found["a"].on_halt == OnHalt(action="finish")
    assert found["c"].on_halt == OnHalt(action="terminate")


def test_short_and_long_forms_mean_the_same() -> None:
    short = steps(small("id: c,", "id: c, on_halt: ask, on_fail: pause, host: x,"))["c"]
    long = steps(small("id: c,", "id: c, on_halt: {action: ask}, on_fail: {action: pause}, host: [x],"))["c"]
    assert short == long


def test_an_undo_runs_on_the_host_of_what_it_undoes() -> None:
    text = SMALL.replace("{id: a, title: A,", "{id: a, title: A, host: db01,")
    text = text.replace("{id: ua, title: UA,", "{id: ua, kind: command, command: [ls], title: UA,")
    loaded = parse(text, path="p")
    assert loaded.procedure is not None
    assert [undo.host for undo in loaded.procedure.stages[0].steps[0].undo] == [("db01",), ()]


PARAMS = (
    "params:\n  name: {required: true, choices: [x, y]}\n  wait: {type: duration, default: 2m}\n"
    + SMALL.replace("title: Small", "title: Small ${name}").replace(
        "{id: c, title: C, duration: 1m", '{id: c, title: "C $${name}", duration: "${wait}"'
    )
)


def test_parameters_fill_texts_and_typed_fields() -> None:
    loaded = parse(PARAMS, path="p", params={"name": "x", "wait": "90s"})
    assert loaded.procedure is not None
    assert loaded.procedure.title == "Small x"
    assert steps(loaded.procedure)["c"].duration == 90.0
    assert steps(loaded.procedure)["c"].title == "C $${name}"
    assert loaded.procedure.values == {"name": "x", "wait": "90s"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "parameter `name` needs a value (--param name=…)"),
        ({"name": "z"}, "`z` is not among its choices"),
        ({"name": "x", "wait": "long"}, "`long` is not a duration"),
        ({"name": "x", "wiat": "1m"}, "`wiat` is no parameter of this procedure; did you mean `wait`?"),
        ({"name": "x\n"}, "control characters"),
    ],
)
def test_wrong_parameters_are_refused(params: dict[str, str], message: str) -> None:
    loaded = parse(PARAMS, path="p", params=params)
    assert loaded.procedure is None
    assert any(message in problem.message for problem in loaded.problems), loaded.problems


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ("{}", "-rf", "begins with `-`"),
        ("{pattern: '-[a-z]+'}", "-rf", ""),
        ("{pattern: '[a-z]+'}", "a1", "does not match its pattern"),
        ("{type: integer}", "1.5", "is not a whole number"),
        ("{type: integer}", "-5", "begins with `-`"),
        ("{type: number}", "nan", "is not a number"),
        ("{type: boolean}", "maybe", "neither true nor false"),
        ("{type: host}", "db01.example", ""),
        ("{type: host}", "fe80::1", ""),
        ("{type: host}", "a b; rm", "is not a host name"),
        ("{type: url}", "example", "is not a URL"),
        ("{type: url}", "https://u:pw@example", "holds a password"),
        ("{type: path}", "/var/log", ""),
        ("{secret: true}", "hunter2", "is secret: give env:NAME"),
        ("{secret: true}", "env:PW", ""),
        ("{}", "x" * 5000, "4,096 characters"),
    ],
)
def test_values_are_held_against_their_declaration(declared: str, value: str, message: str) -> None:
    loaded = parse(f"params: {{v: {declared}}}\n" + SMALL, path="p", params={"v": value})
    errors = [problem.message for problem in loaded.problems]
    assert ([message in text for text in errors] == [True]) if message else not errors, errors
    if message:
        assert "hunter2" not in errors[0]


def test_a_secret_stays_a_reference_and_its_value_is_where_it_lies() -> None:
    text = "params: {pw: {secret: true, required: true}}\n" + SMALL.replace(
        "{id: c, title: C,", '{id: c, title: C, kind: command, command: [ls], env: {PGPASSWORD: "${pw}"},'
    )
    loaded = parse(text, path="p", params={"pw": "env:PW"})
    assert loaded.procedure is not None, loaded.problems
    assert steps(loaded.procedure)["c"].env == {"PGPASSWORD": "${pw}"}
    assert loaded.procedure.values == {"pw": "env:PW"}


def test_scripts_are_never_spliced_into() -> None:
    text = "params: {name: {default: x}}\n" + SMALL.replace(
        "{id: c, title: C,", "{id: c, title: C, kind: command, shell: 'echo \"${name}\" ${HOME}',"
    )
    loaded = parse(text, path="p")
    assert loaded.procedure is not None, loaded.problems
    assert steps(loaded.procedure)["c"].shell == 'echo "${name}" ${HOME}'


def test_load_raises_with_every_line(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("duration: 1m", "duration: 1"), encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load(path)
    assert caught.value.where == str(path)
    assert len(caught.value.problems) == 6
    assert all(line.startswith(f"{path}:") for line in caught.value.problems)


def test_a_hundred_megabytes_of_procedure_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(DocumentError, match="104,857,600 bytes"):
        load(path)


def test_procedures_no_and_times_stay_text_where_text_is_wanted() -> None:
    procedure = small("title: Small", "title: no\nchange: 12:30\nimpact: 1.10")
    assert (procedure.title, procedure.change, procedure.impact) == ("no", "12:30", "1.10")


def test_the_cap_on_steps_can_be_raised() -> None:
    many = "".join(f"      - {{id: s{i}, title: S, duration: 1s, mutates: false}}\n" for i in range(800))
    text = SMALL.replace("closing:\n", many + "closing:\n")
    assert parse(text, path="p").procedure is None
    begun = time.process_time()
    loaded = parse(text, path="p", limits=Limits(steps=10_000))
    assert loaded.procedure is not None
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "text", ["", "hello", "- a\n", "a: b\n", "quarterdeck: 1\n", "quarterdeck: [1]\n", "quarterdeck:\n"]
)
def test_what_is_no_procedure_says_so(text: str) -> None:
    loaded = parse(text, path="p")
    assert loaded.procedure is None
    assert loaded.problems
