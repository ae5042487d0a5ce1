"""From a session's folder to a record's files: read once, make each format of the same reading, write all or none.

Works while a station lives, after a crash, on a damaged logbook and on one of a newer version: what cannot be read is
said, and never keeps the rest from being exported.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from quarterdeck.errors import UsageError
from quarterdeck.logbook.read_only import SessionCopy, read_session
from quarterdeck.record import verify
from quarterdeck.record.files import Part, write_parts
from quarterdeck.record.jsonl import Jsonl, encode_record
from quarterdeck.regular_files import open_regular
from quarterdeck.session.event import Blob

if TYPE_CHECKING:
    from quarterdeck.record.report.model import Material

__all__ = ["FORMATS", "Exported", "content_of", "export_session", "formats_of"]

FORMATS = ("jsonl", "json", "md", "html", "csv")
_ENDS = frozenset({"session.ended", "session.abandoned"})


class Exported(Struct, frozen=True):
    """What was written."""

    paths: list[Path]
    """The formats, in the order they were asked for, and `verify.py`."""
    sha256: str
    """Of the lines."""
    live: bool
    """The session was not over: a station went on with it while it was read."""
    problems: tuple[str, ...]
    """What is wrong with the session's files, for a person."""


def formats_of(text: str) -> tuple[str, ...]:
    """`jsonl,html` as formats. UsageError for one that is not known."""
    found = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    strange = [name for name in found if name not in FORMATS]
    if strange or not found:
        raise UsageError(
            f"--format {text}: there is no format {strange[0]!r}" if strange else "--format names no format",
            hint=f"comma separated: {', '.join(FORMATS)}",
        )
    return found


def export_session(folder: Path, out: Path, formats: tuple[str, ...], *, force: bool = False) -> Exported:
    """Write the record of the session in `folder` to `out`. LogbookError, QuarterdeckError: nothing was written."""
    copy = read_session(folder)
    lines = encode_record(copy)
    blobs, missing = _blobs(copy)
    material = _material(copy, lines, missing) if set(formats) - {"jsonl"} else None
    parts = [_part(copy.id, name, lines, material) for name in formats]
    inside: list[tuple[str, list[Part]]] = [("", parts)]
    if "jsonl" in formats:
        parts.append(Part("verify.py", Path(verify.__file__).read_bytes(), executable=True))
        if blobs:
            inside.append(("blobs", blobs))
    paths = write_parts(out, inside, force=force)
    lost = tuple(f"the file {blob.name} ({blob.sha256[:12]}) is missing or was changed" for blob in missing)
    live = copy.owned and not any(event.kind in _ENDS for event in copy.events)
    return Exported(paths[: len(parts)], lines.sha256, live, lines.problems + lost)


def _material(copy: SessionCopy, lines: Jsonl, missing: list[Blob]) -> Material:
    from quarterdeck.record.report.build import gather

    at = float(int(time.time()))  # as its pages say it, so that `verify` can make them again
    return gather(copy, lines.sha256, frozenset(blob.sha256 for blob in missing), at)


def _part(session: str, name: str, lines: Jsonl, material: Material | None) -> Part:
    if material is None or name == "jsonl":
        return Part(f"{session}.{name}", lines.lines, lines.sha256)
    return Part(f"{session}.{name}", content_of(name, material))


def content_of(name: str, material: Material) -> bytes:
    """Encode one format besides the lines; what is heavy is imported by the format that needs it."""
    match name:
        case "json":
            from quarterdeck.record.formats.tables import encode_json

            return encode_json(material)
        case "md":
            from quarterdeck.record.formats.render import encode_markdown

            return encode_markdown(material)
        case "html":
            from quarterdeck.record.formats.render import encode_html

            return encode_html(material)
        case _:
            from quarterdeck.record.formats.tables import encode_csv

            return encode_csv(material)


def _blobs(copy: SessionCopy) -> tuple[list[Part], list[Blob]]:
    """The files that events name, and those of them that are missing or were changed."""
    parts: dict[str, Part] = {}
    missing: dict[str, Blob] = {}
    for event in [*copy.events, *(event for event, _ in copy.held)]:
        for blob in event.blobs:
            path = copy.blobs / blob.sha256
            if blob.sha256 in parts or blob.sha256 in missing:
                continue
            if _is_sound(path, blob):
                parts[blob.sha256] = Part(blob.sha256, path, blob.sha256)
            else:
                missing[blob.sha256] = blob
    return list(parts.values()), list(missing.values())


def _is_sound(path: Path, blob: Blob) -> bool:
    if len(blob.sha256) != 64 or set(blob.sha256) - set("0123456789abcdef"):
        return False
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == blob.sha256
    except OSError:
        return False
