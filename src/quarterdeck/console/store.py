"""What this console knows: the fold of every event, the latest readings, tails and marks, and how the link stands.

Feeds on a station's client; knows no widget. Whatever arrives is taken in at once, and `changed` is called, so that
the app makes its next tick. Halting never waits for anything here: the halt's file first, then the station (R2).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct

from quarterdeck import __version__
from quarterdeck.console.context import LinkWord
from quarterdeck.console.series import Series
from quarterdeck.errors import QuarterdeckError, StationError
from quarterdeck.logbook.event_store import EventStore
from quarterdeck.observer.messages import Reading, Status
from quarterdeck.session.event import Actor, Event, decode
from quarterdeck.session.events import Level, payload, rings
from quarterdeck.session.fold import Folding
from quarterdeck.session.intents import Intent
from quarterdeck.session.state import Run, Session
from quarterdeck.session.told import Terminals, Told
from quarterdeck.station.halt_files import new_nonce
from quarterdeck.station.wire.protocol import Answered, Farewell, Happened, Marks, Sampled, Standing, Tail, Welcome

if TYPE_CHECKING:
    from quarterdeck.station.commands.pages import Pages

__all__ = ["LOST", "RANKS", "HaltCall", "Link", "LogLine", "News", "StationClient", "Verdict", "connect", "log_line"]

News = Literal["now", "soon", "later"]
"""How soon something new is shown: what happened at once; readings and output with the next beat; what only follows
from it (who has seen it, how the recorders are) with the next tick of the clocks, so that a key makes one tick."""

HISTORY = 240
"""Values of a metric that are kept for its graph."""
BASE = 120
"""Values before Start from which a metric's base is taken."""
RANKS: tuple[Status, ...] = ("ok", "warning", "unknown", "critical")
"""A status in `Link.series` is its place here, so that the highest of a stretch is the gravest."""
CATCH_UP = 2.0
"""Seconds that an answer waits for its own events at most."""
LOST = (
    "something that was shown here could not be recorded, or is lost: it is not in force. "
    "What is recorded was read again from the beginning"
)
"""Said where the station has other events than those that it showed."""
UNCONFIRMED_AFTER = 3.0
"""Seconds without an answer after which a halt counts as unconfirmed."""


class LogLine(Struct, frozen=True):
    """One line of the log: an event, told."""

    at: float
    """Wall clock of its author, epoch seconds."""
    who: str
    """Role, or login where that says more."""
    text: str
    level: Level = "info"
    position: int = 0
    """Which event of the session it was for this station (`Marks` count these)."""
    event: str = ""
    """Its id."""
    step: str = ""
    kind: str = ""
    login: str = ""
    name: str = ""
    """Number and title of its step, where the text begins with them."""
    brief: str = ""
    """What an entry says beside that name where it is about this line; empty: the text."""
    adds: str = ""
    """What an entry says of this line where it is about another."""
    entries: tuple[str, ...] = ()
    """Names of the entries in which it may stand, the best one first; none: alone (`Payload.entries`)."""
    also: str = ""
    """Words that people look for it by, beside those that stand in it."""


def log_line(event: Event, position: int, session: Session, off: int, terminal: str = "") -> LogLine:
    """Tell an event, as `session` stands with it, as one line of the log, its times in the zone `off`.

    `position` as in `Happened`, `terminal` as `Terminals.name` has it.
    """
    actor, what, run = event.actor, payload(event), session.steps.get(event.step)
    ended, started = (run.ended, run.started) if run is not None else (None, None)
    spent = ended - started if ended is not None and started is not None else 0.0
    told = Told(event, session.plan, off, spent)
    text = what.sentence(told)
    return LogLine(
        at=event.t.wall,
        who=actor.via if actor.via in {"station", "guard"} else actor.role or actor.login,
        text=text + terminal,
        level=what.attention,
        position=position,
        event=event.id,
        step=event.step,
        kind=event.kind,
        login=actor.login,
        name=told.step if told.beside_name(text) != text else "",
        brief=what.brief(told) + terminal,
        adds=what.adds(told),
        entries=what.entries(event),
        also=what.also,
    )


