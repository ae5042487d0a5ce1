"""Secrets through a real station: handed to the commands that name them, given by the console that attaches."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.procedure.model import Param, Procedure, Stage, Step
from quarterdeck.record.export import FORMATS, export_session
from quarterdeck.session import intents
from quarterdeck.session.missing import missing_in_rollback, missing_later
from quarterdeck.station.doctor.needs import needs
from quarterdeck.station.wire.protocol import Given, encode

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]

TEXT = """
quarterdeck: 1
id: secret
title: A secret that only the change uses
revision: 1
params:
  c: {type: string, secret: true, default: "env:FIELD_SECRET"}
  other: {type: string, secret: true, default: "env:FIELD_OTHER"}
stages:
  - id: s
    title: S
    steps:
      - id: make
        title: Make
        kind: command
        duration: 5s
        env: {C: "${c}"}
        shell: |
          test "${#C}" = 9
          if env | grep -q "^other="; then exit 1; fi
          touch "$QUARTERDECK_HOME/made"
        undo: [{id: unmake, title: Unmake, kind: command, duration: 5s, shell: 'rm "$QUARTERDECK_HOME/made"'}]
      - id: again
        title: Make again
        kind: command
        duration: 5s
        shell: 'test "${#c}" = 9'
        undo: [{id: unagain, title: Unmake again, kind: command, duration: 5s, shell: 'test "${#c}" = 9'}]
"""


async def crashed_and_found(lead: Any) -> None:
    """The station is killed; another one is started from an environment without the secret."""
    pid = lead.client.welcome.pid
    os.kill(pid, signal.SIGKILL)
    await lead.until(lambda: lead.client.welcome.pid != pid and "station.restarted" in lead.kinds())


async def made(opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch, **options: object) -> Any:
    monkeypatch.setenv("FIELD_SECRET", "hush-hush")
    lead = await attach(opened(TEXT), **options)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="make"))
    await lead.until(lambda: lead.state("make") == "done")
    monkeypatch.delenv("FIELD_SECRET")
    return lead


async def test_a_rollback_is_not_refused_for_a_secret_that_its_undo_does_not_name(
    opened: Opened, attach: Attach, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await made(opened, attach, monkeypatch)
    await crashed_and_found(lead)
    await lead.until(lambda: bool(lead.standing.unset))
    assert missing_in_rollback(lead.session, lead.standing.unset) == ()
    await lead.do(intents.Halt(nonce="h1", reason="look"))
    await lead.do(intents.RollBack(halts=("h1",), typed="ROLLBACK"))
    await lead.do(intents.StartStep(step="unmake"))
    await lead.until(lambda: lead.state("unmake") == "done")
    assert not (home / "made").exists()


async def test_what_is_missing_is_said_before_it_is_needed_and_an_attached_console_gives_it(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await made(opened, attach, monkeypatch)
    await crashed_and_found(lead)
    await lead.until(lambda: "c" in lead.standing.unset)
    (missing,) = missing_later(lead.session, lead.standing.unset)
    assert missing.words == "secret c is not set: 2 Make again and 1 more need it"
    assert missing.hint == "export FIELD_SECRET, then attach from that shell"
    await lead.do(intents.GoOn())
    refused = await lead.ask(intents.StartStep(step="again"))
    assert "FIELD_SECRET is not set" in refused.refusal
    assert "attach" in refused.hint

    own = {"FIELD_SECRET": "hush-hush", "UNASKED": "stays-here"}
    second = await attach(lead.client.folder, own=own)
    await lead.until(lambda: "c" not in lead.standing.unset)
    await second.do(intents.StartStep(step="again"))
    await lead.until(lambda: lead.state("again") == "done")
    held = b"".join(path.read_bytes() for path in lead.client.folder.rglob("*") if path.is_file())
    assert b"hush-hush" not in held
    assert b"stays-here" not in held


async def test_a_console_that_finds_its_station_again_gives_it_anew(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await made(opened, attach, monkeypatch, own={"FIELD_SECRET": "hush-hush"})
    await crashed_and_found(lead)
    await lead.do(intents.GoOn())
    await lead.do(intents.StartStep(step="again"))
    await lead.until(lambda: lead.state("again") == "done")


async def test_a_station_takes_only_the_variables_that_its_procedure_names(
    opened: Opened, attach: Attach, tmp_path: Path
) -> None:
    text = TEXT.replace("""shell: 'test "${#c}" = 9'""", f"""shell: 'env > "{tmp_path}/env"'""", 1)
    text = text.replace("""          test "${#C}" = 9\n""", "").replace("""env: {C: "${c}"}""", "env: {}")
    lead = await attach(opened(text))
    assert lead.client.welcome.wants == ("FIELD_SECRET", "FIELD_OTHER")
    lead.client._send(Given(env={"FIELD_OTHER": "x-y-z", "LD_PRELOAD": "/no.so", "PATH": "/nowhere"}))
    await lead.until(lambda: set(lead.standing.unset) == {"c"})
    await lead.do(intents.StartSession())
    for step in ("make", "again"):
        await lead.do(intents.StartStep(step=step))
        await lead.until(lambda step=step: lead.state(step) == "done")
    seen = (tmp_path / "env").read_text()
    assert "LD_PRELOAD" not in seen
    assert "/nowhere" not in seen
    assert "x-y-z" not in seen, "the script does not name it"
    assert b"x-y-z" in encode(Given(env={"A": "x-y-z"}))


def test_doctor_names_what_is_missing_and_how_to_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (Step(id="a", title="A", kind="command", shell="echo $c"),)
    procedure = Procedure(
        id="p",
        title="P",
        revision=1,
        params={"c": Param(secret=True), "unused": Param(secret=True)},
        values={"c": "env:FIELD_SECRET", "unused": "env:FIELD_OTHER"},
        stages=(Stage(id="s", title="S", steps=steps),),
    )
    monkeypatch.delenv("FIELD_SECRET", raising=False)
    (missing,) = [finding for finding in needs(procedure) if finding.title == "Secrets"]
    assert (missing.level, missing.message) == ("problem", "c (env:FIELD_SECRET) is not set: step a needs it")
    assert "export FIELD_SECRET" in missing.what_to_do
    monkeypatch.setenv("FIELD_SECRET", "hush-hush")
    (good,) = [finding for finding in needs(procedure) if finding.title == "Secrets"]
    assert good.level == "ok"
    assert "hush-hush" not in good.message


TOLD = """
quarterdeck: 1
id: told
title: Commands that tell their secret
revision: 1
params:
  c: {type: string, secret: true, default: "env:FIELD_SECRET"}
