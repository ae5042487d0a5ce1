from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarterdeck.documents.problems import Problem, errors_of
from quarterdeck.procedure.check import lint, lint_text
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.rules import base, secrets

Changed = Callable[[str, str], list[Problem]]

REFUSED = [
    # what, the example's text, what stands there instead, a part of the message
    ("an unknown field", "cadence: quarterly", "cadenza: quarterly", "did you mean `cadence`?"),
    ("an unknown word", "kind: poll\n    title: Go", "kind: pool\n    title: Go", "did you mean `poll`?"),
    ("a duplicate step id", "- id: recount", "- id: count", "the id `count` is used twice; first at line"),
    ("a duplicate id of an undo step", "- id: drop-new", "- id: backup", "the id `backup` is used twice"),
    ("a duplicate guard id", "- id: disk-low", "- id: api-slow", "the id `api-slow` is used twice"),
    ("a stage with a step's id", "- id: prepare", "- id: count", "the id `count` is used twice"),
    (
        "a cycle",
        "        duration: 6m\n",
        "        duration: 6m\n        after: [drop-poll]\n",
        "wait for each other",
    ),
    (
        "an after that is no step",
        "        duration: 6m\n",
        "        duration: 6m\n        after: cuont\n",
        "`count`?",
    ),
    (
        "an after into another list",
        "    duration: 15m\n    command",
        "    duration: 15m\n    after: count\n    command",
        "of another list",
    ),
    ("a change without undo", "        undo: {none: A restart leaves nothing behind}\n", "", "it needs `undo`"),
    (
        "an empty undo",
        "        undo: {none: A restart leaves nothing behind}\n",
        "        undo: []\n",
        "holds no step",
    ),
    ("an undo without its reason", "{none: A restart leaves nothing behind}", "{none: ''}", "the reason why"),
    (
        "an undo step without duration",
        '            duration: 1m\n            command: [psql, -XAtd, "${database}", -c, "drop',
        '            command: [psql, -XAtd, "${database}", -c, "drop',
        "an undo step needs a `duration`",
    ),
    ("a step without duration", "        duration: 4m\n", "", "a step needs a `duration` (`search`)"),
    (
        "an undo of what changes nothing",
        "        mutates: false\n        verify",
        "        mutates: false\n        undo: [{id: u, title: U, duration: 1m}]\n        verify",
        "would never run",
    ),
    (
        "an undeclared role",
        "owner: sysadmin\n",
        "owner: sysadmn\n",
        "`sysadmn` is not declared in `roles`; did you mean `sysadmin`?",
    ),
    ("an undeclared role in a poll", "roles: [lead, dba, qa]", "roles: [lead, dbb]", "`dbb` is not declared"),
    (
        "an optional owner without backup",
        "qa: {title: Quality assurance, required: true}",
        "qa: {title: Quality assurance}",
        "needs a `backup`, or be required",
    ),
    ("its own backup", "required: true, backup: dba}", "required: true, backup: sysadmin}", "its own backup"),
    (
        "production without host",
        '        become: root\n        host: "${host}"\n',
        "        become: root\n",
        "needs a `host` (`restart`)",
    ),
    (
        "a size of a word",
        "type: number, unit: s, expect: {lt: 1}",
        "type: string, expect: {lt: 1}",
        "a string has no size",
    ),
    ("a bound that is a word", "expect: {gte: 5 GiB}", "expect: {gte: plenty}", "`gte` compares numbers"),
    ("a bound of another unit", "expect: {gte: 5 GiB}", "expect: {gte: 5s}", "is bytes, `5s` is a time"),
    ("a band of another unit", "warning: 400ms", "warning: 40%", "is a time, `40%` is a share"),
    ("two expectations", "expect: {gte: 5 GiB}", "expect: {gte: 5 GiB, lt: 9 GiB}", "exactly one of"),
    ("no expectation", ", expect: {gte: 5 GiB}", "", "needs `expect`"),
    (
        "a condition that contradicts itself",
        "here.storage[/].free < 2 GiB",
        "here.cpu > 50% and here.cpu < 30%",
        "can never be true",
    ),
    (
        "a condition of two units",
        "here.storage[/].free < 2 GiB",
        "here.storage[/].free < 2s",
        "bytes is compared with a time",
    ),
    (
        "a condition on no target",
        "here.storage[/].free < 2 GiB",
        "there.cpu < 2%",
        "`there` is no target; did you mean `here`?",
    ),
    (
        "a condition on no metric",
        "here.storage[/].free < 2 GiB",
        "here.storage[/].fre < 2 GiB",
        "did you mean `storage.free`?",
    ),
    (
        "a metric without its key",
        "here.storage[/].free < 2 GiB",
        "here.storage.free < 2 GiB",
        "needs a key in brackets: here.storage[…].free",
    ),
    ("a metric with a key too many", "here.storage[/].free < 2 GiB", "here.cpu[1] < 2%", "takes no key"),
    (
        "an unknown status",
        "orders-api.status == critical",
        "orders-api.status == critcal",
        "did you mean `critical`?",
    ),
    ("a size of a status", "orders-api.status == critical", "orders-api.status > ok", "compared with == or !="),
    (
        "a function of a status",
        "orders-api.status == critical",
        "max(orders-api.status, 1m) == critical",
        "needs numbers",
    ),
    (
        "no condition",
        "here.storage[/].free < 2 GiB",
        "here.storage[/].free",
        "a comparison (< <= > >= == !=) is needed",
    ),
    (
        "a grace after no step",
        "{after: restart, period: 60s}",
        "{after: restrat, period: 60s}",
        "did you mean `restart`?",
    ),
    (
        "an outage of no target",
        "expect_outage: {target: orders-api",
        "expect_outage: {target: orders",
        "did you mean `orders-api`?",
    ),
    ("a check of no target", "{check: orders-api, within", "{check: order-api, within", "did you mean `orders-api`?"),
    ("a criterion on no step", "steps: [search]", "steps: [serach]", "did you mean `search`?"),
    ("a criterion on no target", "targets: [orders-api], max: 0s", "targets: [orders], max: 0s", "did you mean"),
    ("an increase that is no share", "allowed_increase: 10%", "allowed_increase: 10ms", "is no share"),
    ("a delta of another unit", "min_delta: 20ms", "min_delta: 20 MiB", "is a time"),
    ("two proofs", "asked: lead}", "asked: lead, steps: [search]}", "exactly one of"),
    (
        "a secret in a title",
        "title: Restart the order API\n",
        "title: Restart with password=hunter2\n",
        "looks like a secret",
    ),
    (
        "a secret in a command",
        "[systemctl, restart, orders-api]",
        "[curl, 'https://bob:hunter2@example.org/']",
        "looks like a secret",
    ),
    (
        "a secret in an environment",
        "        become: root\n",
        "        become: root\n        env: {API_TOKEN: abcdef}\n",
        "is named, not written",
    ),
    ("a reference to no step", "${count.rows}", "${cuont.rows}", "did you mean `count`?"),
    ("a reference to no value", "${count.rows}", "${count.rwos}", "did you mean `rows`?"),
    (
        "a reference to a later step",
        'orders.dump, "${database}"]',
        'orders.dump, "${search.seconds}"]',
        "does not come before",
    ),
    (
        "a reference of a step to itself",
        '"select count(*) from orders"]\n        mutates',
        '"${count.rows}"]\n        mutates',
        "not known before it has run",
    ),
    ("a reference in a guard", "title: Disk nearly full", "title: Disk ${count.rows}", "in steps only"),
    ("an unknown parameter", '"${database}"', '"${databse}"', "did you mean `database`?"),
    (
        "an unknown value of the station",
        '"${database}"',
        '"${quarterdeck.sesion}"',
        "did you mean `quarterdeck.session`?",
    ),
    ("a default off its pattern", "default: shop", "default: 1shop", "does not match its pattern"),
    ("a default like an option", "{type: host, default: db01}", "{default: -rf}", "could be taken for an option"),
    (
        "a window too short",
        "window: {reserve",
        "window: {start: 2026-05-02T01:00+02:00, end: 2026-05-02T01:30+02:00, reserve",
        "12 min more than the window's 30 min",
    ),
    (
        "a window that ends before it begins",
        "window: {reserve",
        "window: {start: 2026-05-02T01:00Z, end: 2026-05-02T00:30Z, reserve",
        "ends before it begins",
    ),
    ("a time without offset", "window: {reserve", "window: {start: 2026-05-02T01:00, reserve", "is no time"),
    ("a severity of no emergency", "class: minor", "class: minor\nseverity: 2", "belongs to `class: emergency`"),
    ("the plan form", "rollback:\n  verify:", "rollback:\n  steps: []\n  verify:", "not supported yet"),
    (
        "a retry of a change",
        "        become: root\n",
        "        become: root\n        on_fail: {retry: {max: 2}}\n",
        "could change things twice",
    ),
    (
        "a quorum too large",
        "    duration: 5m\n\nstages",
        "    duration: 5m\n    quorum: 4\n\nstages",
        "cannot come from 3 roles",
    ),
    (
        "a poll's field elsewhere",
        "        become: root\n",
        "        become: root\n        quorum: 1\n",
        "belongs to kind poll",
    ),
    (
        "a command's field elsewhere",
        "        kind: manual\n",
        "        kind: manual\n        become: root\n",
        "belongs to kind command",
    ),
    (
        "a command without a command",
        "        command: [systemctl, restart, orders-api]\n",
        "",
        "needs `command` or `shell`",
    ),
    (
        "a precondition that does something",
        "    kind: poll\n    title",
        "    kind: wait\n    title",
        "a check or a poll",
    ),
    (
        "a sign-off by nobody",
        "sign_off: {role: qa, different_person: true}",
        "sign_off: {different_person: true}",
        "needs `role`",
    ),
    ("a target without its address", '    url: "${api}/health"\n', "", "a target of type health_json needs `url`"),
    ("a field of another type of target", "type: local, host", "type: local, url", "takes no `url`"),
    ("a wrong version", "quarterdeck: 1", "quarterdeck: 2", "format version 2 is not known"),
    ("a pattern that hangs", 'pattern: "[a-z_][a-z0-9_]*"', 'pattern: "(a+)+"', "could take for ever"),
    (
        "a script with a reference",
        "command: [systemctl, restart, orders-api]",
        "shell: 'echo ${count.rows}'",
        "write `$count_rows`",
    ),
]