class Verdict(Struct, frozen=True):
    """How long a target has been as it is, as far as this console heard of it."""

    status: Status
    since: float
    """Boot clock of the first reading with this status, seconds."""
    raw: Status
    count: int
    """How many readings in a row said `raw` by themselves, the newest included."""
    is_whole: bool
    """Whether the one before was heard of; else it may have been so for longer."""
    counts_all: bool
    """The same of `count`."""

    @classmethod
    def after(cls, before: Verdict | None, reading: Reading) -> Verdict:
        """With one more reading."""
        same = before is not None and before.status == reading.status
        again = before is not None and before.raw == reading.raw
        return cls(
            status=reading.status,
            since=before.since if before is not None and same else reading.boot,
            raw=reading.raw,
            count=before.count + 1 if before is not None and again else 1,
            is_whole=before is not None and (before.is_whole if same else True),
            counts_all=before is not None and (before.counts_all if again else True),
        )


class StationClient(Protocol):
    """What the console needs of `station.wire.client.Client`; tests have a fake of it."""

    folder: Path

    async def ask(self, intent: Intent, timeout: float = 10.0) -> Answered:  # noqa: ASYNC109 - as the client's
        """Ask and wait for the answer."""

    async def halt(self, reason: str = "", *, nonce: str = "", timeout: float = 3.0) -> Answered | None:  # noqa: ASYNC109
        """Halt: the file, then the station; None where it did not confirm."""

    def frames(self) -> AsyncIterator[Any]:
        """Everything that the station says."""

    async def seen(self, position: int) -> None:
        """Everything up to `position` was painted."""

    async def present(self) -> None:
        """A key was pressed."""

    async def leave(self, *, end: bool = False) -> None:
        """Say goodbye."""


async def connect(folder: Path, via: str = "console") -> StationClient:
    """Reach a session's station from this terminal: its name, and of our environment what commands need (the agent).

    The one way for every verb with a console. StationError where no station answers.
    """
    from quarterdeck.station.wire.client import Client

    passed = {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}
    return await Client.connect(folder, via=via, tty=_tty(), pass_env=passed, own=os.environ)


def _tty() -> str:
    """The terminal's name; empty where stdin is none."""
    try:
        return os.ttyname(0)
    except OSError:
        return ""


