"""The ways back and the ways out: roll back, run mine, undo one step, contingency, abandon, the end.

The word is typed, never Enter alone. Everything here names the halts that it answers (R2).
"""

from __future__ import annotations

from collections.abc import Sequence

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No, agreed, any_of, over_or
from quarterdeck.console.commands.questions import ask_undo, last_with_effect
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Form, reason, text, word
from quarterdeck.console.names import name_of, owner_of, step_of
from quarterdeck.console.rollback_cost import rollback_cost
from quarterdeck.session import forecast, intents
from quarterdeck.session.intents import Intent
from quarterdeck.session.missing import missing_in_rollback
from quarterdeck.session.parts import UndoItem
from quarterdeck.session.rollback import preview
from quarterdeck.spans import span
from quarterdeck.text import visible

__all__ = [
    "Abandon",
    "Contingency",
    "DecideUndo",
    "EndSession",
    "RollBack",
    "RollbackNow",
    "RunMine",
    "StopMine",
    "UndoStep",
]

SHOWN = 12
"""Undo steps that the bar lists by name; the procedure pane shows them all."""


class RollBack(Command):
    """Commits the rollback.

    Everything that was done is undone, newest first. It shows what will be undone, what cannot be, the minutes
    it needs and the margin to the window's end, and asks for the word ROLLBACK. From there the forward plan is
    locked for good.
    """

    id = "roll_back"
    title = "Roll back all"
    key = "B"
    place = 3
    word = "roll back"

    def available(self, situation: Situation) -> Available:
        """While halted, before the point of no return, once."""
        words = over_or(
            situation,
            "" if situation.halts() else "halt first (H): a rollback starts from halted; b shows what it would be",
        )
        if situation.session.rollback is not None:
            words = "the rollback is committed already"
        intent = intents.RollBack(halts=situation.halts(), typed="ROLLBACK", waiver="?")
        return agreed(situation, intent, words, reason_comes=True)

    async def run(self, desk: Desk) -> None:
        """Show it all, ask for the word, commit."""
        situation = desk.situation
        unknown = situation.effect_questions() or [
            r.id for r in situation.session.steps.values() if r.effect == "unknown"
        ]
        fields = []
        if situation.reason_open():
            fields.append(reason("Why was it halted?"))
        if unknown:
            names = ", ".join(name_of(situation.session, step) for step in unknown)
            fields.append(text("waiver", f"Effect unknown: {names}. Why roll back all the same? (an exception)"))

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            halts, waiver = desk.situation.halts(), given.get("waiver", "")
            commit = intents.RollBack(halts=halts, typed=given["word"], waiver=waiver)
            return [*halted_because(desk, given), ("waiver" if unknown else "word", commit)]

        await desk.fill(
            Form(
                "roll_back",
                "Roll back: from here the forward plan is locked for good",
                tuple(rollback_lines(situation)),
                fields=(*fields, word("ROLLBACK")),
                confirm="commit the rollback",
                tone="danger",
                moot=lambda now: (
                    "the rollback is committed"
                    if now.session.rollback
                    else ""
                    if now.halts()
                    else "the halt is answered"
                ),
                survives_halt=True,
            ),
            wishes,
        )


class RollbackNow(Command):
    """Shows what a rollback would be if it were halted now: steps, minutes, people, what stays.

    It changes nothing.
    """

    id = "rollback_now"
    title = "Show the rollback as it would be now"
    key = "b"
    place = 12
    word = "rollback"
    of_view = True

    def available(self, situation: Situation) -> Available:
        """While the forward plan runs and nothing is halted: after a halt the plan is in front anyway."""
        session = situation.session
        if session.rollback is not None:
            rest = "the list shows it" if session.phase == "rolling_back" else "it is through"
            return No(over_or(situation, f"the rollback is committed: {rest}"))
        if session.past_no_return:
            return No(over_or(situation, "past the point of no return nothing is rolled back"))
        if session.phase not in {"running", "validating"}:
            return No(over_or(situation, "it is for while the plan runs"))
        return No("the list shows it; B rolls back") if situation.halts() else YES

    async def run(self, desk: Desk) -> None:
        await desk.view.rollback_now()


def halted_because(desk: Desk, given: Answers) -> list[tuple[str, Intent]]:
    """First why it was halted, where that is open and the form has asked."""
    asked = desk.situation.reason_open() and "reason" in given
    return [("reason", intents.GiveReason(reason=given["reason"]))] if asked else []


