"""Which steps matter now: kept from event to event, so that a session costs what changed and not what there is.

What an event touched is looked at again when somebody reads next, and nothing else is (`Session.index`). An index is
no part of the state: it is a function of it, the same one whether it was kept or is made anew, and every one equals
every other. Never holds what depends on the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from quarterdeck.procedure.model import Step
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.path import Path
from quarterdeck.session.plan import Plan
from quarterdeck.session.ranked import Ranked
from quarterdeck.session.step_run import ENDED_BADLY, FINISHED, LIVE, Poll, StepRun

__all__ = ["Index"]

T = TypeVar("T")
KEPT = 256
"""Looks at steps that are remembered (`Index.since`)."""


class Index:
    """One session's steps, by what they are now."""

    __hash__ = None  # type: ignore[assignment]  # it stands in a session, which has none either

    def __init__(self) -> None:
        self._touched: set[str] = set()
        self._log = deque[str](maxlen=KEPT)
        self.looks = 0
        """How many looks at steps there were: a mark for `since`."""
        self._known: dict[str, Any] = {}
        self._of_plan: dict[str, Any] = {}
        self._plan: Plan | None = None
        self._due: Sequence[UndoItem] = ()
        self._make({}, {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Index)

    def __repr__(self) -> str:
        return "Index()"

    def touch(self, step: str) -> None:
        """Something happened, to this step (an empty id is none): it is looked at again."""
        self._touched.add(step)
        if self._known:
            self._known = {}

    def fresh(
        self,
        plan: Plan | None,
        steps: Mapping[str, StepRun],
        polls: Mapping[str, Poll],
        due: Sequence[UndoItem],
    ) -> Index:
        """It, as these are now: `steps` and `polls` are the session's own, `due` the committed rollback's list."""
        if plan is not self._plan or due is not self._due:
            self._plan, self._due = plan, due
            self._make(steps, polls)
        elif self._touched:
            for identity in self._touched:
                if identity in self._seats:
                    self._take(steps[identity], polls.get(identity))
                    self._log.append(identity)
                    self.looks += 1
        self._touched.clear()
        return self

    def since(self, looks: int) -> list[str] | None:
        """The steps that were touched since so many looks; None where it may be any."""
        news = self.looks - looks
        return list(self._log)[len(self._log) - news :] if 0 <= news <= len(self._log) else None

    def of(self, name: str, work: Callable[[], T]) -> T:
        """The reading of this name, worked out at most once between two events; never what depends on the time."""
        if name not in self._known:
            self._known[name] = work()
        found: T = self._known[name]
        return found

    def of_plan(self, name: str, work: Callable[[], T]) -> T:
        """The same of what the plan alone says, worked out at most once for each plan."""
        if name not in self._of_plan:
            self._of_plan[name] = work()
        found: T = self._of_plan[name]
        return found

    # -- making it

    def _make(self, steps: Mapping[str, StepRun], polls: Mapping[str, Poll]) -> None:
        self._steps, self._of_plan, plan = steps, {}, self._plan
        self._log.clear()
        self.looks += 1
        lists: dict[str, Iterable[str]] = {"due": [item.step for item in self._due]}
        if plan is not None:
            lists = {
                "stages": plan.forward,
                "preconditions": plan.preconditions,
                "contingency": plan.contingency,
                "closing": plan.closing,
                **lists,
                "rest": plan.steps,
            }
        self.places: dict[str, int] = {}
        """Where each step stands, all lists behind one another; undo steps as the rollback in force has them."""
        self.parts: dict[str, range] = {}
        """Each list's places: `stages`, `preconditions`, `contingency`, `closing`, and the rollback's, `due`."""
        for name, listed in lists.items():
            begin = len(self.places)
            for identity in listed:
                self.places.setdefault(identity, len(self.places))
            self.parts[name] = range(begin, len(self.places))
        self.due = {item.step: item for item in self._due}
        """The committed rollback's items, by their step."""
        self.due_owners = tuple(dict.fromkeys(item.owner for item in self._due))
        """Who has to undo something of it, in its order."""
        self._seats = {identity: seat for seat, identity in enumerate(steps)}

        # by their places
        self.unfinished, self.skipped, self.awaiting = Ranked(), Ranked(), Ranked()
        """Not through; left out; whose sign-off is awaited."""
        self.undone = Ranked()
        """Done once, and undone since."""
        self.ready, self.by_itself, self.may_be_skipped = Ranked(), Ranked(), Ranked()
        """Not begun, and nothing before them is open; of these (and of those that are tried again) what starts by
        itself; and of these what may be left out."""
        self.trouble = Ranked()
        """Verifying, ended badly, or not proven gone."""

        # by their starts
        self.running, self.working = Ranked(), Ranked()
        """What keeps a halt from being over; and what goes on (`LIVE`)."""
        self.begun = Ranked()
        """Everything that was ever begun, by when that was last."""
        self.changed = Ranked()
        """Forward steps with an effect that is there: what a rollback undoes, from the last one on (R7)."""

        self.verified = Ranked()
        """Done forward steps with verifications, by when they were done."""

        # by their seats: the order of the session's steps
        self.unknown, self.asked, self.unproven, self.left = Ranked(), Ranked(), Ranked(), Ranked()
        """Of an unknown effect; asked how far they were at the halt; not proven gone; that left something running."""
        self.recorded, self.retried, self.polled = Ranked(), Ranked(), Ranked()
        """With recorded values; that are tried again by themselves; whose poll is open."""
        self.read_again = Ranked()
        """Begun, with verifications: those being verified first, then the last begun."""

        self.undo_nanoseconds = self.undo_steps = self.undo_by_hand = 0
        """Of what a rollback would undo: planned time; how many undo steps; those of them that a person starts."""
        self.due_nanoseconds = 0
        """Planned time of what is left of the committed rollback."""
        self.attempts: dict[str, str] = {}
        """The step of each run of a command, by the run's id."""
        self.preview: Any = None
        """The rollback's list as it would be now: `rollback` puts it here; it goes when anything of it changes."""
        self._looks: dict[str, tuple[object, ...]] = {}
        self._waits: dict[str, int] = {}
        self._open = set(steps)
        """Steps that do not meet an `after`."""
        self.paths: dict[str, Path] = {}
        """How long forward plan (`stages`) and `closing` still take."""
        if plan is not None:
            self._waits = {
                i: sum(1 for a in step.after if a in steps) for i, step in plan.steps.items() if step.after
            }
            self.paths = {
                "stages": Path(plan, plan.forward, steps),
                "closing": Path(plan, plan.closing, steps),
            }
        for identity in dict.fromkeys([*self.places, *steps]):
            run = steps[identity]
            if identity in self.places and identity not in polls and run == StepRun(identity):
                self._take_turn(run)  # nothing has happened to it: most steps of a long plan
            else:
                self._take(run, polls.get(identity), anew=True)

    def _take(self, run: StepRun, poll: Poll | None, *, anew: bool = False) -> None:
        """Look at one step again."""
        identity, state = run.id, run.state
        seat = (self._seats[identity],)
        start = (run.sequence, *seat)
        self.running.put(identity, start if state in {"granted", "running"} or run.unproven else None)
        self.working.put(identity, start if state in LIVE else None)
        self.unknown.put(identity, seat if run.effect == "unknown" else None)
        self.asked.put(identity, seat if run.question_at_halt else None)
        self.unproven.put(identity, seat if run.unproven else None)
        left = any((each.left or each.left_open) and not each.left_answer for each in run.runs)
        self.left.put(identity, seat if left else None)
        self.recorded.put(identity, seat if run.values else None)
        self.retried.put(identity, seat if state == "failed" and run.retry_at else None)
        self.polled.put(identity, seat if poll is not None and not poll.result else None)
        for attempt in run.runs:
            if attempt.id:
                self.attempts[attempt.id] = identity
        if identity in self.places:
            self._take_planned(run, (self.places[identity],), anew=anew)

    def _take_planned(self, run: StepRun, place: tuple[int], *, anew: bool) -> None:
        """What the plan says of it too."""
        assert self._plan is not None
        identity, state, step, part = run.id, run.state, self._plan.steps[run.id], self._plan.places[run.id].part
        self.skipped.put(identity, place if state == "skipped" else None)
        self.undone.put(identity, place if run.undone and state in {"done", "done_manually"} else None)
        self.awaiting.put(identity, place if run.sign_off == "awaiting" else None)
        trouble = state == "verifying" or state in ENDED_BADLY or run.unproven
        self.trouble.put(identity, place if trouble else None)
        seat = self._seats[identity]
        self.begun.put(identity, (run.started, -seat) if run.started is not None else None)
        reads = step.awaits_proof and (run.sequence or state == "verifying")
        self.read_again.put(identity, (state != "verifying", -run.sequence, seat) if reads else None)
        if part == "stages":
            self._take_forward(run, step, place)
        if part in self.paths and not anew:
            self.paths[part].put(run)
        self._take_turn(run)
        is_open = state not in FINISHED or run.sign_off == "awaiting"
        if is_open != (identity in self._open):
            (self._open.add if is_open else self._open.remove)(identity)
            for follower in self._plan.followers.get(identity, ()):
                self._waits[follower] += 1 if is_open else -1
                self._take_turn(self._steps[follower])

    def _take_turn(self, run: StepRun) -> None:
        """Whether it is through, and whether it is its turn, as far as other steps go."""
        assert self._plan is not None
        identity, step, part = run.id, self._plan.steps[run.id], self._plan.places[run.id].part
        waits = part not in {"undo", "verify"} and self._waits.get(identity, 0) > 0
        ready = run.state in {"pending", "claimed"} and not waits
        place, finished = (self.places[identity],), run.state in FINISHED
        if self.unfinished.put(identity, None if finished else place) and identity in self.due:
            self.due_nanoseconds += _nanoseconds(step) * (-1 if finished else 1)
        again = run.state == "failed" and run.retry_at > 0
        self.ready.put(identity, place if ready else None)
        self.by_itself.put(identity, place if again or (ready and step.auto_start) else None)
        skippable = step.skippable or part not in {"stages", "preconditions"}
        self.may_be_skipped.put(identity, place if ready and skippable else None)

    def _take_forward(self, run: StepRun, step: Step, place: tuple[int]) -> None:
        """Of a forward step: when it was verified; what it changed: the rollback's list, and how long that takes."""
        verified = step.verify and run.ended and run.state in {"done", "done_manually"}
        self.verified.put(run.id, (run.ended or 0.0, *place) if verified else None)
        there = run.effect != "none" and not run.undone
        was = run.id in self.changed
        self.changed.put(run.id, (run.started or 0.0, run.sequence, -place[0]) if there else None)
        if there != was:
            sign = 1 if there else -1
            self.undo_nanoseconds += sign * sum(map(_nanoseconds, step.undo))
            self.undo_steps += sign * len(step.undo)
            self.undo_by_hand += sign * sum(1 for undo in step.undo if not undo.auto_start)
        look = (run.effect, run.undone, run.undone_alone, run.started, run.sequence)
        if look != self._looks.get(run.id, ("none", False, False, None, 0)):
            self._looks[run.id] = look
            self.preview = None


def _nanoseconds(step: Step) -> int:
    """Its planned time as a whole number, so that sums do not depend on what was added and taken away before."""
    return round(step.duration * 1e9)
