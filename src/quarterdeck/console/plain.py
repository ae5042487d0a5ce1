"""The same session line by line, for screen readers, dumb terminals and scripts of people.

Prints what happens as sentences, and takes one-word commands: the ids, keys and titles of the same commands that the
screen has, with the same forms asked one question after the other. `halt` or H halts from every question.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TextIO

from quarterdeck.console.commands import all_commands
from quarterdeck.console.commands.base import Command, Level, No, applies
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Field, Form, Wishes, missing
from quarterdeck.console.glyphs import UNICODE
from quarterdeck.console.keys import Keymap
from quarterdeck.console.names import name_of
from quarterdeck.console.panes.rows import Row
from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.console.store import LOST, Link, StationClient
from quarterdeck.errors import QuarterdeckError
from quarterdeck.host import boot_clock_ns, boot_id
from quarterdeck.session.event import Moment
from quarterdeck.session.intents import Intent
from quarterdeck.session.missing import Missing, missing_later
from quarterdeck.session.next_line import next_line
from quarterdeck.session.outcomes import exit_code
from quarterdeck.spans import hour, zone
from quarterdeck.station.stdin import feed_lines
from quarterdeck.station.wire.protocol import Answered
from quarterdeck.text import visible

__all__ = ["PlainDesk", "run_plain"]

WIDTH = 100
"""Cells of a line that is made for a pane."""
LEAVE = {".", "esc", "escape"}


def run_plain(connect: Callable[[], Awaitable[StationClient]]) -> int:
    """Run it on stdin and stdout; the exit code says how the session stands at the end."""
    return asyncio.run(_run(connect))


async def _run(connect: Callable[[], Awaitable[StationClient]]) -> int:
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    encoding = sys.stdin.encoding or "utf-8"
    feed_lines(
        sys.stdin.fileno(),
        lambda line: lines.put_nowait(None if line is None else line.decode(encoding, "replace").rstrip("\r")),
    )
    return await PlainDesk(connect, sys.stdout).run(lines.get)


class PlainDesk:
    """What the app is for the screen: the desk through which commands act, on lines of text."""

    def __init__(self, connect: Callable[[], Awaitable[StationClient]], out: TextIO) -> None:
        """`out` takes the sentences."""
        self.link = Link(connect, lambda _: self._news.set())
        self._news = asyncio.Event()
        self._out = out
        self._keymap = Keymap(all_commands())
        self._boot = boot_id()
        self._told = 0
        self._log: object = None
        """That of which so many lines were told."""
        self._next = ""
        self._trouble = ""
        self._missing: tuple[Missing, ...] = ()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._code: int | None = None
        self.view = PlainView(self)

    async def run(self, typed: Callable[[], Awaitable[str | None]]) -> int:
        """Take lines until the person leaves, stdin ends, or the session is over and left."""
        self.print(f"Times are {zone(self.link.off)}.")
        tasks = [
            asyncio.create_task(self.link.run(), name="link"),
            asyncio.create_task(self._tell(), name="tell"),
            asyncio.create_task(self._listen(typed), name="listen"),
            asyncio.create_task(self._obey(), name="obey"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.link.leave()
        return self._outcome() if self._code is None else self._code

    def _outcome(self) -> int:
        session = self.link.session
        return exit_code(session.outcome)

    # -- telling

    def print(self, text: str, limit: int = 1_000) -> None:
        """One line, through the gate."""
        self._out.write(visible(text, limit) + "\n")
        self._out.flush()

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            trouble = self.link.halt_unconfirmed()
            if trouble and trouble != self._trouble:
                self.print(f"!! HALT unconfirmed: {trouble}")
            self._trouble = trouble
            if not self.link.caught_up.is_set():
                continue
            if self._log is not self.link.log:
                if self._told:
                    self.print(f"!! {LOST}:")
                self._log, self._told = self.link.log, 0
            for line in self.link.log[self._told :]:
                mark = "!! " if line.level == "alarm" else ""
                if line.kind != "notice":
                    self.print(f"{hour(line.at, self.link.off)} {line.who}: {mark}{line.text}")
            self._told = len(self.link.log)
            self._say_missing()
            self._say_next()

    def _say_missing(self) -> None:
        """Secrets that later steps need and that cannot be read, once for each list of them."""
        missing = missing_later(self.link.session, self.link.unset)
        if missing != self._missing:
            for each in missing:
                self.print(f"! {each.words}: {each.hint}")
        self._missing = missing

    def _say_next(self) -> None:
        found = next_line(self.link.session, self.situation.now, self.link.me)
        line = f"{found.question} {found.step} {found.key}"
        if line != self._next:
            self._next = line
            self.print(f"NEXT: {found.text}")

    # -- obeying

    async def _listen(self, typed: Callable[[], Awaitable[str | None]]) -> None:
        while (line := await typed()) is not None:
            if line.strip() in {"H", "halt", "HALT"}:
                self.halt()
            else:
                self._lines.put_nowait(line)
        self._lines.put_nowait(None)
        await asyncio.Event().wait()

    async def _obey(self) -> None:
        await self.link.caught_up.wait()
        self.print("Type a command (help lists them); . leaves a question; H halts at any time.")
        while (line := await self._typed()) is not None and self._code is None:
            word = line.strip()
            if not word:
                continue
            if word.lower() in {"quit", "leave", "exit", "q"}:
                await self.perform("leave")
            elif word.lower() in {"help", "?"}:
                self.help()
            elif (command := self._find(word)) is None:
                self.print(f"There is no command {word!r}; help lists them")
            else:
                await self.perform(command.id)
            if self._code is not None:
                return

    async def _typed(self) -> str | None:
        """The next line; None from the end of stdin on, whichever question it meets."""
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
        return line

    def _find(self, word: str) -> Command | None:
        for command in self._keymap.commands:
            if word.lower().replace(" ", "_") in {command.id, command.word.lower().replace(" ", "_")}:
                return command
        found = self._keymap.find(word, word if len(word) == 1 else None)
        situation = self.situation
        ready = [command for command in found if not isinstance(applies(command, situation), No)]
        return next(iter([*ready, *found]), None)

    def help(self) -> None:
        """What applies now, a line each."""
        situation = self.situation
        for command in self._keymap.commands:
            if (
                not command.of_view or command.id in {"leave", "open", "output", "watched", "why"}
            ) and not isinstance(applies(command, situation), No):
                self.print(f"{command.id.replace('_', ' '):<18} {self._keymap.key_of(command):<7} {command.title}")

    # -- the desk

    @property
    def situation(self) -> Situation:
        """The moment, as commands see it."""
        link = self.link
        now = link.session.clock(Moment(wall=time.time(), boot=self._boot, bt_ns=boot_clock_ns()))
        named = next_line(link.session, now, link.me).step if link.session.plan is not None else ""
        return Situation(
            session=link.session,
            now=now,
            me=link.me,
            named=named,
            link=link.state,
            read_only=link.read_only,
            unset=link.unset,
            readings=link.readings,
            boot=boot_clock_ns() / 1e9,
            off=link.off,
            tails=link.tails,
        )

    def snapshot(self) -> Snapshot:
        """Everything that is known at this moment."""
        wall, boot = time.time(), boot_clock_ns()
        now = self.link.session.clock(Moment(wall=wall, boot=self._boot, bt_ns=boot))
        return Snapshot.of(self.link, Instant(now, wall, boot / 1e9))

    def rows(self, rows: Iterable[Row]) -> None:
        """What a pane would show, a line each; what is empty there is nothing here."""
        for row in rows:
            if said := "".join(text for text, _ in row).rstrip():
                self.print(said)

    async def ask(self, intent: Intent, *, offers: bool = False) -> Answered:
        """Ask the station; say a refusal, unless the command offers to waive it."""
        answer = await self.link.ask(intent)
        if answer.refusal and not (offers and answer.waivable):
            self.say(answer.why, "warning")
        return answer

    async def fill(self, form: Form, wishes: Wishes | None = None) -> Answers | None:
        """Ask the form's questions one after the other; `.` leaves it."""
        if form.moot is not None and (why := form.moot(self.situation)):
            self.say(why)
            return None
        self.print(form.title)
        for line in (form.large, *form.lines):
            if line:
                self.print(f"  {line}")
        answers: Answers = {}
        asked = form.fields
        while True:
            for field in asked:
                given = await self._field(form, field, answers)
                if given is None:
                    return None
                answers[field.name] = given
            if not form.fields:
                self.print(f"Enter: {form.confirm}; . leaves")
                entered = await self._typed()
                if entered is None or entered.strip():
                    return None
            if form.moot is not None and (why := form.moot(self.situation)):
                self.say(why)
                return None
            refused = await self._refused(answers, wishes)
            if refused is None:
                return answers
            asked = tuple(field for field in form.fields if field.name == refused) or form.fields

    async def _refused(self, answers: Answers, wishes: Wishes | None) -> str | None:
        """The field that is to blame where the station refuses what the form is for (empty: the whole); else None."""
        for field, intent in wishes(answers) if wishes is not None else ():
            if (await self.ask(intent)).refusal:
                return field
        return None

    async def _field(self, form: Form, field: Field, answers: Answers) -> str | None:
        for option in field.choices:
            self.print(f"  {option.key}  {option.label}{f': {option.detail}' if option.detail else ''}")
        only = Form(form.id, form.title, fields=(field,))
        while True:
            self.print(f"{field.label or 'Which?'}{f' [{field.initial}]' if field.initial else ''}")
            line = await self._typed()
            if line is None or line.strip() in LEAVE:
                return None
            typed = line.strip() or field.initial
            given = next((o.value for o in field.choices if typed in {o.key, o.key.lower(), o.value, o.label}), typed)
            _, wrong = missing(only, {**answers, field.name: given})
            if not wrong:
                return given
            self.print(wrong)

    async def which(self, verb: str, among: Collection[str]) -> str:
        """The only one, or the one that is typed."""
        steps = list(among)
        if len(steps) <= 1:
            return steps[0] if steps else ""
        for number, step in enumerate(steps, 1):
            self.print(f"  {number}  {name_of(self.link.session, step)}")
        self.print(f"{verb}: which one?")
        line = await self._typed()
        typed = (line or "").strip()
        return steps[int(typed) - 1] if typed.isdecimal() and 0 < int(typed) <= len(steps) else ""

    def say(self, text: str, level: Level = "information") -> None:
        """One line."""
        self.print(f"{'!! ' if level != 'information' else ''}{text}")

    def halt(self) -> None:
        """Halt at once."""
        self.link.halt()
        self.print(f"HALT sent to {self.link.session.called or 'this session'}")

    async def perform(self, command: str) -> None:
        """Run a command where it applies."""
        found = self._keymap.by_id[command]
        answer = applies(found, self.situation)
        if isinstance(answer, No):
            self.say(answer.because, "warning")
            return
        try:
            await found.run(self)
        except QuarterdeckError as error:
            self.say(str(error), "error")

    def leave(self, *, end: bool = False) -> None:
        """Leave."""
        self._code = exit_code("abandoned") if end and not self.link.session.is_over else self._outcome()


