"""The questions that the session asks people, one at a time: after a halt, after a crash, at a poll.

The next line says which one it is (`session/next_line/`); `ask_open` leads through all that stand between a halt and
what now. Used by several commands; holds no command itself.
"""

from __future__ import annotations

from collections.abc import Callable

from quarterdeck.console.commands.base import Desk
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Choice, Field, Form, choice, reason, text, word
from quarterdeck.console.names import command_line, name_of
from quarterdeck.procedure.far_side import REMOTE_UNKNOWN
from quarterdeck.session import forecast, intents, rollback
from quarterdeck.session.events import EFFECT_WORDS
from quarterdeck.session.intents import Intent
from quarterdeck.session.leftovers import open_left
from quarterdeck.session.next_line import next_line
from quarterdeck.session.state import Session
from quarterdeck.spans import span

__all__ = [
    "answered_by", "ask_effect", "ask_gone", "ask_left", "ask_open", "ask_poll", "ask_reason", "ask_undo",
    "what_now",
]  # fmt: skip


_ANSWERED_BY = {
    "gone": "declare_gone", "effect": "declare_effect", "left": "answer_left", "undo": "decide_undo",
    "poll": "answer_poll", "verify": "accept", "sign_off": "sign_off", "criterion": "answer_criterion",
    "end": "end_session",
}  # fmt: skip
_AFTER_A_HALT = frozenset({"manual", "gone", "effect", "reason", "left", "what_now"})


def answered_by(situation: Situation) -> str:
    """The command that answers what the next line asks; empty where it asks nothing that a bar answers."""
    session = situation.session
    if session.plan is None:
        return ""
    asked = next_line(session, situation.now, situation.me).question
    if asked in _AFTER_A_HALT and situation.halts():
        return "what_now"
    return _ANSWERED_BY.get(asked, "answer_poll" if situation.polls() else "")


async def ask_open(desk: Desk) -> bool:
    """Ask everything that is open, one bar after the other; False where the person left it or something refused."""
    for _ in range(1000):
        situation = desk.situation
        asked = next_line(situation.session, situation.now, situation.me)
        match asked.question:
            case "manual":
                done = await ask_manual(desk, asked.step)
            case "gone":
                done = await ask_gone(desk, asked.step)
            case "effect":
                done = await ask_effect(desk, asked.step)
            case "reason":
                done = await ask_reason(desk)
            case "undo":
                done = await ask_undo(desk, situation.undo_questions()[0])
            case "left":
                done = await ask_left(desk, asked.step)
            case _:
                return True
        if not done:
            return False
    return False


async def ask_manual(desk: Desk, step: str) -> bool:
    """A manual step ran when the halt came: not begun, partly, done (R5)."""
    answers = await desk.fill(
        Form(
            f"manual:{step}",
            f"{_of(desk.situation, step)}: how far was it when the halt came?",
            _earlier(desk.situation, step),
            fields=(
                choice(
                    "effect",
                    "",
                    Choice("1", "none", "not begun", "it can be started again"),
                    Choice("2", "partial", "partly done", "you pick later how its undo is done"),
                    Choice("3", "full", "done", "it is in the rollback list"),
                ),
            ),
            confirm="say so",
            moot=lambda now: "" if step in now.manual_questions() else "it is answered",
            deliberate=True,
            survives_halt=True,
        ),
        lambda given: [("effect", _declared(step, given))],
    )
    return answers is not None


async def ask_effect(desk: Desk, step: str) -> bool:
    """Did it change anything? Nothing, part, all, don't know (R6). Nothing, of what ran, is asked once more."""
    situation = desk.situation
    nothing = ("none", "whole")
    once_more = {said for said in nothing if situation.refusal(_declared(step, {"effect": said})) is not None}
    answers = await desk.fill(
        Form(
            f"effect:{step}",
            f"{_of(situation, step)}: did it change anything?",
            (*_earlier(situation, step), *_seen(situation, step)),
            fields=(
                choice("effect", "", *_effects(situation, step)),
                text("note", "How do you know? (may stay empty)", required=False),
            ),
            confirm="say so",
            moot=_said(step),
            survives_halt=True,
        ),
        lambda given: () if given["effect"] in once_more else [("effect", _declared(step, given))],
    )
    if answers is None:
        return False
    if answers["effect"] not in once_more:
        return True
    return await _ask_nothing(desk, step, answers["effect"], answers["note"])


