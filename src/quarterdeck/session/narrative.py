"""What happened, told in one clear line: a sentence for every kind of event.

The log pane, plain mode, `--auto` and the record all use these, so that people argue about the same words. Pure;
the text may hold what people and programs wrote (titles, reasons, output), so whoever paints it passes it through
the text gate. Must never raise for an event that can be decoded, whatever its plan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from quarterdeck.session import events as e
from quarterdeck.session.event import Event
from quarterdeck.session.events import KINDS, Payload, payload
from quarterdeck.session.plan import Plan

__all__ = ["Level", "level", "name_of", "sentence", "span"]

Level = Literal["info", "notice", "warning", "alarm"]
"""`notice` is a milestone; `warning` needs an eye; `alarm` needs a person."""

P = TypeVar("P", bound=Payload)
Teller = Callable[["Told", Any], str]

_TELLERS: dict[str, Teller] = {}

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


def span(seconds: float) -> str:
    """A span for people: `45 s`, `9 min`, `1 h 20 min`."""
    seconds = abs(seconds)
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def name_of(plan: Plan | None, step: str) -> str:
    """What people call a step: its number and title; the id where the plan does not know it."""
    if plan is None or step not in plan.steps:
        return step or "the session"
    place = plan.places[step]
    title = plan.steps[step].title
    if place.part == "stages":
        return f"{place.number} {title}"
    return title


def sentence(event: Event, plan: Plan | None) -> str:
    """One line about the event; `plan` names its steps, None leaves their ids."""
    what = payload(event)
    teller = _TELLERS.get(event.kind)
    if teller is None:
        return f"something that this version does not know happened ({event.kind})"
    return teller(Told(event, plan), what)


def level(event: Event) -> Level:
    """How much attention the line asks for."""
    what = payload(event)
    match what:
        case e.StepVerified(ok=False):
            return "warning"
        case e.CommandEnded(outcome=outcome, exit_code=code) if outcome != "exited" or code:
            return "warning"
        case e.PollClosed(result=result):
            return "notice" if result == "go" else "warning"
        case e.PollAnswered(answer="no_go"):
            return "warning"
        case e.CriterionAnswered(satisfied=False):
            return "warning"
        case e.RecorderChanged(state=state):
            return "notice" if state == "ok" else "alarm"
        case e.FactNoted(level=stated):
            return stated
        case e.LateNoticed(what=late):
            return "alarm" if late == "decide_by_zero" else "warning"
        case e.SessionEnded(outcome=outcome):
            return "notice" if outcome in {"completed", "rolled_back", "recovered"} else "warning"
        case e.ItemTicked(ticked=False):
            return "warning"
    return _LEVELS.get(event.kind, "info")


class Told:
    """An event being told: the words that its tellers share."""

    __slots__ = ("event", "plan")

    def __init__(self, event: Event, plan: Plan | None) -> None:
        self.event = event
        self.plan = plan

    @property
    def step(self) -> str:
        """The name of the event's step."""
        return name_of(self.plan, self.event.step)

    @property
    def again(self) -> str:
        """` (attempt 2)`, from the second attempt on."""
        return f" (attempt {self.event.attempt})" if self.event.attempt > 1 else ""

    def role(self) -> str:
        """Who, in a few words."""
        actor = self.event.actor
        return actor.role if actor.role != "lead" or not actor.login else actor.login


def _tells(kind: type[P]) -> Callable[[Callable[[Told, P], str]], Callable[[Told, P], str]]:
    def register(teller: Callable[[Told, P], str]) -> Callable[[Told, P], str]:
        _TELLERS[kind.kind] = teller
        return teller

    return register


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _phone(by_phone: str) -> str:
    return f", by telephone ({by_phone})" if by_phone else ""


def _values(values: dict[str, str]) -> str:
    return "; " + ", ".join(f"{name} = {value}" for name, value in values.items()) if values else ""


