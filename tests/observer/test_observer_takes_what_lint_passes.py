"""For every target that lint passes, the observer builds the check and its thresholds."""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from quarterdeck.documents.problems import errors_of
from quarterdeck.observer import checks
from quarterdeck.observer.checks import TYPES, build
from quarterdeck.observer.checks.base import Context
from quarterdeck.observer.checks.web import load_httpx
from quarterdeck.observer.status import target_levels
from quarterdeck.procedure.check import parse
from quarterdeck.procedure.checks import CHECKS, WebOptions, understand
from quarterdeck.procedure.model import Target

HEAD = "quarterdeck: 1\nid: watched\ntitle: Watched\nrevision: 1\n"
TAIL = "\nstages: [{id: s, title: S, steps: [{id: a, title: A, kind: note, instructions: x}]}]\n"

letters = st.text(st.sampled_from("aZ0.-_:/@[]%?#&= \\\"'{}|éßあ١xn\t\x7f\u200b"), max_size=12)
hosts = st.one_of(
    st.sampled_from(
        ["a", "api.example.org.", "127.0.0.1", "1.2.3", "::1", "[::1]", "fe80::1%eth0", "bücher.example"]
    ),
    st.sampled_from(["xn--a", "xn--bcher-kva.example", "straße.de", "1.2.3.4.5", "01.2.3.4", "a..b", "-a", "a_b"]),
    letters,
)
ports = st.one_of(st.integers(-1, 70000).map(str), st.sampled_from(["", "٢", "8e1", "080"]))
addresses = st.one_of(
    st.builds(
        lambda scheme, host, port, path: f"{scheme}://{host}{port}{path}",
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        hosts.map(lambda host: f"[{host}]" if ":" in host and "[" not in host else host),
        st.one_of(st.just(""), ports.map(lambda port: f":{port}")),
        st.one_of(st.just("/"), letters.map(lambda text: f"/{text}"), letters),
    ),
    letters,
)
headers = st.one_of(
    st.lists(
        st.builds(
            lambda name, colon, value: f"{name}{colon}{value}",
            st.sampled_from(["X-A", "Authorization", "Host", "Accept", "x y", "é"]),
            st.sampled_from([": ", ":", " "]),
            st.one_of(st.sampled_from(["a", "Bearer env:TOKEN", "file:/x", "keyring:a/b", "env:", "é"]), letters),
        ),
        max_size=3,
    ),
    letters,
)
codes = st.sampled_from(["200", "2xx", "200-299", "2xx, 404", "299-200", "6xx", "abc", ""])
words = st.one_of(letters, st.sampled_from(["/var", "/", "var", "true", "no", "GET", "post", "PUT", "(", "a+"]))
lists = st.lists(words, max_size=3)

OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "url": addresses,
    "method": st.one_of(st.sampled_from(["GET", "head", "OPTIONS", "POST", "PUT"]), words),
    "headers": headers,
    "follow_redirects": st.one_of(st.sampled_from(["true", "no", "maybe"]), words),
    "verify": words,
    "certificate": st.one_of(words, lists, st.lists(st.sampled_from(["/a", "/b"]), max_size=3)),
    "proxy": addresses,
    "connection": st.one_of(st.sampled_from(["kept", "new"]), words),
    "words": st.one_of(
        st.dictionaries(letters, st.sampled_from(["ok", "critical", "fine"]), max_size=2), words, lists
    ),
    "expect_status": st.one_of(codes, st.lists(codes, max_size=3)),
    "expect_body": words,
    "host": st.one_of(hosts, st.just("localhost")),
    "mounts": st.one_of(words, lists),
    "port": ports,
    "argv": st.one_of(words, lists),
    "cwd": words,
    "beyond": st.one_of(st.sampled_from(["critical", "unknown"]), words),
}
LEVELS = st.sampled_from(["", "1", "5s", "800ms", "90%", "5 GiB", "2 h", "x"])
METRICS = st.sampled_from(["latency", "status", "value[a]", "cpu", "storage[/].free", "storage[x].used", "nothing"])
BAND = st.fixed_dictionaries({}, optional=dict.fromkeys(("warning", "critical", "clear"), LEVELS))
NONE: dict[str, dict[str, str]] = {}
BANDS = st.one_of(st.just(NONE), st.just(NONE), st.dictionaries(METRICS, BAND, max_size=2))


@st.composite
def targets(draw: st.DrawFn) -> dict[str, Any]:
    """A target of a type that is watched: what it needs, most often, and some of what it may have."""
    kind = draw(st.sampled_from(TYPES))
    taken = CHECKS[kind].__struct_fields__
    needed = {"url", "host", "port", "argv"} & set(taken) if kind != "local" else set()
    chosen = needed | set(draw(st.lists(st.sampled_from(taken), max_size=2)))
    return {"type": kind, "bands": draw(BANDS), **{name: draw(OPTIONS[name]) for name in sorted(chosen)}}


def passed(target: dict[str, Any]) -> Target | None:
    """The target as a plan holds it, or None where lint refuses it."""
    text = f"{HEAD}targets: {json.dumps({'it': target}, ensure_ascii=True)}{TAIL}"
    loaded = parse(text, path="p")
    return None if errors_of(loaded.problems) or loaded.procedure is None else loaded.procedure.targets["it"]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(targets())
def test_what_lint_passes_the_observer_builds(written: dict[str, Any]) -> None:
    target = passed(written)
    if target is None or (target.type == "local" and target.options.get("host", "localhost") != "localhost"):
        return  # whether another host is this one is only known where it runs
    target_levels(target)
    assert build(target, Context(name="it"))
    options, _ = understand(target.type, target.options)
    if isinstance(options, WebOptions):
        fields = {header.name: header.value for header in options.headers}
        assert load_httpx().Request(options.method, options.url, headers=fields).url.host


@pytest.mark.parametrize("kind", TYPES)
def test_the_targets_of_these_tests_pass_lint_often_enough(kind: str) -> None:
    found = find(targets(), lambda written: written["type"] == kind and len(written) > 2 and bool(passed(written)))
    assert passed(found)


def test_every_declared_type_has_its_module_and_every_module_its_type() -> None:
    built = [
        module.name
        for module in pkgutil.iter_modules(checks.__path__)
        if hasattr(importlib.import_module(f"{checks.__name__}.{module.name}"), "build")
    ]
    assert sorted(built) == list(TYPES)
