from __future__ import annotations

from typing import Annotated

from msgspec import NODEFAULT, Struct, field, json

from quarterdeck.documents.attributes import FILLED_IN, REQUIRED, Default, Names, attributes, first_line
from quarterdeck.documents.kinds import DURATION


class Pane(Struct, frozen=True, kw_only=True):
    """One pane (R7).

    Of a layout.
    """

    name: Annotated[str, "what it is called"]
    every: Annotated[float, DURATION, Default("as often as its target"), "how often"] = 5.0
    for_: Annotated[dict[str, str], Names("[a-z]+", "a name"), "by name"] = field(default_factory=dict, name="for")
    width: Annotated[int, REQUIRED] = 3
    plain: bool = False
    line: Annotated[int, FILLED_IN] = 0


def test_an_attribute_is_read_from_its_annotation() -> None:
    found = attributes(Pane)
    assert list(found) == ["name", "every", "for", "width", "plain", "line"]
    assert [it.name for it in found.values()] == ["name", "every", "for_", "width", "plain", "line"]
    assert [it.doc for it in found.values()] == ["what it is called", "how often", "by name", "", "", ""]
    assert [it.required for it in found.values()] == [True, False, False, True, False, False]
    assert (found["name"].type, found["name"].default) == (str, NODEFAULT)
    assert found["every"].marks == (DURATION, Default("as often as its target"))
    assert found["every"].mark(Default) == Default("as often as its target")
    assert found["every"].mark(Names) is None
    assert (found["for"].type, found["for"].default) == (dict[str, str], {})
    assert FILLED_IN in found["line"].marks


def test_marks_are_nothing_to_msgspec() -> None:
    pane = Pane(name="a", every=1.5, for_={"x": "y"})
    assert json.decode(json.encode(pane), type=Pane) == pane


def test_the_first_line_is_for_people() -> None:
    assert first_line(Pane) == "One pane."
