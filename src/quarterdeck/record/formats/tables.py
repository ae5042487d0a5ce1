"""The record for other tools: the timeline as CSV, a row for each step, and the whole as one JSON object.

No CSV cell begins a formula. In JSON, numbers keep the units of `report.model`; what is not a number (NaN, infinity)
is null.
"""

from __future__ import annotations

import csv
import datetime as dt
import io

import msgspec

from quarterdeck import __version__
from quarterdeck.record.formats.escape import cell
from quarterdeck.record.report.model import Material

__all__ = ["FORMAT", "encode_csv", "encode_json"]

_HEAD = (
    *("number", "step", "title", "part", "owner", "by", "planned_start", "planned_end", "forecast_start"),
    *("forecast_end", "actual_start", "actual_end", "planned_seconds", "actual_seconds", "attempts", "result"),
    *("effect", "note", "session", "jsonl_sha256"),
)


def encode_csv(material: Material) -> bytes:
    """Times are ISO 8601 in UTC, spans are seconds; every row names the session and its lines."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for row in material.steps:
        seconds = row.actual.seconds
        texts = [row.number, row.id, row.title, row.part, row.owner, row.by]
        times = [_iso(at) for span in (row.planned, row.forecast, row.actual) for at in (span.start, span.end)]
        numbers = [f"{row.planned_seconds:g}", "" if seconds is None else f"{seconds:.3f}", str(len(row.attempts))]
        rest = [row.word, row.effect, row.note, material.session, material.jsonl_sha256]
        writer.writerow([cell(text) for text in (*texts, *times, *numbers, *rest)])
    return out.getvalue().encode("utf-8", "replace")


def _iso(at: float | None) -> str:
    return "" if at is None else dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds")


FORMAT = 1
"""Version of this object."""


def encode_json(material: Material) -> bytes:
    """Encode, indented for people who look into it."""
    stamp = {
        "format": FORMAT,
        "session": material.session,
        "jsonl_sha256": material.jsonl_sha256,
        "exported": material.exported,
        "by": f"quarterdeck {__version__}",
        "signed": False,
        "closed": material.reviewed,
    }
    whole = {"record": stamp, "session": material}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"
