"""The palette: commands that apply, steps, targets, log entries and sessions, by name.

Commands come first, and of those what Enter alone would do is never an urgent one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from quarterdeck.console.commands.base import Command
from quarterdeck.console.finder import Found, Section
from quarterdeck.console.names import name_of, owner_of
from quarterdeck.console.panes.alarms import alarm_of
from quarterdeck.console.panes.rows import fit
from quarterdeck.console.screens.form_bar import Line
from quarterdeck.console.screens.modal import Modal, Shown
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.theme import look_of
from quarterdeck.spans import second
from quarterdeck.text import visible

__all__ = ["PaletteScreen", "Picked", "commands_in", "log_in", "sessions_in", "steps_in", "targets_in"]

Picked = tuple[str, str]
"""What was picked: `command`, `step`, `target`, `log` or `session`, and its id (of a log entry its number)."""

MARK = 9
"""Cells before a name: a key, a number, a time."""
LOW = 20
"""Lines of a terminal below which the box has no air."""
AROUND, AROUND_LOW = 10, 5
"""Lines of the box and above it, beside the rows."""


def commands_in(possible: Sequence[Command], key_of: Callable[[Command], str]) -> tuple[Section, Section]:
    """The commands that apply, by their titles; those that only show something also by what is said of them."""
    commands = sorted(possible, key=lambda command: command.urgent)

    def section(title: str, texts: list[str]) -> Section:
        return Section(
            title,
            texts,
            lambda n: (key_of(commands[n]), commands[n].title),
            lambda n: commands[n].help,
            lambda n: ("command", commands[n].id),
        )

    return (
        section("Commands", [f"{command.title} {command.id}" for command in commands]),
        section("Commands, by what they do", [f"{c.help} {c.title}" if c.of_view else "" for c in commands]),
    )


def steps_in(snapshot: Snapshot) -> Section:
    """Every step of the plan, undo steps too, in its order."""
    session = snapshot.session
    plan = session.plan
    steps = [*plan.steps.values()] if plan is not None else []

    def told(number: int) -> str:
        step = steps[number]
        state = str(snapshot.views[step.id].state).replace("_", " ")
        owner = visible(owner_of(session, step.id), 40)
        return f"{state}, {owner}. Enter selects it in the list; Enter again reads all of it."

    return Section(
        "Steps",
        [f"{s.title} {plan.places[s.id].number if plan else ''} {s.id} {s.owner} {' '.join(s.tags)}" for s in steps],
        lambda n: ("", visible(name_of(session, steps[n].id), 200)),
        told,
        lambda n: ("step", steps[n].id),
    )


def targets_in(snapshot: Snapshot) -> Section:
    """What is watched: what the procedure names, else what was read."""
    plan, readings = snapshot.session.plan, snapshot.readings
    kinds = {name: target.type for name, target in plan.procedure.targets.items()} if plan is not None else {}
    names = [*(kinds or readings)]

    def status(name: str) -> str:
        return readings[name].status if name in readings else "no reading yet"

    def told(number: int) -> str:
        reading = readings.get(names[number])
        why = f": {visible(reading.message, 160)}" if reading is not None and reading.message else ""
        return f"{status(names[number])}{why}. Enter opens all that is known of it."

    return Section(
        "Targets",
        [f"{name} {kinds.get(name, '')} {status(name)}" for name in names],
        lambda n: (status(names[n]), visible(names[n], 80)),
        told,
        lambda n: ("target", names[n]),
    )


def sessions_in(snapshot: Snapshot) -> Section:
    """The other open sessions of this host."""
    others = [*snapshot.others]
    words = [str(other.session.state).replace("_", " ") for other in others]
    return Section(
        "Sessions",
        [f"{other.session.called} {word} {other.session.id}" for other, word in zip(others, words, strict=True)],
        lambda n: ("", visible(others[n].session.called, 200)),
        lambda n: ", ".join(filter(None, (words[n], alarm_of(others[n])))) + ". Enter shows it on this console.",
        lambda n: ("session", others[n].session.id),
    )


def log_in(snapshot: Snapshot) -> Section:
    """What the log shows, the newest first."""
    log, off = snapshot.log, snapshot.off
    numbers = range(len(log) - 1, -1, -1)
    return Section(
        "Log",
        [f"{log[n].text} {log[n].who}" for n in numbers],
        lambda n: (second(log[numbers[n]].at, off), visible(log[numbers[n]].text, 300)),
        lambda n: f"{visible(log[numbers[n]].who, 40)}. Enter shows it in the log.",
        lambda n: ("log", str(numbers[n])),
    )


class PaletteScreen(Modal[Picked]):
    """Returns what was picked; nothing where it was left."""

    DEFAULT_CSS = """
    PaletteScreen { align: center top; background: $background 60%; }
    PaletteScreen > #box { width: 100%; max-width: 120; height: auto; max-height: 100%; margin-top: 2;
                           border: round $accent; background: $surface; padding: 0 1; }
    PaletteScreen Line { border: none; height: 1; padding: 0; background: $surface; }
    PaletteScreen Line:focus { border: none; }
    PaletteScreen #rows { height: auto; margin-top: 1; }
    PaletteScreen #told { height: 2; color: $muted; margin-top: 1; }
    PaletteScreen.-low > #box { margin-top: 0; }
    PaletteScreen.-low #rows { margin-top: 0; }
    PaletteScreen.-low #told { height: 1; margin-top: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("tab", "section(1)", show=False),
        Binding("shift+tab", "section(-1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    def __init__(self, commands: tuple[Section, Section], others: Sequence[Section]) -> None:
        """`commands` by their titles and by their help; `others` in the order in which they are listed."""
        super().__init__()
        self._commands, self._by_help = commands
        self._sections = [self._commands, *others]
        self._line, self._rows, self._told = (
            Line(placeholder="a command, step, target, log entry or session …"),
            Static("", id="rows"),
            Static("", id="told"),
        )
        self._at = 0
        self._found = self._find("")

    def compose(self) -> ComposeResult:
        """A field, what is found, what it does, the halt button."""
        with Vertical(id="box"):
            yield self._line
            yield self._rows
            yield self._told
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """Beside the letters that are typed."""
        return ("enter", "do it"), ("up down", "move"), ("tab", "next kind"), ("esc", "leave")

    def on_mount(self) -> None:
        """Type at once."""
        self._line.focus()
        self.on_resize()

    def _find(self, typed: str) -> Found:
        """Ask every section: those come first where a word begins with what is typed, of them the commands.

        Last come the commands that only their help names.
        """
        for section in (*self._sections, self._by_help):
            section.find(typed)
        named = set(self._commands.found)
        self._by_help.found = [number for number in self._by_help.found if number not in named]
        return Found([*sorted(self._sections, key=lambda section: not section.begins), self._by_help])

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find."""
        event.stop()
        self._found, self._at = self._find(event.value), 0
        self._paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it."""
        event.stop()
        self._pick(self._at)

    def _pick(self, at: int) -> None:
        if 0 <= at < len(self._found):
            hit = self._found.hit(at)
            self.finish(hit.section.picked(hit.number))

    def _go(self, at: int) -> None:
        if len(self._found):
            self._at = at
            self._paint()

    def action_move(self, by: int) -> None:
        """The next hit, around the end."""
        self._go((self._at + by) % max(1, len(self._found)))

    def action_page(self, by: int) -> None:
        """As many hits as there are rows."""
        self._go(max(0, min(len(self._found) - 1, self._at + by * max(1, self._room() - 1))))

    def action_section(self, by: int) -> None:
        """The first hit of the next kind."""
        if len(self._found):
            self._go(self._found.next_section(self._at, by))

    def action_leave(self) -> None:
        """Leave."""
        self.finish(None)

    # -- painting

    def _room(self) -> int:
        """Rows that there is room for."""
        height = self.app.size.height - self.lines_over_keys(self._box_width())
        return max(1, height - (AROUND_LOW if self.app.size.height < LOW else AROUND))

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        """The same tick; what stands over the keys takes its lines from the rows."""
        before = self._over_keys
        super().watch_snapshot(snapshot)
        if self._over_keys != before and self.is_mounted:
            self._paint()

    def _top(self) -> int:
        """The first row that is listed: the picked one is in the middle, and the first heading is seen."""
        room, found = self._room(), self._found
        row = found.row_of(self._at)
        return 0 if row < room else max(0, min(row - room // 2, found.rows - room))

    def _paint(self) -> None:
        found, top = self._found, self._top()
        width = max(10, self._box_width())
        rows = [self._row(row, width) for row in range(top, min(top + self._room(), found.rows))]
        self._rows.update(Content("\n").join(rows) if rows else Content("nothing by that name"))
        said = ""
        if len(found):
            hit = found.hit(self._at)
            said = f"{self._at + 1} of {len(found)} · {hit.section.told(hit.number)}"
        self._told.update(Content(look_of(self.app).glyphs.spell(said)))

    def _box_width(self) -> int:
        """Cells of a row: the box's without frame and padding."""
        return min(110, self.app.size.width * 96 // 100) - 4

    def _row(self, row: int, width: int) -> Content:
        glyphs = look_of(self.app).glyphs
        place = self._found.at_row(row)
        if isinstance(place, Section):
            count = f"{len(place.found):,}"
            heading = fit(f"{place.title} {glyphs.dot} {count}", width, ellipsis=glyphs.ellipsis)
            return Content.styled(glyphs.spell(heading), "bold $muted")
        hit = self._found.hit(place)
        mark, name = hit.section.row(hit.number)
        text = fit(name, width - MARK - 2, ellipsis=glyphs.ellipsis)
        made = Content.assemble((f" {glyphs.spell(fit(mark, MARK))} ", "bold $accent"), glyphs.spell(text))
        return made.stylize("reverse") if place == self._at else made

    def on_resize(self) -> None:
        """Another size has room for another number."""
        self.set_class(self.app.size.height < LOW, "-low")
        self._paint()

    def on_click(self, event: events.Click) -> None:
        """Pick with the mouse."""
        if event.widget is self._rows and self._top() + event.y < self._found.rows:
            place = self._found.at_row(self._top() + event.y)
            if isinstance(place, int):
                event.stop()
                self._pick(place)
