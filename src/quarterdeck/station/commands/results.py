"""What the station hears of a command: orders, tails, results. Frozen data, no behaviour.

Made by `runs`, `probe` and the runner (as JSON); read by the station's supervision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

__all__ = [
    "Finished",
    "Found",
    "Outcome",
    "Prepared",
    "ProcessNote",
    "Result",
    "RunOutcome",
    "RunnerNote",
    "Seen",
    "StopReport",
    "Tail",
    "nothing_ran",
]

RunOutcome = Literal[
    "exited",
    "signalled",
    "terminated",
    "timeout",
    "refused",
    "not_found",
    "not_executable",
    "failed_to_start",
    "lost",
]
"""`lost`: the runner left no report. With `refused`, `not_found`, `not_executable`, `failed_to_start` nothing ran."""

NOTHING_RAN = frozenset({"refused", "not_found", "not_executable", "failed_to_start"})


class Seen(Struct, frozen=True):
    """A process, as people read of it."""

    pid: int
    owner: str
    command: str


class StopReport(Struct, frozen=True):
    """What became of the step's `stop` argv."""

    exit_code: int | None
    """None where it did not start or did not end in time; negative for a signal."""
    message: str = ""


class Result(Struct, frozen=True):
    """The runner's report. Times: `seconds` monotonic, `*_wall` seconds since 1970, `*_boot_ns` on the boot clock."""

    run: str
    step: str
    outcome: RunOutcome
    message: str = ""
    """For a person; empty where outcome and exit code say everything."""
    exit_code: int | None = None
    signal: int | None = None
    ended_by: Literal["", "halt", "stop", "timeout", "crash"] = ""
    """Why we ended it; empty where it ended by itself."""
    halts: tuple[str, ...] = ()
    """Unanswered halts that the runner saw."""
    seconds: float = 0.0
    started_wall: float = 0.0
    ended_wall: float = 0.0
    started_boot_ns: int = 0
    ended_boot_ns: int = 0
    survivors: tuple[Seen, ...] = ()
    """What still runs although we tried to end it; its owner declares it gone (R6)."""
    left_behind: tuple[Seen, ...] = ()
    """Background processes of a command that ended by itself, without what they started; left alone."""
    output_total: int = 0
    output_cut: int = 0
    """Bytes in the middle that the spool no longer holds."""
    output_error: str = ""
    stop_command: StopReport | None = None

    @property
    def ok(self) -> bool:
        """It ended by itself with exit code 0."""
        return self.outcome == "exited" and self.exit_code == 0

    @property
    def nothing_ran(self) -> bool:
        """Nothing was executed, so its effect is none."""
        return self.outcome in NOTHING_RAN


def nothing_ran(run: str, step: str, outcome: RunOutcome, message: str) -> Result:
    """A result that the station makes itself because no runner made one."""
    return Result(run=run, step=step, outcome=outcome, message=message)


class Prepared(Struct, frozen=True):
    """An order that is written and not yet given; what `step.started` tells."""

    run: str
    step: str
    argv: tuple[str, ...]
    """Whole, with sudo where it is needed."""
    cwd: str
    spool: str
    """Relative to the session's folder."""
    spool_path: Path


class Finished(Struct, frozen=True):
    """A run is over."""

    run: str
    result: Result


class Tail(Struct, frozen=True):
    """The newest output, redacted, not yet safe for a terminal; `total` counts the raw bytes so far."""

    run: str
    text: str
    total: int


class Found(Struct, frozen=True):
    """A run met after a restart (R14); `result` is None while it is alive."""

    run: str
    state: Literal["finished", "alive", "lost"]
    result: Result | None = None


class ProcessNote(Struct, frozen=True):
    """A process in a runner's note."""

    pid: int
    start: int


class RunnerNote(Struct, frozen=True):
    """`runner.json`."""

    run: str
    step: str
    boot: str
    runner: ProcessNote
    started_wall: float
    child: ProcessNote | None = None


class Outcome(Struct, frozen=True):
    """What a short reading command said; `exit_code` is None where it was ended at its timeout or never started."""

    exit_code: int | None
    stdout: str
    stderr: str
    seconds: float
    problem: str = ""
    """Why there is no exit code, for a person."""
    cut: bool = False
    """More than the limit was written; the rest is not here."""
