from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
import yaml
from jsonschema import Draft202012Validator
from msgspec import Struct

from quarterdeck.documents.attributes import FILLED_IN, attributes
from quarterdeck.documents.schema import Context, Shape
from quarterdeck.documents.strict_yaml import compose
from quarterdeck.procedure import model
from quarterdeck.procedure.format import PROCEDURE, SHAPES, STEP, fields_of, json_schema


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


@pytest.fixture
def document(example: str) -> Any:
    return yaml.safe_load(example)


def test_the_schema_is_one(validator: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(validator.schema)


def test_the_example_is_valid_for_editors_too(validator: Draft202012Validator, document: Any) -> None:
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize(
    "shape", [shape for shape in SHAPES.values() if shape is not PROCEDURE], ids=lambda it: it.name
)
def test_schema_and_reader_know_the_same_keys(shape: Shape) -> None:
    printed = json_schema()["$defs"][shape.name]
    assert set(printed["properties"]) == set(shape.fields)
    assert set(printed.get("required", [])) == {key for key, field in shape.fields.items() if field.required}
    assert printed["additionalProperties"] is False


def test_the_top_level_is_the_readers() -> None:
    assert set(json_schema()["properties"]) == set(PROCEDURE.fields)


def test_every_key_of_the_formats_step_table_is_known() -> None:
    table = """
        id title kind owner duration instructions command shell progress cwd env timeout interactive verify
        interpreter errexit leaves
        auto_start record after not_before start_by sign_off skippable on_fail on_halt on_crash mutates undo
        idempotent host become cleanup targets stop gone changed point_of_no_return expect_outage evidence links tags
        question roles quorum on_timeout criteria until release
    """
    assert set(STEP.fields) == set(table.split())


@pytest.mark.parametrize("part", [part for part in SHAPES if part not in (model.Expect, model.Target)])
def test_every_attribute_of_the_model_is_a_field_unless_the_program_fills_it_in(part: type[Struct]) -> None:
    written = {key for key, attribute in attributes(part).items() if FILLED_IN not in attribute.marks}
    own = {model.Procedure: {"quarterdeck"}, model.Stage: {"owner"}, model.Rollback: {"steps"}}
    assert set(SHAPES[part].fields) == written | own.get(part, set())


def test_a_new_attribute_is_read_printed_and_described_without_more_being_said() -> None:
    class Wider(model.Model, frozen=True, kw_only=True):
        """A part with fields of every sort."""

        cleanup: Annotated[bool, "runs whatever happened"] = False
        interpreter: Annotated[str, "what the script is for"] = "sh"
        leaves: Annotated[tuple[model.Pattern, ...], "what it leaves behind"] = ()
        within: Annotated[model.Duration, "at most"] = 90.0
        mode: Annotated[Literal["", "fast", "safe"], "how"] = ""
        links: Annotated[tuple[model.Link, ...], "where"] = ()

    fields = fields_of(Wider)
    context = Context("f")
    root = compose("{cleanup: yes, leaves: 'tmp.*', within: 2m, mode: safe, links: [{title: T, url: U}]}", "f", [])
    assert root is not None
    read = Shape("wider", fields, Wider).read(root, context, "")
    assert context.problems == []
    link = model.Link(title="T", url="U")
    assert read == Wider(cleanup=True, leaves=("tmp.*",), within=120.0, mode="safe", links=(link,))
    assert [field.description for field in fields.values()][:4] == [
        "runs whatever happened",
        "what the script is for (sh)",
        "what it leaves behind",
        "at most (1m30s)",
    ]
    assert fields["mode"].kind.words == ("fast", "safe")


@pytest.mark.parametrize(
    "change",
    [
        {"cadence": "yearly"},
        {"severity": 9},
        {"progress_every": 5},
        {"surprise": True},
        {"quarterdeck": 2},
        {"stages": []},
        {"rollback": {"steps": []}},
        {"guards": [{"id": "a"}]},
        {"criteria": [{"id": "a", "title": "A", "indicator": "data", "steps": ["x"], "asked": "lead"}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(
    validator: Draft202012Validator, document: Any, change: dict[str, Any]
) -> None:
    assert list(validator.iter_errors({**document, **change}))
