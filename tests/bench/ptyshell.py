"""Runs a program on a real pty and sees what it paints: a small terminal that knows when each byte came.

It answers what Textual asks a terminal (whether it can synchronise output), keeps a grid of cells good enough to find
text in, and notes the moment at which the bytes that completed a picture were read, so that its own work does
not count. Called by the rooms that measure a screen. It is no emulator: what no program here sends, it does not know.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

__all__ = ["COLUMNS", "LINES", "Grid", "Shell"]

COLUMNS, LINES = 200, 50
"""The screen that everything is measured on."""

_PART = re.compile(
    r"\x1b\[(?P<private>[<=>?]?)(?P<numbers>[0-9;:]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[()*+\-./].|\x1b[ #%].|\x1b[0-9=>A-Z\\c-o]"
    r"|(?P<text>[^\x00-\x1f\x7f]+)|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ -/]*|\][^\x07]*|[PX^_][^\x1b]*|[()*+\-./#% ]?)$")


class Grid:
    """Cells, filled from what a program writes."""

    def __init__(self) -> None:
        self.rows = [[" "] * COLUMNS for _ in range(LINES)]
        self.asked: list[str] = []
        """Questions to the terminal that were not answered yet."""
        self._x = self._y = 0
        self._rest = ""

    def feed(self, text: str) -> None:
        """Take what was written."""
        text = self._rest + text
        open_end = _UNFINISHED.search(text)
        self._rest = text[open_end.start() :] if open_end else ""
        for part in _PART.finditer(text, 0, len(text) - len(self._rest)):
            if (words := part["text"]) is not None:
                self._write(words)
            elif (control := part["control"]) is not None:
                self._control(control)
            elif (final := part["final"]) is not None:
                self._sequence(part["private"], part["numbers"], part["between"], final)

    def has(self, words: str) -> bool:
        """Whether some line shows this."""
        return any(words in line for line in self.lines())

    def lines(self) -> list[str]:
        """The screen as text."""
        return ["".join(row) for row in self.rows]

    def _write(self, words: str) -> None:
        row = self.rows[self._y]
        end = min(COLUMNS, self._x + len(words))
        row[self._x : end] = words[: end - self._x]
        self._x = min(COLUMNS - 1, end)

    def _control(self, control: str) -> None:
        if control == "\r":
            self._x = 0
        elif control == "\n":
            self._y = min(LINES - 1, self._y + 1)
        elif control == "\b":
            self._x = max(0, self._x - 1)

    def _sequence(self, private: str, numbers: str, between: str, final: str) -> None:
        if final == "H" and not private:
            line, _, column = numbers.partition(";")
            self._y = min(LINES, int(line or 1)) - 1
            self._x = min(COLUMNS, int(column or 1)) - 1
        elif final == "C":
            self._x = min(COLUMNS - 1, self._x + int(numbers or 1))
        elif final == "J":
            self.rows = [[" "] * COLUMNS for _ in range(LINES)]
        elif final == "K":
            self.rows[self._y][self._x :] = [" "] * (COLUMNS - self._x)
        elif (final == "p" and between == "$") or (final == "c" and not private) or (final == "n" and numbers == "6"):
            self.asked.append(private + numbers + between + final)


class Shell:
    """A program on a pty of 200x50."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.began = time.perf_counter()
        """When it was started."""
        self.grid = Grid()
        self.raw = bytearray()
        """Everything that it wrote, where `keep` is set."""
        self.keep = False
        self.bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        """A character may come in two reads."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
                os.execvpe(command[0], list(command), _environment(env or {}))
            os._exit(127)
        os.set_inheritable(self._fd, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def press(self, keys: str) -> float:
        """Type; returns the moment."""
        moment = time.perf_counter()
        os.write(self._fd, keys.encode())
        return moment

    def until(self, shows: Callable[[Grid], bool], seconds: float = 20.0) -> float:
        """Read until the screen shows it; the moment at which the last byte of that was there. TimeoutError."""
        deadline = time.perf_counter() + seconds
        while True:
            moment = self._read(deadline - time.perf_counter())
            if shows(self.grid):
                return moment
            if moment >= deadline:
                told = "\n".join(line.rstrip() for line in self.grid.lines())
                raise TimeoutError(f"it never showed that; its screen:\n{told}")

    def drain(self, seconds: float) -> int:
        """Read for so long; how many bytes came."""
        before, deadline = self.bytes, time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left)
        return self.bytes - before

    def settle(self, quiet: float = 0.05, most: float = 1.0) -> None:
        """Read until nothing comes for `quiet` seconds."""
        deadline = time.perf_counter() + most
        while time.perf_counter() < deadline:
            before = self.bytes
            self._read(quiet)
            if self.bytes == before:
                return

    def end(self) -> None:
        """End the program at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def fileno(self) -> int:
        """Of the pty, for who waits for several."""
        return self._fd

    def _read(self, wait: float) -> float:
        """Read what is there; the moment at which it was."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, wait))
        if not ready:
            return time.perf_counter()
        moment, data = self.take()
        self.show(data)
        return moment

    def take(self) -> tuple[float, bytes]:
        """What has come, and when, not yet shown: where moments count and this process must not be busy."""
        try:
            data = os.read(self._fd, 65536)
        except OSError as error:  # the program is gone
            shown = "\n".join(line.rstrip() for line in self.grid.lines()).strip()
            raise TimeoutError(f"it ended:\n{shown}") from error
        self.bytes += len(data)
        if self.keep:
            self.raw += data
        return time.perf_counter(), data

    def show(self, data: bytes) -> None:
        """Put on the screen what was taken, and answer what it asks."""
        self.grid.feed(self._decoder.decode(data))
        while self.grid.asked:
            self._answer(self.grid.asked.pop())

    def _answer(self, question: str) -> None:
        if question.endswith("$p"):
            mode = question.strip("?$p")
            os.write(self._fd, f"\x1b[?{mode};{2 if mode == '2026' else 0}$y".encode())
        elif question.endswith("c"):
            os.write(self._fd, b"\x1b[?62;22c")


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
    return {**known, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **more}
