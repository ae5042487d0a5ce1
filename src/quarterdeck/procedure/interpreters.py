"""Which program runs a step's `shell` script, and whether it stops at the script's first failing line.

The shells of POSIX and their kin know `-e` (errexit); other interpreters go by their own errors, so that it does not
apply to them. Pure; the station makes the argv of it, lint and the screen say it.
"""

from __future__ import annotations

from pathlib import PurePath

from quarterdeck.procedure.model import Step

__all__ = ["DEFAULT", "is_shell", "named", "script_command", "script_manner"]

DEFAULT = "/bin/sh"
"""What runs a script whose step names no interpreter."""

_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "ksh93", "mksh", "oksh", "yash", "zsh", "rbash"})
_TAKES = {"perl": "-e", "ruby": "-e", "node": "-e"}
"""The option before a script's text where it is not `-c`; perl's `-c` would only look at it."""


def named(interpreter: str) -> str:
    """What an interpreter is called: `bash` of `/usr/bin/env bash`, `sh` of `busybox sh` and of nothing."""
    words = (interpreter or DEFAULT).split()
    return PurePath(words[-1]).name if words else ""


def is_shell(interpreter: str) -> bool:
    """Whether it knows `-e`: stop at the first line that fails."""
    return named(interpreter) in _SHELLS


def script_command(step: Step) -> tuple[str, ...]:
    """The argv that a step's script is the last word of: `(bash, -e, -c)`."""
    stops = ("-e",) if step.errexit else ()
    return (*(step.interpreter or DEFAULT).split(), *stops, _TAKES.get(named(step.interpreter), "-c"))


def script_manner(step: Step) -> str:
    """For people: `bash, stops at the first line that fails`; the interpreter alone where that does not apply."""
    if not is_shell(step.interpreter):
        return step.interpreter
    how = "stops at the first line that fails" if step.errexit else "goes on after a line that fails"
    return f"{step.interpreter or DEFAULT}, {how}"
