r"""Regular expressions that people write into documents: they must compile, and must not hang a session.

Python's `re` has no time limit, so a repeat inside a repeat (`(a+)+`), which can take for ever on a text that
almost fits, is refused. Possessive repeats (`(\d++\.)+`) cannot backtrack and are fine.
"""

from __future__ import annotations

import re
import warnings

from quarterdeck.documents.problems import quote

__all__ = ["LONGEST_PATTERN", "compiled", "pattern_problem"]

LONGEST_PATTERN = 500
_PIECE = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:[aiLmsux-]*[:)]|[=!>]|<[=!]|P?<\w+>|P=\w+\)))?|\)"
    r"|(?:[*+]|\{\d*,\d*\}|\{\d+\}|\?)[+?]?|.",
    re.DOTALL,
)
_MANY = 10
"""A bounded repeat of more than this counts as unbounded."""


def compiled(text: str, flags: int = 0) -> re.Pattern[str]:
    """Compile a pattern without what Python says to programmers (`[[` may mean something else one day)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(text, flags)


def pattern_problem(text: str) -> str:
    """Return what is wrong with a regular expression, or nothing."""
    if len(text) > LONGEST_PATTERN:
        return f"a pattern may have {LONGEST_PATTERN} characters, this has {len(text)}"
    try:
        compiled(text)
    except (re.error, RecursionError, OverflowError) as error:
        return f"{quote(text)} is no regular expression: {error}"
    if _repeats_a_repeat(text):
        return (
            f"{quote(text)} repeats a repeat and could take for ever on a text that almost fits; "
            "make the inner one possessive (`++`)"
        )
    return ""


def _repeats_a_repeat(text: str) -> bool:
    """Walk over the pattern with a stack of groups; each remembers whether it holds an unbounded repeat."""
    groups = [False]
    closed = False
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece.startswith("(") and not piece.endswith(")"):
            groups.append(False)
            closed = False
            continue
        if piece == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] = groups[-1] or closed
            continue
        if _unbounded(piece):
            if closed:
                return True
            groups[-1] = True
        closed = False
    return False


def _unbounded(piece: str) -> bool:
    if piece[0] in "*+":
        return not piece.endswith("+") or len(piece) == 1
    if piece[0] == "{" and "," in piece and not piece.endswith("+"):
        most = piece.strip("?").strip("{}").split(",")[1]
        return not most or int(most[:6]) > _MANY
    return False
