"""What `quarterdeck verify` checks beyond `verify.py`: that the plan's text compiles to the plan that was worked by.

Then `reprint` makes the files beside the lines again.

Must never write, and never say that a record is authentic: hashes show that its parts fit each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from quarterdeck import __version__
from quarterdeck.errors import LogbookError
from quarterdeck.procedure.check import recompile
from quarterdeck.procedure.editions import as_of
from quarterdeck.procedure.model import Procedure
from quarterdeck.record import verify
from quarterdeck.record.reprint import check_parts
from quarterdeck.record.verify import Report
from quarterdeck.session.event import decode
from quarterdeck.session.events import PlanRevised, SessionOpened

__all__ = ["verify_record"]


def verify_record(path: Path) -> Report:
    """Check one .jsonl file and what lies beside it. LogbookError where it cannot be read."""
    try:
        report = verify.check(path)
        with path.open("rb") as file:
            _check_compiled(report, file)
            check_parts(report, path, file)
    except OSError as error:
        raise LogbookError(f"The record cannot be read: {error.strerror}", where=str(path)) from error
    return report


def _check_compiled(report: Report, lines: Iterable[bytes]) -> None:
    version = ""
    for number, raw in enumerate(lines, 1):
        if not (b'"kind":"plan.revised"' in raw or b'"kind":"session.opened"' in raw):
            continue
        try:
            event = decode(raw)
            if event.kind == "session.opened":
                version = msgspec.json.decode(event.data, type=SessionOpened).version
            elif event.kind == "plan.revised":
                _compile(report, number, msgspec.json.decode(event.data, type=PlanRevised), version)
        except (ValueError, RecursionError):
            continue  # what cannot be read is reported by `verify`


def _compile(report: Report, number: int, plan: PlanRevised, version: str) -> None:
    """A plan of another version may compile otherwise: that is a remark, not a fault.

    It is compiled as its own edition did, and not judged: what lint refuses today was worked by all the same.
    """
    found = recompile(plan.text, plan.params)
    try:
        worked_by = msgspec.json.decode(plan.compiled, type=Procedure)
        same = found is not None and as_of(found, worked_by.edition) == worked_by
    except ValueError:
        same = False
    if same:
        return
    text = "the plan's text does not compile to the plan that was worked by"
    if version and version != __version__:
        report.remarks.append(f"line {number}: {text} (version {version} wrote it, this is {__version__})")
    else:
        report.wrong(f"line {number}", text)
