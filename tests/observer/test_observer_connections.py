"""Checks read what a new client would see: its connection, its certificates, its proxy, its names."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import certificate, locked, needs_openssl

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Check, Context, Result, SettingError
from quarterdeck.observer.checks.web import BODY_CAP, KEPT
from quarterdeck.procedure.model import Bands, Target
from quarterdeck.text import visible

if TYPE_CHECKING:
    from tests.observer.conftest import Server, Watching

NAME = "moving.example"


class Names:
    """What the resolver answers for `NAME`, each time that anybody asks it; other names stay the system's."""

    def __init__(self) -> None:
        self.addresses: list[str] = ["127.0.0.1"]
        self.asked = 0

    def answer(self, host: Any, port: Any, *rest: Any, **more: Any) -> list[Any]:
        if host not in (NAME, NAME.encode()):
            return _system(host, port, *rest, **more)
        self.asked += 1
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [found for address in self.addresses for found in _system(address, port, *rest, **more)]


_system = socket.getaddrinfo


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made.answer)
    return made


def checking(url: str, environ: dict[str, str] | None = None, kind: str = "http", **options: Any) -> Check:
    return build(Target(type=kind, options={"url": url, **options}), Context(name="it", environ=environ or {}))


async def once(url: str, environ: dict[str, str] | None = None, kind: str = "http", **options: Any) -> Result:
    check = checking(url, environ, kind, **options)
    try:
        return await asyncio.wait_for(check.sample(), 45)
    finally:
        await check.close()


# -- when a connection is a new one


async def test_a_name_that_moved_is_asked_at_its_new_address(server: Server, another: Server, names: Names) -> None:
    await another.start(host="127.0.0.2", port=server.port)
    check = checking(f"http://{NAME}:{server.port}/")
    assert (await check.sample()).status == "ok"
    names.addresses = ["127.0.0.2"]
    another.handler = another.answer(code=503)
    assert (await check.sample()).message == "answered 503"
    assert (server.connections, another.connections) == (1, 1)
    await check.close()


async def test_the_same_addresses_in_another_order_keep_the_connection(server: Server, names: Names) -> None:
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    check = checking(f"http://{NAME}:{server.port}/")
    for _ in range(3):
        assert (await check.sample()).status == "ok"
        names.addresses.reverse()
    assert server.connections == 1
    await check.close()


async def test_a_name_that_is_gone_is_critical_though_a_connection_still_stands(server: Server, names: Names) -> None:
    check = checking(f"http://{NAME}:{server.port}/")
    assert (await check.sample()).status == "ok"
    names.addresses = []
    gone = await check.sample()
    assert (gone.status, gone.message) == ("critical", "no connection: the name cannot be resolved")
    names.addresses = ["127.0.0.1"]
    assert (await check.sample()).status == "ok"
    await check.close()


async def test_a_connection_serves_for_a_minute_and_no_longer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = checking(server.url())
    assert (await check.sample()).status == "ok"
    loop = asyncio.get_running_loop()
    now, ahead = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: now() + ahead)
    ahead = KEPT - 5
    await check.sample()
    assert server.connections == 1
    ahead = KEPT
    await check.sample()
    assert (server.connections, KEPT) == (2, 60.0)
    await check.close()


async def test_a_listener_that_closed_is_noticed_within_a_minute_though_its_connections_live(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = checking(server.url())
    assert (await check.sample()).status == "ok"
    server.deaf()
    assert (await check.sample()).status == "ok"
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + KEPT)
    assert (await check.sample()).message == "no connection: connection refused"
    await check.close()


@pytest.mark.parametrize("kind", ["http", "health_json"])
async def test_after_each_failure_a_connection_is_a_new_one(server: Server, kind: str) -> None:
    check = checking(server.url(), kind=kind)
    for code, connections in ((503, 1), (503, 2), (200, 3), (200, 3)):
        server.handler = server.answer('{"status": "pass"}', code=code, kind="application/json")
        await check.sample()
        assert server.connections == connections
    await check.close()


async def test_connection_new_opens_one_for_each_poll_and_keeps_none(server: Server) -> None:
    check = checking(server.url(), connection="new")
    for polls in (1, 2, 3):
        assert {"connect", "latency"} <= (await check.sample()).values.keys()
        assert server.connections == polls
        await asyncio.wait_for(server.left.wait(), 45)
        server.left.clear()
    await check.close()


# -- what each part of a poll took


