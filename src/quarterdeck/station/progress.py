"""A step's `progress` command, asked while the step runs: a percentage, or a line.

It only reads; what it cannot read is simply not shown. Called by `executor`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

from quarterdeck.station.reading import read_once

__all__ = ["Progress"]

_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%?\s*$")
_LEADING = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%")


class Progress:
    """The newest answer."""

    def __init__(
        self, argv: Sequence[str], every: float, env: Mapping[str, str], cwd: str, changed: Callable[[], None]
    ) -> None:
        """`every` is seconds; `changed` is called when there is something new."""
        self.percent: float | None = None
        self.line = ""
        self._argv, self._every, self._env, self._cwd, self._changed = argv, max(every, 0.5), env, cwd, changed

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
        lines = output.strip().splitlines()
        if not lines:
            return False
        last = "".join(letter for letter in lines[-1] if letter.isprintable())[:200]
        number = _NUMBER.match(last) or _LEADING.match(last)
        percent = min(100.0, float(number[1])) if number is not None else None
        line = "" if number is not None and _NUMBER.match(last) else last
        if (percent, line) == (self.percent, self.line):
            return False
        self.percent, self.line = percent, line
        return True
