"""Checks of type http and health_json against real servers, friendly and hostile."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from patience import LONG, SLOW, little_patience

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Check, Context, Result, SettingError
from quarterdeck.procedure.model import Bands, Target

if TYPE_CHECKING:
    from tests.observer.conftest import Server, Watching

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "hunter2-canary"


def checking(kind: str, url: str, environ: dict[str, str] | None = None, **options: str | list[str]) -> Check:
    target = Target(type=kind, options={"url": url, **options})
    return build(target, Context(name="it", environ=environ or {}))


async def once(kind: str, url: str, environ: dict[str, str] | None = None, **options: str | list[str]) -> Result:
    check = checking(kind, url, environ, **options)
    try:
        return await asyncio.wait_for(check.sample(), 45)
    finally:
        await check.close()


async def test_an_expected_answer_is_ok_and_has_a_latency(server: Server) -> None:
    found = await once("http", server.url())
    assert (found.status, found.message) == ("ok", "")
    assert found.values["code"] == 200
    assert 0 < float(found.values["latency"]) < 1
    assert "accept-encoding: identity" in server.heads[0].lower()


async def test_one_connection_serves_many_samples(server: Server) -> None:
    check = checking("http", server.url())
    for _ in range(5):
        assert (await check.sample()).status == "ok"
    assert server.connections == 1
    await check.close()


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(server: Server) -> None:
    check = checking("http", server.url())
    assert (await check.sample()).status == "ok"

    async def slam(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
        server.handler = server.answer()
        writer.transport.abort()

    server.handler = slam
    assert (await check.sample()).status == "ok"
    assert server.connections == 2
    await check.close()


async def test_another_code_than_expected_is_critical(server: Server) -> None:
    server.handler = server.answer(code=503)
    assert (await once("http", server.url())).status == "critical"
    assert (await once("http", server.url(), expect_status="503")).status == "ok"
    assert (await once("http", server.url(), expect_status=["200", "5xx"])).status == "ok"


async def test_the_body_is_held_against_a_pattern(server: Server) -> None:
    server.handler = server.answer("all good")
    assert (await once("http", server.url(), expect_body="good$")).status == "ok"
    found = await once("http", server.url(), expect_body="bad")
    assert found.status == "critical"
    assert "good" not in found.message


async def test_a_pattern_that_takes_too_long_on_a_body_leaves_its_status_unknown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.handler = server.answer(LONG[:1_000_000])
    with little_patience(monkeypatch):
        found = await once("http", server.url(), expect_body=SLOW)
    assert found.status == "unknown"
    assert "took longer than" in found.message


async def test_nobody_listening_is_critical(server: Server) -> None:
    await server.stop()
    found = await once("http", server.url())
    assert (found.status, found.message) == ("critical", "no connection: connection refused")


async def test_a_redirect_is_not_followed_unless_asked(server: Server) -> None:
    server.handler = server.answer(code=302, location="http://elsewhere.invalid/")
    found = await once("http", server.url())
    assert found.status == "critical"
    assert "elsewhere.invalid" in found.message


async def test_a_followed_redirect_carries_no_header_of_ours(server: Server) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        first = head.startswith("GET / ")
        await (server.answer(code=302, location="/two") if first else server.answer())(reader, writer, head)

    server.handler = twice
    headers = ["Authorization: Bearer env:TOKEN", "X-Tenant: env:TOKEN", "X-Plain: yes"]
    found = await once("http", server.url(), {"TOKEN": SECRET}, headers=headers, follow_redirects="true")
    assert found.status == "ok"
    assert SECRET in server.heads[0]
    assert SECRET not in server.heads[1]
    assert "x-plain" not in server.heads[1].lower()


async def test_redirects_in_a_circle_end(server: Server) -> None:
    server.handler = server.answer(code=302, location="/")
    found = await once("http", server.url(), follow_redirects="true")
    assert (found.status, found.message) == ("critical", "more than 5 redirects")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://[bad", "gopher://x/"])
async def test_a_redirect_to_something_else_is_critical(server: Server, location: str) -> None:
    server.handler = server.answer(code=302, location=location)
    assert (await once("http", server.url(), follow_redirects="true")).status == "critical"


async def test_a_body_of_100_mb_is_cut_off(server: Server) -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(1600):
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    server.handler = flood
    assert (await once("http", server.url())).status == "ok"
    found = await once("http", server.url(), expect_body="x")
    assert found.status == "unknown"
    assert "more than 1 MiB" in found.message
    assert sent < 80 * 1024 * 1024


async def test_a_bomb_of_headers_is_unknown(server: Server) -> None:
    async def bomb(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
        writer.write(b"HTTP/1.1 200 X\r\n")
        for number in range(200_000):
            writer.write(b"X-%d: y\r\n" % number)
            if number % 1000 == 0:
                await writer.drain()

    server.handler = bomb
    found = await once("http", server.url())
    assert (found.status, found.message) == ("unknown", "what it answered is not HTTP that can be understood")


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n\r\n", b"\x00\xff\xfe\r\n\r\n", b"HTTP/1.1 9x9\r\n\r\n"])
async def test_what_is_not_http_is_unknown(server: Server, said: bytes) -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
        writer.write(said)
        await writer.drain()

    server.handler = speak
    assert (await once("http", server.url())).status == "unknown"


async def test_a_connection_closed_in_the_answer_is_critical(server: Server) -> None:
    async def half(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf")
        writer.close()

    server.handler = half
    found = await once("http", server.url())
    assert found.status == "critical"
    assert "closed the connection" in found.message


async def test_invalid_utf8_matters_only_where_text_does(server: Server) -> None:
    server.handler = server.answer(b'{"status":"\xff\xfe"}', kind="application/json")
    assert (await once("http", server.url())).status == "ok"
    assert (await once("http", server.url(), expect_body="x")).status == "unknown"
    assert (await once("health_json", server.url())).status == "unknown"


@pytest.mark.parametrize("silence", ["never", "drip"])
async def test_an_endpoint_that_hangs_is_late_and_says_where(
    server: Server, watching: Watching, silence: str
) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _head: str) -> None:
        if silence == "drip":
            writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            if silence == "drip":
                writer.write(b"x")
            await asyncio.sleep(0.05)

    server.handler = hang
    began = time.monotonic()
    told = await watching(Target(type="http", options={"url": server.url()}, timeout=0.3)).next()
    assert time.monotonic() - began < 1
    assert told.raw == "critical"
    assert "not done within 300 ms" in told.message
    assert ("reading the body" if silence == "drip" else "waiting for an answer") in told.message


async def test_after_a_late_answer_the_next_sample_is_a_fresh_one(server: Server, watching: Watching) -> None:
    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _head: str) -> None:
        server.handler = server.answer()
        await asyncio.sleep(5)

    server.handler = hang
    watched = watching(Target(type="http", options={"url": server.url()}, timeout=0.2, every=0.3))
    assert (await watched.next()).raw == "critical"
    assert (await watched.next()).raw == "ok"
    assert server.connections == 2


# secrets


@pytest.mark.parametrize("header", ["Authorization: Bearer abc", "Cookie: a=b", "X-Api-Key: abc"])
def test_a_credential_must_be_a_reference(header: str) -> None:
    with pytest.raises(SettingError, match="reference"):
        checking("http", "http://127.0.0.1:1/", headers=[header])


def test_an_address_must_not_hold_a_password() -> None:
    with pytest.raises(SettingError, match="password") as refused:
        checking("http", f"http://me:{SECRET}@127.0.0.1:1/")
    assert SECRET not in str(refused.value)


async def test_a_secret_that_is_not_there_is_unknown_and_named(server: Server) -> None:
    found = await once("http", server.url(), headers=["Authorization: env:NOPE"])
    assert found.status == "unknown"
    assert "NOPE is not set" in found.message
    found = await once("http", server.url(), headers=["Authorization: file:/nowhere/x"])
    assert "/nowhere/x is not there" in found.message
    assert server.heads == []


async def test_a_renewed_secret_is_read_again_after_a_refusal(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    check = checking("http", server.url(), headers=[f"Authorization: Bearer file:{token}"])
    server.handler = server.answer(code=401)
    assert (await check.sample()).status == "critical"
    token.write_text("new\n")
    server.handler = server.answer()
    assert (await check.sample()).status == "ok"
    assert "Bearer new" in server.heads[1]
    await check.close()


async def test_a_secret_never_comes_back_in_a_message(server: Server) -> None:
    server.handler = server.answer(json.dumps({"status": "fail", "output": f"bad token {SECRET}"}), 503)
    headers = ["Authorization: Bearer env:TOKEN"]
    found = await once("health_json", server.url(f"/?key={SECRET}"), {"TOKEN": SECRET}, headers=headers)
    assert found.status == "critical"
    assert SECRET not in repr(found)
    assert "bad token •••" in found.message


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://x/"},
        {"url": "nonsense"},
        {"url": "http://"},
        {"url": "http://x/", "methd": "GET"},
        {"url": "http://x/", "method": "DELETE"},
        {"url": "http://x/", "headers": ["no colon"]},
        {"url": "http://x/", "headers": ["Host: other"]},
        {"url": "http://x/", "headers": ["X: a\r\nY: b"]},
        {"url": "http://x/", "expect_body": "("},
        {"url": "http://x/", "follow_redirects": "maybe"},
        {},
    ],
)
def test_a_wrong_option_is_refused_with_a_message(options: dict[str, str | list[str]]) -> None:
    with pytest.raises(SettingError):
        build(Target(type="http", options=options), Context(name="it"))


# health documents


@pytest.mark.parametrize(
    ("name", "code", "status"), [("pass", 200, "ok"), ("warn", 200, "warning"), ("fail", 503, "critical")]
)
async def test_health_documents_are_understood(server: Server, name: str, code: int, status: str) -> None:
    body = (FIXTURES / f"fixture_health_{name}.txt").read_bytes()
    server.handler = server.answer(body, code, "application/health+json")
    found = await once("health_json", server.url())
    assert found.status == status
    metric = "value[checks.postgres:responseTime.observedValue]"
    assert found.values[metric] == pytest.approx(0.012 if name == "pass" else 0.95)
    assert found.units[metric] == "s"
    assert found.units["value[checks.cpu:utilization.observedValue]"] == "%"
    assert found.values["value[checks.memory:utilization.observedValue]"] == 8.5 * 2**30
    assert found.values["value[checks.postgres:responseTime.status]"] == name


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        ("<html>login</html>", "text/html", "HTML where JSON was promised"),
        ("<!doctype html>", "application/json", "HTML where JSON was promised"),
        ("", "application/json", "an empty body"),
        ("[1]", "application/json", "JSON that is no object"),
        ('{"status": NaN}', "application/json", "no status"),
        ('{"status":', "application/json", "not valid JSON"),
        ("[" * 100_000, "application/json", "not valid JSON"),
        ("{}", "application/json", "no status"),
        ('{"status": 1}', "application/json", "no status"),
        ('{"status": "splendid"}', "application/json", "splendid"),
    ],
)
async def test_what_cannot_be_judged_is_unknown(server: Server, body: str, kind: str, why: str) -> None:
    server.handler = server.answer(body, kind=kind)
    found = await once("health_json", server.url())
    assert found.status == "unknown"
    assert why in found.message


async def test_a_gateways_error_page_is_critical_though_it_is_html(server: Server) -> None:
    server.handler = server.answer("<html>Bad gateway</html>", 502, "text/html")
    assert (await once("health_json", server.url())).status == "critical"


async def test_a_pass_with_an_error_code_is_not_believed(server: Server) -> None:
    server.handler = server.answer('{"status":"pass"}', 503)
    assert (await once("health_json", server.url())).status == "critical"
    server.handler = server.answer('{"status":"pass"}', 404)
    assert (await once("health_json", server.url())).status == "unknown"


async def test_one_bad_number_does_not_spoil_a_document(server: Server) -> None:
    bad = ("NaN", "-Infinity", "1e999", "9" * 500, "9" * 50_000, '1e308,"observedUnit":"GiB"', "true", '"12"')
    checks = ",".join(f'"bad{place}":[{{"observedValue":{text}}}]' for place, text in enumerate(bad))
    server.handler = server.answer(f'{{"status":"pass","checks":{{{checks},"b":{{"observedValue":-3}},"c":[]}}}}')
    found = await once("health_json", server.url())
    assert found.status == "ok"
    assert {name for name in found.values if name.startswith("value")} == {"value[checks.b.observedValue]"}
    assert not found.units


async def test_every_entry_of_a_list_is_read(server: Server) -> None:
    cpus = [{"node": n, "observedValue": n * 10, "observedUnit": "percent", "status": "pass"} for n in (1, 2, 3)]
    server.handler = server.answer(json.dumps({"status": "pass", "checks": {"cpu": cpus, "queue": [[4, 5], 6, 7]}}))
    found = await once("health_json", server.url())
    assert {name: value for name, value in found.values.items() if "observedValue" in name or "queue" in name} == {
        "value[checks.cpu.observedValue]": 10,
        "value[checks.cpu.1.observedValue]": 20,
        "value[checks.cpu.2.observedValue]": 30,
        "value[checks.queue.1]": 6,
        "value[checks.queue.2]": 7,
    }
    assert found.units["value[checks.cpu.2.observedValue]"] == "%"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("healthy", "ok"),
        ("Healthy", "ok"),
        ("UP", "ok"),
        ("green", "ok"),
        (True, "ok"),
        ("true", "ok"),
        ("Degraded", "warning"),
        ("yellow", "warning"),
        ("Unhealthy", "critical"),
        ("OUT_OF_SERVICE", "critical"),
        ("red", "critical"),
        (False, "critical"),
        (1, "unknown"),
        ("RUNNING", "unknown"),
    ],
)
async def test_the_usual_words_of_health_are_understood(server: Server, said: str | bool, status: str) -> None:
    server.handler = server.answer(json.dumps({"status": said}))
    assert (await once("health_json", server.url())).status == status


async def test_words_of_a_service_mean_what_the_target_says(server: Server) -> None:
    words = ["RUNNING: ok", "a:b: warning", "up: critical", "LOST: unknown"]
    for said, status in (("Running", "ok"), ("a:b", "warning"), ("UP", "critical"), ("lost", "unknown")):
        server.handler = server.answer(json.dumps({"status": said}))
        assert (await once("health_json", server.url(), words=words)).status == status


@pytest.mark.parametrize("words", ["RUNNING", ["RUNNING: fine"], [": ok"], ["RUNNING:"]])
def test_a_word_that_means_no_status_is_refused(words: str | list[str]) -> None:
    with pytest.raises(SettingError, match="words"):
        checking("health_json", "http://x/", words=words)


CAPTURED: list[tuple[str, int, str, str]] = [
    ("fixture_health_fail", 503, "critical",
     "says fail; postgres unreachable; cpu:utilization fail; postgres:responseTime fail: timeout acquiring conn…"),
    ("fixture_health_warn", 200, "warning", "says warn; cpu:utilization warn; postgres:responseTime warn"),
    ("fixture_health_pass", 200, "ok", ""),
    ("fixture_actuator_health_fail", 503, "critical",
     "says DOWN; db DOWN: org.postgresql.util.PSQLException: Connection refused; readinessState DOWN"),
    ("fixture_actuator_health_pass", 200, "ok", ""),
    ("fixture_aspnet_warn", 200, "warning", "says Degraded; sql Degraded"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "code", "status", "message"), CAPTURED)
async def test_what_fails_is_named_and_what_passes_is_not(
    server: Server, name: str, code: int, status: str, message: str
) -> None:
    server.handler = server.answer((FIXTURES / f"{name}.txt").read_bytes(), code, "application/json")
    found = await once("health_json", server.url())
    assert found.status == status
    assert found.message.startswith(message.rstrip("…"))
    assert bool(found.message) == bool(message)


async def test_a_failing_entry_is_named_by_what_tells_it_from_the_others(server: Server) -> None:
    nodes = [
        {"componentId": "db1", "status": "pass"},
        {"componentId": "db2", "status": "warn"},
        {"node": 3, "status": "fail"},
        {"status": "fail"},
    ]
    micro = [{"name": "mail", "status": "DOWN"}]
    nested = {"components": {"primary": {"status": "UP"}, "replica": {"status": "DOWN"}}, "status": "DOWN"}
    body = {"status": "DOWN", "checks": {"db": nodes, "all": micro}, "components": {"sql": nested}}
    server.handler = server.answer(json.dumps(body), 503)
    found = await once("health_json", server.url())
    assert found.message == "says DOWN; db/3 fail; db/3 fail; all/mail DOWN; sql/replica DOWN; db/db2 warn"


async def test_a_document_of_many_numbers_keeps_the_wanted_one(server: Server) -> None:
    server.handler = server.answer(json.dumps({"status": "pass", "checks": {f"c{n}": n for n in range(5000)}}))
    target = Target(type="health_json", options={"url": server.url()})
    check = build(target, Context(name="it", metrics=("value[checks.c4999]",)))
    found = await check.sample()
    await check.close()
    assert found.values["value[checks.c4999]"] == 4999
    assert len(found.values) < 220


async def test_hostile_text_cannot_steer_a_terminal(server: Server) -> None:
    server.handler = server.answer(
        json.dumps({"status": "fail", "output": "\x1b]52;c;x\x07\u202e" + "a" * 5000}), 503
    )
    found = await once("health_json", server.url())
    assert found.message.isprintable()
    assert len(found.message) <= 200


async def test_bands_make_a_slow_answer_critical(server: Server, watching: Watching) -> None:
    target = Target(
        type="health_json",
        options={"url": server.url()},
        failure_threshold=1,
        bands={"value[checks.db.observedValue]": Bands(warning="400ms", critical="800ms")},
    )
    body = {"status": "pass", "checks": {"db": [{"observedValue": 950, "observedUnit": "ms"}]}}
    server.handler = server.answer(json.dumps(body))
    told = await watching(target).next()
    assert told.status == "critical"
    assert told.message == "value[checks.db.observedValue] critical"


async def test_a_band_on_a_value_that_is_absent_is_unknown(server: Server, watching: Watching) -> None:
    server.handler = server.answer('{"status":"pass"}')
    bands = {"value[checks.db.observedValue]": Bands(critical="800ms")}
    told = await watching(Target(type="health_json", options={"url": server.url()}, bands=bands)).next()
    assert told.status == "unknown"
    assert "cannot be read" in told.message