def _clock(told: Told, epoch: float) -> str:
    minutes = int(epoch // 60) + told.event.t.off
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


# ---------------------------------------------------------------- planning


@_tells(e.SessionOpened)
def _(_told: Told, what: e.SessionOpened) -> str:
    demo = "demo session" if what.purpose == "demo" else "session"
    lead = f", led by {what.lead}" if what.lead else ""
    return f"{demo} opened: {what.title}{lead}"


@_tells(e.PlanRevised)
def _(_told: Told, what: e.PlanRevised) -> str:
    return f"plan laid down, {what.hash[:8]}" if what.hash else "plan laid down"


@_tells(e.ItemTicked)
def _(_told: Told, what: e.ItemTicked) -> str:
    read = f" (read {what.proof.read})" if what.proof and what.proof.read else ""
    return f"checklist: {what.item} {'ticked' if what.ticked else 'is open again'}{read}{_why(what.note)}"


@_tells(e.SessionStarted)
def _(told: Told, what: e.SessionStarted) -> str:
    window = f"window {_clock(told, what.start)} to {_clock(told, what.end)}"
    assumed = ", assumed" if what.assumed else ""
    alone = "; one person holds all roles" if what.alone else ""
    still = f"; started although open: {', '.join(what.overrides)}{_why(what.reason)}" if what.overrides else ""
    return f"STARTED: {window}{assumed}{alone}{still}"


# ---------------------------------------------------------------- three verbs


@_tells(e.SessionPaused)
def _(_told: Told, what: e.SessionPaused) -> str:
    by = {"person": "", "guard": " by a guard", "poll": " by a poll", "failure": " by a failure"}
    by |= {"crash": " after a crash", "wait": " by a wait"}
    return f"PAUSED{by[what.cause]}{_why(what.reason)}"


@_tells(e.SessionResumed)
def _(_told: Told, what: e.SessionResumed) -> str:
    over = f", over {', '.join(what.overrides)}" if what.overrides else ""
    return f"goes on{over}{_why(what.reason)}"


@_tells(e.HaltCalled)
def _(told: Told, what: e.HaltCalled) -> str:
    by = {
        "guard": f"by guard {what.guard}",
        "failure": "by a failed step",
        "cli": f"by {told.role()} from the command line",
    }.get(what.source, f"by {told.role()}")
    return f"HALT {by}{_why(what.reason)}"


@_tells(e.HaltReasonGiven)
def _(_told: Told, what: e.HaltReasonGiven) -> str:
    return f"reason of the halt: {what.reason}"


@_tells(e.SessionWentOn)
def _(_told: Told, what: e.SessionWentOn) -> str:
    again = []
    if what.recheck:
        again.append(f"{_count(len(what.recheck), 'verification')} run again")
    if what.poll_again:
        again.append("the last poll is asked again")
    return f"halt answered: go on, paused for now{_why(what.reason)}{'; ' if again else ''}{', '.join(again)}"


@_tells(e.RecheckAccepted)
def _(_told: Told, what: e.RecheckAccepted) -> str:
    return f"what no longer verifies is accepted{_why(what.reason)}"


@_tells(e.RollbackCommitted)
def _(_told: Told, what: e.RollbackCommitted) -> str:
    minutes = span(sum(item.duration for item in what.items))
    waiver = f"; waived: {what.waiver}" if what.waiver else ""
    letters = f", letters {what.letters}" if what.letters else ""
    return f"ROLLBACK committed: {_count(len(what.items), 'step')}, {minutes}{letters}{waiver}"


@_tells(e.RunMineAsked)
def _(_told: Told, what: e.RunMineAsked) -> str:
    if what.stop:
        return "run mine stopped: undo steps wait for their start again"
    return f"runs the undo steps of {', '.join(what.roles) or 'all roles'} one after the other"


@_tells(e.UndoDecided)
def _(told: Told, what: e.UndoDecided) -> str:
    choice = {"run": "is run", "by_hand": "is done by hand", "not_needed": "is not needed"}[what.choice]
    return f"the undo of {told.step} {choice}{_why(what.reason)}"


@_tells(e.UndoOpened)
def _(told: Told, what: e.UndoOpened) -> str:
    return f"undoing {told.step} alone: {_count(len(what.items), 'step')}"


@_tells(e.UndoFinished)
def _(told: Told, _what: e.UndoFinished) -> str:
    return f"{told.step} is undone and can be started again"


@_tells(e.ContingencyStarted)
def _(_told: Told, what: e.ContingencyStarted) -> str:
    return f"CONTINGENCY started{_why(what.reason)}"


@_tells(e.ClosingBegun)
def _(_told: Told, _what: e.ClosingBegun) -> str:
    return "closing begun: the closing steps run"


@_tells(e.SessionAbandoned)
def _(_told: Told, what: e.SessionAbandoned) -> str:
    return f"ABANDONED{_why(what.reason)}; from here: {what.handover}"


@_tells(e.SessionEnded)
def _(_told: Told, what: e.SessionEnded) -> str:
    verdicts = ", ".join(f"{verdict.title} {verdict.verdict}" for verdict in what.verdicts)
    outcome = what.outcome.replace("_", " ").upper()
    return f"{outcome}{'; ' if verdicts else ''}{verdicts}"


@_tells(e.SessionClosed)
def _(_told: Told, what: e.SessionClosed) -> str:
    return f"reviewed and closed{_why(what.note)}"


# ---------------------------------------------------------------- steps


@_tells(e.StepClaimed)
def _(told: Told, _what: e.StepClaimed) -> str:
    return f"{told.step} claimed"


@_tells(e.StepGranted)
def _(told: Told, what: e.StepGranted) -> str:
    waived = "; ".join(f"{name.replace('_', ' ')} waived: {why}" for name, why in what.waivers.items())
    to = f" to {what.to}" if what.to else ""
    return f"{told.step} granted{to}{'; ' if waived else ''}{waived}"


@_tells(e.StepStarted)
def _(told: Told, what: e.StepStarted) -> str:
    where = f" on {what.host}" if what.host else ""
    return f"{told.step} started{told.again}{where}{_phone(what.by_phone)}"


@_tells(e.StepReported)
def _(told: Told, what: e.StepReported) -> str:
    hand = "done by hand" if what.by_hand else "done"
    return f"{told.step} reported {hand}, verifying{_phone(what.by_phone)}{_values(what.values)}{_why(what.note)}"


@_tells(e.CommandEnded)
def _(told: Told, what: e.CommandEnded) -> str:
    return f"{told.step}: command {_ending(what)}{_values(what.values)}"


def _ending(what: e.CommandEnded) -> str:
    after = f" after {span(what.seconds)}"
    by = {"halt": " by the halt", "stop": " on request", "timeout": " by its timeout"}.get(what.ended_by, "")
    words = {
        "exited": f"ended with code {what.exit_code}{after}" if what.exit_code is not None else f"ended{after}",
        "signalled": f"was ended by signal {what.signal}{after}",
        "terminated": f"was stopped{by}{after}",
        "timeout": f"was stopped by its timeout{after}",
        "refused": "was not started: a halt was there first",
        "not_found": "was not found",
        "not_executable": "may not be executed",
        "failed_to_start": "could not be started",
        "lost": "was lost: neither a result nor a process",
    }
    text = words.get(what.outcome, f"ended ({what.outcome}){after}")
    if what.survivors:
        text += f"; could not stop {', '.join(what.survivors)}"
    if what.gone is not None and what.gone.ok is not True:
        text += "; not proven gone"
    return text


@_tells(e.StepVerified)
def _(told: Told, what: e.StepVerified) -> str:
    again = " again" if what.recheck else ""
    if what.ok:
        good = f", {_count(len(what.proofs), 'check')}" if what.proofs else ""
        return f"{told.step} verified{again}{good}"
    bad = [f"{proof.title}: read {proof.read or 'nothing'}" for proof in what.proofs if proof.ok is not True]
    return f"{told.step} NOT verified{again}: {'; '.join(bad) or 'nothing could be read'}"


@_tells(e.StepAccepted)
def _(told: Told, what: e.StepAccepted) -> str:
    return f"{told.step} accepted although it does not verify{_why(what.reason)}"


@_tells(e.StepDone)
def _(told: Told, what: e.StepDone) -> str:
    hand = " by hand" if what.by_hand else ""
    return f"{told.step} done{hand}{told.again}{_phone(what.by_phone)}{_values(what.values)}"


@_tells(e.StepFailed)
def _(told: Told, what: e.StepFailed) -> str:
    retry = "; will be tried again" if what.retry_at else ""
    return f"{told.step} FAILED{told.again}{_why(what.reason)}{retry}"


@_tells(e.StepInterrupted)
def _(told: Told, what: e.StepInterrupted) -> str:
    left = f"; still there: {', '.join(what.survivors)}" if what.survivors else ""
    gone = "; not proven gone" if what.unproven and not left else ""
    return f"{told.step} interrupted{_why(what.why)}{left}{gone}"


@_tells(e.StepUnknown)
def _(told: Told, what: e.StepUnknown) -> str:
    return f"what became of {told.step} is UNKNOWN, somebody has to look{_why(what.why)}"


@_tells(e.StepSkipped)
def _(told: Told, what: e.StepSkipped) -> str:
    return f"{told.step} skipped{_why(what.reason)}"


@_tells(e.StepSigned)
def _(told: Told, what: e.StepSigned) -> str:
    return f"{told.step} signed off by {what.role}{_phone(what.by_phone)}{_why(what.meaning)}"


@_tells(e.EffectDeclared)
def _(told: Told, what: e.EffectDeclared) -> str:
    if what.not_begun:
        said = "was not begun"
    elif what.finished:
        said = "was fully done"
    else:
        said = {
            "none": "changed nothing",
            "partial": "changed a part",
            "full": "changed all that it should",
            "unknown": "changed nobody knows what",
        }[what.effect]
    owner = " (the lead, for its owner)" if what.for_owner else ""
    return f"{told.step} {said}{owner}{_why(what.note)}"


@_tells(e.DeclaredGone)
def _(told: Told, what: e.DeclaredGone) -> str:
    return f"the command of {told.step} is gone, says its owner{_why(what.note)}"


@_tells(e.StopAsked)
def _(told: Told, what: e.StopAsked) -> str:
    return f"stop of {told.step} asked for{_why(what.reason)}"


@_tells(e.StepEstimated)
def _(told: Told, what: e.StepEstimated) -> str:
    return f"{told.step}: about {span(what.rest)} more, says its owner"


@_tells(e.StepAdded)
def _(told: Told, what: e.StepAdded) -> str:
    done = f", done at {_clock(told, what.already_done)} already" if what.already_done else ""
    undo = "; how to undo it is NOT decided" if what.undo_later else ""
    return f"step added: {what.added.title}{done}{_why(what.reason)}{undo}"


@_tells(e.StepCorrected)
def _(told: Told, what: e.StepCorrected) -> str:
    now = [f"is {what.state}"] if what.state else []
    now += [f"effect is {what.effect}"] if what.effect else []
    now += [f"{name} = {value}" for name, value in what.values.items()]
    return f"{told.step} corrected: {', '.join(now) or 'nothing'}{_why(what.reason)}"


@_tells(e.StepLate)
def _(told: Told, what: e.StepLate) -> str:
    return f"{told.step} takes longer than {'twice its duration' if what.times > 1 else 'planned'}"


@_tells(e.ValueRecorded)
def _(told: Told, what: e.ValueRecorded) -> str:
    return f"{told.step}: {what.name} = {what.value}"


@_tells(e.EvidenceAdded)
def _(told: Told, what: e.EvidenceAdded) -> str:
    about = f"{told.step}: " if told.event.step else ""
    return f"{about}evidence {what.name}{_why(what.text)}" if what.name else f"{about}evidence{_why(what.text)}"


@_tells(e.NoteAdded)
def _(told: Told, what: e.NoteAdded) -> str:
    about = f" on {told.step}" if told.event.step else ""
    return f"note{about}: {what.text}"


# ---------------------------------------------------------------- polls, guards, criteria


@_tells(e.PollOpened)
def _(told: Told, _what: e.PollOpened) -> str:
    return f"poll opened: {told.step}{told.again}"


@_tells(e.PollAnswered)
def _(told: Told, what: e.PollAnswered) -> str:
    answer = {"go": "GO", "no_go": "NO-GO", "go_with_comment": "GO, with a comment"}[what.answer]
    return f"{what.role} says {answer} to {told.step}{_phone(what.by_phone)}{_why(what.comment)}"


@_tells(e.PollClosed)
def _(told: Told, what: e.PollClosed) -> str:
    result = {"go": "GO", "no_go": "NO-GO", "timeout": "not answered in time", "void": "void"}[what.result]
    return f"{told.step}: {result}{_why(what.reason)}"


@_tells(e.GuardWarned)
def _(_told: Told, what: e.GuardWarned) -> str:
    return f"guard {what.guard} warns{_why(what.reason)}"


@_tells(e.HaltProposed)
def _(told: Told, what: e.HaltProposed) -> str:
    return (
        f"guard {what.guard} PROPOSES A HALT{_why(what.reason)}; unanswered it pauses at {_clock(told, what.until)}"
    )


@_tells(e.ProposalDismissed)
def _(_told: Told, what: e.ProposalDismissed) -> str:
    return f"proposal of guard {what.guard} dismissed{_why(what.reason)}"


@_tells(e.ProposalLapsed)
def _(_told: Told, what: e.ProposalLapsed) -> str:
    return f"proposal of guard {what.guard} was not answered: it becomes a pause"


@_tells(e.GuardCleared)
def _(_told: Told, what: e.GuardCleared) -> str:
    return f"guard {what.guard} is clear again"


@_tells(e.GuardOverridden)
def _(told: Told, what: e.GuardOverridden) -> str:
    until = f"until {_clock(told, what.until)}" if what.until else "until the end"
    return f"guard {what.guard} is overridden {until}{_why(what.reason)}"


@_tells(e.CriterionAnswered)
def _(_told: Told, what: e.CriterionAnswered) -> str:
    return f"criterion {what.criterion}: {'satisfied' if what.satisfied else 'NOT satisfied'}{_why(what.note)}"


# ---------------------------------------------------------------- times, station


@_tells(e.WindowExtended)
def _(told: Told, what: e.WindowExtended) -> str:
    approver = f", approved by {what.approver}" if what.approver else ""
    return f"window extended to {_clock(told, what.end)}{approver}{_why(what.reason)}"


@_tells(e.ClockStepped)
def _(_told: Told, what: e.ClockStepped) -> str:
    return (
        f"the wall clock jumped {span(what.by)} {'forward' if what.by > 0 else 'back'}; the session's clock did not"
    )


@_tells(e.LateNoticed)
def _(_told: Told, what: e.LateNoticed) -> str:
    words = {
        "decide_by_warn": "decide-by comes near",
        "decide_by_zero": "ROLLBACK NO LONGER FITS the window",
        "forecast": "by the forecast the work ends too late",
    }
    return f"{words[what.what]}{_why(what.detail)}"


@_tells(e.StationRestarted)
def _(told: Told, what: e.StationRestarted) -> str:
    words = {"finished": "finished meanwhile", "alive": "still runs", "lost": "was lost"}
    found = "; ".join(f"{name_of(told.plan, step)} {words.get(how, how)}" for step, how in what.found.items())
    return f"the station was away for {span(what.gap)} and is back{'; ' if found else ''}{found}"


@_tells(e.RecorderChanged)
def _(_told: Told, what: e.RecorderChanged) -> str:
    return f"{what.recorder} is {what.state}{_why(what.detail)}"


@_tells(e.ReplicaBurned)
def _(_told: Told, what: e.ReplicaBurned) -> str:
    return f"an old copy was restored: going on under a new name{_why(what.why)}"


@_tells(e.FactNoted)
def _(_told: Told, what: e.FactNoted) -> str:
    return what.text


def _check_complete() -> None:
    missing = KINDS.keys() - _TELLERS.keys()
    assert not missing, f"no sentence for {sorted(missing)}"


_check_complete()
