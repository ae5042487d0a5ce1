"""From a document's tree to a draft of a procedure: parameters, fields, defaults; what the rules look at.

A draft may have faults; `check` holds the rules against it, and only `check` hands out a whole procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from quarterdeck.documents import nodes
from quarterdeck.documents.problems import did_you_mean
from quarterdeck.documents.schema import Context, Section
from quarterdeck.documents.strict_yaml import Limits
from quarterdeck.procedure import editions, model
from quarterdeck.procedure.defaults import complete
from quarterdeck.procedure.format import PROCEDURE
from quarterdeck.procedure.parameters import Settled, fill, settle

__all__ = ["Draft", "draft"]


class Draft(Struct):
    """A procedure as far as it could be read, faults or not; what lint looks at."""

    procedure: model.Procedure
    context: Context
    settled: Settled
    step_places: dict[tuple[str, int], str] = field(default_factory=dict)
    """Each step's path in the document, by its id and line."""


def draft(
    root: nodes.Node, context: Context, params: Mapping[str, str], limits: Limits, *, demand: bool
) -> Draft | None:
    """Read a tree into a draft; None when it is no procedure at all."""
    if not isinstance(root, nodes.Mapping):
        context.error(root, "a procedure is a mapping of keys; it begins with `quarterdeck: 1`")
        return None
    if "quarterdeck" not in root.entries:
        near = did_you_mean("quarterdeck", root.entries)
        context.error(root, f"this is no procedure: `quarterdeck: 1` is missing{near}")
        return None
    before = len(context.problems)
    PROCEDURE.fields["quarterdeck"].kind.read(root.entries["quarterdeck"][1], context, "quarterdeck")
    if len(context.problems) > before:
        return None
    written = _parameters(root, context)
    declared = written or {}
    settled = settle(declared, params, context, demand=demand)
    fill(root, settled, declared, context)
    section = PROCEDURE.section(root, context, "", {} if written is None else {"params": written})
    return _Assembly(section, context, settled, limits).draft()


def _parameters(root: nodes.Mapping, context: Context) -> dict[str, model.Param] | None:
    """Read the parameters, which the rest is filled with; None where there is no mapping of them."""
    entry = root.entries.get("params")
    if entry is None or not isinstance(entry[1], nodes.Mapping):
        return None
    context.places["params"] = (entry[0].line, entry[0].column)
    read = PROCEDURE.fields["params"].kind.read(entry[1], context, "params")
    return {name: read.get(name) or model.Param() for name in entry[1].entries}


class _Assembly:
    """Puts the parts together and fills in the defaults."""

    def __init__(self, section: Section, context: Context, settled: Settled, limits: Limits) -> None:
        self._section = section
        self._context = context
        self._settled = settled
        self._limits = limits
        self._places: dict[tuple[str, int], str] = {}

    def draft(self) -> Draft:
        """Return the whole."""
        own = {"quarterdeck", "preconditions", "stages", "rollback", "contingency", "closing"}
        arguments = self._section.arguments(*own)
        rollback = self._section.get("rollback")
        procedure = model.Procedure(
            **arguments,
            values=self._settled.values,
            edition=editions.NEWEST,
            preconditions=self._list(self._section.get("preconditions", ())),
            stages=self._stages(self._section.get("stages", ())),
            rollback=model.Rollback(verify=self._list(rollback.get("verify", ()) if rollback else ())),
            contingency=self._list(self._section.get("contingency", ())),
            closing=self._list(self._section.get("closing", ())),
        )
        if len(self._places) > self._limits.steps:
            message = f"{len(self._places)} steps; a procedure may have {self._limits.steps}"
            self._context.error(self._context.place("stages"), message)
        return Draft(procedure, self._context, self._settled, self._places)

    def _list(self, written: Any) -> tuple[model.Step, ...]:
        return complete(written, self._places)

    def _stages(self, sections: tuple[Section, ...]) -> tuple[model.Stage, ...]:
        stages = []
        before = ""
        for section in sections:
            owner = section.get("owner", "lead")
            steps = complete(section.get("steps", ()), self._places, owner=owner, before=before)
            before = next((step.id for step in reversed(steps) if step.id), before)
            stages.append(model.Stage(id=section.get("id", ""), title=section.get("title", ""), steps=steps))
        return tuple(stages)
