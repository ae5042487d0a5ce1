"""The field table of a step, and how a read step becomes a `model.Step`.

Defaults that depend on a step's surroundings (owner of its stage, the step before it) are filled in by
`defaults`; here only what the step says itself. Where a default is not the struct's own, "not written" is
kept as `None` in `Written`, so that the two are never confused.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from quarterdeck.documents.kinds import BOOLEAN, DURATION, ID, TEXT, TIME, Choice, Integer, Text
from quarterdeck.documents.nodes import Mapping, Node
from quarterdeck.documents.reader import MISSING, Context, Field, Later, ListOf, MapOf, Section, Shape
from quarterdeck.procedure import model
from quarterdeck.procedure.part_fields import ARGV, IDS, LINK, RECORD_FIELD, REGEX, TEXTS, VERIFY_ITEM

__all__ = ["STEP", "STEPS", "Written"]


class Written(Struct):
    """A step as far as its own mapping says; `defaults` completes it."""

    arguments: dict[str, Any]
    """Values for `model.Step`, only what was written."""
    undo: tuple[Written, ...]
    at: str
    """Its path in the document."""


class _Short:
    """The short form of `on_fail: pause`: makes the struct from the word alone."""

    def __init__(self, choice: Choice, make: type) -> None:
        self.choice = choice
        self.make = make
        self.blank: Any = MISSING

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Read the word."""
        word = self.choice.read(node, context, at)
        return MISSING if word is MISSING else self.make(action=word)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Print the choice."""
        return self.choice.schema(definitions)


_RETRY = Shape(
    "retry",
    {"max": Field(Integer(1, 1000), required=True), "every": Field(DURATION, "pause between two tries (5s)")},
    model.Retry,
    named="`retry`",
)
_FAIL = Choice("ask", "pause", "halt")
ON_FAIL = Shape(
    "on_fail",
    {"action": Field(_FAIL), "retry": Field(_RETRY)},
    model.OnFail,
    short=_Short(_FAIL, model.OnFail),
    named="`on_fail`",
)
_HALT = Choice("finish", "terminate", "ask")
ON_HALT = Shape(
    "on_halt",
    {"action": Field(_HALT, required=True), "grace": Field(DURATION, "until SIGKILL (10s)")},
    model.OnHalt,
    short=_Short(_HALT, model.OnHalt),
    named="`on_halt`",
)
_SIGN_OFF = Shape(
    "sign_off",
    {
        "role": Field(ID),
        "different_person": Field(BOOLEAN, "not who did the step"),
        "min": Field(Integer(1, 20)),
        "of": Field(IDS, "roles"),
    },
    model.SignOff,
    named="`sign_off`",
)
_PROGRESS = Shape(
    "progress",
    {"command": Field(ARGV, required=True), "every": Field(DURATION)},
    model.Progress,
    named="`progress`",
)
_OUTAGE = Shape(
    "expect_outage",
    {"target": Field(TEXT, required=True), "max": Field(DURATION, required=True)},
    model.ExpectOutage,
    named="`expect_outage`",
)


class _Undo:
    """`undo`: a list of steps, or `{none: reason}`."""

    blank: Any = MISSING
    none = Shape(
        "undo_none",
        {"none": Field(Text(called="the reason why nothing can be undone"), required=True)},
        named="`undo` without steps",
    )

    def read(self, node: Node, context: Context, at: str) -> Any:
        """Return a tuple of steps, or the reason as text."""
        if isinstance(node, Mapping):
            section = self.none.read(node, context, at)
            return section.get("none") or MISSING
        return STEPS.read(node, context, at)

    def schema(self, definitions: dict[str, Any]) -> dict[str, Any]:
        """Print both forms."""
        return {"anyOf": [STEPS.schema(definitions), self.none.schema(definitions)]}


def _step(section: Section) -> Written:
    """Sort the values: `undo` and `timeout` mean different things in different steps."""
    arguments = section.arguments("undo", "timeout", "become")
    undo = section.get("undo", ())
    if isinstance(undo, str):
        arguments["undo_none"] = undo
    if "timeout" in section.values:
        arguments["poll_timeout" if section.get("kind") == "poll" else "timeout"] = section.get("timeout")
    if "become" in section.values:
        arguments["become"] = section.get("become")
    arguments["line"] = section.node.line
    return Written(arguments, () if isinstance(undo, str) else undo, section.at)


_ENVIRONMENT = MapOf(Text(empty=True), key=r"[A-Za-z_][A-Za-z0-9_]*", key_called="a name of an environment variable")

STEP_FIELDS: dict[str, Field] = {
    "id": Field(ID, "unique over all lists", required=True),
    "title": Field(TEXT, "what is to be done, imperative", required=True),
    "kind": Field(Choice("manual", "command", "check", "wait", "poll", "note")),
    "owner": Field(ID, "a role (the stage's, else lead)"),
    "duration": Field(DURATION, "planned work time; required but for notes"),
    "instructions": Field(TEXT, "Markdown, shown whole"),
    "command": Field(ARGV, "argv; exit 0 and its verifications mean done"),
    "shell": Field(TEXT, "a script; values reach it as environment variables, secrets that it names too"),
    "interpreter": Field(TEXT, "runs the script: a program or a path, `bash`, `/usr/bin/env bash` (/bin/sh)"),
    "errexit": Field(BOOLEAN, "the script stops at its first failing line (true; not for other than shells)"),
    "leaves": Field(ListOf(REGEX, single=True), "command lines of what the command is meant to leave running"),
    "cwd": Field(TEXT, "folder to run in"),
    "env": Field(_ENVIRONMENT, "environment; secrets as `${name}` of a secret parameter"),
    "timeout": Field(DURATION, "ends the command; for a poll: unanswered until then"),
    "interactive": Field(BOOLEAN, "hands the terminal over"),
    "become": Field(Choice("root"), "through sudo"),
    "progress": Field(_PROGRESS, "a command that gives a percentage or a line"),
    "verify": Field(ListOf(VERIFY_ITEM), "what is read to see whether it is done"),
    "auto_start": Field(BOOLEAN, "starts by itself when it becomes available"),
    "record": Field(ListOf(RECORD_FIELD), "values from a person or from the output"),
    "after": Field(IDS, "ids that must be finished before (the step before)"),
    "not_before": Field(TIME, "earliest start"),
    "start_by": Field(TIME, "latest start"),
    "sign_off": Field(_SIGN_OFF, "{role, different_person} or {min, of}"),
    "skippable": Field(BOOLEAN, "may be skipped, with a reason"),
    "on_fail": Field(ON_FAIL),
    "on_halt": Field(ON_HALT),
    "on_crash": Field(Choice("keep", "kill"), "what happens to the command when its station dies"),
    "cleanup": Field(BOOLEAN, "its shells run their traps on TERM when it is terminated"),
    "mutates": Field(BOOLEAN, "it changes something (true for manual and command)"),
    "undo": Field(_Undo(), "steps that take it back, or {none: reason}"),
    "idempotent": Field(BOOLEAN, "may be repeated though it mutates"),
    "host": Field(TEXTS, "where its command must run"),
    "targets": Field(TEXTS, "hosts and services that it touches"),
    "stop": Field(ARGV, "argv that ends it on the far side"),
    "gone": Field(VERIFY_ITEM, "proves that nothing of it runs any more"),
    "point_of_no_return": Field(BOOLEAN, "at most one; directly after a poll"),
    "expect_outage": Field(_OUTAGE, "what it is expected to break, and how long"),
    "evidence": Field(Choice("text", "file", "output"), "what must be kept"),
    "links": Field(ListOf(LINK)),
    "tags": Field(TEXTS),
    "question": Field(TEXT, "poll: what is asked"),
    "roles": Field(IDS, "poll: who answers"),
    "quorum": Field(Integer(1, 100), "poll: how many `go` are enough (all)"),
    "on_timeout": Field(Choice("pause", "no_go"), "poll: what silence means"),
    "criteria": Field(TEXTS, "poll: what those asked should look at"),
    "until": Field(TEXT, "wait: a time, window.start+20m, or a condition"),
    "release": Field(ID, "wait: the role that may end it by hand"),
}
STEP = Shape("step", STEP_FIELDS, _step)
STEPS = ListOf(Later(lambda: STEP), called="a list of steps")
