"""Whether a step may start (R8, R9, R13, R14, R20, R21, R24, and the start guard)."""

from __future__ import annotations

from math import ceil, floor

from msgspec import Struct

from quarterdeck.procedure.model import Step
from quarterdeck.session.availability import blockers, is_in_force, moment
from quarterdeck.session.event import Actor
from quarterdeck.session.events.poll import PollOpened
from quarterdeck.session.events.step import StepClaimed, StepDone, StepGranted, StepReported, StepStarted
from quarterdeck.session.forecast import need, need_after
from quarterdeck.session.parts import Watch
from quarterdeck.session.rollback import due_item
from quarterdeck.session.rules.answer import Answer, Refusal, StepWish, draft, title, ways_on
from quarterdeck.session.state import Session, StepRun
from quarterdeck.spans import measured, span

__all__ = ["ClaimStep", "Launch", "StartStep", "may_start", "not_gone"]


class Launch(Struct, frozen=True, omit_defaults=True):
    """What the station prepared so that a command can start: filled in by the station, never by a console."""

    run: str = ""
    argv: tuple[str, ...] = ()
    shell: bool = False
    spool: str = ""
    host: str = ""
    hosts: tuple[str, ...] = ()
    """All names of this machine, to hold against the step's `host`."""


class ClaimStep(StepWish, frozen=True, kw_only=True):
    """Take a step."""

    of_people = True

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Take a step; of two people one gets it (R20)."""
        if run.claimed_by and run.claimed_by != by.login:
            return Refusal(f"{run.claimed_by} has it")
        if run.state not in {"pending", "claimed"}:
            return Refusal(f"it is {run.state.replace('_', ' ')}")
        return [] if run.claimed_by else [draft(StepClaimed(), run)]


class StartStep(StepWish, frozen=True, kw_only=True):
    """Start a step. `waivers` maps what is waived (`start_guard`, `host`, `start_by`) to the reason."""

    of_people = True
    filled_by_station = (
        "launch",
        "watch",
    )
    waivers: dict[str, str] = {}
    launch: Launch | None = None
    again: bool = False
    """Confirms another run of what is not idempotent."""
    by_phone: str = ""
    watch: Watch | None = None

    def decide_on(self, session: Session, step: Step, run: StepRun, by: Actor, now: float) -> Answer:
        """Start a step: granted and started, in one transaction where hub and performer are one."""
        refused = may_start(session, run, now) or _claimed(run, by) or _waivable(session, self, run, now)
        if refused is not None:
            return refused
        attempt = run.attempt + 1
        launch = self.launch or Launch()
        granted = StepGranted(to=by.login, waivers={k: v for k, v in self.waivers.items() if v.strip()})
        started = StepStarted(
            run=launch.run,
            argv=launch.argv,
            shell=launch.shell,
            spool=launch.spool,
            host=launch.host or by.host,
            answered=tuple(nonce for nonce, mark in session.halts.items() if mark.answered),
            by_phone=self.by_phone,
            watch=self.watch,
        )
        drafts = [draft(granted, run, attempt), draft(started, run, attempt)]
        match step.kind:
            case "poll":
                drafts.append(draft(PollOpened(), run, attempt))
            case "check":
                drafts.append(draft(StepReported(), run, attempt))
            case "note":
                drafts.append(draft(StepDone(), run, attempt))
            case _:
                pass
        return drafts


def may_start(session: Session, run: StepRun, now: float) -> Refusal | None:
    """What no waiver helps against."""
    assert session.plan is not None
    identity, part = run.id, session.plan.places[run.id].part
    if session.is_over:
        return Refusal("the session is over")
    if session.live_halts():
        return Refusal("it is halted: nothing starts", hint=ways_on(session))
    if session.gaps:
        return Refusal("a copy of the logbook has a hole: nothing starts until it is filled")
    if session.unknown_kinds:
        return Refusal("the logbook was written by a newer version: read only")
    again = identity == session.poll_again
    if not is_in_force(session, identity) and not again:
        return Refusal(f"“{title(session, identity)}” is not part of what runs now", hint=_what_runs(session))
    if session.phase == "rolling_back" and session.rollback is not None and session.rollback.paused:
        return Refusal("the rollback is paused", hint="G goes on")
    if session.paused and not session.undoing and not again:
        return Refusal("it is paused: nothing new starts", hint="G goes on")
    if again:
        return None
    if part == "stages" and session.open_proposals():
        return Refusal("a guard proposes a halt: nothing starts", hint="H halts, X dismisses it with a reason")
    why = blockers(session, identity, now)
    if why:
        return Refusal(f"“{title(session, identity)}” {_predicate(why[0])}")
    return _undecided(session, run)


def _claimed(run: StepRun, by: Actor) -> Refusal | None:
    """R20: what somebody claimed is started by nobody else."""
    return Refusal(f"{run.claimed_by} has it") if run.state == "claimed" and run.claimed_by != by.login else None


def _predicate(why: str) -> str:
    return f"does not start: {why}"


def _what_runs(session: Session) -> str:
    return {"planned": "S starts the session", "rolling_back": "A runs mine"}.get(session.phase, "")


def _undecided(session: Session, run: StepRun) -> Refusal | None:
    """R6: an undo of a partial or unknown effect never runs unasked."""
    item = due_item(session, run.id)
    if item is None or not item.asks or session.steps[item.undoes].undo_choice:
        return None
    why = f"pick first what happens with the undo of “{title(session, item.undoes)}”"
    return Refusal(why, hint="run, by hand, or not needed", waivable="undo")


def _waivable(session: Session, intent: StartStep, run: StepRun, now: float) -> Refusal | None:
    """What the lead may waive with a reason."""
    assert session.plan is not None
    step = session.plan.steps[run.id]
    waived = {what for what, why in intent.waivers.items() if why.strip()}
    launch = intent.launch
    if step.host and launch is not None and launch.hosts and not set(step.host) & set(launch.hosts):
        where = " or ".join(step.host)
        if "host" not in waived:
            return Refusal(f"“{step.title}” runs on {where}; this is {launch.hosts[0]}", waivable="host")
    if step.start_by and "start_by" not in waived:
        latest = moment(session, step.start_by)
        if latest is not None and now > latest:
            return Refusal(f"“{step.title}” should have been started {span(now - latest)} ago", waivable="start_by")
    asks = run.state in {"failed", "interrupted", "unknown"} and step.mutates and not step.idempotent
    if asks and session.plan.places[run.id].part == "undo" and not intent.again and "again" not in waived:
        return Refusal(f"“{step.title}” may not be safe to run twice", hint="confirm it", waivable="again")
    if "gone" not in waived and (why := not_gone(session, run.id)):
        return Refusal(why, hint="look, then run it with a reason", waivable="gone")
    return None if "start_guard" in waived else _start_guard(session, run, now)


def not_gone(session: Session, undo: str) -> str:
    """R6: why an undo waits for the `gone` check of what it undoes, whose effect is not sure; else empty."""
    item = due_item(session, undo)
    if item is None or not item.asks or session.plan is None or session.plan.steps[item.undoes].gone is None:
        return ""
    proof, name = session.steps[item.undoes].gone, title(session, item.undoes)
    if proof is None:
        return f"whether the command of “{name}” is gone is being read"
    read = f"{proof.title}: {proof.read or 'nothing'}"
    return "" if proof.ok else f"the command of “{name}” is not proven gone: {read}"


def _start_guard(session: Session, run: StepRun, now: float) -> Refusal | None:
    """Refuse where a rollback would no longer fit the window after this step, or already does not fit."""
    assert session.plan is not None
    step = session.plan.steps[run.id]
    if session.window is None or session.plan.places[run.id].part != "stages" or session.past_no_return:
        return None
    room = session.window.end - session.window.reserve - now
    remain, before = room - step.duration, need(session, now)
    needs = 0.0 if step.point_of_no_return else need_after(session, run.id)
    if needs <= remain:
        return None
    window = f"the window, less {measured(round(session.window.reserve))} reserve,"
    if step.point_of_no_return:
        why = f"this step takes {measured(ceil(step.duration))}; {window} has {_rest(room)} left"
    elif before > room:
        why = f"a rollback already does not fit: it needs {measured(ceil(before))}; {window} has {_rest(room)} left"
    else:
        why = f"after this step a rollback needs {measured(ceil(needs))}; {window} then has {_rest(remain)} left"
    return Refusal(why, hint="start it with a waiver and its reason", waivable="start_guard")


def _rest(seconds: float) -> str:
    return measured(floor(seconds)) if seconds >= 1 else "nothing"
