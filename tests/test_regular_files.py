"""What is no regular file is refused, and is not even opened."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path

import pytest

from quarterdeck.documents.strict_yaml import read_text
from quarterdeck.errors import DocumentError, LogbookError, QuarterdeckError
from quarterdeck.logbook.blobs import store_blob
from quarterdeck.logbook.disk import Disk
from quarterdeck.logbook.lock import is_held
from quarterdeck.logbook.recorder import read_sample_lines
from quarterdeck.record.verify import check
from quarterdeck.regular_files import open_regular, read_regular
from quarterdeck.station.commands.output import seal_output
from quarterdeck.station.commands.redaction import Redactor
from quarterdeck.station.commands.values import secret
from quarterdeck.station.halt_files import filed_halts


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_a_regular_file_is_read_and_a_link_only_where_it_may_be_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_regular(tmp_path / "file") == b"text"
    assert read_regular(tmp_path / "file", 2) == b"te"
    assert read_regular(tmp_path / "link", follow=True) == b"text"
    with pytest.raises(OSError, match="symbolic link"):
        read_regular(tmp_path / "link")
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing")


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_CREAT])
def test_a_pipe_is_refused_and_whoever_reads_it_sees_no_writer(pipe: Path, flags: int) -> None:
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(pipe, flags)
        assert not select.select([reader], [], [], 0)[0], "it was opened and closed again"
    finally:
        os.close(reader)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/"])
def test_devices_and_folders_are_refused(path: str) -> None:
    with pytest.raises(OSError, match=r"not a regular file|directory"):
        open_regular(path)


@pytest.mark.parametrize(
    "read",
    [
        read_text,
        lambda path: list(read_sample_lines(path)),
        check,
        lambda path: store_blob(path.parent / "blobs", path, "evidence"),
        lambda path: Disk().open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        lambda path: secret(f"file:{path}", {}),
    ],
    ids=["document", "samples", "record", "evidence", "reserve", "secret"],
)
def test_whoever_reads_a_path_refuses_a_pipe(pipe: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises((OSError, QuarterdeckError, LogbookError, DocumentError), match="regular file"):
        read(pipe)


def test_a_pipe_is_no_lock(pipe: Path) -> None:
    assert not is_held(pipe)


def test_a_pipe_in_the_halts_is_a_halt_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "halts").mkdir()
    os.mkfifo(tmp_path / "halts" / "x")
    assert [halt.nonce for halt in filed_halts(tmp_path)] == ["x"]


def test_output_is_kept_although_a_pipe_lies_where_it_belongs(tmp_path: Path) -> None:
    spool = tmp_path / "output"
    spool.write_text("text")
    first = seal_output(spool, tmp_path / "blobs", Redactor())
    blob = tmp_path / "blobs" / first.sha256
    blob.unlink()
    os.mkfifo(blob)
    spool.write_text("text")
    seal_output(spool, tmp_path / "blobs", Redactor())
    assert blob.read_text() == "text"
