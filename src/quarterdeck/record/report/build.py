"""From a session's events to everything that a report shows.

Must never raise over what it does not know: a newer kind, a missing file, a damaged chain become rows of the report.
"""

from __future__ import annotations

from quarterdeck.logbook.read_only import SessionCopy
from quarterdeck.record.report import outputs as writing
from quarterdeck.record.report import people
from quarterdeck.record.report.deviations import deviation_rows, follow_ups, gap_rows
from quarterdeck.record.report.health import health
from quarterdeck.record.report.model import Material, PlanPart, RiskRow, Span
from quarterdeck.record.report.steps import rollback_part, step_rows
from quarterdeck.record.report.stops import marks, stops
from quarterdeck.record.report.story import Story, tell
from quarterdeck.record.report.summary import headline, summarise
from quarterdeck.session import events as happened
from quarterdeck.session.forecast import worked
from quarterdeck.session.parts import Verdict

__all__ = ["gather"]


def gather(copy: SessionCopy, sha256: str, missing: frozenset[str], now: float) -> Material:
    """Make the report's material.

    `sha256`: of the lines; `missing`: hashes of files that are gone or changed; `now`: epoch seconds.
    """
    story = tell(copy, now)
    session = story.session
    steps = step_rows(story)
    observed, unseen = health(story, steps)
    all_stops = stops(story)
    deviations = deviation_rows(story)
    word, tone = headline(story)
    window = session.window
    last = {told.event.replica: told.event for told in story.told}
    return Material(
        session=copy.id,
        title=session.title or copy.id,
        purpose=session.purpose,
        change=session.plan.procedure.change if session.plan is not None else "",
        outcome=session.state,
        headline=word,
        tone=tone,
        summary=summarise(story, steps, deviations, all_stops),
        live=not session.is_over,
        exported=now,
        jsonl_sha256=sha256,
        heads={replica: (copy.chains[replica].aseq, copy.chains[replica].hash) for replica in sorted(copy.chains)},
        reviewed=any(event.kind == "session.closed" for event in last.values()),
        offset=_offset(story),
        lead=session.lead,
        window=Span(window.start, window.end) if window is not None else Span(),
        reserve=window.reserve if window is not None else 0.0,
        assumed_window=window is not None and window.assumed,
        span=Span(session.started, story.now if session.started is not None else None),
        worked=worked(session, story.now),
        deviations=deviations,
        plan=_plan(story),
        steps=steps,
        marks=marks(story, all_stops),
        stops=all_stops,
        rollback=rollback_part(story, steps),
        polls=people.poll_rows(story),
        sign_offs=people.sign_off_rows(story),
        verdicts=_verdicts(story),
        facts=dict(session.facts),
        health=observed,
        outputs=writing.outputs(story, missing),
        evidence=writing.evidence(story, missing),
        notes=people.notes(story),
        people=people.people(story),
        risks=_risks(story),
        checklist=people.check_rows(story),
        follow_ups=follow_ups(story),
        gaps=gap_rows(story, unseen),
        log=people.lines(story),
    )


def _offset(story: Story) -> int:
    """Minutes east of UTC at Start, else at the last event."""
    anchor = story.session.anchor
    if anchor is not None:
        return anchor.off
    return story.told[-1].event.t.off if story.told else 0


def _plan(story: Story) -> PlanPart | None:
    session = story.session
    revisions = [told for told in story.told if isinstance(told.what, happened.PlanRevised)]
    if session.plan is None or not revisions:
        return None
    last = revisions[-1].what
    assert isinstance(last, happened.PlanRevised)
    procedure = session.plan.procedure
    values = {**procedure.values, **session.params}
    return PlanPart(
        procedure=procedure.id,
        revision=procedure.revision,
        hash=last.hash,
        path=last.path,
        params=values,
        revisions=tuple(
            (told.at, told.event.actor.login, told.what.hash)
            for told in revisions
            if isinstance(told.what, happened.PlanRevised)
        ),
        text=session.text,
    )


def _verdicts(story: Story) -> tuple[Verdict, ...]:
    """As they were judged at the end; before it nothing is judged."""
    session = story.session
    if session.verdicts or session.plan is None:
        return session.verdicts
    criteria = session.plan.procedure.criteria
    return tuple(Verdict(each.id, each.title, "INCONCLUSIVE", "not judged: it did not end") for each in criteria)


def _risks(story: Story) -> tuple[RiskRow, ...]:
    plan = story.session.plan
    risks = plan.procedure.risks if plan is not None else ()
    return tuple(RiskRow(r.risk, r.likelihood, r.impact, r.mitigation, r.contingency) for r in risks)