stages:
  - id: s
    title: S
    steps:
      - id: tell
        title: Tell
        kind: command
        duration: 5s
        mutates: false
        progress: {command: [sh, -c, 'echo copied with $c; echo $c > "$QUARTERDECK_HOME/asked"'], every: 1s}
        shell: |
          printf 'the word is %s' "$c" | head -c 16
          until test -e "$QUARTERDECK_HOME/go"; do sleep 0.05; done
          printf 'the word is %s\\n' "$c" | tail -c +17
          echo "https://h/?k=$c"
          printf 'user:%s\\n' "$c" | base64 -w 5
        record: [{name: word, pattern: 'word is (\\S+)'}]
      - id: quiet
        title: Quiet
        kind: command
        duration: 5s
        mutates: false
        shell: echo nothing to hide
"""


def everything_in(folder: Path) -> bytes:
    """All that lies in a session's folder, and its flight recorder."""
    recorder = folder.parent.parent / "recorder"
    return b"".join(path.read_bytes() for place in (folder, recorder) for path in place.rglob("*") if path.is_file())


def exported(folder: Path, out: Path) -> bytes:
    """Every file of its record."""
    export_session(folder, out / "record", FORMATS)
    return b"".join(path.read_bytes() for path in (out / "record").rglob("*") if path.is_file())


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what a file says."""
    async with asyncio.timeout(45):
        while not holds():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.02)


def spool_of(folder: Path) -> Path:
    (found,) = (folder / "spool").glob("tell-*")
    return found


async def telling(opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command has told half of its secret, and waits for `go`."""
    monkeypatch.setenv("FIELD_SECRET", "hush-hush/now?")
    lead = await attach(opened(TOLD))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="tell"))
    output = spool_of(lead.client.folder) / "output"
    await until(lambda: output.exists() and output.stat().st_size == 16)
    monkeypatch.delenv("FIELD_SECRET")
    return lead


