"""Halts, pauses, guards' proposals, and the marks that pictures draw over all rows.

Pure.
"""

from __future__ import annotations

from quarterdeck.record.report.model import Mark, Stop
from quarterdeck.record.report.story import Story, Told
from quarterdeck.session import events as happened

__all__ = ["marks", "stops"]

_ANSWERS = (
    happened.SessionWentOn,
    happened.RollbackCommitted,
    happened.ContingencyStarted,
    happened.SessionAbandoned,
)


def stops(story: Story) -> tuple[Stop, ...]:
    """Every halt, pause and proposal, in order, with its reason and what became of it."""
    return tuple(stop for told in story.told if (stop := _stop(story, told)) is not None)


def _stop(story: Story, told: Told) -> Stop | None:
    who = told.event.actor.login
    match told.what:
        case happened.HaltCalled(nonce=nonce, source=source, guard=guard, reason=said):
            by = {"guard": f"guard {guard}", "failure": "a failed step"}.get(source, who)
            mark = story.session.halts.get(nonce)
            reason = (mark.reason if mark is not None else "") or said or "no reason was given"
            until, answer = _answer_of_halt(story, told, nonce)
            return Stop("halt", told.at, until, by, reason, answer)
        case happened.SessionPaused(reason=reason, cause=cause):
            by = who if cause == "person" else {"guard": "a guard", "poll": "a poll"}.get(cause, f"by {cause}")
            until, answer = _end_of_pause(story, told)
            return Stop("pause", told.at, until, by, reason, answer)
        case happened.StationRestarted():
            if story.session.started is not None and told.at >= story.session.started:
                until, answer = _end_of_pause(story, told)
                return Stop("pause", told.at, until, "the station's crash", story.line(told), answer)
        case happened.HaltProposed(guard=guard, reason=reason):
            until, answer = _end_of_proposal(story, told, guard)
            return Stop("proposal", told.at, until, f"guard {guard}", reason, answer)
    return None


def _later(story: Story, told: Told) -> list[Told]:
    return [each for each in story.told if each.event.lamport > told.event.lamport]


def _answer_of_halt(story: Story, halt: Told, nonce: str) -> tuple[float | None, str]:
    for told in _later(story, halt):
        if isinstance(told.what, _ANSWERS) and (
            nonce in told.what.answers or isinstance(told.what, happened.RollbackCommitted)
        ):
            words = {
                "session.went_on": "go on",
                "rollback.committed": "rollback",
                "contingency.started": "contingency",
                "session.abandoned": "abandoned",
            }
            alone = told.event.step and isinstance(told.what, happened.SessionWentOn)
            how = f"undo of {story.title(told.event.step)} alone" if alone else words[told.event.kind]
            return told.at, f"{how}, by {told.event.actor.login}"
    mark = story.session.halts.get(nonce)
    return None, "answered by the rollback before it" if mark is not None and mark.answered else "not answered"


def _end_of_pause(story: Story, pause: Told) -> tuple[float | None, str]:
    for told in _later(story, pause):
        match told.what:
            case happened.SessionResumed(reason=reason):
                return told.at, f"went on, by {told.event.actor.login}{f': {reason}' if reason else ''}"
            case happened.HaltCalled():
                return told.at, "halted"
            case happened.RollbackCommitted():
                return told.at, "rollback"
            case happened.SessionAbandoned() | happened.SessionEnded():
                return told.at, "ended"
    return None, "not ended"


def _end_of_proposal(story: Story, proposal: Told, guard: str) -> tuple[float | None, str]:
    for told in _later(story, proposal):
        match told.what:
            case happened.HaltCalled():
                return told.at, f"halted, by {told.event.actor.login}"
            case happened.ProposalDismissed(guard=named, reason=reason) if named == guard:
                return told.at, f"dismissed by {told.event.actor.login}: {reason}"
            case happened.ProposalLapsed(guard=named) if named == guard:
                return told.at, "not answered: it became a pause"
            case happened.GuardOverridden(guard=named, reason=reason) if named == guard:
                return told.at, f"overridden by {told.event.actor.login}: {reason}"
    return None, "not answered"


def marks(story: Story, all_stops: tuple[Stop, ...]) -> tuple[Mark, ...]:
    """What pictures draw over all rows."""
    found = [Mark(stop.kind, stop.at, stop.until, stop.why) for stop in all_stops]
    session = story.session
    if session.started is not None:
        found.append(Mark("start", session.started, None, "started"))
    if session.window is not None:
        found.append(Mark("window_end", session.window.end, None, "window's end"))
    if session.rollback is not None:
        found.append(Mark("rollback", session.rollback.at, _rolled_back(story), "rollback"))
    if session.ended is not None:
        found.append(Mark("end", session.ended, None, "ended"))
    return tuple(sorted(found, key=lambda mark: mark.at))


def _rolled_back(story: Story) -> float | None:
    for told in story.told:
        if isinstance(told.what, happened.ClosingBegun) and story.session.closing_from == "rollback":
            return told.at
    return story.session.ended
