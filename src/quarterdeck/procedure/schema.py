"""The format as JSON Schema (draft 2020-12), for editors that complete and check while one types.

Printed from the same table that the reader uses. It knows each mapping by itself; what only the whole can
tell (does this step exist?) is lint's.
"""

from __future__ import annotations

from typing import Any

from quarterdeck.procedure.fields import FORMAT_VERSION, PROCEDURE
from quarterdeck.procedure.targets import TARGET_TYPES, written_metrics

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """Return the schema of a procedure's file."""
    definitions: dict[str, Any] = {}
    body = PROCEDURE.body(definitions)
    definitions["target"]["description"] = _target_types()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Quarterdeck procedure, format version {FORMAT_VERSION}",
        **body,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _target_types() -> str:
    """Describe every type of target: what it is, its metrics with their units, and which way is worse."""
    lines = ["What to watch. Metrics by type (unit; which way is worse):"]
    for name, kind in TARGET_TYPES.items():
        metrics = ", ".join(
            f"{written} ({'; '.join(part for part in (metric.unit or 'plain', metric.worse) if part)})"
            for written, metric in zip(written_metrics(name), kind.metrics.values(), strict=True)
        )
        later = "" if kind.watched else " (not watched by this version)"
        lines.append(f"{name}: {kind.doc}{later}: {metrics}")
    return "\n".join(lines)
