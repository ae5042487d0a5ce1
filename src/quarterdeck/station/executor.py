"""From what was decided to what happens: commands are launched, followed, stopped; verifications and waits are read.

It reacts to events that are durable (R14) and never decides: what it finds out goes to the hub as a fact. After a
crash nothing is run again by itself; `resume` only finds what still runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from quarterdeck.errors import QuarterdeckError
from quarterdeck.procedure.model import Step, VerifyItem
from quarterdeck.regular_files import read_regular
from quarterdeck.session.availability import moment
from quarterdeck.session.event import Event
from quarterdeck.session.intents import (
    ChangeRead,
    Intent,
    NoteFact,
    ProveGone,
    StartStep,
    VerificationRead,
    WaitOver,
    asks_change,
)
from quarterdeck.session.leftovers import few
from quarterdeck.session.parts import Proof
from quarterdeck.session.rollback import due_items
from quarterdeck.session.state import Session, StepRun
from quarterdeck.station.commands.orders import Order, Orders
from quarterdeck.station.commands.orphans import end_orphans, find_orphans
from quarterdeck.station.commands.probe import Progress
from quarterdeck.station.commands.redaction import Redactor
from quarterdeck.station.commands.results import Finished, Found, Result, Tail, nothing_ran
from quarterdeck.station.commands.runs import Commands
from quarterdeck.station.commands.values import Values
from quarterdeck.station.commands.verifier import Verifier
from quarterdeck.station.halt_files import filed_halts
from quarterdeck.station.leftovers import Leftovers
from quarterdeck.station.recent_readings import History
from quarterdeck.station.wire import protocol

__all__ = ["Decider", "Executor"]

TAILS_KEPT = 8
"""Newest outputs that a console which comes later still gets."""
TAIL_BYTES = 4096
"""Of the end of an output whose command is over."""
WAIT_LOOK = 1.0
"""Seconds between two looks at a wait's condition."""


_ENDS = frozenset({
    "poll.closed", "step.done", "step.failed", "step.skipped", "step.interrupted", "step.unknown",
    "command.declared_gone",
})  # fmt: skip
"""After these nothing is read any more that was read for a step under way."""


class Decider(Protocol):
    """What the performer needs of the hub."""

    @property
    def session(self) -> Session:
        """The state now."""

    def now(self) -> float:
        """Session seconds."""

    async def tell(self, intent: Intent) -> object:
        """Ask as the station itself."""


