"""Short commands whose answer is read at once: verifications, progress, `gone` checks.

They only read, so they need no runner, no spool and no record of their own; they are ended, with all that they
started, at their timeout or when the asking task is cancelled. A progress that cannot be read is simply not shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from quarterdeck.runner.escalation import TreeEnd
from quarterdeck.runner.files import TAG
from quarterdeck.runner.processes import descendants, send
from quarterdeck.station.commands.results import Outcome
from quarterdeck.text import visible

__all__ = ["LIMIT", "Progress", "read_once"]

LIMIT = 1024 * 1024
"""Bytes of each stream that are kept."""
_POLL = 0.02
_LAST_WORDS = 0.2
"""Seconds to wait for the pipes after the command itself has ended."""
_POLITE = 0.5
"""Seconds until SIGKILL."""


class _Stream:
    """One pipe, read as it fills, kept up to the limit."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.total = 0
        self.open = True
        self._loop = asyncio.get_running_loop()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._take)

    def _take(self) -> None:
        try:
            chunk = os.read(self._read_end, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self.close()
            return
        self.total += len(chunk)
        self.content += chunk[: max(0, LIMIT - len(self.content))]

    def started(self) -> None:
        """The child has its end now, or there is none."""
        os.close(self.write_end)
        self.write_end = -1

    def close(self) -> None:
        if self.write_end >= 0:
            self.started()
        if self.open:
            self.open = False
            self._loop.remove_reader(self._read_end)
            os.close(self._read_end)

    def text(self) -> str:
        return self.content.decode(errors="replace")


async def read_once(
    argv: Sequence[str],
    timeout: float,  # noqa: ASYNC109 - it also ends descendants, and gives back what was said until then
    env: Mapping[str, str],
    cwd: str = "/",
) -> Outcome:
    """Run `argv` for at most `timeout` seconds, stdin empty; return what it said. Never raises for its failure."""
    began = time.monotonic()
    run = f"read-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as opened:
        try:
            out, err = (opened.enter_context(contextlib.closing(_Stream())) for _ in range(2))
            child = _start(argv, env, cwd, run, out, err)
        except (OSError, ValueError) as error:
            return Outcome(None, "", "", time.monotonic() - began, problem=f"{argv[0]} could not be started: {error}")
        problem = ""
        try:
            if not await _ended(child, began + timeout):
                problem = f"no answer within {timeout:g} s"
                await _end(run, child)
            else:
                await _pipes_closed(out, err)
        finally:
            if child.poll() is None:  # cancelled: no time for politeness
                _kill(run, child)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(1)
        code = None if problem else child.returncode
        cut = out.total > LIMIT or err.total > LIMIT
        return Outcome(code, out.text(), err.text(), time.monotonic() - began, problem=problem, cut=cut)


def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, run: str, out: _Stream, err: _Stream
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env={**env, TAG: run},
            stdin=subprocess.DEVNULL,
            stdout=out.write_end,
            stderr=err.write_end,
            start_new_session=True,
        )
    finally:
        out.started()
        err.started()


async def _ended(child: subprocess.Popen[bytes], deadline: float) -> bool:
    pause = 0.002
    while child.poll() is None:
        rest = deadline - time.monotonic()
        if rest <= 0:
            return False
        await asyncio.sleep(min(pause, rest))
        pause = min(pause * 1.5, _POLL)
    return True


async def _pipes_closed(out: _Stream, err: _Stream) -> None:
    until = time.monotonic() + _LAST_WORDS
    while time.monotonic() < until:
        if not (out.open or err.open):
            return
        await asyncio.sleep(0.005)


async def _end(run: str, child: subprocess.Popen[bytes]) -> None:
    ending = TreeEnd(run, _POLITE, time.monotonic(), group=child.pid)
    try:
        while not ending.advance(time.monotonic()):
            child.poll()
            await asyncio.sleep(_POLL)
    finally:
        _kill(run, child)  # cancelled meanwhile: nothing may stay frozen
        child.poll()


def _kill(run: str, child: subprocess.Popen[bytes]) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    for _ in range(3):  # what was forked while we looked
        left = descendants(run)
        if not left:
            return
        for entry in left:
            send(entry.pid, signal.SIGKILL)


_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%?\s*$")
_LEADING = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%")


class Progress:
    """The newest answer."""

    def __init__(
        self,
        argv: Sequence[str],
        every: float,
        env: Mapping[str, str],
        cwd: str,
        changed: Callable[[], None],
        clean: Callable[[str], str],
    ) -> None:
        """`every` is seconds; `changed` is called when there is something new; `clean` takes secrets out."""
        self.percent: float | None = None
        self.line = ""
        self._argv, self._every, self._env, self._cwd, self._changed = argv, max(every, 0.5), env, cwd, changed
        self._clean = clean

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            patience = max(self._every, 5.0)
            said = await read_once(self._argv, patience, self._env, self._cwd or self._env.get("HOME", "/"))
            if said.exit_code == 0 and self._take(said.stdout):
                self._changed()

    def _take(self, output: str) -> bool:
        """Whether the last line says something new."""
        lines = self._clean(output).strip().splitlines()
        if not lines:
            return False
        last = visible(lines[-1], 200)
        number = _NUMBER.match(last) or _LEADING.match(last)
        percent = min(100.0, float(number[1])) if number is not None else None
        line = "" if number is not None and _NUMBER.match(last) else last
        if (percent, line) == (self.percent, self.line):
            return False
        self.percent, self.line = percent, line
        return True