async def _ask_nothing(desk: Desk, step: str, effect: str, note: str) -> bool:
    """A step that ran has changed nothing, is that so? Typed, since its undo leaves the rollback by it."""
    situation = desk.situation
    refusal = situation.refusal(_declared(step, {"effect": effect}))
    followed = next(offer.detail for offer in _effects(situation, step) if offer.value == effect)
    answers = await desk.fill(
        Form(
            f"nothing:{step}",
            refusal.why if refusal is not None else f"{name_of(situation.session, step)} changed nothing?",
            (*_seen(situation, step), followed),
            fields=(text("note", "How do you know?", initial=note), word("NOTHING")),
            confirm="it changed nothing",
            tone="danger",
            moot=_said(step),
            survives_halt=True,
        ),
        lambda given: [("note", _declared(step, {"effect": effect, "note": given["note"]}, sure=True))],
    )
    return answers is not None


def _said(step: str) -> Callable[[Situation], str]:
    """Why its effect need not be asked any more."""
    return lambda now: "" if now.run(step).effect == "unknown" else "it is answered"


def _of(situation: Situation, step: str) -> str:
    """The step that a question is about, and which of its attempts."""
    about = situation.run(step).asked_about
    return f"{name_of(situation.session, step)}{f' ({about})' if about else ''}"


def _earlier(situation: Situation, step: str) -> tuple[str, ...]:
    """What attempts before those that are asked about left, where they did."""
    left = situation.run(step).left
    return () if left == "none" else (f"before  an earlier attempt {EFFECT_WORDS[left]}, and that is not undone",)


def _seen(situation: Situation, step: str) -> list[str]:
    """What there is to judge by: how it ended, what it was to change, and the end of its output."""
    run, definition = situation.run(step), situation.step(step)
    ran = span(run.ended - run.started) if run.ended is not None and run.started is not None else ""
    lines = [f"ended   {run.reason or 'badly'}{f', after {ran}' if ran else ''}"]
    if definition is not None:
        if command := command_line(definition):
            lines.append(f"ran     {command}")
        elif definition.instructions:
            lines.append(f"was to  {definition.instructions.strip().splitlines()[0]}")
        if definition.targets:
            lines.append(f"touches {', '.join(definition.targets)}")
        if definition.changed is not None:
            lines.append("read    its `changed` check has not said it; the log says what it read")
    tail = situation.tails.get(step)
    output = [line for line in (tail.text if tail is not None else "").splitlines() if line.strip()]
    if run.runs and run.runs[-1].id:
        lines.append("output  its end:" if output else "output  none is here")
    return [*lines, *(f"  | {line}" for line in output[-OUTPUT:])]


OUTPUT = 5
"""Lines of a command's output that are shown where its effect is asked."""


def _effects(situation: Situation, step: str) -> tuple[Choice, ...]:
    """The answers, each with what follows from it for the rollback."""
    session, definition, left = situation.session, situation.step(step), situation.run(step).left
    now = rollback.preview(session)
    own = [item for item in now.items if item.undoes == step]
    titles = ", ".join(undo.title for undo in definition.undo) if definition is not None else ""
    if own:
        others, seconds = now.steps - len(own), now.seconds - sum(item.duration for item in own)
        rest = f"{others} undo of others, {span(seconds)} left" if others else "nothing is left to undo"
        none = f"its undo leaves the rollback ({titles}): {rest}"
        partial, full = f"you pick how it is undone: {titles}, by hand, or not", f"the rollback runs: {titles}"
        partial = full if left == "full" else partial
    else:
        stays = definition.undo_none if definition is not None else ""
        none, partial = "the rollback has nothing of it", f"it stays: {stays}" if stays else "nothing undoes it"
        full = partial
    there = "what the earlier attempt changed stays in the rollback"
    return (
        Choice("1", "none", "nothing", none if left == "none" else there),
        Choice("2", "partial", "part of it", partial),
        Choice("3", "full", "all of it", full),
        Choice("4", "unknown", "don't know", "it stays in the rollback, which then needs your waiver"),
        *([] if left == "none" else [Choice("5", "whole", "nothing, nor did any earlier attempt", none)]),
    )


def _declared(step: str, given: Answers, *, sure: bool = False) -> Intent:
    effect, note, whole = given["effect"], given.get("note", ""), given["effect"] == "whole"
    said = "none" if whole else effect
    return intents.DeclareEffect(step=step, effect=said, note=note, sure=sure, whole=whole)  # type: ignore[arg-type]  # from the choices


