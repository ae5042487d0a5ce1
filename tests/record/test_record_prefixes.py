"""Whenever a night is cut off, what was recorded up to there makes a report."""

from __future__ import annotations

from pathlib import Path

import msgspec
from record_nights import START

from quarterdeck.logbook.read_only import SessionCopy, read_session
from quarterdeck.record.formats.render import encode_html, encode_markdown
from quarterdeck.record.formats.tables import encode_json
from quarterdeck.record.jsonl import encode_record
from quarterdeck.record.report.build import gather


def test_a_night_cut_off_anywhere_makes_every_format(finished: Path) -> None:
    whole = read_session(finished)
    for count in range(0, len(whole.events) + 1, 2):
        copy: SessionCopy = msgspec.structs.replace(whole, events=whole.events[:count], raws=whole.raws[:count])
        lines = encode_record(copy)
        material = gather(copy, lines.sha256, frozenset(), START + 9000)
        assert material.jsonl_sha256.encode() in encode_json(material)
        if count % 14 == 0:
            assert encode_html(material)
            assert encode_markdown(material)
