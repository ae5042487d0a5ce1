"""Rules for parameters."""

from __future__ import annotations

from quarterdeck.documents.problems import quote
from quarterdeck.procedure.rules.base import Lint

__all__ = ["required"]


def required(lint: Lint) -> None:
    """Refuse a parameter that must be given and need not be: its default would be taken without a word."""
    for name, param in lint.procedure.params.items():
        if param.required and param.default is not None:
            wrong = f"{quote(name)} has a default, so it need not be given: leave out one of the two"
            lint.error(f"params.{name}.required", wrong)
