"""What is watched for the session: the observer process, the newest readings, samples for the record, guards.

It starts the observer with the plan's targets, from planning on, and changes it when the plan does. Readings go to
the history, to the consoles once a second, and to the logbook in batches; guards are fed and asked here, and what
they say becomes an intent like a person's. Checklist items with a `check` tick themselves. It decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from quarterdeck.errors import QuarterdeckError, StationError
from quarterdeck.host import boot_clock
from quarterdeck.observer.client import Observer
from quarterdeck.observer.messages import Finding, Health, Reading
from quarterdeck.procedure.conditions import ConditionError, evaluate, metrics_of, parse
from quarterdeck.procedure.model import Procedure, Step
from quarterdeck.session.guard_watch import GuardWatch, conditions_of
from quarterdeck.session.intents import Intent, NoteFact, TickItem
from quarterdeck.session.parts import Watch
from quarterdeck.session.state import Session
from quarterdeck.station.commands.orders import Orders
from quarterdeck.station.commands.values import Values
from quarterdeck.station.commands.verifier import Verifier
from quarterdeck.station.recent_readings import History
from quarterdeck.station.wire.protocol import Sampled

__all__ = ["Monitor", "Recorder", "watched_metrics"]

BATCH_EVERY = 5.0
"""Seconds of readings in one batch of the logbook."""
TICK_EVERY = 10.0
"""Seconds between two runs of a checklist item's command; checks and gauges are looked at each second."""
SHOWN = 300.0
"""Seconds of readings that a console gets when it comes."""


LOOK = 7.0
"""Seconds that Start waits at most for readings that have not come yet; a console waits 10 s for its answer."""


class Recorder(Protocol):
    """Where samples are kept."""

    def add_samples(self, readings: list[Reading]) -> None:
        """Keep a batch."""

    def watch(self, snapshot: dict[str, float | str | None]) -> Watch:
        """Return what an event says of the samples up to now."""


class Decider(Protocol):
    """What the monitor needs of the hub."""

    @property
    def session(self) -> Session:
        """The state now."""

    def now(self) -> float:
        """Session seconds."""

    async def tell(self, intent: Intent) -> object:
        """Ask as the station itself."""


