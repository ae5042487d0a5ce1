"""The demo's first screen, over the live console, and its last one, with the receipts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from quarterdeck.console.screens.modal import Modal, Shown
from quarterdeck.demo.receipts import acknowledged
from quarterdeck.demo.world import World, WorldStats
from quarterdeck.session.state import Session

if TYPE_CHECKING:
    from quarterdeck.console.app import QuarterdeckApp
    from quarterdeck.console.keys import Keys

__all__ = ["TheEnd", "Welcome"]

_CSS = """
{name} {{ align: center middle; background: $background 40%; }}
{name} > #box {{ width: 72; max-width: 96%; height: auto; padding: 1 2; }}
{name} > #box {{ border: round $accent; background: $surface; }}
{name} .foot {{ margin-top: 1; }}
"""


def _keys(screen: Modal[object]) -> Keys:
    """The console's keys: what this screen says follows the person's keymap."""
    return cast("QuarterdeckApp", screen.app).keys


class Welcome(Modal[object]):
    """Real database, real traffic, and a choice between two nights."""

    DEFAULT_CSS = _CSS.format(name="Welcome")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "choose('bad')", show=False),
        Binding("2", "choose('good')", show=False),
    ]

    def __init__(self, world: World, choose: Callable[[str], None]) -> None:
        """`choose` gets `bad` or `good`."""
        super().__init__()
        self._world, self._choose = world, choose

    def compose(self) -> ComposeResult:
        """The line that is live, the two nights, the halt button."""
        keys = _keys(self)
        with Vertical(id="box"):
            yield Static(self._line(), id="live")
            yield Static(
                Content.assemble(
                    "\n",
                    ("1", "bold $accent"), ("  a bad night     ", "bold"), ("3 minutes, try this\n", "$muted"),
                    "   The plan makes a classic mistake. You will see it, a guard\n",
                    "   will propose a halt, and you roll back.\n\n",
                    ("2", "bold $accent"), ("  a good night    ", "bold"), ("5 minutes\n", "$muted"),
                    "   Backup, archive, new index, VACUUM, a restart: all real.\n\n",
                    (keys.key_of("halt"), "bold $error"), ("  halts, any time", "bold"),
                )
            )  # fmt: skip
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """The nights, and the way out."""
        return ("1", "a bad night"), ("2", "a good night"), (_keys(self).key_of("leave"), "leaves")

    def on_mount(self) -> None:
        """The count is live, as the traffic is."""
        self.set_interval(1.0, self._count)

    def _count(self) -> None:
        self.query_one("#live", Static).update(self._line())

    def _line(self) -> Content:
        orders = acknowledged(self._world.home.folder)
        return Content.assemble(
            ("Real database, real traffic, ", "bold"), (f"{orders:,} orders so far", "bold $success")
        )

    def on_key(self, event: events.Key) -> None:
        """The key that leaves does so; any other one says which there are, but for the one that halts."""
        keys = _keys(self)
        found = {command.id: command for command in keys.find(event.key, event.character)}
        if "leave" in found:
            event.stop()
            keys.start(found["leave"])
        elif event.is_printable and "halt" not in found and event.key not in {"1", "2"}:
            cast("QuarterdeckApp", self.app).desk.say(f"1 or 2 picks a night; {keys.key_of('leave')} leaves")

    def action_choose(self, night: str) -> None:
        """Begin."""
        self.finish(None)
        self._choose(night)


class TheEnd(Modal[object]):
    """How the night ended, and what became of the orders."""

    DEFAULT_CSS = _CSS.format(name="TheEnd")

    def __init__(self, session: Session, stats: WorldStats) -> None:
        """`stats` were counted after the session ended."""
        super().__init__()
        self._session, self._stats = session, stats

    def compose(self) -> ComposeResult:
        """Outcome, receipts, keys."""
        orders, missing = self._stats.orders_acknowledged, self._stats.missing
        colour = "$success" if missing == 0 else "$error"
        with Vertical(id="box"):
            yield Static(
                Content.assemble(
                    (self._session.outcome.replace("_", " ").upper(), "bold"), "\n\n",
                    (f"{orders:,} acknowledged orders, {missing:,} missing", f"bold {colour}"), "\n",
                )
            )  # fmt: skip
            yield self.foot()

    def hints(self) -> Sequence[Shown]:
        """The record, and the ways out."""
        keys = _keys(self)
        opens, leaves = keys.key_of("open_record"), keys.key_of("leave")
        return (opens, "opens the record"), (leaves, "leaves"), ("esc", "back")

    def on_key(self, event: events.Key) -> None:
        """Escape closes; the two others do what this screen says, which no key of the console behind it would."""
        keys = _keys(self)
        found = keys.find(event.key, event.character)
        command = next((command for command in found if command.id in {"open_record", "leave"}), None)
        if event.key in {"escape", "enter"}:
            event.stop()
            self.finish(None)
        elif command is not None:
            event.stop()
            keys.start(command)
