"""The order of decisions: one intent after the other is decided, stamped, folded at once, made durable, told.

Everybody's intents pass here, a person's like a guard's or the station's own. A halt is on disk as a file before
anything else happens, and is told before it is durable (R2); everything else is told when it is durable, and what
cannot be recorded is refused and taken back, with all that followed on it. What has to be done about an event is done
by who reacts to durable events (`executor`), never here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from quarterdeck.errors import LogbookError, QuarterdeckError
from quarterdeck.session.decide import Refusal, decide
from quarterdeck.session.event import Actor, Blob, Event
from quarterdeck.session.events import (
    Draft,
    HaltCalled,
)
from quarterdeck.session.intents import (
    AddEvidence,
    CommandReturned,
    EndSession,
    FinishStep,
    Halt,
    StartSession,
    StartStep,
    VerificationRead,
    VerifyStep,
)
from quarterdeck.session.parts import Verdict, Watch
from quarterdeck.session.rules.answer import Wish
from quarterdeck.session.rules.automatic import due
from quarterdeck.session.state import Session
from quarterdeck.station.commands.redaction import Redactor
from quarterdeck.station.halt_files import file_halt, filed_halts, halt_names, is_nonce, new_nonce
from quarterdeck.station.journal import Journal, Kept, moment
from quarterdeck.station.wire.protocol import VISITORS, Answered

__all__ = ["Executor", "Hub"]

WishKind = TypeVar("WishKind", bound=Wish)
REFUSED_FOR = 5.0
"""Seconds before something automatic that was refused is asked again."""


class Executor(Protocol):
    """What the hub needs of whoever runs commands and reads verifications."""

    def redactor(self) -> Redactor:
        """Return what takes out the secrets that are known."""

    def trial(self, intent: StartStep) -> StartStep:
        """Return the start with a launch that names this machine."""

    def prepare(self, intent: StartStep) -> StartStep:
        """Return the start with its command's order written."""

    def discard(self, intent: StartStep) -> None:
        """Forget a prepared order."""

    def verify(self, step: str) -> None:
        """Read a step's verifications again."""

    def halt_by_hand(self) -> None:
        """Stop what a halt stops although its file could not be made."""

    def react(self, events: list[Event]) -> None:
        """Do what follows from events that are durable."""


class _Pending(msgspec.Struct, eq=False):
    """What was decided and is not known to be durable."""

    drafts: list[Draft]
    by: Actor
    urgent: bool
    stands: bool
    """It is no wish: a halt, or a fact of the station. It stays in force although it cannot be recorded."""
    kept: Kept
    taken_back: bool = False

    @property
    def begin(self) -> int:
        """Position of its first event."""
        return self.kept.end - len(self.kept.events)


