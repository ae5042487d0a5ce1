"""The index against the plain walk over all steps, after every event; and against an index made anew."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule
from sessionbook import LEAD, START, Book, compiled
from test_rules import WATCHED
from test_rules_as_properties import Night

from quarterdeck.procedure.model import Step
from quarterdeck.session import availability
from quarterdeck.session import events as happened
from quarterdeck.session.availability import Startable, view
from quarterdeck.session.event import Actor
from quarterdeck.session.events import Draft
from quarterdeck.session.forecast import DECIDE, PEOPLE, Forecast, last_end, need_after, rest, rollback_seconds
from quarterdeck.session.index import Index
from quarterdeck.session.leftovers import open_left, unasked_left
from quarterdeck.session.parts import Effect, UndoItem
from quarterdeck.session.path import Path
from quarterdeck.session.rollback import due_items, listed, next_item, preview, undecided
from quarterdeck.session.rules.automatic import due
from quarterdeck.session.rules.start import StartStep
from quarterdeck.session.rules.time import overdue
from quarterdeck.session.state import ENDED_BADLY, FINISHED, LIVE, Session, StepRun

LIST = {"planned": "preconditions", "running": "forward", "contingency": "contingency", "validating": "closing"}


# -- the plain walk


def in_force(session: Session) -> list[str]:
    assert session.plan is not None
    if session.undoing or session.phase == "rolling_back":
        return [item.step for item in (session.undo_items if session.undoing else due_items(session))]
    return list(getattr(session.plan, LIST.get(session.phase, ""), ()))


def those(session: Session, **wanted: Any) -> list[str]:
    return [run.id for run in session.steps.values() if all(getattr(run, k) == v for k, v in wanted.items())]


def by_start(runs: list[StepRun]) -> list[str]:
    return [run.id for run in sorted(runs, key=lambda run: run.sequence)]


def startable(session: Session, now: float) -> list[str]:
    return [step for step in in_force(session) if view(session, step, now).state == "available"]


def current(session: Session, now: float) -> str:
    steps = in_force(session)
    live = [run.id for run in session.running() if run.id in steps]
    stuck = [i for i in steps if session.steps[i].state in ENDED_BADLY | {"verifying"}]
    return next(iter([*live, *stuck, *startable(session, now)]), "")


def changed(session: Session) -> list[StepRun]:
    assert session.plan is not None
    runs = [session.steps[i] for i in session.plan.forward]
    there = [run for run in runs if run.effect != "none" and not run.undone]
    return sorted(there, key=lambda run: (run.started or 0.0, run.sequence), reverse=True)


def seconds_back(session: Session, also: str = "") -> float:
    plan = session.plan
    assert plan is not None
    if session.rollback is not None:
        left = [plan.steps[i.step] for i in session.rollback.items if session.steps[i.step].state not in FINISHED]
        return sum(step.duration for step in left) + PEOPLE * len(left)
    runs = changed(session)
    steps: list[Step] = [undo for run in runs for undo in plan.steps[run.id].undo]
    if also and session.steps[also] not in runs and plan.steps[also].mutates:
        steps += plan.steps[also].undo
    checks = [plan.steps[i] for i in plan.verify] if steps or runs else []
    people = DECIDE + PEOPLE * sum(1 for step in steps if not step.auto_start)
    return sum(step.duration for step in [*steps, *checks]) + people


def forecast(session: Session, now: float) -> dict[str, tuple[float, float, float, float]]:
    plan = session.plan
    assert plan is not None
    base = session.started if session.started is not None else now
    ends: dict[str, float] = {}
    planned_ends: dict[str, float] = {}
    result: dict[str, tuple[float, float, float, float]] = {}
    forward_end = planned_forward_end = 0.0
    for part in (plan.forward, plan.closing):
        for identity in _sorted(session, part):
            step, run = plan.steps[identity], session.steps[identity]
            floor = base if part is plan.forward else max(base, planned_forward_end)
            planned = max([floor, *(planned_ends[i] for i in step.after if i in planned_ends)])
            floor = now if part is plan.forward else max(now, forward_end)
            start = max([floor, *(ends[i] for i in step.after if i in ends)])
            end = start + step.duration
            if run.state in FINISHED and run.ended is not None:
                start, end = run.started if run.started is not None else run.ended, run.ended
            elif run.state in LIVE and run.started is not None:
                start, end = run.started, now + rest(session, identity, now)
            ends[identity], planned_ends[identity] = end, planned + step.duration
            result[identity] = (start, end, planned, planned + step.duration)
        forward_end = max([forward_end, *(ends[i] for i in part)])
        planned_forward_end = max([planned_forward_end, *(planned_ends[i] for i in part)])
    return result


def _sorted(session: Session, part: tuple[str, ...]) -> list[str]:
    assert session.plan is not None
    left, done = list(part), list[str]()
    while left:
        ready = [i for i in left if not set(session.plan.steps[i].after) & (set(left) - set(done))]
        done.append(ready[0])
        left.remove(ready[0])
    return done


def starts(session: Session, now: float) -> list[str]:
    """What would start by itself, in the list in force."""
    assert session.plan is not None
    found = []
    for step in in_force(session):
        run, by_itself = session.steps[step], session.plan.steps[step].auto_start
        again = run.state == "failed" and 0 < run.retry_at <= now
        if again or (by_itself and view(session, step, now).state == "available"):
            found.append(step)
    return found


def through(session: Session) -> bool:
    assert session.plan is not None
    signs = session.phase != "rolling_back" and not session.undoing
    runs = [session.steps[i] for i in in_force(session)]
    return all(run.state in FINISHED and not (signs and run.sign_off == "awaiting") for run in runs)


# -- held against it


NOT_OF_IT = {"_touched", "_known", "_looks", "_log", "looks", "preview"}


def held(index: Index) -> dict[str, Any]:
    """All that it keeps, but for what is worked out of it."""
    kept = {name: value for name, value in vars(index).items() if name not in NOT_OF_IT}
    kept["paths"] = {name: vars(path) for name, path in index.paths.items() if isinstance(path, Path)}
    return kept


def check(session: Session, now: float) -> None:
    """The index says what a walk over all steps says."""
    if session.plan is None:
        return
    plan, runs, index = session.plan, list(session.steps.values()), session.index
    anew = Index().fresh(plan, session.steps, session.polls, session.rollback.items if session.rollback else ())
    for name, kept in held(anew).items():
        assert held(index)[name] == kept, name

    assert list(availability.in_force(session)) == in_force(session)
    assert [i for i in plan.steps if availability.is_in_force(session, i)] == [
        i for i in plan.steps if i in in_force(session)
    ]
    assert [run.id for run in session.running()] == by_start([run for run in runs if session.is_live(run)])
    working = [run for run in runs if run.state in LIVE]
    assert availability.live(session) == [i for i in by_start(working) if plan.steps[i].kind != "poll"]
    assert session.open_polls() == [poll for poll in session.polls.values() if not poll.result]
    assert availability.again(session) == [i for i in in_force(session) if session.steps[i].state in ENDED_BADLY]
    assert availability.current(session, now) == current(session, now)
    assert list(Startable(session, now)) == startable(session, now)
    assert [i for i in plan.steps if i in Startable(session, now)] == [
        i for i in plan.steps if view(session, i, now).state == "available"
    ]

    assert availability.manual_questions(session) == those(session, question_at_halt=True)
    assert availability.gone_questions(session) == those(session, unproven=True)
    over = ENDED_BADLY | {"skipped"} | ({"verifying"} if session.live_halts() else set())
    asked = those(session, effect="unknown", declared=False, question_at_halt=False)
    assert availability.effect_questions(session) == [i for i in asked if session.steps[i].state in over]
    left = [(run, each) for run in runs for each in run.runs]
    assert open_left(session) == [(r, each) for r, each in left if each.left_open and not each.left_answer]
    assert unasked_left(session) == [
        (r, each)
        for r, each in left
        if session.live_halts() and each.left and not each.left_open and not each.left_answer
    ]

    assert listed(session) == changed(session)
    assert undecided(session) == [r for r in changed(session) if r.effect == "unknown" and not r.declared]
    known, index.preview = preview(session), None
    assert preview(session) == known
    assert rollback_seconds(session) == pytest.approx(seconds_back(session))
    for step in plan.forward:
        assert need_after(session, step) == pytest.approx(seconds_back(session, step))
    unfinished = (item for item in due_items(session) if session.steps[item.step].state not in FINISHED)
    assert next_item(session) == next(unfinished, None)

    read = {i for i in plan.forward if plan.steps[i].verify and session.steps[i].state in {"done", "done_manually"}}
    assert set(index.verified) == {i for i in read if session.steps[i].ended}
    assert list(index.skipped) == [i for i in index.places if session.steps[i].state == "skipped"]

    walked = forecast(session, now)
    shown = {
        step: (at.start, at.end, at.planned_start, at.planned_end) for step, at in Forecast(session, now).items()
    }
    assert shown == {step: pytest.approx(at, abs=1e-4, rel=0) for step, at in walked.items()}
    assert last_end(session, now) == pytest.approx(max(at[1] for at in walked.values()), abs=1e-4, rel=0)

    if not (session.is_over or session.live_halts() or session.paused or session.phase == "rolling_back"):
        wanted = [intent.step for intent in due(session, now) if isinstance(intent, StartStep)]
        assert wanted == starts(session, now)
    if not session.paused and not session.live_halts() and not session.running() and not session.undoing:
        closes = [draft for draft in overdue(session, now) if isinstance(draft.data, happened.ClosingBegun)]
        works = session.phase in {"running", "rolling_back", "contingency"}
        assert not closes or (works and through(session))


class HeldBook(Book):
    """A book that holds the index against the walk after each event, or after some at once."""

    every = 1

    def put(self, drafts: list[Draft], by: Actor = LEAD) -> None:
        for draft in drafts:
            super().put([draft], by)
            if len(self.events) % self.every == 0:
                check(self.session, self.now)


class Looked(Night):
    """A night of the rule book's, looked at after every event."""

    def __init__(self) -> None:
        super().__init__()
        self.book = HeldBook(WATCHED)

    @rule(every=st.sampled_from([1, 3]))
    def look_less_often(self, every: int) -> None:
        self.book.every = every  # type: ignore[attr-defined]  # of the book that it has


