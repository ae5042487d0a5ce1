"""One target being watched: its schedule, its check, its history. Runs as one task of the observer's loop.

Fixed rate: tick n is due at `start + phase + n * every`, whatever a sample took; ticks that fall into a sample
are skipped and counted, so at most one request is in flight. A wrong set-up, a late answer and a fault of a check
itself all become unknown or critical readings: a sampler never dies of what it watches.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from quarterdeck.host import Clocks
from quarterdeck.observer.checks import build
from quarterdeck.observer.checks.base import Check, Context, Result, SettingError
from quarterdeck.observer.messages import Finding, Reading, Status
from quarterdeck.observer.status import History, Levels, Rule, advance, band, flags_of, target_levels, worst
from quarterdeck.procedure.model import Target
from quarterdeck.spans import measured
from quarterdeck.text import visible

__all__ = ["MAX_LAG", "LagWatch", "Sampler"]

MAX_LAG = 0.1
"""Seconds that the loop may be late before what was measured meanwhile is left out of statistics."""


class LagWatch(Protocol):
    """Knows how late the loop was."""

    def worst_since(self, moment: float) -> float:
        """Worst lateness in seconds since a moment of the loop's clock, the present one included."""


class _Taken(Struct, frozen=True):
    """A sample with what was measured around it."""

    result: Result
    took: float
    lagged: bool


class Sampler:
    """Watches one target until it is cancelled."""

    def __init__(
        self,
        context: Context,
        target: Target,
        *,
        send: Callable[[Reading | Finding], None],
        lag: LagWatch,
        clocks: Clocks,
    ) -> None:
        self.target = target
        self.context = context
        self.skipped = 0
        """Ticks skipped since the observer's health was reported last; the caller resets it."""
        self._send, self._lag, self._clocks = send, lag, clocks
        self._history = History()
        self._rule = Rule(target.failure_threshold, target.success_threshold)
        self._bands: dict[str, Status] = {}
        self._levels: dict[str, Levels] = {}
        self._check: Check | None = None
        self._problem = ""
        self._finding = ""
        self._max_age = target.stale_after

    async def run(self, phase: float) -> None:
        """Sample at a fixed rate, the first time in `phase` seconds."""
        loop = asyncio.get_running_loop()
        every = self.target.every
        due = start = loop.time() + phase
        tick = 0
        try:
            while True:
                await asyncio.sleep(due - loop.time())
                if due >= start + tick * every:
                    tick += 1
                taken = await self._take(due)
                passed = math.floor((loop.time() - start) / every) + 1
                skipped, tick = max(0, passed - tick), max(tick, passed)
                self.skipped += skipped
                self._tell(taken, skipped)
                due = start + tick * every
                if self._history.pending and self.target.retry_interval:
                    due = min(due, loop.time() + self.target.retry_interval)
        finally:
            if self._check is not None:
                await self._check.close()

    def set_up(self) -> None:
        """Make the check; what is wrong with it becomes this target's reading."""
        try:
            self._levels = target_levels(self.target)
            self._check = build(self.target, self.context)
        except SettingError as error:
            self._problem = str(error)
        except Exception as error:  # noqa: BLE001 - the boundary of a check: its fault must not end the others
            self._problem = f"this check cannot be set up ({type(error).__name__})"

    async def _take(self, due: float) -> _Taken:
        """One sample within its timeout; a stale reading goes out meanwhile where the timeout is the longer one."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._check is None:
            return _Taken(Result(status="unknown", message=self._problem), 0.0, False)
        stale = loop.call_later(self._max_age, self._tell_stale) if self.target.timeout > self._max_age else None
        try:
            result = await self._within_timeout(self._check)
        finally:
            if stale is not None:
                stale.cancel()
        late_start = began - due > MAX_LAG
        return _Taken(result, loop.time() - began, late_start or self._lag.worst_since(began) > MAX_LAG)

    async def _within_timeout(self, check: Check) -> Result:
        timeout = self.target.timeout
        try:
            async with asyncio.timeout(timeout):
                return await check.sample()
        except TimeoutError:
            doing = f" ({check.doing})" if check.doing else ""
            return Result(status=check.late, message=f"not done within {measured(timeout)}{doing}")
        except Exception as error:  # noqa: BLE001 - the boundary of a check: its fault must not end the others
            return Result(status="unknown", message=f"the check itself failed ({type(error).__name__})")

    def _judge(self, result: Result) -> tuple[Status, str]:
        """The status of a sample with its bands, and why."""
        reasons = [result.message] if result.message else []
        statuses = [result.status]
        for metric, levels in self._levels.items():
            value = result.values.get(metric)
            if metric == "cpu" and value is None and not self._history.recent:
                continue  # the first sample of a rate has none, and says nothing
            found = band(value, levels, self._bands.get(metric, "ok"))
            if found != "unknown":
                self._bands[metric] = found
            statuses.append(found)
            if found != "ok":
                reasons.append(f"{metric} {'cannot be read' if found == 'unknown' else found}")
        return worst(statuses), visible("; ".join(reasons), 300)

    def _tell(self, taken: _Taken, skipped: int) -> None:
        result = taken.result
        raw, message = self._judge(result)
        self._history = advance(self._history, raw, self._rule)
        self._tell_finding(result)
        self._send(
            Reading(
                target=self.context.name,
                at=self._clocks.wall(),
                boot=self._clocks.boot(),
                status=self._history.status,
                raw=raw,
                flags=flags_of(self._history, lagged=taken.lagged),
                values={**result.values, "status": self._history.status},
                units=result.units,
                message=message,
                took=taken.took,
                interval=self.target.every,
                max_age=self._max_age,
                skipped=skipped,
            )
        )

    def _tell_stale(self) -> None:
        """While a sample is still under way and the one before is too old: unknown, and said so."""
        self._send(
            Reading(
                target=self.context.name,
                at=self._clocks.wall(),
                boot=self._clocks.boot(),
                status="unknown",
                raw="unknown",
                flags=flags_of(self._history, stale=True),
                values={"status": "unknown"},
                message=f"no result for {measured(self._max_age)}; a sample is still under way",
                took=self._max_age,
                interval=self.target.every,
                max_age=self._max_age,
            )
        )

    def _tell_finding(self, result: Result) -> None:
        if result.finding == self._finding:
            return
        text = result.finding or f"over: {self._finding}"
        what = "mount_hung" if result.finding else "mount_back"
        self._finding = result.finding
        self._send(
            Finding(
                at=self._clocks.wall(),
                boot=self._clocks.boot(),
                what="mount_hung" if what == "mount_hung" else "mount_back",
                text=text,
                target=self.context.name,
            )
        )