async def ask_gone(desk: Desk, step: str) -> bool:
    """Declare that what could not be stopped or proven gone is gone (R6)."""
    run = desk.situation.run(step)
    said = f"{REMOTE_UNKNOWN.capitalize()}: what it asked the other side for may still run."
    lines = run.survivors or (said,)
    answers = await desk.fill(
        Form(
            f"gone:{step}",
            f"{name_of(desk.situation.session, step)}: its end is not proven. Is it gone?",
            tuple(lines),
            fields=(text("note", "Look, then say how you know that it is gone"),),
            confirm="it is gone",
            tone="change",
            moot=lambda now: "" if now.run(step).unproven else "it is answered",
            survives_halt=True,
        ),
        lambda given: [("note", intents.DeclareGone(step=step, note=given["note"]))],
    )
    return answers is not None


async def ask_left(desk: Desk, step: str) -> bool:
    """Leave what its command left running, or end it: it may be production's own service."""
    runs = [run for owner, run in open_left(desk.situation.session) if owner.id == step]
    answers = await desk.fill(
        Form(
            f"left:{step}",
            f"{name_of(desk.situation.session, step)} left something running. Leave it or end it?",
            tuple(process for run in runs for process in run.left_open),
            fields=(
                choice(
                    "choice",
                    "",
                    Choice("1", "leave", "leave it", "it goes on; a halt ends only what it terminates"),
                    Choice("2", "end", "end it", "SIGTERM, and SIGKILL after 10 s; what it started goes with it"),
                ),
                text("note", "Why? (may stay empty)", required=False),
            ),
            confirm="say so",
            tone="change",
            moot=lambda now: "" if step in now.left_questions() else "it is answered",
            survives_halt=True,
        ),
        lambda given: [
            ("choice", intents.AnswerLeft(step=step, choice=given["choice"], note=given["note"]))  # type: ignore[arg-type]  # from the choices
        ],
    )
    return answers is not None


def halted_title(situation: Situation, question: str) -> str:
    """`Halted. Why?`, and of several sessions which one."""
    named = f"{situation.session.called} is halted" if situation.others else "Halted"
    return f"{named}{question}"


async def ask_reason(desk: Desk) -> bool:
    """Why was it halted? Needed before the next transition."""
    answers = await desk.fill(
        Form(
            "halt_reason",
            halted_title(desk.situation, ". Why?"),
            fields=(reason("One line for the record"),),
            confirm="save it",
            moot=lambda now: "" if now.reason_open() else "the reason is given",
            survives_halt=True,
        ),
        lambda given: [("reason", intents.GiveReason(reason=given["reason"]))],
    )
    return answers is not None


async def ask_undo(desk: Desk, step: str) -> bool:
    """For a partial or unknown effect: run its undo, by hand, or not needed (R6)."""
    situation = desk.situation
    session, effect = situation.session, situation.run(step).effect
    answers = await desk.fill(
        Form(
            f"undo:{step}",
            f"{name_of(session, step)} changed {'part' if effect == 'partial' else 'we do not know what'}: its undo?",
            (
                "An undo that was written for the whole change can harm half of one. Look first.",
                *_gone_lines(situation, step),
            ),
            fields=(
                choice(
                    "choice",
                    "",
                    Choice("1", "run", "run it", "as written"),
                    Choice("2", "by_hand", "by hand", "you do it and say done"),
                    Choice("3", "not_needed", "not needed", "with the reason, an exception"),
                ),
                Field("reason", "Why? (unless it is run)", when=lambda given: given.get("choice") != "run"),
            ),
            confirm="decide",
            tone="change",
            quick=True,
            moot=lambda now: "" if step in now.undo_questions() else "it is decided",
            survives_halt=True,
        ),
        lambda given: [
            ("reason", intents.DecideUndo(step=step, choice=given["choice"], reason=given["reason"]))  # type: ignore[arg-type]  # from the choices
        ],
    )
    return answers is not None


def _gone_lines(situation: Situation, step: str) -> list[str]:
    """What its `gone` check has read, where it has one."""
    definition, proof = situation.step(step), situation.run(step).gone
    if definition is None or definition.gone is None:
        return []
    if proof is None:
        return ["Whether its command is gone is being read."]
    word = "Its command is gone" if proof.ok else "Its command is NOT proven gone"
    return [f"{word}: {proof.title}: {proof.read or 'nothing'}"]


