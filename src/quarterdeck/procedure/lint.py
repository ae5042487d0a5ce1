"""Lint: every rule that refuses or warns of a procedure, and what `quarterdeck lint` calls for a file.

The rules stand in `rules/`, one file a subject; this is their list. Nothing here runs anything, and nothing
is fetched: what only a session can know (was the rollback rehearsed?) is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from quarterdeck.documents.nodes import Node
from quarterdeck.documents.problems import Problem
from quarterdeck.documents.reader import Context
from quarterdeck.documents.strict import Limits, read_text
from quarterdeck.procedure.loader import Draft, judged, parse
from quarterdeck.procedure.rules import order, people, readings, steps, stopping, texts, watching, window
from quarterdeck.procedure.rules.base import Lint

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RULES", "judge", "lint", "lint_node", "lint_text"]

RULES: tuple[Callable[[Lint], None], ...] = (
    steps.identities,
    steps.durations,
    steps.kinds,
    steps.scripts,
    steps.undo,
    steps.retries,
    steps.signatures,
    steps.production_hosts,
    stopping.statements,
    stopping.traps,
    order.after,
    order.cycles,
    order.point_of_no_return,
    people.declared,
    people.backups,
    readings.verified,
    readings.recorded,
    watching.targets,
    watching.guards,
    watching.waits,
    watching.criteria,
    texts.values,
    texts.secrets,
    window.fits,
    window.emergency,
)


def judge(draft: Draft) -> None:
    """Hold every rule against a draft; what they find goes into its context."""
    view = Lint(draft)
    for rule in RULES:
        rule(view)


def lint(path: Path) -> list[Problem]:
    """Return every problem of a procedure's file, sorted by place; raises `DocumentError` when it is unreadable."""
    return lint_text(read_text(path), str(path))


def lint_node(root: Node, path: str, problems: list[Problem], limits: Limits | None = None) -> list[Problem]:
    """Return every problem of a composed document; `problems` are those of composing it."""
    return list(judged(root, Context(path, problems), {}, limits or Limits(), demand=False).problems)


def lint_text(text: str, path: str, limits: Limits | None = None) -> list[Problem]:
    """Return every problem of a procedure's text; parameters need no values."""
    return list(parse(text, path=path, limits=limits or Limits(), demand=False).problems)