class PlainView:
    """There is no view to change: a step and the commands are listed, everything else needs the screen."""

    def __init__(self, desk: PlainDesk) -> None:
        self._desk = desk

    async def help(self) -> None:
        """What applies now."""
        self._desk.help()

    async def open(self, step: str) -> None:
        """Its state, and what it asks of a person."""
        situation = self._desk.situation
        found = situation.step(step)
        if found is None:
            await self._needs_the_screen()
            return
        self._desk.print(f"{name_of(situation.session, step)}: {situation.view(step)}")
        if found.instructions:
            self._desk.print(found.instructions)

    async def watched(self) -> None:
        """How every target is, and why."""
        from quarterdeck.console.panes.target_rows import types_of, verdict_rows

        snapshot = self._desk.snapshot()
        for name in types_of(snapshot):
            self._desk.rows(verdict_rows(snapshot, name, WIDTH, UNICODE))

    async def rollback_now(self) -> None:
        """What a rollback would be if it were halted now."""
        from quarterdeck.console.panes.rollback import rollback_rows

        self._desk.rows(rollback_rows(self._desk.snapshot(), WIDTH))

    async def target(self, target: str) -> None:
        """Everything of one target; for its chart, between what its numbers were and when."""
        from quarterdeck.console.panes.target import told

        self._desk.rows(told(self._desk.snapshot(), target, WIDTH, UNICODE))

    async def open_row(self) -> bool:
        """There are no panes, and so no cursor."""
        return False

    async def output(self, step: str) -> None:
        """What it printed: all, or a part."""
        from quarterdeck.console.plain_output import read_output

        await read_output(self._desk, step, self._desk.link.output, self._desk.print)

    async def _needs_the_screen(self) -> None:
        self._desk.print("That needs the screen")

    contacts = links = palette = sessions = layout = theme = next_pane = filter = follow = copy = _needs_the_screen
    write = suspend = _needs_the_screen
