"""The first line: whose procedure this is, in which state it is, how far, who you are, what time it is.

And which target is worst, whatever pane is in front. And the line that stands alone where the terminal is too small:
the state, how all targets are, what is needed.
"""

from __future__ import annotations

from rich.cells import cell_len

from quarterdeck.console.glyphs import Glyphs
from quarterdeck.console.panes.alarms import alarm_of
from quarterdeck.console.panes.base import Pane, Piece, Row, fit, justified, width_of
from quarterdeck.console.panes.endpoints import CONDITIONS, counted, sign_of, worst
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.event import Actor
from quarterdeck.session.next_line.words import Words
from quarterdeck.session.state import Session
from quarterdeck.session.told import count
from quarterdeck.spans import hour, second, zone
from quarterdeck.text import visible

__all__ = ["HeaderPane", "NeedsPane", "badge_of"]


SHORTEST = 10
"""Cells that a name or an alarm has at least, or it is left out."""
LEAST = 16
"""Cells that the name of the session on screen has at least, beside another session."""
NAMED = 2
"""Pieces of what is said of another session that name it; its state stands behind them."""
NARROW, WIDE = 60, 160
"""With a second session: columns below which there is no room for all, and from which there is room for who I am."""


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


def worst_said(snapshot: Snapshot, room: int, glyphs: Glyphs) -> list[Piece]:
    """`✖ checkout critical +1`, in so many cells or, where they are few, a few more; nothing while all is well."""
    found = worst(snapshot)
    if found is None:
        return []
    name, word, more = found
    tail = f" {word}" + (f" +{more}" if more else "")
    shown = "this host" if name == "here" else visible(name, 40)
    shown = fit(shown, min(cell_len(shown), max(8, room - len(tail) - 2)), ellipsis=glyphs.ellipsis)
    return [(f"{sign_of(word, glyphs)} {shown}{tail}", CONDITIONS[word])]


def elsewhere(snapshot: Snapshot, room: int, glyphs: Glyphs) -> list[Piece]:
    """Who else is at work on this host: its name, state and what is wrong there, as far as there is room."""
    others = sorted(
        (
            other
            for other in snapshot.others
            if other.session.is_live_session or (alarm_of(other) and other.session.state != "planned")
        ),
        key=lambda other: not alarm_of(other),
    )
    if not others:
        return []
    first = others[0]
    state, alarm = str(first.session.state), alarm_of(first)
    shown: Piece = (f" {state.replace('_', ' ').upper()} ", badge_of(state))
    more: list[Piece] = [(f" +{len(others) - 1}", "muted")] if len(others) > 1 else []
    letters = visible(first.session.letters, 20)
    short: list[Piece] = [("  also ", "muted"), (letters, "strong"), (" ", ""), shown, *more]
    title = visible(first.session.called, 80).removesuffix(f" ({letters})")
    spare = room - width_of(tuple(short)) - 3
    if title == letters or spare < SHORTEST:
        return short
    title = fit(title, spare, ellipsis=glyphs.ellipsis).rstrip()
    short[1] = (f"{title} ({letters})", "strong")
    spare -= width_of(((title, ""),)) + 1
    return [*short, (f" {fit(alarm, spare).rstrip()}", "critical")] if alarm and spare >= SHORTEST else short


WORST, CLOCK = 26, 23
"""Cells that the worst target, or another session, is worth beside a host's domain; and those of the clock."""


def _who(me: Actor, room: int) -> str:
    """`dana@db01.example.org` where that has room, else without the domain: the title says more than that."""
    host, dot, _ = me.host.partition(".")
    whole = f"{me.login}@{me.host}" if me.host else me.login
    if dot and not host.isdecimal() and cell_len(visible(whole, 80)) > room:
        whole = f"{me.login}@{host}"
    return visible(whole, max(40, room))


