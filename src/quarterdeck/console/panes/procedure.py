"""The step list: what is done, what runs, what comes; in a halt and a rollback it becomes the rollback plan.

Rows are made for visible lines only, so a key or a tick costs the same with 10 steps and with 10,000. What stands
in which row is `procedure_rows`'s; how a step's row looks is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding
from textual.message import Message

from quarterdeck.console.panes.base import EMPTY, Pane, Piece, Row, fit
from quarterdeck.console.panes.procedure_rows import Entry, ProcedureRows, matching, mode_of, procedure_rows
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.session.state import FINISHED, StepRun
from quarterdeck.spans import hour, short, span
from quarterdeck.text import visible

if TYPE_CHECKING:
    from textual import events

__all__ = ["STATE_ROLES", "STATE_WORDS", "ProcedurePane", "StepSelected"]

STATE_ROLES = {
    "pending": "muted", "blocked": "muted", "available": "accent", "claimed": "accent", "granted": "running",
    "running": "running", "verifying": "running", "done": "ok", "done_manually": "ok", "skipped": "warn",
    "failed": "critical", "interrupted": "warn", "unknown": "unknown",
}  # fmt: skip
"""State of a step to the role that colours its sign and word."""

STATE_WORDS = {
    "pending": "", "blocked": "", "available": "ready", "claimed": "claimed", "granted": "starting",
    "running": "running", "verifying": "verifying", "done": "done", "done_manually": "by hand",
    "skipped": "skipped", "failed": "FAILED", "interrupted": "cut short", "unknown": "UNKNOWN",
}  # fmt: skip
"""What stands beside the sign; nothing where a step only waits for its turn."""

ASKS = "asks"
"""Word of an undo whose owner picks first what happens (R6)."""

BY_ITSELF = "by itself"
"""Word of a step that starts without a key."""

WORD, OWNER, TIME, WHEN = 10, 9, 8, 8


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

    BINDINGS: ClassVar = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "end(-1)", "first", show=False),
        Binding("end", "end(1)", "last", show=False),
    ]

    def __init__(self, options: dict[str, str] | None = None, *, framed: bool | None = None) -> None:
        super().__init__(options, framed=framed)
        self.whole = self.listing = ProcedureRows((), "forward", {})
        """All rows of the list that is in force, and those that are shown."""
        self._filtered_for: tuple[object, ...] = ()
        self._counts = 0, 0
        """How many steps and items match the filter, of how many."""
        self.selected = ""
        self._told = ""
        self._followed = ""

    # -- the rows

    def before_paint(self, snapshot: Snapshot, width: int) -> None:
        """Take the list that is in force now, and follow the app's selection and the step that is worked on."""
        del width
        self.whole = procedure_rows(snapshot, self.whole)
        fresh = self._filtered(snapshot)
        turned = fresh.mode != self.listing.mode
        self.listing = fresh
        if snapshot.selected and (snapshot.selected != self._told or not self.selected):
            self._told = self.selected = snapshot.selected
        watched = self.selected if self.selected != self._followed or turned else ""
        if watched and watched in fresh.rows and self.size:
            self._followed = self.selected
            self._bring(fresh.rows[watched])

    def _filtered(self, snapshot: Snapshot) -> ProcedureRows:
        """What the filter leaves of the list; found again when something happened, and each few seconds."""
        plan = snapshot.session.plan
        if plan is None or not self.filter_text.strip():
            self._filtered_for = ()
            return self.whole
        key = (self.whole, self.filter_text, snapshot.count, snapshot.computed)
        if key == self._filtered_for:
            return self.listing
        self._filtered_for = key
        found = matching(plan, self.whole, self.filter_text, lambda entry: self._state_said(snapshot, entry))
        self._counts = found.count(), self.whole.count()
        return found

    def _state_said(self, snapshot: Snapshot, entry: Entry) -> str:
        """A step's state, by its name and by the word that stands in its row."""
        state = str(snapshot.views[entry.step].state)
        return f"{state} {self._word(snapshot, entry, snapshot.session.steps.get(entry.step), state)}"

    def filter_by(self, text: str) -> None:
        """Show only the steps that match, with the selected one in sight where it is one of them."""
        self._followed = ""
        super().filter_by(text)

    def filter_kept(self) -> None:
        """The cursor stands on a step that is there."""
        if self._at() < 0:
            self._nearest(0)

    def row_count(self, snapshot: Snapshot) -> int:
        del snapshot
        return len(self.listing.entries)

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
                seconds = span(found.seconds) if found else ""
                what = f"{found.parts}, {seconds}" if found and found.steps else "nothing to undo"
                return f"ROLLBACK PLAN · {what} · not committed"
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
        """A heading, a step, or a greyed line about what is not undone."""
        entry = self.listing.entries[y]
        match entry.kind:
            case "heading" | "gate":
                return self._heading(entry, width)
            case "stays" | "left_out":
                return self._greyed(snapshot, entry, width)
            case "gap":
                return EMPTY
            case "item":
                return self._item(snapshot, entry, width)
            case "note":
                return ((f" {self.look.glyphs.none} {fit(entry.text, width - 4)}", "faint"),)
        return self._step(snapshot, entry, width)

    def _heading(self, entry: Entry, width: int) -> Row:
        rule = self.look.glyphs.rule
        role = "warn" if entry.kind == "gate" else "title"
        text = fit(visible(entry.text, 200), min(len(entry.text), width - 6))
        return ((f"{rule} ", "frame"), (text, role), (" ", ""), (rule * max(0, width - len(text) - 3), "frame"))

    def _item(self, snapshot: Snapshot, entry: Entry, width: int) -> Row:
        """A checklist item: ticked by whom, or open."""
        glyphs = self.look.glyphs
        by = snapshot.session.ticks.get(entry.item)
        owner = visible(by or entry.owner, 40)
        return (
            (f" {glyphs.tick if by else glyphs.open_box} ", "ok" if by else "warn"),
            (f"   {fit(visible(entry.text, 300), width - 16, ellipsis=glyphs.ellipsis)}", "text" if by else "strong"),
            (f" {fit(owner, OWNER - 1, ellipsis=glyphs.ellipsis)}", "muted"),
        )

    def _greyed(self, snapshot: Snapshot, entry: Entry, width: int) -> Row:
        plan = snapshot.session.plan
        title = plan.steps[entry.step].title if plan and entry.step in plan.steps else entry.step
        number = f"{plan.places[entry.step].number:>3}" if plan and entry.step in plan.places else "   "
        why = visible(entry.text, 120)
        cursor = self._cursor(entry)
        space = max(8, (width - 8) // 2)
        head = fit(f"{number} {visible(title, 120)}", min(space, width - 6), ellipsis=self.look.glyphs.ellipsis)
        tail = fit(why, max(0, width - 6 - cell_len(head)), ellipsis=self.look.glyphs.ellipsis)
        return (cursor, (f"{self.look.glyphs.none} ", "faint"), (head, "muted"), ("  ", ""), (tail, "faint"))

    def _cursor(self, entry: Entry) -> Piece:
        return (self.look.glyphs.cursor, "accent") if entry.step and entry.step == self.selected else (" ", "")

    def _step(self, snapshot: Snapshot, entry: Entry, width: int) -> Row:
        session, plan, glyphs = snapshot.session, snapshot.session.plan, self.look.glyphs
        assert plan is not None
        step = plan.steps[entry.step]
        run = session.steps.get(entry.step)
        state = str(snapshot.views[entry.step].state)
        sign, role = glyphs.steps[state], STATE_ROLES[state]
        if run is not None and run.undone:
            sign, role = glyphs.undone, "rollback"
        chosen = entry.step == self.selected
        current = entry.step == snapshot.next_line.step
        named = "strong" if current or state in {"running", "verifying"} else "text"
        if (
            state in {"pending", "blocked"}
            and not current
            and self.listing.mode not in {"preview", "rollback", "undo"}
        ):
            named = "muted"
        if self.options.get("mine") == "yes" and not current and step.owner != snapshot.me.role:
            named = "faint"
        word = self._word(snapshot, entry, run, state)
        if step.auto_start and not (run is not None and run.started is not None) and word in {"", "ready"}:
            word = BY_ITSELF
        back = "+cursor" if chosen else ""
        owner_width = OWNER if width >= 40 else 0
        word_width = WORD if width >= 52 else 0
        time_width = TIME if width >= 30 else 0
        when_width = WHEN if width >= 92 else 0
        title_width = width - 6 - owner_width - word_width - time_width - when_width
        title = visible(f"{entry.prefix}{step.title}{self._tags(run)}", 300)
        owner = visible(entry.owner or step.owner, 40)
        owner_role = "accent" if owner == snapshot.me.role else "muted"
        pieces: list[Piece] = [
            self._cursor(entry),
            (sign, role + back),
            (f"{entry.number:>3} " if entry.number else "    ", ("muted" if not current else "strong") + back),
            (fit(title, title_width, ellipsis=glyphs.ellipsis), named + back),
        ]
        if word_width:
            said = "unknown" if word == ASKS else role
            pieces.append((f" {fit(word, word_width - 1)}", said + back))
        if when_width:
            pieces.append((f" {self._when(snapshot, run, entry.step):<{when_width - 1}}", "muted" + back))
        if owner_width:
            pieces.append((f" {fit(owner, owner_width - 1, ellipsis=glyphs.ellipsis)}", owner_role + back))
        if time_width:
            pieces.append(self._time(snapshot, run, step.duration, back))
        return tuple(pieces)

    def _chosen(self, snapshot: Snapshot, entry: Entry) -> str:
        """What was picked for an undo that asks."""
        plan = snapshot.session.plan
        undone = snapshot.session.steps.get(plan.places[entry.step].undoes) if plan else None
        return undone.undo_choice if undone else ""

    def _word(self, snapshot: Snapshot, entry: Entry, run: StepRun | None, state: str) -> str:
        if run is not None:
            if entry.asks and state in {"pending", "blocked", "available"} and not self._chosen(snapshot, entry):
                return ASKS
            if run.sign_off == "awaiting" and state in FINISHED:
                return "unsigned"
            if run.undone:
                return "undone"
            if run.unproven:
                return "not gone?"
            if state == "verifying" and any(proof.ok is not True for proof in run.proofs):
                return "not right"
        return STATE_WORDS[state]

    def _tags(self, run: StepRun | None) -> str:
        tags = ""
        if run is not None and run.attempt > 1:
            tags += f" ({run.attempt})"
        if run is not None and run.undo_later:
            tags += " [undo not decided]"
        return tags

    def _when(self, snapshot: Snapshot, run: StepRun | None, step: str) -> str:
        """When it started, or will by the forecast."""
        if run is not None and run.started is not None:
            return hour(run.started, snapshot.off)
        planned = snapshot.forecast.get(step)
        return f"~{hour(planned.start, snapshot.off)}" if planned and snapshot.session.window else ""

    def _time(self, snapshot: Snapshot, run: StepRun | None, duration: float, back: str) -> Piece:
        planned = short(duration) if duration else self.look.glyphs.none
        if run is None or run.started is None:
            return (fit(planned, TIME, right=True), "muted" + back)
        until = run.ended if run.ended is not None else snapshot.now
        spent = max(0.0, until - run.started)
        late = bool(duration) and spent > duration
        return (fit(f"{short(spent)}/{planned}", TIME, right=True), ("warn" if late else "text") + back)

    # -- moving

    def _move_to(self, y: int) -> None:
        entries = self.listing.entries
        if not entries or self.snapshot is None:
            return
        y = max(0, min(len(entries) - 1, y))
        before, top = self._at(), self.top
        self.selected = entries[y].step
        self._followed = self.selected
        self._bring(y)
        if top == self.top and before >= 0:
            self.repaint_changed(before - top, y - top)
        else:
            self.repaint_changed()
        self.post_message(StepSelected(self.selected))

    def _at(self) -> int:
        return self.listing.rows.get(self.selected, -1)

    def _bring(self, y: int) -> None:
        """Scroll so that the row is visible, with a line of what is around it."""
        height = self.size.height
        if y < self.top + 1:
            self.top = max(0, y - 2)
        elif y >= self.top + height - 1:
            self.top = max(0, min(y - height + 3, len(self.listing.entries) - height))

    def action_move(self, by: int) -> None:
        """Select the next or previous step."""
        y = self._at() + by
        entries = self.listing.entries
        while 0 <= y < len(entries) and not entries[y].step:
            y += by
        if 0 <= y < len(entries):
            self._move_to(y)

    def action_page(self, by: int) -> None:
        """Select a step a page away."""
        self._nearest(self._at() + by * max(1, self.size.height - 2))

    def action_end(self, by: int) -> None:
        """Select the first or last step."""
        self._nearest(0 if by < 0 else len(self.listing.entries) - 1)

    def _nearest(self, y: int) -> None:
        entries = self.listing.entries
        y = max(0, min(len(entries) - 1, y))
        for distance in range(len(entries)):
            for candidate in (y - distance, y + distance):
                if 0 <= candidate < len(entries) and entries[candidate].step:
                    self._move_to(candidate)
                    return

    def on_click(self, event: events.Click) -> None:
        """Select the step that was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        y = offset.y + self.top
        if 0 <= y < len(self.listing.entries) and self.listing.entries[y].step:
            self._move_to(y)


def mode_shown(snapshot: Snapshot, known: ProcedureRows) -> str:
    """The mode of the list that is shown."""
    return known.mode if known.entries else procedure_rows(snapshot, known).mode
