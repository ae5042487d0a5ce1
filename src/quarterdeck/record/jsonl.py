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
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from quarterdeck.logbook.read_only import SessionCopy
from quarterdeck.record import verify
from quarterdeck.session.event import Event, digest

__all__ = ["FORMAT", "Jsonl", "encode_record"]

FORMAT = 1
"""Version of the lines around the events."""


class Jsonl(Struct, frozen=True):
    """A record's lines."""

    data: bytes
    sha256: str
    """Of `data`: what every other format names."""
    problems: tuple[str, ...]
    """What is wrong with the session's files, for a person; empty where all is well."""


def encode_record(copy: SessionCopy) -> Jsonl:
    """All lines of a session. What `verify` would find wrong stands in the first line, as known at export."""
    known = [problem.text for problem in copy.problems]
    body = list(_body(copy))
    found = verify.check_lines(_whole(copy, known, body))
    known += [problem.text for problem in found.problems if problem.text not in known]
    data = _whole(copy, known, body)
    return Jsonl(data, hashlib.sha256(data).hexdigest(), tuple(known))


def _whole(copy: SessionCopy, problems: list[str], body: list[bytes]) -> bytes:
    header = msgspec.json.encode({"record": FORMAT, "session": copy.id, "problems": problems})
    before = b"".join(line + b"\n" for line in [header, *body])
    counts = {"events": len(_applied(copy)), "held": len(copy.held), "samples": len(copy.samples)}
    sha256 = hashlib.sha256(before).hexdigest()
    closing = {"end": 1, "session": copy.id, **counts, "heads": _heads(_applied(copy)), "sha256": sha256}
    return before + msgspec.json.encode(closing) + b"\n"


def _body(copy: SessionCopy) -> Iterator[bytes]:
    for _, raw in _applied(copy):
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
