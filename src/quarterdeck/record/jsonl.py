"""The truth of a record: every event's bytes as they were hashed, one a line, with the samples, first and last line.

    {"record":1,"session":…,"problems":[…]}       what was wrong with the session's files when it was exported
    <event>                                       verbatim, in the one order of events
    {"held":1,"hash":…,"event":<event>}           behind a gap or a fork: kept, not applied
    {"samples":3,"replica":…,"hash":…,"batch":[…]}
    {"end":1,"session":…,"events":…,"held":…,"samples":…,"heads":{…},"sha256":…}

The last line's `sha256` is that of all bytes before it. No clock and no name of who exports goes in: the same session
gives the same bytes, so that two people can compare theirs by one hash. Must never encode an event again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec
from msgspec import Struct

from quarterdeck.logbook.read_only import SessionCopy
from quarterdeck.record import verify
from quarterdeck.session.event import Event, digest

__all__ = ["FORMAT", "Jsonl", "encode_record"]

FORMAT = 1
"""Version of the lines around the events."""


class Jsonl(Struct, frozen=True):
    """A record's lines, made again each time they are asked for: they are larger than memory should be."""

    copy: SessionCopy
    sha256: str
    """Of all lines: what every other format names."""
    problems: tuple[str, ...]
    """What is wrong with the session's files, for a person; empty where all is well."""

    def lines(self) -> Iterator[bytes]:
        """All lines, each with its newline."""
        return _lines(self.copy, self.problems)


def encode_record(copy: SessionCopy) -> Jsonl:
    """All lines of a session. What `verify` would find wrong stands in the first line, as known at export."""
    known = [problem.text for problem in copy.problems]
    found = verify.check_lines(_lines(copy, known))
    more = [problem.text for problem in found.problems if problem.text not in known]
    sha256 = found.sha256 if not more else sha256_of(_lines(copy, [*known, *more]))
    return Jsonl(copy, sha256, (*known, *more))


def sha256_of(lines: Iterable[bytes]) -> str:
    """Of all of them, in hex."""
    made = hashlib.sha256()
    for line in lines:
        made.update(line)
    return made.hexdigest()


def _lines(copy: SessionCopy, problems: Sequence[str]) -> Iterator[bytes]:
    applied = _applied(copy)
    before = hashlib.sha256()
    header = msgspec.json.encode({"record": FORMAT, "session": copy.id, "problems": problems})
    for whole in chain([header], _body(copy, applied)):
        for line in io.BytesIO(whole + b"\n"):  # an event that was forged with a newline in it is no line any more
            before.update(line)
            yield line
    counts = {"events": len(applied), "held": len(copy.held), "samples": len(copy.samples)}
    heads, sha256 = _heads(applied), before.hexdigest()
    yield msgspec.json.encode({"end": 1, "session": copy.id, **counts, "heads": heads, "sha256": sha256}) + b"\n"


def _body(copy: SessionCopy, applied: Iterable[tuple[Event, bytes]]) -> Iterator[bytes]:
    for _, raw in applied:
        yield raw
    for _, raw in copy.held:
        yield b'{"held":1,"hash":"%b","event":%b}' % (digest(raw).encode(), raw)
    for batch in copy.samples:
        replica = msgspec.json.encode(batch.replica)
        head = b'{"samples":%d,"replica":%b,"hash":"%b"' % (batch.number, replica, batch.hash.encode())
        yield head + b',"batch":%b}' % batch.raw


def _applied(copy: SessionCopy) -> list[tuple[Event, bytes]]:
    """Events of contiguous chains; halts from behind a gap are reported apart, with what is held."""
    held = {event.id for event, _ in copy.held}
    return [(event, raw) for event, raw in zip(copy.events, copy.raws, strict=True) if event.id not in held]


def _heads(events: Iterable[tuple[Event, bytes]]) -> dict[str, dict[str, object]]:
    last = {event.replica: (event.aseq, raw) for event, raw in events}
    return {replica: {"aseq": aseq, "hash": digest(raw)} for replica, (aseq, raw) in sorted(last.items())}
