"""The values that a step's `record` patterns find in its command's output.

All of the spool is searched, piece by piece, as a person reads it: without colours, and for a number without the
separators between its thousands. What is found passes redaction before anybody hears of it. Blocks: for a thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.matcher import NotSearchedError, first_match
from quarterdeck.procedure.model import RecordField, Step
from quarterdeck.runner.spool import SpoolReader
from quarterdeck.station.commands.redaction import Redactor

__all__ = ["CUT", "recorded"]

CUT = "not searched: output was cut"
_PIECE = 1024 * 1024
"""Bytes that one question to the pattern's helper has, or one line where that is longer."""
_COLOURS = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-Z\\^_`a-z])")
_THOUSANDS = re.compile(r"(?<![\w.])(?<!\d[,'’])\d{1,3}([,'’\u00a0\u2009\u202f])\d{3}(?:\1\d{3})*(?!\d|[,'’]\d)")


def recorded(step: Step, output: Path, redactor: Redactor, *, whole: bool) -> tuple[dict[str, str], dict[str, str]]:
    """What the patterns find in the spool `output`: for each the first line that fits gives its value.

    Also those of which nobody knows whether they are in it, and why; where it is not `whole`, that is all the others.
    """
    found: dict[str, str] = {}
    unsearched: dict[str, str] = {}
    for field in step.record:
        if field.pattern:
            try:
                value = _value(field, output, redactor)
            except NotSearchedError as why:
                unsearched[field.name] = str(why)
                continue
            if value is not None:
                found[field.name] = value
            elif not whole:
                unsearched[field.name] = CUT
    return found, unsearched


def _value(field: RecordField, output: Path, redactor: Redactor) -> str | None:
    before = b""
    for lines in _pieces(output):
        if first_match(field.pattern, _read(field, lines)) is not None:
            cleaned = redactor.window(before + lines, len(before), over=True)
            match = first_match(field.pattern, _read(field, cleaned))
            value = match[min(1, len(match) - 1)] if match is not None else None
            if value is not None:
                return value
        before = (before + lines)[-redactor.reach :]
    return None


def _pieces(output: Path) -> Iterator[bytes]:
    """The output without colours, in pieces of whole lines; the lines at the edges of a cut are left out."""
    line, place = b"", 0
    for piece in SpoolReader(output).pieces(_PIECE):
        content = line + piece.content
        if piece.start != place:
            content = piece.content.partition(b"\n")[2]
        place = piece.start + len(piece.content)
        whole = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
        if whole:
            yield _COLOURS.sub(b"", content[:whole])
        line = content[whole:]
    if line:
        yield _COLOURS.sub(b"", line)


def _read(field: RecordField, lines: bytes) -> list[str]:
    """The lines as the field's pattern meets them: of a number first without separators, then as it stands."""
    text = lines.decode(errors="replace")
    read = text.splitlines()
    if field.type not in {"integer", "number"}:
        return read
    plain = _THOUSANDS.sub(lambda number: re.sub(r"\D", "", number[0]), text).splitlines()
    both = zip(plain, read, strict=True)
    return [each for without, line in both for each in ((line,) if without == line else (without, line))]
