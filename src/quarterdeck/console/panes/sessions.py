"""The open sessions of this host: how each is, what is wrong there, its clocks, its worst target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from quarterdeck.console.panes.alarms import alarms_of
from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row, fit, width_of
from quarterdeck.console.panes.clocks import clock_parts
from quarterdeck.console.panes.endpoints import CONDITIONS, counted, worst
from quarterdeck.console.panes.header import badge_of
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events

__all__ = ["SessionPicked", "SessionsPane"]


class SessionPicked(Message):
    """A session was picked with the mouse."""


class SessionsPane(Pane):
    """Each session with its name and state, then its clocks, what is wrong there, and its worst target."""

    name_ = "sessions"
    heading = "Sessions"

    def __init__(self, chosen: str = "") -> None:
        """`chosen` is the id of the session under the cursor at first; else the first that is not on screen."""
        super().__init__(framed=False)
        self.chosen = chosen
        self._rows: list[tuple[str, Row]] = []

    def settle(self, snapshot: Snapshot) -> None:
        """Put the cursor on a session that is there."""
        ids = [shown.session.id for shown in (snapshot, *snapshot.others)]
        if self.chosen not in ids:
            self.chosen = ids[min(1, len(ids) - 1)]

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Make all rows: how many lines the clocks take depends on the width."""
        sessions = [snapshot, *snapshot.others]
        self.settle(snapshot)
        self._rows = []
        for shown in sessions:
            rows = self._session(shown, width, here=shown is snapshot)
            self._rows += [(shown.session.id, row) for row in rows] + [("", EMPTY)]
        self._rows.pop()

    def row_count(self, snapshot: Snapshot) -> int:
        """Three lines or more for each."""
        del snapshot
        return len(self._rows)

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """With the cursor's mark before every line of the chosen one."""
        del snapshot, width
        identity, row = self._rows[y] if y < len(self._rows) else ("", EMPTY)
        mark = self.look.glyphs.cursor if identity and identity == self.chosen else " "
        return ((mark, "accent"), *row) if row else EMPTY

    def _session(self, shown: Snapshot, width: int, *, here: bool) -> list[Row]:
        glyphs = self.look.glyphs
        word = str(shown.session.state)
        state = (f" {word.replace('_', ' ').upper()} ", badge_of(word))
        place = "  on screen" if here else ""
        letters = f" ({visible(shown.session.letters, 20)})"
        room = max(4, width - 5 - width_of((state,)) - len(place) - len(letters))
        title = visible(shown.session.called, 200).removesuffix(letters)
        name = fit(title, room, ellipsis=glyphs.ellipsis).rstrip() + letters
        rows: list[Row] = [((" ", ""), (name, "strong"), ("  ", ""), state, (place, "muted"))]
        said = (f"{glyphs.alert} {words}" for words in alarms_of(shown).values())
        rows += [((f"   {fit(words, width - 5, ellipsis=glyphs.ellipsis)}", "critical"),) for words in said]
        return [*rows, *self._clocks(shown, width), self._worst(shown, width)]

    def _clocks(self, shown: Snapshot, width: int) -> list[Row]:
        """The clocks that the header of that session has, over as many lines as they need."""
        lines: list[list[Piece]] = []
        for part in clock_parts(shown, width)[:4]:
            if not lines or width_of((*lines[-1], *part)) + 5 > width:
                lines.append([("   ", "")])
            else:
                lines[-1].append(("  ", ""))
            lines[-1] += part
        return [tuple(line) for line in lines]

    def _worst(self, shown: Snapshot, width: int) -> Row:
        found = worst(shown)
        if found is None:
            well = ", ".join(f"{count} {word}" for word, count in counted(shown).items())
            return (("   targets ", "muted"), (fit(well or "none is watched", width - 11), "text"))
        name, word, others = found
        message = visible(shown.readings[name].message, 200)
        more = f" and {others} more" if others else ""
        words = f"{visible(name, 40)} {word}{more}{': ' if message else ''}{message}"
        return (
            ("   worst ", "muted"),
            (fit(words, width - 10, ellipsis=self.look.glyphs.ellipsis), CONDITIONS[word]),
        )

    # -- moving

    def action_roll(self, by: int) -> None:
        """The next session, around the end."""
        if self.snapshot is not None:
            self.settle(self.snapshot)  # the key may come before anything is painted
            ids = [shown.session.id for shown in (self.snapshot, *self.snapshot.others)]
            self.choose(ids[(ids.index(self.chosen) + by) % len(ids)])

    def choose(self, identity: str) -> None:
        """Put the cursor on this session, and show all of it."""
        self.chosen = identity
        rows = [y for y, (of, _) in enumerate(self._rows) if of == identity]
        height = self.size.height
        if rows and (rows[0] < self.top or rows[-1] >= self.top + height):
            self.roll_to(min(rows[0], max(0, rows[-1] - height + 1)))
        self.repaint_changed()

    def on_click(self, event: events.Click) -> None:
        """Pick the session that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= (y := offset.y + self.top) < len(self._rows) and self._rows[y][0]:
            event.stop()
            self.choose(self._rows[y][0])
            self.post_message(SessionPicked())
