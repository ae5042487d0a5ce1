"""What people and programs write reaches a reader as text, whatever it looks like."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_nights import whole_night

from quarterdeck.record.export import export_session
from quarterdeck.record.formats import svg
from quarterdeck.record.formats.escape import cell, fenced, markdown_text
from quarterdeck.text import block, in_full

CONTROLS = "".join(map(chr, [*range(32), *range(0x7F, 0xA0)]))
NASTY = [
    CONTROLS,
    "\x1b]0;owned\x07 \x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\ \x1b]52;c;aGk=\x07 \x1bP1$r\x1b\\",
    "\u202eright to left\u2066 isolate\u200b zero\ufeffwidth \u2028 \u2029",
    "a" + "\u0301" * 10_000,
    "👩‍👩‍👧‍👦 wide 中文",
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=alert(1)>",
    "\"><script>alert(1)</script>' onmouseover='alert(1)",
    "</title></style></pre></textarea><script>alert(1)</script><!-- <![CDATA[",
    "[x](javascript:alert(1)) ![y](http://evil/i.png) <http://evil> [r]: http://evil",
    "http://evil.example www.evil.example someone@evil.example mailto:x@y",
    "| a | b |\n|---|---|\n| c | d |",
    "# heading\n- item\n1. item\n> quote\n---\n===\n    code\n",
    "`code` ``` ```` ~~~ **bold** _em_ ~~gone~~ $math$ {{ 7*7 }} {% raw %}",
    "[/] [@click=app.quit]x[/] [bold red]",
    "&lt;script&gt; &#60;script&#62; &amp;",
    "\ud800 lone",
]
NASTY_ALL = "\n".join(NASTY).encode("utf-8", "replace").decode()


class Reader(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on") or (name in {"href", "src", "action"} and not str(value).startswith("#")):
                self.bad.append(f"{tag} {name}={value}")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A night in which everybody writes the worst, in each format."""
    home = tmp_path_factory.mktemp("hostile")
    folder = whole_night(home, NASTY_ALL).close()
    paths = export_session(folder, home / "out", ("json", "md", "html", "csv")).paths
    return {path.suffix[1:]: path.read_text(encoding="utf-8") for path in paths}


def test_a_hostile_night_makes_no_markup_in_the_page(hostile: dict[str, str], finished: Path, tmp_path: Path) -> None:
    calm = export_session(finished, tmp_path, ("html",)).paths[0].read_text()
    wanted, found = Reader(), Reader()
    wanted.feed(calm)
    found.feed(hostile["html"])
    assert found.tags == wanted.tags
    assert not found.tags & {"script", "iframe", "object", "embed", "link", "base", "form", "img"}
    assert found.bad == []


def test_the_page_forbids_everything_but_its_own_style(hostile: dict[str, str]) -> None:
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in hostile["html"]
    assert "prefers-color-scheme: dark" in hostile["html"]
    assert "@media print" in hostile["html"]
    assert not re.search(r"url\(|@import", hostile["html"].partition("</style>")[0])


@pytest.mark.parametrize("name", ["html", "md"])
def test_no_control_and_no_direction_character_reaches_a_reader(hostile: dict[str, str], name: str) -> None:
    found = set(hostile[name]) & set(CONTROLS + "\u202e\u2066\u200b\ufeff\u2028\u2029") - {"\n"}
    assert found == set()


def test_the_markdown_holds_no_link_no_markup_and_no_image(hostile: dict[str, str]) -> None:
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", hostile["md"], flags=re.DOTALL | re.MULTILINE)
    assert "<" not in outside
    assert "](" not in outside.replace("\\](", "")
    assert "://" not in outside
    assert "www." not in outside
    assert not re.search(r"(?<!\\)`", outside.rpartition("\n---\n")[0])  # the last line's are ours


def test_every_table_of_the_markdown_keeps_its_columns(hostile: dict[str, str]) -> None:
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", hostile["md"], flags=re.DOTALL | re.MULTILINE)
    columns = 0
    for line in outside.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        if cells and columns:
            assert cells == columns, line
        columns = cells


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_breaks_out_of_a_picture(nasty: str) -> None:
    reader = Reader()
    reader.feed(svg.text(1, 2, nasty, class_=nasty) + svg.rect(0, 0, 1, 1, nasty, fill=nasty))
    assert reader.tags == {"text", "rect", "title"}
    assert reader.bad == []


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_code_block_cannot_be_left(text: str) -> None:
    made = fenced(text).split("\n")
    fence = re.match(r"`+", made[0])
    assert fence is not None
    assert made[-1] == fence[0]
    assert not any(re.fullmatch(rf" {{0,3}}`{{{len(fence[0])},}}\s*", line) for line in made[1:-1])


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_shown_text_is_one_printable_line_and_hides_nothing(text: str) -> None:
    shown = in_full(text)
    assert "\n" not in shown
    assert all(character.isprintable() or character == " " for character in shown)
    assert markdown_text(text).count("\n") == 0
    assert all(character.isprintable() for character in block(text).replace("\n", ""))


def test_the_table_is_one_row_a_step_and_holds_no_formula(hostile: dict[str, str]) -> None:
    head, *rows = csv.reader(io.StringIO(hostile["csv"], newline=""))
    assert len(rows) == 10
    assert {len(row) for row in rows} == {len(head)}
    assert not [text for row in rows for text in row if text.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "|x", "%0A=1", '=cmd|" /C calc"!A0']
)
def test_no_csv_cell_begins_a_formula(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([cell(text)])
    written = next(csv.reader(io.StringIO(out.getvalue())))[0]
    assert written.lstrip()[0] not in "=+-@|%\t\r"
