"""The step list: what is done, what runs, what comes; in a halt and a rollback it becomes the rollback plan.

Rows are made for visible lines only, so a key or a tick costs the same with 10 steps and with 10,000. What stands
in which row is `procedure_rows`'s, which lines a row takes `procedure_lines`'s; how a line looks is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.message import Message

from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row, fit
from quarterdeck.console.panes.procedure_lines import ASKS, BY_ITSELF, Columns, Lines, step_word, texts
from quarterdeck.console.panes.procedure_rows import Entry, ProcedureRows, matching, mode_of, procedure_rows
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.state import StepRun
from quarterdeck.spans import hour, short, span
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events

__all__ = ["STATE_ROLES", "ProcedurePane", "StepSelected"]

STATE_ROLES = {
    "pending": "muted", "blocked": "muted", "available": "accent", "claimed": "accent", "granted": "running",
    "running": "running", "verifying": "running", "done": "ok", "done_manually": "ok", "skipped": "warn",
    "failed": "critical", "interrupted": "warn", "unknown": "unknown",
}  # fmt: skip
"""State of a step to the role that colours its sign and word."""


class StepSelected(Message):
    """Another step was selected in the list."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step


class ProcedurePane(Pane):
    """The list of steps. Options: `mine: yes` shows others' steps dimmed."""

    name_ = "procedure"
    heading = "Procedure"
    filterable = True

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self.whole = self.listing = ProcedureRows((), "forward", {})
        """All rows of the list that is in force, and those that are shown."""
        self.lines = Lines(self.listing, Columns(0), [0])
        """Which of those stands in which line."""
        self._known: dict[int, Row] = {}
        """What stands in the lines that were looked at since the tick: a scroll makes those that come into sight."""
        self._before: dict[int, Row] = {}
        """Those of the tick before."""
        self._filtered_for: tuple[object, ...] = ()
        self._counts = 0, 0
        """How many steps and items match the filter, of how many."""
        self.selected = ""
        self._told = ""
        self._wanted = 0
        self._height = 0
        """Lines that the pane had when it was painted last."""
        self._followed = ""
        self._shows = "", "forward"
        """Of which session, and which list: another one begins at its top."""
        self._asked_for: tuple[object, ...] = ()
        """What the rows were made of when all of them were asked last, time apart."""

    # -- the rows

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Take the list that is in force now, and follow the app's selection and the step that is worked on."""
        self._before, self._known = self._known, {}
        seen, before = self._is_in_sight(), (self.lines, self._height)
        self.whole = procedure_rows(snapshot, self.whole)
        fresh = self._filtered(snapshot)
        turned = (snapshot.session.id, fresh.mode) != self._shows
        self._shows = snapshot.session.id, fresh.mode
        self.listing, self._height = fresh, self.size.height
        self._take_lines(snapshot, width)
        if turned:
            self.top = 0
        if snapshot.selected and (snapshot.selected != self._told or not self.selected):
            self._told = self.selected = snapshot.selected
        stays = seen and before != (self.lines, self._height)
        watched = self.selected if self.selected != self._followed or turned or stays else ""
        if watched and watched in fresh.rows and self._height:
            self._followed = self.selected
            if fresh.entries[fresh.rows[watched]].kind == "step":  # what only stays leaves the plan at its top
                self._bring(fresh.rows[watched])

    def restless(self, before: Snapshot, snapshot: Snapshot) -> Sequence[int] | None:
        """While nothing happens, time changes steps that run or wait for their hour, and the forecast."""
        session, plan = snapshot.session, snapshot.session.plan
        asked_for, self._asked_for = self._asked_for, (
            snapshot.count, snapshot.forecast_at, snapshot.next_line.step, snapshot.me.role, snapshot.off,
            self.lines, self.selected,
        )  # fmt: skip
        if plan is None or before.session is not session or asked_for != self._asked_for:
            return None
        found = []
        for line in range(min(self.size.height, self.lines.count - self.top)):
            y = self.top + line
            step = self.listing.entries[self.lines.row(y)].step
            run = session.steps.get(step)
            runs = run is not None and run.started is not None and run.ended is None
            if runs or (run is not None and plan.steps[step].not_before):
                found.append(line)
            elif y in self._before:
                self._known[y] = self._before[y]
        return found

    def forget(self) -> None:
        """The rows too: they were made with other signs."""
        super().forget()
        self._known.clear()
        self._before.clear()

    def _is_in_sight(self) -> bool:
        """Whether the selected step began in one of the lines that were shown."""
        row = self._at()
        return row >= 0 and self.top <= self.lines.first(row) < self.top + self._height

    def _filtered(self, snapshot: Snapshot) -> ProcedureRows:
        """What the filter leaves of the list; found again when something happened, and each few seconds."""
        plan = snapshot.session.plan
        if plan is None or not self.filter_text.strip():
            self._filtered_for = ()
            return self.whole
        key = (self.whole, self.filter_text, snapshot.count, snapshot.forecast_at)
        if key == self._filtered_for:
            return self.listing
        self._filtered_for = key
        found = matching(plan, self.whole, self.filter_text, lambda entry: self._state_said(snapshot, entry))
        self._counts = found.count(), self.whole.count()
        return found

    def _state_said(self, snapshot: Snapshot, entry: Entry) -> str:
        """A step's state, by its name and by the word that stands in its row."""
        state = str(snapshot.views[entry.step].state)
        return f"{state} {step_word(entry, snapshot.session.steps.get(entry.step), state, snapshot.session)}"

    def filter_by(self, text: str) -> None:
        """Show only the steps that match, with the selected one in sight where it is one of them."""
        self._followed = ""
        super().filter_by(text)

    def filter_kept(self) -> None:
        """The cursor stands on a step that is there."""
        if self._at() < 0:
            self._nearest(0)

    def _take_lines(self, snapshot: Snapshot, width: int) -> None:
        """Lines of these rows; what stands at the top stays there when others above it get longer or shorter."""
        before, held, into = self.lines, "", 0
        if before.count and self.top:
            at = before.row(min(self.top, before.count - 1))
            held, into = before.listing.entries[at].step, self.top - before.first(at)
        self.lines = Lines.of(snapshot, self.listing, width, self.size.height, before)
        if self.lines is not before and held in self.listing.rows:
            self.top = self.lines.first(self.listing.rows[held]) + into

    def wanted_rows(self, snapshot: Snapshot) -> int:
        """So many that no text is cut; a filter does not change them: the pane stays where it is typed."""
        del snapshot
        if self.listing is self.whole:
            self._wanted = self.lines.wanted
        return self._wanted

    def row_count(self, snapshot: Snapshot) -> int:
        """How many lines there are."""
        del snapshot
        return self.lines.count

    def title_of(self, snapshot: Snapshot) -> str:
        """Says when the list is the rollback plan, and how long it takes; and what it is filtered by."""
        return self.filtered_title(self._title_of(snapshot), *self._counts)

    def tab_label(self, snapshot: Snapshot) -> str:
        """Which list it is, where it is none of the forward plan."""
        return {"preview": "ROLLBACK PLAN", "rollback": "ROLLBACK"}.get(mode_of(snapshot.session), "")

    def _title_of(self, snapshot: Snapshot) -> str:
        match mode_shown(snapshot, self.whole):
            case "preview":
                found = snapshot.preview
                what = f"{found.parts}, {span(found.seconds)}" if found.steps else "nothing to undo"
                return f"ROLLBACK PLAN · {what} · preview"
            case "rollback":
                rollback = snapshot.session.rollback
                code = f" · list code {rollback.letters}" if rollback and rollback.letters else ""
                return f"ROLLBACK, forward plan is locked{code}"
            case "undo":
                return "UNDO of one step"
            case "frozen":
                return "Procedure: past the point of no return"
            case "contingency":
                return "CONTINGENCY"
        return "Procedure"

    def row(self, snapshot: Snapshot, y: int, width: int) -> Row:
        """A line: of a heading, a step, or why something is not undone."""
        row = self._known.get(y)
        if row is None:
            row = self._known[y] = self._made(snapshot, y, width)
        return row

    def _made(self, snapshot: Snapshot, y: int, width: int) -> Row:
        plan, lines, glyphs = snapshot.session.plan, self.lines, self.look.glyphs
        if plan is None or not 0 <= y < lines.count:
            return EMPTY
        number = lines.row(y)
        entry, part = self.listing.entries[number], y - lines.first(number)
        said = texts(plan, entry, lines.columns, lines.tags, lines.most(number), glyphs.ellipsis)
        match entry.kind:
            case "heading" | "gate":
                return self._heading(entry, said[part][0], width, first=part == 0, last=part == len(said) - 1)
            case "stays" | "left_out":
                return self._greyed(snapshot, entry, said[part], first=part == 0)
            case "gap":
                return EMPTY
            case "item":
                return self._item(snapshot, entry, said[part][0], first=part == 0)
            case "note":
                return ((f" {' ' if part else glyphs.none} {said[part][0]}", "faint"),)
        return self._step(snapshot, entry, said[part], first=part == 0)

    def _heading(self, entry: Entry, text: str, width: int, *, first: bool, last: bool) -> Row:
        rule = self.look.glyphs.rule
        role = "warn" if entry.kind == "gate" else "title"
        room = width - cell_len(text) - 3 if last else 0
        return (
            (f"{rule if first else ' '} ", "frame"),
            (text, role),
            (" " + rule * room if room > 0 else "", "frame"),
        )

    def _item(self, snapshot: Snapshot, entry: Entry, text: str, *, first: bool) -> Row:
        """A checklist item: ticked by whom, or open."""
        glyphs, columns = self.look.glyphs, self.lines.columns
        by = snapshot.session.ticks.get(entry.item)
        sign = (f" {glyphs.tick if by else glyphs.open_box}" if first else "").ljust(columns.indent)
        owner = fit(visible(by or entry.owner, 40), columns.owner - 1, ellipsis=glyphs.ellipsis) if first else ""
        room = columns.width - columns.indent - columns.owner
        title = fit(text, room) if first else text
        return ((sign, "ok" if by else "warn"), (title, "text" if by else "strong"), (f" {owner}", "muted"))

    def _greyed(self, snapshot: Snapshot, entry: Entry, said: tuple[str, str], *, first: bool) -> Row:
        plan, columns, title = snapshot.session.plan, self.lines.columns, said[0]
        place = plan.places.get(entry.step) if plan and first else None
        head = f"{self.look.glyphs.none if first else ' '}{place.number if place else '':>{columns.number}} "
        why = f"  {said[1]}" if said[1] else ""
        return (self._cursor(entry), (head, "faint"), (title, "muted"), (why, "faint"))

    def _cursor(self, entry: Entry) -> Piece:
        return (self.look.glyphs.cursor, "accent") if entry.step and entry.step == self.selected else (" ", "")

    def _step(self, snapshot: Snapshot, entry: Entry, said: tuple[str, str], *, first: bool) -> Row:
        session, plan, glyphs = snapshot.session, snapshot.session.plan, self.look.glyphs
        assert plan is not None
        step = plan.steps[entry.step]
        run = session.steps.get(entry.step)
        state = str(snapshot.views[entry.step].state)
        sign, role = glyphs.steps[state], STATE_ROLES[state]
        if run is not None and run.undone:
            sign, role = glyphs.undone, "rollback"
        current = entry.step == snapshot.next_line.step
        named = self._named(snapshot, entry, state)
        word = step_word(entry, run, state, session)
        if step.auto_start and not (run is not None and run.started is not None) and word in {"", "ready"}:
            word = BY_ITSELF
        back = "+cursor" if entry.step == self.selected else ""
        columns = self.lines.columns
        owner_role = "accent" if (entry.owner or step.owner) == snapshot.me.role else "muted"
        title, owner = said
        if not first:
            below = columns.width - columns.indent - (columns.owner + columns.time if owner else 0)
            indent = " " * (columns.indent - 1)
            pieces = [self._cursor(entry), (indent, "muted" + back), (fit(title, below), named + back)]
            return (
                *pieces,
                (f" {fit(owner, columns.owner - 1)}{'':{columns.time}}" if owner else "", owner_role + back),
            )
        number = f"{entry.number or '':>{columns.number}} "
        pieces = [
            self._cursor(entry),
            (sign, role + back),
            (number, ("muted" if not current else "strong") + back),
            (fit(title, columns.title), named + back),
        ]
        if columns.word:
            shown = "unknown" if word == ASKS else role
            pieces.append((f" {fit(word, columns.word - 1)}", shown + back))
        if columns.when:
            pieces.append((f" {self._when(snapshot, run, entry.step):<{columns.when - 1}}", "muted" + back))
        if columns.owner:
            pieces.append((f" {fit(owner, columns.owner - 1)}", owner_role + back))
        if columns.time:
            pieces.append(self._time(snapshot, run, step.duration, back))
        return tuple(pieces)

    def _named(self, snapshot: Snapshot, entry: Entry, state: str) -> str:
        """Role of a step's title."""
        plan = snapshot.session.plan
        assert plan is not None
        current = entry.step == snapshot.next_line.step
        if self.options.get("mine") == "yes" and not current and plan.steps[entry.step].owner != snapshot.me.role:
            return "faint"
        if current or state in {"running", "verifying"}:
            return "strong"
        waits = state in {"pending", "blocked"} and self.listing.mode not in {"preview", "rollback", "undo"}
        return "muted" if waits else "text"

    def _when(self, snapshot: Snapshot, run: StepRun | None, step: str) -> str:
        """When it started, or will by the forecast."""
        if run is not None and run.started is not None:
            return hour(run.started, snapshot.off)
        planned = snapshot.forecast.get(step)
        return f"~{hour(planned.start, snapshot.off)}" if planned and snapshot.session.window else ""

    def _time(self, snapshot: Snapshot, run: StepRun | None, duration: float, back: str) -> Piece:
        width = self.lines.columns.time
        planned = short(duration) if duration else self.look.glyphs.none
        if run is None or run.started is None:
            return (fit(planned, width, right=True), "muted" + back)
        until = run.ended if run.ended is not None else snapshot.now
        spent = max(0.0, until - run.started)
        late = bool(duration) and spent > duration
        return (fit(f"{short(spent)}/{planned}", width, right=True), ("warn" if late else "text") + back)

    # -- moving

    def _move_to(self, row: int) -> None:
        entries = self.listing.entries
        if not entries or self.snapshot is None:
            return
        row = max(0, min(len(entries) - 1, row))
        before, top = self._at(), self.top
        self.selected = entries[row].step
        self._followed = self.selected
        for line in (*self._of(before), *self._of(row)):
            self._known.pop(line, None)
        self._bring(row)
        if top == self.top and before >= 0:
            self.repaint_changed(*(line - top for line in (*self._of(before), *self._of(row))))
        else:
            self.repaint_changed()
        self.app.post_message(StepSelected(self.selected))  # past all widgets in between, as the key came

    def _at(self) -> int:
        """The selected row."""
        return self.listing.rows.get(self.selected, -1)

    def _of(self, row: int) -> range:
        """The lines in which a row stands; none for one that is not there."""
        return range(self.lines.first(row), self.lines.first(row + 1)) if row >= 0 else range(0)

    def _bring(self, row: int) -> None:
        """Scroll so that the row is visible, with a line of what is around it."""
        height, first, end = self.size.height, self.lines.first(row), self.lines.first(row + 1)
        if first < self.top + 1:
            self.top = max(0, first - 2)
        elif end >= self.top + height:
            self.top = max(0, min(end - height + 2, first, self.lines.count - height))

    def follow(self) -> None:
        """Nobody moved: the next tick says what is selected, and all rows are asked, since it may be what was."""
        self.selected, self._asked_for = "", ()

    def reveal(self, step: str) -> None:
        """Select a step, and bring it into sight, whatever becomes of it in this list."""
        if step in self.listing.rows:
            self._move_to(self.listing.rows[step])

    def action_roll(self, by: int) -> None:
        """Select the next or previous step."""
        row = self._at() + by
        entries = self.listing.entries
        while 0 <= row < len(entries) and not entries[row].step:
            row += by
        if 0 <= row < len(entries):
            self._move_to(row)

    def action_roll_page(self, by: int) -> None:
        """Select a step a page away."""
        line = self.lines.first(max(0, self._at())) + by * max(1, self.size.height - 2)
        self._nearest(self.lines.row(max(0, line)))

    def action_roll_end(self, by: int) -> None:
        """Select the first or last step."""
        self._nearest(0 if by < 0 else len(self.listing.entries) - 1)

    def _nearest(self, row: int) -> None:
        entries = self.listing.entries
        row = max(0, min(len(entries) - 1, row))
        for distance in range(len(entries)):
            for candidate in (row - distance, row + distance):
                if 0 <= candidate < len(entries) and entries[candidate].step:
                    self._move_to(candidate)
                    return

    def on_click(self, event: events.Click) -> None:
        """Select the step that was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        line = offset.y + self.top
        row = self.lines.row(line) if 0 <= line < self.lines.count else -1
        if row >= 0 and self.listing.entries[row].step:
            self._move_to(row)


def mode_shown(snapshot: Snapshot, known: ProcedureRows) -> str:
    """The mode of the list that is shown."""
    return known.mode if known.entries else procedure_rows(snapshot, known).mode
