"""The format as JSON Schema (draft 2020-12), for editors that complete and check while one types.

Printed from the same table that the reader uses. It knows each mapping by itself; what only the whole can
tell (does this step exist?) is lint's.
"""

from __future__ import annotations

from typing import Any

from quarterdeck.procedure.fields import FORMAT_VERSION, PROCEDURE

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """Return the schema of a procedure's file."""
    definitions: dict[str, Any] = {}
    body = PROCEDURE.body(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Quarterdeck procedure, format version {FORMAT_VERSION}",
        **body,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }
