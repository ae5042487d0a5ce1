"""TLS is verified: what is not trusted, for another host, or too old, is critical and says so."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from certificates import certificate, needs_openssl

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Context, Result
from quarterdeck.procedure.model import Target

if TYPE_CHECKING:
    from tests.observer.conftest import Server

pytestmark = needs_openssl


async def ask(server: Server, made: Path, key: Path, **options: str) -> Result:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made, key)
    await server.start(tls)
    check = build(Target(type="http", options={"url": server.url(), **options}), Context(name="it"))
    try:
        return await check.sample()
    finally:
        await check.close()


async def test_an_unknown_authority_is_not_trusted(server: Server, tmp_path: Path) -> None:
    found = await ask(server, *certificate(tmp_path, "IP:127.0.0.1"))
    assert found.status == "critical"
    assert "certificate is not trusted: self" in found.message


async def test_an_authority_of_the_procedure_is_trusted(server: Server, tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    assert (await ask(server, made, key, verify=str(made))).status == "ok"


async def test_a_certificate_for_another_host_is_not_trusted(server: Server, tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "DNS:other.example")
    found = await ask(server, made, key, verify=str(made))
    assert found.status == "critical"
    assert "not trusted" in found.message


async def test_an_expired_certificate_is_not_trusted(server: Server, tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1", end="20200201000000Z")
    found = await ask(server, made, key, verify=str(made))
    assert found.status == "critical"
    assert "expired" in found.message


async def test_an_authority_file_that_is_missing_is_unknown(server: Server, tmp_path: Path) -> None:
    made, key = certificate(tmp_path, "IP:127.0.0.1")
    found = await ask(server, made, key, verify=str(tmp_path / "none.pem"))
    assert (found.status, found.message[-12:]) == ("unknown", "is not there")


async def test_plain_text_where_tls_was_promised_is_critical() -> None:
    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(speak, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/"
    check = build(Target(type="http", options={"url": url}), Context(name="it"))
    found = await asyncio.wait_for(check.sample(), 45)
    await check.close()
    plain.close()
    assert found.status == "critical"
    assert "TLS failed" in found.message
