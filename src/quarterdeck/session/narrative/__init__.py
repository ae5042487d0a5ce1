"""What happened, told in one clear line: a sentence for every kind of event.

The log pane, plain mode, `--auto` and the record all use these, so that people argue about the same words. Pure;
the text may hold what people and programs wrote (titles, reasons, output), so whoever paints it passes it through
the text gate. Must never raise for an event that can be decoded, whatever its plan.
"""

from __future__ import annotations

from typing import Literal

from quarterdeck.session import events as e
from quarterdeck.session.event import Event
from quarterdeck.session.events import KINDS, payload
from quarterdeck.session.narrative import sessions as sessions  # each registers its tellers
from quarterdeck.session.narrative import steps as steps
from quarterdeck.session.narrative import watching as watching
from quarterdeck.session.narrative.words import TELLERS, Told, in_short, name_of, span
from quarterdeck.session.plan import Plan

__all__ = ["Level", "in_short", "level", "name_of", "sentence", "span"]

Level = Literal["info", "notice", "warning", "alarm"]
"""`notice` is a milestone; `warning` needs an eye; `alarm` needs a person."""

_LEVELS: dict[str, Level] = {
    "session.started": "notice",
    "session.paused": "warning",
    "session.resumed": "notice",
    "halt.called": "alarm",
    "session.went_on": "notice",
    "recheck.accepted": "warning",
    "rollback.committed": "alarm",
    "contingency.started": "alarm",
    "closing.begun": "notice",
    "session.abandoned": "alarm",
    "session.closed": "notice",
    "step.accepted": "warning",
    "step.failed": "alarm",
    "step.interrupted": "warning",
    "step.unknown": "alarm",
    "step.skipped": "warning",
    "step.added": "warning",
    "step.corrected": "warning",
    "step.late": "warning",
    "command.stop_asked": "warning",
    "command.left_running": "warning",
    "poll.opened": "notice",
    "guard.warned": "warning",
    "guard.proposed": "alarm",
    "guard.dismissed": "warning",
    "guard.lapsed": "warning",
    "guard.overridden": "warning",
    "window.extended": "warning",
    "clock.stepped": "alarm",
    "station.restarted": "alarm",
    "replica.burned": "warning",
}


def sentence(event: Event, plan: Plan | None) -> str:
    """One line about the event; `plan` names its steps, None leaves their ids."""
    what = payload(event)
    teller = TELLERS.get(event.kind)
    if teller is None:
        return f"something that this version does not know happened ({event.kind})"
    return teller(Told(event, plan), what)


def level(event: Event) -> Level:
    """How much attention the line asks for."""
    what = payload(event)
    match what:
        case (
            e.StepVerified(ok=False)
            | e.PollAnswered(answer="no_go")
            | e.CriterionAnswered(satisfied=False)
            | e.ItemTicked(ticked=False)
        ):
            return "warning"
        case e.StepGranted(waivers=waivers) if waivers:
            return "warning"
        case e.CommandEnded(outcome=outcome, exit_code=code, left_behind=left) if outcome != "exited" or code or left:
            return "warning"
        case e.LeftEnded(remaining=remaining) if remaining:
            return "warning"
        case e.PollClosed(result=result):
            return "notice" if result == "go" else "warning"
        case e.RecorderChanged(state=state):
            return "notice" if state == "ok" else "alarm"
        case e.FactNoted(level=stated):
            return stated
        case e.LateNoticed(what=late):
            return "alarm" if late == "decide_by_zero" else "warning"
        case e.SessionEnded(outcome=outcome):
            return "notice" if outcome in {"completed", "rolled_back", "recovered"} else "warning"
    return _LEVELS.get(event.kind, "info")


def _check_complete() -> None:
    missing = KINDS.keys() - TELLERS.keys()
    assert not missing, f"no sentence for {sorted(missing)}"


_check_complete()
