#!/usr/bin/env python3
"""Check a Quarterdeck record: `python3 verify.py [RECORD]`. Standard library only; it travels with every record.

RECORD is a record's .jsonl file, or its folder (by default the one in which this script lies). It holds every hash
against the bytes: the chain of each replica, the samples against the digests in the events, the plan against its
hash, the files in `blobs/`, the first and last line, and whether the .json, .md and .html beside it speak of the same
lines. It says what is wrong and where. It cannot say who wrote a record: whoever can write all of it can make another
that fits; compare the heads with those that other people hold.

The same file is the module `quarterdeck.record.verify`: used by `record.jsonl` and `recompile`. Must never import
anything but the standard library, and never write; so it has no text gate but its own (`printed`). Must never hold
more of the lines than one, since a night of samples is large. Exit code 0: every hash fits; 1: something is wrong.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

__all__ = ["Problem", "Report", "check", "check_lines", "find_records", "main", "printed"]

FORMAT = 1
MOST = 40
"""Problems that are reported; a file that is no record at all would tell one a line."""
PARTS = ("json", "md", "html", "csv")
ON_REQUEST = "csv"
"""The part that an export leaves out by default."""
_PIECE = 2**20
_WRONG_SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What a line raises that is JSON and no line of ours; `1e999` and `Infinity` are numbers without an integer."""


class Problem(NamedTuple):
    """What is wrong, and where: a line or a file."""

    where: str
    text: str


class Report:
    """What was found in one record."""

    def __init__(self) -> None:
        self.session = ""
        self.sha256 = ""
        """Of the whole JSONL file."""
        self.problems: list[Problem] = []
        self.known: list[str] = []
        """What was wrong with the session's files when it was exported."""
        self.unproven: list[str] = []
        """Endings of the parts beside the lines of which only was looked at that they name them."""
        self.remarks: list[str] = []
        """What was not or cannot be checked."""
        self.heads: dict[str, tuple[int, str]] = {}
        """Replica to number and hash of its last event."""
        self.events = 0
        self.held = 0
        self.samples = 0
        self.files = 0
        """Blobs that were there and fit."""
        self.whole = False
        """The closing line is there."""
        self.outcome = ""
        """How the session ended; empty while it was live."""
        self.reviewed = False
        """`session.closed` is the last word."""

    def wrong(self, where: str, text: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(where, text))


