"""The first line: whose procedure this is, in which state it is, how far, who you are, what time it is.

And the line that stands alone where the terminal is too small: what is needed, and how large this one is.
"""

from __future__ import annotations

from quarterdeck.console.panes.base import Pane, Piece, Row, fit, justified, width_of
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.next_line.words import Words
from quarterdeck.session.state import FINISHED
from quarterdeck.spans import hour, second, zone
from quarterdeck.text import visible

__all__ = ["HeaderPane", "NeedsPane", "badge_of"]


def badge_of(state: str) -> str:
    """Role of the badge that shows a session's state."""
    if state in {"halting", "halted"}:
        return "halt"
    if state in {"rolling_back", "rollback_paused"}:
        return "badge-rollback"
    if state in {"paused", "contingency", "abandoned"} or state.endswith("exceptions"):
        return "badge-warn"
    if state in {"completed", "rolled_back", "recovered", "running"}:
        return "badge-ok"
    return "badge-calm" if state == "validating" else "badge-grey"


class HeaderPane(Pane):
    """`Parsify production · Database maintenance r3   RUNNING   step 7/18 … lead dana@db01   02:14:07 UTC+01:00`."""

    name_ = "header"
    bar = True

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return 1

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """The line; what does not fit goes from the left part's end."""
        del y
        session, me = snapshot.session, snapshot.me
        state = str(session.state)
        demo: list[Piece] = [("DEMO ", "accent")] if session.purpose == "demo" else []
        title = visible(session.plan.procedure.title if session.plan else session.title, 80)
        named: list[Piece] = [(title, "strong")]
        if session.plan:
            named.append((f" r{session.plan.procedure.revision}", "muted"))
        badge: list[Piece] = [("  ", ""), (f" {state.replace('_', ' ').upper()} ", badge_of(state)), ("  ", "")]
        tail: list[Piece] = [*badge, *self._progress(snapshot)]
        who = visible(f"{me.login}@{me.host}" if me.host else me.login, 40)
        right: list[Piece] = []
        if width >= 90:
            right += [(f"{visible(me.role, 20)} ", "muted"), (who, "text"), ("   ", "")]
        right += [(second(snapshot.wall, snapshot.off), "strong"), (f" {zone(snapshot.off)} ", "muted")]
        room = width - width_of((*demo, *tail, *right)) - 2
        if width_of(tuple(named)) > room:
            named = [(fit(title, max(8, room), ellipsis=self.look.glyphs.ellipsis).rstrip(), "strong")]
        return justified((((" ", "")), *demo, *named, *tail), tuple(right), width)

    def _progress(self, snapshot: Snapshot) -> list[Piece]:
        session = snapshot.session
        plan = session.plan
        if plan is None:
            return []
        if session.live_halts():
            mark = session.halts[session.live_halts()[0]]
            by = Words(session, snapshot.now, snapshot.me).halter(mark)
            return [("by ", "muted"), (visible(by, 40), "strong"), (f" {hour(mark.at, snapshot.off)}", "muted")]
        if session.rollback is not None and session.phase == "rolling_back":
            items = session.rollback.items
            through = sum(1 for item in items if (run := session.steps.get(item.step)) and run.state in FINISHED)
            return [("rollback ", "muted"), (f"{through}/{len(items)}", "strong"), (" done", "muted")]
        work, word = (plan.closing, " closing steps") if session.phase == "validating" else (plan.forward, " steps")
        if session.phase not in {"running", "validating"} or not work:
            return []
        named = snapshot.next_line.step
        if named in plan.places and plan.places[named].part == "stages":
            return [("step ", "muted"), (f"{plan.places[named].number}/{len(plan.forward)}", "strong")]
        through = sum(1 for step in work if (run := session.steps.get(step)) and run.state in FINISHED)
        return [(f"{through}/{len(work)}", "strong"), (word, "muted")]


class NeedsPane(Pane):
    """`80x24 is needed to see everything; this is 62x20`, with the state."""

    name_ = "needs"
    bar = True

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return 1

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        del y
        size = self.app.size
        state = str(snapshot.session.state).replace("_", " ").upper()
        return ((fit(f" {state} · 80x24 shows everything, this is {size.width}x{size.height}", width), "badge-warn"),)
