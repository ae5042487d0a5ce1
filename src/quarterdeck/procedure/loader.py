"""From a YAML file to a `Procedure`: strict reading, parameters, fields, defaults, lint.

A procedure that this module returns has passed every rule that refuses one, so nobody after it needs to check
for cycles, unknown roles or missing undo steps. Called by the station (to open a session), the verbs and
tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from quarterdeck.documents import nodes
from quarterdeck.documents.problems import Problem, did_you_mean, document_error, errors_of, in_order
from quarterdeck.documents.reader import Context, Section
from quarterdeck.documents.strict import Limits, compose, read_text
from quarterdeck.procedure import editions, model
from quarterdeck.procedure.defaults import complete
from quarterdeck.procedure.fields import PROCEDURE
from quarterdeck.procedure.parameters import Filling, fill, settle
from quarterdeck.procedure.part_fields import PARAM

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Draft", "Loaded", "compiled", "draft", "judged", "load", "parse"]

DEFAULT_LIMITS = Limits()


class Loaded(Struct, frozen=True):
    """The result of reading a text: a procedure unless an error was found, and every problem."""

    procedure: model.Procedure | None
    problems: tuple[Problem, ...]


class Draft(Struct):
    """A procedure as far as it could be read, faults or not; what lint looks at."""

    procedure: model.Procedure
    context: Context
    filling: Filling
    step_places: dict[tuple[str, int], str] = field(default_factory=dict)
    """Each step's path in the document, by its id and line."""


def load(path: Path, params: Mapping[str, str] | None = None) -> model.Procedure:
    """Read a procedure with these parameters; raise `DocumentError` with every problem of the file."""
    loaded = parse(read_text(path), path=str(path), params=params)
    if loaded.procedure is None:
        raise document_error(str(path), loaded.problems)
    return loaded.procedure


def parse(
    text: str,
    *,
    path: str,
    params: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    demand: bool = True,
) -> Loaded:
    """Read a text as a procedure. With `demand`, a required parameter without a value is an error."""
    problems: list[Problem] = []
    node = compose(text, path, problems, limits)
    if node is None:
        return Loaded(None, tuple(problems))
    return judged(node, Context(path, problems), params or {}, limits, demand=demand)


def compiled(text: str, *, path: str, params: Mapping[str, str]) -> model.Procedure | None:
    """What a text compiles to, whatever the rules of lint say of it today; None where it is no procedure."""
    problems: list[Problem] = []
    node = compose(text, path, problems, DEFAULT_LIMITS)
    if node is None:
        return None
    drafted = draft(node, Context(path, problems), params, DEFAULT_LIMITS, demand=False)
    return None if drafted is None or errors_of(in_order(problems)) else drafted.procedure


def judged(root: nodes.Node, context: Context, params: Mapping[str, str], limits: Limits, *, demand: bool) -> Loaded:
    """Read a tree and hold every rule of lint against it."""
    from quarterdeck.procedure.lint import judge

    drafted = draft(root, context, params, limits, demand=demand)
    if drafted is None:
        return Loaded(None, in_order(context.problems))
    judge(drafted)
    found = in_order(context.problems)
    return Loaded(None if errors_of(found) else drafted.procedure, found)


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
    declared = _declared(root)
    filling = settle(declared, params, _positions(root, context), demand=demand)
    fill(root, filling, declared, context)
    section = PROCEDURE.read(root, context, "")
    return _Assembly(section, context, filling, limits).draft()


def _declared(root: nodes.Mapping) -> dict[str, model.Param]:
    """Read the parameters ahead of everything else; their problems are said when the whole is read."""
    silent = Context("")
    params = root.get("params")
    kind = PROCEDURE.fields["params"].kind
    declared = kind.read(params, silent, "params") if isinstance(params, nodes.Mapping) else {}
    if isinstance(params, nodes.Mapping):
        for name in params.entries:
            declared.setdefault(name, model.Param())
    return dict(declared)


def _positions(root: nodes.Mapping, context: Context) -> Context:
    """Note where parameters stand, before the whole is read."""
    entry = root.entries.get("params")
    if entry is not None:
        context.places["params"] = (entry[0].line, entry[0].column)
        if isinstance(entry[1], nodes.Mapping):
            for name, (key, value) in entry[1].entries.items():
                context.places[f"params.{name}"] = (key.line, key.column)
                if isinstance(value, nodes.Mapping):
                    PARAM.read(value, Context("", [], context.places), f"params.{name}")
    return context


class _Assembly:
    """Puts the parts together and fills in the defaults."""

    def __init__(self, section: Section, context: Context, filling: Filling, limits: Limits) -> None:
        self._section = section
        self._context = context
        self._filling = filling
        self._limits = limits
        self._places: dict[tuple[str, int], str] = {}

    def draft(self) -> Draft:
        """Return the whole."""
        own = {"quarterdeck", "preconditions", "stages", "rollback", "contingency", "closing"}
        arguments = self._section.arguments(*own)
        rollback = self._section.get("rollback")
        procedure = model.Procedure(
            **arguments,
            values=self._filling.values,
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
        return Draft(procedure, self._context, self._filling, self._places)

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
