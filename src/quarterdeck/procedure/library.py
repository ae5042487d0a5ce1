"""Finds procedures: a path, or the id of one that ships with the program."""

from __future__ import annotations

from pathlib import Path

from quarterdeck.documents.problems import did_you_mean, quote
from quarterdeck.errors import UsageError
from quarterdeck.shipped import shipped

__all__ = ["find_procedure", "shipped_procedures"]

SUFFIXES = (".yaml", ".yml")


def shipped_procedures() -> dict[str, Path]:
    """Return the shipped procedures by id (each file is named for its id)."""
    return {path.stem: path for path in sorted(shipped("procedures").glob("*.yaml"))}


def find_procedure(name_or_path: str) -> Path:
    """Return the file of a procedure; raises `UsageError` when neither a file nor a shipped id fits.

    What looks like a path (it has a separator or ends in .yaml) is taken as one, existing or not, so that its
    own message is shown when it cannot be read.
    """
    path = Path(name_or_path)
    if len(path.parts) > 1 or path.suffix in SUFFIXES or path.is_file():
        return path
    known = shipped_procedures()
    if name_or_path in known:
        return known[name_or_path]
    near = did_you_mean(name_or_path, known) or (f"; shipped: {', '.join(known)}" if known else "")
    raise UsageError(
        f"there is no procedure {quote(name_or_path)}{near}",
        hint="give a file (plan.yaml) or the id of a shipped one",
    )