async def test_output_after_a_restart_without_the_secret_is_redacted_by_what_the_run_was_given(
    opened: Opened, attach: Attach, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await telling(opened, attach, monkeypatch)
    kept = spool_of(lead.client.folder) / "secrets"
    assert kept.stat().st_mode & 0o777 == 0o600
    await crashed_and_found(lead)
    (home / "go").touch()
    await lead.until(lambda: lead.state("tell") == "done")
    (blob,) = lead.session.steps["tell"].runs[0].blobs
    said = (lead.client.folder / "blobs" / blob.sha256).read_text()
    assert said.startswith("the word is [redacted]\nhttps://h/?k=[redacted]\n")
    assert "[redacted]" in said.partition("?k=[redacted]\n")[2]
    assert lead.session.steps["tell"].values == {"word": "[redacted]"}
    assert not kept.exists()
    await lead.do(intents.GoOn())
    await lead.do(intents.AddNote(text="it told hush-hush/now? to everybody"))
    held = everything_in(lead.client.folder)
    assert b"hush" not in held
    assert b"it told [redacted] to everybody" in held


async def test_no_console_sees_a_secret_in_a_tail_or_in_the_progress(
    opened: Opened, attach: Attach, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await telling(opened, attach, monkeypatch)
    await lead.until(lambda: any(tail.line for tail in lead.tails))
    (home / "go").touch()
    await lead.until(lambda: lead.state("tell") == "done")
    assert {tail.line for tail in lead.tails} <= {"", "copied with [redacted]"}
    assert not any("hush" in tail.text for tail in lead.tails)
    assert any("the word is" in tail.text for tail in lead.tails)


async def test_without_the_values_the_output_stays_sealed_until_the_lead_withholds_it(
    opened: Opened, attach: Attach, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await telling(opened, attach, monkeypatch)
    spool = spool_of(lead.client.folder)
    (spool / "secrets").write_text("[damaged")
    await crashed_and_found(lead)
    (home / "go").touch()
    await lead.until(lambda: lead.state("tell") == "verifying")
    run = lead.session.steps["tell"].runs[0]
    assert run.sealed
    assert run.blobs == ()
    assert (spool / "output").exists()
    assert lead.session.steps["tell"].proofs[-1].read.startswith("not searched: output is sealed")
    assert any("output is sealed" in tail.text for tail in lead.tails)
    assert not any("hush" in tail.text for tail in lead.tails)
    assert (await lead.ask(intents.WithholdOutput(step="quiet", reason="gone"))).refusal
    assert (await lead.ask(intents.WithholdOutput(step="tell"))).refusal
    await lead.do(intents.WithholdOutput(step="tell", reason="its secret is changed"))
    await until(lambda: not (spool / "output").exists() and not (spool / "secrets").exists())
    assert not lead.session.steps["tell"].runs[0].sealed
    lines = exported(lead.client.folder, tmp_path)
    assert b"output is sealed" in lines
    assert b"withheld for good" in lines
    assert b"hush" not in lines
    assert b"hush" not in everything_in(lead.client.folder)


async def test_notes_reasons_and_text_evidence_pass_the_redaction(
    opened: Opened, attach: Attach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELD_SECRET", "hush-hush/now?")
    lead = await attach(opened(TOLD))
    log, picture = tmp_path / "app.log", tmp_path / "screen.png"
    log.write_bytes(b"x" * 3_000_000 + b" hush-hush/now? " + b"y" * 1_048_560 + b"hush-hush/now?")
    picture.write_bytes(b"\x89PNG\x00 hush-hush/now?")
    await lead.do(intents.AddEvidence(path=str(log)))
    await lead.do(intents.AddEvidence(text="https://h/?k=hush-hush%2Fnow%3F"))
    await lead.do(intents.StartSession())
    await lead.do(intents.Halt(nonce="h1", reason="hush-hush/now? is out"))
    await lead.do(intents.GoOn(halts=("h1",), reason="no hush-hush/now? here"))
    assert b"hush" not in b"".join(path.read_bytes() for path in (lead.client.folder / "blobs").iterdir())
    assert not any(b"hush" in bytes(event.data) for event in lead.events)
    await lead.do(intents.AddEvidence(path=str(picture)))
    stored = (lead.client.folder / "blobs" / hashlib.sha256(picture.read_bytes()).hexdigest()).read_bytes()
    assert stored == picture.read_bytes(), "what is no text stays as it is"


async def test_what_a_service_says_of_a_secret_is_neither_shown_nor_kept(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELD_SECRET", "hush-hush/now?")
    target = "targets:\n  job: {type: command, argv: [echo, 'WARN hush-hush/now? is old'], every: 1s}\nstages:"
    lead = await attach(opened(TOLD.replace("stages:", target)))
    await lead.until(lambda: any(reading.message for sampled in lead.samples for reading in sampled.readings))
    said = {reading.message for sampled in lead.samples for reading in sampled.readings}
    assert any("[redacted] is old" in message for message in said)
    assert "hush" not in repr(lead.samples)


DIRECT = """
quarterdeck: 1
id: direct
title: References in env
revision: 1
stages:
  - id: s
    title: S
    steps:
      - {id: e, title: E, kind: command, duration: 5s, mutates: false, shell: "test $K = kube-value && echo kc=$K",
         env: {K: "env:FIELD_KUBE", PLAIN: "file:///srv"}}
"""


async def test_a_reference_in_a_steps_environment_is_followed_and_its_value_redacted(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELD_KUBE", "kube-value")
    folder = opened(DIRECT)
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="e"))
    await lead.until(lambda: lead.state("e") in {"done", "failed"})
    blob = lead.session.steps["e"].runs[0].blobs[0]
    assert (lead.state("e"), (folder / "blobs" / blob.sha256).read_text()) == ("done", "kc=[redacted]\n")


async def test_a_reference_in_a_steps_environment_that_leads_nowhere_is_said_and_refused(
    opened: Opened, attach: Attach
) -> None:
    lead = await attach(opened(DIRECT))
    await lead.do(intents.StartSession())
    answered = await lead.ask(intents.StartStep(step="e"))
    assert "env:FIELD_KUBE is not set" in answered.refusal
    assert lead.standing is not None
    assert [each.words for each in missing_later(lead.session, lead.standing.unset)] == [
        "secret env:FIELD_KUBE is not set: 1 E needs it"
    ]


async def test_what_a_command_left_running_is_told_without_its_secret_after_a_restart_too(
    opened: Opened, attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = """sh -c 'sleep 60; :' "$c" >/dev/null 2>&1 &\n          echo left"""
    text = TOLD.replace("echo nothing to hide", f"|\n          {leaves}\n        after: []")
    monkeypatch.setenv("FIELD_SECRET", "hush-hush/now?")
    lead = await attach(opened(text))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="quiet"))
    await lead.until(lambda: lead.state("quiet") == "done")
    assert "[redacted]" in lead.session.steps["quiet"].runs[0].left[0]
    (kept,) = (lead.client.folder / "spool").glob("quiet-*/secrets")
    monkeypatch.delenv("FIELD_SECRET")
    await crashed_and_found(lead)
    await lead.do(intents.Halt(nonce="h1", reason="look"))
    await lead.until(lambda: "command.left_running" in lead.kinds())
    assert "[redacted]" in lead.session.steps["quiet"].runs[0].left_open[0]
    assert not any(b"hush" in bytes(event.data) for event in lead.events)
    await lead.do(intents.AnswerLeft(step="quiet", choice="end"))
    await lead.until(lambda: "command.left_ended" in lead.kinds())
    await crashed_and_found(lead)
    await until(lambda: not kept.exists())
