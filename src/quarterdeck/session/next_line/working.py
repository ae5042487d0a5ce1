"""Forward work, contingency and closing, and what a pause waits for. Pure."""

from __future__ import annotations

from quarterdeck.session.next_line.steps import Steps
from quarterdeck.session.next_line.words import NextLine
from quarterdeck.session.plan import Part
from quarterdeck.spans import span

__all__ = ["Working"]


class Working(Steps):
    """The list that is in force while nothing is halted."""

    def parts(self) -> tuple[str, ...]:
        """Steps of the list that is in force."""
        assert self.plan is not None
        listed: dict[str, Part] = {"contingency": "contingency", "validating": "closing"}
        return self.plan.in_part(listed.get(self.session.phase, "stages"))

    def working(self) -> NextLine:
        """The first thing that keeps the list in force from going on."""
        session = self.session
        proposal = next(iter(session.open_proposals()), None)
        if proposal is not None:
            running = session.running()
            left = span(max(0.0, proposal.until - self.now))
            return NextLine(
                f"HALT PROPOSED · H halts · X dismisses · else it pauses in {left} · {self.measured(proposal)}",
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
        if session.phase == "validating" and all(map(self.is_finished, listed)):
            return signing or self.ending()
        return offer or signing or self.blocked(listed)

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
