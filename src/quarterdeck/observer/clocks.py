"""The clocks of a sample, in one place so that tests can turn them.

Wall time is for people and the record; ages and intervals use the boot clock, which counts suspended time
too and never steps. Called by the observer process and by its client; reads clocks, does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from quarterdeck.host import boot_clock

__all__ = ["Clocks"]


class Clocks(Struct, frozen=True):
    """Wall clock (seconds since the epoch) and boot clock (seconds since the machine started)."""

    wall: Callable[[], float] = time.time
    boot: Callable[[], float] = boot_clock
