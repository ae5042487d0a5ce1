"""Reading a procedure and judging it: every rule that refuses or warns of one, and the ways in for a file or text.

A procedure that `load` or `parse` returns has passed every rule that refuses one, so nobody after it needs to check
for cycles, unknown roles or missing undo steps. The rules stand in `rules/`, one file a subject; this is their list.
Nothing here runs anything, and nothing is fetched: what only a session can know (was the rollback rehearsed?) is said
elsewhere; what only a machine can know is asked of the `Machine` that is handed in, and left out without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from quarterdeck.documents.nodes import Node
from quarterdeck.documents.problems import Problem, document_error, errors_of, in_order
from quarterdeck.documents.schema import Context
from quarterdeck.documents.strict_yaml import Limits, compose, read_text
from quarterdeck.procedure import model
from quarterdeck.procedure.draft import Draft, draft
from quarterdeck.procedure.rules import order, params, people, proofs, secrets, steps, stopping, targets, window
from quarterdeck.procedure.rules.base import Lint, Machine

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RULES", "Loaded", "judge", "judged", "lint", "lint_text", "load", "parse", "recompile"]

RULES: tuple[Callable[[Lint], None], ...] = (
    steps.identities,
    steps.durations,
    steps.kinds,
    steps.not_yet,
    steps.scripts,
    steps.undo,
    steps.retries,
    stopping.far_sides,
    steps.signatures,
    steps.production_hosts,
    stopping.statements,
    stopping.traps,
    order.after,
    order.cycles,
    order.point_of_no_return,
    params.required,
    people.declared,
    people.backups,
    proofs.verified,
    proofs.changes,
    proofs.recorded,
    targets.targets,
    targets.unwatched,
    targets.options,
    targets.guards,
    targets.waits,
    targets.criteria,
    secrets.values,
    secrets.secrets,
    window.fits,
    window.emergency,
)


DEFAULT_LIMITS = Limits()


class Loaded(Struct, frozen=True):
    """The result of reading a text: a procedure unless an error was found, and every problem."""

    procedure: model.Procedure | None
    problems: tuple[Problem, ...]


def judge(draft: Draft, machine: Callable[[], Machine] | None = None) -> None:
    """Hold every rule against a draft; what they find goes into its context."""
    view = Lint(draft, machine)
    for rule in RULES:
        rule(view)


def judged(
    root: Node,
    context: Context,
    params: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    *,
    demand: bool = False,
    machine: Callable[[], Machine] | None = None,
) -> Loaded:
    """Read a tree and hold every rule against it. With `demand`, a required parameter without a value is an error."""
    drafted = draft(root, context, params or {}, limits, demand=demand)
    if drafted is not None:
        judge(drafted, machine)
    found = in_order(context.problems)
    return Loaded(None if drafted is None or errors_of(found) else drafted.procedure, found)


def parse(
    text: str,
    *,
    path: str,
    params: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    demand: bool = True,
    machine: Callable[[], Machine] | None = None,
) -> Loaded:
    """Read a text as a procedure; what `demand` and `machine` mean stands at `judged` and above."""
    problems: list[Problem] = []
    node = compose(text, path, problems, limits)
    if node is None:
        return Loaded(None, tuple(problems))
    return judged(node, Context(path, problems), params, limits, demand=demand, machine=machine)


def load(path: Path, params: Mapping[str, str] | None = None) -> model.Procedure:
    """Read a procedure with these parameters; raise `DocumentError` with every problem of the file."""
    loaded = parse(read_text(path), path=str(path), params=params)
    if loaded.procedure is None:
        raise document_error(str(path), loaded.problems)
    return loaded.procedure


def recompile(text: str, params: Mapping[str, str]) -> model.Procedure | None:
    """Read a text that a session was worked by, without judging it; None when it is no procedure.

    Rules grow stricter from version to version, and a record is not wrong because of that.
    """
    problems: list[Problem] = []
    node = compose(text, "", problems)
    drafted = None if node is None else draft(node, Context("", problems), params, DEFAULT_LIMITS, demand=False)
    return None if drafted is None or errors_of(in_order(problems)) else drafted.procedure


def lint(path: Path) -> list[Problem]:
    """Return every problem of a procedure's file, sorted by place; raises `DocumentError` when it is unreadable."""
    return lint_text(read_text(path), str(path))


def lint_text(text: str, path: str, limits: Limits = DEFAULT_LIMITS) -> list[Problem]:
    """Return every problem of a procedure's text; parameters need no values."""
    return list(parse(text, path=path, limits=limits, demand=False).problems)
