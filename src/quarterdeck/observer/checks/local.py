"""Check type `local`: the gauges of this host.

Watched are the real mounts, the `mounts` of the target, and the paths in its bands and in the metrics that conditions
use. A mount that hangs is a finding and a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from quarterdeck.host import ThisMachine, host_names
from quarterdeck.observer.checks.base import Check, Context, Result, SettingError
from quarterdeck.observer.gauges import HostGauges
from quarterdeck.observer.messages import Status
from quarterdeck.procedure.checks import LocalOptions
from quarterdeck.text import visible

__all__ = ["LocalCheck", "build", "paths_in"]

_STORAGE = re.compile(r"storage\[(/[^\]]*)\]\.")


def paths_in(metrics: Iterable[str]) -> tuple[str, ...]:
    """The mount paths that metric names ask for."""
    matches = (_STORAGE.match(metric) for metric in metrics)
    return tuple(dict.fromkeys(match[1] for match in matches if match))


def build(options: LocalOptions, context: Context) -> Check:
    """A check of this host's gauges. Refuses another host's name, which lint cannot know to be another's."""
    if options.host and options.host.lower() not in ThisMachine().names:
        raise SettingError(
            f"{visible(options.host, 60)} is not this host ({host_names().short}); "
            "this version watches the gauges of its own host only"
        )
    return LocalCheck(HostGauges((*options.mounts, *paths_in(context.metrics))))


class LocalCheck:
    """Reads the gauges; takes well under a millisecond, so it runs in the loop itself."""

    doing = "reading the gauges"
    late: Status = "unknown"

    def __init__(self, gauges: HostGauges) -> None:
        self._gauges = gauges

    async def sample(self) -> Result:
        """All gauges; a warning while a mount hangs."""
        values = self._gauges.sample()
        hung = {path: space.hung_for for path, space in self._gauges.spaces.items() if space.hung_for}
        if not hung:
            return Result(status="ok", values=values, message=self._unreadable())
        message = "; ".join(f"mount {visible(path, 80)} does not answer" for path in hung)
        return Result(status="warning", values=values, message=message, finding=message)

    def _unreadable(self) -> str:
        problems = {path: space.problem for path, space in self._gauges.spaces.items() if space.problem}
        return "; ".join(f"{visible(path, 80)}: {problem}" for path, problem in problems.items())

    async def close(self) -> None:
        """Let the mounts' workers go."""
        self._gauges.close()