async def test_the_first_poll_on_a_connection_tells_connect_and_answer_apart(server: Server, names: Names) -> None:
    async def think(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        await asyncio.sleep(0.15)
        await server.answer()(reader, writer, head)

    server.handler = think
    check = checking(f"http://{NAME}:{server.port}/")
    first, second = await check.sample(), await check.sample()
    assert float(first.values["latency"]) >= 0.15
    assert float(first.values["connect"]) > 0
    assert "tls" not in first.values
    assert not {"connect", "tls"} & second.values.keys()
    await check.close()


@needs_openssl
async def test_a_slow_handshake_is_tls_and_no_band_on_latency_sees_it(
    server: Server, watching: Watching, tmp_path: Path
) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    await server.start(served(made, key))
    slow = Relay(server.port, wait=1.0)
    url = f"https://127.0.0.1:{await slow.start()}/"
    bands = {"latency": Bands(critical="1s")}
    told = await watching(Target(type="http", options={"url": url, "verify": str(made)}, bands=bands)).next()
    assert (told.raw, told.message) == ("ok", "")
    assert float(told.values["tls"]) >= 1
    assert max(float(told.values["connect"]), float(told.values["latency"])) < 1
    await slow.stop()


# -- certificates


def served(made: Path, key: Path) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made, key)
    return tls


@needs_openssl
async def test_a_renewed_certificate_shows(server: Server, tmp_path: Path) -> None:
    authority, serving = (tmp_path / name for name in ("old", "new"))
    authority.mkdir()
    serving.mkdir()
    old, key = certificate(authority, "IP:127.0.0.1", end="20980101000000Z")
    new, new_key = certificate(serving, "IP:127.0.0.1", end="20990101000000Z")
    trusted = tmp_path / "both.pem"
    trusted.write_text(old.read_text() + new.read_text())
    tls = served(old, key)
    await server.start(tls)
    check = checking(server.url(), verify=str(trusted), connection="new")
    before = await check.sample()
    tls.load_cert_chain(new, new_key)
    after = await check.sample()
    assert (before.status, after.status) == ("ok", "ok")
    assert float(after.values["cert_days"]) - float(before.values["cert_days"]) == pytest.approx(365, abs=0.1)
    await check.close()


