"""Ctrl+Z: the console's whole process group stops, as the terminal itself would have it, and `fg` brings it back.

Textual's own way stops only its own process: a launcher that waits for it (the demo's, `uv run`, a script) goes on
waiting, the shell never learns of it, and the terminal is wedged. Uses no private name.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Any

from textual.app import App, SuspendNotSupported

__all__ = ["stop"]

LOOK = 0.05
"""Seconds between two looks of a console in the background for its terminal."""


def stop(app: App[Any]) -> None:
    """Give the terminal back and stop; returns with the console on the terminal again.

    Where no shell controls jobs (`ssh -t host quarterdeck attach`, a window of tmux), the kernel stops nobody: the
    console is back at once.
    """
    with suppress(SuspendNotSupported), app.suspend():
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        while not _in_front():  # `bg`: wait for `fg`; a stop could come after it, and would stop what is in front
            time.sleep(LOOK)
        signal.signal(signal.SIGTSTP, before)


def _in_front() -> bool:
    """Whether the terminal is this process group's; also where there is none any more, which others find out."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return True
