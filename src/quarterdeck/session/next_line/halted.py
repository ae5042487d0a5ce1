"""After a halt, one question at a time (R11), then through the undo: the next item, and who starts it. Pure."""

from __future__ import annotations

from quarterdeck.session.forecast import rollback_minutes
from quarterdeck.session.leftovers import few, open_left
from quarterdeck.session.next_line.words import NextLine
from quarterdeck.session.next_line.working import Steps
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.rollback import next_item, preview, undecided
from quarterdeck.session.rules.command import StopCommand
from quarterdeck.session.rules.halt import GoOn
from quarterdeck.session.rules.rollback import WORD, RollBack, StartContingency, UndoStep
from quarterdeck.session.rules.start import not_gone
from quarterdeck.spans import span

__all__ = ["Halted", "Undoing"]


class Halted(Steps):
    """The questions after a halt, and the choices."""

    def halted(self) -> NextLine:
        """After a halt: the first question that is open; then what now."""
        session, plan = self.session, self.plan
        assert plan is not None
        mark = session.halts[session.live_halts()[0]]
        asked = self.open_manual() or self.open_gone() or self.still_running() or self.open_effect()
        if asked is not None:
            return asked
        if not any(session.halts[nonce].reason for nonce in session.live_halts()):
            by = self.halter(mark)
            asked_why = "why did you halt?" if by == "you" else f"HALTED by {by}: why?"
            return NextLine(
                f"{asked_why} · waiting for {self.who('lead')}: one line of reason · enter asks",
                key="enter",
                waiting_for="lead",
                since=mark.at,
                question="reason",
                level="asks",
            )
        return self.open_left(mark.at) or self.what_now(mark.at)

    def open_left(self, since: float) -> NextLine | None:
        """What an earlier command left running: asked, and waited for by nothing."""
        for run, attempt in open_left(self.session):
            owner = self.owner(run.id)
            return NextLine(
                f"{self.name(run.id)} left {few(attempt.left_open)} running · {self.who(owner)}: leave it or end it?"
                " · enter answers, nothing waits for it",
                key="enter",
                step=run.id,
                waiting_for=owner,
                since=since,
                question="left",
                level="asks",
            )
        return None

    def open_manual(self) -> NextLine | None:
        """R5: a manual step that ran at the halt."""
        asked = next(iter(self.session.index.asked), "")
        if not asked:
            return None
        owner = self.owner(asked)
        return NextLine(
            f"what was running? {self.name(asked)} · {self.who(owner)}: not begun, partly, or fully done?"
            " · enter answers",
            key="enter",
            step=asked,
            waiting_for=owner,
            since=self.session.steps[asked].started or 0.0,
            question="manual",
            level="asks",
        )

    def still_running(self) -> NextLine | None:
        """What a halt still waits for."""
        running = [run for run in self.session.running() if run.state in {"granted", "running"}]
        if not running:
            return None
        stoppable = [run for run in running if not run.stop_asked and self.may(StopCommand(step=run.id))]
        run = (stoppable or running)[0]
        more = f" and {len(running) - 1} more" if len(running) > 1 else ""
        stops = " · T stops it now" if stoppable else ""
        how = "being stopped" if run.stop_asked else f"{self.spent(run)}{stops}"
        return NextLine(
            f"HALT · still running: {self.name(run.id)}{more}, {how}",
            key="T" if stoppable else "",
            step=run.id,
            waiting_for="command",
            since=run.started or 0.0,
            level="alarm",
        )

    def open_effect(self) -> NextLine | None:
        """R6: an effect that nobody declared."""
        open_ones = undecided(self.session)
        return self.ask_effect(open_ones[0]) if open_ones else None

    def what_now(self, since: float) -> NextLine:
        """R11 and R8: the choices, each with its minutes."""
        session, plan = self.session, self.plan
        assert plan is not None
        halts, keys, offered = session.live_halts(), list[str](), list[str]()
        if self.may(RollBack(halts=halts, typed=WORD, waiver="?")):
            found = preview(session)
            minutes = rollback_minutes(session, found.seconds)
            keys.append(f"B rolls back: {found.parts}, {minutes}" if found.steps else "B rolls back, nothing to undo")
            undone = next((item.undoes for item in found.items if item.undoes), "")
            if undone and self.may(UndoStep(step=undone, halts=halts, reason="?")):
                last = sum(undo.duration for undo in plan.steps[undone].undo)
                keys.append(f"U undoes only {self.name(undone)}, {span(last)}")
        if self.may(GoOn(halts=halts, reason="?")):
            keys.append(
                f"G goes on with the undo of {self.name(session.undoing)}" if session.undoing else "G goes on"
            )
        if self.may(StartContingency(halts=halts, reason="?")):
            offered = [f"contingency, {span(sum(plan.steps[step].duration for step in plan.contingency))}"]
        more = f"enter offers {', '.join([*offered, 'hand over and end'])}"
        text = f"what now? {' · '.join([*keys, more])}"
        key = keys[0][0] if keys else "enter"
        return NextLine(text, key, waiting_for="lead", since=since, question="what_now", level="asks")


