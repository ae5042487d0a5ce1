"""What an intent leaves out means what it means in a procedure."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from sessionbook import Book

from quarterdeck.procedure import model
from quarterdeck.procedure.check import recompile
from quarterdeck.procedure.defaults import completed
from quarterdeck.procedure.model import NewStep, Step
from quarterdeck.session import intents as wanted
from quarterdeck.session.rollback import preview

STATED: tuple[dict[str, Any], ...] = (
    {},
    {"undo": [{"id": "u", "title": "U", "duration": 60}]},
    {"kind": "command", "command": ["true"], "undo": [{"id": "u", "title": "U", "kind": "command", "shell": "rm x"}]},
    {"kind": "command", "shell": "touch x", "owner": "dba", "undo": [{"id": "u", "title": "U"}]},
    {"kind": "command", "shell": "print(1)", "interpreter": "python3", "mutates": False},
    {"kind": "command", "shell": "true", "errexit": False, "on_halt": {"action": "ask"}},
    {"kind": "command", "shell": "true", "host": ["db1"], "undo": [{"id": "u", "title": "U", "command": ["true"]}]},
    {"undo": [{"id": "u", "title": "U", "idempotent": False}, {"id": "v", "title": "V", "owner": "dba"}]},
    {"mutates": False},
    {"kind": "check"},
    {"kind": "wait", "until": "window.start+20m"},
    {"kind": "note"},
)
"""Steps as JSON; in YAML they say the same but for `duration`."""


def whole(stated: dict[str, Any]) -> dict[str, Any]:
    undo = [{"duration": 60, **each} for each in stated.get("undo", ())]
    return {"id": "s", "title": "S", "duration": 60, **stated, **({"undo": undo} if undo else {})}


def in_yaml(stated: dict[str, Any]) -> dict[str, Any]:
    undo = [{**each, "duration": "60s"} for each in stated.get("undo", ())]
    return {**stated, "duration": "60s", **({"undo": undo} if undo else {})}


def without_lines(step: Step) -> Step:
    return msgspec.structs.replace(step, line=0, undo=tuple(without_lines(each) for each in step.undo))


@pytest.mark.parametrize("stated", STATED)
def test_an_added_step_has_the_defaults_of_the_format(stated: dict[str, Any]) -> None:
    said = msgspec.json.encode({"do": "AddStep", "step": whole(stated), "reason": "needed"})
    intent = msgspec.json.decode(said, type=wanted.Intent)
    again = msgspec.json.decode(msgspec.json.encode(intent), type=wanted.Intent)
    assert isinstance(again, wanted.AddStep)
    written = {
        "id": "p",
        "title": "P",
        "quarterdeck": 1,
        "revision": 1,
        "roles": {"dba": {"title": "DBA", "required": True}},
    }
    written["stages"] = [{"id": "t", "title": "T", "steps": [in_yaml(whole(stated))]}]
    loaded = recompile(msgspec.json.encode(written).decode(), {})
    assert loaded is not None
    assert completed(again.step) == without_lines(loaded.stages[0].steps[0])


def test_every_part_of_the_format_in_an_intent_keeps_what_was_left_out() -> None:
    parts = {each for each in vars(model).values() if isinstance(each, type) and issubclass(each, model.Model)}
    for intent in get_args(wanted.Intent):
        for name, kind in get_type_hints(intent).items():
            held = {kind, *get_args(kind)}
            assert not held & parts, f"{intent.__name__}.{name}: the wire leaves out what stands there as a default"
    assert get_type_hints(wanted.AddStep)["step"] is NewStep


def test_an_added_step_with_an_undo_enters_the_rollback_list() -> None:
    book = Book().begin()
    added = whole({"id": "port", "undo": [{"id": "shut", "title": "Shut it"}]})
    said = {"do": "AddStep", "step": added, "already_done": book.now, "reason": "needed"}
    book.ask(msgspec.convert(said, wanted.Intent))
    assert preview(book.session).items[0].step == "shut"
    assert book.step("port").effect == "full"


def test_a_whole_step_is_told_with_all_that_it_has() -> None:
    step = Step(id="s", title="S", kind="command", command=("true",), mutates=False)
    told = msgspec.json.decode(msgspec.json.encode(wanted.AddStep(step=step)), type=wanted.Intent)
    assert isinstance(told, wanted.AddStep)
    assert completed(told.step) == step


def test_an_undo_that_would_never_run_is_refused() -> None:
    added = whole({"mutates": False, "undo": [{"id": "u", "title": "U"}]})
    said = msgspec.convert({"do": "AddStep", "step": added, "reason": "needed"}, wanted.Intent)
    assert "would never run" in Book().begin().refused(said).why


def test_a_misspelt_field_of_an_added_step_is_no_intent() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `mutate`"):
        msgspec.convert({"do": "AddStep", "step": whole({"mutate": False}), "reason": "x"}, wanted.Intent)