TestLooked = Looked.TestCase
TestLooked.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# -- events that nobody decided: whatever a logbook may hold

GRAPH = """
quarterdeck: 1
id: graph
title: A graph
revision: 1
roles: {lead: {title: Lead}}
preconditions: [{id: ready, title: Ready, kind: poll, question: "Ready?", roles: [lead], duration: 1m}]
stages:
  - id: one
    title: One
    owner: lead
    steps:
"""
STEPS = [*(f"s{number}" for number in range(7)), "ready", "s1-undo", "s4-undo", "back", "other", "close", "sign"]
EFFECTS: tuple[Effect, ...] = ("none", "partial", "full", "unknown")
KINDS = st.sampled_from([
    happened.StepClaimed(), happened.StepGranted(), happened.StepStarted(run="?"), happened.StepReported(),
    happened.StepDone(), happened.StepDone(by_hand=True), happened.StepFailed(),
    happened.StepFailed(retry_at=START + 9), happened.StepSkipped(reason="so"), happened.StepSigned(role="lead"),
    happened.StepUnknown(),
    happened.StepInterrupted(unproven=True), happened.DeclaredGone(), happened.UndoDecided(choice="by_hand"),
    happened.UndoDecided(choice="run"), happened.StepEstimated(rest=500.0), happened.PollOpened(),
    happened.PollClosed(result="no_go"), happened.StepCorrected(state="done"),
    happened.ValueRecorded(name="n", value="1"), happened.LeftRunning(run="?", processes=("1 root sleep",)),
    happened.LeftAnswered(run="?", choice="leave"),
    happened.CommandEnded(run="?", left_behind=("1 root sleep",)), happened.NoteAdded(text="n"),
    *(happened.EffectDeclared(effect=effect) for effect in EFFECTS),
    *(happened.StepCorrected(effect=effect) for effect in EFFECTS),
])  # fmt: skip
UNDONE = ("s1", "s4")
BESIDE = st.sampled_from([
    happened.UndoDecided(choice="not_needed"), happened.UndoOpened(), happened.UndoFinished(),
    happened.RollbackCommitted(items=(UndoItem("s4-undo", "s4"), UndoItem("s1-undo", "s1"), UndoItem("back"))),
    happened.SessionStarted(start=START, end=START + 7200, reserve=600.0, warn=900.0), happened.ClosingBegun(),
    *(happened.HaltCalled(nonce=nonce) for nonce in "abcdef"), happened.SessionWentOn(answers=tuple("abcdef")),
    happened.SessionPaused(),
    happened.SessionResumed(), happened.ContingencyStarted(), happened.SessionAbandoned(reason="so", handover="so"),
])  # fmt: skip


