"""What a person does with a step: start, done, fail, skip, verify, stop, estimate, by hand, retry, accept, declare.

S, D, F and K act on the step that the next line names; where another one is meant, or two run, a bar asks which.
"""

from __future__ import annotations

from collections.abc import Iterable

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No, agreed
from quarterdeck.console.commands.questions import ask_effect, ask_gone
from quarterdeck.console.commands.starting import start_session, start_step
from quarterdeck.console.forms import Field, Form, reason, text
from quarterdeck.console.situation import Situation
from quarterdeck.console.words import name_of, parse_span, span
from quarterdeck.errors import UsageError
from quarterdeck.procedure.model import Step
from quarterdeck.session import availability, intents

__all__ = [
    "Accept", "DeclareEffect", "DeclareGone", "Done", "DoneByHand", "Estimate", "Fail", "Retry", "Skip", "Start",
    "StopNow", "Verify", "meant",
]  # fmt: skip

ENDED_BADLY = frozenset({"failed", "interrupted", "unknown"})


def meant(situation: Situation, steps: Iterable[str]) -> list[str]:
    """Of the steps that an act could be for, those that may be meant: the named one, or the selected one too."""
    possible = list(dict.fromkeys(steps))
    if situation.selected in possible:
        others = [step for step in possible if step == situation.named and step != situation.selected]
        return [*others, situation.selected]
    if situation.named in possible:
        return [situation.named]
    return possible


def meant_live(situation: Situation, steps: Iterable[str]) -> list[str]:
    """As `meant`, but with two running a bar asks which."""
    possible = list(dict.fromkeys(steps))
    return possible if len(possible) > 1 else meant(situation, possible)


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
        if situation.is_over:
            return No("the session is over")
        candidates = situation.startable() or situation.again()
        if candidates and not situation.halts():
            first = meant(situation, candidates)[0]
            asked = YES if first in situation.effect_questions() else None
            return asked or agreed(situation, intents.StartStep(step=first, again=True))
        if situation.session.phase == "planned":
            gates = availability.open_gates(situation.session, situation.now)
            return No("; ".join(gates)) if gates and situation.halts() else YES
        if situation.halts():
            return No("a halt is live: answer it first (enter)")
        if situation.state in {"paused", "rollback_paused"}:
            return No("paused: G goes on")
        if situation.live():
            return No(f"{name_of(situation.session, situation.live()[0])} is under way")
        return No("no step is ready to start")

    async def run(self, desk: Desk) -> None:
        """Start it."""
        situation = desk.situation
        candidates = situation.startable() or situation.again()
        if not candidates and situation.session.phase == "planned":
            await start_session(desk)
            return
        step = await desk.which("Start", meant(situation, candidates))
        if step:
            await start_or_retry(desk, step)


