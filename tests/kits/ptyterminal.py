"""A real pseudo-terminal with a program on it: keys in, bytes and a screen out; and what may happen to a terminal.

A thread drains it, as a terminal does, unless a test holds it up (`frozen`: Ctrl-S, a dead ssh). Standard library
only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ptyscreen import Screen

__all__ = ["Terminal", "is_halt_shown"]


def is_halt_shown(text: str) -> bool:
    """Whether a screen says that a halt is in force: HALTING while something still runs, then HALTED."""
    return "HALTING" in text or "HALTED" in text


class Terminal:
    """One program on one terminal."""

    def __init__(self, argv: list[str], env: dict[str, str], *, columns: int = 120, rows: int = 36) -> None:
        self.screen = Screen(columns, rows)
        self.raw = bytearray()
        """Every byte that came."""
        self.status: int | None = None
        """The exit code once it ended; a signal's number below zero."""
        self._master, self._slave = pty.openpty()
        self._size(columns, rows)
        self.before = termios.tcgetattr(self._slave)
        self._news = threading.Condition()
        self._open = True
        self._drain = threading.Event()
        self._drain.set()
        name = os.ttyname(self._slave)
        self.pid = os.posix_spawn(
            argv[0],
            argv,
            env,
            setsid=True,  # a new session, whose terminal becomes the first one that it opens
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, name, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ],
        )
        self._thread = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._thread.start()

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while self._open:
            self._drain.wait()
            ready, _, _ = select.select([self._master], [], [], 0.05)
            if not ready or not self._drain.is_set():
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._news:
                self.raw += data
                self.screen.feed(data)
                self._news.notify_all()

    # -- what a person does ----------------------------------------------------------------------------------------

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window: the program gets SIGWINCH."""
        with self._news:
            self.screen.resize(columns, rows)
        self._size(columns, rows)

    def until(self, holds: str | Callable[[str], Any], seconds: float = 45.0) -> float:
        """Wait until a text stands on the screen, or what `holds` says of its text; seconds that it took."""
        shown: Callable[[str], Any] = (lambda text: holds in text) if isinstance(holds, str) else holds
        began = time.monotonic()
        with self._news:
            if not self._news.wait_for(lambda: shown(self.screen.text), seconds):
                wanted = repr(holds) if isinstance(holds, str) else "it"
                pytest.fail(f"waited in vain for {wanted}; exit {self.poll()}; the screen:\n{self.screen.text}")
        return time.monotonic() - began

    def until_raw(self, wanted: bytes, seconds: float = 45.0) -> None:
        """Wait for bytes: programs that paint no screen."""
        with self._news:
            if not self._news.wait_for(lambda: wanted in self.raw, seconds):
                pytest.fail(f"waited in vain for {wanted!r}; exit {self.poll()}; {bytes(self.raw[-2000:])!r}")

    # -- what happens to a terminal --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Ctrl-S: nobody drains it."""
        self._drain.clear()
        try:
            yield
        finally:
            self._drain.set()

    def hang_up(self) -> None:
        """The ssh drops: the kernel sends SIGHUP, and every access is EIO."""
        self._open = False
        self._drain.set()
        self._thread.join(5)
        os.close(self._master)
        self._master = -1

    # -- its program -----------------------------------------------------------------------------------------------

    def kill(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def poll(self) -> int | None:
        """How it ended, or None."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def ended(self, seconds: float = 45.0) -> int:
        """Wait for its end; its exit code."""
        until = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                pytest.fail(f"{self.pid} did not end; the screen:\n{self.screen.text}")
            time.sleep(0.01)
        return code

    def drained(self) -> None:
        """Everything that was written is read."""
        while select.select([self._master], [], [], 0.1)[0]:
            time.sleep(0.01)

    @property
    def attributes(self) -> list[Any]:
        """The terminal's own settings now (echo, canonical, …)."""
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        """End everything."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.ended()
        if self._master >= 0:
            self.hang_up()
        os.close(self._slave)
