"""Who said and did what: polls, sign-offs, people, checklist, notes, and every event in one line.

Pure.
"""

from __future__ import annotations

from quarterdeck.record.report.model import CheckRow, Line, Person, PollRow, SignOffRow, Tone
from quarterdeck.record.report.story import Story, Told
from quarterdeck.session import events as happened
from quarterdeck.session.told import Terminals

__all__ = ["check_rows", "lines", "notes", "people", "poll_rows", "sign_off_rows"]

_MACHINES = frozenset({"station", "guard"})
"""`via` of what a station does by itself: no act of a person."""


def poll_rows(story: Story) -> tuple[PollRow, ...]:
    """Every answer of every attempt, and how each attempt ended."""
    rows = []
    for told in story.told:
        match told.what:
            case happened.PollAnswered(role=role, answer=answer, comment=comment, by_phone=phone):
                words = {"go": "GO", "no_go": "NO-GO", "go_with_comment": "GO, with a comment"}
                said = "; ".join(part for part in (comment, f"by telephone: {phone}" if phone else "") if part)
                tone: Tone = "bad" if answer == "no_go" else "good"
                rows.append(_poll(story, told, role, words[answer], said, tone))
            case happened.PollClosed(result=result, reason=reason):
                ends: dict[str, tuple[str, Tone]] = {
                    "go": ("GO", "good"),
                    "no_go": ("NO-GO", "bad"),
                    "timeout": ("not answered in time", "warn"),
                    "void": ("void", "warn"),
                }
                word, tone = ends[result]
                rows.append(_poll(story, told, "", word, reason, tone))
    return tuple(rows)


def _poll(story: Story, told: Told, role: str, answer: str, comment: str, tone: Tone) -> PollRow:
    plan = story.session.plan
    step = plan.steps.get(told.event.step) if plan is not None else None
    return PollRow(
        poll=story.title(told.event.step),
        question=step.question if step is not None else "",
        attempt=told.event.attempt or 1,
        role=role,
        answer=answer,
        by=told.event.actor.login if role else "",
        at=told.at,
        comment=comment,
        tone=tone,
    )


def sign_off_rows(story: Story) -> tuple[SignOffRow, ...]:
    """Every sign-off, with its meaning."""
    rows = []
    for told in story.told:
        if isinstance(told.what, happened.StepSigned):
            what = told.what
            note = [f"by telephone: {what.by_phone}"] if what.by_phone else []
            note += [f"waived that another person signs: {what.waiver}"] if what.waiver else []
            who = told.event.actor.login
            meaning = what.meaning or "done as written"
            rows.append(SignOffRow(story.title(told.event.step), what.role, who, told.at, meaning, "; ".join(note)))
    return tuple(rows)


def people(story: Story) -> tuple[Person, ...]:
    """Everybody who did something, in order of their first act; what stations do by themselves is not theirs."""
    acts: dict[str, list[Told]] = {}
    for told in story.told:
        if told.event.actor.via not in _MACHINES:
            acts.setdefault(told.event.actor.login, []).append(told)
    return tuple(
        Person(
            login=login,
            roles=_unique([role for told in mine for role in _roles(story, told)]),
            hosts=_unique([told.event.actor.host for told in mine]),
            vias=_unique([told.event.actor.via for told in mine]),
            first=mine[0].at,
            last=mine[-1].at,
            acts=len(mine),
        )
        for login, mine in acts.items()
    )


def _roles(story: Story, told: Told) -> list[str]:
    """The roles in which somebody acted: the seat, what they answered for, whose step they did."""
    roles = [told.event.actor.role]
    match told.what:
        case happened.PollAnswered(role=role) | happened.StepSigned(role=role):
            roles.append(role)
        case happened.StepStarted() | happened.StepReported():
            plan = story.session.plan
            step = plan.steps.get(told.event.step) if plan is not None else None
            roles += [step.owner] if step is not None else []
    return roles


def _unique(words: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word))


def check_rows(story: Story) -> tuple[CheckRow, ...]:
    """The checklist as it was answered last."""
    plan = story.session.plan
    if plan is None:
        return ()
    last = {told.what.item: told for told in story.told if isinstance(told.what, happened.ItemTicked)}
    rows = []
    for item in plan.procedure.checklist:
        told = last.get(item.id)
        what = told.what if told is not None else None
        if told is None or not isinstance(what, happened.ItemTicked):
            rows.append(CheckRow(item.title, item.owner, ticked=False, by="", at=None, read="", note=""))
            continue
        read = what.proof.read if what.proof is not None else ""
        rows.append(CheckRow(item.title, item.owner, what.ticked, told.event.actor.login, told.at, read, what.note))
    return tuple(rows)


def lines(story: Story) -> tuple[Line, ...]:
    """Every event in one sentence."""
    terminals = Terminals()
    for told in story.told:
        terminals.take(told.event.actor)
    return tuple(_line(story, told, terminals) for told in story.told)


def notes(story: Story) -> tuple[Line, ...]:
    """What people noted."""
    return tuple(_line(story, told, Terminals()) for told in story.told if isinstance(told.what, happened.NoteAdded))


def _line(story: Story, told: Told, terminals: Terminals) -> Line:
    actor = told.event.actor
    by = "station" if actor.via in _MACHINES else actor.login + terminals.name(actor)
    return Line(told.at, by, story.line(told), story.level(told), told.event.id)
