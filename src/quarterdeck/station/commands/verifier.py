"""Reading a step's verify items: commands, checks, gauges and recorded values, three-valued.

It only reads, and it never judges a step: the proofs go to the session. A check or gauge counts only from a reading
that was taken after the reading began, since an ok from before a restart proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from quarterdeck.errors import QuarterdeckError
from quarterdeck.host import boot_clock
from quarterdeck.matcher import NotSearchedError
from quarterdeck.procedure.expectations import describe, holds
from quarterdeck.procedure.model import Expect, Step, VerifyItem
from quarterdeck.procedure.parameters import substitute_expect
from quarterdeck.procedure.quantities import Quantity
from quarterdeck.session.parts import Proof
from quarterdeck.session.state import Session
from quarterdeck.station.commands.probe import read_once
from quarterdeck.station.commands.recorded import CUT
from quarterdeck.station.commands.values import Values
from quarterdeck.station.recent_readings import History
from quarterdeck.text import visible

__all__ = ["Verifier"]

COMMAND_PATIENCE = 60.0
"""Seconds that one reading command may take; `within` shortens it."""
LONGEST = 200
"""Characters of what was read that a proof keeps."""
LOOK = 0.25
"""Seconds between two looks whether a fresh reading came."""


class _Read(NamedTuple):
    ok: bool | None
    said: str


class Verifier:
    """Reads verify items for one session."""

    def __init__(self, history: History, values: Values) -> None:
        self._history, self._values = history, values

    async def read(self, session: Session, step: Step, env: Mapping[str, str]) -> tuple[Proof, ...]:
        """All verify items of a step, one after the other, in written order. `env` is the commands' environment."""
        return tuple([await self.item(session, step, item, env) for item in step.verify])

    async def item(
        self, session: Session, step: Step, item: VerifyItem, env: Mapping[str, str], *, fresh: bool = True
    ) -> Proof:
        """One item, again and again until it holds or its `within` is over.

        `fresh`: checks and gauges wait for a reading that is newer than this call.
        """
        loop = asyncio.get_running_loop()
        began, since = loop.time(), boot_clock() if fresh else 0.0
        while True:
            left = item.within - (loop.time() - began)
            read = await self._once(session, step, item, env, since, left)
            left = item.within - (loop.time() - began)
            if read.ok is True or left <= 0:
                said = self._values.clean(read.said)
                return Proof(self._title(item), read.ok, _short(said))
            await asyncio.sleep(min(max(item.every, 0.1), left))

    async def _once(
        self, session: Session, step: Step, item: VerifyItem, env: Mapping[str, str], since: float, left: float
    ) -> _Read:
        try:
            values = self._values.of(session, step, secrets=True)
            expect = substitute_expect(item.expect, values) if item.expect is not None else None
            if item.command:
                argv = self._values.argv(session, item.command, values)
                patience = min(COMMAND_PATIENCE, left) if left > 1 else COMMAND_PATIENCE
                return await self._command(argv, expect, patience, env, step.cwd)
        except QuarterdeckError as error:
            return _Read(None, error.message)
        if item.check:
            await self._newer(item.check, since)
            return await self._check(item.check, expect, since)
        if item.gauge:
            await self._newer(item.gauge.partition(".")[0], since)
            return await self._gauge(item.gauge, expect, since)
        return await _value(session, step, item.value, expect)

    async def _command(
        self, argv: list[str], expect: Expect | None, patience: float, env: Mapping[str, str], cwd: str
    ) -> _Read:
        outcome = await read_once(argv, patience, env, cwd or env.get("HOME", "/"))
        if outcome.exit_code is None:
            return _Read(None, outcome.problem)
        said = outcome.stdout.strip() or outcome.stderr.strip()
        if expect is None or expect.op == "exit_code":
            wanted = expect or Expect(op="exit_code", value="0")
            ok = holds(wanted, float(outcome.exit_code))
            return _Read(
                ok, said if ok and said else f"exit code {outcome.exit_code}" + (f": {said}" if said else "")
            )
        if outcome.exit_code != 0:
            return _Read(None, f"exit code {outcome.exit_code}" + (f": {said}" if said else ""))
        read = await _judged(expect, outcome.stdout.strip(), outcome.stdout.strip() or "nothing")
        found = expect.op == "matches" and read.ok is True  # a match is one, whatever came after it
        return _Read(None, CUT) if outcome.cut and not found else read

    async def _check(self, target: str, expect: Expect | None, since: float) -> _Read:
        reading = self._history.latest(target)
        if reading is not None and reading.boot - reading.took < since:
            return _Read(None, "no reading since")
        ok, said = self._history.status(target)
        if expect is None or (reading is None or ok is None):
            return _Read(ok, said)
        return await _judged(expect, reading.status, said)

    async def _gauge(self, metric: str, expect: Expect | None, since: float) -> _Read:
        reading = self._history.latest(metric.partition(".")[0])
        if reading is not None and reading.boot - reading.took < since:
            return _Read(None, "no reading since")
        value = self._history.value(metric)
        if value is None or expect is None:
            return _Read(None, "nothing was read" if value is None else f"{value}, and nothing is expected of it")
        return await _judged(expect, value, str(value))

    async def _newer(self, target: str, since: float) -> None:
        """Wait for a reading that began after `since`; at most two intervals and a timeout."""
        if not since:
            return
        reading = self._history.latest(target)
        patience = 2 * reading.interval + reading.took + 2 if reading is not None else 15.0
        until = asyncio.get_running_loop().time() + patience
        while asyncio.get_running_loop().time() < until:
            reading = self._history.latest(target)
            if reading is not None and reading.boot - reading.took >= since:
                return
            await asyncio.sleep(LOOK)

    def _title(self, item: VerifyItem) -> str:
        if item.title:
            return item.title
        what = " ".join(item.command) or item.check or item.gauge or item.value
        wanted = "ok" if item.check and item.expect is None else describe(item.expect)
        return _short(f"{self._values.clean(what)}: {wanted}", 120)


async def _value(session: Session, step: Step, name: str, expect: Expect | None) -> _Read:
    owner, _, field = name.rpartition(".")
    run = session.steps.get(owner or step.id)
    text = run.values.get(field) if run is not None else None
    if text is None:
        return _Read(None, "not recorded")
    if expect is None:
        return _Read(True, text)
    assert session.plan is not None
    unit = next((record.unit for record in session.plan.steps[owner or step.id].record if record.name == field), "")
    return await _judged(expect, text, text, unit)


async def _judged(expect: Expect, reading: str | float | Quantity, said: str, unit: str = "") -> _Read:
    """Held against what is expected, in a thread: a pattern may take its time."""
    try:
        return _Read(await asyncio.to_thread(holds, expect, reading, unit), said)
    except NotSearchedError as why:
        return _Read(None, f"{why}: {said}")


def _short(text: str, most: int = LONGEST) -> str:
    return visible(" ".join(text.split()), most)
