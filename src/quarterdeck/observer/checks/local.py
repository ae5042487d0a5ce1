"""Check type `local`: the gauges of this host.

Metrics: `cpu`, `memory`, `swap` (%, more is worse); `load1`, `load5`, `load15` (plain, more is worse);
`storage[MOUNT].used` (%, more is worse), `.free`, `.reserved`, `.total` (bytes; of `free` less is worse);
`disk_read`, `disk_write`, `net_in`, `net_out` (bytes a second).

Options: `host` (this host's name, or nothing), `mounts` (paths beside the real mounts). Paths in the target's
bands and in the metrics that conditions use are watched too. A mount that hangs is a finding and a warning.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable

from quarterdeck.observer.checks.base import Check, Context, Options, Result, SettingError, printable
from quarterdeck.observer.gauges import HostGauges
from quarterdeck.observer.readings import Status
from quarterdeck.procedure.model import Target

__all__ = ["LocalCheck", "build", "paths_in"]

_STORAGE = re.compile(r"storage\[(/[^\]]*)\]\.")
_HERE = frozenset({"", "local", "localhost", "127.0.0.1", "::1"})


def paths_in(metrics: Iterable[str]) -> tuple[str, ...]:
    """The mount paths that metric names ask for."""
    matches = (_STORAGE.match(metric) for metric in metrics)
    return tuple(dict.fromkeys(match[1] for match in matches if match))


def build(target: Target, context: Context) -> Check:
    """A check of this host's gauges. Refuses another host's name."""
    options = Options(target)
    host = options.text("host", "")
    mounts = options.texts("mounts")
    options.done()
    name = socket.gethostname()
    if host.lower() not in _HERE | {name.lower(), name.lower().partition(".")[0]}:
        raise SettingError(
            f"{printable(host, 60)} is not this host ({name}); this version watches the gauges of its own host only"
        )
    for path in mounts:
        if not path.startswith("/"):
            raise SettingError(f"`mounts` must be absolute paths, not {printable(path, 60)}")
    return LocalCheck(HostGauges((*mounts, *paths_in(target.bands), *paths_in(context.metrics))))


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
        message = "; ".join(f"mount {printable(path, 80)} does not answer" for path in hung)
        return Result(status="warning", values=values, message=message, finding=message)

    def _unreadable(self) -> str:
        problems = {path: space.problem for path, space in self._gauges.spaces.items() if space.problem}
        return "; ".join(f"{printable(path, 80)}: {problem}" for path, problem in problems.items())

    async def close(self) -> None:
        """Let the mounts' workers go."""
        self._gauges.close()
