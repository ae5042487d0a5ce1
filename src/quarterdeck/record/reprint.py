"""What `quarterdeck verify` checks of the files beside the lines: each is made of the lines again, and compared.

Only the version that wrote a file can make the same again, so that one of another version stays not proven. So does
all of a record with which something is wrong already. Must never write.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from quarterdeck import __version__
from quarterdeck.logbook.chain import verify_raws
from quarterdeck.logbook.read_only import SessionCopy
from quarterdeck.logbook.sample_files import Samples, line_reader
from quarterdeck.record import verify
from quarterdeck.record.export import content_of
from quarterdeck.record.report.build import gather
from quarterdeck.record.report.model import Material
from quarterdeck.record.verify import Report
from quarterdeck.regular_files import read_regular

__all__ = ["check_parts"]

_STAMP = re.compile(rb"Exported (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC[^<\n]*? by quarterdeck (\S+)\. ")


class _Stamp(Struct):
    exported: float
    by: str


class _Whole(Struct):
    record: _Stamp


def check_parts(report: Report, path: Path, lines: BinaryIO) -> None:
    """Take from `report.unproven` what the lines give again; what they give otherwise is wrong.

    `path` is that of the lines, which are opened. The script beside them is held against the one of this version.
    """
    if report.problems or report.known or report.held:
        return
    copy = _copy_of(report.session, lines, path.parent / "blobs")

    @cache
    def material(owned: bool, exported: float) -> Material:
        return gather(msgspec.structs.replace(copy, owned=owned), report.sha256, frozenset(), exported)

    stamps = {}
    for ending in report.unproven:
        content = path.with_suffix(f".{ending}").read_bytes()
        if (exported := _exported(ending, content)) is not None:
            stamps[ending] = exported
    _check_script(report, path.parent, fits=bool(stamps))
    for ending in list(report.unproven):
        exported = stamps.get(ending, next(iter(stamps.values()), None))
        if exported is None:
            continue
        part = path.with_suffix(f".{ending}")
        made = (content_of(ending, material(owned, exported)) for owned in (False, True))
        line = _difference(part.read_bytes(), made)
        if line and ending in stamps:
            report.wrong(part.name, f"line {line} is not what these lines give: it was changed")
        if not line or ending in stamps:
            report.unproven.remove(ending)


def _copy_of(session: str, lines: BinaryIO, blobs: Path) -> SessionCopy:
    """The session as it was read for the export; the lines were checked, and nothing of it is held apart."""
    raws, samples = [], []
    reader, begin = line_reader(lines), 0
    lines.seek(0)
    for line in lines:
        if line.startswith(b'{"samples":'):
            samples.append(reader(begin))
        elif b'"kind":' in line:
            raws.append(line.removesuffix(b"\n"))
        begin += len(line)
    verified = verify_raws(session, raws)
    return SessionCopy(
        id=session,
        events=[event for event, _ in verified.events],
        raws=[raw for _, raw in verified.events],
        samples=Samples(samples),
        blobs=blobs,
        halts=blobs,
        problems=verified.problems,
        held=verified.held,
        chains=verified.chains,
        owned=False,
    )


def _exported(ending: str, content: bytes) -> float | None:
    """When this version wrote a part, epoch seconds; None where another one did, or it does not say (CSV)."""
    if ending == "json":
        try:
            stamp = msgspec.json.decode(content, type=_Whole).record
        except ValueError:
            return None
        return stamp.exported if stamp.by == f"quarterdeck {__version__}" else None
    found = _STAMP.findall(content)
    if not found or found[-1][1].decode(errors="replace") != __version__:
        return None
    try:
        return dt.datetime.fromisoformat(f"{found[-1][0].decode()}+00:00").timestamp()
    except ValueError:
        return None


def _difference(content: bytes, either: Iterable[bytes]) -> int:
    """The first line of a part that differs from what the lines give; 0 where none does.

    Whether a station lived while it was exported stands nowhere, so either will do.
    """
    apart = 0
    for made in either:
        if made == content:
            return 0
        pairs = zip(content.split(b"\n"), made.split(b"\n"), strict=False)
        shorter = min(content.count(b"\n"), made.count(b"\n")) + 1
        apart = apart or next((number for number, (one, other) in enumerate(pairs, 1) if one != other), shorter)
    return apart


def _check_script(report: Report, folder: Path, *, fits: bool) -> None:
    """The `verify.py` that travels along: one that was changed says what its changer wants."""
    try:
        same = read_regular(folder / "verify.py") == Path(verify.__file__).read_bytes()
    except FileNotFoundError:
        report.remarks.append("verify.py: not there beside these lines")
        return
    except OSError as error:
        report.wrong("verify.py", f"it cannot be read: {error.strerror}")
        return
    if not same and fits:
        report.wrong("verify.py", "it is not the one of the version that wrote this record: it was changed")
    elif not same:
        report.remarks.append("verify.py: not proven, it is not the one of this version")
