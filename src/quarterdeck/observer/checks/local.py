"""Check type `local`: the gauges of this host.

Watched are the real mounts, the `mounts` of the target, and the paths in its bands and in the metrics that conditions
use. A mount that is none any more is critical. One that hangs, has become read-only or has no inode left is a
warning. All of them are findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from quarterdeck.host import ThisMachine, host_names
from quarterdeck.observer.checks.base import Check, Context, Result, SettingError
from quarterdeck.observer.gauges import HostGauges
from quarterdeck.observer.messages import Status
from quarterdeck.observer.mounts import SpaceReading
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
    return LocalCheck(HostGauges(paths_in(context.metrics), listed=options.mounts))


class LocalCheck:
    """Reads the gauges; takes well under a millisecond, so it runs in the loop itself."""

    doing = "reading the gauges"
    late: Status = "unknown"

    def __init__(self, gauges: HostGauges) -> None:
        self._gauges = gauges
        self._read_only: dict[str, bool] = {}
        """Whether a path was read-only when it was read first."""

    async def sample(self) -> Result:
        """All gauges, with what is wrong with mounts."""
        values = self._gauges.sample()
        spaces = self._gauges.spaces
        gone = [f"{visible(path, 200)} {each.problem}" for path, each in spaces.items() if each.is_gone]
        troubles = [text for path, each in spaces.items() for text in self._troubles(path, each)]
        message = "; ".join(gone + troubles)
        if not message:
            return Result(status="ok", values=values, message=self._unreadable())
        return Result(status="critical" if gone else "warning", values=values, message=message, finding=message)

    def _troubles(self, path: str, reading: SpaceReading) -> Iterator[str]:
        shown = visible(path, 200)
        if reading.hung_for:
            yield f"mount {shown} does not answer"
        if reading.space is not None:
            before = self._read_only.setdefault(path, reading.space.read_only)
            if reading.space.read_only and not before:
                yield f"{shown} has become read-only"
            if reading.space.inodes_share == 100.0 and not reading.space.read_only:
                yield f"{shown} has no inode left: no file can be made"

    def _unreadable(self) -> str:
        problems = {path: space.problem for path, space in self._gauges.spaces.items() if space.problem}
        return "; ".join(f"{visible(path, 200)}: {problem}" for path, problem in problems.items())

    async def close(self) -> None:
        """Let the mounts' workers go."""
        self._gauges.close()
