"""Patterns that people write, tried on text that others wrote: in a helper process, so that none freezes a station.

Python's `re` has no time limit, and while it works nothing else of its process does. The helper stays for the next
question; one that works for longer than `LIMIT` is ended by the kernel's own timer. This file is the helper's program
too (run by its path, with nothing but the standard library). It never judges: who asks decides what "not searched"
means, which is never a match and never a mismatch.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who reads documents has a start-up mark: nothing is imported for a question that nobody asks
    import socket
    import subprocess
    from collections.abc import Sequence
    from typing import Literal

__all__ = ["LIMIT", "NotSearchedError", "TooSlowError", "first_match"]

LIMIT = 1.0
"""Seconds of processor time for one question: a busy host makes no pattern too slow. `QUARTERDECK_PATTERN_LIMIT` sets
another."""
PATIENCE = 20.0
"""Seconds by the clock after which a helper that says nothing (stopped, swapped out) is given up."""


class NotSearchedError(Exception):
    """Whether the pattern fits is not known. Its text says why, for a person."""


class TooSlowError(NotSearchedError):
    """The pattern was given up."""

    def __init__(self) -> None:
        super().__init__(f"not searched: the pattern took longer than {_limit():g} s")


def _limit() -> float:
    return float(os.environ.get("QUARTERDECK_PATTERN_LIMIT") or LIMIT)


class _Helper:
    """One helper process and the line to it."""

    def __init__(self) -> None:
        import socket
        import subprocess

        self.used = False
        self._line, theirs = socket.socketpair()
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            self._line.close()
            raise
        finally:
            theirs.close()
        self._line.settimeout(PATIENCE)
        self._answers = self._line.makefile("rb")

    def ask(self, question: bytes) -> bytes:
        """One answer; empty where the helper ended. OSError where it cannot be reached."""
        self.used = True
        self._line.sendall(question)
        return self._answers.readline()

    def end(self) -> int:
        """Kill it; how it had ended before, or by this."""
        self._process.kill()
        self._answers.close()
        self._line.close()
        return self._process.wait()


_idle: list[_Helper] = []
"""Helpers without a question; taking one out and putting it back are single operations, so threads need no lock."""


def first_match(
    pattern: str, texts: Sequence[str], *, how: Literal["search", "fullmatch"] = "search", flags: int = 0
) -> tuple[str | None, ...] | None:
    """The match and its groups in the first text that fits; None where none does.

    `pattern` compiles. NotSearchedError where it took too long or no helper could be started. Blocks for `LIMIT` at
    most on a host that is not overloaded: an event loop asks in a thread.
    """
    import json
    import signal

    question = json.dumps([pattern, int(flags), how, list(texts)]).encode() + b"\n"
    while True:
        try:
            helper = _idle.pop() if _idle else _Helper()
        except OSError as error:
            raise NotSearchedError(f"not searched: no helper process can be started ({error.strerror})") from error
        was_used = helper.used
        answer = b""
        try:
            with contextlib.suppress(OSError):
                answer = helper.ask(question)
        except BaseException:
            helper.end()
            raise
        if answer.endswith(b"\n"):
            _idle.append(helper)
            found = json.loads(answer)
            return None if found is None else tuple(found)
        if helper.end() != -signal.SIGPROF and was_used:
            continue  # it had gone while it waited: the question was never asked
        raise TooSlowError


def _end_all() -> None:
    while _idle:
        _idle.pop().end()


atexit.register(_end_all)


def _serve(line: socket.socket) -> None:
    """Answer questions until nobody asks any more."""
    import json
    import signal

    with line.makefile("rb") as questions:
        for question in questions:
            pattern, flags, how, texts = json.loads(question)
            signal.setitimer(signal.ITIMER_PROF, _limit())
            try_one = getattr(re.compile(pattern, flags), how)
            match = next(filter(None, map(try_one, texts)), None)
            signal.setitimer(signal.ITIMER_PROF, 0)
            line.sendall(json.dumps(None if match is None else [match[0], *match.groups()]).encode() + b"\n")


if __name__ == "__main__":
    import signal
    import socket

    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        _serve(socket.socket(fileno=0))
