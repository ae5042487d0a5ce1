"""How something is started: the start bar of a step, its waivers, and the start of the session.

Used by several commands; holds no command itself. What is refused but may be waived is offered again with a
reason; what may not be waived stays refused.
"""

from __future__ import annotations

from quarterdeck.console.commands.base import Desk
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Form, reason
from quarterdeck.console.names import command_line, name_of
from quarterdeck.console.rollback_cost import against_window
from quarterdeck.procedure.interpreters import script_manner
from quarterdeck.procedure.model import Step
from quarterdeck.procedure.secrets import how_to_set, named_secrets
from quarterdeck.session import availability, forecast, intents, rollback
from quarterdeck.session.missing import missing_later
from quarterdeck.spans import hour, span, stretch

__all__ = ["start_session", "start_step"]

WAIVERS = {
    "start_guard": "The window is too short",
    "host": "This is not the machine that the step names",
    "start_by": "It is past the latest start",
    "sign_off": "A sign-off is missing",
    "gone": "What it undoes is not proven gone",
}


async def start_step(desk: Desk, step: str, *, again: bool = False) -> bool:
    """Show the start bar where the step changes something, then start it; offer a waiver where one helps."""
    situation = desk.situation
    definition = situation.step(step)
    if definition is None:
        return False
    waivers: dict[str, str] = {}
    refusal = situation.refusal(intents.StartStep(step=step, again=again))
    if refusal is not None and not refusal.waivable:
        await desk.ask(intents.StartStep(step=step, again=again))  # the station says why, in its own words
        return False
    if _changes(situation, definition, step) and await desk.fill(start_bar(situation, definition)) is None:
        return False
    for _ in range(len(WAIVERS) + 1):
        intent = intents.StartStep(step=step, waivers=waivers, again=again)
        expected = desk.situation.refusal(intent)
        what, why = (expected.waivable, expected.why) if expected else ("", "")
        if not what:
            answer = await desk.ask(intent, offers=True)
            if not answer.refusal:
                return True
            what, why = answer.waivable, answer.refusal
        if not what or what in waivers:
            return False
        if what == "again":
            again = await _confirm_again(desk, step, why)
            if not again:
                return False
            continue
        answers = await desk.fill(_waiver(situation, step, what, why))
        if answers is None:
            return False
        waivers[what] = answers["reason"]
    return False


def _changes(situation: Situation, step: Step, identity: str) -> bool:
    undo = situation.session.plan is not None and situation.session.plan.part(identity) == "undo"
    return (step.mutates or undo) and step.kind != "poll"


def start_bar(situation: Situation, step: Step) -> Form:
    """What will run, where, as whom, how long, what a rollback needs afterwards, what watches it."""
    session, me = situation.session, situation.me
    user = "root" if step.become == "root" else me.login
    host = step.host[0] if step.host else me.host or "this machine"
    command = command_line(step)
    lines = []
    if command:
        lines.append(f"runs   {command}")
        if step.shell:
            lines.append(f"script {script_manner(step)}")
    elif step.instructions:
        lines.append(f"you do {step.instructions.strip().splitlines()[0]}")
    if step.become == "root":
        lines.append(f"as     root, through sudo, asked for by {me.login}")
    if step.cwd:
        lines.append(f"in     {step.cwd}")
    lines += _secrets(situation, step)
    limit = f", stopped after {span(step.timeout)} (time limit)" if step.timeout else ""
    lines.append(f"takes  about {span(step.duration)}{limit}")
    back = _back_afterwards(situation, step)
    if back:
        lines.append(f"back   {back}")
    watched = _watched(situation, step)
    if watched:
        lines.append(f"watch  {watched}")
    for guard, why in availability.blind_guards(session, situation.now):
        lines.append(f"BLIND  guard {guard.title}: {why}")
    after = _by_themselves(situation, step)
    if after:
        lines.append(f"then   by itself, without a key: {after}")
    if step.point_of_no_return:
        lines.append("POINT OF NO RETURN: there is no rollback after it")
    refusal = situation.refusal(intents.StartStep(step=step.id, again=True))
    if refusal is not None and refusal.waivable in WAIVERS:
        lines.append(f"WAIVER a reason is asked for next: {refusal.why}")
    return Form(
        f"start:{step.id}",
        f"Start {_attempt(situation, step.id)}",
        tuple(lines),
        large=f"{user}@{host}",
        confirm="START",
        tone="danger" if step.point_of_no_return else "change",
        moot=lambda now: (
            ""
            if now.view(step.id) in {"available", "failed", "interrupted", "unknown", "claimed"}
            else now.became(step.id)
        ),
    )


def _secrets(situation: Situation, step: Step) -> list[str]:
    """Which secrets the command gets, what of them is missing, and what an unset one means that it does not name."""
    plan = situation.session.plan
    if plan is None:
        return []
    named = named_secrets(plan.procedure, step)
    lines = []
    if named:
        lines.append(f"gets   the secret{'s' if len(named) > 1 else ''} {', '.join(named)}")
    for name, reference in situation.unset.items():
        if name in named:
            lines.append(f"MISSING secret {name} is not set: it will be refused · {how_to_set(reference)}")
        elif step.shell:
            lines.append(f"not    the secret {name}: it is not set, and the script does not name it")
    return lines


def _back_afterwards(situation: Situation, step: Step) -> str:
    session = situation.session
    if session.plan is None or session.plan.part(step.id) != "stages" or session.past_no_return:
        return ""
    if step.point_of_no_return:
        return "impossible afterwards"
    listed = any(run.id == step.id for run in rollback.listed(session))  # after another attempt, counted already
    own = 0.0 if listed else sum(undo.duration for undo in step.undo)
    needed = rollback.preview(session).seconds + own
    text = "a rollback afterwards has nothing to undo"
    if needed:
        with_people = forecast.need_after(session, step.id)
        text = f"a rollback afterwards needs {span(needed)} of work, {span(with_people)} with time for people"
        clocks = forecast.clocks(session, situation.now)
        if clocks is not None and not clocks.forward_only:
            back = situation.now + step.duration + with_people
            text += f": {against_window(back, clocks, situation.off)}"
    if step.undo_none:
        text += f"; nothing to undo here: {step.undo_none}"
    return text


