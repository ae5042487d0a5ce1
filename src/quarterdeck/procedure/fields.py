"""The top level of the procedure format as one table: the reader and the JSON Schema both come from it."""

from __future__ import annotations

from typing import Any

from quarterdeck.documents.kinds import DURATION, ID, TEXT, Choice, Integer, Text
from quarterdeck.documents.nodes import Node
from quarterdeck.documents.reader import MISSING, Context, Field, ListOf, MapOf, Shape
from quarterdeck.procedure import part_fields as parts
from quarterdeck.procedure.step_fields import STEPS
from quarterdeck.procedure.substitution import NAME_PATTERN

__all__ = ["FORMAT_VERSION", "PROCEDURE", "TARGET_NAME_PATTERN"]

FORMAT_VERSION = 1
TARGET_NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]*"


class _Version:
    """`quarterdeck: 1`."""

    blank: Any = FORMAT_VERSION

    def read(self, node: Node, context: Context, _at: str) -> Any:
        """Refuse every other version: guessing at a newer format would be worse."""
        text = getattr(node, "text", "")
        if text != str(FORMAT_VERSION):
            context.error(
                node,
                f"format version {text or '?'} is not known; this program reads version {FORMAT_VERSION}",
            )
            return MISSING
        return FORMAT_VERSION

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Return the constant."""
        return {"const": FORMAT_VERSION}


class _PlanForm:
    """`rollback: {steps: …}`: known to the format, not to this version."""

    blank: Any = MISSING

    def read(self, node: Node, context: Context, _at: str) -> Any:
        """Say that it is not supported."""
        context.error(node, "the plan form of `rollback` is not supported yet; write `undo` at each step")
        return MISSING

    def schema(self, _definitions: dict[str, Any]) -> dict[str, Any]:
        """Nothing fits it."""
        return {"not": {}}


STAGE = Shape(
    "stage",
    {
        "id": Field(ID, required=True),
        "title": Field(TEXT, required=True),
        "owner": Field(ID, "the role that owns its steps"),
        "steps": Field(STEPS, required=True),
    },
)
ROLLBACK = Shape(
    "rollback",
    {
        "verify": Field(STEPS, "steps that prove the rollback"),
        "steps": Field(_PlanForm(), "the plan form; not supported yet"),
    },
    named="`rollback`",
)
_TITLE = Text(limit=200)
_TEXTS = ListOf(TEXT, single=True)

PROCEDURE = Shape(
    "procedure",
    {
        "quarterdeck": Field(_Version(), "the format's version", required=True),
        "id": Field(ID, required=True),
        "title": Field(_TITLE, required=True),
        "revision": Field(Integer(0, 10**9), required=True),
        "category": Field(
            Choice("scheduled", "database", "security", "performance", "dependency", "cleanup", "emergency")
        ),
        "cadence": Field(Choice("daily", "weekly", "monthly", "quarterly", "as-needed")),
        "change": Field(TEXT, "ticket reference"),
        "class": Field(Choice("major", "minor", "emergency"), "drives the notice timeline", attribute="class_"),
        "severity": Field(Integer(1, 4), "1 to 4, for emergency"),
        "description": Field(TEXT),
        "impact": Field(TEXT, "who feels it, and how"),
        "services": Field(_TEXTS),
        "environments": Field(_TEXTS),
        "params": Field(
            MapOf(parts.PARAM, key=NAME_PATTERN, key_called="a parameter's name (small letters, digits, `_`)")
        ),
        "window": Field(parts.WINDOW),
        "roles": Field(
            MapOf(parts.ROLE, key=r"[a-z0-9_-]+", key_called="a role (small letters, digits, `-` and `_`)")
        ),
        "risks": Field(ListOf(parts.RISK)),
        "checklist": Field(ListOf(parts.CHECKLIST_ITEM), "pre-maintenance items"),
        "preconditions": Field(STEPS, "checks and polls that must pass before Start"),
        "targets": Field(
            MapOf(
                parts.TARGET,
                key=TARGET_NAME_PATTERN,
                key_called="a target's name (letters, digits, `-` and `_`)",
            ),
            "what to watch",
        ),
        "guards": Field(ListOf(parts.GUARD), "what warns, pauses, or proposes a halt"),
        "stages": Field(ListOf(STAGE, at_least=1), "the forward plan", required=True),
        "rollback": Field(ROLLBACK),
        "contingency": Field(STEPS, "for trouble after the point of no return"),
        "closing": Field(STEPS, "after success and after rollback alike"),
        "criteria": Field(ListOf(parts.CRITERION), "success and failure indicators"),
        "links": Field(ListOf(parts.LINK)),
        "documents": Field(ListOf(parts.LINK), "what must be read before"),
        "progress_every": Field(DURATION, "reminds the lead of the next status update"),
    },
    named="a procedure",
)
