"""What is known of a session: the result of `fold`, and nothing else is state.

Structs here are filled by `fold` alone; everybody else reads. All times are seconds on the session's clock:
epoch seconds as the wall clock showed them at Start, running on by the boot clock from there.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from quarterdeck.procedure.model import Step
from quarterdeck.session.event import Moment
from quarterdeck.session.index import Index
from quarterdeck.session.parts import Proof, UndoItem, Verdict
from quarterdeck.session.plan import Plan
from quarterdeck.session.step_run import ENDED_BADLY, FINISHED, LIVE, Answer, Poll, Run, StepRun, StepState

__all__ = [
    "ENDED_BADLY", "FINISHED", "LIVE", "Answer", "Deviation", "HaltMark", "Phase", "Poll", "Proposal", "RollbackRun",
    "Run", "Session", "StateWord", "StepRun", "StepState", "Window",
]  # fmt: skip

Phase = Literal["planned", "running", "rolling_back", "contingency", "validating", "ended", "monitoring", "closed"]
"""The plan that is in force. Paused and halted lie over it: see `Session.state`."""

StateWord = Literal[
    "planned", "running", "paused", "halting", "halted", "rolling_back", "rollback_paused", "contingency",
    "validating", "completed", "completed_with_exceptions", "rolled_back", "rolled_back_with_exceptions",
    "recovered", "abandoned", "monitoring", "closed",
]  # fmt: skip
"""The words of session-rules.md (`ready` is `planned` with nothing open, which needs the time: `availability`)."""

_LISTS = {
    "planned": "preconditions", "running": "stages", "rolling_back": "due", "contingency": "contingency",
    "validating": "closing",
}  # fmt: skip
"""The list that each phase works on, as the index calls it."""


class Window(Struct, frozen=True):
    """The window, session seconds."""

    start: float
    end: float
    reserve: float
    warn: float
    assumed: bool = False


class HaltMark(Struct):
    """A halt: live until it is answered (R2)."""

    nonce: str
    by: str
    at: float
    source: str
    reason: str = ""
    guard: str = ""
    answered: bool = False
    left: StateWord = "running"
    """The state that the session was in."""
    host: str = ""
    """The machine from which a person called it."""


class Proposal(Struct):
    """A guard's proposal to halt."""

    guard: str
    reason: str
    at: float
    until: float
    value: float | None = None
    state: Literal["open", "dismissed", "lapsed", "answered", "cleared"] = "open"
    """`cleared`: dismissed, and its condition has gone since, so that it may come again."""
    closed: float = 0.0
    """When it was dismissed, lapsed or answered."""


class RollbackRun(Struct):
    """The committed rollback: its list is frozen."""

    at: float
    by: str
    items: list[UndoItem]
    stays: tuple[str, ...]
    left_out: dict[str, str]
    letters: str
    commit: tuple[str, int]
    """(replica, aseq) of the commit: a halt whose author had not seen it is answered by it (R2)."""
    waiver: str = ""
    paused: bool = False
    run_mine: tuple[str, ...] = ()
    """Roles whose undo steps run one after the other."""


class Deviation(Struct, frozen=True):
    """What went another way than the plan (R16)."""

    weight: Literal["exception", "noted"]
    """Exceptions change the outcome's name."""
    what: str
    who: str
    at: float
    why: str
    step: str = ""


