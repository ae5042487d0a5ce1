"""Lines from stdin for an event loop: it may be a terminal, a pipe or a file, and only a thread reads them all.

Must never wait inside a stream of Python's: the interpreter aborts where a thread holds such a lock when it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable

__all__ = ["feed_lines"]

_PIECE = 65_536


def feed_lines(fd: int, take: Callable[[bytes | None], None]) -> None:
    """Call `take` on the running loop with each line of `fd`, without its end, and with None behind the last one.

    A terminal that vanished has ended. The thread keeps nobody from leaving.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = bytearray()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
            with contextlib.suppress(OSError):
                while piece := os.read(fd, _PIECE):
                    rest += piece
                    if b"\n" in piece:
                        *whole, last = bytes(rest).split(b"\n")
                        rest = bytearray(last)
                        for line in whole:
                            loop.call_soon_threadsafe(take, line)
            if rest:
                loop.call_soon_threadsafe(take, bytes(rest))
            loop.call_soon_threadsafe(take, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
