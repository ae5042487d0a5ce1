"""What a command is: one class that carries its key, its places and its rule.

Footer, palette, help and keymap are made from these classes; nobody else names a key. A command reads the
`Situation`, and acts through the `Desk` that the app gives it; it never touches a widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple, Protocol

from quarterdeck.console.forms import Answers, Form
from quarterdeck.console.situation import Situation
from quarterdeck.session.intents import Intent
from quarterdeck.station.protocol import Answered

__all__ = ["YES", "Available", "Command", "Desk", "Level", "No", "Yes", "agreed"]

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


class Desk(Protocol):
    """What the app does for a command."""

    @property
    def situation(self) -> Situation:
        """The moment, fresh at every call."""

    async def ask(self, intent: Intent, *, offers: bool = False) -> Answered:
        """Ask the station; a refusal is said to the person, and is in the answer too.

        `offers`: the command offers a waiver itself where one helps, so that such a refusal is not said.
        """

    async def fill(self, form: Form) -> Answers | None:
        """Show a bar and wait for it; None where it was left or closed by events (its draft stays)."""

    async def which(self, verb: str, steps: Sequence[str]) -> str:
        """The only one of `steps`, or the one that a person picks; empty where they leave."""

    def say(self, text: str, level: Level = "information") -> None:
        """One line: a toast, and the log."""

    def halt(self) -> None:
        """Halt at once."""

    async def view(self, what: str, argument: str = "") -> None:
        """Do something to the view alone: `help`, `palette`, `layout`, `theme`, `open`, `copy`, `write` and so on."""

    async def perform(self, command: str) -> None:
        """Run another command by its id."""

    def leave(self, *, end: bool = False) -> None:
        """Leave this console; `end` ends the demo's session and its world with it."""


class Command:
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
    """Exempt from every debounce."""
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

    async def run(self, desk: Desk) -> None:
        """Do it; called only where `available` said yes a moment ago."""
        raise NotImplementedError


def agreed(situation: Situation, intent: Intent) -> Available:
    """What the rule book says to an intent; what a waiver could help counts as yes."""
    refusal = situation.refusal(intent)
    return YES if refusal is None or refusal.waivable else No(refusal.why)
