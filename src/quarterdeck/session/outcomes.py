"""How a session can end, and the exit code that says so in `lead`, `attach`, `demo` and every headless run."""

from __future__ import annotations

__all__ = ["DETACHED", "EXIT_CODES", "exit_code"]

DETACHED = 3
"""It was live when this process left it."""

EXIT_CODES = {
    "completed": 0,
    "completed_with_exceptions": 0,
    "rolled_back": 10,
    "rolled_back_with_exceptions": 11,
    "abandoned": 12,
    "recovered": 13,
}


def exit_code(outcome: str) -> int:
    """The exit code of an outcome; `DETACHED` while there is none."""
    return EXIT_CODES.get(outcome, DETACHED)
