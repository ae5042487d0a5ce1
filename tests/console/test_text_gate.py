"""Nothing that comes from files, commands or people reaches the terminal as anything but text."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from quarterdeck.console.terminal.filters import ColourlessFilter, SanitisingFilter, plain
from quarterdeck.text import block, visible

NASTY = {
    "bell": "a\x07b",
    "C0": "".join(map(chr, range(32))),
    "C1": "".join(map(chr, range(0x7F, 0xA0))),
    "clear screen": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "device control": "\x1bPq#0;2;0;0;0\x1b\\",
    "one-byte CSI": "\x9b31mred\x9b0m",
    "bidi": "safe\u202egnp.exe\u2066\u2069",
    "zero width": "ad\u200bmin\u2060\ufeff\u00ad",
    "combining": "e" + "\u0301" * 10_000,
    "only marks": "\u0301" * 50,
    "wide": "👩‍👩‍👧‍👦漢字" * 200,
    "flags": "🇩🇪🇫🇷",
    "closing markup": "[/]",
    "click markup": "[@click=app.quit]press me[/]",
    "style markup": "[bold red]x[/bold red]",
    "link markup": "[link=http://evil.example]x[/link]",
    "lone surrogate": "a\ud800b",
    "line separators": "a\u2028b\u2029c\x85d",
    "carriage return": "good\rbad ",
    "tags": "x\U000e0041\U000e0042",
    "long": "x" * 1_000_000,
    "many lines": "y\n" * 50_000,
}
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


@pytest.mark.parametrize("name", NASTY)
def test_one_line_is_harmless_and_short(name: str) -> None:
    shown = visible(NASTY[name], 100)
    assert not CONTROL.search(shown)
    assert len(shown) <= 100
    shown.encode("utf-8")


@pytest.mark.parametrize("name", NASTY)
def test_a_block_is_harmless_and_short(name: str) -> None:
    found = block(NASTY[name], 1_000).split("\n")
    assert not CONTROL.search("".join(found))
    assert sum(map(len, found)) < 10_000


@pytest.mark.parametrize("name", NASTY)
def test_widgets_get_text_and_no_markup(name: str) -> None:
    assert not plain(NASTY[name]).spans
    assert not CONTROL.search(plain(NASTY[name]).plain.replace("\n", ""))


def test_controls_and_directions_are_shown_as_what_they_are() -> None:
    assert visible("a\x1b[2Jb") == "a␛[2Jb"
    assert visible("a\x9bb") == "a<U+009B>b"
    assert visible("x\u202ey") == "x<U+202E>y"
    assert visible("one\ntwo\tthree") == "one ⏎ two    three"
    assert visible("[/]") == "[/]"


def test_marks_are_capped_and_letters_of_all_scripts_stay() -> None:
    assert visible("e" + "\u0301" * 10_000, 200).rstrip("…") == "e\u0301\u0301\u0301"
    assert visible("Żółć größer 漢字 עברית", 200) == "Żółć größer 漢字 עברית"


def test_what_is_cut_says_so() -> None:
    assert visible("x" * 500, 10) == "x" * 9 + "…"
    assert block("y" * 50, 20).split("\n")[-1] == "… 30 characters more"


@pytest.mark.parametrize("name", NASTY)
def test_the_last_wall_lets_no_control_character_through_and_keeps_widths(name: str) -> None:
    text = NASTY[name][:5_000]
    before = [Segment(text, Style(bold=True)), Segment("ok")]
    after = SanitisingFilter().apply(before, Color(0, 0, 0))
    assert not CONTROL.search("".join(segment.text for segment in after))
    assert cell_len(after[0].text) == cell_len(text)


def test_the_last_wall_lets_no_link_through() -> None:
    before = [Segment("x", Style(link="http://evil.example\x1b\\"))]
    after = SanitisingFilter().apply(before, Color(0, 0, 0))
    assert after[0].style is not None
    assert after[0].style.link is None


def test_no_color_leaves_attributes_alone() -> None:
    before = [Segment("x", Style(color="red", bgcolor="blue", bold=True, reverse=True))]
    (after,) = ColourlessFilter().apply(before, Color(0, 0, 0))
    assert after.style is not None
    assert (after.style.color, after.style.bgcolor) == (None, None)
    assert after.style.bold
    assert after.style.reverse
