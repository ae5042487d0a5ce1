"""The clock line: window, decide-by, and when everything is back if it is halted now or may finish first.

Colours are those of `session.forecast` (green above warn, amber at or below it, red below zero), each with its word.
Past the point of no return the decide-by clock gives way to the forward margin.
"""

from __future__ import annotations

from itertools import accumulate

from quarterdeck.console.panes.base import Pane, Piece, Row, fit, width_of
from quarterdeck.console.rollback_cost import less_reserve
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.told import count
from quarterdeck.spans import countdown, hour, left, span, stretch
from quarterdeck.text import visible

__all__ = ["ClocksPane", "clock_parts"]

_ROLES = {"green": "ok", "amber": "warn", "red": "critical"}


class ClocksPane(Pane):
    """One line, or two where the layout gives two; parts that do not fit are left out, the last ones first."""

    name_ = "clocks"
    bar = True

    def row_count(self, snapshot: Snapshot) -> int:
        """As many lines as the pane has."""
        del snapshot
        return max(1, self.size.height)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """Line `y`: parts flow over the lines that there are."""
        parting = " │ " if self.look.glyphs.name == "unicode" else " | "
        flowed: list[list[Piece]] = [[]]
        used = 0
        for part in self._fitting(snapshot, width):
            lead: Piece = (parting, "frame") if used else (" ", "")
            if used and used + len(parting) + width_of(tuple(part)) > width:
                if len(flowed) >= max(1, self.size.height):
                    break
                flowed.append([])
                used, lead = 0, (" ", "")
            flowed[-1] += [lead, *part]
            used += width_of((lead, *part))
        pieces = flowed[y] if y < len(flowed) else []
        return tuple((fit(text, width), role) if len(text) > width else (text, role) for text, role in pieces)

    def _fitting(self, snapshot: Snapshot, width: int) -> list[list[Piece]]:
        """The parts, with the key that shows what a rollback costs, where no clock but the last is lost for it."""
        room = width * max(1, self.size.height)
        parts = clock_parts(snapshot, self.size.width)
        shown = _fit_in(room, parts[:-1])
        key = self.said("(b)")[1:-1]
        told = (clock_parts(snapshot, self.size.width, key, brief=brief) for brief in (False, True))
        return next((found for found in told if _fit_in(room, found[:-1]) >= shown), parts)


def _fit_in(room: int, parts: list[list[Piece]]) -> int:
    """How many of them stand beside each other in so many cells."""
    ends = accumulate(width_of(tuple(part)) + 3 for part in parts)
    return sum(1 for end in ends if end <= room + 2)


def clock_parts(snapshot: Snapshot, width: int, key: str = "", *, brief: bool = False) -> list[list[Piece]]:
    """The clocks in the order of their weight, in words for a screen of `width` columns, or in fewer.

    `key` shows what a rollback would cost; where nothing is said of it, it is empty.
    """
    session, clocks, off = snapshot.session, snapshot.clocks, snapshot.off
    if session.is_over:
        return _over(snapshot)
    if clocks is None:
        return _planned(snapshot)
    role = _ROLES[clocks.colour]
    assumed: list[Piece] = [(" ASSUMED", "warn")] if clocks.assumed else []
    rest = clocks.window_left
    window: list[Piece] = [
        ("WINDOW ", "muted"),
        (countdown(rest), "strong" if rest > 0 else "critical"),
        (_end(snapshot, width) if rest > 0 else " OVER", "muted" if rest > 0 else "critical"),
        *assumed,
    ]
    work: list[Piece] = [("worked ", "muted"), (span(clocks.work), "text")]
    if clocks.forward_only:
        word = {"green": "", "amber": " SHORT", "red": " TOO LATE"}[clocks.colour]
        ahead = "CLOSING" if session.phase == "validating" else "FORWARD"
        margin: list[Piece] = [(f"{ahead} MARGIN ", "muted"), (f"{_signed(clocks.margin)}{word}", role)]
        return [window, margin, [_no_way_back(snapshot)], work]
    if session.rollback is not None:
        back: list[Piece] = [("rollback is back by ", "muted"), (hour(clocks.stop_now_back, off), "strong")]
        spare: list[Piece] = [("margin ", "muted"), (_signed(clocks.margin), role)]
        return [window, back, spare, work]
    return [window, _decide(snapshot, role), *_back(snapshot, width, key, brief=brief), work]


