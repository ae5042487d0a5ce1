"""How long one list's work still takes, by its `after`: the longest chain of what is ahead, kept from event to event.

Built from the plan and the runs; an event changes the chains that its step stands in, no others. Knows no time: those
that read it (`forecast`) add it to theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from quarterdeck.session.plan import Plan
from quarterdeck.session.ranked import Ranked
from quarterdeck.session.step_run import FINISHED, LIVE, StepRun

__all__ = ["Path"]


class Path:
    """The chains of one list: the forward plan, or the closing."""

    def __init__(self, plan: Plan, part: Sequence[str], runs: Mapping[str, StepRun]) -> None:
        """A step that names a later one in `after` counts from when that one is known, as `order` has it."""
        self.order = _sorted(plan, part)
        """The list's steps, each behind those in its `after`."""
        at = {identity: number for number, identity in enumerate(self.order)}
        steps = self._steps = {identity: plan.steps[identity] for identity in self.order}
        self.before = {i: tuple(a for a in steps[i].after if at.get(a, len(at)) < at[i]) for i in self.order}
        """Each step's `after`, as far as it counts here."""
        self._behind: dict[str, list[str]] = {}
        for identity, after in self.before.items():
            for one in after:
                self._behind.setdefault(one, []).append(identity)
        self.planned: dict[str, float] = {}
        """Seconds from the list's begin to each step's end, as planned."""
        for identity in self.order:
            begin = max((self.planned[a] for a in self.before[identity]), default=0.0)
            self.planned[identity] = begin + steps[identity].duration
        self._tails: dict[str, float] = {}
        """Of what is ahead: seconds from a step's start to the end of all that hangs on it."""
        self._longest, self._ended = Ranked(), Ranked()
        self._live: dict[str, float] = {}
        """What goes on: seconds of all that hangs on it and is ahead."""
        for identity in reversed(self.order):
            self._put(identity, runs[identity])

    def put(self, run: StepRun) -> None:
        """Look at a step of this list again."""
        if self._put(run.id, run):
            changed = [run.id]
            while changed:
                changed += [one for one in self.before[changed.pop()] if self._work_out(one)]

    def end(self, begin: float, now: float, rest: Callable[[str], float]) -> float:
        """When all of it is through, where nothing of it can start before `begin`; minus infinity for no steps.

        `rest`: seconds that a step which goes on still takes from `now`.
        """
        ends = [now + rest(identity) + after for identity, after in self._live.items()]
        if self._longest.highest is not None:
            ends.append(begin + self._longest.highest[0])
        if self._ended.highest is not None:
            ends.append(self._ended.highest[0])
        return max(ends, default=float("-inf"))

    def _put(self, identity: str, run: StepRun) -> bool:
        """Take in what a step is now; whether what it comes after has to be worked out again."""
        over = run.state in FINISHED and run.ended is not None
        live = not over and run.state in LIVE and run.started is not None
        self._ended.put(identity, (run.ended,) if over and run.ended is not None else None)
        before = self._tails.pop(identity, 0.0)
        self._live.pop(identity, None)
        if live:
            self._live[identity] = 0.0
        elif not over:
            self._tails[identity] = 0.0
        self._work_out(identity)
        self._longest.put(identity, (self._tails[identity],) if identity in self._tails else None)
        return before != self._tails.get(identity, 0.0)

    def _work_out(self, identity: str) -> bool:
        """Add up what hangs on a step; whether that changed for what it comes after."""
        if identity not in self._tails and identity not in self._live:
            return False
        after = max((self._tails.get(one, 0.0) for one in self._behind.get(identity, ())), default=0.0)
        if identity in self._live:
            self._live[identity] = after
            return False
        tail = after + self._steps[identity].duration
        changed = tail != self._tails[identity]
        self._tails[identity] = tail
        self._longest.put(identity, (tail,))
        return changed


def _sorted(plan: Plan, part: Sequence[str]) -> list[str]:
    """The part sorted so that a step comes behind those in its `after` (stable)."""
    inside, done, result = set(part), set[str](), list[str]()
    waiting = list(part)
    while waiting:
        left = []
        for identity in waiting:
            if all(a not in inside or a in done for a in plan.steps[identity].after):
                result.append(identity)
                done.add(identity)
            else:
                left.append(identity)
        if len(left) == len(waiting):
            return result + waiting
        waiting = left
    return result
