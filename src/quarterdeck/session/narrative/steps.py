"""How a step's life is told: started, ended, verified, done, failed, declared, corrected."""

from __future__ import annotations

from quarterdeck.session import events as e
from quarterdeck.session.leftovers import few
from quarterdeck.session.narrative.words import Told, clock, count, phone, span, tells, values_of, why_of

__all__: list[str] = []


# ---------------------------------------------------------------- steps


@tells(e.StepClaimed)
def _(told: Told, _what: e.StepClaimed) -> str:
    return f"{told.step} claimed"


@tells(e.StepGranted)
def _(told: Told, what: e.StepGranted) -> str:
    waived = "; ".join(f"{name.replace('_', ' ')} waived: {why}" for name, why in what.waivers.items())
    to = f" to {what.to}" if what.to else ""
    return f"{told.step} granted{to}{'; ' if waived else ''}{waived}"


@tells(e.StepStarted)
def _(told: Told, what: e.StepStarted) -> str:
    where = f" on {what.host}" if what.host else ""
    return f"{told.step} started{told.again}{where}{phone(what.by_phone)}"


@tells(e.StepReported)
def _(told: Told, what: e.StepReported) -> str:
    hand = "done by hand" if what.by_hand else "done"
    return f"{told.step} reported {hand}, verifying{phone(what.by_phone)}{values_of(what.values)}{why_of(what.note)}"


@tells(e.CommandEnded)
def _(told: Told, what: e.CommandEnded) -> str:
    unsearched = "".join(f"; {name} {why}" for name, why in what.unsearched.items())
    return f"{told.step}: command {_ending(what)}{values_of(what.values)}{unsearched}"


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
    if what.left_behind:
        text += f"; left running: {few(what.left_behind)}"
    if what.stays:
        text += f"; stays, as declared: {few(what.stays)}"
    return text


@tells(e.StepVerified)
def _(told: Told, what: e.StepVerified) -> str:
    again = " again" if what.recheck else ""
    if what.ok:
        good = f", {count(len(what.proofs), 'check')}" if what.proofs else ""
        return f"{told.step} verified{again}{good}"
    bad = [f"{proof.title}: read {proof.read or 'nothing'}" for proof in what.proofs if proof.ok is not True]
    return f"{told.step} NOT verified{again}: {'; '.join(bad) or 'nothing could be read'}"


@tells(e.StepAccepted)
def _(told: Told, what: e.StepAccepted) -> str:
    return f"{told.step} accepted although it does not verify{why_of(what.reason)}"


@tells(e.StepDone)
def _(told: Told, what: e.StepDone) -> str:
    hand = " by hand" if what.by_hand else ""
    return f"{told.step} done{hand}{told.again}{phone(what.by_phone)}{values_of(what.values)}"


@tells(e.StepFailed)
def _(told: Told, what: e.StepFailed) -> str:
    retry = "; will be tried again" if what.retry_at else ""
    return f"{told.step} FAILED{told.again}{why_of(what.reason)}{retry}"


@tells(e.StepInterrupted)
def _(told: Told, what: e.StepInterrupted) -> str:
    left = f"; still there: {', '.join(what.survivors)}" if what.survivors else ""
    gone = "; not proven gone" if what.unproven and not left else ""
    return f"{told.step} interrupted{why_of(what.why)}{left}{gone}"


@tells(e.StepUnknown)
def _(told: Told, what: e.StepUnknown) -> str:
    return f"what became of {told.step} is UNKNOWN, somebody has to look{why_of(what.why)}"


@tells(e.StepSkipped)
def _(told: Told, what: e.StepSkipped) -> str:
    return f"{told.step} skipped{why_of(what.reason)}"


@tells(e.StepSigned)
def _(told: Told, what: e.StepSigned) -> str:
    return f"{told.step} signed off by {what.role}{phone(what.by_phone)}{why_of(what.meaning)}"


@tells(e.EffectDeclared)
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
    return f"{told.step} {said}{owner}{why_of(what.note)}"


@tells(e.DeclaredGone)
def _(told: Told, what: e.DeclaredGone) -> str:
    return f"the command of {told.step} is gone, says its owner{why_of(what.note)}"


@tells(e.LeftRunning)
def _(told: Told, what: e.LeftRunning) -> str:
    return f"what {told.step} left behind still runs: {few(what.processes)}; is it left, or ended?"


@tells(e.LeftAnswered)
def _(told: Told, what: e.LeftAnswered) -> str:
    owner = " (for its owner)" if what.for_owner else ""
    said = "stays" if what.choice == "leave" else "is ended"
    return f"what {told.step} left running {said}{owner}{why_of(what.note)}"


@tells(e.LeftEnded)
def _(told: Told, what: e.LeftEnded) -> str:
    if what.remaining:
        return f"what {told.step} left running could NOT all be ended: {few(what.remaining)}"
    return f"what {told.step} left running has ended"


@tells(e.StopAsked)
def _(told: Told, what: e.StopAsked) -> str:
    return f"stop of {told.step} asked for{why_of(what.reason)}"


@tells(e.StepEstimated)
def _(told: Told, what: e.StepEstimated) -> str:
    return f"{told.step}: about {span(what.rest)} more, says its owner"


@tells(e.StepAdded)
def _(told: Told, what: e.StepAdded) -> str:
    done = f", done at {clock(told, what.already_done)} already" if what.already_done else ""
    undo = "; how to undo it is NOT decided" if what.undo_later else ""
    return f"step added: {what.added.title}{done}{why_of(what.reason)}{undo}"


@tells(e.StepCorrected)
def _(told: Told, what: e.StepCorrected) -> str:
    now = [f"is {what.state}"] if what.state else []
    now += [f"effect is {what.effect}"] if what.effect else []
    now += [f"{name} = {value}" for name, value in what.values.items()]
    return f"{told.step} corrected: {', '.join(now) or 'nothing'}{why_of(what.reason)}"


@tells(e.StepLate)
def _(told: Told, what: e.StepLate) -> str:
    return f"{told.step} takes longer than {'twice its duration' if what.times > 1 else 'planned'}"


@tells(e.ValueRecorded)
def _(told: Told, what: e.ValueRecorded) -> str:
    return f"{told.step}: {what.name} = {what.value}"


@tells(e.EvidenceAdded)
def _(told: Told, what: e.EvidenceAdded) -> str:
    about = f"{told.step}: " if told.event.step else ""
    return f"{about}evidence {what.name}{why_of(what.text)}" if what.name else f"{about}evidence{why_of(what.text)}"


@tells(e.NoteAdded)
def _(told: Told, what: e.NoteAdded) -> str:
    about = f" on {told.step}" if told.event.step else ""
    return f"note{about}: {what.text}"
