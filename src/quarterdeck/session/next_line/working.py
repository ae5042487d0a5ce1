"""What the steps of a list wait for, forward work, contingency and closing, and what a pause waits for. Pure."""

from __future__ import annotations

from quarterdeck.procedure.far_side import REMOTE_UNKNOWN, remote_unknown
from quarterdeck.session.availability import Startable, is_in_force, view
from quarterdeck.session.intents import Intent
from quarterdeck.session.next_line.words import NextLine, Words
from quarterdeck.session.rules.finish import FinishStep, SkipStep
from quarterdeck.session.rules.halt import GoOn, Pause
from quarterdeck.session.rules.rollback import UndoStep
from quarterdeck.session.rules.start import StartStep
from quarterdeck.session.state import StepRun
from quarterdeck.spans import left, span

__all__ = ["Steps", "Working"]


class Steps(Words):
    """Readings of the steps of one list, in the order in which a person has to look at them."""

    def open_gone(self) -> NextLine | None:
        """R6: what cannot be proven gone."""
        for step in self.session.index.unproven:
            run = self.session.steps[step]
            if run.state != "running":
                owner = self.owner(run.id)
                return NextLine(
                    f"{self.far_side(run)}is the command of {self.name(run.id)} gone?"
                    f" {self.who(owner)}: look, then say so · enter answers",
                    key="enter",
                    step=run.id,
                    waiting_for=owner,
                    question="gone",
                    level="alarm",
                )
        return None

    def far_side(self, run: StepRun) -> str:
        """What is not known of the other side of a command that was ended, with its colon; mostly nothing."""
        assert self.plan is not None
        cut_off = run.unproven or (run.runs and run.runs[-1].outcome in {"lost", "signalled"})
        open_there = cut_off and not run.survivors and remote_unknown(self.plan.steps[run.id])
        return f"{REMOTE_UNKNOWN}: " if open_there else ""

    def ask_effect(self, run: StepRun) -> NextLine:
        """R6: its owner says what it changed."""
        owner = self.owner(run.id)
        return NextLine(
            f"{self.far_side(run)}did {self.name(run.id)}{f' ({run.asked_about})' if run.asked_about else ''}"
            " change anything?"
            f" {self.who(owner)}: enter answers{self.goes_on(run)}",
            key="enter",
            step=run.id,
            waiting_for=owner,
            question="effect",
            level="asks",
        )

    def goes_on(self, run: StepRun) -> str:
        """What follows the answer, where that is no question: a step that may run twice is tried again."""
        assert self.plan is not None
        again = run.state == "failed" and self.plan.steps[run.id].idempotent and not self.session.live_halts()
        return " · then S tries again" if again else ""

    def troubles(self) -> NextLine | None:
        """A step that a person has to answer for before anything else."""
        for step in self.session.index.trouble.within(self.session.in_force):
            run = self.session.steps[step]
            if run.unproven and run.state not in {"granted", "running"}:
                return self.open_gone()
            if run.state == "verifying" and run.proofs and any(proof.ok is not True for proof in run.proofs):
                bad = next(proof for proof in run.proofs if proof.ok is not True)
                return NextLine(
                    f"{self.name(step)} does not verify: {bad.title or 'check'} read {bad.read or 'nothing'}"
                    " · v reads it again, F fails it, enter accepts it, with a reason",
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
        """A step that ended badly: what it changed, then try again, skip, by hand or halt."""
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
        acts: dict[str, Intent] = {
            "S tries again": StartStep(step=run.id, again=True),
            "G goes on": GoOn(reason="?", accept="?", override="?"),
            "U undoes it": UndoStep(step=run.id, reason="?"),
            "P pauses, so that it can be undone": Pause(),
            "K skips it": SkipStep(step=run.id, reason="?"),
            "D says that it was done by hand": FinishStep(step=run.id, by_hand=True, note="?"),
        }
        found = [words for words, intent in acts.items() if self.may(intent)]
        if "S tries again" in found or not self.plan.steps[run.id].undo or self.session.phase != "running":
            found = [words for words in found if not words.startswith("P ")]
        return NextLine(
            f"{self.name(run.id)} {word}{why} · {', '.join([*found, 'H halts'])}",
            key=found[0][0] if found else "H",
            step=run.id,
            waiting_for=self.owner(run.id),
            since=run.ended or 0.0,
            question="failed",
            level="alarm",
        )

    def going_on(self) -> NextLine | None:
        """What works now: the first of them, with what comes after it."""
        assert self.plan is not None
        live = [self.session.steps[i] for i in self.session.index.working if is_in_force(self.session, i)]
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
            by_hand = f" · {self.who(step.release)}: D ends it" if step.release else ""
            return NextLine(
                f"waiting{until}: {name}, {self.spent(run)}{by_hand}{then}",
                key="D" if step.release else "",
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
        """Whose answers a poll waits for."""
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

    def signatures(self) -> NextLine | None:
        """A step that is done and waits for its sign-off."""
        assert self.plan is not None
        for step in self.session.index.awaiting.within(self.session.in_force):
            run = self.session.steps[step]
            asked = self.plan.steps[step].sign_off
            roles = (asked.role,) if asked and asked.role else (asked.of if asked else ())
            missing = [role for role in roles if role not in run.signed_by]
            return NextLine(
                f"waiting for {', '.join(map(self.who, missing)) or 'a signature'}: sign off {self.name(step)}"
                " · enter signs it off",
                key="enter",
                step=step,
                waiting_for=missing[0] if missing else "",
                since=run.ended or 0.0,
                question="sign_off",
                level="asks",
            )
        return None

    def available(self) -> NextLine | None:
        """The first step that may be started now."""
        assert self.plan is not None
        for step in Startable(self.session, self.now):
            found = self.plan.steps[step]
            what = f"{self.name(step)}{f' ({span(found.duration)})' if found.duration else ''}"
            if not self.may(StartStep(step=step)):
                claimed = self.session.steps[step].claimed_by
                if claimed:
                    return NextLine(f"waiting for {claimed}, who took it: {what}", step=step, waiting_for=claimed)
                continue
            if found.auto_start:
                return NextLine(f"next by itself: {what}", step=step)
            verb = "asks" if found.kind == "poll" else "starts"
            yours = found.owner == self.me.role
            if verb == "starts" and not found.mutates and self.plan.part(step) != "undo":
                what += " at once"
            text = f"you: S {verb} {what}" if yours else f"S {verb} {what} for {found.owner}"
            return NextLine(text, "S", step, found.owner, level="asks")
        return None

    def blocked(self) -> NextLine:
        """Nothing can be done: what the first open step waits for."""
        step = next(self.session.index.unfinished.within(self.session.in_force), "")
        if not step:
            return NextLine("all steps are through · the closing steps follow")
        seen = view(self.session, step, self.now)
        return NextLine(f"{self.name(step)} waits: {seen.why or 'something before it is open'}", step=step)


class Working(Steps):
    """The list that is in force while nothing is halted."""

    def working(self) -> NextLine:
        """The first thing that keeps the list in force from going on."""
        session = self.session
        proposal = next(iter(session.open_proposals()), None)
        if proposal is not None:
            running = session.running()
            ahead = left(max(0.0, proposal.until - self.now))
            return NextLine(
                f"HALT PROPOSED · H halts · X dismisses · else it pauses in {ahead} · {self.measured(proposal)}",
                key="H",
                step=running[0].id if running else "",
                waiting_for="lead",
                since=proposal.at,
                question="proposal",
                level="alarm",
            )
        trouble = self.troubles()
        if trouble is not None:
            return trouble
        busy = self.going_on()
        if session.paused:
            return self.paused(busy)
        if busy is not None:
            return busy
        signing = self.signatures()
        offer = self.available()
        if session.phase == "validating" and not session.index.unfinished.count(session.in_force):
            return signing or self.ending()
        return offer or signing or self.blocked()

    def paused(self, busy: NextLine | None) -> NextLine:
        """What a pause waits for; what runs goes on."""
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

    def ending(self) -> NextLine:
        """Closing is through: what a person is asked before the end, then the end."""
        session, plan = self.session, self.plan
        assert plan is not None
        asked = [item for item in plan.procedure.criteria if item.asked and item.id not in session.criteria]
        if asked:
            first = asked[0]
            return NextLine(
                f"waiting for {self.who(first.asked)}: {first.title}? · enter answers it",
                key="enter",
                waiting_for=first.asked,
                question="criterion",
                level="asks",
            )
        text = "closing is through · enter ends the session"
        return NextLine(text, "enter", waiting_for="lead", question="end", level="asks")
