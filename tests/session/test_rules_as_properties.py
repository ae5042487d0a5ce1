"""The rule book as properties: random nights, driven through every intent there is."""

from __future__ import annotations

import random
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sessionbook import DBA, LEAD, OBSERVER, START, Book

from quarterdeck.session import intents as wanted
from quarterdeck.session.decide import Refusal, decide
from quarterdeck.session.event import Actor
from quarterdeck.session.events import Draft
from quarterdeck.session.fold import fold
from quarterdeck.session.forecast import clocks, need
from quarterdeck.session.intents import Intent
from quarterdeck.session.leftovers import open_left, unasked_left
from quarterdeck.session.parts import Effect
from quarterdeck.session.rollback import preview
from quarterdeck.session.state import Session

STEPS = [
    "count", "freeze", "build", "swap", "look", "ask", "drop-old", "sign", "unfreeze", "drop-new", "tell",
    "swap-back", "still-there", "rebuild", "recount", "no-such-step",
]  # fmt: skip
WHO = st.sampled_from([LEAD, LEAD, LEAD, DBA, OBSERVER])
STEP = st.sampled_from(STEPS)
EFFECT = st.sampled_from(["none", "partial", "full", "unknown"])
REASON = st.sampled_from(["", "because"])

TRANSITIONS = {
    "session.went_on", "rollback.committed", "contingency.started", "session.abandoned",
}  # fmt: skip


