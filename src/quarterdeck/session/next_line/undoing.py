"""In a rollback, and while one step is undone alone: the next item, and who starts it. Pure."""

from __future__ import annotations

from quarterdeck.session.next_line.steps import Steps
from quarterdeck.session.next_line.words import NextLine
from quarterdeck.spans import span

__all__ = ["Undoing"]


class Undoing(Steps):
    """The rollback's list, from its first item that is open."""

    def rolling_back(self) -> NextLine:
        """The rollback: trouble, what runs, then the next item."""
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
            f"{mine} {self.name(first.step)} ({span(first.duration)}) · A runs all of yours by themselves · {left}",
            key="S",
            step=first.step,
            waiting_for=first.owner,
            level="asks",
        )

    def undo_choice(self, step: str) -> str:
        """What its owner picked for the undo of a step with an unsure effect."""
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
