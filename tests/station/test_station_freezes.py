"""Nothing that a command, a person or another program leaves lying about makes a station wait for ever."""

from __future__ import annotations

import argparse
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import LONG_COMMAND, SLOW, little_patience
from stationkit import SMALL

from quarterdeck.session import intents
from quarterdeck.station import verbs

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]


@pytest.fixture
def hurried(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Patterns are given up soon; `home` comes first, since its station gets the environment."""
    with little_patience(monkeypatch):
        yield


@pytest.mark.usefixtures("hurried")
async def test_a_record_pattern_that_takes_too_long_finds_nothing_and_says_so(opened: Opened, attach: Attach) -> None:
    slow = SMALL.replace("echo hello 42", LONG_COMMAND.replace("LINES", "20000")).replace("hello (\\\\d+)", SLOW)
    lead = await attach(opened(slow))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: bool(lead.session.steps["hello"].proofs))
    hello = lead.session.steps["hello"]
    assert hello.state == "verifying"
    assert hello.values == {}
    assert [(proof.ok, proof.read) for proof in hello.proofs] == [
        (None, "not searched: the pattern took longer than 0.005 s")
    ]
    await lead.do(intents.Halt(nonce="stop"))
    await lead.until(lambda: bool(lead.session.live_halts()))


@pytest.mark.usefixtures("hurried")
async def test_a_verification_that_takes_too_long_is_unknown_and_the_station_answers_meanwhile(
    opened: Opened, attach: Attach
) -> None:
    printed = LONG_COMMAND.replace("LINES", "800")
    slow = SMALL.replace(
        'record: [{name: n, type: integer, pattern: "hello (\\\\d+)"}]',
        f'verify: [{{command: [sh, -c, "{printed}"], expect: {{matches: "{SLOW}"}}, within: 1s}}]',
    )
    lead = await attach(opened(slow))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "verifying")
    await lead.do(intents.AddNote(text="it answers"))
    await lead.until(lambda: bool(lead.session.steps["hello"].proofs))
    (proof,) = lead.session.steps["hello"].proofs
    assert proof.ok is None
    assert proof.read.startswith("not searched: the pattern took longer than 0.005 s")


async def test_a_pipe_among_the_halts_halts_and_the_station_answers(opened: Opened, attach: Attach) -> None:
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    os.mkfifo(folder / "halts" / "x")
    await lead.until(lambda: "x" in lead.session.live_halts())
    await lead.do(intents.AddNote(text="it answers"))


async def test_a_pipe_is_no_evidence(opened: Opened, attach: Attach, tmp_path: Path) -> None:
    lead = await attach(opened())
    await lead.do(intents.StartSession())
    os.mkfifo(tmp_path / "pipe")
    answered = await lead.ask(intents.AddEvidence(step="hello", path=str(tmp_path / "pipe")))
    assert "not a regular file" in answered.refusal


async def test_pipes_in_place_of_a_runs_files_lose_that_run_alone(opened: Opened, attach: Attach, home: Path) -> None:
    folder = opened()
    lead = await attach(folder)
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "done")
    await lead.do(intents.StartStep(step="long"))
    await lead.until(lambda: any("begun" in tail.text for tail in lead.tails))
    (spool,) = folder.glob("spool/long-*")
    os.mkfifo(spool / "result.json")
    await lead.until(lambda: lead.state("long") == "unknown")
    await lead.do(intents.AddNote(text="it answers"))
    (home / "go").touch()


@pytest.mark.parametrize("name", ["logbook.db", "lock", "recorder"])
def test_a_pipe_in_a_session_makes_no_list_wait(
    name: str, opened: Opened, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, sound = opened(), opened()
    path = home / "recorder" / f"{broken.name}.jsonl" if name == "recorder" else broken / name
    path.unlink()
    os.mkfifo(path)
    assert verbs.sessions(argparse.Namespace()) == 0
    said = capsys.readouterr().out
    assert broken.name in said
    assert f"{sound.name}  planned" in said


@pytest.mark.parametrize("name", ["recorder", "samples", "reserve", "station.log"])
async def test_a_station_starts_beside_a_pipe(name: str, opened: Opened, attach: Attach, home: Path) -> None:
    folder = opened()
    path = {
        "recorder": home / "recorder" / f"{folder.name}.jsonl",
        "samples": home / "recorder" / f"{folder.name}.samples.jsonl",
    }.get(name, folder / name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    lead = await attach(folder)
    await lead.do(intents.AddNote(text="it answers"))