class HeaderPane(Pane):
    """`Database maintenance r3   RUNNING   step 7/18 …  ✖ checkout critical +1   lead dana@db01   02:14:07 UTC`."""

    name_ = "header"
    bar = True
    first = True

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
        if snapshot.others:
            named.append((f" {visible(session.letters, 20)}", "accent"))
        badge: list[Piece] = [("  ", ""), (f" {state.replace('_', ' ').upper()} ", badge_of(state)), ("  ", "")]
        tail: list[Piece] = [*badge, *self._progress(snapshot)]
        space = width - width_of((*demo, *named, *tail)) - cell_len(me.role) - CLOCK
        who = _who(me, space - WORST * (bool(snapshot.others) + (worst(snapshot) is not None)))
        right: list[Piece] = []
        if width >= (WIDE if snapshot.others else 90):
            right += [(f"{visible(me.role, 20)} ", "muted"), (who, "text"), ("   ", "")]
        right += [(second(snapshot.wall, snapshot.off), "strong"), (f" {zone(snapshot.off)} ", "muted")]
        beside = elsewhere(snapshot, 0, self.look.glyphs)
        least = 10 if beside else min(20, cell_len(title)) + 6
        taken = width_of((*demo, *tail, *beside[:NAMED], *right)) + least
        bad = worst_said(snapshot, width - taken, self.look.glyphs)
        worst_of_all: list[Piece] = [("  ", ""), *bad, ("   ", "")] if bad else []
        right = [*worst_of_all, *right]
        room = width - width_of((*demo, *tail, *beside, *right)) - 2
        if beside and room < LEAST:  # the title goes first, then what is said of the other session, then its name
            name = width_of(tuple(piece for piece in named if piece[1] == "accent"))
            forms: tuple[list[Piece], ...] = (beside, beside[:NAMED], [])
            rooms = [width - width_of((*demo, *tail, *form, *right)) - 2 for form in forms]
            beside, room = next((pair for pair in zip(forms, rooms, strict=True) if pair[1] >= name), ([], rooms[-1]))
        elif beside:
            beside = elsewhere(snapshot, width_of(tuple(beside)) + room - width_of(tuple(named)), self.look.glyphs)
            room = width - width_of((*demo, *tail, *beside, *right)) - 2
        if width_of(tuple(named)) > room:
            letters = [piece for piece in named[1:] if piece[1] == "accent"]
            room -= width_of(tuple(letters))
            if letters and room < SHORTEST:
                named = [(text.strip(), role) for text, role in letters]
            else:
                named = [(fit(title, max(8, room), ellipsis=self.look.glyphs.ellipsis).rstrip(), "strong"), *letters]
        return justified((((" ", "")), *demo, *named, *tail, *beside), tuple(right), width)

    def _progress(self, snapshot: Snapshot) -> list[Piece]:
        session = snapshot.session
        plan = session.plan
        if plan is None:
            return []
        if session.live_halts():
            mark = session.halts[session.live_halts()[0]]
            by = Words(session, snapshot.now, snapshot.me).halter(mark)
            at = f" {hour(mark.at, snapshot.off)}"
            still = _still_running(session)
            if still and self.size.width < 100:
                return [(still, "warn")]
            who: list[Piece] = [("by ", "muted"), (visible(by, 40), "strong"), (at, "muted")]
            return [*who, (f", {still}", "warn")] if still else who
        if session.rollback is not None and session.phase == "rolling_back":
            return [("rollback ", "muted"), (_through(session), "strong"), (" done", "muted")]
        if session.phase not in {"running", "validating"} or not session.in_force:
            return []
        named = snapshot.next_line.step
        if named in plan.places and plan.places[named].part == "stages":
            return [("step ", "muted"), (f"{plan.places[named].number}/{len(plan.forward)}", "strong")]
        word = " closing steps" if session.phase == "validating" else " steps"
        return [(_through(session), "strong"), (word, "muted")]


def _still_running(session: Session) -> str:
    """What a halt still waits for: `step 7 still runs`; nothing once it is over."""
    running = session.running()
    if not running or session.plan is None:
        return ""
    place = session.plan.places[running[0].id]
    named = f"step {place.number}" if place.part == "stages" and len(running) == 1 else count(len(running), "step")
    verb = "is not gone" if running[0].unproven else "still runs" if len(running) == 1 else "still run"
    return f"{named} {verb}"


def _through(session: Session) -> str:
    """How many steps of the list in force are through: `7/18`."""
    listed = session.in_force
    return f"{len(listed) - session.index.unfinished.count(listed)}/{len(listed)}"


class NeedsPane(Pane):
    """` RUNNING  ✖ checkout critical +1 · 80x24 shows everything, this is 62x20`; or, while all is well, `6 ok`."""

    name_ = "needs"
    bar = True
    first = True

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return 1

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """The state and how the targets are, always; what is needed as far as there is room."""
        del y
        size, glyphs = self.app.size, self.look.glyphs
        state = str(snapshot.session.state)
        pieces: list[Piece] = [(f" {state.replace('_', ' ').upper()} ", badge_of(state)), (" ", "")]
        room = width - width_of(tuple(pieces)) - 1
        well = ", ".join(f"{count} {word}" for word, count in counted(snapshot).items())
        beside = elsewhere(snapshot, 0, glyphs)
        if beside and width < NARROW:
            pieces = [(pieces[0][0].strip(), pieces[0][1]), (" ", "")]
            beside = [(text.strip() + " ", role) for text, role in beside[:NAMED]]
        room -= width_of(tuple(beside))
        pieces += worst_said(snapshot, room, glyphs) or [(well or "nothing is watched", "text")]
        pieces += [(" ", ""), *beside] if beside else []
        room = width - width_of(tuple(pieces)) - 1
        for said in (f"80x24 shows everything, this is {size.width}x{size.height}", "80x24 shows all"):
            if room >= len(said) + 3:
                return (*pieces, (f" {glyphs.dot} {said}", "muted"))
        return justified(tuple(pieces), (), width)
