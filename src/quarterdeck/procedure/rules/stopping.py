"""Rules for what no signal can mend when a step's command is terminated (R4, R6)."""

from __future__ import annotations

import re

from quarterdeck.documents.problems import quote
from quarterdeck.procedure.far_side import client_of
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.programs import programs
from quarterdeck.procedure.rules.base import Lint

__all__ = ["far_sides", "statements", "traps"]

_TERM = frozenset({"TERM", "SIGTERM", "15"})
_EXIT = frozenset({"EXIT", "0"})


def far_sides(lint: Lint) -> None:
    """Warn of a remote client that nothing stops on the other side, or proves gone there (R6)."""
    for placed in lint.places:
        step = placed.step
        client = client_of(step) if step.kind == "command" else ""
        missing = [f"`{key}`" for key in ("stop", "gone") if not lint.wrote(step, key)]
        if client and missing:
            said = f"{quote(client)} works on the other side too: once stopped, what goes on there is not known"
            lint.step_warning(step, _key(step), f"{said}; add {' and '.join(missing)}")


def statements(lint: Lint) -> None:
    """Warn of a psql that goes on with its next statement when one is cancelled."""
    for placed in lint.places:
        for words in programs(placed.step):
            if words[0] == "psql" and _goes_on(words[1:]):
                lint.step_warning(
                    placed.step,
                    _key(placed.step),
                    "psql goes on with the next statement when one is cancelled or fails; "
                    "give it `-v ON_ERROR_STOP=1`",
                )
                break


def _goes_on(words: list[str]) -> bool:
    if any("ON_ERROR_STOP" in word for word in words):
        return False
    commands = sum(1 for word in words if re.match(r"-[a-zA-Z]*c|--command", word))
    asks_only = any(re.fullmatch(r"-[a-zA-Z]*[lV?]|--(list|version|help.*)", word) for word in words)
    return commands != 1 and not asks_only


def traps(lint: Lint) -> None:
    """Warn of a trap on TERM or EXIT that never runs when the step is terminated, or after which it goes on.

    bash catches SIGTERM to run its trap on EXIT, and is killed for that as for any other.
    """
    for placed in lint.places:
        step = placed.step
        for words in programs(step):
            trapped = [name for name in words[2:] if name in _TERM | _EXIT]
            if words[0] != "trap" or not trapped or words[1] in {"", "-"}:
                continue
            if not step.cleanup:
                why = f"a trap on {trapped[0]} runs when the step is terminated only if the step says `cleanup: true`"
            elif _TERM.intersection(trapped) and not _leaves(words[1], step.shell):
                why = "after this trap on TERM the script goes on with its next line; end it with `exit`"
            else:
                continue
            lint.step_warning(step, _key(step), why)


def _leaves(action: str, script: str) -> bool:
    body = (
        re.search(rf"\b{re.escape(action)}\s*\(\)\s*\{{(.*?)\n?\}}", script, re.DOTALL)
        if action.isidentifier()
        else None
    )
    return re.search(r"\b(exit|exec|kill)\b", body[1] if body else action) is not None


def _key(step: Step) -> str:
    return "shell" if step.shell else "command"