def _end(snapshot: Snapshot, width: int) -> str:
    assert snapshot.clocks is not None
    if width < 100 and snapshot.clocks.assumed:
        return ""  # of 80 columns the decision and the way back need the rest
    if width < 140:
        return " left"
    return f" left, to {hour(snapshot.clocks.window_end, snapshot.off)}{less_reserve(snapshot.clocks)}"


def _decide(snapshot: Snapshot, role: str) -> list[Piece]:
    clocks = snapshot.clocks
    assert clocks is not None
    if clocks.colour == "red":
        return [("ROLLBACK NO LONGER FITS ", "critical"), (f"by {left(clocks.decide_in)}", "critical")]
    near = " SOON" if clocks.colour == "amber" else ""
    return [
        ("DECIDE BY ", "muted"),
        (hour(clocks.decide_by, snapshot.off), role + "+bold"),
        (f" in {left(clocks.decide_in)}{near}", role),
    ]


def _back(snapshot: Snapshot, width: int, key: str, *, brief: bool) -> list[list[Piece]]:
    clocks, off = snapshot.clocks, snapshot.off
    assert clocks is not None
    steps = f"undo {count(clocks.steps, 'step')}, " if clocks.steps else "nothing to undo, "
    halted = bool(snapshot.session.live_halts())
    verb = "roll back now: " if halted else "stop: " if brief else "stop now: "
    until = "back by " if width >= 140 else "back "
    if width < 100:
        steps = ""
        if halted:
            verb, until = "", "rolled back by "
    now: list[Piece] = [
        (verb, "muted"),
        (f"{steps}{until}", "text"),
        (hour(clocks.stop_now_back, off), "strong"),
        *([(" (", "muted"), (visible(key, 12), "key"), (")", "muted")] if key and not halted else []),
    ]
    if not snapshot.session.running():
        return [now]
    finish: list[Piece] = [
        ("let it finish: ", "muted"),
        (until, "text"),
        (hour(clocks.finish_back, off), "strong"),
    ]
    return [now, finish]


def _planned(snapshot: Snapshot) -> list[list[Piece]]:
    session, off = snapshot.session, snapshot.off
    window = session.planned_window
    parts: list[list[Piece]] = []
    if window.get("start"):
        said = stretch(window["start"], window.get("end", "?"), off)
        parts.append([("WINDOW ", "muted"), (visible(said, 60), "strong")])
    else:
        parts.append([("WINDOW ", "muted"), ("none given: assumed at Start", "text")])
    if session.plan is not None:
        steps, listed = session.plan.steps, session.plan.forward
        change = session.index.of_plan("change", lambda: sum(steps[step].duration for step in listed))
        parts.append([("change ", "muted"), (span(change), "text")])
    parts.append([("NOT STARTED", "warn")])
    return parts


def _over(snapshot: Snapshot) -> list[list[Piece]]:
    session, off = snapshot.session, snapshot.off
    parts: list[list[Piece]] = [[("OVER ", "muted"), (session.outcome.replace("_", " "), "strong")]]
    if session.started is not None and session.ended is not None:
        parts.append(
            [
                (f"{hour(session.started, off)} to {hour(session.ended, off)}", "text"),
                (f", {span(session.ended - session.started)}", "muted"),
            ]
        )
    if session.window is not None and session.ended is not None:
        spare = session.window.end - session.ended
        parts.append([(f"{span(spare)} {'before' if spare >= 0 else 'after'} the window's end", "text")])
    if session.deviations:
        parts.append([(f"{len(session.deviations)} deviation{'' if len(session.deviations) == 1 else 's'}", "warn")])
    return parts


def _signed(seconds: float) -> str:
    return f"-{left(seconds)}" if seconds < 0 else left(seconds)


def _no_way_back(snapshot: Snapshot) -> Piece:
    """Why there is no decide-by clock any more."""
    assert snapshot.clocks is not None
    if snapshot.clocks.past_no_return:
        return ("past the point of no return", "warn")
    return (
        ("the rollback is through", "ok") if snapshot.session.rollback else ("the contingency is under way", "warn")
    )
