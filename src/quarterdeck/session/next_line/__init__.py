"""The next line: what the session waits for, from whom, since when, and which key is yours. Pure.

After a halt it leads through what follows, one question at a time: what was running, what did it change, why, and
what now (R11). The console's NEXT line, plain mode and `status` show it. It never decides: where a key
depends on what happened, `decide` is asked whether it works, so that no key is named that would be refused.
"""

from __future__ import annotations

from msgspec.structs import replace

from quarterdeck.session.availability import blind_guards, open_gates
from quarterdeck.session.event import Actor
from quarterdeck.session.next_line.halted import Halted, Undoing
from quarterdeck.session.next_line.words import NextLine, Question
from quarterdeck.session.next_line.working import Working
from quarterdeck.session.state import Session

__all__ = ["NextLine", "Question", "next_line"]


def next_line(session: Session, now: float, me: Actor, *, most: int = 0) -> NextLine:
    """Say what the session waits for at `now` (session seconds), for the person `me`.

    `most`: characters of a step's name, for a narrow screen; 0: all of it.
    """
    line = _Line(session, now, me, most).line()
    blind = blind_guards(session, now) if session.is_live_session and line.level != "alarm" else []
    if not blind:
        return line
    first, more = blind[0][0], f" and {len(blind) - 1} more" if len(blind) > 1 else ""
    return replace(line, text=f"BLIND: {first.title}{more} · {line.text}")


class _Line(Halted, Undoing, Working):
    """The line being found: the first thing that somebody has to do wins."""

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

    def planned(self) -> NextLine:
        session = self.session
        busy = self.troubles() or self.going_on()
        if busy is not None:
            return busy
        offer = self.available()
        if offer is not None:
            return offer
        gates = open_gates(session, self.now)
        if gates:
            more = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
            text = f"before Start: {gates[0]}{more} · ^p lists what ticks it, or starts with an override"
            return NextLine(text, "^p", question="gates", level="asks")
        return NextLine("all is ready · S starts the session", key="S", level="asks")

    def over(self) -> NextLine:
        session, plan = self.session, self.plan
        assert plan is not None
        if session.phase == "closed":
            return NextLine("reviewed and closed · Q leaves", key="Q")
        word = session.outcome.replace("_", " ")
        if session.phase == "monitoring":
            return NextLine(f"{word} · watching goes on · Q leaves", key="Q")
        return NextLine(f"{word} · the record: quarterdeck export {session.id} · Q leaves", key="Q")
