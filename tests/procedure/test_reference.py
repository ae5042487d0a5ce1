"""`docs/reference/`, held against the declarations.

`QUARTERDECK_REDRAW=1 python -m pytest tests/procedure/test_reference.py` draws the tables again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from quarterdeck.documents.attributes import attributes
from quarterdeck.procedure.checks import CHECKS, form_of
from quarterdeck.procedure.format import SHAPES
from quarterdeck.procedure.reference import redraw, tables

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
FILES = ("procedure.md", "checks.md")


def read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_the_reference_is_what_the_declarations_say(name: str) -> None:
    drawn = redraw(read(name))
    if os.environ.get("QUARTERDECK_REDRAW") == "1":
        (REFERENCE / name).write_text(drawn, encoding="utf-8")
    assert read(name) == drawn, "the declarations changed: draw the tables again, and read the prose around them"


def test_every_table_stands_in_the_reference_once() -> None:
    named = [name for file in FILES for name in re.findall(r"<!-- table: (.+) -->", read(file))]
    assert sorted(named) == sorted(tables())


@pytest.mark.parametrize("name", FILES)
def test_every_link_of_the_reference_leads_to_a_heading(name: str) -> None:
    for file, heading in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", read(name)):
        assert re.search(rf"^##+ {heading}$", read(file or name), re.MULTILINE), f"{file or name}#{heading}"


def test_every_field_and_every_option_has_its_sentence() -> None:
    fields = {f"{shape.name}.{key}": known.doc for shape in SHAPES.values() for key, known in shape.fields.items()}
    options = {f"{name}.{key}": it.doc for name, check in CHECKS.items() for key, it in attributes(check).items()}
    assert [name for name, doc in (fields | options).items() if not doc] == []


def test_every_type_of_check_says_what_it_watches_and_gives_a_status() -> None:
    for check in CHECKS.values():
        assert check.doc
        assert "status" in check.metrics
        assert all(form_of(option) for option in attributes(check).values())