class Monitor:
    """Watching for one session."""

    def __init__(
        self,
        hub: Decider,
        history: History,
        recorder: Recorder,
        show: Callable[[Sampled], None],
        clean: Callable[[str], str],
    ) -> None:
        """`show` takes new readings on their way to the consoles; `clean` takes secrets out of what they say."""
        self.health: Health | None = None
        self._hub, self._history, self._recorder, self._show = hub, history, recorder, show
        self._clean = clean
        self._guards: GuardWatch | None = None
        self._observer: Observer | None = None
        self._plan = ""
        self._unsaved: list[Reading] = []
        self._unshown: list[Reading] = []
        self._saved_at, self._ticked_at = 0.0, -TICK_EVERY
        self._tasks: set[asyncio.Task[object]] = set()
        self._checking = False
        self._read = asyncio.Event()

    async def follow(self, session: Session) -> None:
        """Watch what the session's plan says; nothing happens while that stays the same."""
        plan = session.plan
        if plan is None or plan.hash == self._plan:
            return
        self._plan = plan.hash
        targets = plan.procedure.targets
        self._history.watch(targets)
        self._guards = GuardWatch(plan)
        metrics = tuple(sorted(set(watched_metrics(plan.procedure, plan.steps.values()))))
        if self._observer is not None:
            await self._observer.change(targets, metrics)
        elif targets:
            observer = Observer(self._receive)
            try:
                await observer.start(targets, metrics)
            except StationError as error:
                await self._hub.tell(NoteFact(text=f"Nothing is watched: {error.message}", level="alarm"))
                return
            self._observer = observer

    def recent(self) -> list[Sampled]:
        """The last minutes, oldest first, in frames of a few hundred readings."""
        readings = list(self._history.recent(SHOWN))
        return [Sampled(readings=readings[at : at + 500]) for at in range(0, len(readings), 500)]

    def watch(self) -> Watch:
        """What a step's event says of the samples up to now."""
        self._save()
        return self._recorder.watch(self._history.snapshot())

    async def beat(self, now: float, *, watched: bool) -> None:
        """Once a second (`now` on the loop's clock): show, save, judge. `watched`: some console is there."""
        if self._unshown:
            if watched:
                self._show(Sampled(readings=self._unshown))
            self._unshown = []
        if now - self._saved_at >= BATCH_EVERY:
            self._saved_at = now
            self._save()
        if self._guards is not None and not self._hub.session.is_over:
            for intent in self._guards.judge(self._hub.session, self._hub.now()):
                await self._hub.tell(intent)

    async def look(self) -> None:
        """Before Start: let each guard have its first readings, then say which are blind."""
        await self.follow(self._hub.session)
        if self._guards is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                while self._guards.undecided(self._hub.now()):
                    self._read.clear()
                    await self._read.wait()
        for intent in self._guards.judge(self._hub.session, self._hub.now(), at_once=True):
            await self._hub.tell(intent)

    async def stop(self) -> None:
        """End the observer; keep what was read."""
        for task in list(self._tasks):
            task.cancel()
        if self._observer is not None:
            await self._observer.stop()
        self._save()

    # -- checklist -------------------------------------------------------------------------------------------------

    async def tick_items(self, now: float, values: Values, orders: Orders) -> None:
        """Read the checks of open checklist items while planning; tick those that hold."""
        session = self._hub.session
        if session.plan is None or session.phase != "planned" or self._checking:
            return
        commands_too = now - self._ticked_at >= TICK_EVERY
        self._ticked_at, self._checking = (now if commands_too else self._ticked_at), True
        verifier = Verifier(self._history, values)
        try:
            for item in session.plan.procedure.checklist:
                if item.check is None or item.id in session.ticks or (item.check.command and not commands_too):
                    continue
                step = Step(id=item.id, title=item.title, verify=(item.check,))
                env = orders.environment(session, step)
                proof = await verifier.item(session, step, item.check, env, fresh=False)
                if proof.ok is True:
                    await self._hub.tell(TickItem(item=item.id, proof=proof))
        except QuarterdeckError as error:
            await self._hub.tell(NoteFact(text=f"A checklist item cannot be read: {error.message}", level="warning"))
        finally:
            self._checking = False

    # -- what the observer says ------------------------------------------------------------------------------------

    def _without_secrets(self, reading: Reading) -> Reading:
        """The observer knows its own secrets alone, and a service may tell those of the procedure."""
        values = {name: self._clean(said) if isinstance(said, str) else said for name, said in reading.values.items()}
        return msgspec.structs.replace(reading, message=self._clean(reading.message), values=values)

    def _receive(self, message: Reading | Health | Finding) -> None:
        if isinstance(message, Reading):
            reading = self._without_secrets(message)
            self._history.take(reading)
            self._feed(reading)
            self._read.set()
            self._unsaved.append(reading)
            self._unshown.append(reading)
        elif isinstance(message, Health):
            self.health = message
        else:
            level = "info" if message.what in {"mount_back", "observer_back"} else "warning"
            task = asyncio.ensure_future(self._hub.tell(NoteFact(text=message.text, level=level)))  # type: ignore[arg-type]  # one of the two
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _feed(self, reading: Reading) -> None:
        """Guards and conditions get it in session time; under lag only the status counts."""
        if self._guards is None:
            return
        at = self._hub.now() - (boot_clock() - reading.boot)
        values = {} if "lagged" in reading.flags else reading.values
        self._guards.take(
            reading.target,
            at,
            {**values, "status": reading.status},
            units=reading.units,
            max_age=reading.max_age,
            sound="stale" not in reading.flags,
            message=reading.message,
        )

    def holds(self, condition: str) -> bool | None:
        """Whether a condition holds now; None where that is unknown."""
        if self._guards is None:
            return None
        self._guards.metrics.at = self._hub.now()
        try:
            return evaluate(parse(condition), self._guards.metrics)
        except ConditionError:
            return None

    def _save(self) -> None:
        if self._unsaved:
            self._recorder.add_samples(self._unsaved)
            self._unsaved = []


def watched_metrics(procedure: Procedure, steps: Iterable[Step]) -> Iterator[str]:
    """Every metric that a guard, criterion, wait, verification or checklist item uses, with its target."""
    steps = list(steps)
    for condition in conditions_of(procedure, steps):
        yield from metrics_of(condition)
    for criterion in procedure.criteria:
        if criterion.baseline is not None:
            yield criterion.baseline.metric
    items = [item.check for item in procedure.checklist if item.check is not None]
    for step in steps:
        items += step.verify
    for item in items:
        if item.gauge:
            yield item.gauge
