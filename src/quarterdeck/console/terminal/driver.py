"""A terminal that may vanish: an I/O error on it ends the console instead of spinning or hanging.

Textual's driver dies with a traceback when its terminal is gone, and its writer thread then blocks the app (30
queued writes). Here both end in one call of the console's `vanish`.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from textual.driver import Driver

__all__ = ["Console", "vanishing"]


class Console(Protocol):
    """What the driver tells of its terminal."""

    is_cut_off: Callable[[], bool]
    """Whether the terminal hung up; the driver puts its own answer here."""

    def vanish(self) -> None:
        """The terminal is gone."""

    def broke(self, error: BaseException) -> None:
        """Reading keys broke on something else."""


class _SafeFile:
    """A file whose errors are reported once, and which takes everything afterwards."""

    def __init__(self, file: Any, gone: Callable[[], None]) -> None:
        self._file, self._gone, self._dead = file, gone, False

    def write(self, text: str) -> int:
        if not self._dead:
            try:
                return int(self._file.write(text))
            except (OSError, ValueError):
                self._die()
        return len(text)

    def flush(self) -> None:
        if not self._dead:
            try:
                self._file.flush()
            except (OSError, ValueError):
                self._die()

    def _die(self) -> None:
        self._dead = True
        self._gone()

    def fileno(self) -> int:
        return int(self._file.fileno())

    def isatty(self) -> bool:
        return bool(self._file.isatty())


def vanishing(driver: type[Driver], console: Console) -> type[Driver]:
    """The same driver, for a terminal that may vanish; others than the one for Unix terminals stay as they are.

    The file that it writes to is private: where there is none by that name, only its reading end is watched.
    """
    if driver.__name__ != "LinuxDriver":
        return driver

    class VanishingDriver(driver):  # type: ignore[misc,valid-type]  # made for the class that Textual chose
        """Leaves when its terminal is gone."""

        def __init__(self, app: Any, **options: Any) -> None:
            super().__init__(app, **options)
            self.console_loop = asyncio.get_running_loop()
            console.is_cut_off = self.is_cut_off
            if hasattr(self, "_file"):
                self._file: Any = _SafeFile(sys.__stderr__, self.gone)

        def is_cut_off(self) -> bool:
            """Whether the terminal hung up; then reading from it returns at once, for ever."""
            poll = select.poll()
            poll.register(self.fileno, 0)
            return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))

        def gone(self) -> None:
            """Leave; where the app does not manage that by itself, be ended."""
            self.tell(console.vanish)
            last = threading.Timer(5.0, os.kill, (os.getpid(), signal.SIGKILL))
            last.daemon = True
            last.start()

        def tell(self, what: Callable[..., None], *arguments: object) -> None:
            """Call this in the app's own thread."""
            if not self.console_loop.is_closed():
                self.console_loop.call_soon_threadsafe(what, *arguments)

        def run_input_thread(self) -> None:
            """Read keys until the end."""
            try:
                super().run_input_thread()
            except OSError:
                self.gone()
            except BaseException as error:  # noqa: BLE001 - a thread's end: the app writes it down and leaves
                self.tell(console.broke, error)

    return VanishingDriver