class _Reading:
    """One pass over the lines: what has been seen so far."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.before = hashlib.sha256()
        """Of all lines before this one."""
        self.last_order: tuple[int, str, str, int] = (-1, "", "", 0)
        self.batches: dict[tuple[str, int], str] = {}
        self.last_batch = ("", 0)
        self.watches: list[tuple[str, str, str, int, str]] = []
        """Where, event, replica, number of batches, digest; of those that name any."""
        self.plans: set[str] = set()
        self.plan_of: dict[str, str] = {}
        """Plan hash that events name, to where first."""
        self.blobs: dict[str, tuple[int, str, str]] = {}
        """SHA-256 to length, name and where."""
        self.section = 0


def digest(raw: bytes) -> str:
    """Hash of an event: SHA-256 of `qd1`, a zero byte, and its bytes."""
    return hashlib.sha256(b"qd1\0" + raw).hexdigest()


def check(path: Path) -> Report:
    """Check the record in this .jsonl file, with the files that lie beside it. OSError where it cannot be read."""
    report = Report()
    with _opened(path) as file:
        reading = _read(file, report)
    _check_blobs(reading, path.parent / "blobs")
    _check_foreign(reading, path)
    _check_parts(report, path)
    return report


def check_lines(lines: Iterable[bytes]) -> Report:
    """Check the lines alone, without the files. Each ends with its newline, as a file gives them."""
    report = Report()
    _read(lines, report)
    return report


def _read(lines: Iterable[bytes], report: Report) -> _Reading:
    reading = _Reading(report)
    number, text = 0, b"\n"
    for number, text in enumerate(lines, 1):
        raw = text.removesuffix(b"\n")
        if number == 1:
            _header(raw, report)
        else:
            _whole_line(reading, f"line {number}", raw)
        reading.before.update(text)
    report.sha256 = reading.before.hexdigest()
    if not number:
        _header(b"", report)
    if not text.endswith(b"\n"):
        unfinished = Problem(f"line {number}", "the last line is unfinished: the file was cut off")
        report.problems.insert(0, unfinished)  # why the others are there
    if not report.whole:
        report.wrong("the end", "the closing line is missing: the end of the file is not there")
    _check_watches(reading)
    for plan, where in reading.plan_of.items():
        if plan not in reading.plans:
            report.wrong(where, f"an event names a plan that is not in the record ({plan[:12]})")
    return reading


def _header(raw: bytes, report: Report) -> None:
    try:
        header = json.loads(raw)
        report.session = str(header["session"])
        report.known = [str(text) for text in header["problems"]]
        version = int(header["record"])
    except _WRONG_SHAPE:
        report.wrong("line 1", "this is no record: its first line cannot be read")
        return
    if version != FORMAT:
        report.remarks.append(
            f"written in format {version}; this script knows {FORMAT}, use the one beside the record"
        )


def _whole_line(reading: _Reading, where: str, raw: bytes) -> None:
    """Read one line and take it to its check."""
    if reading.report.whole:
        reading.report.wrong(where, "a line stands behind the closing line")
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        reading.report.wrong(where, "this line cannot be read")
    else:
        _line(reading, where, line if isinstance(line, dict) else {}, raw)


def _line(reading: _Reading, where: str, line: dict[str, Any], raw: bytes) -> None:
    """Take one line to its check; sections stand in one order."""
    report = reading.report
    if "end" in line:
        _closing(reading, where, raw)
        return
    kinds = (("kind", _event, 1), ("event", _held, 2), ("batch", _batch, 3))
    for key, checked, section in kinds:
        if key in line:
            if section < reading.section:
                report.wrong(where, "this line does not stand in its place")
            reading.section = max(section, reading.section)
            try:
                checked(reading, where, line, raw)
            except _WRONG_SHAPE:
                report.wrong(where, "this line is not as a record's lines are")
            return
    report.wrong(where, "this is no line of a record")


def _event(reading: _Reading, where: str, event: dict[str, Any], raw: bytes) -> None:
    """An event follows on the one before it in its chain, and stands in the order of all."""
    report = reading.report
    replica, aseq, name = str(event["replica"]), int(event["aseq"]), f"{event['replica']}:{event['aseq']}"
    expected, link = report.heads.get(replica, (0, digest(report.session.encode())))
    if event["session"] != report.session:
        report.wrong(where, f"{name} is an event of another session ({event['session']})")
    if aseq != expected + 1:
        report.wrong(where, f"{name} stands where {replica}:{expected + 1} belongs")
    elif event["prev"] != link:
        report.wrong(where, f"{name} does not follow on the event before it: one of the two was changed")
    report.heads[replica] = (aseq, digest(raw))
    place = (int(event["lamport"]), str(event["actor"]["login"]), replica, aseq)
    if place <= reading.last_order:
        report.wrong(where, f"{name} does not stand in the order of events")
    reading.last_order = place
    report.events += 1
    _meaning(reading, where, name, event)


def _meaning(reading: _Reading, where: str, name: str, event: dict[str, Any]) -> None:
    """Note what an event says of the plan, of samples, of files and of the end."""
    data = event["data"]
    if event.get("plan"):
        reading.plan_of.setdefault(event["plan"], where)
    for blob in event.get("blobs", ()):
        reading.blobs.setdefault(str(blob["sha256"]), (int(blob["len"]), str(blob["name"]), where))
    watch = data.get("watch")
    if watch:
        said = (where, name, str(event["replica"]), int(watch.get("batches", 0)), str(watch.get("digest", "")))
        if said[3:] != (0, ""):
            reading.watches.append(said)
    if event["kind"] == "plan.revised":
        _plan(reading, where, data)
    elif event["kind"] == "session.ended":
        reading.report.outcome = str(data["outcome"])
    elif event["kind"] == "session.abandoned":
        reading.report.outcome = "abandoned"
    elif event["kind"] == "session.closed":
        reading.report.reviewed = True


def _plan(reading: _Reading, where: str, data: dict[str, Any]) -> None:
    whole = {"params": data.get("params", {}), "text": data["text"], "window": data.get("window", {})}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    made = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    reading.plans.add(str(data.get("hash", "")))
    if made != data.get("hash"):
        reading.report.wrong(where, "the plan's text, parameters and window do not give the hash that approvals name")


def _held(reading: _Reading, where: str, line: dict[str, Any], raw: bytes) -> None:
    link, event = str(line["hash"]), line["event"]
    head = b'{"held":1,"hash":"%b","event":' % link.encode()
    if not raw.startswith(head) or digest(raw[len(head) : -1]) != link:
        reading.report.wrong(where, "an event that is kept apart does not fit its hash")
    if event["session"] != reading.report.session:
        reading.report.wrong(where, "an event that is kept apart is of another session")
    for blob in event.get("blobs", ()):
        reading.blobs.setdefault(str(blob["sha256"]), (int(blob["len"]), str(blob["name"]), where))
    name = f"{event['replica']}:{event['aseq']}"
    reading.report.wrong(where, f"{name} is kept apart: an event before it is missing, or two have one name")
    reading.report.held += 1


def _batch(reading: _Reading, where: str, line: dict[str, Any], raw: bytes) -> None:
    replica, number, link = sys.intern(str(line["replica"])), int(line["samples"]), str(line["hash"])
    quoted = json.dumps(replica, ensure_ascii=False).encode()
    head = b'{"samples":%d,"replica":%b,"hash":"%b","batch":' % (number, quoted, link.encode())
    if not raw.startswith(head) or hashlib.sha256(b"qds1\0" + raw[len(head) : -1]).hexdigest() != link:
        reading.report.wrong(where, f"batch {number} of samples of {replica} does not fit its hash")
    if (replica, number) in reading.batches:
        reading.report.wrong(where, f"batch {number} of samples of {replica} is there twice")
    elif (replica, number) < reading.last_batch:
        reading.report.wrong(where, f"batch {number} of samples of {replica} does not stand in its place")
    reading.batches[replica, number] = link
    reading.last_batch = (replica, number)
    reading.report.samples += 1


def _check_watches(reading: _Reading) -> None:
    """Events name how many batches came since the event before, and the digest of their hashes."""
    named: dict[str, int] = {}
    for where, event, replica, count, said in reading.watches:
        first = named.get(replica, 0) + 1
        named[replica] = first + count - 1
        which = f"batches {first} to {named[replica]} of {replica}"
        numbers = range(first, first + min(count, len(reading.batches) + 1))
        links = [reading.batches.get((replica, number), "") for number in numbers]
        made = hashlib.sha256("".join(links).encode()).hexdigest() if links else ""
        if not all(links):
            reading.report.wrong(where, f"samples that {event} names are missing ({which})")
        elif made != said:
            reading.report.wrong(where, f"samples that {event} names were changed ({which})")
    ends: dict[str, int] = {}
    for replica, number in reading.batches:
        ends[replica] = max(number, ends.get(replica, 0))
    for replica, last in ends.items():
        behind = range(named.get(replica, 0) + 1, last)
        lost = next((number for number in behind if (replica, number) not in reading.batches), None)
        if lost is not None:
            reading.report.wrong("the samples", f"batch {lost} of samples of {replica} is missing")


def _closing(reading: _Reading, where: str, raw: bytes) -> None:
    """The last line is wholly determined by the lines before it."""
    report = reading.report
    report.whole = True
    heads = {replica: {"aseq": aseq, "hash": link} for replica, (aseq, link) in sorted(report.heads.items())}
    counts = {"events": report.events, "held": report.held, "samples": report.samples}
    made = {"end": 1, "session": report.session, **counts, "heads": heads, "sha256": reading.before.hexdigest()}
    said = json.loads(raw)
    if json.dumps(made, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") == raw:
        return
    for name, what in made.items():
        if said.get(name) != what:
            report.wrong(where, f"the closing line's {name} does not fit the lines before it")
            return
    report.wrong(where, "the closing line was changed")


def _check_blobs(reading: _Reading, folder: Path) -> None:
    for sha256, (length, name, where) in reading.blobs.items():
        path = folder / sha256
        proper = len(sha256) == 64 and not set(sha256) - set("0123456789abcdef")
        try:
            found = _measured(path) if proper else (0, "")
        except OSError:
            reading.report.wrong(f"blobs/{sha256}", f"the file {name} of {where} is missing")
            continue
        if not proper or found != (length, sha256):
            reading.report.wrong(f"blobs/{sha256}", f"the file {name} of {where} was changed")
        else:
            reading.report.files += 1


def _check_foreign(reading: _Reading, path: Path) -> None:
    """Name what lies among the files and is none of these lines, nor of other lines in the same folder."""
    try:
        foreign = {each.name for each in (path.parent / "blobs").iterdir()} - reading.blobs.keys()
        for other in find_records(path.parent) if foreign else ():
            with _opened(other) as lines:
                for line in lines:
                    foreign = {name for name in foreign if not _names(line, name)}
    except OSError:
        return
    reading.report.remarks += [f"blobs/{name}: no event names it" for name in sorted(foreign)[:MOST]]
    if len(foreign) > MOST:
        reading.report.remarks.append(f"blobs: and {len(foreign) - MOST} more that no event names")


def _names(line: bytes, blob: str) -> bool:
    return b'"sha256":"%b"' % blob.encode("utf-8", "replace") in line


def _check_parts(report: Report, path: Path) -> None:
    """Whether what lies beside the lines under the same name was made of these lines."""
    absent = []
    for ending in PARTS:
        part = path.with_suffix(f".{ending}")
        try:
            named = _holds(part, report.sha256.encode())
        except FileNotFoundError:
            absent.append(ending)
            continue
        except OSError as error:
            report.wrong(part.name, f"it cannot be read: {error.strerror}")
            continue
        if not named:
            report.wrong(part.name, "it does not name the SHA-256 of these lines: it speaks of others")
        elif ending == "json":
            _check_json(report, part)
        report.unproven.append(ending)
    if missing := [ending for ending in absent if ending != ON_REQUEST]:
        report.remarks.append(f"{', '.join(missing)}: not there beside these lines")


def _check_json(report: Report, part: Path) -> None:
    try:
        with _opened(part) as file:
            record = json.load(file, object_pairs_hook=_stamp)["record"]
        fits = record["jsonl_sha256"] == report.sha256 and record["session"] == report.session
    except (OSError, *_WRONG_SHAPE):
        report.wrong(part.name, "it cannot be read")
        return
    if not fits:
        report.wrong(part.name, "it speaks of another session, or of other lines")


def _stamp(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without what nobody looks at here: the part may hold a million lines of a log."""
    return {key: value for key, value in pairs if key in {"record", "jsonl_sha256", "session"}}


