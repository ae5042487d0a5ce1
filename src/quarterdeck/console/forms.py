"""What a bar asks, as data: a title, lines, fields. Frozen, without a widget; `console/screens/form_bar.py` shows it.

Commands make forms, and say of the answers what they wish to happen; plain mode asks the same forms line by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from quarterdeck.console.context import Situation
from quarterdeck.session.intents import Intent

__all__ = ["Answers", "Choice", "Field", "Form", "Wishes", "choice", "missing", "reason", "text", "word"]

Answers = dict[str, str]
Wishes = Callable[[Answers], Iterable[tuple[str, Intent]]]
"""What a filled form asks of the station, in order, each with the field that is to blame for a refusal (empty: the
whole form). Called again after a refusal: what was taken already must not come again."""


class Choice(Struct, frozen=True):
    """One of several answers."""

    key: str
    """The key that picks it."""
    value: str
    label: str
    detail: str = ""
    """What it means, in minutes where it has some."""


class Field(Struct, frozen=True):
    """One thing to fill in."""

    name: str
    label: str
    kind: Literal["text", "word", "choice"] = "text"
    required: bool = True
    initial: str = ""
    choices: tuple[Choice, ...] = ()
    expected: str = ""
    """Of a `word`: what has to be typed, letter by letter."""
    check: Callable[[str], str] | None = None
    """Says what is wrong with a text, or nothing."""
    when: Callable[[Answers], bool] | None = None
    """Whether it has to be filled in, given the answers so far."""


class Form(Struct, frozen=True):
    """One bar."""

    id: str
    """Of its draft: what was typed when events closed it is there again next time."""
    title: str
    lines: tuple[str, ...] = ()
    large: str = ""
    """Shown largest: where something will run."""
    fields: tuple[Field, ...] = ()
    confirm: str = "pick"
    """What Enter does."""
    tone: Literal["plain", "change", "danger"] = "plain"
    moot: Callable[[Situation], str] | None = None
    """Why it need not be asked any more, or nothing."""
    quick: bool = False
    """A pick is enough where nothing else is needed; otherwise the next field can be filled in first."""
    deliberate: bool = False
    """A pick alone does nothing: Enter is pressed as well, wherever the fields end."""
    survives_halt: bool = False
    """A halt closes every other bar (R1)."""


def text(
    name: str, label: str, *, required: bool = True, initial: str = "", check: Callable[[str], str] | None = None
) -> Field:
    """A line of text."""
    return Field(name, label, "text", required, initial, check=check)


def reason(label: str = "Why?") -> Field:
    """A reason, which nothing replaces."""
    return Field("reason", label)


def word(expected: str) -> Field:
    """A word that has to be typed: never Enter alone."""
    return Field("word", f"Type {expected}, in capital letters, to do it", "word", expected=expected)


def choice(name: str, label: str, *choices: Choice, initial: str = "") -> Field:
    """One of several answers."""
    return Field(name, label, "choice", initial=initial, choices=choices)


_COMMITS = frozenset({"ROLLBACK", "ABANDON"})
"""Words that something is committed by: typed where a reason is asked they are no reason, but typed a field early."""


def missing(form: Form, answers: Answers) -> tuple[str, str]:
    """The first field that is not right yet, and what is wrong with it; two empty texts where all is well."""
    for entry in form.fields:
        given = answers.get(entry.name, "").strip()
        needed = entry.when(answers) if entry.when else entry.required
        if entry.kind == "word" and given != entry.expected:
            return entry.name, f"type {entry.expected} in capital letters, nothing else"
        if needed and not given:
            label = entry.label.rstrip("?: ")
            return entry.name, f"{label}: needed" if label else "pick one of these"
        if entry.kind == "text" and given.upper() in {*_COMMITS, *(other.expected for other in form.fields)} - {""}:
            return (
                entry.name,
                f"{given.upper()} is typed in its own field, which asks for it; this is another one",
            )
        if given and entry.check and (wrong := entry.check(given)):
            return entry.name, wrong
        if given and entry.choices and given not in {option.value for option in entry.choices}:
            return entry.name, "pick one"
    return "", ""