def _by_themselves(situation: Situation, step: Step) -> str:
    """The steps behind this one that start without a key once it is done, and those behind them."""
    session, plan = situation.session, situation.session.plan
    if plan is None:
        return ""
    found, ahead = list[str](), list(plan.followers.get(step.id, ()))
    while ahead:
        follower = ahead.pop(0)
        if follower in found or not plan.steps[follower].auto_start or situation.run(follower).state != "pending":
            continue
        found.append(follower)
        ahead += plan.followers.get(follower, ())
    return ", ".join(name_of(session, follower) for follower in found)


def _watched(situation: Situation, step: Step) -> str:
    plan = situation.session.plan
    if plan is None:
        return ""
    place = plan.places[step.id]
    if place.part != "stages":
        names = {"undo": "rollback", "verify": "rollback", "contingency": "contingency", "closing": "closing"}
        where = {step.id, names.get(place.part, "")}
    else:
        where = {step.id, place.stage_id}
    blind = [guard for guard, _ in availability.blind_guards(situation.session, situation.now)]
    guards = [
        g.title
        for g in plan.procedure.guards
        if g not in blind and ((not g.during and place.part == "stages") or where & set(g.during))
    ]
    text = ", ".join(guards) if guards else "no guard"
    if plan.on_unknown and place.part == "stages":
        text += f"; pauses where {', '.join(plan.on_unknown)} cannot be read"
    if step.expect_outage is not None:
        text += f"; {step.expect_outage.target} may be down for {span(step.expect_outage.max)}"
    if step.verify:
        text += f"; {len(step.verify)} verification{'s' if len(step.verify) > 1 else ''} afterwards"
    return text


def _attempt(situation: Situation, step: str) -> str:
    """The step and, from the second on, the attempt that a start would be: `7 Reindex orders (attempt 2)`."""
    number = situation.run(step).attempt + 1
    return f"{name_of(situation.session, step)}{f' (attempt {number})' if number > 1 else ''}"


def _waiver(situation: Situation, step: str, what: str, why: str) -> Form:
    return Form(
        f"waive:{what}:{step}",
        f"{WAIVERS.get(what, what.replace('_', ' '))}: start {_attempt(situation, step)} all the same?",
        (why, "An exception: it stands first in the record."),
        fields=(reason("Why is it waived?"),),
        confirm="waive and start",
        tone="danger",
    )


async def _confirm_again(desk: Desk, step: str, why: str) -> bool:
    form = Form(
        f"again:{step}",
        f"Run {_attempt(desk.situation, step)} again?",
        (why, "It is not written to be repeated."),
        confirm="run it again",
        tone="danger",
    )
    return await desk.fill(form) is not None


def _guards_read(situation: Situation) -> list[str]:
    """What each guard reads now; those that are blind stand with what is open."""
    plan = situation.session.plan
    if plan is None or not plan.procedure.guards:
        return []
    from quarterdeck.session.guard_watch import readings_of  # with the condition language: a start does without
    from quarterdeck.session.metric_history import MetricHistory

    metrics = MetricHistory(plan.procedure.targets)
    metrics.at = situation.boot
    for name, reading in situation.readings.items():
        metrics.take(
            name,
            reading.boot,
            {**reading.values, "status": reading.status},
            units=reading.units,
            max_age=reading.max_age,
            sound="stale" not in reading.flags,
            message=reading.message,
        )
    blind = [guard for guard, _ in availability.blind_guards(situation.session, situation.now)]
    said = [f"{guard.title} ({readings_of(guard, metrics)})" for guard in plan.procedure.guards if guard not in blind]
    return [f"watch  {', '.join(said)}"] if said else []


async def start_session(desk: Desk, *, override: bool = False) -> bool:
    """Begin the window's forward plan; what is open has to be overridden with a reason."""
    situation = desk.situation
    session = situation.session
    gates = availability.open_gates(session, situation.now)
    if gates and not override:
        desk.say(f"Not yet: {'; '.join(gates)}. The palette (^p) starts with an override.", "warning")
        return False
    plan = session.plan
    steps = len(plan.forward) if plan else 0
    work = sum(plan.steps[step].duration for step in plan.forward) if plan else 0.0
    lines = [f"{steps} step{'' if steps == 1 else 's'}, {span(work)} of planned work"]
    if window := session.planned_window:
        lines.append(f"window {stretch(window.get('start', ''), window.get('end', ''), situation.off)}")
    else:
        lines.append("no window is given: change, rollback and reserve from now are assumed")
    lines += _guards_read(situation)
    lines += [f"open: {gate}" for gate in gates]
    lines += [f"MISSING {each.words} · {each.hint}" for each in missing_later(session, situation.unset)]
    answers = await desk.fill(
        Form(
            "start_session",
            f"Start: {session.title}",
            tuple(lines),
            large=f"{situation.me.login}@{situation.me.host or 'this machine'}",
            fields=(reason("Why start although that is open? (an exception)"),) if gates else (),
            confirm="START",
            tone="danger" if gates else "change",
            moot=lambda now: (
                ""
                if now.session.phase == "planned"
                else f"started at {hour(now.session.started or now.now, now.off)}"
            ),
        ),
        lambda given: [("reason" if gates else "", intents.StartSession(override=given.get("reason", "")))],
    )
    return answers is not None
