"""A second model of the rollback list, written from the rules alone. Times are epoch seconds, durations seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Undo(NamedTuple):
    """An undo step or a verify step (R7). `seconds` is the planned duration in seconds; `owner` None: names none."""

    id: str
    owner: str | None
    seconds: float


class Planned(NamedTuple):
    """A step of `stages`, or an added one (R7, R29). `undo_none`: planned as `undo: {none: why}`."""

    id: str
    owner: str
    mutates: bool
    undo: tuple[Undo, ...]
    undo_none: bool


class RollbackList(NamedTuple):
    """The list of R7. A row of `items`: undo step, step it undoes or "", owner, duration in seconds, asks (R6)."""

    items: tuple[tuple[str, str, str, float, bool], ...]
    stays: tuple[str, ...]
    left_out: frozenset[str]


@dataclass
class _Run:
    """What was told about one step."""

    plan: Planned
    effect: str = "none"
    start: tuple[float, int] | None = None  # latest start (epoch seconds, order of telling)
    granted: bool = False  # granted, the start not confirmed yet
    over: bool = False  # undone, or not begun after all: `start` belongs to what is over

    def implied(self, effect: str) -> None:
        """Take the effect that a state means; of a step that does not mutate no state says anything."""
        if self.plan.mutates:
            self.effect = effect

    def begin(self, start: tuple[float, int]) -> None:
        """Count a start; the latest one stands, whatever the order of telling."""
        self.start = start if self.start is None or self.over else max(self.start, start)
        self.over = False


class RollbackModel:
    """Effects of the steps and the inline rollback list (R6, R7, R29, R30). Events come in the order of telling."""

    def __init__(self, stages: Sequence[Planned], verify: Sequence[Undo]) -> None:
        """Take the steps of `stages` and the rollback's verify steps, both in written order (R7)."""
        self._runs = {step.id: _Run(step) for step in stages}
        self._verify = tuple(verify)
        self._latest, self._told = float("-inf"), 0  # latest time told (epoch seconds), starts and ends told

    def _start_at(self, at: float) -> tuple[float, int]:
        self._told += 1
        self._latest = max(self._latest, at)
        return at, self._told

    def granted(self, step: str, at: float) -> None:
        """Grant the step at `at` (epoch seconds): it counts as started then, its effect unknown (Effect)."""
        run = self._runs[step]
        run.begin(self._start_at(at))
        run.granted = True
        run.implied("unknown")

    def started(self, step: str, at: float) -> None:
        """Start the step at `at` (epoch seconds), or confirm its grant, whose time then stays (Effect)."""
        run, start = self._runs[step], self._start_at(at)
        if not run.granted:
            run.begin(start)
        run.granted = False
        run.implied("unknown")

    def ended(self, step: str, how: str, at: float) -> None:
        """End the step at `at` (epoch seconds); without a start it counts as started then (Effect)."""
        run, start = self._runs[step], self._start_at(at)
        if run.start is None or run.over:
            run.begin(start)
        run.granted = False
        run.implied("full" if how in ("done", "done_manually") else "unknown")

    def skipped(self, step: str) -> None:
        """Skip the step: the effect that is there stays (Effect)."""
        self._runs[step].granted = False

    def declared(self, step: str, effect: str, *, not_begun: bool = False) -> None:
        """Take the effect that the step's owner declares (Effect), or that its work was not begun (R4)."""
        self.corrected(step, "", effect)
        self._runs[step].over |= not_begun

    def corrected(self, step: str, state: str, effect: str) -> None:
        """Correct the state and/or the effect, "" where not stated; a stated effect wins (R30)."""
        run = self._runs[step]
        if run.start is None and (state or effect not in ("", "none")):
            run.begin(self._start_at(self._latest))
        if state:
            run.granted = False
            run.implied("full" if state == "done" else "unknown")
        if effect:
            run.effect = effect

    def added(self, step: Planned, already_done: float | None) -> None:
        """Add a step, done by hand at `already_done` (epoch seconds) or, with None, not started (R29)."""
        self._runs[step.id] = _Run(step)
        if already_done is not None:
            self.ended(step.id, "done_manually", already_done)

    def undone(self, step: str) -> None:
        """Undo this step alone: it is available again, its effect none (Undo this step)."""
        run = self._runs[step]
        run.effect, run.granted, run.over = "none", False, True

    def rollback_list(self) -> RollbackList:
        """Compute the inline list, newest start first, verify steps last; durations in seconds (R6, R7)."""
        changed = [(run.start, run) for run in self._runs.values() if run.effect != "none" and run.start is not None]
        items: list[tuple[str, str, str, float, bool]] = []
        stays: list[str] = []
        for _, run in sorted(changed, key=lambda pair: pair[0], reverse=True):
            plan, asks = run.plan, run.effect in ("partial", "unknown")
            if plan.undo_none or not plan.undo:
                stays.append(plan.id)
            else:
                items += [(undo.id, plan.id, undo.owner or plan.owner, undo.seconds, asks) for undo in plan.undo]
        if items or stays:
            items += [(check.id, "", check.owner or "lead", check.seconds, False) for check in self._verify]
        left_out = frozenset(name for name, run in self._runs.items() if run.effect == "none")
        return RollbackList(tuple(items), tuple(stays), left_out)