def rollback_lines(situation: Situation) -> list[str]:
    """What will be undone, what cannot be, minutes needed, margin to the window's end."""
    session = situation.session
    back = preview(session)
    lines = rollback_cost(session, back, forecast.clocks(session, situation.now), situation.off)
    for number, item in enumerate(back.items[:SHOWN], 1):
        step = step_of(session, item.step)
        title = step.title if step else item.step
        undoes = f"  (undoes {name_of(session, item.undoes)})" if item.undoes else ""
        undoes = f"{undoes}  ASKS first" if item.asks else undoes
        lines.append(f"{number:>3} {title}  {item.owner}  {span(item.duration)}{undoes}")
    if len(back.items) > SHOWN:
        lines.append(f"    and {len(back.items) - SHOWN} more: see the rollback plan")
    lines += [f"MISSING {each.words} · {each.hint}" for each in missing_in_rollback(session, situation.unset)]
    for identity in back.stays:
        step = step_of(session, identity)
        lines.append(f"stays: {name_of(session, identity)}: {step.undo_none if step else ''}")
    later = [run.id for run in session.steps.values() if run.undo_later and run.effect != "none"]
    lines += [
        f"CANNOT be undone as it stands: {name_of(session, identity)} (its undo was left for later)"
        for identity in later
    ]
    return lines


class RunMine(Command):
    """Runs your undo steps one after the other, until one fails or asks."""

    id = "run_mine"
    title = "Run all my undo steps, one after the other"
    key = "A"
    place = 4
    word = "run all my undos"

    def available(self, situation: Situation) -> Available:
        rollback = situation.session.rollback
        if rollback is not None and rollback.run_mine:
            return No("your undo steps run already")
        answer = agreed(situation, intents.RunMine(roles=_mine(situation)))
        return No("no rollback runs", relevant=False) if isinstance(answer, No) and rollback is None else answer

    async def run(self, desk: Desk) -> None:
        for step in desk.situation.undo_questions():
            if not await ask_undo(desk, step):
                return
        situation = desk.situation
        roles = _mine(situation)
        rollback = situation.session.rollback
        items = [
            i for i in (rollback.items if rollback else []) if situation.run(i.step).state in {"pending", "claimed"}
        ]
        if not items:
            desk.say("Nothing of yours is left to undo", "warning")
            return
        total = sum(item.duration for item in items)
        lines = [
            f"{n:>3} {name_of(situation.session, item.step)}  {item.owner}" for n, item in enumerate(items[:SHOWN], 1)
        ]
        if len(items) > SHOWN:
            lines.append(f"    and {len(items) - SHOWN} more")
        lines.append("They stop at the first that fails or asks.")
        me = situation.me
        await desk.fill(
            Form(
                "run_mine",
                f"Run {_parts(items)} one after the other, about {span(total)}",
                tuple(lines),
                large=f"{me.login}@{me.host or 'this machine'}",
                confirm="RUN",
                tone="change",
                moot=lambda now: "" if now.session.phase == "rolling_back" else "the rollback is over",
            ),
            lambda _: [("", intents.RunMine(roles=roles))],
        )


def _parts(items: Sequence[UndoItem]) -> str:
    """`3 undo steps and 2 checks`."""
    undo = sum(1 for item in items if item.undoes)
    checks = len(items) - undo
    said = [f"{undo} undo step{'' if undo == 1 else 's'}"] if undo else []
    said += [f"{checks} check{'' if checks == 1 else 's'}"] if checks else []
    return " and ".join(said)


def _mine(situation: Situation) -> tuple[str, ...]:
    """Roles whose undo steps are mine: with one seat, every role in the list."""
    return situation.session.index.due_owners


class StopMine(Command):
    """Stops running my undo steps by themselves; the one that runs goes on, the next waits for S."""

    id = "stop_mine"
    title = "Stop running my undo steps by themselves"

    def available(self, situation: Situation) -> Available:
        back = situation.session.rollback
        return YES if back is not None and back.run_mine else No("no undo steps run by themselves")

    async def run(self, desk: Desk) -> None:
        await desk.ask(intents.RunMine(roles=_mine(desk.situation), stop=True))


