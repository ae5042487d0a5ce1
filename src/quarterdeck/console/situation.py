"""What a command looks at to say whether it applies: the session, the moment, who asks, what is selected.

A frozen view made by the app whenever something changed; commands read it and change nothing. Whether the rule
book would agree is asked of the rule book itself (`refusal`), so that a key and the station never disagree.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.procedure.model import Step
from quarterdeck.session import availability, decide
from quarterdeck.session.decide import Refusal
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import Intent
from quarterdeck.session.leftovers import open_left
from quarterdeck.session.rollback import next_item
from quarterdeck.session.state import FINISHED, HaltMark, Poll, Proposal, Session, StepRun

__all__ = ["LinkWord", "Situation"]

LinkWord = Literal["connecting", "live", "silent", "lost", "closed"]
"""`silent`: no answer for 3 s; `lost`: the connection broke and is being made again; `closed`: it will not be."""


class Situation(Struct, frozen=True):
    """One moment, as commands see it."""

    session: Session
    now: float
    """Session seconds."""
    me: Actor
    selected: str = ""
    """Id of the step that a person moved to; empty while the list follows the session."""
    named: str = ""
    """Id of the step that the next line names."""
    link: LinkWord = "live"
    read_only: str = ""
    """Why nothing may be written."""
    unset: dict[str, str] = {}
    """Secrets that the station cannot read now, to their references."""

    # -- asking the rule book

    def refusal(self, intent: Intent) -> Refusal | None:
        """What the rules say against it now; None where they would let it happen."""
        answer = decide.decide(self.session, intent, self.me, self.now)
        return answer if isinstance(answer, Refusal) else None

    def view(self, step: str) -> str:
        """The step's state as it looks now (`blocked`, `available`, `running` …)."""
        return str(availability.view(self.session, step, self.now).state)

    # -- readings that several commands need

    @property
    def state(self) -> str:
        """The session's state in one word."""
        return self.session.state

    @property
    def is_over(self) -> bool:
        """Whether the end is reached."""
        return self.session.is_over

    def step(self, identity: str) -> Step | None:
        """The step with this id."""
        return self.session.plan.steps.get(identity) if self.session.plan else None

    def run(self, identity: str) -> StepRun:
        """What became of a step; a fresh one where nothing did."""
        return self.session.steps.get(identity) or StepRun(id=identity)

    def in_force(self) -> tuple[str, ...]:
        """Ids of the list that is worked on now, in order."""
        return availability.in_force(self.session)

    def startable(self) -> list[str]:
        """Ids that could be started now, in order. The rules are asked only about steps that nothing precedes."""
        session, plan = self.session, self.session.plan
        if plan is None:
            return []
        if session.phase == "rolling_back" or session.undoing:
            item = next_item(session)
            return [item.step] if item is not None and self.view(item.step) == "available" else []
        found, steps, runs = [], plan.steps, session.steps
        for identity in availability.in_force(session):
            if runs[identity].state not in {"pending", "claimed"}:
                continue
            if any(runs[before].state not in FINISHED for before in steps[identity].after if before in runs):
                continue
            if self.view(identity) == "available":
                found.append(identity)
        return found

    def again(self) -> list[str]:
        """Ids that ended badly and wait for somebody: failed, interrupted, unknown."""
        bad = {"failed", "interrupted", "unknown"}
        return [identity for identity in self.in_force() if self.run(identity).state in bad]

    def live(self) -> list[str]:
        """Ids in which something is going on, in order of their starts; verifying ones too, polls not."""
        runs = [run for run in self.session.steps.values() if run.state in {"granted", "running", "verifying"}]
        found = sorted(runs, key=lambda run: run.sequence)
        return [run.id for run in found if (step := self.step(run.id)) is not None and step.kind != "poll"]

    def polls(self) -> list[Poll]:
        """Open polls."""
        return [poll for poll in self.session.polls.values() if not poll.result]

    def proposals(self) -> list[Proposal]:
        """Open proposals of guards to halt."""
        return [proposal for proposal in self.session.proposals.values() if proposal.state == "open"]

    def halts(self) -> list[HaltMark]:
        """Live halts, oldest first."""
        return [mark for mark in self.session.halts.values() if not mark.answered]

    def reason_open(self) -> bool:
        """Whether a live halt has no reason yet."""
        return any(not mark.reason for mark in self.halts())

    def manual_questions(self) -> list[str]:
        """Manual steps that ran when the halt came: not begun, partly, done? (R5)."""
        return [run.id for run in self.session.steps.values() if run.question_at_halt]

    def effect_questions(self) -> list[str]:
        """Steps whose effect is unknown and not declared (R6), and which no longer run."""
        return [
            run.id
            for run in self.session.steps.values()
            if run.effect == "unknown"
            and not run.declared
            and not run.question_at_halt
            and (run.state in {"failed", "interrupted", "unknown", "skipped"} or self._stuck_at_halt(run))
        ]

    def _stuck_at_halt(self, run: StepRun) -> bool:
        """A halt came while its verifications were read: the command is over, what it changed is not said."""
        return run.state == "verifying" and bool(self.halts())

    def gone_questions(self) -> list[str]:
        """Steps whose command's end could not be proven: somebody says that it is gone."""
        return [run.id for run in self.session.steps.values() if run.unproven]

    def left_questions(self) -> list[str]:
        """Steps of whose commands something still runs after a halt: is it left or ended."""
        return list(dict.fromkeys(step.id for step, _ in open_left(self.session)))

    def undo_questions(self) -> list[str]:
        """Undone steps of a committed rollback whose owner picks run, by hand or not needed first (R6)."""
        items = self.session.rollback.items if self.session.rollback else self.session.undo_items
        found: list[str] = []
        for item in items:
            if item.asks and item.undoes not in found and not self.run(item.undoes).undo_choice:
                found.append(item.undoes)
        return found
