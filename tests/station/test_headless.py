"""Sessions led by JSON lines, and the verbs, as processes."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stationkit import SMALL, station_pid

from quarterdeck.errors import UsageError
from quarterdeck.logbook.folder import FoundSession
from quarterdeck.session.outcomes import exit_code
from quarterdeck.station import sessions, verbs
from quarterdeck.station.wire.start_station import start_station

Opened = Callable[..., Path]

MAIN = """
import argparse, sys
from quarterdeck.station import sessions, verbs
sys.exit(verbs.headless(argparse.Namespace(procedure=sys.argv[1], param=[], window="1h")))
"""


def lead(tmp_path: Path, *intents: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    lines = "".join(json.dumps(intent) + "\n" for intent in intents)
    return subprocess.run(
        [sys.executable, "-c", MAIN, str(path)], input=lines, capture_output=True, text=True, timeout=60, check=False
    )


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


START = {"do": "StartSession"}
HELLO: list[dict[str, Any]] = [
    {"do": "StartStep", "step": "hello"},
    {"do": "wait", "for": "step=hello:done", "timeout": 20},
]


def test_a_whole_session_is_completed(home: Path, tmp_path: Path) -> None:
    (home / "go").touch()
    done = lead(
        tmp_path,
        START,
        *HELLO,
        {"do": "StartStep", "step": "long"},
        {"do": "wait", "for": "step=long:done"},
        {"do": "StartStep", "step": "look"},
        {"do": "FinishStep", "step": "look"},
        {"do": "wait", "for": "state=validating"},
        {"do": "EndSession", "facts": {"orders": "214 acknowledged, 0 missing"}},
    )
    assert done.returncode == 0, done.stderr
    kinds = [event["kind"] for event in events(done)]
    assert kinds[0] == "session.opened"
    assert kinds[-1] == "session.ended"
    assert events(done)[-1]["data"]["facts"] == {"orders": "214 acknowledged, 0 missing"}


def test_a_halt_and_a_rollback_answer_10(home: Path, tmp_path: Path) -> None:
    done = lead(
        tmp_path,
        START,
        *HELLO,
        {"do": "StartStep", "step": "long"},
        {"do": "wait", "for": "event=nothing", "timeout": 1.0},  # a halt at once would keep it from beginning
        {"do": "Halt", "reason": "enough"},
        {"do": "wait", "for": "state=halted"},
        {"do": "RollBack", "halts": "live", "typed": "ROLLBACK"},
        {"do": "DeclareEffect", "step": "long", "effect": "full"},
        {"do": "RollBack", "halts": "live", "typed": "ROLLBACK"},
        {"do": "RunMine"},
        {"do": "wait", "for": "state=validating"},
        {"do": "EndSession"},
    )
    assert done.returncode == 10, done.stderr
    refused = [line for line in said(done) if "refused" in line]
    assert len(refused) == 1, done.stderr
    assert refused[0]["waivable"] == "waiver"
    assert "step.done" in [event["kind"] for event in events(done) if event.get("step") == "undo-long"]


def test_abandoning_answers_12(home: Path, tmp_path: Path) -> None:
    gone = {"do": "Abandon", "reason": "wrong host", "handover": "ada looks after it"}
    assert lead(tmp_path, START, gone).returncode == 12


@pytest.mark.parametrize("plain", [False, True])
def test_a_session_that_ends_while_stdin_stays_open_ends_the_process_with_its_code(
    home: Path, tmp_path: Path, plain: bool
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    command = [sys.executable, "-c", MAIN, str(path)]
    if plain:
        assert lead(tmp_path, START).returncode == exit_code("")
        command = [sys.executable, "-m", "quarterdeck", "attach", "--plain"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as led:
        assert led.stdin is not None
        assert led.stderr is not None
        gone = {"do": "Abandon", "reason": "wrong host", "handover": "ada looks after it"}
        lines = [b"quit", b"D"] if plain else [json.dumps(START).encode(), json.dumps(gone).encode()]
        led.stdin.writelines(line + b"\n" for line in lines)
        led.stdin.flush()
        code = led.wait(30)
        assert (code, b"Fatal" in led.stderr.read()) == (exit_code("") if plain else 12, False)


def test_plain_mode_leaves_where_stdin_ends_in_a_question(home: Path, tmp_path: Path) -> None:
    assert lead(tmp_path, START).returncode == exit_code("")
    command = [sys.executable, "-m", "quarterdeck", "attach", "--plain"]
    done = subprocess.run(command, input="quit\n", capture_output=True, text=True, timeout=60, check=False)
    assert "Leave: the session is live" in done.stdout
    assert done.returncode == exit_code("")


def test_intents_that_nobody_hears_complaints_about_are_done_all_the_same(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    gone = {"do": "Abandon", "reason": "wrong host", "handover": "ada looks after it"}
    lines = "".join(json.dumps(intent) + "\n" for intent in ({"do": "Nonsense"}, START, gone))
    with Path("/dev/full").open("wb", buffering=0) as full:
        done = subprocess.run(
            [sys.executable, "-m", "quarterdeck", "lead", str(path), "--headless", "--window", "1h"],
            input=lines.encode(), stdout=subprocess.DEVNULL, stderr=full, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 12


def test_the_end_of_stdin_detaches_and_leaves_the_session_live(home: Path, tmp_path: Path) -> None:
    done = lead(tmp_path, START, {"do": "nonsense"}, {"do": "wait", "for": "gibberish"})
    assert done.returncode == 3
    assert [line["line"] for line in said(done)[1:]] == [2, 3]
    folder = Path(said(done)[0]["folder"])
    assert station_pid(folder), "its station goes on"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("completed", 0), ("completed_with_exceptions", 0), ("rolled_back", 10), ("rolled_back_with_exceptions", 11),
     ("abandoned", 12), ("recovered", 13), ("", 3)],
)  # fmt: skip
def test_every_outcome_has_its_exit_code(outcome: str, code: int) -> None:
    assert exit_code(outcome) == code


def arguments(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**given)


def test_status_asks_the_station_and_does_without(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    folder = opened()
    assert verbs.status(arguments(session="", json=True)) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "logbook"
    start_station(folder)
    assert verbs.status(arguments(session="small", json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["source"] == "station"
    assert told["state"] == "planned"
    assert told["recorders"] == {"logbook": "ok", "recorder": "ok"}
    os.kill(station_pid(folder), signal.SIGSTOP)
    assert verbs.status(arguments(session=folder.name, json=False)) == 0
    told_in_words = capsys.readouterr().out
    assert "from the flight recorder" in told_in_words
    assert "does not answer" in told_in_words


def test_halt_from_the_command_line_starts_a_station_where_none_lives(
    opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = opened()
    assert verbs.halt(arguments(session="", reason="the wrong night")) == 0
    assert capsys.readouterr().out.startswith("HALTED")
    verbs.status(arguments(session="", json=True))
    halts = json.loads(capsys.readouterr().out)["halts"]
    assert [halt["reason"] for halt in halts] == ["the wrong night"]
    assert len(list((folder / "halts").iterdir())) == 1


def test_halt_works_with_a_hung_station_and_says_that_nobody_confirmed(
    opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = opened()
    start_station(folder)
    os.kill(station_pid(folder), signal.SIGSTOP)
    assert verbs.halt(arguments(session="", reason="")) == verbs.UNCONFIRMED
    assert "UNCONFIRMED" in capsys.readouterr().out
    assert len(list((folder / "halts").iterdir())) == 1


def test_sessions_lists_them_and_none_is_said_kindly(
    home: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verbs.sessions(arguments()) == 0
    assert "No session yet" in capsys.readouterr().out
    folder = opened()
    assert verbs.sessions(arguments()) == 0
    assert folder.name in capsys.readouterr().out


def test_a_halt_without_a_name_reads_no_session_that_is_over(
    home: Path, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"do": "Abandon", "reason": 'a note that says "kind":"session.opened"', "handover": "nobody"}
    for _ in range(2):
        assert lead(tmp_path, START, gone).returncode == 12
    meant = opened()
    read: list[str] = []
    listed = sessions._listed

    def reads(found: FoundSession) -> sessions.Listed:
        read.append(found.id)
        return listed(found)

    monkeypatch.setattr(sessions, "_listed", reads)
    assert sessions.choose_session("") == meant
    assert [each.folder for each in sessions.listed_sessions(ended=False)] == [meant]
    assert read == [meant.name, meant.name]
    assert len(sessions.listed_sessions()) == 3


def test_a_session_goes_on_whatever_its_notes_say(home: Path, tmp_path: Path) -> None:
    note = {"do": "AddNote", "text": '","kind":"session.ended"'}
    assert lead(tmp_path, START, note).returncode == exit_code("")
    assert sessions.choose_session("").parent == home / "sessions"


def test_which_session_is_asked_where_several_are_open(opened: Opened) -> None:
    opened()
    opened()
    with pytest.raises(UsageError, match="2 sessions are open"):
        verbs.halt(arguments(session="", reason=""))


def test_doctor_answers_with_json_for_tools(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verbs.doctor(arguments(procedure="", json=True))
    assert {"level", "title", "message"} <= json.loads(capsys.readouterr().out)[0].keys()
