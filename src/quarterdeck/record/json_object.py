"""The record as one convenient object for tools: the report's material, and where it is from.

Numbers keep their units of `material`; what is not a number (NaN, infinity) is null. Called by `export`.
"""

from __future__ import annotations

import msgspec

from quarterdeck import __version__
from quarterdeck.record.material import Material

__all__ = ["FORMAT", "encode_json"]

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
