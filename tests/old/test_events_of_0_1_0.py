"""Every event of 0.1.0 keeps its bytes: no field is lost, and what was left out means the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from quarterdeck.session.event import decode, encode
from quarterdeck.session.events import KINDS, Unknown, payload

NIGHTS = ("good-night", "rolled-back", "every-field")
"""`every-kind` is left out: its author wrote whole numbers where 0.1.0's station writes fractions."""
RECORDS = [next((Path(__file__).parent / "0.1.0" / night / "record").glob("*.jsonl")) for night in NIGHTS]
FIELDS = 165
"""What 0.1.0's kinds could say, kind by kind."""


def event_lines(record: Path) -> list[bytes]:
    """The lines that are events."""
    return [line for line in record.read_bytes().splitlines() if line.startswith(b'{"v":')]


@pytest.mark.parametrize("record", RECORDS, ids=NIGHTS)
def test_every_event_of_0_1_0_is_read_whole_and_keeps_its_bytes(record: Path) -> None:
    for line in event_lines(record):
        event = decode(line)
        what = payload(event)
        assert not isinstance(what, Unknown), event.kind
        assert msgspec.json.encode(what) == bytes(event.data), f"{event.kind}: a field was lost or means another thing"
        assert encode(event) == line


def test_every_field_that_0_1_0_could_write_is_among_them() -> None:
    events = [decode(line) for record in RECORDS for line in event_lines(record)]
    said = {(event.kind, name) for event in events for name in msgspec.json.decode(bytes(event.data))}
    assert len(said) == FIELDS
    assert said <= {(kind, field.name) for kind, what in KINDS.items() for field in msgspec.structs.fields(what)}