@needs_openssl
async def test_authorities_are_read_again_when_their_file_changes(server: Server, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    (one, key), (two, _) = (certificate(folder, "IP:127.0.0.1") for folder in folders)
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(one.read_text())
    await server.start(served(one, key))
    check = checking(server.url(), verify=str(trusted))
    assert (await check.sample()).status == "ok"
    replace(trusted, two.read_text())
    assert "certificate is not trusted" in (await check.sample()).message
    replace(trusted, one.read_text())
    assert (await check.sample()).status == "ok"
    trusted.unlink()
    assert (await check.sample()).message.endswith("is not there")
    await check.close()


def replace(path: Path, text: str) -> None:
    """As certificates are renewed: written beside, and renamed."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.rename(path)


@needs_openssl
@pytest.mark.parametrize("together", [True, False])
async def test_a_client_certificate_is_shown_to_who_asks_for_one(
    server: Server, tmp_path: Path, together: bool
) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    tls = served(made, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(made)
    await server.start(tls)
    both = tmp_path / "both.pem"
    both.write_text(made.read_text() + key.read_text())
    shown: str | list[str] = str(both) if together else [str(made), str(key)]
    assert (await once(server.url(), verify=str(made), certificate=shown)).status == "ok"
    without = await once(server.url(), verify=str(made))
    assert without.status == "critical"


@needs_openssl
async def test_a_client_certificate_is_not_shown_where_a_redirect_leads(
    server: Server, another: Server, tmp_path: Path
) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    await server.start(served(made, key))
    await another.start(served(made, key))
    server.handler = server.answer(code=302, location=another.url())
    options: dict[str, Any] = {"verify": str(made), "follow_redirects": "true"}
    assert (await once(server.url(), **options)).status == "ok"
    found = await once(server.url(), certificate=[str(made), str(key)], **options)
    assert (found.status, found.message) == (
        "unknown",
        "redirects to 127.0.0.1, not followed: the client's certificate is not for it",
    )
    assert another.connections == 1


@needs_openssl
@pytest.mark.parametrize("wrong", ["missing", "empty", "locked"])
async def test_a_client_certificate_that_cannot_be_used_is_unknown_and_named(
    server: Server, tmp_path: Path, wrong: str
) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    await server.start(served(made, key))
    if wrong == "missing":
        key.unlink()
    elif wrong == "empty":
        key.write_text("")
    else:
        locked(key)
    found = await once(server.url(), verify=str(made), certificate=[str(made), str(key)])
    mine = f"the client's certificate {visible(str(made), 80)} cannot be used"
    said = {
        "missing": f"the certificate's file {visible(str(key), 80)} is not there",
        "empty": mine,
        "locked": f"{mine}: its key is locked by a password",
    }
    assert found.status == "unknown"
    assert found.message.startswith(said[wrong])


# -- proxies


class Relay:
    """Something between a client and a server on loopback: a proxy, or a wire that is slow to answer."""

    def __init__(self, port: int = 0, *, wait: float = 0.0, refusal: bytes = b"") -> None:
        self.asked: list[str] = []
        self._port, self._wait, self._refusal = port, wait, refusal
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._relay(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port, sent, writers = self._port, b"", [writer]
        try:
            if not port:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(head)
                if self._refusal:
                    writer.write(self._refusal)
                    return
                port = int(head.split()[1].removeprefix("http://").partition("/")[0].rpartition(":")[2])
                if head.startswith("CONNECT"):
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    sent = head.encode()
            there, back = await asyncio.open_connection("127.0.0.1", port)
            writers.append(back)
            back.write(sent)
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer, self._wait))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in writers:
                each.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait: float = 0.0) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(wait)
            wait = 0.0
            writer.write(data)
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Relay]:
    made = Relay()
    yield made
    await made.stop()


async def test_a_proxy_is_asked_for_plain_http(server: Server, proxy: Relay) -> None:
    through = f"http://127.0.0.1:{await proxy.start()}"
    headers = ["Proxy-Authorization: Basic env:PASS", "X-Mine: yes"]
    found = await once(server.url("/a"), {"PASS": "abc"}, proxy=through, headers=headers)
    assert found.status == "ok"
    assert proxy.asked[0].startswith(f"GET http://127.0.0.1:{server.port}/a")
    assert "proxy-authorization: basic abc" in proxy.asked[0].lower()


@needs_openssl
async def test_a_proxy_makes_the_way_for_https_and_alone_gets_its_password(
    server: Server, proxy: Relay, tmp_path: Path
) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    await server.start(served(made, key))
    through = f"http://127.0.0.1:{await proxy.start()}"
    headers = ["Proxy-Authorization: Basic env:PASS"]
    found = await once(server.url(), {"PASS": "abc"}, proxy=through, headers=headers, verify=str(made))
    assert found.status == "ok"
    assert {"connect", "tls", "latency", "cert_days"} <= found.values.keys()
    assert proxy.asked[0].startswith(f"CONNECT 127.0.0.1:{server.port}")
    assert "basic abc" in proxy.asked[0].lower()
    assert "abc" not in server.heads[0]


async def test_a_proxy_that_refuses_or_is_not_there_is_critical_and_said_to_be_the_proxy() -> None:
    refusing = Relay(refusal=b"HTTP/1.1 407 Who\x1bare you\r\nContent-Length: 0\r\n\r\n")
    through = f"http://127.0.0.1:{await refusing.start()}"
    refused = await once("https://127.0.0.1:1/", proxy=through)
    assert (refused.status, refused.message) == ("critical", "its proxy answered 407 and made no connection")
    await refusing.stop()
    gone = await once("https://127.0.0.1:1/", proxy=through)
    assert (gone.status, gone.message) == ("critical", "no connection to its proxy: connection refused")


async def test_a_proxy_of_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await once(server.url())).status == "ok"


# -- the code comes before encoding and length


@pytest.mark.parametrize("kind", ["http", "health_json"])
@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_a_compressed_503_is_critical(server: Server, kind: str, encoding: str) -> None:
    server.handler = server.answer(gzip.compress(b"sorry"), code=503, content_encoding=encoding)
    found = await once(server.url(), kind=kind)
    assert (found.status, found.values["code"]) == ("critical", 503)
    assert "latency" in found.values


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity"])
async def test_a_body_that_nobody_asked_about_changes_no_status(server: Server, encoding: str) -> None:
    server.handler = server.answer(b"x" * (2 * BODY_CAP), content_encoding=encoding)
    found = await once(server.url())
    assert (found.status, found.message, found.values["code"]) == ("ok", "", 200)
    assert "latency" in found.values


async def test_a_gzip_body_is_read(server: Server) -> None:
    server.handler = server.answer(gzip.compress(b"all good"), content_encoding="gzip")
    assert (await once(server.url(), expect_body="^all good$")).status == "ok"
    assert (await once(server.url(), expect_body="bad")).status == "critical"
    server.handler = server.answer(
        gzip.compress(b'{"status":"warn"}'), kind="application/json", content_encoding="X-GZIP"
    )
    assert (await once(server.url(), kind="health_json")).status == "warning"


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (gzip.compress(b"0" * 50_000_000), "gzip", "a body of more than 1 MiB"),
        (b"x" * (BODY_CAP + 1), "identity", "a body of more than 1 MiB"),
        (gzip.compress(os.urandom(5000))[:-100], "gzip", "a body that is not whole gzip"),
        (b"plain after all", "gzip", "a body that is not whole gzip"),
        (b"\x0b\x02\x80x\x03", "br", "a body compressed by br, though identity was asked"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "health_json"])
async def test_a_body_that_cannot_be_read_is_unknown_where_it_matters(
    server: Server, kind: str, body: bytes, encoding: str, why: str
) -> None:
    server.handler = server.answer(body, kind="application/json", content_encoding=encoding)
    matters: dict[str, Any] = {"expect_body": "x"} if kind == "http" else {}
    found = await once(server.url(), kind=kind, **matters)
    assert (found.status, found.message) == ("unknown", f"answered 200 with {why}")
    assert found.values["code"] == 200


@pytest.mark.parametrize("size", [0, 1, BODY_CAP])
async def test_a_gzip_body_up_to_the_cap_is_whole(server: Server, size: int) -> None:
    server.handler = server.answer(gzip.compress(b"x" * size), content_encoding="gzip")
    assert (await once(server.url(), expect_body=r"^x*\Z")).status == "ok"


# -- addresses


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port of 127.0.0.2 whose listener takes no more connections: who connects hears nothing."""
    with contextlib.ExitStack() as held:
        listening = held.enter_context(socket.socket())
        listening.bind(("127.0.0.2", 0))
        listening.listen(0)
        with contextlib.suppress(TimeoutError):
            while True:
                filling = held.enter_context(socket.socket())
                filling.settimeout(0.3)
                filling.connect(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.parametrize("kind", ["tcp", "http"])
async def test_an_address_that_says_nothing_holds_up_the_next_for_a_quarter_of_a_second(
    server: Server, names: Names, deaf_port: int, kind: str
) -> None:
    await server.start(port=deaf_port)
    names.addresses = ["127.0.0.2", "127.0.0.1"]
    options: dict[str, str | list[str]] = {"host": NAME, "port": str(deaf_port)}
    if kind == "http":
        options = {"url": f"http://{NAME}:{deaf_port}/"}
    check = build(Target(type=kind, options=options), Context(name="it"))
    found = await asyncio.wait_for(check.sample(), 45)
    await check.close()
    assert found.status == "ok"
    assert float(found.values["latency" if kind == "tcp" else "connect"]) >= 0.25


@pytest.mark.parametrize("kind", ["tcp", "http"])
async def test_two_addresses_that_refuse_are_said_to_refuse(names: Names, kind: str) -> None:
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        where = {"url": f"http://{NAME}:{port}/"} if kind == "http" else {"host": NAME, "port": str(port)}
        check = build(Target(type=kind, options={**where}), Context(name="it"))
        found = await check.sample()
        await check.close()
    assert (found.status, found.message.rpartition(": ")[2]) == ("critical", "connection refused")


@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_tcp_takes_an_address_of_ipv6_with_and_without_brackets(host: str) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "::1", 0)
    port = str(listening.sockets[0].getsockname()[1])
    check = build(Target(type="tcp", options={"host": host, "port": port}), Context(name="it"))
    assert (await check.sample()).status == "ok"
    listening.close()


# -- options


@pytest.mark.parametrize(
    "options",
    [
        {"connection": "fresh"},
        {"proxy": "127.0.0.1:3128"},
        {"proxy": "socks5://127.0.0.1"},
        {"proxy": "http://me:pass@proxy"},
        {"proxy": "http://proxy/path"},
        {"certificate": "relative.pem"},
        {"certificate": ["/a", "/b", "/c"]},
        {"certificate": []},
    ],
)
def test_a_wrong_option_of_a_connection_is_refused(options: dict[str, str | list[str]]) -> None:
    with pytest.raises(SettingError):
        build(Target(type="http", options={"url": "http://x/", **options}), Context(name="it"))


async def test_an_address_without_tls_is_polled_by_no_thread_and_a_name_by_one(
    server: Server, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, hops = asyncio.get_running_loop(), 0
    real = loop.run_in_executor

    def counted(executor: Any, work: Any, *arguments: Any) -> Any:
        nonlocal hops
        hops += 1
        return real(executor, work, *arguments)

    monkeypatch.setattr(loop, "run_in_executor", counted)
    for url, wanted in ((server.url(), 0), (f"http://{NAME}:{server.port}/", 3 + 1)):  # and to connect
        check = checking(url)
        hops = 0
        for _ in range(3):
            assert (await check.sample()).status == "ok"
        assert hops == wanted, url
        await check.close()
