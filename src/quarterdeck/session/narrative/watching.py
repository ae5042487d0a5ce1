"""How polls, guards, criteria, clocks and the station are told."""

from __future__ import annotations

from quarterdeck.session import events as e
from quarterdeck.session.narrative.words import Told, clock, name_of, phone, span, tells, why_of

__all__: list[str] = []


# ---------------------------------------------------------------- polls, guards, criteria


@tells(e.PollOpened)
def _(told: Told, _what: e.PollOpened) -> str:
    return f"poll opened: {told.step}{told.again}"


@tells(e.PollAnswered)
def _(told: Told, what: e.PollAnswered) -> str:
    answer = {"go": "GO", "no_go": "NO-GO", "go_with_comment": "GO, with a comment"}[what.answer]
    return f"{what.role} says {answer} to {told.step}{phone(what.by_phone)}{why_of(what.comment)}"


@tells(e.PollClosed)
def _(told: Told, what: e.PollClosed) -> str:
    result = {"go": "GO", "no_go": "NO-GO", "timeout": "not answered in time", "void": "void"}[what.result]
    return f"{told.step}: {result}{why_of(what.reason)}"


@tells(e.GuardWarned)
def _(told: Told, what: e.GuardWarned) -> str:
    return f"guard {what.guard} warns{why_of(told.measured(what.reason))}"


@tells(e.HaltProposed)
def _(told: Told, what: e.HaltProposed) -> str:
    why = why_of(told.measured(what.reason))
    return f"guard {what.guard} PROPOSES A HALT{why}; unanswered it pauses at {clock(told, what.until)}"


@tells(e.ProposalDismissed)
def _(_told: Told, what: e.ProposalDismissed) -> str:
    return f"proposal of guard {what.guard} dismissed{why_of(what.reason)}"


@tells(e.ProposalLapsed)
def _(_told: Told, what: e.ProposalLapsed) -> str:
    return f"proposal of guard {what.guard} was not answered: it becomes a pause"


@tells(e.GuardCleared)
def _(_told: Told, what: e.GuardCleared) -> str:
    return f"guard {what.guard} is clear again"


@tells(e.GuardOverridden)
def _(told: Told, what: e.GuardOverridden) -> str:
    until = f"until {clock(told, what.until)}" if what.until else "until the end"
    return f"guard {what.guard} is overridden {until}{why_of(what.reason)}"


@tells(e.CriterionAnswered)
def _(_told: Told, what: e.CriterionAnswered) -> str:
    return f"criterion {what.criterion}: {'satisfied' if what.satisfied else 'NOT satisfied'}{why_of(what.note)}"


# ---------------------------------------------------------------- times, station


@tells(e.WindowExtended)
def _(told: Told, what: e.WindowExtended) -> str:
    approver = f", approved by {what.approver}" if what.approver else ""
    return f"window extended to {clock(told, what.end)}{approver}{why_of(what.reason)}"


@tells(e.ClockStepped)
def _(_told: Told, what: e.ClockStepped) -> str:
    return (
        f"the wall clock jumped {span(what.by)} {'forward' if what.by > 0 else 'back'}; the session's clock did not"
    )


@tells(e.LateNoticed)
def _(_told: Told, what: e.LateNoticed) -> str:
    words = {
        "decide_by_warn": "decide-by comes near",
        "decide_by_zero": "ROLLBACK NO LONGER FITS the window",
        "forecast": "by the forecast the work ends too late",
    }
    return f"{words[what.what]}{why_of(what.detail)}"


@tells(e.StationRestarted)
def _(told: Told, what: e.StationRestarted) -> str:
    words = {"finished": "finished meanwhile", "alive": "still runs", "lost": "was lost"}
    found = "; ".join(f"{name_of(told.plan, step)} {words.get(how, how)}" for step, how in what.found.items())
    return f"the station was away for {span(what.gap)} and is back{'; ' if found else ''}{found}"


@tells(e.RecorderChanged)
def _(_told: Told, what: e.RecorderChanged) -> str:
    return f"{what.recorder} is {what.state}{why_of(what.detail)}"


@tells(e.ReplicaBurned)
def _(_told: Told, what: e.ReplicaBurned) -> str:
    return f"an old copy was restored: going on under a new name{why_of(what.why)}"


@tells(e.FactNoted)
def _(_told: Told, what: e.FactNoted) -> str:
    return what.text