class Undoing(Steps):
    """The rollback's list, from its first item that is open."""

    def rolling_back(self) -> NextLine:
        """The rollback: trouble, what runs, then the next item."""
        session = self.session
        rollback = session.rollback
        assert rollback is not None
        stopped = self.troubles() or self.going_on()
        if stopped is not None:
            return stopped
        first, index = next_item(session), session.index
        if rollback.paused:
            return NextLine("rollback paused · G goes on", "G", waiting_for="lead", level="asks")
        if first is None:
            return NextLine("rollback is through · the closing steps follow")
        left = f"{index.unfinished.count(index.parts['due'])} left, {span(index.due_nanoseconds / 1e9)}"
        if first.asks and not self.session.steps[first.undoes].undo_choice:
            return NextLine(
                f"undo of {self.name(first.undoes)}: its effect is not sure · {self.who(first.owner)}:"
                " run it, by hand, or not needed? · enter answers",
                key="enter",
                step=first.step,
                waiting_for=first.owner,
                question="undo",
                level="asks",
            )
        if waits := self.not_gone(first):
            return waits
        if first.owner in rollback.run_mine:
            return NextLine(f"next by itself: {self.name(first.step)} · {left}", step=first.step)
        whose = "" if first.owner == self.me.role else f" for {first.owner}"
        all_of_mine = "" if rollback.run_mine else " · A runs all of yours by themselves"
        return NextLine(
            f"S starts {self.name(first.step)} ({span(first.duration)}){whose}{all_of_mine} · {left}",
            key="S",
            step=first.step,
            waiting_for=first.owner,
            level="asks",
        )

    def not_gone(self, item: UndoItem) -> NextLine | None:
        """R6: what its undo waits for, where nothing proves that what it undoes is gone."""
        why = not_gone(self.session, item.step)
        if not why:
            return None
        text = f"{why[0].upper()}{why[1:]} · S runs {self.name(item.step)} all the same, with a reason"
        alarm = self.session.steps[item.undoes].gone is not None
        return NextLine(text, "S", item.step, item.owner, level="alarm" if alarm else "asks")

    def undoing(self) -> NextLine:
        """R14: one step is undone alone."""
        busy = self.troubles() or self.going_on()
        if busy is not None:
            return busy
        first = next_item(self.session)
        if first is None:
            return NextLine(f"{self.name(self.session.undoing)} is undone")
        if waits := self.not_gone(first):
            return waits
        return NextLine(
            f"undoing {self.name(self.session.undoing)} alone · S starts {self.name(first.step)}",
            key="S",
            step=first.step,
            waiting_for=first.owner,
            level="asks",
        )
