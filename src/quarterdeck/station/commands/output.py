"""From spool to blob: a command's output becomes part of the record, redacted, and the raw spool goes.

It never unlinks a spool whose blob is not durable.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from msgspec import Struct

from quarterdeck.regular_files import read_regular
from quarterdeck.runner.files import write_atomic
from quarterdeck.runner.spool import SpoolReader, remove_spool
from quarterdeck.station.commands.redaction import Redactor

__all__ = ["KEPT", "Blob", "seal_output"]

KEPT = 2 * 1024 * 1024
"""Bytes of output that the record keeps: half of it from the beginning, half from the end."""


class Blob(Struct, frozen=True):
    """A file `blobs/<sha256>` and what it is called in an event."""

    sha256: str
    length: int
    """Bytes of the blob."""
    name: str
    total: int
    """Bytes that the command wrote."""
    cut: int
    """Bytes of those that are not kept."""


def seal_output(spool: Path, blobs: Path, redactor: Redactor, *, name: str = "output.txt", keep: int = KEPT) -> Blob:
    """Redact, keep head and tail, write the blob durably, then unlink the spool. OSError where it cannot."""
    reader = SpoolReader(spool)
    total = reader.total()
    whole = reader.last(keep) if total <= keep else None
    if whole is not None and len(whole.content) == total:
        content, cut = redactor.all(whole.content), 0
    else:
        content, cut = _head_and_tail(reader, redactor, total, keep // 2)
    digest = hashlib.sha256(content).hexdigest()
    path = blobs / digest
    blobs.mkdir(mode=0o700, exist_ok=True)
    kept = None
    with contextlib.suppress(OSError):
        kept = read_regular(path)
    if kept != content:
        write_atomic(path, content, durable=True)
    remove_spool(spool)
    return Blob(digest, len(content), name, total, cut)


def _head_and_tail(reader: SpoolReader, redactor: Redactor, total: int, half: int) -> tuple[bytes, int]:
    first = reader.first(half + redactor.reach).content
    head, head_end = redactor.between(first, 0, max(0, min(half, len(first) - redactor.reach)))
    last = reader.last(half + redactor.reach)
    skip = max(redactor.reach, len(last.content) - half)  # what begins before the piece is not known to be safe
    tail = redactor.window(last.content, skip, over=True)
    cut = last.start + skip - head_end
    return head + f"\n[… {cut} of {total} bytes are not kept here …]\n".encode() + tail, cut
