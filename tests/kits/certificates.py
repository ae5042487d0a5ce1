"""Self-made certificates, by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

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
    run(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        curve,
        "-nodes",
        "-keyout",
        key,
        "-out",
        request,
        "-subj",
        f"/CN={folder.name}",
    )
    span = ("-startdate", "20200101000000Z", "-enddate", end)
    signing = ("-selfsign", "-batch", "-notext", "-config", settings, "-extensions", "names")
    run("ca", *signing, "-keyfile", key, "-in", request, "-out", made, *span)
    return made, key


def run(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def locked(key: Path) -> None:
    """Put a password on a key."""
    run("ec", "-in", key, "-aes256", "-passout", "pass:secret", "-out", key)
