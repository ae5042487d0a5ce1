"""What a record costs that is large: the verbs `export` and `verify` on long nights, in processes of their own.

A process says itself what it took: the kernel's own number (`ru_maxrss`) counts the process too that started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench.measure import Measurement, Row
from tests.bench.watched import watched_night
from tests.bench.world import ME, compiled, opening, put, world

from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.session.events import Draft, SessionEnded, SessionStarted, StepDone, StepGranted, StepStarted
from quarterdeck.station.journal import moment

__all__ = ["MEASUREMENTS"]

ENDPOINTS = 200
BATCHES_AN_HOUR = 720
LINEAR = 2.2
"""What twice as much may cost."""

_RUN = """
import sys, time
from pathlib import Path
from quarterdeck.cli import main
code = main()
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
sys.stderr.write(f"{time.process_time()} {peak}")
sys.exit(code)
"""


class Cost(NamedTuple):
    """What a verb took."""

    cpu: float
    """Seconds."""
    memory: float
    """MB at most."""


def _cost(home: Path, *words: str) -> Cost:
    command, env = [sys.executable, "-c", _RUN, *words], {**os.environ, "QUARTERDECK_HOME": str(home)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    cpu, peak = done.stderr.split()[-2:]
    return Cost(float(cpu), int(peak) * 1024 / 1e6)


def _samples(quick: bool) -> list[Row]:
    """200 endpoints, each read every 5 s, for 6 hours and for half of them."""
    batches = BATCHES_AN_HOUR * 6 // (24 if quick else 1)
    with world() as home:
        half, whole, record = home / "half", home / "whole", home / "record"
        watched_night(half, ENDPOINTS, batches // 2)
        watched_night(whole, ENDPOINTS, batches)
        less = _cost(half, "export", "kfwz", "-o", str(home / "less"))
        cost = _cost(whole, "export", "kfwz", "-o", str(record))
        page = next(record.glob("*.html")).stat().st_size / 1e6
        checked = _cost(whole, "verify", str(record))
    what = f"{ENDPOINTS} endpoints for {batches / BATCHES_AN_HOUR:g} hours"
    return [
        Row(row="export-samples", what=f"export of {what}, memory", ours=cost.memory, unit="MB", mark=150),
        Row(row="export-samples-html", what=f"its page, of {what}", ours=page, unit="MB", mark=3),
        Row(
            row="export-samples-growth", what=f"export of {what}, CPU", ours=cost.cpu, unit="s",
            reference=less.cpu, against="half as long", mark=LINEAR,
        ),
        Row(row="verify-samples", what=f"verify of {what}, memory", ours=checked.memory, unit="MB", mark=150),
    ]  # fmt: skip


def _worked(home: Path, steps: int) -> None:
    """A session in which so many steps were done."""
    folder = home / "sessions" / "2026-11-29-many-steps-kfwz"
    log = SessionLog.open(folder, session_id=folder.name, actor=ME, moment=moment)
    drafts = [*opening(compiled(steps)), Draft(SessionStarted(start=0.0, end=1e6, reserve=600, warn=900))]
    for number in range(1, steps + 1):
        each = StepGranted(to=ME.login), StepStarted(), StepDone()
        drafts += [Draft(what, f"step-{number}", 1) for what in each]
    put(log, [*drafts, Draft(SessionEnded(outcome="completed"))])
    log.close()


def _steps(quick: bool) -> list[Row]:
    count = 100 if quick else 1_000
    with world() as home:
        _worked(home / "few", count)
        _worked(home / "many", 2 * count)
        few, many = (_cost(home / each, "export", "kfwz", "-o", str(home / each / "out")) for each in ("few", "many"))
    return [
        Row(
            row="export-steps-growth", what=f"export of {2 * count:,} steps, CPU", ours=many.cpu, unit="s",
            reference=few.cpu, against="half as many", mark=LINEAR,
        )
    ]  # fmt: skip


MEASUREMENTS = (
    Measurement(("export-samples", "export-samples-html", "export-samples-growth", "verify-samples"), _samples),
    Measurement(("export-steps-growth",), _steps),
)
