"""Whose the state folder is: every level of it, with real users where this runs as root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.disk import make_private, require_own
from quarterdeck.logbook.folder import SessionFolder
from quarterdeck.logbook.read_only import read_session
from quarterdeck.station.doctor import storage
from quarterdeck.station.sessions import open_session

LEVELS = (
    "home",
    "home/sessions",
    "home/sessions/x",
    "home/sessions/x/halts",
    "home/sessions/x/blobs",
    "home/recorder",
)
NOBODY = 65534
root_only = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


@pytest.fixture
def place(tmp_path: Path) -> SessionFolder:
    made = SessionFolder.of(tmp_path / "home" / "sessions" / "x", tmp_path / "home" / "recorder")
    made.prepare()
    make_private(made.recorder_dir)
    return made


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_that_others_can_write_to_is_refused_and_stays_as_it_is(
    place: SessionFolder, tmp_path: Path, level: str
) -> None:
    (tmp_path / level).chmod(0o707)
    with pytest.raises(LogbookError, match="others can write to") as refused:
        place.prepare()
    assert refused.value.where == str(tmp_path / level)
    assert (tmp_path / level).stat().st_mode & 0o777 == 0o707
    (tmp_path / level).chmod(0o700)
    place.prepare()


@root_only
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_that_belongs_to_another_is_refused(place: SessionFolder, tmp_path: Path, level: str) -> None:
    os.chown(tmp_path / level, NOBODY, -1)
    with pytest.raises(LogbookError, match=r"belongs to somebody else \(nobody\)"):
        place.prepare()
    os.chown(tmp_path / level, 0, -1)
    place.prepare()


def test_a_session_that_others_could_only_look_into_is_closed_to_them(place: SessionFolder) -> None:
    place.path.chmod(0o755)
    place.spool.chmod(0o711)
    place.prepare()
    assert {folder.stat().st_mode & 0o777 for folder in (place.path, place.spool)} == {0o700}


def test_a_sticky_folder_above_is_as_good_as_tmp_and_one_of_its_own_is_not(
    place: SessionFolder, tmp_path: Path
) -> None:
    if os.getuid() == 0:
        os.chown(tmp_path, -1, 1)
    tmp_path.chmod(0o1777)
    place.prepare()
    assert place.exposed() == []
    place.halts.chmod(0o1777)
    with pytest.raises(LogbookError, match="others can write to"):
        place.prepare()


@root_only
def test_a_link_of_another_on_the_way_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    assert require_own(tmp_path / "link" / "home") == []
    (tmp_path / "first").symlink_to(tmp_path / "link")
    os.chown(tmp_path / "link", NOBODY, -1, follow_symlinks=False)
    for named in ("link", "first"):
        with pytest.raises(LogbookError, match=f"{tmp_path}/link belongs to somebody else"):
            require_own(tmp_path / named / "home")


def test_what_a_link_leads_through_counts(tmp_path: Path) -> None:
    (tmp_path / "open" / "mine").mkdir(parents=True, mode=0o700)
    (tmp_path / "link").symlink_to(Path("open") / "mine")
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(LogbookError, match=f"others can write to {tmp_path}/open"):
        require_own(tmp_path / "link")


@root_only
def test_a_group_that_can_write_is_said_and_a_users_own_group_is_not(place: SessionFolder, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.chmod(0o770)
    assert place.exposed() == [], "root's own group"
    assert storage.folder(home).what_to_do == f"chmod 700 {home}"
    os.chown(home, -1, 1)
    assert place.exposed() == [f"the group of {home} can write to it (mode 0770): chmod g-w {home}"]
    place.prepare()
    assert home.stat().st_mode & 0o777 == 0o770
    found = storage.folder(home)
    assert (found.level, found.what_to_do) == ("warning", f"chmod g-w {home}")


@root_only
def test_a_session_in_a_folder_of_a_group_says_so_in_its_record(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, -1, 1)
    home.chmod(0o770)
    procedure = tmp_path / "p.yaml"
    procedure.write_text(
        "quarterdeck: 1\nid: p\ntitle: P\nrevision: 1\n"
        "stages: [{id: s, title: S, steps: [{id: a, title: A, kind: note, instructions: x}]}]\n",
        encoding="utf-8",
    )
    events = read_session(open_session(procedure, home=home)).events
    assert [event.kind for event in events] == ["session.opened", "plan.revised", "fact.noted"]
    assert f"the group of {home} can write to it" in bytes(events[-1].data).decode()


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="qd-owner-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@root_only
def test_an_ordinary_user_trusts_root_above_and_nobody_else(shared: Path, place: SessionFolder) -> None:
    place.prepare()  # so that all modules and encodings are loaded: that user cannot read the interpreter's files
    assert place.exposed() == []
    mine = shared / "mine"
    mine.mkdir(mode=0o700)
    os.chown(mine, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        SessionFolder.of(mine / "sessions" / "x", mine / "recorder").prepare()
        assert (mine / "sessions" / "x" / "halts").stat().st_uid == NOBODY
    finally:
        os.seteuid(0)
    os.chown(shared, 1, -1)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(LogbookError, match=f"{shared} belongs to somebody else"):
            SessionFolder.of(mine / "sessions" / "y", mine / "recorder").prepare()
        assert not (mine / "sessions" / "y").exists()
    finally:
        os.seteuid(0)


def test_doctor_says_what_a_session_would_be_refused_for(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    assert storage.folder(home).level == "ok"
    tmp_path.chmod(0o777)
    found = storage.folder(home)
    assert (found.level, found.message) == (
        "problem",
        f"The state folder is not yours alone: others can write to {tmp_path} (mode 0777)",
    )
