from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from quarterdeck.documents.reader import Shape
from quarterdeck.procedure.format import PROCEDURE, SHAPES, STEP, json_schema


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
        auto_start record after not_before start_by sign_off skippable on_fail on_halt on_crash mutates undo
        idempotent host become targets stop gone point_of_no_return expect_outage evidence links tags question
        roles quorum on_timeout criteria until release
    """
    assert set(STEP.fields) == set(table.split())


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
