"""Answers that people give: polls, guards' proposals, criteria, checklist items, sign-offs."""

from __future__ import annotations

from collections.abc import Callable

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No, any_of, over_or
from quarterdeck.console.commands.questions import ask_poll
from quarterdeck.console.commands.start import start_session
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Choice, Form, choice, reason, text
from quarterdeck.console.names import name_of
from quarterdeck.session import intents
from quarterdeck.session.intents import Intent
from quarterdeck.spans import hour

__all__ = [
    "AnswerCriterion", "AnswerPoll", "Dismiss", "OverrideGuard", "SignOff", "StartWithOverride", "TickItem",
]  # fmt: skip


class AnswerPoll(Command):
    """Answers a go/no-go poll: go, no-go, or go with a comment. The lead answers for every seat for now."""

    id = "answer_poll"
    title = "Answer the poll"

    def available(self, situation: Situation) -> Available:
        return any_of(situation, [poll.step for poll in situation.polls()], _go(situation), "no poll is open")

    async def run(self, desk: Desk) -> None:
        step = await desk.which("Answer", [poll.step for poll in desk.situation.polls()])
        if step:
            await ask_poll(desk, step)


def _go(situation: Situation) -> Callable[[str], Intent]:
    """A go for the first role that a poll waits for."""

    def intent(step: str) -> Intent:
        definition = situation.step(step)
        role = definition.roles[0] if definition is not None and definition.roles else ""
        return intents.AnswerPoll(step=step, role=role, answer="go")

    return intent


class Dismiss(Command):
    """Dismisses a guard's proposal to halt, with a reason.

    It comes again when it has cleared and returns, when it worsens, or after ten minutes.
    """

    id = "dismiss"
    title = "Dismiss a guard's proposal to halt"
    key = "X"
    place = 2
    word = "dismiss"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation,
            [proposal.guard for proposal in situation.proposals()],
            lambda guard: intents.DismissProposal(guard=guard, reason="?"),
            "no guard proposes a halt",
        )

    async def run(self, desk: Desk) -> None:
        proposal = desk.situation.proposals()[0]
        await desk.fill(
            Form(
                f"dismiss:{proposal.guard}",
                "Dismiss the proposal to halt",
                (proposal.reason, f"unanswered, it becomes a pause at {hour(proposal.until, desk.situation.off)}"),
                fields=(reason("Why is that no reason to halt?"),),
                confirm="dismiss",
                tone="change",
                moot=lambda now: "" if proposal.guard in {p.guard for p in now.proposals()} else "it is answered",
            ),
            lambda given: [("reason", intents.DismissProposal(guard=proposal.guard, reason=given["reason"]))],
        )


class OverrideGuard(Command):
    """Silences a guard whose condition holds, or that is blind, with a reason: an exception in the record."""

    id = "override_guard"
    title = "Override a guard"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation,
            [*situation.session.holding, *situation.session.blind],
            lambda guard: intents.OverrideGuard(guard=guard, reason="?"),
            over_or(situation, "no guard's condition holds, and none is blind"),
        )

    async def run(self, desk: Desk) -> None:
        session = desk.situation.session
        holding = session.blind | session.holding

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            seconds = float(given["seconds"])
            override = intents.OverrideGuard(guard=given["guard"], reason=given["reason"], seconds=seconds)
            return [("", override)]

        await desk.fill(
            Form(
                "override_guard",
                "Override a guard (an exception)",
                fields=(
                    choice(
                        "guard", "", *(Choice(str(n), g, g, why) for n, (g, why) in enumerate(holding.items(), 1))
                    ),
                    choice(
                        "seconds",
                        "For how long?",
                        Choice("5", "300", "5 minutes"),
                        Choice("0", "0", "until the end"),
                        initial="300",
                    ),
                    reason("Why is it no reason to stop?"),
                ),
                confirm="override",
                tone="danger",
            ),
            wishes,
        )


class AnswerCriterion(Command):
    """Answers a success criterion that a person is asked for: satisfied or not, and what that rests on."""

    id = "answer_criterion"
    title = "Answer a criterion"

    def available(self, situation: Situation) -> Available:
        return any_of(
            situation,
            [identity for identity, _ in _open_criteria(situation)],
            lambda identity: intents.AnswerCriterion(criterion=identity, satisfied=True),
            "no criterion asks",
        )

    async def run(self, desk: Desk) -> None:
        for identity, title in _open_criteria(desk.situation):

            def wishes(given: Answers, identity: str = identity) -> list[tuple[str, Intent]]:
                satisfied = given["satisfied"] == "yes"
                return [("", intents.AnswerCriterion(criterion=identity, satisfied=satisfied, note=given["note"]))]

            answers = await desk.fill(
                Form(
                    f"criterion:{identity}",
                    f"{title}?",
                    fields=(
                        choice("satisfied", "", Choice("y", "yes", "satisfied"), Choice("n", "no", "not satisfied")),
                        text("note", "What does that rest on?"),
                    ),
                    confirm="answer",
                ),
                wishes,
            )
            if answers is None:
                return


