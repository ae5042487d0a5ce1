"""What a command is: one class that carries its key, its places and its rule.

Footer, palette, help and keymap are made from these classes; nobody else names a key. A command reads the
`Situation`, and acts through the `Desk` that the app gives it; it never touches a widget.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from typing import ClassVar, Literal, NamedTuple, Protocol

from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Form, Wishes
from quarterdeck.session.intents import Intent
from quarterdeck.station.wire.protocol import Answered

__all__ = [
    "YES",
    "Available",
    "Command",
    "Desk",
    "Level",
    "No",
    "View",
    "Yes",
    "agreed",
    "any_of",
    "applies",
    "over_or",
]

Level = Literal["information", "warning", "error"]


class Yes(NamedTuple):
    """It applies."""


class No(NamedTuple):
    """It does not, and why."""

    because: str
    relevant: bool = True
    """False where another command with the same key knows better why."""


YES = Yes()
Available = Yes | No


class View(Protocol):
    """What changes only how a console looks; `view.View` on the screen, `plain.PlainView` on lines of text."""

    async def help(self) -> None:
        """Every key and what it does."""

    async def open(self, step: str) -> None:
        """Everything of one step."""

    async def open_row(self) -> bool:
        """What the cursor stands on in the focused pane; False where it stands on nothing that opens."""

    async def output(self, step: str) -> None:
        """All that a step's command printed."""

    async def contacts(self) -> None:
        """Who has which role."""

    async def links(self) -> None:
        """Links and documents of the procedure and of the selected step."""

    async def watched(self) -> None:
        """Every target's reading in full."""

    async def rollback_now(self) -> None:
        """What a rollback would be if it were halted now."""

    async def target(self, target: str) -> None:
        """Everything of one target, and why it is as it is."""

    async def palette(self) -> None:
        """Everything that can be done now, by name."""

    async def sessions(self) -> None:
        """The open sessions of this host, to switch to one."""

    async def layout(self) -> None:
        """The next layout."""

    async def theme(self) -> None:
        """Other colours."""

    async def next_pane(self) -> None:
        """The next pane, or tab."""

    async def filter(self) -> None:
        """Only the rows that match what is typed."""

    async def follow(self) -> None:
        """Let the list follow the session again, with all of its rows."""

    async def copy(self) -> None:
        """Text to the terminal's clipboard."""

    async def write(self) -> None:
        """Text to a file."""

    async def suspend(self) -> None:
        """Into the background."""


class Desk(Protocol):
    """What a command acts through; `desk.Desk` on the screen, `plain.PlainDesk` on lines of text."""

    @property
    def situation(self) -> Situation:
        """The moment, fresh at every call."""

    @property
    def view(self) -> View:
        """What changes only how it looks."""

    async def ask(self, intent: Intent, *, offers: bool = False) -> Answered:
        """Ask the station; a refusal is said to the person, and is in the answer too.

        `offers`: the command offers a waiver itself where one helps, so that such a refusal is not said.
        """

    async def fill(self, form: Form, wishes: Wishes | None = None) -> Answers | None:
        """Show a bar and wait for it; None where it was left or closed by events (its draft stays).

        `wishes` are asked of the station before it closes: what is refused is said in it, and it stays open.
        """

    async def which(self, verb: str, among: Collection[str]) -> str:
        """The only one of these steps, or the one that a person picks; empty where they leave."""

    def say(self, text: str, level: Level = "information") -> None:
        """One line: a toast, and the log."""

    def halt(self) -> None:
        """Halt at once."""

    async def perform(self, command: str) -> None:
        """Run another command by its id."""

    def leave(self, *, end: bool = False) -> None:
        """Leave this console; `end` ends the demo's session and its world with it."""


class Command(ABC):
    """One thing that a person can do. A subclass's docstring is its tooltip and its help."""

    id: ClassVar[str] = ""
    """Name in the keymap: `[a-z_]+`, never renamed."""
    title: ClassVar[str] = ""
    """As the palette lists it, imperative."""
    key: ClassVar[str] = ""
    """The character, or Textual's name of the key."""
    more_keys: ClassVar[tuple[str, ...]] = ()
    everywhere: ClassVar[tuple[str, ...]] = ()
    """Keys that work with a text field focused as well."""
    any_case: ClassVar[bool] = False
    """Harmless: its letter works in both cases."""
    place: ClassVar[int] = 0
    """Position in the footer, from the left; 0: not there."""
    word: ClassVar[str] = ""
    """Its word in the footer."""
    urgent: ClassVar[bool] = False
    """It outranks everything: no debounce, from behind every bar (which it closes), whatever the link is. It has a
    key that works in a text field, and its button instead of a place in the footer."""
    in_palette: ClassVar[bool] = True
    of_view: ClassVar[bool] = False
    """Changes nothing of the session; works without a station."""

    @property
    def help(self) -> str:
        """Its docstring as one paragraph."""
        return " ".join((self.__doc__ or "").split())

    def label(self, situation: Situation) -> str:  # noqa: ARG002 - some words depend on the situation
        """Its word in the footer now."""
        return self.word

    def available(self, situation: Situation) -> Available:  # noqa: ARG002 - the default looks at nothing
        """Whether it applies now, and why not."""
        return YES

    @abstractmethod
    async def run(self, desk: Desk) -> None:
        """Do it; called only where `available` said yes a moment ago."""


def applies(command: Command, situation: Situation) -> Available:
    """Whether a command applies: what the link allows, and the command's own words."""
    if not command.of_view and not command.urgent:
        if situation.link == "closed":
            return No("the station is gone: Q leaves, quarterdeck attach comes back")
        if situation.read_only:
            return No(f"read only: {situation.read_only}")
        if situation.session.plan is None:
            return No("the session is not here yet")
    return command.available(situation)


def agreed(situation: Situation, intent: Intent, words: str = "", *, reason_comes: bool = False) -> Available:
    """What the rule book says to an intent; what a waiver could help counts as yes.

    `words` stand for its own where it says no. `reason_comes`: the command asks why it was halted before it acts.
    """
    refusal = situation.refusal(intent, reason_comes=reason_comes)
    return YES if refusal is None or refusal.waivable else No(words or refusal.why)


def any_of(situation: Situation, items: Iterable[str], intent: Callable[[str], Intent], otherwise: str) -> Available:
    """Yes where the rules agree for one of the steps (or guards); else why not for the first."""
    why = ""
    for item in items:
        answer = agreed(situation, intent(item))
        if not isinstance(answer, No):
            return YES
        why = why or answer.because
    return No(why or otherwise)


def over_or(situation: Situation, words: str) -> str:
    """Words for a no: that the session is over, where it is."""
    return "the session is over" if situation.is_over else words
