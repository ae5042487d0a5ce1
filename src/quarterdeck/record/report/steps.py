"""Approved against executed: a row for each step, with planned, forecast and actual times.

Pure. The forecast of a step is the one that stood when the step before it in time started: what people went by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quarterdeck.procedure.model import Step
from quarterdeck.record.report.deviations import deviation_rows
from quarterdeck.record.report.model import Attempt, RollbackPart, RollbackRow, Span, StepRow, Tone
from quarterdeck.record.report.story import Story, Told
from quarterdeck.session import events as happened
from quarterdeck.session.fold import Folding
from quarterdeck.session.forecast import Forecast
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.plan import Plan
from quarterdeck.session.state import FINISHED, Session, StepRun

__all__ = ["forecasts", "rollback_part", "step_rows"]


def step_rows(story: Story) -> tuple[StepRow, ...]:
    """All steps that were planned or worked, in the procedure's order, the rollback's behind the forward plan."""
    plan = story.session.plan
    if plan is None:
        return ()
    planned, looked = forecasts(story.told)
    return tuple(
        _row(story, plan, identity, number, planned.get(identity, Span()), looked.get(identity, Span()))
        for identity, number in _order(story, plan)
    )


def _order(story: Story, plan: Plan) -> Iterator[tuple[str, str]]:
    """Each step's id and the number that people call it by."""
    for number, identity in enumerate(plan.preconditions, 1):
        yield identity, f"P{number}"
    for identity in plan.forward:
        place = plan.places[identity]
        yield identity, f"+{place.number}" if place.added else str(place.number)
    session = story.session
    items = list(session.rollback.items) if session.rollback is not None else []
    known = {item.step for item in items}
    for told in story.told:
        if isinstance(told.what, happened.UndoOpened):
            items += [item for item in told.what.items if item.step not in known]
            known |= {item.step for item in told.what.items}
    for number, item in enumerate(items, 1):
        if item.step in plan.steps:
            yield item.step, f"R{number}"
    if session.contingency_started:
        for number, identity in enumerate(plan.contingency, 1):
            yield identity, f"C{number}"
    for number, identity in enumerate(plan.closing, 1):
        yield identity, f"E{number}"


def _row(story: Story, plan: Plan, identity: str, number: str, planned: Span, expected: Span) -> StepRow:
    step, place, run = plan.steps[identity], plan.places[identity], story.session.steps[identity]
    attempts = tuple(
        Attempt(each.attempt, each.by, Span(each.started, _ended(story, run, index)), each.outcome, each.exit_code)
        for index, each in enumerate(run.runs)
    )
    word, tone = _word(story.session, step, run, forward=place.part == "stages")
    start = attempts[0].span.start if attempts else run.started
    return StepRow(
        id=identity,
        number=number,
        title=step.title,
        part=place.part,
        stage=place.stage,
        owner=step.owner,
        kind=step.kind,
        planned_seconds=step.duration,
        planned=planned,
        forecast=expected,
        actual=Span(start, run.ended if run.ended is not None else (attempts[-1].span.end if attempts else None)),
        attempts=attempts,
        by=run.performer or (run.runs[-1].by if run.runs else ""),
        state=run.state,
        word=word,
        tone=tone,
        effect=run.effect,
        note=run.reason,
        values=dict(run.values),
        proofs=run.proofs,
        added=place.added,
        undoes=plan.steps[place.undoes].title if place.undoes in plan.steps else "",
        no_return=step.point_of_no_return,
    )


def _ended(story: Story, run: StepRun, index: int) -> float | None:
    """When an attempt ended: its command's end for all but the last, whose step may be verified after it."""
    attempt = run.runs[index]
    if index + 1 < len(run.runs):
        return attempt.ended if attempt.ended is not None else run.runs[index + 1].started
    if run.ended is not None:
        return run.ended
    return attempt.ended if not attempt.lived else story.now


def _word(session: Session, step: Step, run: StepRun, *, forward: bool) -> tuple[str, Tone]:
    """What became of the step, for a person."""
    words: dict[str, tuple[str, Tone]] = {
        "pending": ("not run", "calm"),
        "claimed": ("claimed, not begun", "calm"),
        "granted": ("starting", "live"),
        "running": ("running", "live"),
        "verifying": ("verifying", "live"),
        "done": ("done", "good"),
        "done_manually": ("done by hand", "good" if step.kind == "manual" else "warn"),
        "skipped": ("skipped", "warn"),
        "failed": ("failed", "bad"),
        "interrupted": ("interrupted", "warn"),
        "unknown": ("unknown", "bad"),
    }
    word, tone = words[run.state]
    if session.is_over and tone == "live":
        word, tone = f"{word} when it ended", "warn"
    if run.state == "pending" and run.was:
        word, tone = words[run.was]
    elif run.state == "pending" and run.runs:
        word = "undone" if run.undone or run.undone_alone else "not begun" if run.declared else "not finished"
    elif run.effect != "none" and any(
        "skipped" in {u.state, u.was} for u in (session.steps[s.id] for s in step.undo)
    ):
        word, tone = f"{word}, undo skipped", "bad"
    elif run.undone:
        word = f"{word}, undone"
    elif session.rollback is not None and forward and not step.mutates and run.state in FINISHED:
        word += ", changes nothing"
    if any(each.step == run.id and each.what == "accepted unverified" for each in session.deviations):
        word, tone = f"{word}, accepted unverified", "warn"
    if run.sign_off == "awaiting":
        word, tone = f"{word}, not signed", "warn"
    return word, tone