class Executor:
    """Runs the commands, readings and waits of one session."""

    def __init__(
        self,
        folder: Path,
        hub: Decider,
        history: History,
        values: Values,
        orders: Orders,
        show: Callable[[protocol.Tail], None],
        holds: Callable[[str], bool | None],
    ) -> None:
        """`show` takes live output on its way to the consoles; `holds` judges a wait's condition."""
        self.commands = Commands(folder, self._deliver, redactor=values.redactor_of_run)
        values.recall(self.commands.spool)
        self._folder, self._hub, self._orders = folder, hub, orders
        self._values, self._show, self._holds = values, show, holds
        self._verifier = Verifier(history, values)
        self._leftovers = Leftovers(hub, values.clean)
        self._orders_made: dict[str, Order] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tails: dict[str, protocol.Tail] = {}
        self._progress: dict[str, Progress] = {}

    # -- asked by the hub ------------------------------------------------------------------------------------------

    @property
    def verifying(self) -> tuple[str, ...]:
        """Steps whose verifications, or whose `changed`, are being read."""
        reading = ("verify ", "recheck ", "changed ")
        return tuple(name.partition(" ")[2] for name in self._tasks if name.startswith(reading))

    @property
    def busy(self) -> bool:
        """Whether a command runs or its end is being written down."""
        return bool(self.commands.running()) or any(name.startswith("finish ") for name in self._tasks)

    def tails(self) -> list[protocol.Tail]:
        """The newest outputs."""
        return list(self._tails.values())

    def redactor(self) -> Redactor:
        """What takes the secrets out that are known now."""
        return self._values.redactor()

    def trial(self, intent: StartStep) -> StartStep:
        """The same start with a launch that names this machine, to ask whether it may be."""
        return msgspec.structs.replace(intent, launch=self._orders.trial()) if self._is_command(intent) else intent

    def prepare(self, intent: StartStep) -> StartStep:
        """Write the order before the start is decided. QuarterdeckError where it cannot be."""
        if not self._is_command(intent):
            return intent
        session = self._hub.session
        assert session.plan is not None
        order = self._orders.make(self.commands, session, session.plan.steps[intent.step])
        self._orders_made[order.launch.run] = order
        return msgspec.structs.replace(intent, launch=order.launch)

    def discard(self, intent: StartStep) -> None:
        """The start was refused after all."""
        order = self._orders_made.pop(intent.launch.run, None) if intent.launch is not None else None
        if order is not None:
            self._orders.discard(order)

    def _is_command(self, intent: StartStep) -> bool:
        session = self._hub.session
        step = session.plan.steps.get(intent.step) if session.plan is not None else None
        return step is not None and step.kind == "command" and not intent.by_phone

    # -- what happened ---------------------------------------------------------------------------------------------

    def react(self, events: Iterable[Event]) -> None:
        """Do what follows from events that are durable."""
        session = self._hub.session
        for event in events:
            if event.kind in {"plan.revised", "session.started", "halt.called"}:
                self.look_for_secrets()
            run = session.steps.get(event.step) if event.step else None
            match event.kind:
                case "step.started" if run is not None:
                    self._started(session, run, event)
                case "step.reported" | "command.ended" if run is not None and run.state == "verifying":
                    self.verify(run.id)
                case "command.stop_asked" if run is not None:
                    self._stop(run)
                case "command.output_withheld":
                    self._drop_withheld()
                case "session.went_on" | "rollback.committed" | "undo.opened":
                    self.recheck()
                    self._look_whether_gone()
                case "halt.called":
                    self._drop_idle()
                    self._end_orphans()
                case kind if kind in _ENDS:
                    self._drop_idle()
                    self._look_for_change(run)
                case "command.left_answered" if run is not None:
                    self._spawn(f"end left {run.id}", self._leftovers.end(run.id))
                case _:
                    pass
            if event.kind in {"halt.called", "command.ended"} and session.live_halts():
                self._spawn("look for what is left", self._leftovers.look())

    def look_for_secrets(self) -> None:
        """Which can be read now: redaction knows them, and what is missing is said before a step needs it."""
        plan = self._hub.session.plan
        if plan is not None:
            self._values.learn(plan.procedure)

    def _started(self, session: Session, run: StepRun, event: Event) -> None:
        assert session.plan is not None
        step = session.plan.steps[run.id]
        latest = run.runs[-1] if run.runs else None
        order = self._orders_made.pop(latest.id, None) if latest is not None and latest.id else None
        if order is not None:
            self._launch(session, step, event.attempt, order)
        elif step.kind == "wait" and run.state == "running":
            self._spawn(f"wait {run.id}", self._wait(step, run.attempt))

    def _launch(self, session: Session, step: Step, attempt: int, order: Order) -> None:
        """One more look for a halt, then the command exists (R14)."""
        answered = session.halts.keys() - set(session.live_halts())
        if session.live_halts() or filed_halts(self._folder, set(answered)):
            self._orders.discard(order)
            refused = nothing_ran(order.launch.run, step.id, "refused", "a halt came before it began")
            halted = msgspec.structs.replace(refused, ended_by="halt")
            self._spawn(f"finish {order.launch.run}", self._finish(step, attempt, halted))
            return
        self.commands.launch(order.prepared)
        if step.progress is not None:
            self._follow_progress(session, step, order.launch.run)

    def _follow_progress(self, session: Session, step: Step, run: str) -> None:
        """Ask the step's `progress` command while it runs."""
        assert step.progress is not None
        try:
            argv = self._values.argv(session, step.progress.command, self._values.of(session, step, secrets=True))
            env = self._orders.reading_environment(session, step)
        except QuarterdeckError:
            return  # without a value for a reference there is no progress, and the step runs all the same
        progress = Progress(
            argv, step.progress.every, env, step.cwd, lambda: self._show_progress(step.id, run), self._values.clean
        )
        self._progress[run] = progress
        self._spawn(f"progress {run}", progress.run())

    def _show_progress(self, step: str, run: str) -> None:
        shown = self._tails.get(run) or protocol.Tail(step=step, run=run, text="", total=0)
        self._tail(shown)

    def _drop_withheld(self) -> None:
        """Sealed outputs that the lead gave up go unread."""
        for run in self._hub.session.steps.values():
            for attempt in run.runs:
                if attempt.withheld:
                    self._orders.withhold(attempt.id)

    def _stop(self, run: StepRun) -> None:
        """Stop it now: a running command, or what a killed runner left."""
        for attempt in run.runs:
            if attempt.id and attempt.lived:
                self.commands.stop(attempt.id)

    def _end_orphans(self) -> None:
        """What runs on without its runner does not see a halt's file: the station ends it (R4)."""
        session = self._hub.session
        for run in session.steps.values():
            lost = run.runs[-1] if run.runs and run.runs[-1].outcome == "lost" else None
            if lost is not None and session.plan is not None:
                step = session.plan.steps[run.id]
                if step.on_halt.action == "terminate":
                    self._spawn(f"end orphans {lost.id}", self._end_orphan(step, lost.id))

    async def _end_orphan(self, step: Step, run: str) -> None:
        found, left = await end_orphans(run, step.on_halt.grace, cleanup=step.cleanup)
        if left:
            clean = self._values.redactor().text
            names = few(tuple(f"{one.pid} {one.owner} {clean(one.command)}" for one in left))
            await self._hub.tell(
                NoteFact(text=f"{step.title} runs on and could not be ended: {names}", level="alarm")
            )
        elif found:
            await self._hub.tell(NoteFact(text=f"{step.title} ran on without its runner: ended by the halt"))

    def halt_by_hand(self) -> None:
        """A halt whose file could not be made: runners do not see it, so what it ends is stopped one by one."""
        session = self._hub.session
        for run in session.running():
            if session.plan is not None and session.plan.steps[run.id].on_halt.action == "terminate":
                self._stop(run)

    # -- what commands say -----------------------------------------------------------------------------------------

    def _deliver(self, said: Finished | Tail) -> None:
        step = self._step_of(said.run)
        if step is None:
            return
        if isinstance(said, Tail):
            self._tail(protocol.Tail(step=step[0].id, run=said.run, text=said.text, total=said.total))
            return
        self._end_progress(said.run)
        self._spawn(f"finish {said.run}", self._finish(step[0], step[1], said.result))

    def _tail(self, tail: protocol.Tail) -> None:
        progress = self._progress.get(tail.run)
        if progress is not None:
            tail = msgspec.structs.replace(tail, percent=progress.percent, line=progress.line)
        self._tails.pop(tail.run, None)
        self._tails[tail.run] = tail
        while len(self._tails) > TAILS_KEPT:
            del self._tails[next(iter(self._tails))]
        self._show(tail)

    def _show_end(self, run: StepRun) -> None:
        """The end of an output by which somebody says what it changed, where no command is there to tell it."""
        latest = run.runs[-1] if run.runs else None
        if run.effect != "unknown" or latest is None or latest.id in self._tails:
            return
        for blob in latest.blobs:
            with contextlib.suppress(OSError):  # without it the question is asked all the same
                text = read_regular(self._folder / "blobs" / blob.sha256)[-TAIL_BYTES:].decode(errors="replace")
                self._tail(protocol.Tail(step=run.id, run=latest.id, text=text, total=blob.len))

    def _end_progress(self, run: str) -> None:
        self._progress.pop(run, None)
        task = self._tasks.get(f"progress {run}")
        if task is not None:
            task.cancel()

    def _step_of(self, run: str) -> tuple[Step, int] | None:
        session = self._hub.session
        step = session.index.attempts.get(run)
        if session.plan is None or step is None:
            return None
        return session.plan.steps[step], next(each.attempt for each in session.steps[step].runs if each.id == run)

    async def _finish(self, step: Step, attempt: int, result: Result) -> None:
        """Prove it gone where it was ended, keep its output, and tell the session."""
        gone = None
        session = self._hub.session
        stop_asked = bool(session.live_halts() and step.on_halt.action == "terminate")
        if result.outcome == "lost" and (stop_asked or session.steps[step.id].stop_asked):
            await self._end_orphan(step, result.run)
            result = msgspec.structs.replace(
                result, survivors=tuple(await asyncio.to_thread(find_orphans, result.run))
            )
        if step.gone is not None and (result.ended_by or result.outcome == "lost") and not result.nothing_ran:
            gone = await self._one(session, step, step.gone, "gone")
        fact = await self._orders.fact(step, attempt, result, gone)
        await self._hub.tell(fact)
        self._show_end(self._hub.session.steps[step.id])
        if result.message:
            await self._hub.tell(NoteFact(text=f"{step.title}: {result.message}", level="warning"))

    async def _one(self, session: Session, step: Step, check: VerifyItem, name: str) -> Proof:
        """What the step's `gone` or `changed` reads; an unreadable one must not hide that the command has ended."""
        try:
            env = self._orders.reading_environment(session, step)
        except QuarterdeckError as error:
            return Proof(name, None, error.message)
        return await self._verifier.item(session, step, check, env)

    # -- verifications and waits -----------------------------------------------------------------------------------

    def verify(self, identity: str) -> None:
        """Read a step's verifications (again) and tell the session."""
        session = self._hub.session
        run = session.steps.get(identity)
        if run is not None and run.state == "verifying":
            self._spawn(f"verify {identity}", self._verify(identity, run.attempt, again=False))
        elif identity in session.rechecks:
            self._spawn(f"recheck {identity}", self._verify(identity, run.attempt if run else 0, again=True))

    def _look_for_change(self, run: StepRun | None) -> None:
        """Of a step that ended badly: whether it has changed anything, where its `changed` check can say so."""
        session = self._hub.session
        step = session.plan.steps[run.id] if run is not None and session.plan is not None else None
        if run is not None and step is not None and step.changed is not None and asks_change(step, run):
            self._spawn(f"changed {run.id}", self._change(step, run.attempt, step.changed))

    async def _change(self, step: Step, attempt: int, check: VerifyItem) -> None:
        proof = await self._one(self._hub.session, step, check, "changed")
        if proof.ok is None:
            text = f"whether {step.title} changed anything could not be read: {proof.title}: {proof.read}"
            await self._hub.tell(NoteFact(text=text, level="warning"))
        await self._hub.tell(ChangeRead(step=step.id, attempt=attempt, proof=proof))

    def _look_whether_gone(self) -> None:
        """Before the undo of what is not sure: whether its command is gone, where its `gone` can say so (R6)."""
        session = self._hub.session
        for item in due_items(session) if session.plan is not None else ():
            step = session.plan.steps[item.undoes] if session.plan is not None and item.undoes else None
            if item.asks and step is not None and step.gone is not None and session.steps[step.id].gone is None:
                self._spawn(f"gone {step.id}", self._prove_gone(step, step.gone))

    async def _prove_gone(self, step: Step, check: VerifyItem) -> None:
        proof = await self._one(self._hub.session, step, check, "gone")
        await self._hub.tell(ProveGone(step=step.id, proof=proof))

    def recheck(self) -> None:
        """Read again what has aged during a halt (R11)."""
        for identity, read in self._hub.session.rechecks.items():
            if read is None:
                self.verify(identity)

    async def _verify(self, identity: str, attempt: int, *, again: bool) -> None:
        session = self._hub.session
        assert session.plan is not None
        step = session.plan.steps[identity]
        try:
            env = self._orders.reading_environment(session, step)
            proofs = await self._verifier.read(session, step, env)
        except QuarterdeckError as error:
            proofs = (Proof("verification", None, error.message),)
        await self._hub.tell(VerificationRead(step=identity, attempt=attempt, proofs=proofs, recheck=again))

    async def _wait(self, step: Step, attempt: int) -> None:
        """Until its time or its condition has come."""
        while (run := self._hub.session.steps[step.id]).state == "running" and run.attempt == attempt:
            at = moment(self._hub.session, step.until)
            if at is not None:
                left = at - self._hub.now()
                if left <= 0:
                    await self._hub.tell(WaitOver(step=step.id, why=f"{step.until} has come"))
                    return
                await asyncio.sleep(min(left, 30.0))
            elif step.until and self._holds(step.until) is True:
                await self._hub.tell(WaitOver(step=step.id, why=f"{step.until} holds"))
                return
            else:
                await asyncio.sleep(WAIT_LOOK)

    # -- crash and end ---------------------------------------------------------------------------------------------

    async def find(self) -> tuple[dict[str, str], list[Found]]:
        """After a restart: what became of the commands (R14): step id to `finished`, `alive`, `lost`.

        Every command counts whose end is not written down, also one that an earlier restart found lost.
        """
        steps = self._hub.session.steps
        open_runs = {
            attempt.id: run.id for run in steps.values() for attempt in run.runs if attempt.id and not attempt.outcome
        }
        met = [found for found in await self.commands.reattach() if found.run in open_runs]
        met += [
            Found(run, "lost", nothing_ran(run, step, "lost", "nothing is known of this command any more"))
            for run, step in open_runs.items()
            if run not in {found.run for found in met}
        ]
        latest = {run.runs[-1].id for run in steps.values() if run.runs}
        return {open_runs[found.run]: found.state for found in met if found.run in latest}, met

    def resume(self, met: Iterable[Found]) -> None:
        """Write down what ended while nobody looked, and take up again whatever waits for the station."""
        session = self._hub.session
        for found in met:
            step = self._step_of(found.run)
            if step is not None and found.result is not None:
                self._spawn(f"finish {found.run}", self._finish(*step, found.result))
            elif step is not None and step[0].progress is not None:
                self._follow_progress(session, step[0], found.run)
        for run in session.steps.values():
            if run.state == "running" and session.plan is not None and session.plan.steps[run.id].kind == "wait":
                self._spawn(f"wait {run.id}", self._wait(session.plan.steps[run.id], run.attempt))
            elif run.state == "running" and run.stop_asked:
                self._stop(run)
            elif run.state == "verifying" and not run.proofs:
                self.verify(run.id)
            self._look_for_change(run)
            self._show_end(run)
            if any(attempt.left_answer == "end" and not attempt.left_ended for attempt in run.runs):
                self._spawn(f"end left {run.id}", self._leftovers.end(run.id))
        self._drop_withheld()
        self.recheck()
        self._look_whether_gone()
        self._spawn("look for what is left", self._leftovers.look())

    async def close(self) -> None:
        """Leave the commands alone, end everything else."""
        await self.commands.close()
        if self._hub.session.is_over:
            self._values.forget(self.commands.spool)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _drop_idle(self) -> None:
        """Readings for steps that no longer want them are ended."""
        session = self._hub.session
        for name, task in list(self._tasks.items()):
            what, _, identity = name.partition(" ")
            run = session.steps.get(identity)
            wanted = {"verify": "verifying", "wait": "running"}.get(what)
            if wanted is not None and (run is None or run.state != wanted):
                task.cancel()

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run it beside; of the same name the newer one counts."""
        old = self._tasks.pop(name, None)
        if old is not None and not name.startswith("finish "):
            old.cancel()
        task = asyncio.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            text = f"{name} broke off: {error}"
            asyncio.get_running_loop().create_task(_quietly(self._hub.tell(NoteFact(text=text, level="alarm"))))


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    await work
