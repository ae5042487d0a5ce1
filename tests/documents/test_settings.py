"""A person's settings: strict, and in force for the flight recorder."""

from __future__ import annotations

from pathlib import Path

import pytest

from quarterdeck.documents.settings import recorder_dir
from quarterdeck.errors import DocumentError
from quarterdeck.logbook.folder import SessionFolder


def test_without_a_file_nothing_is_set(tmp_path: Path) -> None:
    assert recorder_dir(tmp_path) is None


def test_the_flight_recorder_lies_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(tmp_path))
    session = tmp_path / "home" / "sessions" / "2026-11-29-x-kfwz"
    assert SessionFolder.of(session).recorder.parent == tmp_path / "home" / "recorder"
    (tmp_path / "settings.yaml").write_text(f"quarterdeck-settings: 1\nrecorder_dir: {tmp_path}/other-disk\n")
    assert SessionFolder.of(session).recorder.parent == tmp_path / "other-disk"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quarterdeck-settings: 1\nrecorder_dirr: /x\n", "2:1: error: there is no setting `recorder_dirr`; did you"),
        ("quarterdeck-settings: 1\nrecorder_dir: x\n", "2:15: error: `recorder_dir` is the whole path"),
        ("quarterdeck-settings: 2\n", "this program reads `quarterdeck-settings: 1`"),
        ("recorder_dir: /x\n", "`quarterdeck-settings: 1` is missing"),
        ("- x\n", "a mapping that begins with"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        recorder_dir(tmp_path)
    assert said in "\n".join(map(str, caught.value.problems))
