"""A cursor in a pane: rows that are about something, of which one stands out and can be opened.

It stays with its subject, whatever row that is: the rows of one subject stand beside each other, and come and go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.reactive import reactive

from quarterdeck.console.panes.scrolling import RowScroller

if TYPE_CHECKING:
    from textual import events
    from textual.widget import Widget

    from quarterdeck.console.snapshot import Snapshot

__all__ = ["RowCursor", "RowOpened", "stands_on_row"]


class RowOpened(Message):
    """What stands in a row of a pane is to be opened: `kind` is the pane's `opens`, `subject` that row's."""

    def __init__(self, kind: str, subject: str) -> None:
        super().__init__()
        self.kind, self.subject = kind, subject


def stands_on_row(focused: Widget | None) -> bool:
    """Whether what has the focus has a cursor, on a row that opens: enter is that row's then."""
    return isinstance(focused, RowCursor) and bool(focused.standing())


class RowCursor(RowScroller):
    """Where its rows can be opened (`opens`), it says what each is about (`subject`).

    The cursor stands on one of them while it has the focus: arrows move it, `enter` and a click open it.
    """

    opens: ClassVar[str] = ""
    """What its rows are, for `RowOpened`: `target`; empty where nothing is to be opened, and arrows scroll."""
    cursor = ""
    """The subject that the cursor stands on; empty before there was one."""

    snapshot: reactive[Snapshot | None] = reactive(None, layout=False, repaint=False, always_update=True, init=False)
    """The tick that is shown; the app (or the deck) sets it."""

    def row_count(self, snapshot: Snapshot) -> int:  # noqa: ARG002 - the default looks at nothing
        """How many rows there are."""
        return 0

    def subject(self, snapshot: Snapshot, y: int) -> str:  # noqa: ARG002 - the default looks at nothing
        """What row `y` is about, as an id that lasts; rows beside each other may share it. Empty: nothing to open."""
        return ""

    def home(self, count: int) -> int:
        """The row from which on the cursor looks for its first place: the first one that is visible."""
        return max(0, min(self.top, count - 1))

    def count(self) -> int:
        """How many rows there are now; none before the first tick."""
        return 0 if self.snapshot is None else self.row_count(self.snapshot)

    # -- where it stands

    def standing(self) -> str:
        """The subject that the cursor stands on, where it is shown; empty where nothing is to be opened."""
        return self.cursor if self.opens and self.has_focus and self.snapshot is not None else ""

    def _keep_cursor(self, snapshot: Snapshot, count: int) -> None:
        """On a row that there is: what it stood on may be gone, and there may be something for the first time."""
        if not self.opens or not self.has_focus or self._line_of(self.cursor, snapshot, count) >= 0:
            return
        home = self.home(count)
        places = (*range(home, count), *range(home - 1, -1, -1))
        self.cursor = next((found for y in places if (found := self.subject(snapshot, y))), "")

    def _line_of(self, subject: str, snapshot: Snapshot, count: int) -> int:
        """The first row of a subject, looked for from what is visible on; -1 where it has none."""
        if not subject:
            return -1
        start = max(0, min(self.top, count))
        y = next((y for y in (*range(start, count), *range(start)) if self.subject(snapshot, y) == subject), -1)
        while y > 0 and self.subject(snapshot, y - 1) == subject:
            y -= 1
        return y

    def _stand_on(self, y: int) -> None:
        """Put the cursor on row `y`, and scroll so that all rows of its subject are visible, as far as they fit."""
        snapshot = self.snapshot
        assert snapshot is not None
        count, height = self.row_count(snapshot), self.size.height
        self.cursor = self.subject(snapshot, y)
        first = self._line_of(self.cursor, snapshot, count)
        last = first
        while last + 1 < count and self.subject(snapshot, last + 1) == self.cursor:
            last += 1
        if last >= self.top + height:
            self.roll_to(last - height + 1)
        if first < self.top:
            self.roll_to(first)
        self.repaint_changed()

    def _next_row(self, y: int, by: int) -> None:
        """Stand on the next subject in this direction from row `y` on; where there is none, scroll on."""
        snapshot = self.snapshot
        assert snapshot is not None
        count = self.row_count(snapshot)
        way = range(max(0, y), count) if by > 0 else range(min(y, count - 1), -1, -1)
        found = next((y for y in way if self.subject(snapshot, y) not in {"", self.cursor}), -1)
        if found >= 0:
            self._stand_on(found)
        else:
            self.roll_to(self.top + by)

    def action_roll(self, by: int) -> None:
        """Move the cursor to what is next; without one scroll by lines."""
        snapshot = self.snapshot
        if snapshot is None or not self.standing():
            super().action_roll(by)
            return
        self._next_row(self._line_of(self.cursor, snapshot, self.row_count(snapshot)) + by, by)

    def action_roll_page(self, by: int) -> None:
        """A page on, and the cursor with it."""
        super().action_roll_page(by)
        self._follow_page(by)

    def action_roll_end(self, by: int) -> None:
        """To the top or the bottom, and the cursor with it."""
        super().action_roll_end(by)
        self._follow_page(by)

    def _follow_page(self, by: int) -> None:
        """The cursor stands on what is visible, at the end that was moved towards."""
        snapshot = self.snapshot
        if snapshot is None or not self.standing():
            return
        count = self.row_count(snapshot)
        shown = range(self.top, min(count, self.top + self.size.height))
        found = next((y for y in (shown if by < 0 else reversed(shown)) if self.subject(snapshot, y)), -1)
        if found >= 0:
            self._stand_on(found)

    def action_open(self) -> None:
        """Open what the cursor stands on."""
        if subject := self.standing():
            self.post_message(RowOpened(self.opens, subject))

    def on_click(self, event: events.Click) -> None:
        """Open the row that was clicked; where text was selected over it, that was meant."""
        snapshot, offset = self.snapshot, event.get_content_offset(self)
        if not self.opens or snapshot is None or offset is None or self.text_selection is not None:
            return
        y = offset.y + self.top
        if 0 <= y < self.row_count(snapshot) and self.subject(snapshot, y):
            event.stop()
            self._stand_on(y)
            self.post_message(RowOpened(self.opens, self.cursor))