class Session(Struct):
    """Everything known of a session."""

    id: str = ""
    title: str = ""
    procedure: str = ""
    purpose: str = "live"
    version: str = ""
    plan: Plan | None = None
    text: str = ""
    """The procedure's text."""
    params: dict[str, str] = field(default_factory=dict)
    planned_window: dict[str, str] = field(default_factory=dict)
    phase: Phase = "planned"
    paused: bool = False
    paused_at: float = 0.0
    paused_by: str = ""
    pause_reason: str = ""
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """Finished pauses and halts, booked apart from work."""
    outcome: str = ""
    verdicts: tuple[Verdict, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    lead: str = ""
    anchor: Moment | None = None
    """Wall and boot clock at Start."""
    window: Window | None = None
    started: float | None = None
    ended: float | None = None
    closing_from: Literal["", "forward", "rollback", "contingency"] = ""
    automatic_halts: tuple[str, ...] = ()
    steps: dict[str, StepRun] = field(default_factory=dict)
    starts: int = 0
    """How many starts there were: gives `StepRun.sequence`."""
    added: list[tuple[Step, str]] = field(default_factory=list)
    halts: dict[str, HaltMark] = field(default_factory=dict)
    rechecks: dict[str, bool | None] = field(default_factory=dict)
    """After a halt: done steps whose verifications run again, to what was read (None: not yet)."""
    poll_again: str = ""
    """After a halt: the poll that is asked again before work goes on."""
    undoing: str = ""
    """The step that is undone alone."""
    undo_items: tuple[UndoItem, ...] = ()
    rollback: RollbackRun | None = None
    contingency_started: bool = False
    polls: dict[str, Poll] = field(default_factory=dict)
    """The latest attempt of each poll."""
    proposals: dict[str, Proposal] = field(default_factory=dict)
    """The latest proposal of each guard."""
    holding: dict[str, str] = field(default_factory=dict)
    """Guards whose condition holds now, with the reason."""
    blind: dict[str, str] = field(default_factory=dict)
    """Guards that cannot read what they watch, with why: those neither hold nor are calm."""
    accepted_blind: tuple[str, ...] = ()
    """Guards that were blind at Start, which began all the same: `on_unknown` does not ask for them again."""
    overrides: dict[str, float] = field(default_factory=dict)
    """Guard to the session time until which it is overridden (0: until the end)."""
    criteria: dict[str, tuple[bool, str]] = field(default_factory=dict)
    """Asked criteria: satisfied, note."""
    ticks: dict[str, str] = field(default_factory=dict)
    """Ticked checklist items, to who."""
    tick_proofs: dict[str, Proof] = field(default_factory=dict)
    deviations: list[Deviation] = field(default_factory=list)
    handover: str = ""
    recorders: dict[str, str] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    """What was said once about lateness since it last fitted."""
    updates_due: int = 0
    """Number of the last status update that was reminded of."""
    gaps: list[str] = field(default_factory=list)
    """Replicas whose chain has a hole: forward work is frozen until it is filled."""
    unknown_kinds: list[str] = field(default_factory=list)
    """Kinds of a newer version: opens read-only."""
    last: float = 0.0
    """Session time of the latest event."""
    count: int = 0
    lamport: int = 0
    kept: Index = field(default_factory=Index)
    """What is kept for readings; no part of all this. Read it as `index`."""

    # -- readings that everybody needs

    def live_halts(self) -> tuple[str, ...]:
        """Nonces of the halts that nobody answered."""
        return tuple(nonce for nonce, mark in self.halts.items() if not mark.answered)

    @property
    def index(self) -> Index:
        """The steps by what they are now."""
        return self.kept.fresh(self.plan, self.steps, self.polls, self.rollback.items if self.rollback else ())

    @property
    def in_force(self) -> range:
        """The places, in the index, of the steps that are worked on now."""
        index = self.index
        if not self.undoing:
            return index.parts.get(_LISTS.get(self.phase, ""), range(0))
        first = index.places[self.undo_items[0].step] if self.undo_items else 0
        return range(first, first + len(self.undo_items))

    def touch(self, step: str) -> None:
        """Said by whatever changes a step: the index looks at it again."""
        self.kept.touch(step)

    def open_polls(self) -> list[Poll]:
        """Polls that are not over."""
        asked = self.index.polled
        if len(asked) < 2:
            return [self.polls[step] for step in asked]
        return [poll for step, poll in self.polls.items() if step in asked]  # in the order of their first asking

    def open_proposals(self) -> list[Proposal]:
        """Guards' proposals to halt that nobody answered."""
        return [proposal for proposal in self.proposals.values() if proposal.state == "open"]

    def running(self) -> list[StepRun]:
        """Steps in which something is going on, in order of their starts (polls are no work)."""
        return [self.steps[step] for step in self.index.running]

    def is_live(self, run: StepRun) -> bool:
        """Whether the step keeps a halt from being over: it runs, or its end is not proven."""
        return run.state in {"granted", "running"} or run.unproven

    @property
    def state(self) -> StateWord:
        """The session's state in one word of session-rules.md."""
        if self.phase == "ended":
            return self.outcome  # type: ignore[return-value]  # decided from the same words
        if self.phase == "rolling_back":
            paused = self.rollback is not None and self.rollback.paused
            return "rollback_paused" if paused or self.live_halts() else "rolling_back"
        if self.phase in {"monitoring", "closed"}:
            return self.phase
        if self.live_halts():
            return "halting" if self.running() else "halted"
        return "paused" if self.paused else self.phase

    @property
    def is_over(self) -> bool:
        """Whether the end is reached."""
        return self.phase in {"ended", "monitoring", "closed"}

    @property
    def letters(self) -> str:
        """The end of its id, which every verb takes for the whole: `kfwz`."""
        return self.id.rpartition("-")[2]

    @property
    def called(self) -> str:
        """What it is called where there are several: `Move the orders (kfwz)`."""
        title = self.plan.procedure.title if self.plan is not None else self.title
        return f"{title} ({self.letters})" if title else self.letters

    @property
    def is_live_session(self) -> bool:
        """Whether a station must not leave it: from Start to the end."""
        return self.phase in {"running", "rolling_back", "contingency", "validating"}

    @property
    def past_no_return(self) -> bool:
        """R8: passed when that step starts, unless its owner declared that it changed nothing."""
        if self.plan is None:
            return False
        step = self.plan.point_of_no_return
        run = self.steps.get(step) if step else None
        return run is not None and run.sequence > 0 and not (run.declared and run.effect == "none")

    def name_of(self, step: str) -> str:
        """What people call a step; its id before there is a plan."""
        return self.plan.name_of(step) if self.plan else step or "the session"

    def clock(self, moment: Moment) -> float:
        """Session seconds of a moment: by the boot clock from Start where that is possible, else by wall clock."""
        anchor = self.anchor
        if anchor is None or not anchor.boot or moment.boot != anchor.boot:
            return moment.wall
        return anchor.wall + (moment.bt_ns - anchor.bt_ns) / 1e9
