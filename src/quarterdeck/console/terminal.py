"""A terminal that may vanish: an I/O error on it ends the console instead of spinning or hanging.

Textual's driver dies with a traceback when its terminal is gone, and its writer thread then blocks the app (30
queued writes). Here both end in one call of `vanish`.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver

__all__ = ["vanishing"]


class _SafeFile:
    """A file whose errors are told once, and which takes everything afterwards."""

    def __init__(self, file: Any, gone: Any) -> None:
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


def vanishing(driver: type[Driver]) -> type[Driver]:
    """The same driver, for a terminal that may vanish; others than the one for Unix terminals stay as they are."""
    if driver.__name__ != "LinuxDriver":
        return driver

    class VanishingDriver(driver):  # type: ignore[misc,valid-type]  # made for the class that Textual chose
        """Leaves when its terminal is gone."""

        def __init__(self, app: Any, **options: Any) -> None:
            super().__init__(app, **options)
            self._file: Any = _SafeFile(sys.__stderr__, self._gone)

        def is_gone(self) -> bool:
            """Whether the terminal hung up; then reading from it returns at once, for ever."""
            poll = select.poll()
            poll.register(self.fileno, 0)
            return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))

        def _gone(self) -> None:
            loop = getattr(self, "_loop", None)
            vanish = getattr(self._app, "vanish", None)
            if loop is not None and vanish is not None and not loop.is_closed():
                loop.call_soon_threadsafe(vanish)
            last = threading.Timer(5.0, os.kill, (os.getpid(), signal.SIGKILL))
            last.daemon = True  # only where the app does not manage to leave by itself
            last.start()

        def _run_input_thread(self) -> None:
            try:
                self.run_input_thread()
            except OSError:
                self._gone()
            except BaseException as error:  # noqa: BLE001 - a thread's end: the app writes it down and leaves
                loop = getattr(self, "_loop", None)
                if loop is not None and not loop.is_closed():
                    loop.call_soon_threadsafe(self._app._note_crash, error)

    return VanishingDriver
