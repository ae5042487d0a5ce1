"""A random walk through one session: starts, retries, skips, corrections, added steps, single undos, stops and halts.

Real station, real commands. After each event the rollback list of `session.rollback` is held against a second model
of R7, written from the rule alone (`rollback_model`). At the end the list is committed and run, and what the
commands wrote in their ledger is held against it. A seed repeats the choices; the machine's own timing stays its own.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faultkit import Night, wait_until
from ledger import faults, read_ledger
from rollback_model import Planned, RollbackList, RollbackModel, Undo

from quarterdeck.procedure.model import Step
from quarterdeck.session import events as e
from quarterdeck.session import intents as wanted
from quarterdeck.session.availability import effect_questions, gone_questions, manual_questions, undo_questions
from quarterdeck.session.event import Event
from quarterdeck.session.events import payload
from quarterdeck.session.fold import Folding
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.rollback import next_item, preview
from quarterdeck.session.state import LIVE, Session
from quarterdeck.station.halt_files import file_halt, halt_names, new_nonce
from quarterdeck.station.wire.blocking_client import ask_once

__all__ = ["Walk", "forms"]

PATIENCE = 60.0
"""Seconds that a loaded machine may take for anything."""
EFFECTS = ("none", "partial", "full", "unknown")

SCRIPT = """say() { echo "$QUARTERDECK_RUN $1 $EPOCHREALTIME" >> "$0"; }
say begun
[ ! -e "$0.fails-$1" ] || exit 3
while [ -e "$0.holds-$1" ]; do sleep 0.02; done
say ended"""
"""A command that fails while one file is there, and lasts while another is."""


def command(step: str, ledger: Path) -> list[str]:
    """The command of a step."""
    return ["bash", "-c", SCRIPT, str(ledger), step]


def procedure(ledger: Path) -> str:
    """Steps of every kind that R7 tells apart."""

    def undo(step: str, owner: str = "", kind: str = "command") -> dict[str, object]:
        own: dict[str, object] = {"owner": owner} if owner else {}
        run = {"command": command(step, ledger)} if kind == "command" else {"instructions": "By hand"}
        return {"id": step, "title": f"Undo {step}", "kind": kind, "duration": "2s", **run, **own}

    def step(name: str, **more: object) -> dict[str, object]:
        run = {"kind": "command", "command": command(name, ledger)} if "kind" not in more else {}
        return {"id": name, "title": f"Do {name}", "duration": "3s", "skippable": True, "after": [], **run, **more}

    proof = {"title": "It is so", "command": ["test", "!", "-e", f"{ledger}.denied"]}
    steps = [
        step("one", undo=[undo("one-back")]),
        step("two", owner="dba", undo=[undo("two-back"), undo("two-check", owner="lead")]),
        step("three", undo={"none": "It stays"}),
        step("look", mutates=False),
        step("hand", kind="manual", instructions="Do it", owner="dba", undo=[undo("hand-back", kind="manual")]),
        step("again", idempotent=True, verify=[proof], undo=[undo("again-back", owner="dba")]),
        step("last", skippable=False, on_halt={"action": "finish"}, undo=[undo("last-back")]),
    ]
    return json.dumps(
        {
            "quarterdeck": 1, "id": "walk", "title": "A random walk", "revision": 1,
            "roles": {"lead": {"title": "Lead", "backup": "dba"}, "dba": {"title": "DBA", "backup": "lead"}},
            "targets": {"here": {"type": "local", "title": "This host", "every": "1s"}},
            "stages": [{"id": "work", "title": "Work", "steps": steps}],
            "rollback": {"verify": [step("sound", mutates=False)]},
        }
    )  # fmt: skip


def forms(items: tuple[UndoItem, ...], stays: tuple[str, ...], left_out: dict[str, str]) -> RollbackList:
    """A list of the session's in the form of the model's."""
    rows = tuple((item.step, item.undoes, item.owner, item.duration, item.asks) for item in items)
    return RollbackList(rows, tuple(stays), frozenset(left_out))


class Walk:
    """One session, from its start to the end of its rollback."""

    def __init__(self, night: Night, chance: random.Random) -> None:
        self.faults: list[str] = []
        """What was found wrong, in words."""
        self.counts: Counter[str] = Counter()
        """What was asked, refused and compared."""
        self._night, self._chance = night, chance
        self._ledger = night.scratch / f"ledger-{chance.random()}"
        self._folding, self._read = Folding(), 0
        self._model: RollbackModel | None = None
        self._begun: set[str] = set()
        """Steps that were started, or reported without a start, since they were undone or not begun after all."""
        self._added = 0
        self._notes: dict[str, str] = {}

    # -- the walk --------------------------------------------------------------------------------------------------

    def run(self, length: int) -> None:
        """Take `length` random acts, then roll back what they left."""
        self._night.open(procedure(self._ledger))
        self._ask(wanted.StartSession())
        acts: list[Callable[[], None]] = [
            *[self._start] * 4, self._finish, self._fail, self._skip, self._correct, self._add, self._undo_one,
            self._halt, self._stop, self._hold_one, self._let_go, self._note,
        ]  # fmt: skip
        for _ in range(length):
            self._chance.choice(acts)()
            if self._chance.random() < 0.6:
                self._settle()
        self._roll_back()
        self._end()

    def _ask(self, intent: wanted.Intent) -> str:
        """Ask as the lead; the refusal, or nothing. What was refused is not in the record."""
        answered = ask_once(self._night.folder, intent, timeout=PATIENCE)
        name = type(intent).__name__
        self.counts["refused" if answered.refusal else name] += 1
        if answered.refusal and answered.events:
            self.faults.append(f"{name} was refused and recorded: {answered.events}")
        self._compare(answered.events)
        return answered.refusal

    @property
    def _session(self) -> Session:
        self._compare()
        return self._folding.session

    def _choose(self) -> str:
        plan = self._session.plan
        assert plan is not None
        return self._chance.choice(plan.forward)

    # -- acts ------------------------------------------------------------------------------------------------------

    def _mark(self, word: str, step: str, there: bool) -> None:
        path = Path(f"{self._ledger}.{word}-{step}")
        path.touch() if there else path.unlink(missing_ok=True)

    def _start(self) -> None:
        step = self._choose()
        self._mark("fails", step, self._chance.random() < 0.25)
        self._ask(wanted.StartStep(step=step, waivers={"start_guard": "for the walk"}))

    def _hold_one(self) -> None:
        step = self._choose()
        self._mark("holds", step, True)
        self._ask(wanted.StartStep(step=step, waivers={"start_guard": "for the walk"}))

    def _let_go(self) -> None:
        for path in self._ledger.parent.glob(f"{self._ledger.name}.holds-*"):
            path.unlink()

    def _finish(self) -> None:
        self._ask(wanted.FinishStep(step=self._choose(), by_hand=self._chance.random() < 0.4))

    def _fail(self) -> None:
        self._ask(wanted.FailStep(step=self._choose(), reason="for the walk"))

    def _skip(self) -> None:
        self._ask(wanted.SkipStep(step=self._choose(), reason="for the walk"))

    def _correct(self) -> None:
        state = self._chance.choice(["", "done", "failed"])
        effect = self._chance.choice([None, *EFFECTS])
        self._ask(wanted.CorrectStep(step=self._choose(), state=state, effect=effect, reason="for the walk"))  # type: ignore[arg-type]  # literals

    def _add(self) -> None:
        self._added += 1
        name, how = f"extra-{self._added}", self._chance.randrange(3)
        undo = Step(
            id=f"{name}-back", title="Undo it", kind="command", command=tuple(command(f"{name}-back", self._ledger))
        )
        step = Step(
            id=name, title=f"Do {name}", kind="command", owner=self._chance.choice(["lead", "dba"]), duration=2.0,
            command=tuple(command(name, self._ledger)), mutates=how != 1, undo=(undo,) if how == 0 else (),
            undo_none="It stays" if how == 2 else "", skippable=True,
        )  # fmt: skip
        done = time.time() - self._chance.uniform(0, 5) if self._chance.random() < 0.3 else 0.0
        self._ask(wanted.AddStep(step=step, already_done=done, reason="for the walk"))

    def _undo_one(self) -> None:
        """Halt or pause, and undo the latest step alone."""
        self._halt() if self._chance.random() < 0.5 else self._ask(wanted.Pause())
        self._calm()
        session = self._session
        items = preview(session).items
        if items and items[0].undoes:
            self._ask(wanted.UndoStep(step=items[0].undoes, halts=session.live_halts(), reason="for the walk"))
            self._run_items()

    def _halt(self) -> None:
        nonce = new_nonce()
        file_halt(self._night.folder, nonce, reason="a random halt")
        self._ask(wanted.Halt(nonce=nonce, reason="a random halt"))
        self.counts["halts"] += 1

    def _stop(self) -> None:
        for run in self._session.running():
            self._ask(wanted.StopCommand(step=run.id, reason="for the walk"))

    def _note(self) -> None:
        text = f"note {self.counts['AddNote']}"
        answered = ask_once(self._night.folder, wanted.AddNote(text=text), timeout=PATIENCE)
        self._notes[answered.events[0]] = text
        self.counts["AddNote"] += 1

    # -- what is asked and waited for ------------------------------------------------------------------------------

    def _declare(self, *, surely: bool = False) -> None:
        """Answer what is asked of what ran."""
        session = self._session
        for step in gone_questions(session):
            self._ask(wanted.DeclareGone(step=step, note="it is gone"))
        for step in [*manual_questions(session), *effect_questions(session)]:
            effect = self._chance.choice(EFFECTS[:3] if surely else EFFECTS)
            self._ask(wanted.DeclareEffect(step=step, effect=effect, note="for the walk", sure=True))  # type: ignore[arg-type]  # a literal

    def _calm(self) -> None:
        """Wait until nothing runs, and say what each changed."""
        self._let_go()

        def still() -> bool:
            session = self._session
            for run in session.running():
                plan = session.plan
                assert plan is not None
                if plan.steps[run.id].kind == "manual" and not run.question_at_halt:
                    self._ask(wanted.FailStep(step=run.id, reason="nobody does it"))
            self._declare(surely=True)
            return not any(run.state in LIVE for run in self._session.steps.values())

        wait_until(still, PATIENCE, "nothing to run")

    def _settle(self) -> None:
        """Let the forward plan go on."""
        session = self._session
        if session.state in {"halting", "halted"} or session.undoing:
            self._calm()
            self._run_items()
        session = self._session
        if session.live_halts():
            self._ask(wanted.GoOn(halts=session.live_halts(), reason="for the walk", accept="for the walk"))
        if self._session.paused:
            self._declare()
            self._ask(wanted.GoOn(accept="for the walk"))

    def _run_items(self) -> None:
        """Run the undo that is in force to its end."""
        until = time.monotonic() + PATIENCE
        while self._undo_goes_on():
            assert time.monotonic() < until, f"the undo does not end: {self._session.state}"
            time.sleep(0.01)

    def _undo_goes_on(self) -> bool:
        session = self._session
        if not session.undoing and session.phase != "rolling_back":
            return False
        for step in undo_questions(session):
            choice = self._chance.choice(["run", "run", "by_hand", "not_needed"])
            self._ask(wanted.DecideUndo(step=step, choice=choice, reason="for the walk"))  # type: ignore[arg-type]  # a literal
        if session.phase == "rolling_back" and session.paused:
            self._ask(wanted.GoOn())
        item = next_item(self._session)
        if item is None:
            return self._session.phase == "rolling_back" or bool(self._session.undoing)
        run, plan = self._session.steps[item.step], self._session.plan
        assert plan is not None
        if run.state in {"pending", "claimed", "failed", "interrupted", "unknown"}:
            self._ask(wanted.StartStep(step=item.step, again=True))
        elif run.state == "running" and plan.steps[item.step].kind == "manual":
            self._ask(wanted.FinishStep(step=item.step))
        return True

    # -- the end ---------------------------------------------------------------------------------------------------

    def _roll_back(self) -> None:
        self._halt()
        self._calm()
        session = self._session
        expected = self._expected()
        refusal = self._ask(wanted.RollBack(halts=session.live_halts(), typed="ROLLBACK", waiver="for the walk"))
        if refusal:
            self.faults.append(f"the rollback was refused: {refusal}")
            return
        frozen = self._session.rollback
        assert frozen is not None
        if expected is not None and forms(tuple(frozen.items), frozen.stays, frozen.left_out) != expected:
            self.faults.append(f"frozen: {frozen.items}\nexpected: {expected}")
        self._run_items()
        self.counts["undone"] += len(frozen.items)

    def _end(self) -> None:
        night = self._night
        events, lines = night.events(), read_ledger(self._ledger.read_text() if self._ledger.exists() else "")
        self.counts["events"] += len(events)
        self.counts["lines"] += len(lines)
        self.faults += faults(lines, events, self._notes, halt_names(night.folder))
        self.faults += _undone_as_listed(events)
        record = str(night.scratch / f"record-{night.folder.name}")
        for words in (("export", night.folder.name, "-o", record), ("verify", record)):
            said = night.verb(*words)
            if said.returncode not in {0, 10, 11}:
                self.faults.append(f"{words[0]}: {said.returncode} {said.stdout}{said.stderr}")
        for log in night.folder.glob("*.log"):
            if "Traceback" in log.read_text(errors="replace"):
                self.faults.append(f"a traceback in {log.name}")
        night.kill_station()

    # -- the second model ------------------------------------------------------------------------------------------

    def _compare(self, awaited: tuple[str, ...] | list[str] = ()) -> None:
        """Take every new event into session and model, and hold their lists against each other after each."""
        events = self._night.events()
        for event in events[self._read :]:
            self._folding.add(event)
            self._tell(event)
            session, expected = self._folding.session, self._expected()
            if expected is None or session.rollback is not None or session.undoing:
                continue
            self.counts["compared"] += 1
            now = preview(session)
            if forms(now.items, now.stays, now.left_out) != expected:
                self.faults.append(f"after {event.id} {event.kind}: {now}\nexpected: {expected}")
        self._read = len(events)
        lost = set(awaited) - {event.id for event in events}
        if lost:
            self.faults.append(f"acknowledged and not there: {lost}")

    def _expected(self) -> RollbackList | None:
        return self._model.rollback_list() if self._model is not None else None

    def _tell(self, event: Event) -> None:
        """Put an event into the words of the model."""
        self._put(event)
        if event.kind in {"step.started", "step.reported"}:
            self._begun.add(event.step)
        elif event.kind == "undo.finished" or getattr(payload(event), "not_begun", False):
            self._begun.discard(event.step)

    def _put(self, event: Event) -> None:
        what, plan = payload(event), self._folding.session.plan
        if isinstance(what, e.PlanRevised) and plan is not None:
            verify = [_undo(plan.steps[i]) for i in plan.verify]
            self._model = RollbackModel([_planned(plan.steps[i]) for i in plan.forward], verify)
        if self._model is None or plan is None or (event.step and event.step not in plan.forward):
            return
        match what:
            case e.StepGranted():
                self._model.granted(event.step, event.t.wall)
            case e.StepStarted():
                self._model.started(event.step, event.t.wall)
            case e.StepReported(by_hand=True) if event.step not in self._begun:
                self._model.started(event.step, event.t.wall)
            case e.StepDone() | e.StepFailed() | e.StepInterrupted() | e.StepUnknown():
                self._model.ended(event.step, _end_of(what), event.t.wall)
            case e.StepSkipped():
                self._model.skipped(event.step)
            case e.EffectDeclared(effect=effect, not_begun=not_begun):
                self._model.declared(event.step, effect, not_begun=not_begun)
            case e.StepCorrected(state=state, effect=effect):
                self._model.corrected(event.step, state, effect or "")
            case e.StepAdded(added=added, already_done=at):
                self._model.added(_planned(added), at or None)
            case e.UndoFinished():
                self._model.undone(event.step)
            case _:
                pass


def _end_of(what: e.Payload) -> str:
    by_hand = isinstance(what, e.StepDone) and what.by_hand
    return "done_manually" if by_hand else what.kind.removeprefix("step.")


def _undo(step: Step) -> Undo:
    return Undo(step.id, step.owner or None, step.duration)


def _planned(step: Step) -> Planned:
    return Planned(step.id, step.owner, step.mutates, tuple(_undo(undo) for undo in step.undo), bool(step.undo_none))


def _undone_as_listed(events: list[Event]) -> list[str]:
    """The undo steps ran in the order of the frozen list."""
    place: dict[str, int] = {}
    started: list[str] = []
    for event in events:
        what = payload(event)
        if isinstance(what, e.RollbackCommitted):
            place = {item.step: number for number, item in enumerate(what.items)}
        elif isinstance(what, e.StepStarted) and place:
            started.append(event.step)
    order = [place.get(step, -1) for step in started]
    return [] if order == sorted(order) else [f"undone in another order than listed: {started}"]