def _open_criteria(situation: Situation) -> list[tuple[str, str]]:
    plan = situation.session.plan
    if plan is None or situation.session.started is None:
        return []
    answered = situation.session.criteria
    return [(c.id, c.title) for c in plan.procedure.criteria if c.asked and c.id not in answered]


class SignOff(Command):
    """Signs a finished step off. Where another person than the performer must sign, signing alone needs a waiver."""

    id = "sign_off"
    title = "Sign a step off"

    def available(self, situation: Situation) -> Available:
        return any_of(situation, _awaiting(situation), _signed(situation), "no step awaits a sign-off")

    async def run(self, desk: Desk) -> None:
        """Ask for what it means, then sign."""
        situation = desk.situation
        step = await desk.which("Sign", _awaiting(situation))
        definition = situation.step(step) if step else None
        if definition is None or definition.sign_off is None:
            return
        rule = definition.sign_off
        roles = [role for role in (rule.of or (rule.role,)) if role not in situation.run(step).signed_by]
        answers = await desk.fill(
            Form(
                f"sign:{step}",
                f"Sign {name_of(situation.session, step)} off",
                fields=(
                    choice(
                        "role",
                        "As",
                        *(Choice(str(n), role, role) for n, role in enumerate(roles, 1)),
                        initial=roles[0] if roles else "",
                    ),
                    text("meaning", "What do you sign for?"),
                ),
                confirm="sign",
            )
        )
        if answers is None:
            return
        signature = intents.SignStep(step=step, role=answers["role"], meaning=answers["meaning"])
        refusal = situation.refusal(signature)
        if refusal is not None and refusal.waivable:
            why = await desk.fill(
                Form(
                    f"sign_waiver:{step}",
                    refusal.why,
                    fields=(reason("Why do you sign it yourself? (an exception)"),),
                    tone="danger",
                )
            )
            if why is None:
                return
            signature = intents.SignStep(
                step=step, role=answers["role"], meaning=answers["meaning"], waiver=why["reason"]
            )
        await desk.ask(signature)


def _signed(situation: Situation) -> Callable[[str], Intent]:
    """A signature in the first role that is asked for one."""

    def intent(step: str) -> Intent:
        definition = situation.step(step)
        rule = definition.sign_off if definition is not None else None
        roles = (rule.of or (rule.role,)) if rule is not None else ()
        missing = [role for role in roles if role not in situation.run(step).signed_by]
        return intents.SignStep(step=step, role=next(iter(missing), ""), meaning="?")

    return intent


def _awaiting(situation: Situation) -> list[str]:
    return [run.id for run in situation.session.steps.values() if run.sign_off == "awaiting"]


class TickItem(Command):
    """Ticks an item of the checklist that must be through before Start."""

    id = "tick"
    title = "Tick a checklist item"

    def available(self, situation: Situation) -> Available:
        """While one is open: after Start too, where that was overridden."""
        items = [item for item, _ in _open_items(situation)]
        return any_of(situation, items, lambda item: intents.TickItem(item=item), "every item is ticked")

    async def run(self, desk: Desk) -> None:
        items = _open_items(desk.situation)
        await desk.fill(
            Form(
                "tick",
                "Tick a checklist item",
                fields=(
                    choice("item", "", *(Choice(_letter(n), item, title) for n, (item, title) in enumerate(items))),
                    text("note", "Note (may stay empty)", required=False),
                ),
                confirm="tick",
            ),
            lambda given: [("item", intents.TickItem(item=given["item"], note=given["note"]))],
        )


def _letter(number: int) -> str:
    return "123456789abcdefgijklmnopqrstuvwxyz"[number % 34]


def _open_items(situation: Situation) -> list[tuple[str, str]]:
    plan = situation.session.plan
    ticks = situation.session.ticks
    return [(item.id, item.title) for item in plan.procedure.checklist if item.id not in ticks] if plan else []


class StartWithOverride(Command):
    """Starts the session although something is still open, with a reason: an exception in the record."""

    id = "start_override"
    title = "Start the session with an override"

    def available(self, situation: Situation) -> Available:
        """While it is planned and something is open."""
        refusal = situation.refusal(intents.StartSession())
        if refusal is None:
            return No("nothing is open: S starts")
        started = situation.session.phase != "planned"
        return YES if refusal.waivable else No("the session has started" if started else refusal.why)

    async def run(self, desk: Desk) -> None:
        """Show what is open, ask why, start."""
        await start_session(desk, override=True)
