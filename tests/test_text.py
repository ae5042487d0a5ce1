"""Foreign text: nothing that is hidden or obeyed leaves any function of the gate, and screen and record agree."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quarterdeck.text import block, in_full, visible

GATES: dict[str, Callable[[str], str]] = {
    "a line that is cut": lambda text: visible(text, 40),
    "a whole line": in_full,
    "a whole block": block,
}
foreign = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"]),
        st.sampled_from("\r\n\t\x1b\x7f\u202e\u200b\u0301\ue000\u3164\ufe0f\U000e0101"),
    ),
    max_size=80,
)


@pytest.mark.parametrize("gate", GATES)
@given(text=foreign)
@example(text="\u0301" * 9)
@example(text="a\r\n\u0301b\rc" * 9)
def test_nothing_hidden_leaves_the_gate_and_what_left_it_stays(gate: str, text: str) -> None:
    shown = GATES[gate](text)
    lines = shown.split("\n") if gate == "a whole block" else [shown]
    assert all(character.isprintable() for line in lines for character in line)
    assert not {unicodedata.category(character)[0] for line in lines for character in line} & {"C"}
    assert not set(shown) & set("\u034f\u115f\u1160\u3164\uffa0\ufe0f\U000e0101")
    assert GATES[gate](shown) == shown


@given(foreign)
def test_a_line_break_is_the_same_however_it_is_written(text: str) -> None:
    unix = text.replace("\r\n", "\n").replace("\r", "")
    for gate in GATES.values():
        assert gate(unix.replace("\n", "\r\n")) == gate(unix)


@given(foreign, st.integers(2, 60))
def test_screen_and_record_show_the_same_up_to_the_cut(text: str, limit: int) -> None:
    shown, whole = visible(text, limit), in_full(text)
    assert len(shown) <= limit
    assert shown == whole or (shown[-1] == "…" and whole.startswith(shown[:-1]))


def test_each_kind_of_character_becomes_what_the_page_says() -> None:
    assert in_full("a\r\nb\nc") == "a ⏎ b ⏎ c"
    assert block("a\r\nb\rc") == "a\nb␍c"
    assert in_full("\x1b[2J\x7f\x9b\u202e\ue000\u200d\u3164") == "␛[2J␡<U+009B><U+202E><U+E000><U+200D><U+3164>"
    assert in_full("⚠\ufe0f a\u00a0b\tc") == "⚠ a b    c"
    assert block("x" * 1_010, 10) == "x" * 10 + "\n… 1,000 characters more"