class UndoStep(Command):
    """Undoes only the latest started step that changed something, and makes it available again.

    While paused or halted: a false halt is no reason to undo everything.
    """

    id = "undo_step"
    title = "Undo only the last step, then pause"
    key = "U"
    place = 4
    word = "undo last"

    def available(self, situation: Situation) -> Available:
        """While paused or halted, for the latest step with an effect."""
        step = last_with_effect(situation)
        if not step:
            return No("there is no step to undo alone")
        words = "there is no step to undo alone" if situation.session.rollback is not None else ""
        return agreed(situation, intents.UndoStep(step=step, halts=situation.halts(), reason="?"), words)

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        step = last_with_effect(situation)
        definition = situation.step(step)
        if definition is None:
            return
        lines = [
            f"runs   {undo.title}  {owner_of(situation.session, undo.id)}  {span(undo.duration)}"
            for undo in definition.undo
        ]

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            undo = intents.UndoStep(step=step, halts=desk.situation.halts(), reason=given["reason"])
            return [*halted_because(desk, given), ("reason", undo)]

        await desk.fill(
            Form(
                f"undo_step:{step}",
                f"Undo only {name_of(situation.session, step)}",
                (*lines, "Then it pauses, and the step can be started again."),
                fields=(reason(),),
                confirm="undo it",
                tone="change",
                survives_halt=True,
            ),
            wishes,
        )


class DecideUndo(Command):
    """For a step with a partial or unknown effect: run its undo, do it by hand, or say that it is not needed."""

    id = "decide_undo"
    title = "Decide an undo: run, by hand, or not needed"

    def available(self, situation: Situation) -> Available:
        asked = situation.undo_questions()
        return any_of(situation, asked, lambda step: intents.DecideUndo(step=step, choice="run"), "no undo asks")

    async def run(self, desk: Desk) -> None:
        step = await desk.which("Decide", desk.situation.undo_questions())
        if step:
            await ask_undo(desk, step)


class Contingency(Command):
    """Runs the contingency steps: the way for trouble after the point of no return."""

    id = "contingency"
    title = "Contingency: run its steps"

    def available(self, situation: Situation) -> Available:
        plan = situation.session.plan
        words = "" if plan is not None and plan.contingency else "the procedure has no contingency steps"
        return agreed(situation, intents.StartContingency(halts=situation.halts(), reason="?"), words)

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        plan = situation.session.plan
        steps = [plan.steps[step] for step in plan.contingency] if plan else []

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            start = intents.StartContingency(halts=desk.situation.halts(), reason=given["reason"])
            return [*halted_because(desk, given), ("reason", start)]

        await desk.fill(
            Form(
                "contingency",
                "Contingency: from here the forward plan is left",
                tuple(f"{n:>3} {step.title}  {step.owner}  {span(step.duration)}" for n, step in enumerate(steps, 1)),
                fields=(reason(),),
                confirm="start the contingency",
                tone="danger",
                survives_halt=True,
            ),
            wishes,
        )


class Abandon(Command):
    """Hands over and ends the session here, with a note who takes care of what.

    It skips closing, and is the way out of every state in which nothing runs.
    """

    id = "abandon"
    title = "Abandon: hand over and end here"

    def available(self, situation: Situation) -> Available:
        words = over_or(situation, "something runs: halt first (H)" if situation.live() else "")
        return agreed(situation, intents.Abandon(reason="?", handover="?", halts=situation.halts()), words)

    async def run(self, desk: Desk) -> None:
        """Ask for the reason and the hand-over note."""
        situation = desk.situation
        effects = [run.id for run in situation.session.steps.values() if run.effect != "none" and not run.undone]
        lines = tuple(f"stays as it is: {name_of(situation.session, step)}" for step in effects[:SHOWN])

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            halts = desk.situation.halts()
            end = intents.Abandon(reason=given["reason"], handover=given["handover"], halts=halts)
            return [*halted_because(desk, given), ("", end)]

        await desk.fill(
            Form(
                "abandon",
                "Abandon: hand over and end here",
                lines,
                fields=(reason(), text("handover", "Hand-over: who takes care of what from here?"), word("ABANDON")),
                confirm="abandon",
                tone="danger",
                moot=lambda now: "the session is over" if now.is_over else "",
                survives_halt=True,
            ),
            wishes,
        )


class EndSession(Command):
    """Ends the session when its closing steps are through; the outcome's name and the verdicts are worked out."""

    id = "end_session"
    title = "End the session"

    def available(self, situation: Situation) -> Available:
        return agreed(situation, intents.EndSession(), over_or(situation, ""))

    async def run(self, desk: Desk) -> None:
        readings = desk.situation.readings
        bad = ", ".join(visible(name, 60) for name, reading in readings.items() if reading.status == "critical")
        title = "End the session: nothing but addenda follow"
        still = (f"STILL CRITICAL: {bad}",) if bad else ()
        form = Form("end_session", title, still, confirm="END", tone="change")
        await desk.fill(form, lambda _: [("", intents.EndSession())])