def graph(edges: list[list[int]], *, auto: bool) -> str:
    """Seven steps; each names some of the earlier ones in `after`. Two have an undo."""
    text = GRAPH
    for number, before in enumerate(edges):
        after = ", ".join(f"s{one}" for one in before)
        undo = f", undo: [{{id: s{number}-undo, title: Undo, duration: 2m}}]" if number in {1, 4} else ""
        undo = undo or ", undo: {none: nothing to do}"
        more = ", auto_start: true, kind: note" if auto and number == 5 else f", duration: {number + 1}m{undo}"
        text += f"      - {{id: s{number}, title: Step {number}, after: [{after}]{more}}}\n"
    text += "rollback: {verify: [{id: back, title: Back, duration: 1m, mutates: false}]}\n"
    text += "contingency: [{id: other, title: Other, duration: 3m, undo: {none: no}}]\n"
    text += "closing: [{id: close, title: Close, duration: 4m, undo: {none: no}}, "
    return text + "{id: sign, title: Sign, duration: 1m, sign_off: {role: lead}, undo: {none: no}}]\n"


EDGES = st.tuples(*(st.lists(st.integers(0, n - 1), min_size=1, max_size=3, unique=True) for n in range(1, 7)))


@settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    edges=EDGES,
    auto=st.booleans(),
    every=st.sampled_from([1, 2]),
    happens=st.lists(st.tuples(st.one_of(KINDS, KINDS, BESIDE), st.sampled_from(STEPS)), min_size=30, max_size=60),
)
def test_whatever_a_logbook_holds_the_index_says_what_a_walk_says(
    edges: tuple[list[int], ...], auto: bool, every: int, happens: list[tuple[happened.Payload, str]]
) -> None:
    book = HeldBook(graph([[], *edges], auto=auto), automatic=False)
    book.every = every
    for what, step in happens:
        book.now += 20.0
        about = step if isinstance(what, happened.StepPayload | happened.NoteAdded) else ""
        if isinstance(what, happened.UndoDecided | happened.UndoOpened | happened.UndoFinished):
            about = UNDONE[len(about) % 2]
        if isinstance(what, happened.UndoOpened):
            what = happened.UndoOpened(items=(UndoItem(f"{about}-undo", about, duration=120.0),))  # noqa: PLW2901
        of_a_run = {"run": f"run-{step}"} if hasattr(what, "run") else {}
        book.put([Draft(msgspec.structs.replace(what, **of_a_run), about, 1)])


def test_added_steps_and_a_committed_rollback_are_in_the_index_at_once() -> None:
    book = HeldBook(graph([[], [0], [1], [2], [3], [4], [5]], auto=False))
    book.run("ready")
    book.begin()
    step = msgspec.structs.replace(compiled(book.session.text).stages[0].steps[0], id="extra", title="Extra")
    book.put([Draft(happened.StepAdded(added=step, after="s2"))])
    for name in ("s0", "s1"):
        book.run(name)
    book.halt(reason="so")
    book.roll_back()
    assert [item.step for item in due_items(book.session)] == ["s1-undo", "back"]