def forecasts(events: Sequence[Told]) -> tuple[dict[str, Span], dict[str, Span]]:
    """Planned and forecast spans of each step.

    Forward: planned at Start. Rollback: one after the other from its commit, as the frozen list says.
    """
    planned: dict[str, Span] = {}
    found: dict[str, Span] = {}
    asked = _last_forecasts(events)
    folding = Folding()
    for number, told in enumerate(events):
        if number in asked:
            now = Forecast(folding.session, told.at)
            found |= {step: Span(now[step].start, now[step].end) for step in asked[number] if step in now}
        folding.add(told.event)
        if isinstance(told.what, happened.SessionStarted):
            at_start = Forecast(folding.session, told.at)
            planned |= {identity: Span(at.planned_start, at.planned_end) for identity, at in at_start.items()}
        if isinstance(told.what, happened.RollbackCommitted):
            planned |= _serial(told.what.items, told.at)
            plan = folding.session.plan
            closing = plan.closing if plan is not None else ()
            for identity in closing:  # they come after the rollback now, whenever that is
                found.pop(identity, None)
    return planned, found


def _last_forecasts(events: Sequence[Told]) -> dict[int, list[str]]:
    """Number of an event that starts a step in the forward plan, to the steps whose last forecast stood then.

    For a step that ran it is its own start; for one that was done otherwise, or never, the last start before that.
    """
    stood: dict[str, int] = {}
    latest = -1
    folding = Folding()
    for number, told in enumerate(events):
        before = folding.session
        starts = isinstance(told.what, happened.StepStarted) and before.started is not None
        if starts and before.rollback is None and before.phase != "contingency":
            latest = stood[told.event.step] = number
        folding.add(told.event)
        step = told.what.added.id if isinstance(told.what, happened.StepAdded) else told.event.step
        run = folding.session.steps.get(step)
        if run is not None and run.sequence:
            stood.setdefault(step, latest)
    asked: dict[int, list[str]] = {}
    for step in folding.session.steps:
        asked.setdefault(stood.get(step, latest), []).append(step)
    return asked


def _serial(items: tuple[UndoItem, ...], at: float) -> dict[str, Span]:
    spans = {}
    for item in items:
        spans[item.step] = Span(at, at + item.duration)
        at += item.duration
    return spans


def rollback_part(story: Story, rows: tuple[StepRow, ...]) -> RollbackPart | None:
    """The committed rollback; None where there was none."""
    session = story.session
    back, plan = session.rollback, session.plan
    if back is None or plan is None:
        return None
    by_id = {row.id: row for row in rows}
    effects = _effects_at_commit(story)
    listed = [
        _rollback_row(number, item, plan, by_id, effects)
        for number, item in enumerate(back.items, 1)
        if item.step in by_id
    ]
    ends = [row.actual.end for row in listed if row.actual.end is not None]
    exceptions = [row for row in deviation_rows(story) if row.weight == "exception" and row.at >= back.at]
    return RollbackPart(
        at=back.at,
        by=back.by,
        letters=back.letters,
        waiver=back.waiver,
        planned_seconds=sum(item.duration for item in back.items),
        span=Span(back.at, max(ends, default=None)),
        rows=tuple(listed),
        stays=tuple((story.title(i), plan.steps[i].undo_none if i in plan.steps else "") for i in back.stays),
        left_out=tuple((story.title(i), why) for i, why in back.left_out.items()),
        exceptions=tuple(exceptions),
    )


def _effects_at_commit(story: Story) -> dict[str, str]:
    folding = Folding()
    for told in story.told:
        folding.add(told.event)
        if isinstance(told.what, happened.RollbackCommitted):
            return {identity: run.effect for identity, run in folding.session.steps.items()}
    return {}


def _rollback_row(
    number: int, item: UndoItem, plan: Plan, rows: dict[str, StepRow], effects: dict[str, str]
) -> RollbackRow:
    row = rows[item.step]
    return RollbackRow(
        number=number,
        title=row.title,
        undoes=plan.steps[item.undoes].title if item.undoes in plan.steps else "",
        owner=item.owner,
        effect=effects.get(item.undoes, "") if item.undoes else "",
        planned_seconds=item.duration,
        actual=row.actual,
        by=row.by,
        word=row.word,
        tone=row.tone,
        note=row.note,
    )