async def start_or_retry(desk: Desk, step: str) -> None:
    """Start a step; where an attempt ended badly its effect is asked for first."""
    situation = desk.situation
    if step in situation.effect_questions() and not await ask_effect(desk, step):
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
        return _any(
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


def _any(situation: Situation, steps: list[str], intent: object, otherwise: str) -> Available:
    """Yes where the rules agree for one of the steps; else why not for the first."""
    why = otherwise
    for number, step in enumerate(steps):
        answer = agreed(situation, intent(step))  # type: ignore[operator]  # a function from a step to an intent
        if isinstance(answer, No):
            why = answer.because if number == 0 else why
        else:
            return YES
    return No(why)


def value_fields(step: Step, known: dict[str, str]) -> list[Field]:
    """A field for each value that the step records by hand and that is not there yet."""
    return [
        text(f"value:{wanted.name}", f"{wanted.title or wanted.name}{f' ({wanted.unit})' if wanted.unit else ''}")
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
    answers: dict[str, str] = {}
    if fields:
        filled = await desk.fill(
            Form(
                f"done:{step}",
                f"{name_of(situation.session, step)}: done{' by hand' if by_hand else ''}",
                fields=tuple(fields),
                confirm="done",
                moot=lambda now: (
                    "it is finished" if now.run(step).state in {"done", "done_manually", "skipped"} else ""
                ),
            )
        )
        if filled is None:
            return
        answers = filled
    if proof := answers.get("evidence", ""):
        path = definition.evidence == "file"
        evidence = intents.AddEvidence(step=step, path=proof) if path else intents.AddEvidence(step=step, text=proof)
        if (await desk.ask(evidence)).refusal:
            return
    values = {name.removeprefix("value:"): value for name, value in answers.items() if name.startswith("value:")}
    await desk.ask(intents.FinishStep(step=step, by_hand=by_hand, values=values, note=answers.get("note", "")))


class Fail(Command):
    """Says that the step did not work, with the reason. What it changed is asked for next."""

    id = "fail"
    title = "Fail: the step did not work"
    key = "F"
    place = 6
    word = "fail"

    def available(self, situation: Situation) -> Available:
        """While a step is under way."""
        return _any(
            situation, situation.live(), lambda step: intents.FailStep(step=step, reason="?"), "no step is under way"
        )

    async def run(self, desk: Desk) -> None:
        """Ask why, then say failed."""
        situation = desk.situation
        possible = [s for s in situation.live() if not situation.refusal(intents.FailStep(step=s, reason="?"))]
        step = await desk.which("Fail", meant_live(situation, possible))
        if not step:
            return
        answers = await desk.fill(
            Form(
                f"fail:{step}",
                f"{name_of(situation.session, step)}: failed",
                fields=(reason("What went wrong?"),),
                confirm="it failed",
                tone="change",
                moot=lambda now: "" if now.run(step).state in {"running", "verifying", "granted"} else "it is over",
            )
        )
        if answers is not None:
            await desk.ask(intents.FailStep(step=step, reason=answers["reason"]))


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
        return _any(
            situation,
            self._possible(situation),
            lambda step: intents.SkipStep(step=step, reason="?"),
            "no step to leave out",
        )

    @staticmethod
    def _possible(situation: Situation) -> list[str]:
        open_ones = [*situation.startable(), *situation.again()]
        if situation.selected in situation.in_force() and situation.selected not in open_ones:
            open_ones.append(situation.selected)
        return meant(situation, open_ones)

    async def run(self, desk: Desk) -> None:
        """Ask why, then skip."""
        situation = desk.situation
        intent = {s: intents.SkipStep(step=s, reason="?") for s in self._possible(situation)}
        possible = [step for step, wish in intent.items() if not isinstance(agreed(situation, wish), No)]
        step = await desk.which("Skip", possible)
        if not step:
            return
        answers = await desk.fill(
            Form(
                f"skip:{step}",
                f"Skip {name_of(situation.session, step)}",
                ("An exception: it stands first in the record.",),
                fields=(reason("Why is it left out?"),),
                confirm="skip it",
                tone="change",
                moot=lambda now: "it is under way" if now.run(step).state in {"granted", "running", "done"} else "",
            )
        )
        if answers is not None:
            await desk.ask(intents.SkipStep(step=step, reason=answers["reason"]))


class Verify(Command):
    """Reads a step's verifications again and shows what was read."""

    id = "verify"
    title = "Verify again"
    key = "v"
    any_case = True
    place = 9
    word = "verify"

    def available(self, situation: Situation) -> Available:
        """While a step with verifications was started."""
        found = _verifiable(situation)
        return _any(
            situation,
            found,
            lambda step: intents.VerifyStep(step=step),
            "no step with verifications is at that point",
        )

    async def run(self, desk: Desk) -> None:
        """Read them."""
        situation = desk.situation
        possible = [s for s in _verifiable(situation) if not situation.refusal(intents.VerifyStep(step=s))]
        step = await desk.which("Verify", meant(situation, possible)[-1:] if possible else [])
        if step and not (await desk.ask(intents.VerifyStep(step=step))).refusal:
            desk.say(f"Reading the verifications of {name_of(situation.session, step)}")


def _verifiable(situation: Situation) -> list[str]:
    session = situation.session
    runs = sorted(session.steps.values(), key=lambda run: (run.state != "verifying", -run.sequence))
    found = [r.id for r in runs if r.sequence and (step := situation.step(r.id)) is not None and step.verify]
    if situation.selected in found:
        found.remove(situation.selected)
        found.insert(0, situation.selected)
    return found


class StopNow(Command):
    """Stops a running command now.

    SIGINT, SIGTERM, its grace, then SIGKILL to all of it. What it had done by then is asked for next.
    """

    id = "stop_now"
    title = "Stop the running command now"
    key = "T"

    def available(self, situation: Situation) -> Available:
        """While a command runs."""
        return _any(
            situation, situation.live(), lambda step: intents.StopCommand(step=step, reason="?"), "no command runs"
        )

    async def run(self, desk: Desk) -> None:
        """Ask, then stop it."""
        situation = desk.situation
        possible = [s for s in situation.live() if not situation.refusal(intents.StopCommand(step=s, reason="?"))]
        step = await desk.which("Stop", meant_live(situation, possible))
        if not step:
            return
        answers = await desk.fill(
            Form(
                f"stop:{step}",
                f"Stop {name_of(situation.session, step)} now",
                ("SIGINT, SIGTERM, its grace, then SIGKILL. What it changed by then is unknown.",),
                fields=(reason(),),
                confirm="stop it",
                tone="danger",
                moot=lambda now: "" if now.run(step).state in {"running", "granted"} else "it is over",
                survives_halt=True,
            )
        )
        if answers is not None:
            await desk.ask(intents.StopCommand(step=step, reason=answers["reason"]))


class Estimate(Command):
    """Says how long the running step still needs; the clocks and the forecast follow."""

    id = "estimate"
    title = "Estimate the rest of a running step"
    key = "E"

    def available(self, situation: Situation) -> Available:
        """While a step runs."""
        return _any(
            situation, situation.live(), lambda step: intents.Estimate(step=step, rest=60.0), "no step is under way"
        )

    async def run(self, desk: Desk) -> None:
        """Ask for a span."""
        situation = desk.situation
        step = await desk.which("Estimate", meant_live(situation, situation.live()))
        if not step:
            return
        answers = await desk.fill(
            Form(
                f"estimate:{step}",
                f"{name_of(situation.session, step)}: how long does it still need?",
                fields=(text("rest", "From now, like 9m or 1h30m", check=wrong_span),),
                confirm="estimate",
                moot=lambda now: "" if now.run(step).state in {"running", "verifying", "granted"} else "it is over",
            )
        )
        if answers is not None:
            rest = parse_span(answers["rest"])
            if not (await desk.ask(intents.Estimate(step=step, rest=rest))).refusal:
                desk.say(f"{name_of(situation.session, step)}: {span(rest)} to go")


def wrong_span(given: str) -> str:
    """What is wrong with a span, or nothing."""
    try:
        parse_span(given)
    except UsageError as error:
        return str(error)
    return ""


class DoneByHand(Command):
    """Reports a step as done without its command: somebody did it by hand (noted in the record)."""

    id = "done_by_hand"
    title = "Done by hand: the step was done without its command"

    def available(self, situation: Situation) -> Available:
        """While a step waits that a person could have done."""
        return _any(
            situation,
            self._possible(situation),
            lambda s: intents.FinishStep(step=s, by_hand=True, note="?"),
            "no step waits that could be done by hand",
        )

    @staticmethod
    def _possible(situation: Situation) -> list[str]:
        return [*situation.startable(), *situation.again()]

    async def run(self, desk: Desk) -> None:
        """Ask what was done."""
        step = await desk.which("Done by hand", meant(desk.situation, self._possible(desk.situation)))
        if step:
            await finish(desk, step, by_hand=True)


class Retry(Command):
    """Starts a new attempt of a step that failed, was interrupted or ended unknown.

    It needs its effect declared as nothing, unless the procedure says that it may be repeated.
    """

    id = "retry"
    title = "Retry a failed step"

    def available(self, situation: Situation) -> Available:
        """While a step has ended badly."""
        return YES if situation.again() and not situation.is_over else No("no step has failed")

    async def run(self, desk: Desk) -> None:
        """Start it again."""
        situation = desk.situation
        step = await desk.which("Retry", meant(situation, situation.again()))
        if step:
            await start_or_retry(desk, step)


class Accept(Command):
    """Accepts a verification that failed or could not be read, with a reason: an exception in the record."""

    id = "accept"
    title = "Accept a verification that failed"

    def available(self, situation: Situation) -> Available:
        """While a step waits in verifying."""
        waiting = [step for step in situation.live() if situation.run(step).state == "verifying"]
        return _any(
            situation, waiting, lambda step: intents.AcceptStep(step=step, reason="?"), "no verification waits"
        )

    async def run(self, desk: Desk) -> None:
        """Ask why."""
        situation = desk.situation
        waiting = [step for step in situation.live() if situation.run(step).state == "verifying"]
        step = await desk.which("Accept", meant(situation, waiting))
        if not step:
            return
        read = [
            f"{'ok ' if p.ok else 'not ok' if p.ok is False else 'unread'}  {p.title}: {p.read}"
            for p in situation.run(step).proofs
        ]
        answers = await desk.fill(
            Form(
                f"accept:{step}",
                f"Accept {name_of(situation.session, step)} as it is",
                tuple(read),
                fields=(reason("Why is that good enough?"),),
                confirm="accept",
                tone="change",
                moot=lambda now: "" if now.run(step).state == "verifying" else "it is over",
            )
        )
        if answers is not None:
            await desk.ask(intents.AcceptStep(step=step, reason=answers["reason"]))


class DeclareEffect(Command):
    """Says what a step changed: nothing, part, all, or don't know. A rollback works on this."""

    id = "declare_effect"
    title = "Say what a step changed"

    def available(self, situation: Situation) -> Available:
        """While an effect is unknown."""
        return YES if self._possible(situation) else No("no effect is unknown")

    @staticmethod
    def _possible(situation: Situation) -> list[str]:
        declared = [
            r.id for r in situation.session.steps.values() if r.effect == "unknown" and r.state in ENDED_BADLY
        ]
        return list(dict.fromkeys([*situation.effect_questions(), *declared]))

    async def run(self, desk: Desk) -> None:
        """Ask."""
        step = await desk.which("Changed", meant(desk.situation, self._possible(desk.situation)))
        if step:
            await ask_effect(desk, step)


class DeclareGone(Command):
    """Says that a command which could not be stopped, or proven to have ended, is gone."""

    id = "declare_gone"
    title = "Declare a command gone"

    def available(self, situation: Situation) -> Available:
        """While the end of a command is not proven."""
        return YES if situation.gone_questions() else No("the end of every command is proven")

    async def run(self, desk: Desk) -> None:
        """Ask how it is known."""
        step = await desk.which("Gone", meant(desk.situation, desk.situation.gone_questions()))
        if step:
            await ask_gone(desk, step)