def test_the_example_lints_clean(example_path: Path) -> None:
    assert lint(example_path) == []


@pytest.mark.parametrize(("old", "new", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_lint_refuses(changed: Changed, old: str, new: str, message: str) -> None:
    found = changed(old, new)
    matching = [problem for problem in errors_of(found) if message in problem.message]
    assert matching, "\n".join(map(str, found)) or "nothing found"
    assert all(problem.path == "plan.yaml" and problem.line >= 1 and problem.column >= 1 for problem in found)


def test_a_problem_stands_where_it_was_written(example: str, changed: Changed) -> None:
    [problem] = changed("owner: sysadmin\n", "owner: sysadmn\n")
    line = next(i for i, text in enumerate(example.splitlines(), 1) if text.strip() == "owner: sysadmin")
    assert (problem.line, problem.column) == (line, 9)
    assert str(problem).startswith(f"plan.yaml:{line}:9: error: the role `sysadmn`")


def test_a_condition_is_pointed_at_by_column(example: str, changed: Changed) -> None:
    [problem] = changed("here.storage[/].free < 2 GiB", "here.storage[/].free + 2 GiB")
    line = next(text for text in example.splitlines() if "here.storage[/].free < 2 GiB" in text)
    assert problem.column == line.index("<") + 1
    assert "column 22" in problem.message


def test_a_point_of_no_return_needs_a_poll_before_it(changed: Changed) -> None:
    found = changed(
        "        point_of_no_return: true\n", "        point_of_no_return: true\n        after: [search]\n"
    )
    assert "must directly follow a poll; `drop-old` follows `search`" in found[0].message


def test_a_second_point_of_no_return_is_refused(changed: Changed) -> None:
    found = changed("        become: root\n", "        become: root\n        point_of_no_return: true\n")
    assert any("one point of no return at most; `restart` is it" in problem.message for problem in found)


def test_an_undo_behind_the_point_of_no_return_is_warned_of(changed: Changed) -> None:
    undo = "undo: [{id: put-back, title: Put it back, duration: 1m, kind: manual}]"
    found = changed("undo: {none: The old index can only be built anew}", undo)
    assert [(problem.level, "cannot be rolled back any more" in problem.message) for problem in found] == [
        ("warning", True)
    ]


def test_a_rollback_that_does_not_fit_is_warned_of_with_the_minutes(changed: Changed) -> None:
    window = "window: {start: 2026-05-02T01:00+02:00, end: 2026-05-02T01:45+02:00, reserve"
    found = changed("window: {reserve", window)
    assert [problem.level for problem in found] == ["warning"]
    assert "change 32 min, rollback 6 min, reserve 10 min; 3 min are missing" in found[0].message


def test_a_target_that_nothing_judges_is_warned_of(changed: Changed) -> None:
    found = changed("guards:\n", "  idle: {type: tcp, host: localhost, port: 5432}\n\nguards:\n")
    assert [problem.level for problem in found] == ["warning"]
    assert "no guard or criterion uses the target `idle`" in found[0].message


def test_a_target_that_is_not_watched_yet_is_warned_of_and_what_judges_by_it_is_refused(changed: Changed) -> None:
    found = changed("type: health_json", "type: actuator")
    assert [p.message for p in found if p.level == "warning"] == [
        "type actuator is not watched by this version: it stays unknown"
    ]
    refused = [problem for problem in found if problem.level == "error"]
    assert len(refused) > 3
    assert {problem.message for problem in refused} == {
        "`orders-api` is of type actuator, which is not supported yet: nothing reads it"
    }


def test_a_lead_without_backup_is_warned_of(changed: Changed) -> None:
    found = changed("{title: Maintenance lead, required: true, backup: sysadmin}", "{title: Maintenance lead}")
    assert [problem.level for problem in found] == ["warning"]
    assert "`lead` has no `backup`" in found[0].message


def test_every_fault_of_a_file_is_said_at_once(example: str) -> None:
    text = (
        example.replace("cadence:", "cadenza:")
        .replace("duration: 4m", "duration: 4")
        .replace("${count.rows}", "${x.y}")
    )
    messages = [problem.message for problem in lint_text(text, "plan.yaml")]
    assert any("`cadenza` is no field" in message for message in messages)
    assert any("did you mean `4s`?" in message for message in messages)
    assert any("`x` is no step" in message for message in messages)


def test_a_secret_parameter_may_only_reach_a_commands_environment(example: str) -> None:
    declared = example.replace("params:\n", 'params:\n  key: {secret: true, default: "env:KEY"}\n')
    shown = declared.replace("title: Restart the order API", 'title: "Restart ${key}"')
    argv = declared.replace("[systemctl, restart, orders-api]", '[systemctl, "${key}"]')
    handed = declared.replace("        become: root\n", '        become: root\n        env: {API_KEY: "${key}"}\n')
    assert any("the secret `key` cannot stand here" in p.message for p in lint_text(shown, "p"))
    assert any("the secret `key` cannot stand here" in p.message for p in lint_text(argv, "p"))
    assert lint_text(handed, "p") == []


def test_lint_needs_no_values_for_required_parameters(example: str) -> None:
    text = example.replace("default: shop", "required: true").replace("{type: host, default: db01}", "{type: host}")
    text = text.replace("params:\n", "params:\n  long: {type: duration, required: true}\n")
    text = text.replace("duration: 15m", 'duration: "${long}"', 1)
    assert lint_text(text, "plan.yaml") == []


def test_an_undo_may_use_what_its_step_recorded(example: str) -> None:
    text = example.replace(
        "title: Drop the new index\n",
        "title: Drop the new index\n            instructions: There were ${count.rows}\n",
    )
    assert lint_text(text, "plan.yaml") == []


def test_an_undo_may_not_use_what_a_later_step_recorded(example: str) -> None:
    text = example.replace(
        "title: Drop the new index\n", "title: Drop the new index\n            instructions: In ${search.seconds}\n"
    )
    assert any("does not come before" in problem.message for problem in lint_text(text, "plan.yaml"))


def test_more_steps_than_the_limit_are_refused(example: str) -> None:
    extra = "".join(f"  - {{id: s{i}, title: S, owner: lead, duration: 1m, mutates: false}}\n" for i in range(500))
    found = lint_text(example.replace("closing:\n", "closing:\n" + extra), "plan.yaml")
    assert any("a procedure may have 500" in problem.message for problem in found)


def test_a_file_of_thousands_of_faults_lists_the_first_and_counts_the_rest() -> None:
    text = "quarterdeck: 1\n" + "".join(f"wrong{i}: 1\n" for i in range(5000))
    found = lint_text(text, "plan.yaml")
    assert len(found) == 201
    assert "more problems follow" in found[-1].message


def test_the_texts_of_each_step_are_walked_once_for_all_rules(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[str] = []
    real = base.texts_of

    def texts_of(value: object, at: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, Step):
            walked.append(value.id)
        return real(value, at)

    monkeypatch.setattr(base, "texts_of", texts_of)
    monkeypatch.setattr(secrets, "texts_of", texts_of)
    lint_text(example, path="example.yaml")
    assert len(walked) == len(set(walked)) > 10
