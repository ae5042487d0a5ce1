"""The verbs that stop and let go on: halt, pause, go on, and the questions that follow a halt, one at a time.

Halt acts first and asks afterwards; everything else here asks the rule book before it is offered.
"""

from __future__ import annotations

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No, agreed, over_or
from quarterdeck.console.commands.questions import answered_by, ask_open, what_now
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Form, reason, text
from quarterdeck.console.names import name_of
from quarterdeck.session import intents
from quarterdeck.session.rules.answer import ways_on

__all__ = ["GoOn", "Halt", "LetterR", "Pause", "WhatNow", "go_on"]


class Halt(Command):
    r"""Stops everything at once, without a question.

    Nothing new starts, what runs gets its on_halt, every console turns to the rollback plan. A reason is asked
    for afterwards. Nobody can refuse it, and until a rollback is committed it can be taken back with G. F9
    works while you type, and so does Ctrl+\.
    """

    id = "halt"
    title = "HALT: stop everything at once"
    key = "H"
    everywhere = ("f9", "ctrl+backslash")
    place = 1
    word = "HALT"
    urgent = True

    def available(self, situation: Situation) -> Available:
        """In every state before the end (R1)."""
        return agreed(situation, intents.Halt(nonce="?"), over_or(situation, ""))

    async def run(self, desk: Desk) -> None:
        desk.halt()


class Pause(Command):
    """Nothing new starts; what runs goes on. Any seat may pause; the lead lets it go on with G."""

    id = "pause"
    title = "Pause: start nothing new"
    key = "P"
    place = 2
    word = "pause"

    def available(self, situation: Situation) -> Available:
        paused = situation.state in {"paused", "rollback_paused"}
        words = over_or(situation, "paused already; G goes on" if paused else "")
        return agreed(situation, intents.Pause(), words)

    async def run(self, desk: Desk) -> None:
        await desk.ask(intents.Pause())


class GoOn(Command):
    """Goes on.

    After a pause at once; after a halt with a reason, and then it lands in paused, while what has aged is read
    again; a second G starts the work. In a rollback that paused, it goes on undoing.
    """

    id = "go_on"
    title = "Go on"
    key = "G"
    place = 3
    word = "go on"

    def available(self, situation: Situation) -> Available:
        stands = situation.halts() or situation.state in {"paused", "rollback_paused"}
        words = over_or(situation, "" if stands else "nothing is paused or halted")
        return agreed(situation, _intent(situation, "?", "?", "?"), words)

    async def run(self, desk: Desk) -> None:
        await go_on(desk)


def _intent(situation: Situation, why: str, accept: str = "", override: str = "") -> intents.GoOn:
    return intents.GoOn(halts=situation.halts(), reason=why, accept=accept, override=override)


async def go_on(desk: Desk) -> bool:
    """Ask what going on needs in one bar, then go on. False where it was left or refused."""
    situation = desk.situation
    session = situation.session
    halted = bool(situation.halts())
    failed = [step for step, ok in session.rechecks.items() if ok is False]
    held = [guard for guard in session.holding if not _overridden(situation, guard)]
    in_plan = session.phase == "running"
    lines: list[str] = []
    fields = []
    if halted:
        lines.append(
            "The rollback goes on at once."
            if session.phase == "rolling_back"
            else f"The undo of {name_of(session, session.undoing)} goes on, then it is PAUSED."
            if session.undoing
            else "It lands in PAUSED; what has aged is read again. A second G starts the work."
        )
        fields.append(reason("Why is it safe to go on?"))
    if failed and not halted:
        names = ", ".join(failed)
        lines.append(f"Read again and not right: {names}. Going on accepts that (an exception).")
        fields.append(text("accept", "Why is it accepted?"))
    if held and in_plan and not halted:
        lines += [f"Still so: {session.holding[guard]}" for guard in held]
        fields.append(text("override", "Why go on all the same? (overrides the guard, an exception)"))
    answers: dict[str, str] = {}
    if fields:
        form = Form(
            "go_on",
            "Go on",
            tuple(lines),
            fields=tuple(fields),
            confirm="go on",
            tone="change",
            moot=lambda now: (
                "" if now.halts() or now.state in {"paused", "rollback_paused"} else "it goes on already"
            ),
            survives_halt=halted,
        )
        filled = await desk.fill(form)
        if filled is None:
            return False
        answers = filled
    if situation.reason_open() and answers.get("reason"):
        await desk.ask(intents.GiveReason(reason=answers["reason"]))
    for _ in range(len(_WAIVERS) + 1):
        given = (answers.get("reason", ""), answers.get("accept", ""), answers.get("override", ""))
        answer = await desk.ask(_intent(desk.situation, *given), offers=True)
        if not answer.refusal or answer.waivable not in _WAIVERS or answers.get(answer.waivable):
            return not answer.refusal
        why = await desk.fill(_waiver(answer.waivable, answer.refusal))
        if why is None:
            return False
        answers[answer.waivable] = why["reason"]
    return False


_WAIVERS = {"accept": "Why is it accepted? (an exception)", "override": "Why go on all the same? (an exception)"}


def _waiver(what: str, why: str) -> Form:
    title = why[0].upper() + why[1:]
    return Form(f"go_on:{what}", title, fields=(reason(_WAIVERS[what]),), confirm="go on", tone="change")


def _overridden(situation: Situation, guard: str) -> bool:
    until = situation.session.overrides.get(guard)
    return until is not None and (until == 0 or until > situation.now)


class WhatNow(Command):
    """After a halt: what running steps did, why it was halted, and then what now, each choice with its minutes."""

    id = "what_now"
    title = "After a halt: what now?"

    def available(self, situation: Situation) -> Available:
        """While it is asked: what still runs comes first."""
        if not situation.halts():
            return No("nothing is halted")
        return YES if answered_by(situation) == self.id else No("something still runs: T stops it now")

    async def run(self, desk: Desk) -> None:
        """Lead through it, one question at a time."""
        if await ask_open(desk):
            await what_now(desk)


class LetterR(Command):
    """R alone does nothing, on purpose: G goes on, and B rolls back while that is possible."""

    id = "letter_r"
    title = "R: say which key goes on and which rolls back"
    key = "R"
    any_case = True
    in_palette = False
    of_view = True

    async def run(self, desk: Desk) -> None:
        desk.say(ways_on(desk.situation.session))
