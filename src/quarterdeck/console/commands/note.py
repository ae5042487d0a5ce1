"""What people add to the record while it happens: notes, evidence, values. Never refused, never in the way."""

from __future__ import annotations

from quarterdeck.console.commands.base import YES, Available, Command, Desk, No
from quarterdeck.console.context import Situation
from quarterdeck.console.forms import Answers, Choice, Form, choice, text
from quarterdeck.console.names import name_of
from quarterdeck.session import intents
from quarterdeck.session.intents import Intent

__all__ = ["Evidence", "Note", "Value", "added"]


class Note(Command):
    """Adds a note to the record, on the step that is under way or on the session."""

    id = "note"
    title = "Add a note"
    key = "n"
    any_case = True
    place = 8
    word = "note"

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        live = situation.live()
        step = situation.selected or (live[0] if live else "")
        about = name_of(situation.session, step) if step else "the session"
        await desk.fill(
            Form("note", f"Note on {about}", fields=(text("text", "Note"),), confirm="save", survives_halt=True),
            lambda given: [("text", intents.AddNote(text=given["text"], step=step))],
        )


def _target(situation: Situation) -> str:
    if situation.selected:
        return situation.selected
    live = situation.live()
    return live[0] if live else situation.named


class Evidence(Command):
    """Adds evidence to a step: a text, or a file that is stored with the record."""

    id = "evidence"
    title = "Add evidence to a step"

    def available(self, situation: Situation) -> Available:
        """While there is a step to add it to."""
        return YES if _target(situation) else No("no step is selected or under way")

    async def run(self, desk: Desk) -> None:
        """Ask for text or a file's path."""
        step = _target(desk.situation)
        await desk.fill(
            Form(
                f"evidence:{step}",
                f"Evidence for {name_of(desk.situation.session, step)}",
                fields=(
                    choice(
                        "what",
                        "",
                        Choice("t", "text", "a text"),
                        Choice("f", "file", "a file, by its path"),
                        initial="text",
                    ),
                    text("given", "Text, or path of the file"),
                ),
                confirm="save",
                survives_halt=True,
            ),
            lambda given: [("given", added(step, given["given"], is_file=given["what"] == "file"))],
        )


def added(step: str, given: str, *, is_file: bool) -> intents.AddEvidence:
    """Evidence of a step: a text, or the path of a file."""
    return intents.AddEvidence(step=step, path=given) if is_file else intents.AddEvidence(step=step, text=given)


class Value(Command):
    """Records a value that a step asks for."""

    id = "record_value"
    title = "Record a value of a step"

    def available(self, situation: Situation) -> Available:
        return YES if _asking(situation) else No("no step that was started asks for values")

    async def run(self, desk: Desk) -> None:
        situation = desk.situation
        step = await desk.which("Record a value of", _asking(situation))
        definition = situation.step(step) if step else None
        if definition is None:
            return
        known = situation.run(step).values

        def wishes(given: Answers) -> list[tuple[str, Intent]]:
            there = desk.situation.run(step).values
            changed = {name: value for name, value in given.items() if value and value != there.get(name)}
            return [(name, intents.RecordValue(step=step, name=name, value=v)) for name, v in changed.items()]

        await desk.fill(
            Form(
                f"value:{step}",
                f"Values of {name_of(situation.session, step)}",
                fields=tuple(
                    text(
                        wanted.name,
                        f"{wanted.title or wanted.name} {wanted.unit}".strip(),
                        required=False,
                        initial=known.get(wanted.name, ""),
                    )
                    for wanted in definition.record
                ),
                confirm="save",
            ),
            wishes,
        )


def _asking(situation: Situation) -> list[str]:
    if situation.is_over:
        return []
    runs = situation.session.steps.values()
    return [run.id for run in runs if run.sequence and (step := situation.step(run.id)) is not None and step.record]