class Night(RuleBasedStateMachine):
    """Anything may be asked at any time; the invariants hold all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.halts = 0
        self.touched: dict[str, str] = {}

    @property
    def session(self) -> Session:
        return self.book.session

    def ask(self, intent: Intent, by: Actor = LEAD) -> None:
        before = set(self.session.live_halts())
        answer = decide(self.session, intent, by, self.book.now)
        if isinstance(answer, Refusal):
            assert answer.why
            return
        self.hold_against_the_halts(answer, before)
        self.book.put(answer, by)
        self.book.by_itself()

    def hold_against_the_halts(self, drafts: list[Draft], live: set[str]) -> None:
        for draft in drafts:
            answers = getattr(draft.data, "answers", ())
            if draft.data.kind in TRANSITIONS:
                assert set(answers) <= live
                live = live - set(answers)
            if draft.data.kind == "step.started":
                assert not live, "a step started under a live halt"

    # -- anything that a person, a guard or the station may say

    @rule(override=REASON)
    def start_session(self, override: str) -> None:
        self.ask(wanted.StartSession(start=START, end=START + 7200, override=override))

    @rule(step=STEP, who=WHO, guard=REASON)
    def start_step(self, step: str, who: Actor, guard: str) -> None:
        launch = wanted.Launch(run=f"{step}-{self.book.now}", hosts=("db01",))
        waivers = {"start_guard": guard} if guard else {}
        self.ask(wanted.StartStep(step=step, launch=launch, waivers=waivers), who)

    @initialize(begun=st.sampled_from([True, True, True, False]), steps=st.integers(0, 6))
    def a_night(self, begun: bool, steps: int) -> None:
        if begun:
            self.start_session("")
            self.work_goes_on(steps, 20.0)

    @rule(steps=st.integers(1, 4), seconds=st.sampled_from([5.0, 30.0]))
    def work_goes_on(self, steps: int, seconds: float) -> None:
        """What a good lead would do next, so that nights go somewhere."""
        for _ in range(steps):
            self.start_what_may(0)
            self.book.wait(seconds)
            self.finish_what_runs(True)
            self.commands_return(0, True, "")
            for role in ("lead", "dba"):
                self.ask(wanted.AnswerPoll(step="ask", role=role, answer="go"))
            self.verifications_are_read(True)

    @rule(steps=st.integers(1, 4))
    def work_goes_on_a_while(self, steps: int) -> None:
        self.work_goes_on(steps, 20.0)

    @rule(effect=EFFECT, reason=st.just("because"))
    def a_halt_and_back(self, effect: Effect, reason: str) -> None:
        self.halt(LEAD, reason, 0)
        self.declare_what_is_asked(effect)
        self.go_on(LEAD, reason, True)
        self.go_on(LEAD, reason, True)

    @precondition(lambda self: self.session.phase == "running")
    @rule(effect=EFFECT, really=st.integers(0, 2))
    def a_rollback(self, effect: Effect, really: int) -> None:
        if really:
            return
        self.start_what_may(0)
        self.halt(LEAD, "because", 0)
        self.commands_return(0, False, "halt")
        self.declare_what_is_asked(effect)
        self.roll_back("because", LEAD, "ROLLBACK")
        self.run_mine("run", "build")

    @rule(which=st.integers(0, 3))
    def start_what_may(self, which: int) -> None:
        for step in STEPS[which:] + STEPS[:which]:
            launch = wanted.Launch(run=f"{step}-{self.book.now}", hosts=("db01",))
            answer = decide(self.session, wanted.StartStep(step=step, launch=launch), LEAD, self.book.now)
            if not isinstance(answer, Refusal):
                self.ask(wanted.StartStep(step=step, launch=launch))
                return

    @rule(
        code=st.sampled_from([0, 0, 0, 1]),
        values=st.booleans(),
        ended=st.sampled_from(["", "", "halt", "timeout"]),
        left=st.sampled_from([(), (), ("12 root sleep 300",)]),
    )
    def commands_return(self, code: int, values: bool, ended: str, left: tuple[str, ...] = ()) -> None:
        for run in self.session.running():
            assert self.session.plan is not None
            if self.session.plan.steps[run.id].kind == "command" and run.runs:
                facts = {"rows": "7"} if values else {}
                self.ask(
                    wanted.CommandReturned(
                        step=run.id,
                        attempt=run.attempt,
                        run=run.runs[-1].id,
                        exit_code=code,
                        values=facts,
                        ended_by=ended,
                        left_behind=left,
                    )
                )

    @rule(answer=st.sampled_from(["", "leave", "end"]))
    def what_was_left_is_looked_for(self, answer: Literal["", "leave", "end"]) -> None:
        state = self.session.state
        for step, run in unasked_left(self.session):
            self.ask(wanted.FindLeft(step=step.id, run=run.id, processes=run.left))
            assert self.session.state == state, "the question keeps nothing"
        if answer:
            for step, run in open_left(self.session):
                self.ask(wanted.AnswerLeft(step=step.id, choice=answer))
                if answer == "end":
                    self.ask(wanted.EndLeft(step=step.id, run=run.id))
            assert open_left(self.session) == []
            assert self.session.state == state

    @rule(values=st.booleans())
    def finish_what_runs(self, values: bool) -> None:
        for run in self.session.running():
            self.ask(wanted.FinishStep(step=run.id, values={"seconds": "0.4"} if values else {}))

    @rule(ok=st.sampled_from([True, True, False, None]))
    def verifications_are_read(self, ok: bool | None) -> None:
        from quarterdeck.session.parts import Proof

        for run in list(self.session.steps.values()):
            if run.state == "verifying" or run.id in self.session.rechecks:
                again = run.id in self.session.rechecks
                proof = (Proof("api", ok, ""),)
                self.ask(wanted.VerificationRead(step=run.id, attempt=run.attempt, proofs=proof, recheck=again))

    @rule(step=STEP, by_hand=st.booleans(), who=WHO)
    def finish_step(self, step: str, by_hand: bool, who: Actor) -> None:
        self.ask(wanted.FinishStep(step=step, by_hand=by_hand, values={"seconds": "0.4"}), who)

    @rule(step=STEP, reason=REASON, who=WHO)
    def fail_or_skip_or_accept(self, step: str, reason: str, who: Actor) -> None:
        self.ask(wanted.FailStep(step=step, reason=reason), who)
        self.ask(wanted.SkipStep(step=step, reason=reason), who)
        self.ask(wanted.AcceptStep(step=step, reason=reason), who)

    @rule(step=STEP, effect=EFFECT)
    def declare_effect(self, step: str, effect: Effect) -> None:
        self.ask(wanted.DeclareEffect(step=step, effect=effect))

    @rule(effect=EFFECT)
    def declare_what_is_asked(self, effect: Effect) -> None:
        for run in list(self.session.steps.values()):
            if run.question_at_halt or run.effect == "unknown":
                self.ask(wanted.DeclareEffect(step=run.id, effect=effect, sure=True))
            if run.unproven:
                self.ask(wanted.DeclareGone(step=run.id))

    @rule(who=WHO, reason=REASON, really=st.integers(0, 3))
    def halt(self, who: Actor, reason: str, really: int) -> None:
        if really:
            return
        self.halts += 1
        over = self.session.is_over
        self.ask(wanted.Halt(nonce=f"n{self.halts}", reason=reason), who)
        if not over:
            assert f"n{self.halts}" in self.session.live_halts(), "a halt was refused"

    @rule(who=WHO, reason=REASON)
    def pause(self, who: Actor, reason: str) -> None:
        self.ask(wanted.Pause(reason=reason), who)

    @rule(who=WHO, reason=REASON, knows=st.booleans())
    def go_on(self, who: Actor, reason: str, knows: bool) -> None:
        halts = self.session.live_halts() if knows else ()
        self.ask(wanted.GoOn(halts=halts, reason=reason, accept=reason, override=reason), who)

    @rule(reason=REASON)
    def give_reason(self, reason: str) -> None:
        self.ask(wanted.GiveReason(reason=reason))

    @precondition(lambda self: self.session.live_halts())
    @rule(waiver=REASON, who=WHO, typed=st.sampled_from(["ROLLBACK", "ROLLBACK", "rollback"]))
    def roll_back(self, waiver: str, who: Actor, typed: str) -> None:
        self.ask(wanted.RollBack(halts=self.session.live_halts(), typed=typed, waiver=waiver), who)

    @rule(choice=st.sampled_from(["run", "by_hand", "not_needed"]), step=st.sampled_from(["build", "swap", "freeze"]))
    def run_mine(self, choice: str, step: str) -> None:
        self.ask(wanted.RunMine())
        self.ask(wanted.DecideUndo(step=step, choice=choice, reason="so"))  # type: ignore[arg-type]  # one of its words

    @rule(step=STEP)
    def undo_step(self, step: str) -> None:
        self.ask(wanted.UndoStep(step=step, halts=self.session.live_halts(), reason="so"))

    @rule()
    def contingency(self) -> None:
        self.ask(wanted.StartContingency(halts=self.session.live_halts(), reason="so"))

    @rule(
        answer=st.sampled_from(["go", "go", "no_go", "go_with_comment"]), role=st.sampled_from(["lead", "dba", "qa"])
    )
    def answer_poll(self, answer: str, role: str) -> None:
        self.ask(wanted.AnswerPoll(step="ask", role=role, answer=answer))  # type: ignore[arg-type]  # one of its words

    @rule(guard=st.sampled_from(["slow", "full", "down", "busy", "no-such"]), value=st.floats(0, 1000))
    def guard_holds(self, guard: str, value: float) -> None:
        self.ask(wanted.GuardHolds(guard=guard, reason=f"{guard} holds", value=value))

    @rule(guard=st.sampled_from(["slow", "full", "down", "busy"]), reason=REASON)
    def guard_ends(self, guard: str, reason: str) -> None:
        self.ask(wanted.GuardReleased(guard=guard))
        self.ask(wanted.DismissProposal(guard=guard, reason=reason))
        self.ask(wanted.OverrideGuard(guard=guard, reason=reason, seconds=60))

    @rule(gap=st.floats(0, 100), lost=st.booleans())
    def station_crashes(self, gap: float, lost: bool) -> None:
        found = {run.id: "lost" if lost else "alive" for run in self.session.running()}
        live = self.session.is_live_session
        halted = self.session.live_halts()
        self.ask(wanted.CrashFound(gap=gap, found=found))
        if live and not halted:
            assert self.session.state in {"paused", "rollback_paused"}

    @rule(step=STEP, reason=REASON, effect=EFFECT)
    def amend(self, step: str, reason: str, effect: Effect) -> None:
        self.ask(wanted.CorrectStep(step=step, effect=effect, reason=reason))
        self.ask(wanted.SignStep(step=step, role="lead"), DBA)
        self.ask(wanted.AddNote(text="a note", step=step))
        self.ask(wanted.Estimate(step=step, rest=120))

    @rule(seconds=st.sampled_from([1.0, 20.0, 90.0, 400.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.book.wait(seconds)

    @rule()
    def end(self) -> None:
        self.ask(wanted.AnswerCriterion(criterion="users", satisfied=True))
        self.ask(wanted.EndSession())

    # -- what always holds

    @invariant()
    def the_rollback_list_is_what_was_done_newest_first(self) -> None:
        assert self.session.plan is not None
        done = [
            run
            for run in (self.session.steps[i] for i in self.session.plan.forward)
            if run.effect != "none" and not run.undone
        ]
        newest_first = sorted(done, key=lambda run: run.sequence, reverse=True)
        shown = preview(self.session)
        expected = [undo.id for run in newest_first for undo in self.session.plan.steps[run.id].undo]
        assert [item.step for item in shown.items if item.undoes] == expected
        stays = [run.id for run in newest_first if not self.session.plan.steps[run.id].undo]
        assert list(shown.stays) == stays
        assert set(shown.left_out) == set(self.session.plan.forward) - {run.id for run in done}

    @invariant()
    def an_effect_is_never_lost(self) -> None:
        assert self.session.plan is not None
        for identity in self.session.plan.forward:
            run, mutates = self.session.steps[identity], self.session.plan.steps[identity].mutates
            if mutates and run.sequence and run.effect == "none":
                assert run.declared, f"{identity} started, and nobody said that it changed nothing"

    @invariant()
    def need_does_not_jump_while_time_passes(self) -> None:
        if self.session.window is not None:
            now = self.book.now
            assert abs(need(self.session, now + 1) - need(self.session, now)) <= 1.01

    @invariant()
    def a_rollback_is_for_good(self) -> None:
        if self.session.rollback is not None:
            assert self.session.phase in {"rolling_back", "validating", "ended", "closed"}

    @invariant()
    def the_clocks_can_be_shown(self) -> None:
        shown = clocks(self.session, self.book.now)
        assert (shown is None) == (self.session.window is None)

    def teardown(self) -> None:
        self.fold_is_a_function_of_the_set()
        self.a_person_gets_out()

    def fold_is_a_function_of_the_set(self) -> None:
        shuffled = list(self.book.events)
        random.Random(len(shuffled)).shuffle(shuffled)
        assert fold(shuffled + shuffled[:5]) == self.session

    def a_person_gets_out(self) -> None:
        """Halt, say what is asked, abandon: from wherever the night stands."""
        if self.session.is_over:
            return
        self.halt(LEAD, "out", 0)
        for run in list(self.session.running()):
            assert self.session.plan is not None
            if self.session.plan.steps[run.id].kind == "command" and run.runs and run.state == "running":
                end = wanted.CommandReturned(
                    step=run.id, attempt=run.attempt, run=run.runs[-1].id, outcome="terminated", ended_by="halt"
                )
                self.ask(end)
            else:
                self.ask(wanted.DeclareEffect(step=run.id, effect="partial"))
            if self.session.steps[run.id].unproven:
                self.ask(wanted.DeclareGone(step=run.id))
        self.ask(wanted.Abandon(reason="out", handover="the day shift", halts=self.session.live_halts()))
        assert self.session.is_over, (self.session.state, self.session.running())


TestNight = Night.TestCase
TestNight.settings = settings(
    max_examples=60, stateful_step_count=45, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
