"""What is wrong with a document, and where: one printable line for each fault.

Everything that reads a person's YAML collects `Problem`s and goes on, so that a person sees all faults at
once. Text that comes from the document is quoted through `quote`, so that a hostile file cannot write on a
terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from quarterdeck.errors import DocumentError
from quarterdeck.text import in_full, visible

__all__ = ["Problem", "UnreadableError", "did_you_mean", "document_error", "errors_of", "in_order", "quote"]

Level = Literal["error", "warning"]
MOST_PROBLEMS = 200
"""So many are listed; a file with more is not read line by line."""


class Problem(Struct, frozen=True):
    """One fault; `line` and `column` count from 1, columns in characters."""

    path: str
    line: int
    column: int
    level: Level
    message: str

    def __str__(self) -> str:
        """The form that editors and compilers share: `file:line:col: level: message`."""
        return f"{in_full(self.path)}:{self.line}:{self.column}: {self.level}: {self.message}"


def quote(text: str, limit: int = 60) -> str:
    """Show a piece of a document inside a message: printable, on one line, cut to `limit` characters."""
    return f"`{visible(text, limit)}`"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean `x`?` for the nearest known word, or nothing when none is near."""
    candidates = [candidate for candidate in known if candidate]
    if not candidates or len(word) > 80:
        return ""
    lowered = word.lower().replace("-", "_")
    for candidate in candidates:
        if candidate.lower().replace("-", "_") == lowered:
            return f"; did you mean `{candidate}`?"
    from difflib import get_close_matches

    near = get_close_matches(word, candidates[:2000], n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems by place, each once; beyond `MOST_PROBLEMS` only their number."""
    found = sorted(set(problems), key=lambda problem: (problem.line, problem.column, problem.message))
    if len(found) <= MOST_PROBLEMS:
        return tuple(found)
    shown = found[:MOST_PROBLEMS]
    rest = len(found) - MOST_PROBLEMS
    level: Level = "error" if any(problem.level == "error" for problem in found) else "warning"
    last = shown[-1]
    return (*shown, Problem(last.path, last.line, last.column, level, f"{rest:,} more problems follow"))


def errors_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that refuse the document; warnings do not."""
    return tuple(problem for problem in problems if problem.level == "error")


class UnreadableError(DocumentError):
    """A file that cannot even be read as text; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message, where=in_full(problem.path), problems=(str(problem),))
        self.problem = problem


def document_error(path: str, problems: Sequence[Problem]) -> DocumentError:
    """Make the error that a person gets for a document with faults: every line, and how many they are."""
    errors = errors_of(problems)
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    return DocumentError(
        f"{count} in the document",
        where=in_full(path),
        problems=tuple(str(problem) for problem in problems),
        hint="each line above names its place" if len(errors) > 1 else "",
    )
