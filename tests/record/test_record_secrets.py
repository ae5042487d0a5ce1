"""A secret that a real command prints in four forms is in no file of the record."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from quarterdeck.record.export import FORMATS, export_session

CANARY = "canary/7f3a+very secret"
PROCEDURE = r"""
quarterdeck: 1
id: canary
title: A secret in a command
revision: 1
params:
  token: {type: string, secret: true, required: true}
window: {reserve: 1m, warn: 1m}
roles:
  lead: {title: Lead, required: true}
targets:
  here: {type: local}
stages:
  - id: one
    title: One
    steps:
      - id: say
        title: Say it
        kind: command
        duration: 5s
        shell: |
          echo "the token is $token"
          printf %s "$token" | base64
          printf %s "user:$token" | base64
          printf '%s%s%s\n' 'https://x/?q=' "$(printf %s "$token" | sed 's,/,%2F,; s,+,%2B,; s, ,%20,')" ''
          printf '%s\n' "said: $token"
        record: [{name: said, type: string, pattern: "^said: (.*)$"}]
        mutates: false
criteria:
  - {id: users, title: No complaint, indicator: satisfaction, asked: lead}
"""
LINES = b"""{"do":"StartSession"}
{"do":"StartStep","step":"say"}
{"do":"wait","for":"step=say:done","timeout":30}
{"do":"AnswerCriterion","criterion":"users","satisfied":true}
{"do":"EndSession"}
{"do":"wait","for":"event=session.ended","timeout":30}
"""


@pytest.fixture
def led(tmp_path: Path) -> Iterator[Path]:
    """The folder of a session in which a command printed the secret; led by the real program."""
    (tmp_path / "canary.yaml").write_text(PROCEDURE)
    with tempfile.TemporaryDirectory(prefix="qdr-", dir="/tmp") as runtime:
        environment = os.environ | {
            "CANARY": CANARY, "QUARTERDECK_HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": runtime,
            "QUARTERDECK_LINGER": "3",
        }  # fmt: skip
        command = [sys.executable, "-m", "quarterdeck", "lead", "canary.yaml", "--headless", "--window", "1h"]
        command += ["--param", "token=env:CANARY"]
        done = subprocess.run(
            command, input=LINES, env=environment, cwd=tmp_path, timeout=90, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        yield next((tmp_path / "home" / "sessions").iterdir())


def test_a_secret_is_in_no_file_of_the_record(led: Path, tmp_path: Path) -> None:
    export_session(led, tmp_path / "out", FORMATS)
    forms = [
        CANARY, CANARY.replace(" ", "%20"), quote(CANARY, safe=""), CANARY.split("+", maxsplit=1)[0],
        base64.b64encode(CANARY.encode()).decode(), base64.b64encode(f"user:{CANARY}".encode()).decode()[8:],
    ]  # fmt: skip
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for path in files:
        text = path.read_text(errors="replace")
        assert not [form for form in forms if form in text], path.name
    output = "".join(path.read_text() for path in files if path.parent.name == "blobs")
    assert "the token is [redacted]" in output  # the control: it was printed, and taken out
    assert "env:CANARY" in (tmp_path / "out" / f"{led.name}.html").read_text()
