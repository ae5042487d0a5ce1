"""What many steps cost: one session in memory, half through a plan of any length, and the looks at it.

Decided, stamped and folded as the station does, without a disk; looked at as a console does, without Textual. Each
look is done as often as a session needs it: once an event, or once a tick. Its `Book` is `growth`'s too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from tests.bench.measure import Measurement, Row, p50
from tests.bench.world import ME, compiled, opening

from quarterdeck.console.commands import all_commands
from quarterdeck.console.context import Situation
from quarterdeck.console.keys import Keymap, Keys
from quarterdeck.console.panes.banner import troubles
from quarterdeck.console.panes.procedure_lines import Lines
from quarterdeck.console.panes.procedure_rows import ProcedureRows, procedure_rows
from quarterdeck.console.snapshot import Instant, Snapshot
from quarterdeck.console.store import Link, StationClient
from quarterdeck.logbook.chain import Stamper
from quarterdeck.procedure.model import Guard, Procedure, Step
from quarterdeck.session.decide import Refusal, decide
from quarterdeck.session.events import Draft, StepDone, StepGranted, StepStarted
from quarterdeck.session.guard_watch import GuardWatch
from quarterdeck.session.intents import AddNote, FinishStep, Halt, Intent, RollBack, StartSession, StartStep
from quarterdeck.session.rollback import next_item
from quarterdeck.session.rules.automatic import due
from quarterdeck.session.state import Session
from quarterdeck.station.hub import Hub
from quarterdeck.station.journal import moment

__all__ = ["MEASUREMENTS", "Book"]

MARK = 1.3
SHOWN = 28
"""Rows of steps on a screen."""


async def _nowhere() -> StationClient:
    raise ConnectionError("this link is for looking only")


class Book:
    """One session, its station's looks and its console's."""

    def __init__(self, plan: Procedure) -> None:
        self.link = Link(_nowhere, lambda _: None)
        self.link.me = ME
        self.folding = self.link.folding
        self._stamper = Stamper("bench", "r1", {}, 0)
        self.put(opening(plan, window="2000h"))
        self.ask(StartSession(override="measuring"))
        self.before: Snapshot | None = None
        self._listed = ProcedureRows((), "forward", {})
        self._lines: Lines | None = None
        assert self.session.plan is not None
        self._guards = GuardWatch(self.session.plan)
        self._next = 1
        self._keys = Keys(self, Keymap(all_commands()), lambda _: None, lambda: None)  # type: ignore[arg-type]  # of a desk it asks the situation alone

    @property
    def session(self) -> Session:
        """The state now."""
        return self.folding.session

    def now(self) -> float:
        """Session seconds."""
        return self.session.clock(moment())

    def put(self, drafts: Sequence[Draft]) -> None:
        """Stamp and fold."""
        for event, _ in self._stamper.stamp(drafts, ME, moment(), "bench"):
            self.folding.add(event)

    def ask(self, intent: Intent) -> None:
        """Decide, stamp, fold."""
        answer = decide(self.session, intent, ME, self.now())
        assert not isinstance(answer, Refusal), answer
        self.put(answer)

    # -- events

    def begin(self, finished: int) -> None:
        """Finish so many steps, and start the next one."""
        self.work(finished)
        self.put([Draft(StepGranted(), self._step(), 1), Draft(StepStarted(), self._step(), 1)])

    def work(self, steps: int) -> None:
        """Start and finish so many steps: three events each, decided elsewhere."""
        for _ in range(steps):
            self.put([Draft(kind, self._step(), 1) for kind in (StepGranted(), StepStarted(), StepDone())])
            self._next += 1

    def _step(self) -> str:
        return f"step-{self._next}"

    def decided_work(self) -> None:
        """Finish the step that runs and start the next one, with the station's look after each event."""
        self.ask(FinishStep(step=self._step()))
        self.station_looks()
        self._next += 1
        self.ask(StartStep(step=self._step()))
        self.station_looks()

    def notes(self) -> None:
        """An event about nothing in particular, ten times."""
        for _ in range(10):
            self.ask(AddNote(text="a note"))

    def halt(self) -> None:
        """Finish what runs, halt, and say why."""
        self.ask(FinishStep(step=self._step()))
        self.ask(Halt(nonce="n", reason="measuring"))

    def roll_back(self) -> None:
        """Commit the rollback."""
        self.ask(RollBack(halts=self.session.live_halts(), typed="ROLLBACK"))

    def undo(self) -> None:
        """Start and finish the next undo step, with the station's looks and a console's ticks."""
        item = next_item(self.session)
        assert item is not None
        for intent in (StartStep(step=item.step), FinishStep(step=item.step)):
            self.ask(intent)
            self.station_looks()
            self.tick()

    # -- looks

    def station_looks(self) -> None:
        """What is due by itself, when to look again, and what the guards have to say."""
        now = self.now()
        due(self.session, now)
        Hub.until_due(self, 5.0)  # type: ignore[arg-type]  # it reads the session and the time
        self._guards.judge(self.session, now)

    def after_a_note(self) -> None:
        """A note, and the station's look after it."""
        self.ask(AddNote(text="a note"))
        self.station_looks()

    @property
    def situation(self) -> Situation:
        """The moment, as a console's commands see it."""
        before = self.before
        return Situation(
            session=self.session, now=self.now(), me=ME, named=before.next_line.step if before else "",
            unset=self.link.unset,
        )  # fmt: skip

    def tick(self) -> None:
        """A console's tick: snapshot, keys of the footer, troubles, and the lines of steps that are shown."""
        at = moment()
        shown = Snapshot.of(self.link, Instant(self.session.clock(at), at.wall, at.bt_ns / 1e9), self.before)
        self.before = shown
        self._keys.footer()
        troubles(shown)
        self._listed = procedure_rows(shown, self._listed)
        self._lines = Lines.of(shown, self._listed, 100, SHOWN, self._lines)
        at_row = max(0, self._listed.rows.get(shown.selected, 0) - SHOWN // 2)
        for entry in self._listed.entries[at_row : at_row + SHOWN]:
            if entry.step:
                _ = shown.views[entry.step], shown.forecast.get(entry.step)

    def tick_after_a_note(self) -> None:
        """A note, and a console's tick after it."""
        self.ask(AddNote(text="a note"))
        self.tick()

    def tick_after_work(self) -> None:
        """A step finished and the next one started, each with a console's tick after it."""
        self.ask(FinishStep(step=self._step()))
        self.tick()
        self._next += 1
        self.ask(StartStep(step=self._step()))
        self.tick()


def plan_of(steps: int, *, in_order: bool) -> Procedure:
    """So many manual steps that change something, each with its undo; each after the one before, or all at once."""
    found = compiled(steps)
    undo = Step(id="undo", title="Take it back", kind="manual", owner="dba", duration=30.0, idempotent=True)
    stages = []
    for stage in found.stages:
        made = []
        for step in stage.steps:
            number = int(step.id.removeprefix("step-"))
            back = msgspec.structs.replace(undo, id=f"undo-{number}")
            after = (f"step-{number - 1}",) if in_order and number > 1 else ()
            made.append(msgspec.structs.replace(step, mutates=True, undo=(back,), after=after))
        stages.append(msgspec.structs.replace(stage, steps=tuple(made)))
    guard = Guard(id="slow", title="Too slow", when="api.latency > 800ms", action="warn", for_=5.0)
    return msgspec.structs.replace(found, stages=tuple(stages), guards=(guard,))


TURNS: tuple[tuple[Callable[[Book], object], dict[str, tuple[str, Callable[[Book], object]]]], ...] = (
    (
        Book.tick,
        {
            "events": ("ten events, decided and applied", Book.notes),
            "look": ("the station's look, idle", Book.station_looks),
            "event-look": ("an event and the station's look", Book.after_a_note),
            "work-look": ("a step finished, the next started, with the station's looks", Book.decided_work),
            "tick": ("a tick of a console, idle", Book.tick),
            "event-tick": ("an event and a tick of a console", Book.tick_after_a_note),
            "work-tick": ("a step finished, the next started, with a console's ticks", Book.tick_after_work),
        },
    ),
    (
        Book.halt,
        {
            "halted-look": ("halted: the station's look, idle", Book.station_looks),
            "halted-tick": ("halted: a tick of a console, idle", Book.tick),
            "halted-event-tick": ("halted: an event and a tick of a console", Book.tick_after_a_note),
        },
    ),
    (
        Book.roll_back,
        {
            "back-look": ("rolling back: the station's look, idle", Book.station_looks),
            "back-tick": ("rolling back: a tick of a console, idle", Book.tick),
            "back-undo": ("rolling back: an undo step started and finished, with all looks", Book.undo),
        },
    ),
)
"""What is done first, then each look: its name, and what it is."""
SHAPES = {"ordered": ("in order", True), "free": ("all at once", False)}
LARGER = ("1000", "10000")


def _rows(shape: str, quick: bool) -> list[Row]:
    """Each cost at 1,000 and at 10,000 steps against that at 100, in milliseconds: nothing is divided out."""
    sizes = (40, 400, 800) if quick else (100, 1_000, 10_000)
    said, in_order = SHAPES[shape]
    books = [Book(plan_of(steps, in_order=in_order)) for steps in sizes]
    for book, steps in zip(books, sizes, strict=True):
        book.begin(steps // 2)
    found = []
    for before, turn in TURNS:
        for book in books:
            before(book)
        for name, (what, look) in turn.items():
            small, *larger = _costs(4 if quick else 12, look, books)
            for cost, steps, size in zip(larger, sizes[1:], LARGER, strict=True):
                row = Row(
                    row=f"steps-{name}-{shape}-{size}", what=f"{what}: {steps:,} steps {said}", ours=cost, unit="ms",
                    reference=small, against=f"with {sizes[0]}", mark=MARK,
                )  # fmt: skip
                found.append(row)
    return found


def _costs(rounds: int, look: Callable[[Book], object], books: Sequence[Book]) -> list[float]:
    """CPU milliseconds with each book: medians of turns, a warming one apart."""
    taken: list[list[float]] = [[] for _ in books]
    for number in range(rounds + 1):
        for index, book in enumerate(books):
            begin = time.process_time()
            look(book)
            if number:
                taken[index].append((time.process_time() - begin) * 1e3)
    return [p50(each) for each in taken]


MEASUREMENTS = tuple(
    Measurement(
        tuple(f"steps-{name}-{shape}-{size}" for _, turn in TURNS for name in turn for size in LARGER),
        partial(_rows, shape),
    )
    for shape in SHAPES
)
