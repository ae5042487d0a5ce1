"""The app as a desk: what commands act through. Asks the station, shows bars, says things, leaves.

The half of the app that knows neither keys nor ticks; `app.py` has those. A desk decides nothing: it hands intents
to the station and answers to commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from textual.app import App

from quarterdeck.console.commands.base import Available, Command, Level, No
from quarterdeck.console.connection import Link
from quarterdeck.console.forms import Answers, Choice, Form, choice
from quarterdeck.console.keymap import Keymap
from quarterdeck.console.screens.over import Over
from quarterdeck.console.situation import Situation
from quarterdeck.console.snapshot import Snapshot
from quarterdeck.console.text import visible
from quarterdeck.console.words import name_of
from quarterdeck.session.intents import Intent
from quarterdeck.session.outcomes import exit_code
from quarterdeck.station.protocol import Answered

__all__ = ["DeskApp"]

Result = TypeVar("Result")


class DeskApp(App[int], inherit_bindings=False):
    """What `commands.base.Desk` asks for."""

    link: Link
    keymap_: Keymap
    by_id: dict[str, Command]
    picked: str
    """The step that a person moved to; empty while the list follows."""
    detached: bool
    """It was left while its session is live."""
    _before: Snapshot | None
    _named: str
    _fresh: bool
    _drafts: dict[str, Answers]

    def moment(self) -> tuple[float, float, float]:
        """Session seconds, wall clock, boot clock: now."""
        raise NotImplementedError

    def tick(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    @property
    def situation(self) -> Situation:
        """The moment, as commands see it."""
        link = self.link
        return Situation(
            session=link.session,
            now=self.moment()[0],
            me=link.me,
            selected=self.picked,
            named=self._named,
            link=link.state,
            read_only=link.read_only,
            unset=link.unset,
        )

    def availability(self, command: Command, situation: Situation) -> Available:
        """Whether a command applies: its own rule, and the link's."""
        if not command.of_view and command.id != "halt":
            if situation.link == "closed":
                return No("the station is gone: Q leaves, quarterdeck attach comes back")
            if situation.read_only:
                return No(f"read only: {situation.read_only}")
            if situation.session.plan is None:
                return No("the session is not here yet")
        return command.available(situation)

    async def ask(self, intent: Intent, *, offers: bool = False) -> Answered:
        """Ask the station; say a refusal in one line, unless the command offers to waive it."""
        answer = await self.link.ask(intent)
        if answer.refusal and not (offers and answer.waivable):
            self.say(f"{answer.refusal}{f' · {answer.hint}' if answer.hint else ''}", "warning")
        return answer

    async def fill(self, form: Form) -> Answers | None:
        """Show a bar; wait."""
        if form.moot is not None and (why := form.moot(self.situation)):
            self.say(why[0].upper() + why[1:])
            return None
        from quarterdeck.console.screens.bar import Bar

        return await self.show_over(Bar(form, self._drafts.pop(form.id, None)))

    async def show_over(self, screen: Over[Result]) -> Result:
        """Show a screen over the live one, with what is known already; wait for its result."""
        screen.set_reactive(Over.snapshot, self._before)
        return await self.push_screen_wait(screen)

    def keep_draft(self, form: Form, answers: Answers) -> None:
        """What was typed when events closed a bar."""
        self._drafts[form.id] = answers

    async def which(self, verb: str, steps: Sequence[str]) -> str:
        """The only one, or the one that a person picks."""
        if len(steps) <= 1:
            return steps[0] if steps else ""
        session = self.link.session
        keys = "123456789abcdefgijklmnopqrstuvwxyz"
        options = (Choice(keys[n % len(keys)], step, name_of(session, step)) for n, step in enumerate(steps[:30]))
        answers = await self.fill(
            Form(f"which:{verb}", f"{verb}: which one?", fields=(choice("step", "", *options),))
        )
        return answers["step"] if answers else ""

    def say(self, text: str, level: Level = "information") -> None:
        """A toast, and a line of the log, since toasts vanish."""
        text = visible(text, 300)
        self.notify(text, severity=level, markup=False, timeout=4 if level == "information" else 7)
        words = {"information": "info", "warning": "warning", "error": "alarm"}
        self.link.note(text, words[level])  # type: ignore[arg-type]  # the narrative's words
        self._fresh = True

    def halt(self) -> None:
        """The file first, then the station; the screen says sent at once."""
        self.link.halt()
        self._fresh = True
        self.call_next(self.tick)

    async def view(self, what: str, argument: str = "") -> None:
        """Change the view alone."""
        raise NotImplementedError

    async def perform(self, command: str) -> None:
        """Run a command by its id, where it applies."""
        found = self.by_id[command]
        answer = self.availability(found, self.situation)
        if isinstance(answer, No):
            self.say(answer.because[0].upper() + answer.because[1:], "warning")
        else:
            await found.run(self)

    def leave(self, *, end: bool = False) -> None:
        """Go: with the outcome's code, or detached while it is live."""
        session = self.link.session
        self.detached = not session.is_over and not end
        code = exit_code(session.outcome)
        code = exit_code("abandoned") if end and not session.is_over else code
        self.run_worker(self._leave(end=end, code=code), group="leave")

    async def _leave(self, *, end: bool, code: int) -> None:
        await self.link.leave(end=end)
        self.exit(code)

    def vanish(self) -> None:
        """The terminal is gone, or somebody asked this process to end: restore it and leave; the session goes on."""
        self.detached = not self.link.session.is_over
        self.exit(exit_code(self.link.session.outcome))
