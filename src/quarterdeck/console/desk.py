"""The desk: what commands act through. Asks the station, shows bars, says things, halts, leaves.

Knows neither keys nor ticks: `keys.py` and `app.py` have those. A desk decides nothing: it hands intents to the
station and answers to commands. Of the app it uses what every Textual app has.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App
from textual.screen import Screen

from quarterdeck.console.commands.base import Available, Command, Level, No, View, applies
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Choice, Form, Wishes, choice
from quarterdeck.console.names import name_of
from quarterdeck.console.panes.cursor import stands_on_row
from quarterdeck.console.screens.modal import Modal
from quarterdeck.console.snapshot import Instant, Said, Snapshot
from quarterdeck.console.store import Link, StationClient
from quarterdeck.host import boot_clock_ns, boot_id
from quarterdeck.session.event import Moment
from quarterdeck.session.intents import Intent, StartStep
from quarterdeck.session.outcomes import exit_code
from quarterdeck.session.state import Session
from quarterdeck.station.wire.protocol import Answered
from quarterdeck.text import visible

if TYPE_CHECKING:
    from quarterdeck.console.screens.form_bar import FormBar

__all__ = ["Desk", "instant_of"]

Result = TypeVar("Result")

SHOWN: dict[Level, float] = {"information": 4.0, "warning": 7.0, "error": 7.0}
"""Seconds that something said is shown at least."""
READ = 15.0
"""Characters that a tired person reads in a second."""


def instant_of(session: Session) -> Instant:
    """Now, on all clocks, in this session."""
    wall, boot = time.time(), boot_clock_ns()
    return Instant(session.clock(Moment(wall=wall, boot=boot_id(), bt_ns=boot)), wall, boot / 1e9)


class Desk:
    """`commands.base.Desk`, on the screen."""

    view: View
    """How it looks: made for this desk, and put here, by the app."""

    def __init__(
        self,
        app: App[int],
        link: Link,
        commands: Mapping[str, Command],
        tick: Callable[[], None],
        said: Callable[[str], str],
    ) -> None:
        """`commands` by their ids; `tick` asks for a tick at once; `said` puts the person's keys into a sentence."""
        self.link = link
        """What is known of the session; another one, where the demo picks another session."""
        self.commands = commands
        self.picked = ""
        """The step that a person moved to; empty while the list follows."""
        self._open = ""
        """The same, while it had not ended."""
        self._started = ""
        """The step that was started here since the last tick."""
        self.shown: Snapshot | None = None
        """The latest tick."""
        self.detached = False
        """It was left while its session is live."""
        self.drafts: dict[str, Answers] = {}
        """What was typed when events closed a bar, by the id of its form."""
        self.refused = -math.inf
        """When a person was told last that something did not happen: what was typed ahead of it presses no keys."""
        self.asked = -math.inf
        """When a bar was shown last: what was pressed before it was not meant for what is there after it."""
        self._told: tuple[Said, float] | None = None
        """What was said last, and until when it is shown."""
        self._bars: list[FormBar] = []
        self._app = app
        self._said = said
        self._kept: dict[Path | None, tuple[str, dict[str, Answers]]] = {}
        """Of each session that was on screen before: what was selected, and the drafts."""
        self.tick = tick
        self.switch: Callable[[StationClient], str]
        """Shows the session of a station that was reached, or says why not: the app's."""

    # -- what is known

    def instant(self) -> Instant:
        """Now, on all clocks."""
        return instant_of(self.link.session)

    @property
    def others(self) -> Sequence[Snapshot]:
        """The other open sessions of this host."""
        return self.shown.others if self.shown is not None else ()

    @property
    def situation(self) -> Situation:
        """The moment, as commands see it."""
        link, instant = self.link, self.instant()
        return Situation(
            session=link.session,
            now=instant.now,
            me=link.me,
            selected=self.picked,
            named=self.shown.next_line.step if self.shown is not None else "",
            at_row=stands_on_row(self._app.screen.focused) if self._app.screen_stack else False,
            link=link.state,
            read_only=link.read_only,
            unset=link.unset,
            readings=link.readings,
            boot=instant.boot,
            off=link.off,
            tails=link.tails,
            others=tuple(other.session.called for other in self.others),
        )

    def availability(self, command: Command) -> Available:
        """Whether a command applies now, and why not."""
        return applies(command, self.situation)

    def is_left_behind(self) -> bool:
        """Whether the step that a person moved to has ended since, or another was started here. Asked each tick."""
        started, self._started = self._started, ""
        if self.picked and started not in {"", self.picked}:
            return True
        run = self.link.session.steps.get(self.picked)
        ended = run is not None and run.ended is not None
        was_open, self._open = self._open, "" if ended else self.picked
        return ended and self.picked == was_open

    @property
    def screen(self) -> Screen[Any]:
        """The screen that has the keys."""
        return self._app.screen

    # -- asking

    async def ask(self, intent: Intent, *, offers: bool = False) -> Answered:
        """Ask the station; say a refusal in one line, unless the command offers to waive it."""
        answer = await self.link.ask(intent)
        if answer.refusal and not (offers and answer.waivable):
            self.say(answer.why, "warning")
        if isinstance(intent, StartStep) and not answer.refusal:
            self._started = intent.step
            self.tick()
        return answer

    @property
    def bar(self) -> FormBar | None:
        """The bar that asks, where one has the keys. Nothing is imported to know it: a halt comes past here."""
        return next((bar for bar in self._bars if bar is self.screen), None)

    async def fill(self, form: Form, wishes: Wishes | None = None) -> Answers | None:
        """Show a bar; wait."""
        if form.moot is not None and (why := form.moot(self.situation)):
            self.say(why[0].upper() + why[1:], "warning")
            return None

        async def send(answers: Answers) -> tuple[str, str]:
            """What the station refuses of it: the field to blame, and why."""
            for field, intent in wishes(answers) if wishes is not None else ():
                answer = await self.link.ask(intent)
                if answer.refusal:
                    return field, self._said(answer.why)
            return "", ""

        try:
            from quarterdeck.console.screens.form_bar import FormBar
        except (OSError, ImportError) as error:  # no descriptor or no memory left, before `preload`
            self.say(f"The question cannot be asked: {error}", "warning")
            return None
        bar = FormBar(form, self.drafts.pop(form.id, None), send if wishes is not None else None)
        self._bars.append(bar)
        self.asked = time.monotonic()
        try:
            return await self.show_over(bar)
        finally:
            self._bars.remove(bar)

    async def show_over(self, screen: Modal[Result]) -> Result:
        """Show a screen over the live one, with what is known already; wait for its result."""
        screen.set_reactive(Modal.snapshot, self.shown)
        return await self._app.push_screen_wait(screen)

    @property
    def over(self) -> list[Modal[Any]]:
        """What lies over the session, from the top."""
        return [screen for screen in reversed(self._app.screen_stack) if isinstance(screen, Modal)]

    async def which(self, verb: str, among: Collection[str]) -> str:
        """The only one, or the one that a person picks."""
        steps = list(among)
        if len(steps) <= 1:
            return steps[0] if steps else ""
        session = self.link.session
        keys = "123456789abcdefgijklmnopqrstuvwxyz"
        options = (Choice(keys[n % len(keys)], step, name_of(session, step)) for n, step in enumerate(steps[:30]))
        answers = await self.fill(
            Form(f"which:{verb}", f"{verb}: which one?", fields=(choice("step", "", *options),))
        )
        return answers["step"] if answers else ""

    # -- saying and doing

    def say(self, text: str, level: Level = "information") -> None:
        """Where the keys are listed, for some seconds, and in the log, where it stays; with the person's own keys."""
        if level != "information":
            self.refused = time.monotonic()
        text = visible(self._said(text), 300)
        self._told = Said(text, level), time.monotonic() + max(SHOWN[level], len(text) / READ)
        words = {"information": "info", "warning": "warning", "error": "alarm"}
        self.link.note(text, words[level])  # type: ignore[arg-type]  # the log's words
        self.tick()

    @property
    def told(self) -> Said | None:
        """What was said and is still shown."""
        return self._told[0] if self._told is not None and time.monotonic() < self._told[1] else None

    def hush(self) -> None:
        """Take away what was said before a halt: that has the whole screen."""
        self._told = None

    def halt(self) -> None:
        """The file first, then the station; the screen says sent at once, and of several that live to which."""
        self.link.halt()
        self.hush()
        live = [other.session for other in self.others if other.session.is_live_session]
        if live:
            going = [_letters_first(session) for session in live if not session.live_halts()]
            rest = f". Not halted: {', '.join(going)} · u shows them" if going else ""
            self.say(f"HALT sent to {_letters_first(self.link.session)} alone{rest}")

    def turn(self, link: Link) -> None:
        """Show another session from now on. What was selected in each, and its drafts, are kept."""
        self._kept[self.link.folder] = (self.picked, self.drafts)
        self.link, self.shown = link, None
        self.picked, self.drafts = self._kept.pop(link.folder, ("", {}))
        self._open = ""

    async def perform(self, command: str) -> None:
        """Run a command by its id, where it applies."""
        found = self.commands[command]
        answer = self.availability(found)
        if isinstance(answer, No):
            self.say(answer.because[0].upper() + answer.because[1:], "warning")
        else:
            await found.run(self)

    def beside(self, work: Coroutine[Any, Any, None], *, name: str, group: str = "command") -> None:
        """Let this run beside the screen."""
        self._app.run_worker(work, name=name, group=group)

    # -- leaving

    def leave(self, *, end: bool = False) -> None:
        """Go: with the outcome's code, or detached while it is live."""
        session = self.link.session
        self.detached = not session.is_over and not end
        code = exit_code(session.outcome)
        code = exit_code("abandoned") if end and not session.is_over else code
        self.beside(self._leave(end=end, code=code), name="leave", group="leave")

    async def _leave(self, *, end: bool, code: int) -> None:
        await self.link.leave(end=end)
        self._app.exit(code)

    def vanish(self) -> None:
        """The terminal is gone, or somebody asked this process to end: restore it and leave; the session goes on."""
        self.detached = not self.link.session.is_over
        self._app.exit(exit_code(self.link.session.outcome))


def _letters_first(session: Session) -> str:
    """What tells it from another one stands where it is not cut."""
    title = session.called.removesuffix(f" ({session.letters})")
    return session.letters if title == session.letters else f"{session.letters} ({title})"
