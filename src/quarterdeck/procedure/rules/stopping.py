"""Rules for what no signal can mend when a step's command is terminated (R4)."""

from __future__ import annotations

import re

from quarterdeck.procedure.model import Step
from quarterdeck.procedure.programs import programs
from quarterdeck.procedure.rules.base import Lint

__all__ = ["statements", "traps"]

_TERM = frozenset({"TERM", "SIGTERM", "15"})


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


def _goes_on(words: tuple[str, ...]) -> bool:
    if any("ON_ERROR_STOP" in word for word in words):
        return False
    commands = sum(1 for word in words if re.match(r"-[a-zA-Z]*c|--command", word))
    asks_only = any(re.fullmatch(r"-[a-zA-Z]*[lV?]|--(list|version|help.*)", word) for word in words)
    return commands != 1 and not asks_only


def traps(lint: Lint) -> None:
    """Warn of a trap on TERM that never runs, or after which the script goes on."""
    for placed in lint.places:
        step = placed.step
        for words in programs(step):
            if words[0] != "trap" or not _TERM & set(words[2:]) or words[1] in {"", "-"}:
                continue
            if not step.cleanup:
                why = "a trap on TERM runs when the step is terminated only if the step says `cleanup: true`"
            elif not _leaves(words[1], step.shell):
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
