"""One thing that `doctor` found, and how it asks another program."""

from __future__ import annotations

import subprocess
from typing import Literal

from msgspec import Struct

__all__ = ["Finding", "ask"]

PATIENCE = 5.0
"""Seconds that another program gets to answer."""


class Finding(Struct, frozen=True):
    """What was looked at and how it is."""

    level: Literal["ok", "warning", "problem"]
    """`problem`: a session would fail or lie; `warning`: it works, but somebody should know."""
    title: str
    """What was looked at, in a word or two."""
    message: str
    what_to_do: str = ""


def ask(*argv: str) -> tuple[int | None, str]:
    """Exit code and output of a program; None and why, where it cannot be asked."""
    try:
        said = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        return None, f"{argv[0]} is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return said.returncode, (said.stdout or said.stderr).strip()
