"""Check type `command`: a plugin by the Nagios convention.

Exit 0 is ok, 1 warning, 2 critical, 3 unknown; the first line is the message (of stderr, where stdout is empty), and
after `|` comes perfdata: `'label'=value[unit];warn;crit;min;max`. As in Nagios Core an exit code beyond 3 and a
plugin that is not there are critical (`beyond: unknown` makes them unknown, as in Icinga), and a plugin that a signal
ended is unknown. `value[LABEL]` is in base units (`25ms` is 0.025 s), or the text as it was where that cannot be read
as a number. `run_time` is how long the plugin ran, which is no latency of what it looked at.

A plugin that is not done in time is killed with all that it started in its own process group, and is critical.
Its environment is the station's; its output beyond 64 KiB is read and thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import re
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE

from msgspec.structs import replace

from quarterdeck.observer.checks.base import Check, Context, Result, reason_of
from quarterdeck.observer.messages import Status, Value
from quarterdeck.procedure.checks import CommandOptions
from quarterdeck.text import visible

__all__ = ["CommandCheck", "build", "perfdata"]

OUTPUT_CAP = 64 * 1024
_MEANING: dict[int, Status] = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}
_UNSTARTED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EISDIR, errno.ENOEXEC, errno.ELOOP})
"""Why a program cannot be started by its own fault; all else (no memory, no descriptor) is the observer's."""
_HINTS = {126: " (it may not be executable)", 127: " (it may be missing)"}
_PERFDATA = re.compile(r"(?<!\S)(?:'((?:[^']|''){1,200}+)'|([^\s='|]{1,200}))=([^\s;]*)[^\s]*")
"""Labels begin after a blank and are short, so that no output of a plugin takes long to read."""
_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?)([^\d\s][^\s]{0,9})?")
_SIZES = {f"{name}{sign}b": 1024.0**power for power, name in enumerate("kmgtpe", 1) for sign in ("", "i")}
_BITS = {f"{name}bps": 1000.0**power / 8 for power, name in enumerate(("", "k", "m", "g", "t"))}
_UNITS = {
    **dict.fromkeys(("", "c"), ("", 1.0)),
    "%": ("%", 1.0),
    **{unit: ("s", size) for unit, size in (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 1e-3))},
    **{
        unit: ("s", size)
        for unit, size in (
            ("us", 1e-6),
            ("\N{MICRO SIGN}s", 1e-6),
            ("\N{GREEK SMALL LETTER MU}s", 1e-6),
            ("ns", 1e-9),
        )
    },
    **{unit: ("B", size) for unit, size in (("b", 1.0), *_SIZES.items())},
    **{f"{unit}/s": ("B/s", size) for unit, size in (("b", 1.0), *_SIZES.items())},
    **dict.fromkeys(("/s", "c/s"), ("/s", 1.0)),
    **{unit: ("B/s", size) for unit, size in _BITS.items()},
}
"""Units of perfdata in small letters: KB is 1024 bytes there, as the plugins count; bits a second go by thousands."""
_AMBIGUOUS = frozenset({"Kb", "Mb", "Gb", "Tb", "Kb/s", "Mb/s", "Gb/s", "Tb/s", "M"})
"""Written so, some plugins mean bits and some bytes, or millions and not minutes."""
_MOST = 200
"""Values of one plugin that are kept."""
_LINGER = 0.2
"""Seconds to wait for the end of the output after a plugin has ended: a child of its own may hold the pipe."""
_GONE = 0.5
"""Seconds to wait until a killed plugin is gone, so that the next is alone; on a dead disk it may never be."""


def perfdata(text: str) -> tuple[dict[str, Value], dict[str, str], str]:
    """Values by `value[LABEL]`, the base units of those that are numbers, and what is no perfdata or too much of it.

    Kept as text is a value of an unknown unit, or of one that may mean two (`5Mb`), and what is no number (`U`).
    """
    values: dict[str, Value] = {}
    units: dict[str, str] = {}
    for match in _PERFDATA.finditer(text):
        if len(values) >= _MOST:
            return values, units, f"only the first {_MOST} values are kept"
        label = (match[1] or match[2]).replace("''", "'")
        name = f"value[{visible(label, 100)}]"
        value, unit = _quantity(match[3])
        values[name] = value
        if unit:
            units[name] = unit
    left = visible(" ".join(_PERFDATA.sub(" ", text).split()), 60)
    return values, units, f"no perfdata: {left}" if left else ""


def _quantity(text: str) -> tuple[Value, str]:
    number = _NUMBER.fullmatch(text)
    written = (number[2] or "") if number else ""
    found = None if written in _AMBIGUOUS else _UNITS.get(written.lower())
    if number is None or found is None:
        return visible(text, 60), ""
    value = float(number[1].replace(",", ".")) * found[1]
    return (value, found[0]) if math.isfinite(value) else (visible(text, 60), "")


def build(options: CommandOptions, _context: Context) -> Check:
    """A check that runs one process for each sample."""
    return CommandCheck(options.argv, options.cwd or None, options.beyond)


class CommandCheck:
    """Runs the plugin and reads what it says."""

    late: Status = "critical"

    def __init__(self, argv: tuple[str, ...], folder: str | None, beyond: Status) -> None:
        self._argv, self._folder, self._beyond = argv, folder, beyond
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
                stderr=PIPE,
                cwd=self._folder,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            name = visible(self._argv[0], 80)
            missing = isinstance(error, OSError) and error.errno in _UNSTARTED
            status = self._beyond if missing else "unknown"
            return Result(status=status, message=f"{name} cannot be started: {reason_of(error)}")
        try:
            await run.exited.wait()
            took = time.perf_counter() - started
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run.silent.wait(), _LINGER)
        finally:
            _kill_group(transport.get_pid())
            transport.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run.exited.wait(), _GONE)
        code = transport.get_returncode()
        found = self._judge(run.said(1), run.said(2), -1 if code is None else code)
        return replace(found, values={**found.values, "run_time": took})

    def _judge(self, output: str, errors: str, code: int) -> Result:
        lines = output.splitlines()
        first, _, data = lines[0].partition("|") if lines else ("", "", "")
        longer = output.partition("\n")[2].partition("|")[2]
        values, units, unread = perfdata(f"{data} {longer}")
        message = visible(first.strip(), 200)
        if not output:
            message = visible(f"stderr: {errors.partition(chr(10))[0]}" if errors else "it said nothing", 200)
        status = _MEANING.get(code, "unknown" if code < 0 else self._beyond)
        if code not in _MEANING:
            ending = (
                f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}{_HINTS.get(code, '')}"
            )
            message = f"{ending}, which is none of 0 to 3: {message}"
        return Result(
            status=status, values=values, units=units, message=f"{message} ({unread})" if unread else message
        )

    async def close(self) -> None:
        """Nothing is held open."""


class _Run(asyncio.SubprocessProtocol):
    """The output of a run up to its cap, its end, and the end of its output (others may hold the pipes longer)."""

    def __init__(self) -> None:
        self._kept = {1: bytearray(), 2: bytearray()}
        self._open = {1, 2}
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()

    def said(self, fd: int) -> str:
        """What came on stdout (1) or stderr (2), without blank lines before it."""
        return self._kept[fd].decode(errors="replace").lstrip()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._kept[fd].extend(data[: OUTPUT_CAP - len(self._kept[fd])])

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own form
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()


def _kill_group(pid: int) -> None:
    """Kill what is left of the plugin's own session; it is the leader, so its number is the group's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
