"""The station itself: one session's parts put together, their beats, and when it may leave.

It owns the log, the commands and the observer, and outlives every terminal. It never leaves while its session is live
or a command runs; otherwise a minute after the last console (architecture.md, Life of a station). Started by
`__main__`; decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from quarterdeck.errors import LogbookError, StationError
from quarterdeck.host import boot_clock, host_names, login_name
from quarterdeck.logbook.folder import SessionFolder
from quarterdeck.logbook.lock import OwnedError
from quarterdeck.logbook.session_log import SessionLog
from quarterdeck.procedure.secrets import variables_of
from quarterdeck.session.event import Actor
from quarterdeck.session.intents import (
    Abandon,
    CrashFound,
    DeclareEffect,
    DeclareGone,
    Halt,
    NoteClockStep,
    NoteRecorder,
    StopCommand,
)
from quarterdeck.session.parts import Verdict
from quarterdeck.station.commands.orders import Orders
from quarterdeck.station.commands.values import Values
from quarterdeck.station.criteria import judge_all, metrics_needed, samples_of
from quarterdeck.station.demo_lease import Lease
from quarterdeck.station.executor import Executor
from quarterdeck.station.halt_files import new_nonce
from quarterdeck.station.hub import Hub
from quarterdeck.station.journal import Journal, moment
from quarterdeck.station.monitor import Monitor
from quarterdeck.station.recent_readings import History
from quarterdeck.station.wire.protocol import Marks, Standing
from quarterdeck.station.wire.server import Server, Visitor

__all__ = ["LINGER", "Station"]

LINGER = 60.0
"""Seconds that it stays after the last console when nothing keeps it."""
BEAT = 1.0
DUE_AT_LEAST, DUE_AT_MOST = 5.0, 0.02
"""Seconds between two looks at what is due by itself."""
HALT_LOOK = 0.25
"""Seconds between two looks into `halts/`."""
CLOCK_STEP = 2.0
"""Seconds by which the wall clock must jump to be worth an event."""
SEEN_KEPT = 20


class Station:
    """One session's station."""

    def __init__(self, folder: Path, *, linger: float = LINGER) -> None:
        """Open the session's log. StationError where there is no session; LogbookError where it cannot be opened."""
        place = SessionFolder.of(folder)
        if not place.database.exists() and not place.recorder.exists():
            raise StationError("There is no such session", where=str(folder), hint="quarterdeck sessions lists them")
        self.folder = folder
        self._linger = linger
        me = Actor(login=login_name(), uid=os.getuid(), via="station", host=host_names().short)
        self._log = SessionLog.open(folder, session_id=folder.name, actor=me, moment=moment)
        self.hub = Hub(folder, Journal(self._log), me)
        self.hub.on_published, self.hub.on_taken_back = self._published, self._taken_back
        self._values = Values(folder.parent.parent)
        self.orders = Orders(folder, self._values, dict(os.environ))
        self._history = History(boot_clock)
        self._server = Server(self.hub, self, self._complain)
        self._monitor = Monitor(
            self.hub, self._history, self.hub.journal, self._server.show_samples, self._values.clean
        )
        self._executor = Executor(
            folder, self.hub, self._history, self._values, self.orders, self._server.show_tail, self._monitor.holds
        )
        self.hub.executor, self.hub.verdicts = self._executor, self._verdicts
        self.hub.watch, self.hub.look = self._monitor.watch, self._monitor.look
        self._server.executor, self._server.monitor = self._executor, self._monitor
        self._lease = Lease()
        self._seen: dict[str, int] = {}
        self._marks_changed = False
        self._told: Standing | None = None
        self._idle_since: float | None = None
        self._ended_by_hand = False
        self._offset = time.time() - boot_clock()
        self._leaving = asyncio.Event()
        self._why = "the station was asked to leave"

    # -- life ------------------------------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until there is nothing to stay for. `ready` is called when consoles may come."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leaving.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # handled, not ignored: children would inherit that
        self._idle_since = loop.time()
        self._executor.look_for_secrets()
        await self._take_up()
        await self._server.open()
        ready()
        beats = [
            asyncio.create_task(self._repeat(self._halts, HALT_LOOK), name="halts"),
            asyncio.create_task(self._repeat(self._work, DUE_AT_MOST), name="work"),
            asyncio.create_task(self._repeat(self._beat, BEAT), name="beat"),
            asyncio.create_task(self._repeat(self._hold, BEAT), name="hold"),
        ]
        try:
            await self._leaving.wait()
        finally:
            for task in beats:
                task.cancel()
            await asyncio.gather(*beats, return_exceptions=True)
            await self._close()

    async def _take_up(self) -> None:
        """After a crash: halts first, then what became of the commands; running reopens as paused (R14).

        A planned session is taken up too: a precondition may be in the middle of being read.
        """
        if self.hub.journal.read_only:
            return
        await self.hub.take_filed_halts()
        session = self.hub.session
        if session.is_over:
            await self._executor.commands.reattach()
            return
        found, met = await self._executor.find()
        gap = max(0.0, min(self.hub.now() - session.last, time.time() - self._log.left))
        await self.hub.tell(CrashFound(gap=round(gap, 3), found=found))
        self._executor.resume(met)

    async def _close(self) -> None:
        await self._server.close(self._why)
        await self._executor.close()
        await self._monitor.stop()
        await asyncio.to_thread(self._log.close)

    async def _repeat(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        """Do it again and again; a fault is written down and does not end the station."""
        while True:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the boundary of a beat: the session must go on
                self._complain(f"a beat broke: {error!r}")
                await asyncio.sleep(BEAT)
            await asyncio.sleep(every)

    # -- beats -----------------------------------------------------------------------------------------------------

    async def _halts(self) -> None:
        self._log.beat()
        await self.hub.take_filed_halts()
        if self._marks_changed:
            self._marks_changed = False
            self._server.say(self.marks())

    async def _work(self) -> None:
        """What is due by itself: soon after each event, and when time has brought something."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.hub.until_due(DUE_AT_LEAST)):
                await self.hub.news.wait()
        self.hub.news.clear()
        await self._monitor.follow(self.hub.session)
        await self.hub.do_what_is_due()

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        watched = bool(self._server.visitors)
        await self._monitor.beat(now, watched=watched)
        await self._monitor.tick_items(now, self._values, self.orders)
        await self._watch_clock()
        await self._watch_recorders()
        standing = self.standing()
        if watched and standing != self._told:
            self._told = standing
            self._server.say(standing)
        self._lease.renew(self.hub.session, now, watched=watched)
        await self._consider_leaving(now, watched=watched)

    async def _hold(self) -> None:
        """Stay the session's one station, and where its consoles find it."""
        try:
            await asyncio.to_thread(self._log.keep_lock)
        except OwnedError as error:
            self._why = error.message
            self._complain(self._why)
            self._leaving.set()
            return
        except LogbookError as error:  # no room for the file, say: its folder is locked all the same
            self._complain(str(error))
        await self._server.stay_reachable()

    async def _watch_clock(self) -> None:
        offset = time.time() - boot_clock()
        by, self._offset = offset - self._offset, offset
        if abs(by) > CLOCK_STEP and not self.hub.journal.read_only:
            await self.hub.tell(NoteClockStep(by=round(by, 3)))

    async def _watch_recorders(self) -> None:
        if self.hub.journal.read_only:
            return
        for recorder, state in self.hub.journal.changed_recorders().items():
            told = "ok" if state == "ok" else "lost"
            await self.hub.tell(NoteRecorder(recorder=recorder, state=told, detail="" if told == "ok" else state))

    async def _consider_leaving(self, now: float, *, watched: bool) -> None:
        session = self.hub.session
        if self._ended_by_hand and session.is_live_session:
            await self._end_demo("the demo was ended from its console")
            return
        if watched:
            self._idle_since = None
            return
        self._idle_since = now if self._idle_since is None else self._idle_since
        idle = now - self._idle_since
        busy = self._executor.busy
        live = session.is_live_session or session.phase == "monitoring"
        if session.purpose == "demo" and live and idle > self._linger and not self._lease.wanted(now):
            await self._end_demo("the demo's terminal vanished")
        elif not busy and not live and idle > self._linger:
            self._why = "nothing needs it"
            self._leaving.set()

    async def _end_demo(self, why: str) -> None:
        """Nobody wants it any more, and its world goes: halt, stop what runs, abandon when nothing does."""
        session = self.hub.session
        if not session.live_halts():
            await self.hub.tell(Halt(nonce=new_nonce(), reason=why, source="failure"))
        for run in session.running():
            if run.question_at_halt:
                await self.hub.tell(DeclareEffect(step=run.id, effect="partial", note=why))
            elif run.unproven:
                await self.hub.tell(DeclareGone(step=run.id, note=why))
            elif not run.stop_asked:
                await self.hub.tell(StopCommand(step=run.id, reason=why))
        await self.hub.tell(Abandon(reason=why, handover="nobody: the demo's world is gone"))

    def _verdicts(self) -> tuple[Verdict, ...]:
        """Judge the criteria. In a thread, so on a session of its own."""
        session = self.hub.journal.folding().session
        needed = metrics_needed(session)
        return judge_all(session, samples_of(self.folder, needed), session.clock(moment()), self._monitor.holds)

    # -- what the server needs -------------------------------------------------------------------------------------

    def identity(self) -> tuple[str, str]:
        """Replica, and why it is read-only."""
        return self._log.replica, self._log.read_only

    def marks(self) -> Marks:
        """What happened to events: alone, what is saved here is shared too."""
        saved = min(self.hub.journal.saved, self.hub.published)
        return Marks(saved=saved, shared=saved, seen=dict(self._seen))

    def standing(self) -> Standing:
        """How the station is."""
        return Standing(
            recorders=self._log.health(),
            observer=self._monitor.health,
            consoles=sum(visitor.hello.watching for visitor in self._server.visitors),
            verifying=self._executor.verifying,
            unset=self._values.unset,
        )

    def visited(self, visitor: Visitor, *, came: bool, end: bool = False) -> None:
        """Somebody came or left."""
        if came:
            self._idle_since = None
            agent = visitor.hello.pass_env.get("SSH_AUTH_SOCK", "")
            if agent:
                self.orders.agent = agent
            self._executor.look_for_secrets()
            return
        self._seen.pop(visitor.name, None)
        self._marks_changed = True
        if end and self.hub.session.purpose == "demo" and self.hub.session.is_live_session:
            self._ended_by_hand = True
        elif end and not self.hub.session.is_live_session:
            self._lease.end(self.hub.session)
            if not self._server.visitors:
                self._why = "it was ended from a console"
                self._leaving.set()
        if not self._server.visitors:
            now = asyncio.get_running_loop().time()
            self._idle_since = now
            self._lease.somebody_left(now, saying_so=visitor.left)

    def wants(self) -> tuple[str, ...]:
        """The variables in which the procedure's secrets lie."""
        plan = self.hub.session.plan
        return variables_of(plan.procedure) if plan is not None else ()

    def given(self, variables: dict[str, str]) -> None:
        """A console has some of them, as the last attached one: they stay in memory alone."""
        wanted = self.wants()
        self._values.give({name: value for name, value in variables.items() if name in wanted})
        self._executor.look_for_secrets()
        self._server.say(self.standing())

    def painted(self, visitor: Visitor, position: int) -> None:
        """Somebody saw everything up to a position (R26)."""
        if position > self._seen.get(visitor.name, 0):
            self._seen.pop(visitor.name, None)
            self._seen[visitor.name] = min(position, self.hub.published)
            while len(self._seen) > SEEN_KEPT:
                del self._seen[next(iter(self._seen))]
            self._marks_changed = True

    def _published(self) -> None:
        self._server.published()
        self._server.say(self.marks())

    def _taken_back(self, upto: int) -> None:
        self._seen = {name: min(position, upto) for name, position in self._seen.items()}
        self._server.taken_back(upto)

    def _complain(self, text: str) -> None:
        """Into the station's own log."""
        sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n")
        sys.stderr.flush()
