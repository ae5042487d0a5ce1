"""The next line: what the session waits for, from whom, since when, and which key is yours. Pure.

After a halt it leads through what follows, one question at a time: what was running, what did it change, why, and
what now (R11). The console's NEXT line, plain mode and `status` show it. It never decides: `decide` does.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from quarterdeck.session.event import Actor
from quarterdeck.session.narrative import name_of, span
from quarterdeck.session.plan import Part
from quarterdeck.session.state import FINISHED, LIVE, Session, StepRun

__all__ = ["NextLine", "Question", "next_line"]

Question = Literal[
    "", "proposal", "poll", "sign_off", "verify", "failed", "manual", "gone", "effect", "reason", "what_now", "undo",
    "recheck", "criterion", "end", "gates",
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


def next_line(session: Session, now: float, me: Actor) -> NextLine:
    """Say what the session waits for at `now` (session seconds), for the person `me`."""
    return _Line(session, now, me).line()


class _Line:
    """The line being found: the first thing that somebody has to do wins."""

    def __init__(self, session: Session, now: float, me: Actor) -> None:
        self.session = session
        self.now = now
        self.me = me
        self.plan = session.plan

    def line(self) -> NextLine:
        session = self.session
        if session.plan is None:
            return NextLine("waiting for the plan")
        if session.is_over:
            return self.over()
        if session.live_halts():
            return self.halted()
        match session.phase:
            case "planned":
                return self.planned()
            case "rolling_back":
                return self.rolling_back()
        if session.undoing:
            return self.undoing()
        return self.working()

    # -- words

    def name(self, step: str) -> str:
        return name_of(self.plan, step)

    def owner(self, step: str) -> str:
        """Role of the step's owner."""
        assert self.plan is not None
        run = self.session.steps.get(step)
        found = self.plan.steps.get(step)
        return found.owner if found else (run.performer if run else "lead")

    def who(self, role: str) -> str:
        return "you" if role == self.me.role else role

    def waits(self, role: str) -> str:
        return "running: " if role == self.me.role else f"waiting for {role}: "

    def run(self, step: str) -> StepRun | None:
        return self.session.steps.get(step)

    def spent(self, run: StepRun) -> str:
        """` 9 of 15 min`."""
        assert self.plan is not None
        elapsed = max(0.0, self.now - (run.started if run.started is not None else self.now))
        planned = self.plan.steps[run.id].duration if run.id in self.plan.steps else 0.0
        if not planned:
            return span(elapsed)
        if planned < 90:
            return f"{round(elapsed)} of {round(planned)} s"
        if elapsed < 60:
            return f"{round(elapsed)} s of {span(planned)}"
        return f"{int(elapsed // 60)} of {round(planned / 60)} min"

    # -- before Start, after the end

    def planned(self) -> NextLine:
        from quarterdeck.session.availability import open_gates

        session, plan = self.session, self.plan
        assert plan is not None
        busy = self.troubles(plan.preconditions) or self.going_on(plan.preconditions)
        if busy is not None:
            return busy
        offer = self.available(plan.preconditions)
        if offer is not None:
            return offer
        gates = open_gates(session, self.now)
        if gates:
            more = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
            return NextLine(f"before Start: {gates[0]}{more}", question="gates", level="asks")
        return NextLine("all is ready · S starts the session", key="S", level="asks")

    def over(self) -> NextLine:
        session, plan = self.session, self.plan
        assert plan is not None
        if session.phase == "closed":
            return NextLine("reviewed and closed · Q leaves", key="Q")
        word = session.outcome.replace("_", " ")
        if session.phase == "monitoring":
            return NextLine(f"{word} · watching goes on · Q leaves", key="Q")
        return NextLine(f"{word} · the record is complete · Q leaves", key="Q")

    # -- halt

    def halted(self) -> NextLine:
        session, plan = self.session, self.plan
        assert plan is not None
        mark = next(mark for mark in session.halts.values() if not mark.answered)
        asked = self.open_manual() or self.open_gone() or self.still_running() or self.open_effect()
        if asked is not None:
            return asked
        if not any(other.reason for other in session.halts.values() if not other.answered):
            return NextLine(
                f"why did you halt? · waiting for {self.who('lead')}: one line of reason · enter asks",
                key="enter",
                waiting_for="lead",
                since=mark.at,
                question="reason",
                level="asks",
            )
        return self.what_now(mark.at)

    def open_manual(self) -> NextLine | None:
        """R5: a manual step that ran at the halt."""
        for run in self.session.steps.values():
            if run.question_at_halt:
                owner = self.owner(run.id)
                return NextLine(
                    f"what was running? {self.name(run.id)} · {self.who(owner)}: not begun, partly, or fully done?"
                    " · enter answers",
                    key="enter",
                    step=run.id,
                    waiting_for=owner,
                    since=run.started or 0.0,
                    question="manual",
                    level="asks",
                )
        return None

    def open_gone(self) -> NextLine | None:
        """R6: what cannot be proven gone."""
        for run in self.session.steps.values():
            if run.unproven and run.state != "running":
                owner = self.owner(run.id)
                return NextLine(
                    f"is the command of {self.name(run.id)} gone? {self.who(owner)}: look, then say so"
                    " · enter answers",
                    key="enter",
                    step=run.id,
                    waiting_for=owner,
                    question="gone",
                    level="alarm",
                )
        return None

    def still_running(self) -> NextLine | None:
        """What a halt still waits for."""
        running = [run for run in self.session.running() if run.state in {"granted", "running"}]
        if not running:
            return None
        run = running[0]
        more = f" and {len(running) - 1} more" if len(running) > 1 else ""
        stopping = "being stopped" if run.stop_asked else f"{self.spent(run)} · T stops it now"
        return NextLine(
            f"HALT · still running: {self.name(run.id)}{more}, {stopping}",
            key="" if run.stop_asked else "T",
            step=run.id,
            waiting_for="command",
            since=run.started or 0.0,
            level="alarm",
        )

    def open_effect(self) -> NextLine | None:
        """R6: an effect that nobody declared."""
        from quarterdeck.session.rollback import undecided

        open_ones = undecided(self.session)
        return self.ask_effect(open_ones[0]) if open_ones else None

    def ask_effect(self, run: StepRun) -> NextLine:
        owner = self.owner(run.id)
        return NextLine(
            f"did {self.name(run.id)} change anything? {self.who(owner)}: nothing, part, all or don't know"
            " · enter answers",
            key="enter",
            step=run.id,
            waiting_for=owner,
            question="effect",
            level="asks",
        )

    def what_now(self, since: float) -> NextLine:
        """R11 and R8: the choices, each with its minutes."""
        session, plan = self.session, self.plan
        assert plan is not None
        keys, offered = ["G goes on"], [] if session.phase == "planned" else self.by_contingency()
        if self.may_roll_back():
            from quarterdeck.session.rollback import preview

            found = preview(session)
            steps = f"{found.steps} step{'' if found.steps == 1 else 's'}"
            keys.insert(
                0, f"B rolls back {steps}, {span(found.seconds)}" if found.steps else "B rolls back, nothing to undo"
            )
            undone = next((item.undoes for item in found.items if item.undoes), "")
            if undone:
                last = sum(item.duration for item in found.items if item.undoes == undone)
                offered.insert(0, f"undo only {self.name(undone)}, {span(last)}")
        more = f"enter offers {', '.join([*offered, 'hand over and end'])}"
        text = f"what now? {' · '.join([*keys, more])}"
        key = keys[0][0]
        return NextLine(text, key, waiting_for="lead", since=since, question="what_now", level="asks")

    def may_roll_back(self) -> bool:
        """Whether a rollback can be committed now: never after one, and never past the point of no return."""
        session = self.session
        if session.rollback is not None or session.past_no_return or session.contingency_started:
            return False
        return session.phase in {"running", "validating"}

    def by_contingency(self) -> list[str]:
        """The contingency as a choice, where the procedure has one that was not begun."""
        session, plan = self.session, self.plan
        assert plan is not None
        if not plan.contingency or session.contingency_started or session.rollback is not None:
            return []
        return [f"contingency, {span(sum(plan.steps[step].duration for step in plan.contingency))}"]

    # -- rollback

    def rolling_back(self) -> NextLine:
        session = self.session
        rollback = session.rollback
        assert rollback is not None
        stopped = self.troubles(tuple(item.step for item in rollback.items)) or self.going_on(
            tuple(item.step for item in rollback.items)
        )
        if stopped is not None:
            return stopped
        pending = [item for item in rollback.items if not self.is_finished(item.step)]
        if rollback.paused:
            return NextLine("rollback paused · G goes on", "G", waiting_for="lead", level="asks")
        if not pending:
            return NextLine("rollback is through · the closing steps follow")
        first = pending[0]
        left = f"{len(pending)} left, {span(sum(item.duration for item in pending))}"
        if first.asks and first.undoes and self.undo_choice(first.undoes) == "":
            return NextLine(
                f"undo of {self.name(first.undoes)}: its effect is not sure · {self.who(first.owner)}:"
                " run it, by hand, or not needed? · enter answers",
                key="enter",
                step=first.step,
                waiting_for=first.owner,
                question="undo",
                level="asks",
            )
        if first.owner in rollback.run_mine:
            return NextLine(f"next by itself: {self.name(first.step)} · {left}", step=first.step)
        mine = "S starts" if first.owner == self.me.role else f"waiting for {first.owner}: S starts"
        return NextLine(
            f"{mine} {self.name(first.step)} ({span(first.duration)}) · A runs yours one after the other · {left}",
            key="S",
            step=first.step,
            waiting_for=first.owner,
            level="asks",
        )

    def undo_choice(self, step: str) -> str:
        run = self.run(step)
        return run.undo_choice if run else ""

    def undoing(self) -> NextLine:
        """R14: one step is undone alone."""
        ids = tuple(item.step for item in self.session.undo_items)
        busy = self.troubles(ids) or self.going_on(ids)
        if busy is not None:
            return busy
        pending = [item for item in self.session.undo_items if not self.is_finished(item.step)]
        if not pending:
            return NextLine(f"{self.name(self.session.undoing)} is undone")
        first = pending[0]
        return NextLine(
            f"undoing {self.name(self.session.undoing)} alone · S starts {self.name(first.step)}",
            key="S",
            step=first.step,
            waiting_for=first.owner,
            level="asks",
        )

    # -- forward work, contingency, closing

    def parts(self) -> tuple[str, ...]:
        """Steps of the list that is in force."""
        assert self.plan is not None
        listed: dict[str, Part] = {"contingency": "contingency", "validating": "closing"}
        return self.plan.in_part(listed.get(self.session.phase, "stages"))

    def working(self) -> NextLine:
        session = self.session
        for proposal in session.proposals.values():
            if proposal.state == "open":
                running = session.running()
                return NextLine(
                    f"HALT PROPOSED: {proposal.reason} · H halts · X dismisses · pauses by itself in"
                    f" {span(max(0.0, proposal.until - self.now))}",
                    key="H",
                    step=running[0].id if running else "",
                    waiting_for="lead",
                    since=proposal.at,
                    question="proposal",
                    level="alarm",
                )
        listed = self.parts()
        trouble = self.troubles(listed)
        if trouble is not None:
            return trouble
        busy = self.going_on(listed)
        if session.paused:
            return self.paused(busy)
        if busy is not None:
            return busy
        signing = self.signatures(listed)
        offer = self.available(listed)
        return offer or signing or self.blocked(listed)

    def paused(self, busy: NextLine | None) -> NextLine:
        session = self.session
        if busy is not None and busy.question == "poll":
            return busy
        open_ones = [step for step, read in session.rechecks.items() if read is None]
        failed = [step for step, read in session.rechecks.items() if read is False]
        if failed:
            return NextLine(
                f"no longer verifies: {self.name(failed[0])} · G accepts it with a reason and goes on,"
                " v reads it again",
                key="G",
                step=failed[0],
                waiting_for="lead",
                question="recheck",
                level="alarm",
            )
        if open_ones:
            return NextLine(f"reading again what has aged: {len(open_ones)} left, {self.name(open_ones[0])}")
        by = f" by {session.paused_by}" if session.paused_by else ""
        why = f": {session.pause_reason}" if session.pause_reason else ""
        still = f" · still running: {self.name(busy.step)}" if busy is not None and busy.step else ""
        return NextLine(
            f"paused for {span(self.now - session.paused_at)}{by}{why}{still} · G goes on",
            key="G",
            step=busy.step if busy else "",
            waiting_for="lead",
            since=session.paused_at,
            level="asks",
        )

    def troubles(self, listed: tuple[str, ...]) -> NextLine | None:
        """A step that a person has to answer for before anything else."""
        for step in listed:
            run = self.run(step)
            if run is None:
                continue
            if run.unproven and run.state not in {"granted", "running"}:
                return self.open_gone()
            if run.state == "verifying" and run.proofs and any(proof.ok is not True for proof in run.proofs):
                bad = next(proof for proof in run.proofs if proof.ok is not True)
                return NextLine(
                    f"{self.name(step)} does not verify: {bad.title or 'check'} read {bad.read or 'nothing'}"
                    " · v again, F fail, or accept with a reason",
                    key="v",
                    step=step,
                    waiting_for=self.owner(step),
                    question="verify",
                    level="alarm",
                )
            if run.state in {"failed", "interrupted", "unknown"}:
                return self.failed(run)
        return None

    def failed(self, run: StepRun) -> NextLine:
        from quarterdeck.session.availability import may_try_again

        assert self.plan is not None
        if run.retry_at > self.now:
            return NextLine(
                f"{self.name(run.id)} failed, is tried again in {span(run.retry_at - self.now)}",
                step=run.id,
                since=run.ended or 0.0,
            )
        if run.effect == "unknown" and not run.declared:
            return self.ask_effect(run)
        word = {"failed": "FAILED", "interrupted": "was interrupted", "unknown": "is unknown"}[run.state]
        why = f": {run.reason}" if run.reason else ""
        step = self.plan.steps[run.id]
        skip = ", K skips" if step.skippable or self.plan.part(run.id) != "stages" else ""
        may = not may_try_again(self.session, run)
        again = "S tries again" if may else "undo this step (palette)"
        return NextLine(
            f"{self.name(run.id)} {word}{why} · {again}{skip}, D done by hand, H halts",
            key="S" if may else "H",
            step=run.id,
            waiting_for=self.owner(run.id),
            since=run.ended or 0.0,
            question="failed",
            level="alarm",
        )

    def going_on(self, listed: tuple[str, ...]) -> NextLine | None:
        """What works now: the first of them, with what comes after it."""
        assert self.plan is not None
        runs = [run for step in listed if (run := self.run(step)) is not None]
        live = sorted((run for run in runs if run.state in LIVE), key=lambda r: r.sequence)
        if not live:
            return None
        run = live[0]
        step = self.plan.steps[run.id]
        if step.kind == "poll":
            return self.polling(run)
        also = f" (and {len(live) - 1} more)" if len(live) > 1 else ""
        name = f"{self.name(run.id)}{also}"
        then = self.then(run.id)
        if run.state == "granted":
            return NextLine(f"starting: {name}", step=run.id, waiting_for="command", since=run.started or 0.0)
        if run.state == "verifying":
            return NextLine(f"verifying: {name}{then}", step=run.id, waiting_for="command", since=run.started or 0.0)
        if step.kind in {"manual", "note"}:
            return NextLine(
                f"waiting for {self.who(step.owner)}: {name}, {self.spent(run)} · D says done{then}",
                key="D",
                step=run.id,
                waiting_for=step.owner,
                since=run.started or 0.0,
                level="asks" if step.owner == self.me.role else "calm",
            )
        if step.kind == "wait":
            until = f" until {step.until}" if step.until else ""
            return NextLine(
                f"waiting{until}: {name}, {self.spent(run)}{then}",
                step=run.id,
                waiting_for=step.release,
                since=run.started or 0.0,
            )
        late = self.now - (run.started or self.now) > step.duration > 0
        estimate = " · past its time: E estimates, T stops it" if late else ""
        return NextLine(
            f"{self.waits(step.owner)}{name}, {self.spent(run)}{estimate}{then}",
            key="E" if late else "",
            step=run.id,
            waiting_for="command",
            since=run.started or 0.0,
            level="asks" if late else "calm",
        )

    def polling(self, run: StepRun) -> NextLine:
        assert self.plan is not None
        step = self.plan.steps[run.id]
        poll = self.session.polls.get(run.id)
        answered = poll.answers if poll else {}
        missing = [role for role in step.roles if role not in answered]
        since = poll.opened if poll else run.started or self.now
        waited = span(self.now - since)
        return NextLine(
            f"go or no-go? {step.question or step.title} · waiting for {', '.join(missing) or 'the result'}, {waited}"
            " · enter answers",
            key="enter",
            step=run.id,
            waiting_for=missing[0] if missing else "",
            since=since,
            question="poll",
            level="asks",
        )

    def then(self, step: str) -> str:
        """What follows the step that runs."""
        assert self.plan is not None
        for follower in self.plan.followers.get(step, ()):
            run = self.run(follower)
            if self.plan.part(follower) != self.plan.part(step) or (run is not None and run.state != "pending"):
                continue
            found = self.plan.steps[follower]
            if found.auto_start or found.kind == "poll":
                return f" · then by itself: {self.name(follower)}"
            whom = "you" if found.owner == self.me.role else found.owner
            return f" · then {whom}: S starts {self.name(follower)}"
        return ""

    def signatures(self, listed: tuple[str, ...]) -> NextLine | None:
        assert self.plan is not None
        for step in listed:
            run = self.run(step)
            if run is None or run.sign_off != "awaiting":
                continue
            asked = self.plan.steps[step].sign_off
            roles = (asked.role,) if asked and asked.role else (asked.of if asked else ())
            missing = [role for role in roles if role not in run.signed_by]
            return NextLine(
                f"waiting for {', '.join(map(self.who, missing)) or 'a signature'}: sign off {self.name(step)}"
                " · ^p signs it off",
                key="^p",
                step=step,
                waiting_for=missing[0] if missing else "",
                since=run.ended or 0.0,
                question="sign_off",
                level="asks",
            )
        return None

    def is_finished(self, step: str) -> bool:
        run = self.run(step)
        return run is not None and run.state in FINISHED

    def available(self, listed: tuple[str, ...]) -> NextLine | None:
        """The first step that may be started now."""
        from quarterdeck.session.availability import view

        assert self.plan is not None
        for step in listed:
            if self.is_finished(step):
                continue
            seen = view(self.session, step, self.now)
            if seen.state not in {"available", "claimed"}:
                continue
            found = self.plan.steps[step]
            what = f"{self.name(step)}{f' ({span(found.duration)})' if found.duration else ''}"
            if found.auto_start:
                return NextLine(f"next by itself: {what}", step=step)
            verb = "asks" if found.kind == "poll" else "starts"
            yours = found.owner == self.me.role
            text = f"you: S {verb} {what}" if yours else f"waiting for {found.owner}: S {verb} {what}"
            return NextLine(text, "S", step, found.owner, level="asks")
        return None

    def ending(self) -> NextLine:
        """Closing is through: what a person is asked before the end, then the end."""
        session, plan = self.session, self.plan
        assert plan is not None
        asked = [item for item in plan.procedure.criteria if item.asked and item.id not in session.criteria]
        if asked:
            first = asked[0]
            return NextLine(
                f"waiting for {self.who(first.asked)}: {first.title}? · ^p answers it",
                key="^p",
                waiting_for=first.asked,
                question="criterion",
                level="asks",
            )
        text = "closing is through · ^p ends the session"
        return NextLine(text, "^p", waiting_for="lead", question="end", level="asks")

    def blocked(self, listed: tuple[str, ...]) -> NextLine:
        from quarterdeck.session.availability import view

        for step in listed:
            if not self.is_finished(step):
                seen = view(self.session, step, self.now)
                return NextLine(f"{self.name(step)} waits: {seen.why or 'something before it is open'}", step=step)
        if self.session.phase == "validating":
            return self.ending()
        return NextLine("all steps are through · the closing steps follow")
