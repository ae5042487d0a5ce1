"""The verbs `export` and `verify`, and what the demo and the console ask of the record."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quarterdeck.errors import UsageError
from quarterdeck.text import in_full

__all__ = ["export", "export_to", "open_record", "verify"]


def export(arguments: argparse.Namespace) -> int:
    """Write a session's record to a folder: `out`, else one with the session's id, here."""
    from quarterdeck.record.export import export_session, formats_of
    from quarterdeck.station.sessions import choose_session

    formats = formats_of(arguments.format)
    folder = choose_session(arguments.session, over=True)
    out = Path(arguments.out).expanduser() if arguments.out else Path.cwd() / folder.name
    done = export_session(folder, out, formats, force=arguments.force)
    for path in done.paths:
        _say(str(path))
    _say(f"SHA-256 of the JSONL: {done.sha256}")
    _say("UNSIGNED: nobody has signed its heads")
    if done.live:
        _say("The session goes on: this is what was recorded up to now.", aside=True)
    for problem in done.problems:
        _say(f"! {problem}", aside=True)
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Check a record's lines, or all records of a folder; 1 where something is wrong."""
    from quarterdeck.record.recompile import verify_record
    from quarterdeck.record.verify import find_records, printed

    given = Path(arguments.record).expanduser()
    found = find_records(given)
    if not found:
        what = "no .jsonl file is in this folder" if given.is_dir() else "there is no such file"
        raise UsageError(f"No record: {what}", where=str(given), hint="give a record's .jsonl file, or its folder")
    wrong = False
    for path in found:
        report = verify_record(path)
        for line in printed(report):
            _say(line)
        wrong = wrong or bool(report.problems)
    return 1 if wrong else 0


def export_to(folder: Path, out: Path, formats: tuple[str, ...], *, force: bool = False) -> list[Path]:
    """Write the record of the session in `folder` to `out`; the files of the formats, in their order."""
    from quarterdeck.record.export import export_session

    return export_session(folder, out, formats, force=force).paths


def open_record(folder: Path) -> Path:
    """Write the HTML record of the session into its folder's `record/`, again each time; the file to open."""
    from quarterdeck.record.export import export_session

    return export_session(folder, folder / "record", ("html",), force=True).paths[0]


def _say(text: str, *, aside: bool = False) -> None:
    """One line for a terminal (`aside`: on stderr): whatever people wrote cannot steer it."""
    stream = sys.stderr if aside else sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write(in_full(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