def _opened(path: Path) -> BinaryIO:
    """A file, opened. OSError, also for a pipe or a device: reading one could wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.open("rb")


def _holds(path: Path, words: bytes) -> bool:
    """Whether a file has these bytes in it. OSError as for `_opened`."""
    end = b""
    with _opened(path) as file:
        while piece := file.read(_PIECE):
            if words in end + piece:
                return True
            end = (end + piece)[-len(words) :]
    return False


def _measured(path: Path) -> tuple[int, str]:
    """A file's length and SHA-256. OSError as for `_opened`."""
    length, made = 0, hashlib.sha256()
    with _opened(path) as file:
        while piece := file.read(_PIECE):
            length += len(piece)
            made.update(piece)
    return length, made.hexdigest()


def find_records(path: Path) -> list[Path]:
    """The .jsonl files that `path` means: itself, or those in the folder. Empty where there is none."""
    if path.is_dir():
        return sorted(each for each in path.glob("*.jsonl") if each.is_file())
    return [path] if path.is_file() else []


def printed(report: Report) -> list[str]:
    """The report as lines for a person; no control character of the record reaches the terminal."""
    lines = [report.session or "(no session)"]
    chains = "chain" if len(report.heads) == 1 else "chains"
    lines.append(
        f"  {report.events} events in {len(report.heads)} {chains}, {report.samples} batches of samples, "
        f"{report.files} files"
    )
    for where, text in report.problems[:MOST]:
        known = " (known when it was exported)" if text in report.known else ""
        lines.append(f"  WRONG  {where}: {text}{known}")
    if len(report.problems) > MOST:
        lines.append(f"  WRONG  and {len(report.problems) - MOST} more")
    told = {problem.text for problem in report.problems}
    lines += [f"  KNOWN  when it was exported: {text}" for text in report.known if text not in told]
    if not report.problems:
        lines.append("  every hash fits")
    lines += [f"  note   {text}" for text in report.remarks]
    if report.unproven:
        names = ", ".join(report.unproven)
        lines.append(f"  note   {names}: NOT PROVEN, only that they name these lines was looked at")
    lines += [f"  head   {replica} at {aseq}: {link}" for replica, (aseq, link) in sorted(report.heads.items())]
    lines.append(f"  sha256 {report.sha256}")
    lines += _standing(report)
    return ["".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line) for line in lines]


