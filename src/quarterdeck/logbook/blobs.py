"""Files that belong to events: stored under their hash, whole and durable before anybody may name them.

Must never overwrite a blob and never store half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from quarterdeck.errors import LogbookError
from quarterdeck.logbook.disk import FULL, Disk, make_private, sync_folder, write_all
from quarterdeck.logbook.protocol import RecorderError
from quarterdeck.regular_files import open_regular, read_regular
from quarterdeck.session.event import Blob

__all__ = ["LARGEST", "Clean", "read_blob", "store_blob"]

LARGEST = 256 * 2**20
"""Bytes that one blob may have."""

_PIECE = 2**20


Clean = Callable[[Iterable[bytes]], Iterable[bytes]]
"""Takes out of a text what must not be kept."""


def store_blob(
    folder: Path, source: Path | bytes, name: str, disk: Disk | None = None, clean: Clean | None = None
) -> Blob:
    """Store a file's content or `source` itself. LogbookError for what is no readable file, or too large.

    A text (its first piece has no zero byte) is stored as `clean` leaves it.
    """
    disk = disk or Disk()
    make_private(folder)
    try:
        fd, temporary = tempfile.mkstemp(prefix=".new-", dir=folder)
        try:
            sha, length = hashlib.sha256(), 0
            for piece in _cleaned(_pieces(source), clean):
                length += len(piece)
                _require_fits(length, source)
                sha.update(piece)
                write_all(disk, fd, piece)
            disk.sync(fd)
            Path(temporary).replace(folder / sha.hexdigest())
            sync_folder(folder)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        finally:
            os.close(fd)
    except OSError as error:
        where = str(source) if isinstance(source, Path) and error.filename == str(source) else str(folder)
        raise RecorderError(
            f"The file cannot be stored: {error.strerror}", full=error.errno in FULL, where=where
        ) from error
    return Blob(sha256=sha.hexdigest(), len=length, name=name)


def _cleaned(pieces: Iterator[bytes], clean: Clean | None) -> Iterable[bytes]:
    first = next(pieces, b"")
    whole = chain((first,), pieces)
    return whole if clean is None or b"\0" in first else clean(whole)


def _require_fits(length: int, source: Path | bytes) -> None:
    if length > LARGEST:
        raise LogbookError(
            f"A file may have {LARGEST // 2**20} MiB", where=str(source) if isinstance(source, Path) else ""
        )


def _pieces(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with os.fdopen(open_regular(source, follow=True), "rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def read_blob(folder: Path, blob: Blob) -> bytes:
    """A blob's content, checked against its hash. LogbookError where it is missing or was changed."""
    path = folder / blob.sha256
    try:
        data = read_regular(path)
    except OSError as error:
        raise LogbookError(f"A stored file cannot be read: {error.strerror}", where=str(path)) from error
    if hashlib.sha256(data).hexdigest() != blob.sha256:
        raise LogbookError(f"The stored file {blob.name!r} was changed", where=str(path))
    return data
