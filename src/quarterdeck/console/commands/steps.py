"""What a person does with a step: start, done, fail, skip, verify.

S, D, F and K act on the step that the next line names; where another one is meant, or two run, a bar asks which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from itertools import chain, islice

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No, agreed, any_of, over_or
from quarterdeck.console.commands.note import added
from quarterdeck.console.commands.questions import ask_effect, ask_undo
from quarterdeck.console.commands.start import start_session, start_step
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Field, Form, reason, text
from quarterdeck.console.names import name_of
from quarterdeck.procedure.model import Step
from quarterdeck.session import intents
from quarterdeck.session.intents import Intent
from quarterdeck.session.rules.proofs import wrong_value
from quarterdeck.session.state import LIVE

__all__ = [
    "ENDED_BADLY", "Done", "Fail", "Skip", "Start", "Verify", "finish", "may_start", "meant", "meant_live",
    "start_or_retry",
]  # fmt: skip

ENDED_BADLY = frozenset({"failed", "interrupted", "unknown"})


def meant(situation: Situation, steps: Collection[str], also: Collection[str] = ()) -> Collection[str]:
    """Of the steps that an act could be for, those that may be meant: the named one, or the selected one too.

    `also`: those that the act could be for only where they are meant.
    """
    named, selected = situation.named, situation.selected
    if selected in steps or selected in also:
        is_other = named != selected and (named in steps or named in also)
        return [named, selected] if is_other else [selected]
    return [named] if named in steps or named in also else steps


def meant_live(situation: Situation, steps: Collection[str]) -> Collection[str]:
    """As `meant`, but with two running a bar asks which."""
    return steps if len(steps) > 1 else meant(situation, steps)


class Start(Command):
    """Starts the step that the next line names (or the session, in planning).

    A step that changes something opens its start bar first: what will run, where, as whom, how long, what a
    rollback needs afterwards, what watches it. Enter starts.
    """

    id = "start"
    title = "Start the next step"
    key = "S"
    place = 4
    word = "start"

    def available(self, situation: Situation) -> Available:
        """While a step can be started, or the session."""
        candidate = next(iter(_possible(situation)), "")
        words = over_or(situation, _what_else(situation))
        if candidate:
            return may_start(situation, candidate, "" if not situation.halts() else words)
        if situation.session.phase == "planned":
            return agreed(situation, intents.StartSession(), words if situation.halts() else "")
        return No(words)

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        candidates = _possible(situation)
        if not candidates and situation.session.phase == "planned":
            await start_session(desk)
            return
        step = await desk.which("Start", candidates)
        if step:
            await start_or_retry(desk, step)


def _possible(situation: Situation) -> Collection[str]:
    """What may be started or tried again; what ended badly only where that is meant, or nothing else is there."""
    fresh, again = situation.startable(), situation.again()
    return meant(situation, fresh, also=again) if fresh else meant(situation, again)


def _what_else(situation: Situation) -> str:
    """Why nothing is there to be started."""
    if situation.halts():
        return "a halt is live: answer it first (enter)"
    if situation.state in {"paused", "rollback_paused"}:
        return "paused: G goes on"
    live = situation.live()
    return f"{name_of(situation.session, live[0])} is under way" if live else "no step is ready to start"


def may_start(situation: Situation, step: str, words: str = "") -> Available:
    """Whether this step may be started or tried again; where its effect is not said yet, that is asked first."""
    if step in situation.effect_questions() and not situation.halts():
        return YES
    return agreed(situation, intents.StartStep(step=step, again=True), words)


async def start_or_retry(desk: Desk, step: str) -> None:
    """Start a step; where an attempt ended badly its effect is asked for first."""
    situation = desk.situation
    if step in situation.effect_questions() and not await ask_effect(desk, step):
        return
    undone = situation.session.plan.places[step].undoes if situation.session.plan is not None else ""
    asked = undone in situation.undo_questions()
    if asked and not (await ask_undo(desk, undone) and desk.situation.run(undone).undo_choice == "run"):
        return
    await start_step(desk, step, again=situation.run(step).state in ENDED_BADLY)


class Done(Command):
    """Says that the step is done; its verifications are read before it counts.

    Where the step asks for values or evidence, a form opens.
    """

    id = "done"
    title = "Done: the running step is finished"
    key = "D"
    place = 5
    word = "done"

    def available(self, situation: Situation) -> Available:
        """While a step of a person is under way."""
        return any_of(
            situation,
            _finishable(situation),
            lambda s: intents.FinishStep(step=s, by_hand=situation.run(s).state in ENDED_BADLY, note="?"),
            "no step of yours is under way",
        )

    async def run(self, desk: Desk) -> None:
        """Ask what it needs, then say done."""
        situation = desk.situation
        step = await desk.which("Done", meant_live(situation, _finishable(situation)))
        if step:
            await finish(desk, step, by_hand=situation.run(step).state in ENDED_BADLY)


def _finishable(situation: Situation) -> list[str]:
    """Manual steps under way; without one, those that ended badly and were then done by hand."""
    live = [
        step
        for step in situation.live()
        if (found := situation.step(step)) is not None
        and found.kind in {"manual", "note", "wait"}
        and situation.run(step).state == "running"
    ]
    return live or situation.again()


def value_fields(step: Step, known: dict[str, str]) -> list[Field]:
    """A field for each value that the step records by hand and that is not there yet."""
    return [
        text(
            f"value:{wanted.name}",
            f"{wanted.title or wanted.name}{f' ({wanted.unit})' if wanted.unit else ''}",
            check=partial(wrong_value, wanted),
        )
        for wanted in step.record
        if wanted.name not in known
    ]


async def finish(desk: Desk, step: str, *, by_hand: bool) -> None:
    """Ask for missing values and evidence, then report the step done."""
    situation = desk.situation
    definition, run = situation.step(step), situation.run(step)
    if definition is None:
        return
    fields = value_fields(definition, run.values)
    if definition.evidence in {"text", "file"} and not run.evidence:
        label = "Evidence: what did you see?" if definition.evidence == "text" else "Evidence: path of the file"
        fields.append(text("evidence", label))
    if by_hand:
        fields.append(text("note", "What was done, and how do you know that it worked?"))

    def wishes(given: Answers) -> list[tuple[str, Intent]]:
        wanted: list[tuple[str, Intent]] = []
        proof = given.get("evidence", "")
        if proof and not desk.situation.run(step).evidence:
            wanted.append(("evidence", added(step, proof, is_file=definition.evidence == "file")))
        values = {name.removeprefix("value:"): value for name, value in given.items() if name.startswith("value:")}
        done = intents.FinishStep(step=step, by_hand=by_hand, values=values, note=given.get("note", ""))
        return [*wanted, ("", done)]

    if not fields:
        for _, intent in wishes({}):
            await desk.ask(intent)
        return
    await desk.fill(
        Form(
            f"done:{step}",
            f"{name_of(situation.session, step)}: done{' by hand' if by_hand else ''}",
            fields=tuple(fields),
            confirm="done",
            moot=lambda now: "it is finished" if now.run(step).state in {"done", "done_manually", "skipped"} else "",
        ),
        wishes,
    )


class Fail(Command):
    """Says that the step did not work, with the reason. What it changed is asked for next."""

    id = "fail"
    title = "Fail: the step did not work"
    key = "F"
    place = 6
    word = "fail"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation, situation.live(), lambda step: intents.FailStep(step=step, reason="?"), "no step is under way"
        )

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        possible = [s for s in situation.live() if not situation.refusal(intents.FailStep(step=s, reason="?"))]
        step = await desk.which("Fail", meant_live(situation, possible))
        if not step:
            return
        await desk.fill(
            Form(
                f"fail:{step}",
                f"{name_of(situation.session, step)}: failed",
                fields=(reason("What went wrong?"),),
                confirm="it failed",
                tone="change",
                moot=lambda now: "" if now.run(step).state in LIVE else now.became(step),
            ),
            lambda given: [("reason", intents.FailStep(step=step, reason=given["reason"]))],
        )


class Skip(Command):
    """Leaves a step out, with a reason.

    An exception in the record. Steps of the plan only where the procedure says skippable; steps of a rollback,
    contingency or closing always. The effect that is there stays.
    """

    id = "skip"
    title = "Skip a step"
    key = "K"
    place = 7
    word = "skip"

    def available(self, situation: Situation) -> Available:
        """While a step that may be left out has not finished."""
        return any_of(
            situation,
            self._possible(situation),
            lambda step: intents.SkipStep(step=step, reason="?"),
            "no step to leave out",
        )

    @staticmethod
    def _possible(situation: Situation) -> Iterable[str]:
        """What is meant, else what may be left out; the first of all, which may not be, says why not."""
        fresh, again = situation.startable(), situation.again()
        chosen = [situation.selected] if situation.in_force(situation.selected) else []
        found = meant(situation, fresh, also=[*again, *chosen])
        if found is not fresh:
            return found
        return chain(islice(fresh, 1), fresh.among(situation.session.index.may_be_skipped), again)

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        intent = {s: intents.SkipStep(step=s, reason="?") for s in self._possible(situation)}
        possible = [step for step, wish in intent.items() if not isinstance(agreed(situation, wish), No)]
        step = await desk.which("Skip", possible)
        if not step:
            return
        await desk.fill(
            Form(
                f"skip:{step}",
                f"Skip {name_of(situation.session, step)}",
                ("An exception: it stands first in the record.",),
                fields=(reason("Why is it left out?"),),
                confirm="skip it",
                tone="change",
                moot=lambda now: "it is under way" if now.run(step).state in {"granted", "running", "done"} else "",
            ),
            lambda given: [("reason", intents.SkipStep(step=step, reason=given["reason"]))],
        )


class Verify(Command):
    """Reads a step's verifications again and shows what was read."""

    id = "verify"
    title = "Verify again"
    key = "v"
    any_case = True
    place = 9
    word = "verify"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation,
            _verifiable(situation),
            lambda step: intents.VerifyStep(step=step),
            "no step with verifications is at that point",
        )

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        possible = [s for s in _verifiable(situation) if not situation.refusal(intents.VerifyStep(step=s))]
        step = await desk.which("Verify", list(meant(situation, possible))[-1:])
        if step and not (await desk.ask(intents.VerifyStep(step=step))).refusal:
            desk.say(f"Reading the verifications of {name_of(situation.session, step)}")


def _verifiable(situation: Situation) -> list[str]:
    """What may be read again, the selected step first; where nothing may, the first says why."""
    begun, session = situation.session.index.read_again, situation.session
    asked = begun.among([*islice(begun, 1), *session.index.working, *session.rechecks])
    return list(dict.fromkeys([*begun.among([situation.selected]), *asked]))