def _standing(report: Report) -> list[str]:
    if not report.whole:
        said = "not closed: the file has no closing line, so its end is missing"
    elif report.reviewed:
        said = "closed: reviewed"
    elif report.outcome:
        said = f"not closed: it ended ({report.outcome}) and was not reviewed; a missing tail would not show"
    else:
        said = "not closed: the session was still live, or its end is missing"
    return [f"  {said}", "  UNSIGNED: nobody has signed these heads; compare them with the copies of others"]


def main(arguments: list[str] | None = None) -> int:
    """Check every record that is named; the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    wrong = False
    for word in words or [str(Path(__file__).resolve().parent)]:
        found = find_records(Path(word))
        if not found:
            _write(sys.stderr, f"{word!a}: there is no record\n")
            wrong = True
        for path in found:
            try:
                report = check(path)
            except OSError as error:
                _write(sys.stderr, f"{str(path)!a}: it cannot be read: {error.strerror}\n")
                wrong = True
                continue
            wrong = bool(report.problems) or wrong
            if not _write(sys.stdout, "\n".join(printed(report)) + "\n"):
                _write(sys.stderr, "the answer cannot be written\n")
                wrong = True
    return 1 if wrong else 0


def _write(stream: TextIO | None, text: str) -> bool:
    """Write what the stream's encoding can say; False where it takes nothing. One that is closed needs nothing."""
    if stream is None:
        return True
    try:
        stream.write(text.encode(stream.encoding or "utf-8", "backslashreplace").decode(errors="replace"))
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what waits in it would fail again at the end
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