class Hub:
    """Decides for one session."""

    def __init__(self, folder: Path, journal: Journal, me: Actor) -> None:
        self.folder, self.journal, self.me = folder, journal, me
        self.executor: Executor
        self.watch: Callable[[], Watch | None]
        """What was observed up to now."""
        self.verdicts: Callable[[], tuple[Verdict, ...]]
        """Judges the criteria."""
        self.look: Callable[[], Awaitable[None]]
        """Says before Start which guards are blind. `station` sets these four once, before anything is asked."""
        self.published = 0
        """How many events may be shown."""
        self.on_published: Callable[[], None] = lambda: None
        self.on_taken_back: Callable[[int], None] = lambda _: None
        """Events from a position on are no more: whoever was shown them starts again."""
        self.news = asyncio.Event()
        """Something happened: look what is due."""
        self._folding = journal.folding()
        self._reacted = self.published = len(journal.events)
        self._unsaved_upto = 0
        self._pending: list[_Pending] = []
        self._refused: dict[str, float] = {}
        self._halts_seen = -1
        self._handled: set[str] = set()

    @property
    def session(self) -> Session:
        """The state now."""
        return self._folding.session

    def events(self, begin: int, end: int) -> list[bytes]:
        """Events as bytes, by their position."""
        return self.journal.events.raws(begin, end)

    def now(self) -> float:
        """Session seconds."""
        return self.session.clock(moment())

    # -- asking ----------------------------------------------------------------------------------------------------

    async def tell(self, intent: Wish) -> Answered:
        """Ask as the station itself: the only way to state what no person may, since no connection leads here."""
        return await self._decide(intent, self.me)

    async def ask(self, intent: Wish, by: Actor) -> Answered:
        """Ask for somebody at a connection: nobody there speaks for the station, whatever they call themselves."""
        if not intent.of_people:
            return Answered(id=0, refusal="only the station itself says that")
        return await self._decide(intent.from_a_person(), by)

    async def _decide(self, intent: Wish, by: Actor) -> Answered:
        """Decide; answered when it is durable, or refused."""
        intent = self._without_secrets(intent)
        if isinstance(intent, Halt):
            return await self._halt(intent, by)
        refused = await self._unrecordable(intent, by)
        if refused is not None:
            return refused
        try:
            if isinstance(intent, StartStep):
                return await self._start(intent, by)
            furnished = await self._furnish(intent)
        except QuarterdeckError as error:
            return Answered(id=0, refusal=error.message, hint=error.hint)
        answer = decide(self.session, furnished, by, self.now())
        if isinstance(answer, Refusal):
            return _refusal(answer)
        if isinstance(furnished, VerifyStep):
            self.executor.verify(furnished.step)
        return await self._settle(answer, by, stands=not intent.of_people)

    def _without_secrets(self, intent: WishKind) -> WishKind:
        return intent.without_secrets(self.executor.redactor().text)

    async def _halt(self, intent: Halt, by: Actor) -> Answered:
        """R2: the file first, then the state, then everybody, then the disk."""
        nonce = intent.nonce if is_nonce(intent.nonce) else new_nonce()
        halt = msgspec.structs.replace(intent, nonce=nonce)
        trouble = self._file(nonce, halt.reason, by)
        if trouble:
            self.executor.halt_by_hand()
        answered = await self._halted(halt, by)
        if trouble and not answered.refusal:
            hint = f"its file could not be made ({trouble}): look what still runs"
            return msgspec.structs.replace(answered, hint=hint)
        return answered

    async def _halted(self, halt: Halt, by: Actor) -> Answered:
        """Its file is there, or cannot be made."""
        self._handled.add(halt.nonce)
        answer = decide(self.session, halt, by, self.now())
        if isinstance(answer, Refusal):
            return _refusal(answer)
        return await self._settle(answer, by, urgent=True)

    async def _start(self, intent: StartStep, by: Actor) -> Answered:
        """A start is tried first, then its order is written, then it is decided."""
        wanted = msgspec.structs.replace(intent, watch=self.watch())
        answer = decide(self.session, self.executor.trial(wanted), by, self.now())
        if isinstance(answer, Refusal):
            return _refusal(answer)
        prepared = self.executor.prepare(wanted)
        answer = decide(self.session, prepared, by, self.now())
        answered = _refusal(answer) if isinstance(answer, Refusal) else await self._settle(answer, by)
        if answered.refusal:
            self.executor.discard(prepared)
        return answered

    async def _furnish(self, intent: Wish) -> Wish:
        """Add what only the station knows: what was observed, a file's blob, the verdicts."""
        if isinstance(intent, FinishStep | CommandReturned | VerificationRead):
            return msgspec.structs.replace(intent, watch=self.watch())
        if isinstance(intent, AddEvidence) and intent.path and intent.blob is None:
            return msgspec.structs.replace(intent, blob=await asyncio.to_thread(self._keep, intent.path))
        if isinstance(intent, StartSession):
            await self.look()
        if isinstance(intent, EndSession):
            return msgspec.structs.replace(intent, verdicts=await asyncio.to_thread(self.verdicts))
        return intent

    def _keep(self, path: str) -> Blob:
        """Store a file that is evidence. Blocks."""
        return self.journal.store(path, self.executor.redactor().stream)

    async def _unrecordable(self, intent: Wish, by: Actor) -> Answered | None:
        """Without a recorder nothing goes forward; halts and facts do, and what may use the last room of a disk."""
        why = self.journal.read_only
        if why:
            return Answered(id=0, refusal=f"this session is read-only: {why}")
        if not intent.of_people or not self.journal.is_doubtful:
            return None
        answer = decide(self.session, intent, by, self.now())
        why = await self.journal.refuses(urgent=self._is_reserved([] if isinstance(answer, Refusal) else answer))
        return _not_recorded(why) if why else None

    # -- settling --------------------------------------------------------------------------------------------------

    async def _settle(
        self, drafts: list[Draft], by: Actor, *, urgent: bool = False, stands: bool = False
    ) -> Answered:
        """Stamp, fold, and wait until it is durable. What cannot be recorded is taken back, unless it `stands`."""
        if not drafts:
            return Answered(id=0)
        for draft in drafts:
            if isinstance(draft.data, HaltCalled):
                urgent = True
                self._file(draft.data.nonce, draft.data.reason, by)
                self._handled.add(draft.data.nonce)
        try:
            pending = self._append(drafts, by, urgent=urgent, stands=stands or urgent)
        except LogbookError as error:
            return Answered(id=0, refusal=error.message, hint=error.hint)
        why = await self._durable(pending)
        asyncio.get_running_loop().call_soon(self.news.set)  # who asked hears of it first
        if why and not pending.taken_back and not pending.stands:
            self._take_back(pending.begin, why)
        if pending.taken_back:
            return _not_recorded(why)
        if why and self.journal.saved < pending.kept.end:
            self._unsaved_upto = max(self._unsaved_upto, len(self.journal.events))
            self._publish(len(self.journal.events))
            return Answered(id=0, hint=f"NOT RECORDED: {why}")
        self._saved()
        return Answered(id=0, events=tuple(event.id for event in pending.kept.events))

    def _append(self, drafts: list[Draft], by: Actor, *, urgent: bool, stands: bool) -> _Pending:
        """Stamp and fold; what is urgent is told at once."""
        pending = _Pending(drafts, by, urgent, stands, self._stamp(drafts, by, urgent=urgent))
        self._pending.append(pending)
        return pending

    def _stamp(self, drafts: list[Draft], by: Actor, *, urgent: bool) -> Kept:
        plan = self.session.plan.hash if self.session.plan is not None else ""
        kept = self.journal.append(drafts, by, plan, urgent=urgent or self._is_reserved(drafts))
        for event in kept.events:
            self._folding.add(event)
        if urgent:
            self._publish(len(self.journal.events))
        return kept

    @staticmethod
    async def _durable(pending: _Pending) -> str:
        """Why it is not durable, or nothing. What was made again meanwhile is waited for again."""
        while True:
            kept = pending.kept
            why = await kept.durable
            if pending.kept is kept:
                return why

    def _take_back(self, begin: int, why: str) -> None:
        """What could not be recorded never was, and nothing that was decided on it; what stands is made again.

        Nothing where it is durable after all.
        """
        burned = self.journal.take_back(begin, why)
        if burned is None:
            return
        later = [pending for pending in self._pending if pending.begin >= begin]
        self._pending = [pending for pending in self._pending if pending.begin < begin]
        self._folding = self.journal.folding()
        self.published, self._unsaved_upto = min(self.published, begin), min(self._unsaved_upto, begin)
        self.on_taken_back(begin)
        self._append([Draft(burned)], self.me, urgent=False, stands=True)
        for pending in later:
            pending.taken_back = not pending.stands
            if pending.stands:
                pending.kept = self._stamp(pending.drafts, pending.by, urgent=pending.urgent)
                self._pending.append(pending)

    def _is_reserved(self, drafts: list[Draft]) -> bool:
        """Whether this may use the last room of a full disk: facts, notes, and all that a halt leads to."""
        session = self.session
        after_halt = bool(session.live_halts()) or session.rollback is not None
        return after_halt or any(draft.data.may_use_reserve for draft in drafts)

    def _saved(self) -> None:
        """Tell and do what is durable now, in order."""
        upto = self.journal.saved
        self._pending = [pending for pending in self._pending if pending.kept.end > upto]
        self._publish(upto)
        if upto > self._reacted:
            fresh = [event for event, _ in self.journal.events[max(self._reacted, self._unsaved_upto) : upto]]
            self._reacted = upto
            self.executor.react(fresh)

    def _publish(self, upto: int) -> None:
        if upto > self.published:
            self.published = upto
            if upto > self.journal.saved:
                self.journal.show(upto)
            self.on_published()

    def _file(self, nonce: str, reason: str, by: Actor) -> str:
        try:
            file_halt(self.folder, nonce, reason=reason, login=by.login, via=by.via)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    # -- by itself -------------------------------------------------------------------------------------------------

    async def take_filed_halts(self) -> None:
        """Halts that lie in the folder and are no events yet: made while nobody answered (R2)."""
        if self.journal.read_only:
            return
        try:
            changed = (self.folder / "halts").stat().st_mtime_ns
        except OSError:
            return
        if changed == self._halts_seen:
            return
        known = self._handled | self.session.halts.keys()
        found = filed_halts(self.folder, known)
        for filed in found:
            source = "cli" if filed.via == "cli" else "person"
            via = filed.via if filed.via in VISITORS else "file"  # whoever can write there can claim anything
            by = Actor(login=self.me.login, uid=self.me.uid, via=via, host=self.me.host)
            halt = Halt(nonce=filed.nonce, reason=filed.reason, source=source)  # type: ignore[arg-type]  # one of the two
            await self._halted(self._without_secrets(halt), by)
        if halt_names(self.folder) <= self._handled | self.session.halts.keys():
            self._halts_seen = changed

    def until_due(self, longest: float) -> float:
        """Seconds until it is worth looking again: `longest`, or less where a deadline comes earlier."""
        session, now = self.session, self.now()
        steps = session.plan.steps if session.plan is not None else {}
        deadlines = [session.steps[step].retry_at for step in session.index.retried]
        deadlines += [proposal.until for proposal in session.open_proposals()]
        for poll in session.open_polls():
            if steps[poll.step].poll_timeout:
                deadlines.append(poll.opened + steps[poll.step].poll_timeout)
        for run in session.running():
            if run.started is not None and run.late < 2:
                deadlines.append(run.started + steps[run.id].duration * (run.late + 1))
        return min([longest, *(at - now + 0.01 for at in deadlines if at > now)])

    async def do_what_is_due(self) -> None:
        """What happens by itself, until nothing more is due; what was refused waits a while."""
        if self.journal.read_only:
            return
        for _ in range(100):
            now = asyncio.get_running_loop().time()
            self._refused = {what: until for what, until in self._refused.items() if until > now}
            wanted = [intent for intent in due(self.session, self.now()) if repr(intent) not in self._refused]
            if not wanted:
                return
            for intent in wanted:
                answered = await self.tell(intent)
                if answered.refusal or not answered.events:
                    self._refused[repr(intent)] = now + REFUSED_FOR


def _not_recorded(why: str) -> Answered:
    said = why or "what it followed on could not be recorded"
    return Answered(id=0, refusal=f"NOT RECORDED: {said}", hint="H halts; make room on the disk")


def _refusal(refusal: Refusal) -> Answered:
    return Answered(id=0, refusal=refusal.why, hint=refusal.hint, waivable=refusal.waivable)
