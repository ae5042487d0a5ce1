"""What a command looks at to say whether it applies: the session, the moment, who asks, what is selected.

A frozen view made by the app whenever something changed; commands read it and change nothing. Whether the rule
book would agree is asked of the rule book itself (`refusal`), so that a key and the station never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, structs

from quarterdeck.observer.messages import Reading
from quarterdeck.procedure.model import Step
from quarterdeck.session import availability, decide
from quarterdeck.session.decide import Refusal
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import Intent
from quarterdeck.session.leftovers import open_left
from quarterdeck.session.state import Poll, Proposal, Session, StepRun
from quarterdeck.station.wire.protocol import Tail

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
    at_row: bool = False
    """Whether the cursor of the focused pane stands on a row that opens."""
    link: LinkWord = "live"
    read_only: str = ""
    """Why nothing may be written."""
    unset: dict[str, str] = {}
    """Secrets that the station cannot read now, to their references."""
    readings: Mapping[str, Reading] = {}
    """The newest of each target."""
    boot: float = 0.0
    """Boot clock, seconds: ages of readings count from it."""
    off: int = 0
    """Minutes east of UTC in which times are shown and read."""
    others: tuple[str, ...] = ()
    """What the other open sessions of this host are called."""
    tails: Mapping[str, Tail] = {}
    """The ends of commands' outputs, by step, as far as this console has them."""

    def became(self, step: str) -> str:
        """What a step is by now, for whoever was asked about it too late."""
        return f"{self.session.name_of(step)} is {self.view(step)} now"

    # -- asking the rule book

    def refusal(self, intent: Intent, *, reason_comes: bool = False) -> Refusal | None:
        """What the rules say against it now; None where they would let it happen.

        `reason_comes`: as if every live halt had its reason, since that is asked for before the intent is sent.
        """
        session = self.session
        if reason_comes and self.reason_open():
            halts = {n: structs.replace(mark, reason=mark.reason or "?") for n, mark in session.halts.items()}
            session = structs.replace(session, halts=halts)
        answer = decide.decide(session, intent, self.me, self.now)
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

    def in_force(self, step: str) -> bool:
        """Whether the step stands in the list that is worked on now."""
        return availability.is_in_force(self.session, step)

    def startable(self) -> availability.Startable:
        """Ids that could be started now, in order."""
        return availability.Startable(self.session, self.now)

    def again(self) -> list[str]:
        """Ids that ended badly and wait for somebody: failed, interrupted, unknown."""
        return availability.again(self.session)

    def live(self) -> list[str]:
        """Ids in which something is going on, in order of their starts; verifying ones too, polls not."""
        return availability.live(self.session)

    def polls(self) -> list[Poll]:
        """Open polls."""
        return self.session.open_polls()

    def proposals(self) -> list[Proposal]:
        """Open proposals of guards to halt."""
        return self.session.open_proposals()

    def halts(self) -> tuple[str, ...]:
        """Nonces of the live halts, oldest first: those that an act of now knows (R2)."""
        return self.session.live_halts()

    def reason_open(self) -> bool:
        """Whether a live halt has no reason yet."""
        return any(not self.session.halts[nonce].reason for nonce in self.halts())

    def manual_questions(self) -> list[str]:
        """Manual steps that ran when the halt came (R5)."""
        return availability.manual_questions(self.session)

    def effect_questions(self) -> list[str]:
        """Steps whose effect is unknown and not declared (R6)."""
        return availability.effect_questions(self.session)

    def gone_questions(self) -> list[str]:
        """Steps whose command's end could not be proven."""
        return availability.gone_questions(self.session)

    def left_questions(self) -> list[str]:
        """Steps of whose commands something still runs after a halt: is it left or ended."""
        return list(dict.fromkeys(step.id for step, _ in open_left(self.session)))

    def undo_questions(self) -> list[str]:
        """Steps whose undo waits for its owner's choice (R6)."""
        return availability.undo_questions(self.session)
