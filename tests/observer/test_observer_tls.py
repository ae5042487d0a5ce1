"""TLS is verified: what is not trusted, for another host, or too old, is critical and says so."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Context, Result
from quarterdeck.procedure.model import Target

if TYPE_CHECKING:
    from tests.observer.conftest import Server

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


AUTHORITY = """
[ca]
default_ca = here
[here]
new_certs_dir = {folder}
database = {folder}/index.txt
serial = {folder}/serial
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
subjectAltName = {name}
basicConstraints = CA:TRUE
"""


def certificate(folder: Path, name: str, end: str = "20990101000000Z") -> tuple[Path, Path]:
    """A self-made certificate for an address, and its key."""
    key, request, made = folder / "key.pem", folder / "request.pem", folder / "cert.pem"
    settings = folder / "authority.cnf"
    settings.write_text(AUTHORITY.format(folder=folder, name=name))
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    curve = "ec_paramgen_curve:prime256v1"
    run("req", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=test")
    span = ("-startdate", "20200101000000Z", "-enddate", end)
    signing = ("-selfsign", "-batch", "-notext", "-config", settings, "-extensions", "names")
    run("ca", *signing, "-keyfile", key, "-in", request, "-out", made, *span)
    return made, key


def run(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


async def ask(server: Server, made: Path, key: Path, **options: str) -> Result:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made, key)
    await server.stop()
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
    found = await asyncio.wait_for(check.sample(), 10)
    await check.close()
    plain.close()
    assert found.status == "critical"
    assert "TLS failed" in found.message
