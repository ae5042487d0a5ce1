"""What lint says of targets: it builds every check, as the observer will."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from quarterdeck.documents.kinds import pattern_problem
from quarterdeck.documents.problems import Problem, errors_of
from quarterdeck.procedure.check import lint_text, parse
from quarterdeck.procedure.checks import CHECKS, HttpOptions, TcpOptions, understand
from quarterdeck.procedure.expectations import holds
from quarterdeck.procedure.model import Expect
from quarterdeck.procedure.option_forms import Codes, Header

HEAD = """\
quarterdeck: 1
id: watched
title: Watched
revision: 1
roles: {lead: {title: Lead, backup: deputy}}
"""
STAGES = "stages: [{id: s, title: S, steps: [{id: a, title: A, kind: note, instructions: x}]}]\n"
TAIL = f"""
guards: [{{id: g, title: G, when: it.status == critical, action: warn}}]
{STAGES}"""


class Elsewhere(NamedTuple):
    """A machine on which lint runs: its names, and the programs that it has."""

    names: frozenset[str] = frozenset({"laptop", "localhost"})
    programs: frozenset[str] = frozenset()

    def finds(self, program: str, folder: str = "") -> bool:
        return f"{folder}{program}" in self.programs


def document(target: str, params: str = "") -> str:
    return f"{HEAD}{params}targets:\n  it: {target}{TAIL}"


NOTHING_READS_IT = "which is not supported yet: nothing reads it"


def but_for_its_guard(problems: list[Problem]) -> list[str]:
    """What is said of a target that nobody watches, beside that its guard is refused."""
    messages = [problem.message for problem in problems]
    assert any(message.endswith(NOTHING_READS_IT) for message in messages)
    return [message for message in messages if not message.endswith(NOTHING_READS_IT)]


def linted(target: str, params: str = "", machine: Elsewhere | None = None) -> list[Problem]:
    make = None if machine is None else lambda: machine
    return list(parse(document(target, params), path="p", demand=False, machine=make).problems)


HTTP = '{type: http, url: "http://127.0.0.1:18080/", '
JSON = '{type: health_json, url: "http://127.0.0.1:18080/", '
REFUSED = [
    # what, the target, a part of the message, what the message points at
    ("a truth value for the authorities", HTTP + 'verify: "false"}', "`verify: /etc/ssl/our-ca.pem`", "verify"),
    ("authorities by no whole path", HTTP + "verify: ca.pem}", "by its whole path", "verify"),
    ("a status that is none", HTTP + 'expect_status: "2xx,abc"}', "`2xx,abc` is not", "expect_status"),
    ("a status of a list that is none", HTTP + "expect_status: [200, 2000]}", "`2000` is not", "2000"),
    ("a range the wrong way round", HTTP + "expect_status: 500-400}", "nothing is from 500 to 400", "expect_status"),
    ("no status", HTTP + "expect_status: []}", "names no code", "expect_status"),
    (
        "a secret in a header",
        HTTP + 'headers: ["Authorization: Basic abc"]}',
        "must be a reference",
        '"Authorization',
    ),
    ("a secret in a mapping", HTTP + "headers: {A: b, Cookie: c=d}}", "Cookie must be a reference", "Cookie"),
    ("the check's own header", HTTP + "headers: {Host: good.test}}", "Host is set by the check itself", "Host"),
    ("no header", HTTP + "headers: [no header]}", "of the form `Name: value`", "no header"),
    ("a header beyond ASCII", HTTP + "headers: {X-Who: Zoë}}", "that a header cannot", "X-Who"),
    ("a keyring", HTTP + 'headers: {X-Key: "keyring:a/b"}}', "a keyring is not asked yet", "X-Key"),
    ("half a reference", HTTP + 'headers: {X-Key: "env:"}}', "a reference is env:NAME or file:PATH", "X-Key"),
    ("a method that changes something", HTTP + "method: PUT}", "GET, HEAD, OPTIONS or POST, not `PUT`", "method"),
    ("a word for a truth value", HTTP + "follow_redirects: maybe}", "neither true nor false", "follow_redirects"),
    ("a body's pattern that is none", HTTP + 'expect_body: "("}', "no regular expression", "expect_body"),
    ("a body's pattern that hangs", HTTP + 'expect_body: "(a+)+"}', "could take for ever", "expect_body"),
    ("the observer's old word", HTTP + "matches: fine}", "type http takes no `matches`", "matches"),
    ("a list for a text", HTTP + "method: [GET]}", "is one text, not a list", "method"),
    ("a connection that is neither", HTTP + "connection: fresh}", "is kept or new, not `fresh`", "connection"),
    ("a proxy of another kind", HTTP + "proxy: 'socks5://p:1080'}", "must begin with http:// or https://", "proxy"),
    ("a proxy with a path", HTTP + "proxy: 'http://p:3128/a'}", "ends after its port", "proxy"),
    ("a proxy with a password", HTTP + "proxy: 'http://a@p'}", "`Proxy-Authorization: ", "proxy"),
    ("a certificate by half a path", HTTP + "certificate: [/a.pem, b.pem]}", "`b.pem` is not", "b.pem"),
    ("three certificates", HTTP + "certificate: [/a, /b, /c]}", "or a list of two", "certificate"),
    ("a word that means nothing", JSON + "words: {RUNNING: fine}}", "what `RUNNING` means", "RUNNING"),
    ("words of a check that reads none", HTTP + "words: {RUNNING: ok}}", "takes no `words`", "words"),
    (
        "a band on what few polls have",
        HTTP + "bands: {connect: {warning: 1s}}}",
        "only where `connection` is new",
        "{warning",
    ),
    (
        "a certificate of plain http",
        HTTP + "bands: {cert_days: {warning: 7}}}",
        "only where `url` is https:",
        "{warning",
    ),
    ("no address", "{type: http, url: 127.0.0.1}", "must begin with http:// or https://", "url"),
    ("an address without host", "{type: http, url: 'http://'}", "names no host", "url"),
    ("an address of half a host", "{type: http, url: 'http://1.2.3.256/'}", "names no host", "url"),
    ("an address of a wrong port", "{type: http, url: 'http://a:99999/'}", "`99999` is no port", "url"),
    ("a password in an address", "{type: health_json, url: 'http://a:$b@c/'}", "must not hold a user", "url"),
    ("a port that is none", "{type: tcp, host: a, port: 65536}", "`65536` is no port", "port"),
    ("a host that is none", "{type: tcp, host: a..b, port: 1}", "`a..b` is not", "host"),
    ("brackets around no address", "{type: tcp, host: '[a]', port: 1}", "`[a]` is not", "host"),
    ("nothing that is needed", "{type: tcp, host: a}", "a target of type tcp needs `port`", "{type"),
    ("a mount by half a path", "{type: local, mounts: [/, var]}", "`var` is not", "var]"),
    ("no program", "{type: command, argv: []}", "begins with the program", "argv"),
    ("a word for what is beyond", "{type: command, argv: [a], beyond: ok}", "is critical or unknown", "beyond"),
    ("a program without a name", "{type: command, argv: ['', a]}", "begins with the program", "argv"),
    ("no time to answer", "{type: tcp, host: a, port: 1, timeout: 0s}", "a deadline must be longer", "timeout"),
]


@pytest.mark.parametrize(("target", "message", "at"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_lint_refuses_what_the_observer_could_not_build(target: str, message: str, at: str) -> None:
    [problem] = errors_of(linted(target))
    assert message in problem.message
    line = document(target).splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith(at), f"{at!r} is not at column {problem.column} of {line}"


TAKEN = [
    HTTP + 'expect_body: "hel+o", expect_status: [2xx, "301, 302"], method: post}',
    HTTP + 'headers: {Authorization: "Bearer env:TOKEN", X-Api-Key: "file:/run/key", Accept: text/html}}',
    HTTP + "verify: /etc/ssl/certs/ca.pem, follow_redirects: yes}",
    "{type: http, url: 'https://[::1]:8443/a b?c=d#e'}",
    "{type: http, url: 'https://bücher.example.:443'}",
    HTTP + "connection: new, proxy: 'http://p.example:3128/', bands: {connect: {warning: 1s}}}",
    "{type: http, url: 'https://a/', connection: new, bands: {tls: {warning: 1s}, cert_days: {warning: 7}}}",
    "{type: http, url: 'https://a/', certificate: /a.pem, proxy: 'https://[::1]'}",
    "{type: health_json, url: 'https://a/', certificate: [/a.pem, /a.key], words: {RUNNING: ok, 'a:b': warning}}",
    "{type: tcp, host: '[::1]', port: 18080}",
    "{type: tcp, host: 'fe80::1%eth0', port: 22}",
    "{type: tcp, host: a_b.example, port: 22}",
    "{type: local, mounts: /var}",
    "{type: command, argv: check_load, cwd: /tmp, beyond: unknown}",
]


@pytest.mark.parametrize("target", TAKEN)
def test_lint_takes_what_the_observer_builds(target: str) -> None:
    assert linted(target) == []


def test_a_condition_on_what_few_polls_have_is_refused() -> None:
    guard = "{id: g, title: G, when: it.connect > 1s or it.latency > 1s, action: warn}"
    text = re.sub("guards:.*", f"guards: [{guard}]", document(HTTP + "}"))
    [problem] = errors_of(lint_text(text, "p"))
    assert "`it.connect` is in each reading only where `connection` is new (column 1 of" in problem.message
    assert not errors_of(lint_text(text.replace('080/", ', '080/", connection: new'), "p"))


def test_options_come_out_typed_with_their_defaults() -> None:
    written: dict[str, str | list[str]] = {
        "url": "http://x/",
        "headers": ["A: b"],
        "expect_status": "2xx, 404,500-503",
    }
    built, wrong = understand("http", written)
    assert wrong == []
    assert built == HttpOptions(
        url="http://x/",
        headers=(Header("A", "b"),),
        expect_status=(Codes(200, 299), Codes(404, 404), Codes(500, 503)),
    )
    assert [str(codes) for codes in built.expect_status] == ["2xx", "404", "500-503"]
    assert understand("tcp", {"host": "[::1]", "port": "22"})[0] == TcpOptions(host="::1", port=22)


def test_a_truth_value_is_kept_as_one_word_however_it_was_written() -> None:
    for word, kept in (("yes", "true"), ("no", "false"), ("true", "true")):
        procedure = parse(document(HTTP + f"follow_redirects: {word}}}"), path="p").procedure
        assert procedure is not None
        assert procedure.targets["it"].options["follow_redirects"] == kept


def test_an_option_waits_for_the_value_of_its_parameter() -> None:
    params = "params: {port: {required: true}, way: {default: PUT}}\n"
    assert linted("{type: tcp, host: a, port: '${port}'}", params) == []
    given = parse(document("{type: tcp, host: a, port: '${port}'}", params), path="p", params={"port": "no"})
    assert ["`no` is no port" in problem.message for problem in errors_of(given.problems)] == [True]
    [problem] = errors_of(linted(HTTP + "method: '${way}'}", params))
    assert "not `PUT`" in problem.message


def test_a_secret_parameter_never_reaches_a_target() -> None:
    params = 'params: {token: {secret: true, default: "env:TOKEN"}}\n'
    [problem] = errors_of(linted(HTTP + 'headers: {Authorization: "Bearer ${token}"}}', params))
    assert "the secret `token` cannot stand in a target; write env:NAME or file:PATH" in problem.message


def test_another_host_is_refused_where_it_is_written_and_waited_for_where_it_is_a_parameter() -> None:
    elsewhere = Elsewhere()
    [problem] = errors_of(linted("{type: local, host: db01}", machine=elsewhere))
    assert "another host than the station's own is not supported yet" in problem.message
    assert (problem.line, problem.column) == (7, 21)
    assert linted("{type: local, host: Laptop}", machine=elsewhere) == []
    assert linted("{type: local, host: '${host}'}", "params: {host: {default: db01}}\n", elsewhere) == []
    assert linted("{type: local, host: db01}") == []


def test_a_plugin_that_is_not_found_is_a_warning_since_lint_may_run_elsewhere() -> None:
    machine = Elsewhere(programs=frozenset({"check_load", "/opt/./check"}))
    assert linted("{type: command, argv: [check_load, -w, '5']}", machine=machine) == []
    assert linted("{type: command, argv: ./check, cwd: /opt/}", machine=machine) == []
    [problem] = linted("{type: command, argv: [no-such-plugin]}", machine=machine)
    assert (problem.level, problem.column) == ("warning", 23)
    assert "the program `no-such-plugin` is not found on this machine" in problem.message


BANDS = [
    ("levels of two units", "{latency: {warning: 1s, critical: 5}}", "is a time, `5` is a plain number"),
    ("levels of two units where any would do", "{'value[a]': {warning: 1s, critical: 5}}", "mix units"),
    ("levels that go both ways", "{latency: {warning: 2s, critical: 5s, clear: 3s}}", "must go one way"),
    ("a band on a word", "{status: {warning: 1}}", "a band needs numbers"),
]


@pytest.mark.parametrize(("bands", "message"), [row[1:] for row in BANDS], ids=[row[0] for row in BANDS])
def test_lint_refuses_bands_that_the_observer_could_not_use(bands: str, message: str) -> None:
    problems = errors_of(linted(f"{{type: health_json, url: 'http://a/', bands: {bands}}}"))
    assert any(message in problem.message for problem in problems), problems


def test_a_mount_is_named_by_its_whole_path_in_metrics_too() -> None:
    [problem] = errors_of(linted("{type: local, bands: {'storage[var].used': {warning: 80%}}}"))
    assert "such as it.storage[/var].used" in problem.message


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if not check.watched])
def test_types_that_nobody_watches_are_judged_as_they_were(name: str) -> None:
    options = {
        "url": "http://a:99999/",
        "host": "a b",
        "dsn": "env:DSN",
        "name": "a..b",
        "query": "x",
        "method": "PUT",
        "headers": "[a]",
        "verify": "no",
    }
    known = CHECKS[name].__struct_fields__
    written = ", ".join(f"{key}: {value!r}" for key, value in options.items() if key in known)
    assert but_for_its_guard(linted(f"{{type: {name}, {written}}}")) == [
        f"type {name} is not watched by this version: it stays unknown"
    ]


def test_types_that_nobody_watches_still_need_an_address_and_a_port() -> None:
    [message] = but_for_its_guard(list(errors_of(linted("{type: actuator, url: 'ftp://a'}"))))
    assert "must begin with http:// or https://" in message
    [message] = but_for_its_guard(list(errors_of(linted("{type: tls, host: a, port: x}"))))
    assert "`x` is no port" in message


USED = [
    "{id: a, title: A, duration: 1m, kind: check, verify: [{check: other}]}",
    "{id: a, title: A, duration: 1m, kind: check, verify: [{gauge: other.latency, expect: {lt: 1s}}]}",
    "{id: a, title: A, duration: 1m, mutates: false, expect_outage: {target: other, max: 5s}}",
    "{id: a, title: A, duration: 1m, kind: wait, until: other.status == ok}",
]


@pytest.mark.parametrize("step", USED)
def test_a_target_that_a_step_judges_is_not_called_unused(step: str) -> None:
    text = document("{type: tcp, host: a, port: 1}\n  other: {type: tcp, host: b, port: 2}")
    assert any("uses the target `other`" in problem.message for problem in lint_text(text, "p"))
    assert lint_text(text.replace("{id: a, title: A, kind: note, instructions: x}", step), "p") == []


def test_a_wait_for_a_span_is_told_how_to_write_a_time() -> None:
    text = document("{type: tcp, host: a, port: 1}").replace(
        "kind: note, instructions: x", "duration: 1m, kind: wait, until: 5m"
    )
    [problem] = errors_of(lint_text(text, "p"))
    assert "`5m` is a span; write a time such as window.start+5m, or a condition" in problem.message


def test_a_pattern_that_python_warns_programmers_of_is_a_pattern() -> None:
    assert linted(HTTP + 'expect_body: "[[a]"}') == []
    assert pattern_problem("[a&&b]") == ""
    assert holds(Expect(op="matches", value="[[b]"), "b") is True


@pytest.mark.parametrize("when", ["here.storage[/].free < 2 GiB", "nodes.value[notready] > 1"])
def test_brackets_inside_brackets_are_told_to_be_quoted(when: str) -> None:
    [problem] = lint_text(f"quarterdeck: 1\nguards:\n  - {{id: d, when: {when}, action: pause}}\n", "p")
    assert "with brackets, in quotes" in problem.message or "holds brackets in quotes" in problem.message


JUDGES = [
    "guards: [{id: g, title: G, when: it.status == critical, action: warn}]",
    "guards: [{id: g, title: G, when: here.cpu > 1%, release: it.status == ok, action: warn}]",
    "criteria: [{id: c, title: C, indicator: data, condition: it.status == ok}]",
    "# on_unknown",
    "criteria: [{id: c, title: C, indicator: downtime, downtime: {targets: [it], max: 1m}}]",
    "criteria: [{id: c, title: C, indicator: performance, baseline: {metric: it.latency}}]",
    "checklist: [{id: i, title: I, check: {check: it}}]",
    "checklist: [{id: i, title: I, check: {gauge: it.latency, expect: {lt: 1s}}}]",
    "closing: [{id: w, title: W, kind: wait, duration: 1m, until: it.status == ok}]",
    "closing: [{id: w, title: W, kind: check, duration: 1m, verify: [{check: it}]}]",
]


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if not check.watched])
def test_nothing_is_judged_by_a_target_that_nobody_watches(name: str, judge: str) -> None:
    known = CHECKS[name].__struct_fields__
    options = {"url": "http://a/", "host": "a", "dsn": "env:DSN", "name": "a", "query": "x"}
    written = ", ".join(f"{key}: {value!r}" for key, value in options.items() if key in known)
    written += ", on_unknown: pause" if judge == "# on_unknown" else ""
    targets = f"targets:\n  it: {{type: {name}, {written}}}\n  here: {{type: local}}\n"
    problems = errors_of(lint_text(f"{HEAD}{targets}{STAGES}{judge}\n", "p"))
    refused = f"`it` is of type {name}, {NOTHING_READS_IT}"
    assert {problem.message for problem in problems if "has no metric" not in problem.message} == {refused}


def test_a_parameter_that_must_be_given_has_no_default() -> None:
    text = document("{type: tcp, host: a, port: 1}").replace(
        "revision: 1", "revision: 1\nparams: {x: {required: true, default: y}}"
    )
    [problem] = errors_of(lint_text(text, "p"))
    assert problem.message == "`x` has a default, so it need not be given: leave out one of the two"
