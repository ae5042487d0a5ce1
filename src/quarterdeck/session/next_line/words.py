"""The line itself, and the words that all its files share. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.session.decide import Refusal, decide
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import Intent
from quarterdeck.session.state import HaltMark, Proposal, Session, StepRun
from quarterdeck.session.told import in_short
from quarterdeck.spans import of_planned

__all__ = ["NextLine", "Question", "Words"]

Question = Literal[
    "", "proposal", "poll", "sign_off", "verify", "failed", "manual", "gone", "effect", "reason", "what_now", "undo",
    "recheck", "criterion", "end", "gates", "left",
]  # fmt: skip
"""What a person is asked: a pane of its own may open for it. Empty: nothing is asked, somebody works."""


class NextLine(Struct, frozen=True):
    """One line, and what it speaks of."""

    text: str
    key: str = ""
    """The key that is yours now; empty where none is."""
    step: str = ""
    """The step that S, D, F and K act on."""
    waiting_for: str = ""
    """Role, or `command`, or empty."""
    since: float = 0.0
    """Session seconds; 0 where it does not matter."""
    question: Question = ""
    level: Literal["calm", "asks", "alarm"] = "calm"


class Words:
    """A session at a moment, for a person: who and what in few words."""

    def __init__(self, session: Session, now: float, me: Actor, most: int = 0) -> None:
        """`most`: characters of a step's name; 0: all of it."""
        self.session = session
        self.most = most
        self.now = now
        self.me = me
        self.plan = session.plan

    def may(self, intent: Intent) -> bool:
        """Whether the rules would let it happen now, if need be with a waiver: a key is named only then."""
        answer = decide(self.session, intent, self.me, self.now)
        return not isinstance(answer, Refusal) or bool(answer.waivable)

    def name(self, step: str) -> str:
        """What people call a step."""
        name = self.session.name_of(step)
        return f"{name[: self.most - 1].rstrip()}…" if 0 < self.most < len(name) else name

    def owner(self, step: str) -> str:
        """Role of the step's owner."""
        assert self.plan is not None
        run = self.session.steps.get(step)
        found = self.plan.steps.get(step)
        return found.owner if found else (run.performer if run else "lead")

    def who(self, role: str) -> str:
        """The role, or `you`."""
        return "you" if role == self.me.role else role

    def halter(self, mark: HaltMark) -> str:
        """Who halted, and from where: `guard api-slow`, `dana, command line on ops1`; `you` for me."""
        if mark.source == "guard":
            return f"guard {mark.guard}"
        if mark.source == "failure":
            return "a failed step"
        where = f" on {mark.host}" if mark.host else ""
        if mark.source == "cli":
            return f"{mark.by}, command line{where}"
        mine = mark.by == self.me.login and mark.host in {"", self.me.host}
        return "you" if mine else f"{mark.by}{where}"

    def measured(self, proposal: Proposal) -> str:
        """What the guard says, without the name of what it measured."""
        guards = self.plan.procedure.guards if self.plan else ()
        return in_short(proposal.reason, next((g.title for g in guards if g.id == proposal.guard), ""))

    def waits(self, role: str) -> str:
        """How a line begins that waits for this role."""
        return "running: " if role == self.me.role else f"waiting for {role}: "

    def run(self, step: str) -> StepRun | None:
        """What became of the step."""
        return self.session.steps.get(step)

    def spent(self, run: StepRun) -> str:
        """` 9 of 15 min`."""
        assert self.plan is not None
        elapsed = max(0.0, self.now - (run.started if run.started is not None else self.now))
        planned = self.plan.steps[run.id].duration if run.id in self.plan.steps else 0.0
        return of_planned(elapsed, planned)
