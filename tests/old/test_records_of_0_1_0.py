"""What 0.1.0 recorded: it verifies for ever, its JSONL is exported byte for byte, its reports as far as meant."""

from __future__ import annotations

import difflib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from quarterdeck.record.exporting import export_session
from quarterdeck.session.event import Event, decode, encode
from quarterdeck.session.events import KINDS, Unknown, payload
from quarterdeck.session.fold import fold

NIGHTS = ("completed", "rolled-back", "every-kind")
CHANGED = Path(__file__).parent / "changed"
"""Differences that a later version means: `<night>/<md, json or html>.diff`."""
Copied = Callable[[str], Path]


def record_of(folder: Path) -> Path:
    """A record's lines."""
    (found,) = folder.glob("*.jsonl")
    return found


def event_lines(record: Path) -> list[bytes]:
    """The lines that are events."""
    return [line for line in record.read_bytes().splitlines() if line.startswith(b'{"v":')]


def events_of(record: Path) -> list[Event]:
    """The events of a record."""
    return [decode(line) for line in event_lines(record)]


def quarterdeck(*words: str) -> subprocess.CompletedProcess[str]:
    """A verb, in a process of its own."""
    argv = [sys.executable, "-m", "quarterdeck", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("night", NIGHTS)
def test_a_record_of_0_1_0_verifies(old: Path, night: str) -> None:
    said = quarterdeck("verify", str(old / night / "record"))
    assert said.returncode == 0, said
    assert "every hash fits" in said.stdout


@pytest.mark.parametrize("night", NIGHTS)
def test_a_record_of_0_1_0_verifies_by_the_program_that_travels_with_it(old: Path, night: str) -> None:
    record = old / night / "record"
    argv = [sys.executable, "-I", str(record / "verify.py"), str(record_of(record))]
    said = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said
    assert "every hash fits" in said.stdout


@pytest.mark.parametrize("night", NIGHTS)
def test_one_changed_letter_in_a_record_of_0_1_0_is_found(old: Path, night: str, tmp_path: Path) -> None:
    record = tmp_path / "record"
    shutil.copytree(old / night / "record", record)
    path = record_of(record)
    path.write_bytes(path.read_bytes().replace(b"editors told", b"editors gold", 1))
    assert quarterdeck("verify", str(record)).returncode == 1


@pytest.mark.parametrize("night", NIGHTS)
def test_the_jsonl_of_a_night_of_0_1_0_is_exported_byte_for_byte(
    old: Path, night: str, copied: Copied, tmp_path: Path
) -> None:
    export_session(copied(night), tmp_path / "record", ("jsonl",))
    before, now = old / night / "record", tmp_path / "record"
    assert record_of(now).read_bytes() == record_of(before).read_bytes()
    blobs = {path.name: path.read_bytes() for path in (before / "blobs").iterdir()}
    assert {path.name: path.read_bytes() for path in (now / "blobs").iterdir()} == blobs


@pytest.mark.parametrize("ending", ["md", "json", "html"])
@pytest.mark.parametrize("night", NIGHTS)
def test_a_report_of_a_night_of_0_1_0_differs_only_as_meant(
    old: Path, night: str, ending: str, copied: Copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = (old / night / "record").glob(f"*.{ending}")
    exported = json.loads(before.with_suffix(".json").read_bytes())["record"]["exported"]
    folder = copied(night)
    monkeypatch.setattr(time, "time", lambda: exported)  # a report says when it was made
    export_session(folder, tmp_path / "record", (ending,))
    now = tmp_path / "record" / before.name
    differing = difference(before, now)
    meant = CHANGED / night / f"{ending}.diff"
    expected = meant.read_text() if meant.is_file() else ""
    if differing != expected:
        found = tmp_path / f"{ending}.diff"
        found.write_text(differing)
        pytest.fail(f"the report differs otherwise than {meant} says; is it meant? copy {found} there\n{differing}")


def difference(before: Path, now: Path) -> str:
    """What changed between two reports, line by line and without context."""
    old, new = (path.read_text().splitlines() for path in (before, now))
    return "".join(f"{line}\n" for line in difflib.unified_diff(old, new, "0.1.0", "now", n=0, lineterm=""))


def test_every_kind_of_0_1_0_is_in_the_record_that_was_made_by_hand(old: Path) -> None:
    kinds = set((old / "kinds.txt").read_text().split())
    assert {event.kind for event in events_of(record_of(old / "every-kind" / "record"))} == kinds
    assert kinds <= KINDS.keys(), "a kind of 0.1.0 is known for ever"


@pytest.mark.parametrize("night", NIGHTS)
def test_every_event_of_0_1_0_is_read_whole_and_keeps_its_bytes(old: Path, night: str) -> None:
    for line in event_lines(record_of(old / night / "record")):
        event = decode(line)
        what = payload(event)
        assert not isinstance(what, Unknown), event.kind
        assert msgspec.json.encode(what) == bytes(event.data), (
            f"{event.kind}: a field was lost or means another thing"
        )
        assert encode(event) == line


@pytest.mark.parametrize(
    ("night", "outcome"),
    [("completed", "completed"), ("rolled-back", "rolled_back"), ("every-kind", "rolled_back_with_exceptions")],
)
def test_the_events_of_0_1_0_fold_without_an_unknown_one(old: Path, night: str, outcome: str) -> None:
    events = events_of(record_of(old / night / "record"))
    session = fold(events)
    assert session.count == len(events)
    assert session.unknown_kinds == []
    assert session.outcome == outcome
