"""What went another way than the plan, what is left to do, and where the record has holes.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.procedure.far_side import REMOTE_UNKNOWN, remote_unknown
from quarterdeck.record.report.model import DeviationRow, GapRow
from quarterdeck.record.report.story import Story, Told
from quarterdeck.session import events as happened
from quarterdeck.session.events import Unknown
from quarterdeck.session.leftovers import left_words

__all__ = ["deviation_rows", "follow_ups", "gap_rows"]


def deviation_rows(story: Story) -> tuple[DeviationRow, ...]:
    """Exceptions first, each group in order of time."""
    rows = [
        DeviationRow(each.weight, each.what, story.title(each.step) if each.step else "", each.who, each.at, each.why)
        for each in story.session.deviations
    ]
    return tuple(sorted(rows, key=lambda row: (row.weight != "exception", row.at)))


def gap_rows(story: Story, unseen: Iterable[GapRow]) -> tuple[GapRow, ...]:
    """Damage, crashes, lost recorders, clock steps, and the times in which nothing was observed."""
    rows = [GapRow(None, "the session's files", problem.text, "bad") for problem in story.copy.problems]
    for told in story.told:
        row = _gap(story, told)
        if row is not None:
            rows.append(row)
    return (*rows, *unseen)


def _gap(story: Story, told: Told) -> GapRow | None:
    text = story.line(told)
    match told.what:
        case happened.StationRestarted():
            return GapRow(told.at, "station", text, "warn")
        case happened.RecorderChanged(state=state):
            return GapRow(told.at, "recorder", text, "good" if state == "ok" else "bad")
        case happened.ClockStepped():
            return GapRow(told.at, "clock", text, "warn")
        case happened.ReplicaBurned():
            return GapRow(told.at, "copy", text, "warn")
        case happened.FactNoted(level=level) if level != "info":
            return GapRow(told.at, "said by the program", text, "bad" if level == "alarm" else "warn")
        case Unknown():
            return GapRow(told.at, "newer version", text, "warn")
    return None


def follow_ups(story: Story) -> tuple[str, ...]:
    """What is left to do after the session, as far as the events tell."""
    session, plan = story.session, story.session.plan
    found = [f"Handed over: {session.handover}"] if session.handover else []
    if plan is None:
        return tuple(found)
    for identity, run in session.steps.items():
        if identity not in plan.steps:
            continue
        name = story.title(identity)
        if run.sign_off == "awaiting":
            found.append(f"{name} is not signed off")
        if run.undo_later:
            found.append(f"How to undo {name} is not decided")
        if run.unproven or run.survivors:
            open_there = f": {REMOTE_UNKNOWN}" if remote_unknown(plan.steps[identity]) else ""
            left = f": {', '.join(run.survivors)}" if run.survivors else open_there
            found.append(f"The command of {name} is not proven gone{left}")
        found += [
            f"{name} left running: {'; '.join(each.left)} ({left_words(each)})"
            for each in run.runs
            if each.left and (each.left_open or not each.left_ended)
        ]
        if run.effect in {"unknown", "partial"} and not run.undone:
            found.append(f"What {name} changed is {run.effect}")
        if run.state in {"failed", "unknown"}:
            found.append(f"{name} is {run.state}{f': {run.reason}' if run.reason else ''}")
    found += [
        f"Criterion “{each.title}” ended {each.verdict}: {each.evidence}"
        for each in session.verdicts
        if each.verdict != "PASS"
    ]
    if session.rollback is not None:
        for item in session.rollback.items:
            undo = session.steps.get(item.step)
            if undo is not None and undo.state == "skipped" and item.undoes:
                found.append(f"{story.title(item.undoes)} was not taken back: {story.title(item.step)} was skipped")
        found += [f"{story.title(i)} stays as it was left: {plan.steps[i].undo_none}" for i in session.rollback.stays]
    return tuple(found)
