"""A session kept in memory, for tests of the rules: what the station does, without its processes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from quarterdeck.procedure.check import parse
from quarterdeck.procedure.model import Procedure
from quarterdeck.session import events as happened
from quarterdeck.session import intents as wanted
from quarterdeck.session.decide import Answer, Refusal, decide
from quarterdeck.session.event import Actor, Event, Moment, decode, digest, encode, first_link
from quarterdeck.session.events import Draft
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Intent
from quarterdeck.session.parts import Proof
from quarterdeck.session.rules.automatic import due
from quarterdeck.session.state import Session, StepRun

LEAD = Actor("ada", 1000, role="lead", host="db01")
DBA = Actor("bob", 1001, role="dba", host="db01")
OBSERVER = Actor("eve", 1002, role="observer", host="db01")
START = 1_796_000_400.0

NIGHT = (Path(__file__).parent / "night.yaml").read_text()


def compiled(text: str = NIGHT) -> Procedure:
    loaded = parse(text, path="night.yaml")
    assert loaded.procedure is not None, loaded.problems
    return loaded.procedure


class Book:
    """One replica's chain, stamped with an injected clock; everything goes through `decide` and `fold`."""

    def __init__(self, text: str = NIGHT, *, automatic: bool = True, replica: str = "r1") -> None:
        self.folding = Folding()
        self.events: list[Event] = []
        self.raws: list[bytes] = []
        self.now = START
        self.automatic = automatic
        self.replica = replica
        self._prev = first_link("s")
        procedure = compiled(text)
        self.put(
            [
                Draft(happened.SessionOpened(title=procedure.title, procedure=procedure.id, lead="ada")),
                Draft(
                    happened.PlanRevised(text=text, hash="h", compiled=msgspec.Raw(msgspec.json.encode(procedure)))
                ),
            ]
        )

    @property
    def session(self) -> Session:
        return self.folding.session

    @property
    def state(self) -> str:
        return self.session.state

    def step(self, identity: str) -> StepRun:
        return self.session.steps[identity]

    def put(self, drafts: list[Draft], by: Actor = LEAD) -> None:
        for draft in drafts:
            event = Event(
                v=1,
                session="s",
                replica=self.replica,
                aseq=len(self.events) + 1,
                prev=self._prev,
                lamport=self.session.lamport + 1,
                kind=draft.data.kind,
                actor=by,
                t=Moment(self.now, "boot", int(self.now * 1e9)),
                data=msgspec.Raw(msgspec.json.encode(draft.data)),
                step=draft.step,
                attempt=draft.attempt,
                blobs=draft.blobs,
            )
            raw = encode(event)
            self._prev = digest(raw)
            self.raws.append(raw)
            self.events.append(decode(raw))
            self.folding.add(self.events[-1])

    def answer(self, intent: Intent, by: Actor = LEAD) -> Answer:
        answer = decide(self.session, intent, by, self.now)
        if not isinstance(answer, Refusal):
            self.put(answer, by)
            self.by_itself()
        return answer

    def by_itself(self) -> None:
        if not self.automatic:
            return
        for intent in due(self.session, self.now):
            answer = decide(self.session, intent, LEAD, self.now)
            if not isinstance(answer, Refusal) and answer:
                self.put(answer)
                self.by_itself()
                return

    def ask(self, intent: Intent, by: Actor = LEAD) -> list[str]:
        answer = self.answer(intent, by)
        assert not isinstance(answer, Refusal), answer
        return [draft.data.kind for draft in answer]

    def refused(self, intent: Intent, by: Actor = LEAD) -> Refusal:
        answer = self.answer(intent, by)
        assert isinstance(answer, Refusal), answer
        return answer

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.by_itself()

    # -- shorthand for what a night needs

    def begin(self) -> Book:
        self.ask(wanted.StartSession(start=START, end=START + 7200))
        return self

    def run(self, step: str, seconds: float = 30.0) -> None:
        """Start a step and bring it to done, whatever its kind."""
        assert self.session.plan is not None
        kind = self.session.plan.steps[step].kind
        if self.step(step).state not in {"running", "verifying"}:
            self.ask(wanted.StartStep(step=step, launch=wanted.Launch(run=f"run-{step}", hosts=("db01",))))
        self.wait(seconds)
        if kind == "command":
            self.returned(step)
        elif kind in {"manual", "wait"}:
            self.ask(wanted.FinishStep(step=step))
        elif kind == "poll":
            for role in self.session.plan.steps[step].roles:
                self.ask(wanted.AnswerPoll(step=step, role=role, answer="go"))
        if self.step(step).state == "verifying":
            self.verify(step)

    def returned(self, step: str, **facts: object) -> None:
        run = self.step(step)
        fields: dict[str, object] = {"exit_code": 0, **facts}
        self.ask(
            wanted.CommandReturned(
                step=step,
                attempt=run.attempt,
                run=run.runs[-1].id if run.runs else "",
                **fields,  # type: ignore[arg-type]  # fields of the intent
            )
        )

    def verify(self, step: str, ok: bool | None = True) -> None:
        proof = Proof("read", ok, "1")
        self.ask(wanted.VerificationRead(step=step, attempt=self.step(step).attempt, proofs=(proof,)))

    def halt(self, nonce: str = "n1", reason: str = "", by: Actor = LEAD) -> None:
        self.ask(wanted.Halt(nonce=nonce, reason=reason), by)

    def roll_back(self, **more: str) -> list[str]:
        return self.ask(wanted.RollBack(halts=self.session.live_halts(), typed="ROLLBACK", **more))

    def go_on(self, **more: str) -> list[str]:
        return self.ask(wanted.GoOn(halts=self.session.live_halts(), **more))
