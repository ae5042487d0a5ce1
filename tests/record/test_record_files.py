"""A record's files are written whole or not at all, and over nobody else's."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.errors import QuarterdeckError
from quarterdeck.record.export import export_session
from quarterdeck.record.files import Part, write_parts

ONE = [("", [Part("a", b"new a"), Part("b", b"new b")])]


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_parts_are_written_to_a_folder_that_is_made(tmp_path: Path) -> None:
    paths = write_parts(tmp_path / "deep" / "out", [*ONE, ("in", [Part("c", b"c")])])
    assert [path.read_bytes() for path in paths] == [b"new a", b"new b", b"c"]
    assert names(tmp_path / "deep" / "out") == ["a", "b", "in", "in/c"]


def test_an_existing_file_is_not_overwritten_and_nothing_else_is_written(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(QuarterdeckError, match="--force"):
        write_parts(tmp_path, ONE)
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b").read_text() == "mine"


def test_force_overwrites(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    write_parts(tmp_path, ONE, force=True)
    assert (tmp_path / "b").read_bytes() == b"new b"
    assert names(tmp_path) == ["a", "b"]


def test_the_very_same_file_is_left_as_it_is(tmp_path: Path) -> None:
    write_parts(tmp_path, ONE)
    before = (tmp_path / "a").stat().st_ino
    write_parts(tmp_path, ONE)
    assert (tmp_path / "a").stat().st_ino == before


@pytest.mark.parametrize("force", [False, True])
def test_no_symbolic_link_is_written_through(tmp_path: Path, force: bool) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "b").symlink_to(victim)
    with pytest.raises(QuarterdeckError, match="symbolic link"):
        write_parts(out, ONE, force=force)
    assert victim.read_text() == "mine"
    assert names(out) == ["b"]


@pytest.mark.parametrize("inside", ["", "in"])
def test_no_folder_that_is_a_symbolic_link_is_written_to(tmp_path: Path, inside: str) -> None:
    real = tmp_path / "real"
    real.mkdir()
    out = tmp_path / "out"
    if inside:
        out.mkdir()
    (out / inside if inside else out).symlink_to(real)
    with pytest.raises(QuarterdeckError, match="symbolic link"):
        write_parts(out, [*ONE, ("in", [Part("c", b"c")])])
    assert names(real) == []


def test_a_target_that_is_a_file_or_a_folder_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(QuarterdeckError, match="no folder"):
        write_parts(tmp_path / "file", ONE)
    (tmp_path / "out" / "a").mkdir(parents=True)
    with pytest.raises(QuarterdeckError, match="in the way"):
        write_parts(tmp_path / "out", ONE, force=True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_failing_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str
) -> None:
    real = getattr(os, call)
    calls = []

    def fails(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(QuarterdeckError, match="nothing of the record was written"):
        write_parts(tmp_path / "out", ONE)
    assert names(tmp_path) == []


def test_a_file_system_without_hard_links_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuses)
    write_parts(tmp_path / "out", ONE)
    assert names(tmp_path / "out") == ["a", "b"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 128 KiB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs root, to mount a small disk")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_full_disk_is_said_and_left_as_it_was(small_disk: Path, finished: Path) -> None:
    (small_disk / "filling").write_bytes(b"x" * 100_000)
    with pytest.raises(QuarterdeckError, match="The disk is full"):
        export_session(finished, small_disk / "out", ("jsonl", "json", "md", "html"))
    assert names(small_disk) == ["filling"]


def test_a_read_only_disk_is_said(small_disk: Path, finished: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(QuarterdeckError, match="read-only"):
        export_session(finished, small_disk / "out", ("jsonl",))
    assert names(small_disk) == []


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path, finished: Path) -> None:
    with unwritable(tmp_path), pytest.raises(QuarterdeckError, match="may not be written"):
        export_session(finished, tmp_path / "out", ("jsonl",))


@contextlib.contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Nobody may write there: root is only kept out by the immutable flag."""
    root = os.geteuid() == 0
    if root:
        subprocess.run(["chattr", "+i", str(folder)], check=True)
    else:
        folder.chmod(0o500)
    try:
        yield
    finally:
        if root:
            subprocess.run(["chattr", "-i", str(folder)], check=True)
        else:
            folder.chmod(0o700)
