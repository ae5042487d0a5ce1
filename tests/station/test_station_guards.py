"""Guards of a real station over a real endpoint: what cannot be read is never calm."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.procedure.check import parse
from quarterdeck.session import intents
from quarterdeck.station.doctor.watching import watching

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]

HEALTH = (
    b'{"status": "pass", "checks": {"queue:depth": [{"observedValue": 3}],'
    b' "memory:utilization": [{"observedValue": 65000000, "observedUnit": "bytes"}]}}'
)
PLAN = """
quarterdeck: 1
id: watched
title: Watched
revision: 1
targets:
  api: {type: health_json, url: "http://127.0.0.1:PORT/", every: 500ms, failure_threshold: 1ON_UNKNOWN}
guards:
  - {id: typo, title: Queue too deep, when: "api.value[checks.queue:dpth.observedValue] > 5", action: halt}
  - {id: unit, title: Memory by unit, when: "api.value[checks.memory:utilization.observedValue] > 80%", action: halt}
  - {id: fine, title: Queue deep, when: "api.value[checks.queue:depth.observedValue] > 5", action: pause}
stages: [{id: s, title: S, steps: [{id: a, title: A, duration: 1m, undo: {none: x}}]}]
"""


class Endpoint:
    """An endpoint that answers what it is told to."""

    def __init__(self) -> None:
        self.body = HEALTH
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/health+json")
                self.send_header("Content-Length", str(len(endpoint.body)))
                self.end_headers()
                self.wfile.write(endpoint.body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def plan(self, on_unknown: str = "") -> str:
        return PLAN.replace("PORT", str(self.port)).replace("ON_UNKNOWN", on_unknown)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.stop()


async def test_start_waits_for_the_first_readings_and_names_each_guard_that_is_blind(
    endpoint: Endpoint, opened: Opened, attach: Attach
) -> None:
    lead = await attach(opened(endpoint.plan()))
    answered = await lead.ask(intents.StartSession())
    assert "guard “Queue too deep” is blind: api.value[checks.queue:dpth.observedValue] is not in" in answered.refusal
    assert answered.waivable == "override"
    await lead.until(lambda: "unit" in lead.session.blind)
    assert "62.0 MiB cannot be compared with 80 %" in lead.session.blind["unit"]
    assert "fine" not in lead.session.blind
    await lead.do(intents.StartSession(override="watched by hand"))
    await lead.until(lambda: lead.session.state == "running")
    accepted = " ".join(deviation.what for deviation in lead.session.deviations)
    assert "“Queue too deep” is blind" in accepted
    assert "“Memory by unit” is blind" in accepted


async def test_an_endpoint_that_no_longer_says_what_a_guard_reads_pauses_where_it_was_asked_to(
    endpoint: Endpoint, opened: Opened, attach: Attach
) -> None:
    text = endpoint.plan(", on_unknown: pause").replace("dpth", "depth").replace("80%", "1 GiB")
    lead = await attach(opened(text))
    await lead.do(intents.StartSession())
    endpoint.body = b"<html>no JSON</html>"
    await lead.until(lambda: lead.session.state == "paused")
    assert "api must be known: api." in lead.session.pause_reason
    assert {"typo", "unit", "fine"} <= lead.session.blind.keys()
    endpoint.body = HEALTH
    await lead.until(lambda: not lead.session.blind)
    await lead.do(intents.GoOn())
    await lead.until(lambda: lead.session.state == "running")


def test_doctor_reads_every_target_and_every_guard_once(endpoint: Endpoint) -> None:
    wait = "closing: [{id: w, title: W, kind: wait, duration: 1m, until: 'api.value[checks.none] > 1'}]"
    text = endpoint.plan().replace("guards:", "  dead: {type: tcp, host: 127.0.0.1, port: 1}\nguards:")
    loaded = parse(f"{text}{wait}\n", path="p")
    assert loaded.procedure is not None
    found = {finding.title: finding for finding in watching(loaded.procedure)}
    assert found["Target api"].message.startswith("ok; latency ")
    assert "value[checks.queue:depth.observedValue] 3" in found["Target api"].message
    assert (found["Target dead"].level, "refused" in found["Target dead"].message) == ("warning", True)
    assert (found["Guard fine"].level, found["Guard fine"].message) == (
        "ok",
        "api.value[checks.queue:depth.observedValue] is 3",
    )
    assert "is not in what api says" in found["Metric api.value[checks.none]"].message
    assert {name: found[f"Guard {name}"].level for name in ("typo", "unit")} == {"typo": "problem", "unit": "problem"}
    assert "did you mean `api.value[checks.queue:depth.observedValue]`?" in found["Guard typo"].message
    endpoint.body = b"<html>"
    found = {finding.title: finding for finding in watching(loaded.procedure)}
    assert (found["Target api"].level, "HTML" in found["Target api"].message) == ("problem", True)


def test_doctor_says_of_a_target_with_an_open_parameter_that_it_is_not_read() -> None:
    text = PLAN.replace("http://127.0.0.1:PORT/", "${where}").replace("ON_UNKNOWN", "")
    loaded = parse(text.replace("revision: 1", "revision: 1\nparams: {where: {type: url}}"), path="p", demand=False)
    assert loaded.procedure is not None
    assert {finding.level for finding in watching(loaded.procedure)} == {"ok"}
