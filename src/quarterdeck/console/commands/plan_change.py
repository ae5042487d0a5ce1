"""What no plan foresaw: an added step (R29), a correction (R30), a longer window (R31)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import partial

from quarterdeck.console.commands.base import Available, Command, Desk, No, agreed, any_of
from quarterdeck.console.commands.recover import wrong_span
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Choice, Field, Form, choice, reason, text
from quarterdeck.console.names import name_of
from quarterdeck.errors import UsageError
from quarterdeck.procedure.model import OnHalt, Step
from quarterdeck.session import intents
from quarterdeck.session.intents import Intent
from quarterdeck.session.rules.proofs import wrong_value
from quarterdeck.spans import hour, parse_span, span

__all__ = ["AddStep", "Correct", "Extend", "Review"]


class AddStep(Command):
    """Adds a step that was not in the plan.

    What, who, how long, how to undo it. It enters the forecast and the rollback list; without it the rollback
    list would lie. In a rollback, A runs mine.
    """

    id = "add_step"
    title = "Add a step that was not in the plan"
    key = "A"

    def available(self, situation: Situation) -> Available:
        trial = Step(id="added", title="?", kind="manual", owner="lead", duration=60.0, mutates=True, undo_none="?")
        answer = agreed(situation, intents.AddStep(step=trial, reason="?"))
        if isinstance(answer, No) and situation.session.phase == "rolling_back":
            return No("in a rollback A runs mine", relevant=False)
        return answer

    async def run(self, desk: Desk) -> None:
        """Ask for it all in one bar."""
        situation = desk.situation
        plan = situation.session.plan
        if plan is None:
            return
        behind = situation.selected if situation.selected in plan.forward else ""
        if not behind:
            live = [step for step in situation.live() if step in plan.forward]
            finished = [step for step in plan.forward if situation.run(step).sequence]
            behind = (live or finished or [""])[-1]
        roles = ("lead", *(role for role in plan.procedure.roles if role != "lead"))
        identity = f"added-{len(situation.session.added) + 1}"

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            addition = intents.AddStep(
                step=_step(identity, given),
                after=behind,
                undo_later=given["undo"] == "later",
                already_done=parse_time(given["done"], situation.now, situation.off) if given["done"] else 0.0,
                reason=given["reason"],
            )
            return [("", addition)]

        answers = await desk.fill(
            Form(
                "add_step",
                "Add a step" + (f" behind {name_of(situation.session, behind)}" if behind else " at the end"),
                ("A deviation: it stands in the record with the reason.",),
                fields=_fields(roles),
                confirm="add it",
                tone="change",
                survives_halt=True,
                moot=lambda now: "the session is over" if now.is_over else "",
            ),
            wishes,
        )
        if answers is not None:
            desk.say(f"Added: {answers['title']}")


def _fields(roles: tuple[str, ...]) -> tuple[Field, ...]:
    return (
        text("title", "What? (imperative)"),
        text("command", "Command (empty: a person does it)", required=False, check=_wrong_command),
        choice("owner", "Who?", *(Choice(str(n), role, role) for n, role in enumerate(roles, 1)), initial="lead"),
        text("duration", "How long? (9m)", initial="5m", check=wrong_span),
        choice(
            "undo",
            "How is it undone?",
            Choice("1", "none", "it needs no undo", "say why below"),
            Choice("2", "manual", "by a person", "say how below"),
            Choice("3", "later", "decide later", "listed in red"),
            Choice("4", "nothing", "it changes nothing"),
        ),
        Field("how", "Undo: how, or why none", when=lambda given: given.get("undo") in {"none", "manual"}),
        text("done", "Already done at (13:50; empty: not yet)", required=False, check=_wrong_time),
        reason("Why is it needed?"),
    )


def _wrong_command(given: str) -> str:
    import shlex

    try:
        shlex.split(given)
    except ValueError as error:
        return f"as a command line: {error}"
    return ""


def _step(identity: str, answers: Answers) -> Step:
    import shlex

    argv = tuple(shlex.split(answers["command"])) if answers["command"] else ()
    seconds = parse_span(answers["duration"])
    undo: tuple[Step, ...] = ()
    if answers["undo"] == "manual":
        undo = (
            Step(
                id=f"{identity}-undo",
                title=f"Undo: {answers['how']}"[:120],
                kind="manual",
                owner=answers["owner"],
                duration=seconds,
                instructions=answers["how"],
                mutates=True,
            ),
        )
    changes = answers["undo"] != "nothing"
    return Step(
        id=identity,
        title=answers["title"],
        kind="command" if argv else "manual",
        command=argv,
        owner=answers["owner"],
        duration=seconds,
        mutates=changes,
        undo=undo,
        undo_none=answers["how"] if answers["undo"] == "none" else "",
        skippable=True,
        on_halt=OnHalt() if changes else OnHalt(action="terminate"),
    )


def parse_time(given: str, now: float, off: int) -> float:
    """Epoch seconds of `13:50`, the nearest such time to `now`, or of an ISO time; both in the zone of the screen.

    `off` is minutes east of UTC. UsageError for anything else.
    """
    here = timezone(timedelta(minutes=off))
    text_ = given.strip()
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})", text_):
        hour, minute = int(match[1]), int(match[2])
        if hour < 24 and minute < 60:
            local = datetime.fromtimestamp(now, here)
            at = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return min(
                (at + timedelta(days=day) for day in (-1, 0, 1)), key=lambda t: abs(t.timestamp() - now)
            ).timestamp()
    else:
        try:
            at = datetime.fromisoformat(text_)
            return (at if at.tzinfo else at.replace(tzinfo=here)).timestamp()
        except ValueError:
            pass  # said below, in one sentence for both forms
    raise UsageError(f"{given!r} is no time", hint="like 13:50, or 2026-11-29T03:40+01:00")


def _wrong_time(given: str) -> str:
    try:
        parse_time(given, 0.0, 0)
    except UsageError as error:
        return str(error)
    return ""


class Correct(Command):
    """Corrects a wrong done, effect or value by a new event; the old one stays visible."""

    id = "correct"
    title = "Correct a step: a wrong done, effect or value"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation,
            _correctable(situation),
            lambda step: intents.CorrectStep(step=step, state="done", reason="?"),
            "no step has ended",
        )

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        found = _correctable(situation)
        if situation.selected in found:
            found = [situation.selected]
        step = await desk.which("Correct", found)
        if not step:
            return
        run = situation.run(step)
        definition = situation.step(step)
        values = [
            text(
                f"value:{wanted.name}",
                f"{wanted.title or wanted.name}",
                required=False,
                initial=run.values.get(wanted.name, ""),
                check=partial(wrong_value, wanted),
            )
            for wanted in (definition.record if definition else ())
        ]

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            typed = {name.removeprefix("value:"): value for name, value in given.items() if name.startswith("value:")}
            correction = intents.CorrectStep(
                step=step,
                state="" if given["state"] == "same" else given["state"],  # type: ignore[arg-type]  # from the choices
                effect=None if given["effect"] == "same" else given["effect"],  # type: ignore[arg-type]
                values={name: value for name, value in typed.items() if value and value != run.values.get(name)},
                reason=given["reason"],
            )
            return [("", correction)]

        await desk.fill(
            Form(
                f"correct:{step}",
                f"Correct {name_of(situation.session, step)}: {run.state.replace('_', ' ')}, effect {run.effect}",
                fields=(
                    choice(
                        "state",
                        "It was",
                        Choice("1", "same", "as it says"),
                        Choice("2", "done", "done"),
                        Choice("3", "failed", "failed"),
                        initial="same",
                    ),
                    choice(
                        "effect",
                        "Its effect is",
                        Choice("1", "same", "as it says"),
                        Choice("2", "none", "nothing"),
                        Choice("3", "partial", "part"),
                        Choice("4", "full", "all"),
                        initial="same",
                    ),
                    *values,
                    reason("How do you know?"),
                ),
                confirm="correct it",
                tone="change",
            ),
            wishes,
        )


def _correctable(situation: Situation) -> list[str]:
    ended = {"done", "done_manually", "failed", "skipped", "interrupted", "unknown"}
    runs = [run for run in situation.session.steps.values() if run.state in ended and run.sequence]
    return [run.id for run in sorted(runs, key=lambda run: -run.sequence)]


class Extend(Command):
    """Lets the window end later, with a reason and an approver; every clock follows."""

    id = "extend"
    title = "Extend the window"

    def available(self, situation: Situation) -> Available:
        window = situation.session.window
        later = intents.ExtendWindow(end=window.end + 60 if window else 0.0, reason="?")
        return agreed(situation, later, "no window is running" if window is None or situation.is_over else "")

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        window = situation.session.window
        if window is None:
            return

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            end = _end(given["end"], window.end, situation.off)
            return [("end", intents.ExtendWindow(end=end, reason=given["reason"], approver=given["approver"]))]

        answers = await desk.fill(
            Form(
                "extend",
                f"The window ends at {hour(window.end, situation.off)}",
                fields=(
                    text(
                        "end",
                        "New end: 04:30, or how much longer: +30m",
                        check=lambda g: _wrong_end(g, window.end, situation.off),
                    ),
                    text("approver", "Approved by (empty: by you alone, an exception)", required=False),
                    reason(),
                ),
                confirm="extend",
                tone="change",
                survives_halt=True,
            ),
            wishes,
        )
        if answers is not None:
            end = _end(answers["end"], window.end, situation.off)
            desk.say(f"The window ends at {hour(end, situation.off)}, {span(end - window.end)} later")


def _end(given: str, old: float, off: int) -> float:
    return old + parse_span(given.strip()[1:]) if given.strip().startswith("+") else parse_time(given, old, off)


def _wrong_end(given: str, old: float, off: int) -> str:
    try:
        return "" if _end(given, old, off) > old else "that is not later"
    except UsageError as error:
        return str(error)


class Review(Command):
    """Seals a session that is over: reviewed, with a note. Nothing but addenda follow."""

    id = "review"
    title = "Review and seal the session"

    def available(self, situation: Situation) -> Available:
        return agreed(situation, intents.CloseSession(note="?"), "the session is not at that point")

    async def run(self, desk: Desk) -> None:
        form = Form("review", "Review: seal the session", fields=(text("note", "What was learned?"),), confirm="seal")
        await desk.fill(form, lambda given: [("note", intents.CloseSession(note=given["note"]))])
