"""What a person does with a step that did not go as planned: stop, estimate, by hand, retry, accept, declare."""

from __future__ import annotations

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No, any_of
from quarterdeck.console.commands.questions import ask_effect, ask_gone, ask_left
from quarterdeck.console.commands.steps import ENDED_BADLY, finish, may_start, meant, meant_live, start_or_retry
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Form, reason, text
from quarterdeck.console.names import name_of
from quarterdeck.errors import UsageError
from quarterdeck.session import intents
from quarterdeck.session.state import LIVE
from quarterdeck.spans import parse_span, span

__all__ = [
    "Accept", "AnswerLeft", "DeclareEffect", "DeclareGone", "DoneByHand", "Estimate", "Retry", "StopNow",
    "WithholdOutput",
    "wrong_span",
]  # fmt: skip


class StopNow(Command):
    """Stops a running command now.

    All of it is asked to end, and killed after its grace; no further line of it runs. What it had done is asked next.
    """

    id = "stop_now"
    title = "Stop the running command now"
    key = "T"
    place = 8
    word = "stop it"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation, situation.live(), lambda step: intents.StopCommand(step=step, reason="?"), "no command runs"
        )

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        possible = [s for s in situation.live() if not situation.refusal(intents.StopCommand(step=s, reason="?"))]
        step = await desk.which("Stop", meant_live(situation, possible))
        if not step:
            return
        await desk.fill(
            Form(
                f"stop:{step}",
                f"Stop {name_of(situation.session, step)} now",
                ("No further line of it runs; after its grace it is killed. What it changed by then is unknown.",),
                fields=(reason(),),
                confirm="stop it",
                tone="danger",
                moot=lambda now: "" if now.run(step).state in {"running", "granted"} else now.became(step),
                survives_halt=True,
            ),
            lambda given: [("reason", intents.StopCommand(step=step, reason=given["reason"]))],
        )


class Estimate(Command):
    """Says how long the running step still needs; the clocks and the forecast follow."""

    id = "estimate"
    title = "Estimate the rest of a running step"
    key = "E"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation, situation.live(), lambda step: intents.Estimate(step=step, rest=60.0), "no step is under way"
        )

    async def run(self, desk: Desk) -> None:
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
                moot=lambda now: "" if now.run(step).state in LIVE else now.became(step),
            ),
            lambda given: [("rest", intents.Estimate(step=step, rest=parse_span(given["rest"])))],
        )
        if answers is not None:
            desk.say(f"{name_of(situation.session, step)}: {span(parse_span(answers['rest']))} to go")


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
        return any_of(
            situation,
            self._possible(situation),
            lambda s: intents.FinishStep(step=s, by_hand=True, note="?"),
            "no step waits that could be done by hand",
        )

    @staticmethod
    def _possible(situation: Situation) -> list[str]:
        return [*situation.startable(), *situation.again()]

    async def run(self, desk: Desk) -> None:
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
        failed = situation.again()
        answers = [may_start(situation, step) for step in failed]
        return YES if YES in answers else next(iter(answers), No("no step has failed"))

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        step = await desk.which("Retry", meant(situation, situation.again()))
        if step:
            await start_or_retry(desk, step)


class Accept(Command):
    """Accepts a verification that failed or could not be read, with a reason: an exception in the record."""

    id = "accept"
    title = "Accept a verification that failed"

    def available(self, situation: Situation) -> Available:
        waiting = [step for step in situation.live() if situation.run(step).state == "verifying"]
        return any_of(
            situation, waiting, lambda step: intents.AcceptStep(step=step, reason="?"), "no verification waits"
        )

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        waiting = [step for step in situation.live() if situation.run(step).state == "verifying"]
        step = await desk.which("Accept", meant(situation, waiting))
        if not step:
            return
        read = [
            f"{'ok ' if p.ok else 'not ok' if p.ok is False else 'unread'}  {p.title}: {p.read}"
            for p in situation.run(step).proofs
        ]
        await desk.fill(
            Form(
                f"accept:{step}",
                f"Accept {name_of(situation.session, step)} as it is",
                tuple(read),
                fields=(reason("Why is that good enough?"),),
                confirm="accept",
                tone="change",
                moot=lambda now: "" if now.run(step).state == "verifying" else now.became(step),
            ),
            lambda given: [("reason", intents.AcceptStep(step=step, reason=given["reason"]))],
        )


class DeclareEffect(Command):
    """Says what a step changed: nothing, part, all, or don't know. A rollback works on this."""

    id = "declare_effect"
    title = "Say what a step changed"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation,
            self._possible(situation),
            lambda step: intents.DeclareEffect(step=step, effect="none"),
            "no effect is unknown",
        )

    @staticmethod
    def _possible(situation: Situation) -> list[str]:
        declared = [
            r.id for r in situation.session.steps.values() if r.effect == "unknown" and r.state in ENDED_BADLY
        ]
        return list(dict.fromkeys([*situation.effect_questions(), *declared]))

    async def run(self, desk: Desk) -> None:
        step = await desk.which("Changed", meant(desk.situation, self._possible(desk.situation)))
        if step:
            await ask_effect(desk, step)


class DeclareGone(Command):
    """Says that a command which could not be stopped, or proven to have ended, is gone."""

    id = "declare_gone"
    title = "Declare a command gone"

    def available(self, situation: Situation) -> Available:
        """While the end of a command is not proven."""
        return any_of(
            situation,
            situation.gone_questions(),
            lambda step: intents.DeclareGone(step=step),
            "the end of every command is proven",
        )

    async def run(self, desk: Desk) -> None:
        step = await desk.which("Gone", meant(desk.situation, desk.situation.gone_questions()))
        if step:
            await ask_gone(desk, step)


class WithholdOutput(Command):
    """Gives up an output that is sealed because nobody knows which secrets it may show: it is deleted unread."""

    id = "withhold_output"
    title = "Withhold a sealed output for good"

    def available(self, situation: Situation) -> Available:
        """While one is sealed."""
        return any_of(
            situation,
            self._sealed(situation),
            lambda step: intents.WithholdOutput(step=step, reason="…"),
            "no output is sealed",
        )

    @staticmethod
    def _sealed(situation: Situation) -> list[str]:
        runs = situation.session.steps.values()
        return [run.id for run in runs if any(attempt.sealed for attempt in run.runs)]

    async def run(self, desk: Desk) -> None:
        step = await desk.which("Withhold", meant(desk.situation, self._sealed(desk.situation)))
        if not step:
            return
        answers = await desk.fill(
            Form(
                f"withhold:{step}",
                f"{name_of(desk.situation.session, step)}: delete its sealed output unread?",
                fields=(reason(),),
                confirm="withhold it for good",
                tone="change",
            )
        )
        if answers is not None:
            await desk.ask(intents.WithholdOutput(step=step, reason=answers["reason"]))


class AnswerLeft(Command):
    """Says whether what a command left running goes on, or is ended. A halt alone never ends it."""

    id = "answer_left"
    title = "Leave or end what a step left running"

    def available(self, situation: Situation) -> Available:
        """While it is asked."""
        return YES if situation.left_questions() else No("nothing that a step left running is asked about")

    async def run(self, desk: Desk) -> None:
        """Ask."""
        step = await desk.which("Left running", meant(desk.situation, desk.situation.left_questions()))
        if step:
            await ask_left(desk, step)
