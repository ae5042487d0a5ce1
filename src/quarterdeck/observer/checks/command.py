"""Check type `command`: a plugin by the Nagios convention.

Exit 0 is ok, 1 warning, 2 critical, anything else unknown; the first line is the message, and after `|` comes
perfdata: `'label'=value[unit];warn;crit;min;max`. Its latency is the time that it ran; `value[LABEL]` is in base
units (`25ms` is 0.025 s).

A plugin that is not done in time is killed with all that it started in its own process group, and is critical.
Its environment is the station's; its output beyond 64 KiB is read and thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE

from quarterdeck.observer.checks.base import (
    Check,
    Context,
    Result,
    reason_of,
)
from quarterdeck.observer.messages import Status, Value
from quarterdeck.procedure.checks import CommandOptions
from quarterdeck.text import visible

__all__ = ["CommandCheck", "build", "perfdata"]

OUTPUT_CAP = 64 * 1024
_MEANING: dict[int, Status] = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}
_PERFDATA = re.compile(r"(?<!\S)(?:'((?:[^']|''){1,200}+)'|([^\s='|]{1,200}))=([^\s;]*)[^\s]*")
"""Labels begin after a blank and are short, so that no output of a plugin takes long to read."""
_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?)([%a-zA-Zµ]*)")
_UNITS = {
    "": ("", 1.0),
    "c": ("", 1.0),
    "%": ("%", 1.0),
    "s": ("s", 1.0),
    "ms": ("s", 1e-3),
    "us": ("s", 1e-6),
    "µs": ("s", 1e-6),
    "b": ("B", 1.0),
    "kb": ("B", 2.0**10),
    "mb": ("B", 2.0**20),
    "gb": ("B", 2.0**30),
    "tb": ("B", 2.0**40),
    "kib": ("B", 2.0**10),
    "mib": ("B", 2.0**20),
    "gib": ("B", 2.0**30),
    "tib": ("B", 2.0**40),
}
"""Units of perfdata; KB is 1024 bytes there, as the plugins count."""
_LINGER = 0.2
"""Seconds to wait for the end of the output after a plugin has ended: a child of its own may hold the pipe."""


def perfdata(text: str) -> tuple[dict[str, Value], dict[str, str]]:
    """Values by `value[LABEL]` in base units, and those units; what is no number (`U`, `nan`) is left out."""
    values: dict[str, Value] = {}
    units: dict[str, str] = {}
    for match in _PERFDATA.finditer(text):
        label = (match[1] or match[2]).replace("''", "'")
        number = _NUMBER.fullmatch(match[3])
        if number is None or not label.isprintable() or len(label) > 100 or len(values) >= 200:
            continue
        unit, factor = _UNITS.get(number[2].lower(), (None, 1.0))
        value = float(number[1].replace(",", ".")) * factor
        if unit is None or not math.isfinite(value):
            continue
        values[f"value[{label}]"] = value
        if unit:
            units[f"value[{label}]"] = unit
    return values, units


def build(options: CommandOptions, _context: Context) -> Check:
    """A check that runs one process for each sample."""
    return CommandCheck(options.argv, options.cwd or None)


class CommandCheck:
    """Runs the plugin and reads what it says."""

    late: Status = "critical"

    def __init__(self, argv: tuple[str, ...], folder: str | None) -> None:
        self._argv, self._folder = argv, folder
        self.doing = f"{visible(os.path.basename(argv[0]), 40)} is still running"  # noqa: PTH119 - text only

    async def sample(self) -> Result:
        """One run."""
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        try:
            transport, run = await loop.subprocess_exec(
                _Run,
                *self._argv,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=DEVNULL,
                cwd=self._folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            name = visible(self._argv[0], 80)
            return Result(status="unknown", message=f"{name} cannot be started: {reason_of(error)}")
        try:
            await run.exited.wait()
            took = time.perf_counter() - started
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run.silent.wait(), _LINGER)
        finally:
            _kill_group(transport.get_pid())
            transport.close()
        code = transport.get_returncode()
        return _judge(bytes(run.kept), -1 if code is None else code, took)

    async def close(self) -> None:
        """Nothing is held open."""


class _Run(asyncio.SubprocessProtocol):
    """The output of a run up to its cap, its end, and the end of its output (others may hold the pipe longer)."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - the protocol's own form
        self.kept.extend(data[: OUTPUT_CAP - len(self.kept)])

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own form
        self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()


def _kill_group(pid: int) -> None:
    """Kill what is left of the plugin's own session; it is the leader, so its number is the group's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _judge(output: bytes, code: int, latency: float) -> Result:
    text = output.decode(errors="replace")
    lines = text.splitlines()
    first, _, data = lines[0].partition("|") if lines else ("", "", "")
    longer = text.partition("\n")[2].partition("|")[2]
    values, units = perfdata(f"{data} {longer}")
    values["latency"] = latency
    status = _MEANING.get(code, "unknown")
    message = visible(first.strip(), 200)
    if code not in _MEANING:
        ending = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        message = f"{ending}, which is none of 0 to 3" + (f": {message}" if message else "")
    return Result(status=status, values=values, units=units, message=message)
