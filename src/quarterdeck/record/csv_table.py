"""The timeline as CSV, for spreadsheets: a row for each step. No cell begins a formula. Called by `export`."""

from __future__ import annotations

import csv
import datetime as dt
import io

from quarterdeck.record.gate import cell
from quarterdeck.record.material import Material

__all__ = ["encode_csv"]

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
