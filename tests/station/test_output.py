"""A spool becomes a blob of the record."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from quarterdeck.runner.spool import SpoolReader, SpoolWriter
from quarterdeck.station.commands.output import KEPT, seal_output
from quarterdeck.station.commands.redaction import Redactor


def spool(
    path: Path, content: bytes, *, head: int = 1 << 25, ring: int = 1 << 25, piece: int = 70_000
) -> SpoolWriter:
    """A spool that `content` was written to, piece by piece."""
    writer = SpoolWriter(path, head=head, ring=ring)
    for start in range(0, len(content), piece):
        writer.write(content[start : start + piece])
    writer.close()
    return writer


def test_output_becomes_a_redacted_blob_named_by_its_hash_and_the_spool_is_gone(tmp_path: Path) -> None:
    spool(tmp_path / "output", b"user app, canary-99 done\n")
    blob = seal_output(tmp_path / "output", tmp_path / "blobs", Redactor(["canary-99"]))
    content = (tmp_path / "blobs" / blob.sha256).read_bytes()
    assert content == b"user app, [redacted] done\n"
    assert hashlib.sha256(content).hexdigest() == blob.sha256
    assert (blob.length, blob.total, blob.cut) == (len(content), 25, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["blobs"]
    assert (tmp_path / "blobs" / blob.sha256).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("head", "ring"), [(1 << 25, 1 << 25), (300_000, 300_000), (0, 200_000)])
def test_long_output_keeps_its_head_and_its_tail_and_says_what_was_cut(tmp_path: Path, head: int, ring: int) -> None:
    lines = b"".join(b"line %07d password=canary%d\n" % (number, number) for number in range(160_000))
    spool(tmp_path / "output", lines, head=head, ring=ring)
    blob = seal_output(tmp_path / "output", tmp_path / "blobs", Redactor())
    content = (tmp_path / "blobs" / blob.sha256).read_bytes()
    assert blob.total == len(lines)
    assert 0 < blob.cut < blob.total
    assert f"{blob.cut} of {blob.total} bytes are not kept here".encode() in content
    assert content.endswith(b"line 0159999 password=[redacted]\n")
    assert content.startswith(b"line 0000000 password=[redacted]\n") or head == 0
    assert b"canary" not in content
    assert blob.length <= KEPT + 100


def test_a_secret_over_the_cut_shows_neither_half(tmp_path: Path) -> None:
    secret = "canary-" + "0123456789" * 3
    for shift in range(0, len(secret), 5):
        content = b"." * (500 - shift) + secret.encode() + b"," * 60_000 + secret.encode() + b"." * (500 - shift)
        path = tmp_path / f"output{shift}"
        spool(path, content)
        blob = seal_output(path, tmp_path / "blobs", Redactor([secret]), keep=1000)
        kept = (tmp_path / "blobs" / blob.sha256).read_bytes()
        assert b"canary" not in kept
        assert b"123456789" not in kept.replace(str(blob.cut).encode(), b"")


def test_a_blob_that_cannot_be_written_leaves_the_spool(tmp_path: Path) -> None:
    spool(tmp_path / "output", b"evidence")
    (tmp_path / "blobs").write_text("a file in the way")
    with pytest.raises(OSError, match="blobs"):
        seal_output(tmp_path / "output", tmp_path / "blobs", Redactor())
    assert (tmp_path / "output").exists()


def test_a_half_written_blob_of_a_crash_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / hashlib.sha256(b"evidence").hexdigest()).write_bytes(b"evi")
    spool(tmp_path / "output", b"evidence")
    blob = seal_output(tmp_path / "output", tmp_path / "blobs", Redactor())
    assert (tmp_path / "blobs" / blob.sha256).read_bytes() == b"evidence"


def test_the_ring_reads_back_what_came_last_at_every_length(tmp_path: Path) -> None:
    for length in range(0, 60, 7):
        content = bytes(range(length))
        writer = spool(tmp_path / "output", content, head=10, ring=16, piece=5)
        reader = SpoolReader(tmp_path / "output")
        assert reader.total() == length
        assert reader.first(8).content == content[:8]
        for asked in (1, 10, 16, 40):
            last = reader.last(asked)
            assert last.content == content[last.start :]
            assert len(last.content) == min(asked, length) or last.start == length - 16
        assert writer.cut == max(0, length - 26)


def test_a_counter_lost_in_a_power_cut_still_gives_the_head(tmp_path: Path) -> None:
    spool(tmp_path / "output", b"abc" * 10)
    (tmp_path / "output.total").unlink()
    reader = SpoolReader(tmp_path / "output")
    assert reader.total() == 30
    assert reader.last(6).content == b"abcabc"


def test_a_full_disk_is_remembered_and_does_not_stop_the_command() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    writer = SpoolWriter.__new__(SpoolWriter)
    writer.total, writer.error, writer._head, writer._ring = 0, "", 100, 100
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer._file = writer._counter = full.fileno()
        writer.write(b"lost")
    assert writer.total == 4
    assert "No space left" in writer.error