class HaltCall:
    """A halt that was called on this console: sent, then confirmed, or not."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.nonce = new_nonce()
        self.confirmed = False
        self.trouble = ""
        """What to do, where neither file nor station took it."""


class Link:
    """The console's knowledge of its session, kept up to date."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[StationClient]],
        changed: Callable[[News], None],
        folder: Path | None = None,
    ) -> None:
        """`connect` reaches (or opens) the session; `changed` is called whenever there is something new.

        `folder` is the session's, where it is known before its station says so.
        """
        self._connect = connect
        self._changed = changed
        self.client: StationClient | None = None
        self._begin()
        self.readings: dict[str, Reading] = {}
        self.history: dict[str, deque[float]] = {}
        self.series: dict[str, Series] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.bases: dict[str, float] = {}
        self._before: dict[str, list[float]] = {}
        self.tails: dict[str, Tail] = {}
        self.marks: Marks | None = None
        self.standing: Standing | None = None
        self.me = Actor(login="?")
        self.off = time.localtime().tm_gmtoff // 60
        """Minutes east of UTC in which this console shows every time, for as long as it lives."""
        self.folder = folder
        self.read_only = ""
        self._station_version = ""
        self.state: LinkWord = "connecting"
        self.why = ""
        """Of a link that is silent, lost or closed."""
        self.since = time.time()
        """When the link came to its state, epoch seconds."""
        self.position = 0
        self.caught_up = asyncio.Event()
        """Set when the history is in."""
        self.halts: list[HaltCall] = []
        self._there = asyncio.Event()
        self._alarm = False
        self._is_anew = False
        """The history is being taken in again from its first event on."""
        self._terminals = Terminals()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def _begin(self) -> None:
        """Nothing has happened yet."""
        self._events = EventStore()
        self.folding = Folding(everything=self._events.events)
        self.log: list[LogLine] = []

    @property
    def session(self) -> Session:
        """What is known of the session."""
        return self.folding.session

    @property
    def unset(self) -> dict[str, str]:
        """Secrets that the station cannot read now, to their references."""
        return self.standing.unset if self.standing is not None else {}

    # -- taking in

    async def run(self) -> None:
        """Connect, then take in what the station says until the link is closed. StationError where none answers."""
        client = self.client = await self._connect()
        self.folder = client.folder
        self._there.set()
        async for frame in client.frames():
            self.take(frame)
        if self.state != "closed":
            self._turn("closed", "the station has left")

    def take(self, frame: object) -> None:
        """Take in one frame."""
        match frame:
            case Happened():
                self._happened(frame)
            case Sampled():
                for reading in frame.readings:
                    self._reading(reading)
                self._changed("soon")
            case Tail():
                self.tails[frame.step] = frame
                self._changed("soon")
            case Marks():
                self.marks = frame
                self._changed("later")
            case Standing():
                self.standing = frame
                self._changed("later")
            case Welcome():
                self.me, self.folder, self.read_only = frame.you, Path(frame.folder), frame.read_only
                self._tell_version(frame.version)
                self._turn("live")
            case Farewell():
                self._turn("closed", frame.reason)
            case _:
                self._linked(getattr(frame, "state", ""), getattr(frame, "why", ""))

    def _tell_version(self, version: str) -> None:
        """Say once that the station is of another version: what that one does not know cannot be shown."""
        if version in {__version__, self._station_version}:
            return
        self._station_version = version
        self.note(
            f"this session's station is Quarterdeck {version}, this console {__version__}: what only the newer one "
            "knows (missing secrets, what commands left running) is not shown before that station has left",
            "warning",
        )

    def _linked(self, state: str, why: str) -> None:
        words: dict[str, LinkWord] = {"connected": "live", "hung": "silent", "lost": "lost", "closed": "closed"}
        if state in words:
            self._turn(words[state], why)

    def _turn(self, state: LinkWord, why: str = "") -> None:
        if state != self.state:
            self.since = time.time()
        self.state, self.why = state, why
        self._changed("now")

    def _happened(self, frame: Happened) -> None:
        anew = frame.is_first and bool(self._events)
        if anew:
            self._begin()
            self.caught_up.clear()
        self._is_anew = self._is_anew or anew
        position = frame.position - len(frame.events)
        for raw in frame.events:
            position += 1
            self._event(bytes(raw), position)
        self.position = frame.position
        self._news.set()
        if frame.caught_up:
            self.caught_up.set()
            if self._is_anew:
                self._is_anew = False
                self.note(LOST, "alarm")
        self._changed("now")

    def _event(self, raw: bytes, position: int) -> None:
        event = decode(raw)
        self._events.append(event, raw)
        self.folding.add(event)
        if self.caught_up.is_set() and rings(event):
            self._alarm = True
        self._terminals.take(event.actor)
        terminal = self._terminals.name(event.actor)
        self.log.append(log_line(event, position, self.session, self.off, terminal))
        if event.kind == "session.started":
            self._before.clear()

    def _reading(self, reading: Reading) -> None:
        last = self.readings.get(reading.target)
        if last is not None and (reading.boot < last.boot or reading == last):
            return  # a link that is back says the last minutes again
        self.readings[reading.target] = reading
        self._remember(reading)
        planned = self.session.started is None or reading.at <= self.session.started
        for name, value in reading.values.items():
            if isinstance(value, str):
                continue
            metric = f"{reading.target}.{name}"
            self.history.setdefault(metric, deque(maxlen=HISTORY)).append(value)
            if planned and reading.status == "ok":
                before = self._before.setdefault(metric, [])
                if len(before) < BASE:
                    before.append(value)
                    self.bases[metric] = median(before)

    def _remember(self, reading: Reading) -> None:
        """For a target's own screen: its status and numbers over the session, and since when it is as it is."""
        target = reading.target
        self.verdicts[target] = Verdict.after(self.verdicts.get(target), reading)
        numbers = {name: value for name, value in reading.values.items() if isinstance(value, float | int)}
        for name, value in ({} if "lagged" in reading.flags else numbers).items():
            self.series.setdefault(f"{target}.{name}", Series()).take(reading.boot, value)
        self.series.setdefault(f"{target}.status", Series()).take(reading.boot, RANKS.index(reading.status))

    def output(self, run: Run) -> Pages:
        """What a run printed, from the session's own files. StationError that says why it cannot be read here."""
        from quarterdeck.station.commands.pages import open_output

        plan = self.session.plan
        if plan is None or self.folder is None:
            raise StationError("the session is not here yet")
        return open_output(self.folder, plan.procedure, run)

    # -- doing

    async def ask(self, intent: Intent) -> Answered:
        """Ask the station; trouble with it comes back as a refusal that says so."""
        if self.client is None:
            return Answered(id=0, refusal="the station is not there yet", hint="once more in a moment")
        try:
            answer = await self.client.ask(intent)
        except QuarterdeckError as error:
            return Answered(id=0, refusal=error.message, hint=error.hint)
        await self._taken_in(answer.events)
        return answer

    async def _taken_in(self, events: tuple[str, ...]) -> None:
        """Wait until what happened because of an answer is known here too, so that the next question is right."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP):
                while not all(map(self.folding.has, events)):
                    self._news.clear()
                    await self._news.wait()

    def halt(self) -> HaltCall:
        """Halt now. Returns at once; the call says later whether it was confirmed."""
        call = HaltCall(time.time())
        self.halts.append(call)
        task = asyncio.get_running_loop().create_task(self._halt(call), name="halt")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        asyncio.get_running_loop().call_soon(self._changed, "now")  # sent first: a tick takes longer than that
        return call

    async def _halt(self, call: HaltCall) -> None:
        if self.client is None:
            call.trouble = "the station is not there yet: it is sent as soon as it is. Sooner: quarterdeck halt"
            self._changed("now")
            await self._there.wait()
        assert self.client is not None
        try:
            answer = await self.client.halt(nonce=call.nonce)
            call.confirmed, call.trouble = answer is not None and not answer.refusal, ""
            if answer is None:
                call.trouble = "the station does not answer. The halt's file is written and commands stop by it; "
                call.trouble += "tell people to stop, look with quarterdeck status"
            elif answer.refusal:
                call.trouble = answer.refusal
        except (OSError, StationError) as error:
            call.trouble = f"the halt could not be written ({error}): stop by hand, from another terminal"
        self._changed("now")

    async def halts_settled(self) -> str:
        """Wait until the halts that were called here are answered or not; what to do about one that is not."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        return self.halt_unconfirmed()

    def halt_sent(self) -> bool:
        """Whether a halt of this console is under way and not confirmed by the session's state."""
        return self._open_call() is not None

    def halt_unconfirmed(self) -> str:
        """What to do about a halt that nobody confirms; empty where there is none."""
        last = self._open_call()
        if last is None:
            return ""
        if last.trouble:
            return last.trouble
        return "no answer yet; the halt's file is written" if time.time() - last.at > UNCONFIRMED_AFTER else ""

    def _open_call(self) -> HaltCall | None:
        """The last halt of this console while neither its answer nor the session's history confirms it."""
        if not self.halts or self.session.is_over or self.session.live_halts():
            return None
        last = self.halts[-1]
        return None if last.confirmed or last.nonce in self.session.halts else last

    def note(self, text: str, level: Level = "info") -> None:
        """A line of this console alone in its log: what was said for some seconds does not vanish."""
        self.log.append(LogLine(at=time.time(), who="here", text=text, level=level, kind="notice"))
        self._changed("soon")

    def take_alarm(self) -> bool:
        """Whether something came since the last call that rings the bell."""
        alarm, self._alarm = self._alarm, False
        return alarm

    async def seen(self) -> None:
        """Everything that is known was painted (R26)."""
        if self.client is not None:
            await self.client.seen(self.position)

    async def present(self) -> None:
        """A key was pressed (R23)."""
        if self.client is not None:
            await self.client.present()

    async def leave(self, *, end: bool = False) -> None:
        """Go; `end` ends the demo's session and its world."""
        if self.client is not None:
            with contextlib.suppress(QuarterdeckError, OSError):
                await self.client.leave(end=end)


def median(values: list[float]) -> float:
    """The middle one (`statistics` costs a millisecond of the first frame)."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
