"""How planning, the three verbs and the end are told."""

from __future__ import annotations

from quarterdeck.session import events as e
from quarterdeck.session.narrative.words import Told, clock, count, span, tells, why_of

__all__: list[str] = []


# ---------------------------------------------------------------- planning


@tells(e.SessionOpened)
def _(_told: Told, what: e.SessionOpened) -> str:
    demo = "demo session" if what.purpose == "demo" else "session"
    lead = f", led by {what.lead}" if what.lead else ""
    return f"{demo} opened: {what.title}{lead}"


@tells(e.PlanRevised)
def _(_told: Told, what: e.PlanRevised) -> str:
    return f"plan laid down, {what.hash[:8]}" if what.hash else "plan laid down"


@tells(e.ItemTicked)
def _(_told: Told, what: e.ItemTicked) -> str:
    read = f" (read {what.proof.read})" if what.proof and what.proof.read else ""
    return f"checklist: {what.item} {'ticked' if what.ticked else 'is open again'}{read}{why_of(what.note)}"


@tells(e.SessionStarted)
def _(told: Told, what: e.SessionStarted) -> str:
    window = f"window {clock(told, what.start)} to {clock(told, what.end)}"
    assumed = ", assumed" if what.assumed else ""
    alone = "; one person holds all roles" if what.alone else ""
    still = f"; started although open: {', '.join(what.overrides)}{why_of(what.reason)}" if what.overrides else ""
    return f"STARTED: {window}{assumed}{alone}{still}"


# ---------------------------------------------------------------- three verbs


@tells(e.SessionPaused)
def _(_told: Told, what: e.SessionPaused) -> str:
    by = {"person": "", "guard": " by a guard", "poll": " by a poll", "failure": " by a failure"}
    by |= {"crash": " after a crash", "wait": " by a wait"}
    return f"PAUSED{by[what.cause]}{why_of(what.reason)}"


@tells(e.SessionResumed)
def _(_told: Told, what: e.SessionResumed) -> str:
    over = f", over {', '.join(what.overrides)}" if what.overrides else ""
    return f"goes on{over}{why_of(what.reason)}"


@tells(e.HaltCalled)
def _(told: Told, what: e.HaltCalled) -> str:
    host = told.event.actor.host
    by = {
        "guard": f"by guard {what.guard}",
        "failure": "by a failed step",
        "cli": f"by {told.role()} from the command line{f' on {host}' if host else ''}",
    }.get(what.source, f"by {told.role()}")
    return f"HALT {by}{why_of(told.measured(what.reason))}"


@tells(e.HaltReasonGiven)
def _(_told: Told, what: e.HaltReasonGiven) -> str:
    return f"reason of the halt: {what.reason}"


@tells(e.SessionWentOn)
def _(_told: Told, what: e.SessionWentOn) -> str:
    again = []
    if what.recheck:
        again.append(f"{count(len(what.recheck), 'verification')} run again")
    if what.poll_again:
        again.append("the last poll is asked again")
    return f"halt answered: go on, paused for now{why_of(what.reason)}{'; ' if again else ''}{', '.join(again)}"


@tells(e.RecheckAccepted)
def _(_told: Told, what: e.RecheckAccepted) -> str:
    return f"what no longer verifies is accepted{why_of(what.reason)}"


@tells(e.RollbackCommitted)
def _(_told: Told, what: e.RollbackCommitted) -> str:
    minutes = span(sum(item.duration for item in what.items))
    waiver = f"; waived: {what.waiver}" if what.waiver else ""
    undo = sum(1 for item in what.items if item.undoes)
    checks = len(what.items) - undo
    also = f" and {count(checks, 'check')}" if checks else ""
    code = f"; list code {what.letters}, for reading out" if what.letters else ""
    return f"ROLLBACK committed: {count(undo, 'undo step')}{also}, {minutes}{code}{waiver}"


@tells(e.RunMineAsked)
def _(_told: Told, what: e.RunMineAsked) -> str:
    if what.stop:
        return "undo steps no longer run by themselves: each waits for its start again"
    return f"runs the undo steps of {', '.join(what.roles) or 'all roles'} one after the other"


@tells(e.UndoDecided)
def _(told: Told, what: e.UndoDecided) -> str:
    choice = {"run": "is run", "by_hand": "is done by hand", "not_needed": "is not needed"}[what.choice]
    return f"the undo of {told.step} {choice}{why_of(what.reason)}"


@tells(e.UndoOpened)
def _(told: Told, what: e.UndoOpened) -> str:
    return f"undoing {told.step} alone: {count(len(what.items), 'step')}"


@tells(e.UndoFinished)
def _(told: Told, _what: e.UndoFinished) -> str:
    return f"{told.step} is undone and can be started again"


@tells(e.ContingencyStarted)
def _(_told: Told, what: e.ContingencyStarted) -> str:
    return f"CONTINGENCY started{why_of(what.reason)}"


@tells(e.ClosingBegun)
def _(_told: Told, _what: e.ClosingBegun) -> str:
    return "closing begun: the closing steps run"


@tells(e.SessionAbandoned)
def _(_told: Told, what: e.SessionAbandoned) -> str:
    return f"ABANDONED{why_of(what.reason)}; from here: {what.handover}"


@tells(e.SessionEnded)
def _(_told: Told, what: e.SessionEnded) -> str:
    verdicts = ", ".join(f"{verdict.title} {verdict.verdict}" for verdict in what.verdicts)
    outcome = what.outcome.replace("_", " ").upper()
    return f"{outcome}{'; ' if verdicts else ''}{verdicts}"


@tells(e.SessionClosed)
def _(_told: Told, what: e.SessionClosed) -> str:
    return f"reviewed and closed{why_of(what.note)}"