async def ask_poll(desk: Desk, step: str) -> bool:
    """The bar of a poll: its question, and for each role in turn go, no-go, go with a comment."""
    while True:
        situation = desk.situation
        definition = situation.step(step)
        poll = next((poll for poll in situation.polls() if poll.step == step), None)
        if definition is None or poll is None:
            return True
        open_roles = [role for role in definition.roles if role not in poll.answers]
        if not open_roles:
            return True
        role = open_roles[0]
        given = [
            f"{r}: {a.answer.replace('_', '-')}{' · ' + a.comment if a.comment else ''}"
            for r, a in poll.answers.items()
        ]

        def wishes(given: Answers, role: str = role) -> list[tuple[str, Intent]]:
            answer, comment = given["answer"], given["comment"]
            return [("answer", intents.AnswerPoll(step=step, role=role, answer=answer, comment=comment))]  # type: ignore[arg-type]  # from the choices

        answers = await desk.fill(
            Form(
                f"poll:{step}:{role}",
                definition.question or definition.title,
                (*given, *(f"Decided by: {line}" for line in definition.criteria)),
                large=f"{role}?",
                fields=(
                    choice(
                        "answer",
                        "",
                        Choice("g", "go", "go"),
                        Choice("n", "no_go", "no-go", "ends this attempt, with the reason"),
                        Choice("c", "go_with_comment", "go with a comment"),
                    ),
                    COMMENT,
                ),
                confirm="answer",
                tone="change",
                quick=True,
                moot=_poll_moot(step, poll.attempt, role),
            ),
            wishes,
        )
        if answers is None:
            return False


COMMENT = Field(
    "comment",
    "Comment (needed for no-go, and for go with a comment)",
    when=lambda given: given.get("answer") in {"no_go", "go_with_comment"},
)


def _poll_moot(step: str, attempt: int, role: str) -> Callable[[Situation], str]:
    def moot(now: Situation) -> str:
        for poll in now.polls():
            if poll.step == step and poll.attempt == attempt:
                return f"{role} has answered" if role in poll.answers else ""
        return "the poll is over"

    return moot


async def what_now(desk: Desk) -> bool:
    """After the questions: what now, each choice with its letter and its minutes (R11). Runs the picked command."""
    situation = desk.situation
    session, halts = situation.session, situation.halts()
    back = rollback.preview(session)
    last = last_with_effect(situation)
    step = situation.step(last)
    alone = span(sum(undo.duration for undo in step.undo)) if step else ""
    whole = f"roll back all: {back.parts if back.items else 'nothing to undo'}"
    other = [session.plan.steps[i].duration for i in session.plan.contingency] if session.plan else []
    offers: tuple[tuple[Choice, Intent], ...] = (
        (
            Choice("U", "undo_step", f"undo only {name_of(session, last)}, then pause", alone),
            intents.UndoStep(step=last, halts=halts, reason="?"),
        ),
        (
            Choice("B", "roll_back", whole, forecast.rollback_minutes(session, back.seconds)),
            intents.RollBack(halts=halts, typed="ROLLBACK", waiver="?"),
        ),
        (
            Choice("G", "go_on", _going_on(session), _rest_of_work(situation)),
            intents.GoOn(halts=halts, reason="?"),
        ),
        (
            Choice("C", "contingency", "contingency steps", span(sum(other))),
            intents.StartContingency(halts=halts, reason="?"),
        ),
        (
            Choice("Q", "abandon", "hand over and end here", "skips closing"),
            intents.Abandon(reason="?", handover="?", halts=halts),
        ),
    )
    answers = await desk.fill(
        Form(
            "what_now",
            halted_title(situation, ": what now?"),
            fields=(choice("what", "", *(offer for offer, intent in offers if situation.refusal(intent) is None)),),
            moot=lambda now: "" if now.halts() else "the halt is answered",
            survives_halt=True,
        )
    )
    if answers is None:
        return False
    await desk.perform(answers["what"])
    return True


def _going_on(session: Session) -> str:
    undoing = session.undoing
    return f"go on with the undo of {name_of(session, undoing)}" if undoing else "go on (lands in paused)"


def _rest_of_work(situation: Situation) -> str:
    last = forecast.last_end(situation.session, situation.now)
    return f"{span(last - situation.now)} of work left" if last > situation.now else ""


def last_with_effect(situation: Situation) -> str:
    """The latest started step of the forward plan with an effect that is there; empty where there is none."""
    run = rollback.latest(situation.session)
    return run.id if run is not None else ""
